/* sqlite.h - inside src/store: the connections, their prepared statements, and what a store is made of.
 *
 * A store has two connections: the writer, for everything that changes rows, and the reader, so that a look at a key
 * or a voice never waits for another thread's fsync. Each has a lock; a statement is used only while it is held:
 *
 *     tb_db_lock(db);
 *     rc = tb_db_begin(db, err);
 *     if (!rc)
 *         rc = tb_db_run(db, err, "DELETE FROM voices WHERE account = ?1 AND id = ?2", "is", account, id);
 *     rc = tb_db_end(db, rc, err);
 *     tb_db_unlock(db);
 *
 * SQL text is always a literal and values are always bound. */
#ifndef TB_STORE_SQLITE_H
#define TB_STORE_SQLITE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "store/store.h"

enum {
    TB_DB_STATEMENTS = 48, /* more than there are literals in src/store */
    TB_HASH_SIZE = 32,     /* SHA-256 */
    TB_SECRET_SIZE = 32
};

struct tb_db {
    pthread_mutex_t lock;
    sqlite3 *handle;
    const char *path; /* the store's; for messages */
    struct {
        const char *sql; /* the literal itself is the key */
        sqlite3_stmt *stmt;
    } prepared[TB_DB_STATEMENTS];
    size_t prepared_count;
};

/* A key that opens an account. */
struct tb_key_entry {
    uint8_t hash[TB_HASH_SIZE];
    int64_t account;
};

/* All keys that are not revoked, sorted by hash. version is that of the database when they were read. */
struct tb_key_table {
    pthread_rwlock_t lock;
    struct tb_key_entry *entries;
    size_t count;
    int64_t version;            /* guarded by the reader's lock */
    _Atomic int64_t checked_us; /* tb_mono_us() of the last look at the database's version */
};

struct tb_store {
    char *dir;
    char *path; /* DIR/timbre.db */
    struct tb_db writer, reader;
    struct tb_key_table keys;
    uint8_t secret[TB_SECRET_SIZE]; /* signs audio URLs */
};

/* Open path (made if missing) with the settings that store.h promises. On failure *db is closed. */
enum tb_code tb_db_open(struct tb_db *db, const char *path, int busy_ms, struct tb_error *err);
void tb_db_close(struct tb_db *db);
/* Bring the schema up to date, in one transaction. */
enum tb_code tb_db_migrate(struct tb_db *db, struct tb_error *err);

static inline void tb_db_lock(struct tb_db *db)
{
    pthread_mutex_lock(&db->lock);
}
static inline void tb_db_unlock(struct tb_db *db)
{
    pthread_mutex_unlock(&db->lock);
}

/* The error of the connection's last call: path, `doing`, and SQLite's own message. */
enum tb_code tb_db_fail(struct tb_db *db, int sqlite_rc, const char *doing, struct tb_error *err);

/* A statement ready to step, its parameters bound in order. types has a letter for each: i int64_t, z const char *,
 * s struct tb_str (text), b struct tb_str (blob). What is bound must live until tb_db_done. */
enum tb_code tb_db_query(struct tb_db *db, sqlite3_stmt **out, struct tb_error *err, const char *sql,
                         const char *types, ...);
/* The next row; *row is false after the last. */
enum tb_code tb_db_step(struct tb_db *db, sqlite3_stmt *stmt, bool *row, struct tb_error *err);
/* Give a statement back. NULL is fine. */
void tb_db_done(sqlite3_stmt *stmt);
/* Query, step to the end, done. */
enum tb_code tb_db_run(struct tb_db *db, struct tb_error *err, const char *sql, const char *types, ...);
/* What run leaves out: all rows, each of `size` bytes as `read` fills them. Release out->p with free(). */
struct tb_rows {
    void *p; /* NULL: there are none */
    size_t n;
};
enum tb_code tb_db_rows(struct tb_db *db, struct tb_rows *out, size_t size,
                        void (*read)(sqlite3_stmt *stmt, void *row), struct tb_error *err, const char *sql,
                        const char *types, ...);
/* As run, for one integer of one row; TB_ENOTFOUND without text when there is no row. */
enum tb_code tb_db_int(struct tb_db *db, int64_t *out, struct tb_error *err, const char *sql, const char *types, ...);

/* A transaction that may write; it waits for other processes' now and not halfway. */
enum tb_code tb_db_begin(struct tb_db *db, struct tb_error *err);
/* Commit when rc is TB_OK, else roll back; gives rc, or the failure to commit. */
enum tb_code tb_db_end(struct tb_db *db, enum tb_code rc, struct tb_error *err);

/* Copy a text column; it is cut where it would not fit. */
void tb_db_text(sqlite3_stmt *stmt, int column, char *out, size_t size);

/* Random bytes of the kernel's. */
enum tb_code tb_store_random(void *out, size_t n, struct tb_error *err);
/* n bytes as 2n lower-case hex digits and a NUL. */
void tb_store_hex(const uint8_t *p, size_t n, char *out);

/* keys.c: read all keys for the first time; free them. */
enum tb_code tb_keys_load(struct tb_store *store, struct tb_error *err);
void tb_keys_free(struct tb_store *store);
/* usage.c: store.h's usage_add, inside a transaction of the caller's. */
enum tb_code tb_usage_add_locked(struct tb_db *db, const struct tb_usage *more, struct tb_error *err);
/* voices.c: TB_EVOICE with its text. */
enum tb_code tb_store_no_voice(struct tb_str id, struct tb_error *err);
/* files.c: read the secret, or make it on the first opening. */
enum tb_code tb_files_load_secret(struct tb_store *store, struct tb_error *err);

#endif
