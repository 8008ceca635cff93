/* sqlite.c - see sqlite.h: connections, statements, transactions and the schema. */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    APPLICATION_ID = 0x54696d62, /* "Timb", in the file's header: tells our file from other programs' */
    WAL_TRIES = 500,             /* 10 ms apart */
};

/* migrations[n] takes the schema from user_version n to n + 1. A published one is never edited. */
static const char *const migrations[] = {
    /* 1: as docs/STORE.md describes. Blobs lie in tables of their own, so that noting a use rewrites a short row. */
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE accounts(id INTEGER PRIMARY KEY AUTOINCREMENT, created_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE keys(number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " account INTEGER NOT NULL REFERENCES accounts(id), hint TEXT NOT NULL, label TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL, revoked_ms INTEGER) STRICT;"
    "CREATE INDEX keys_by_hint ON keys(hint);"
    "CREATE TABLE voices(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " account INTEGER NOT NULL REFERENCES accounts(id), target_model TEXT NOT NULL, language TEXT NOT NULL,"
    " engine TEXT NOT NULL, created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL)"
    " STRICT;"
    "CREATE INDEX voices_by_account ON voices(account, created_ms DESC, id);"
    "CREATE INDEX voices_by_use ON voices(used_ms);"
    "CREATE TABLE prints(voice INTEGER PRIMARY KEY REFERENCES voices(number) ON DELETE CASCADE,"
    " bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE recordings(voice INTEGER PRIMARY KEY REFERENCES voices(number) ON DELETE CASCADE,"
    " bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE usage(account INTEGER NOT NULL REFERENCES accounts(id), day INTEGER NOT NULL,"
    " voices_created INTEGER NOT NULL, requests INTEGER NOT NULL, characters INTEGER NOT NULL,"
    " audio_ms INTEGER NOT NULL, PRIMARY KEY(account, day)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE files(name TEXT PRIMARY KEY, expires_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX files_by_expiry ON files(expires_ms);"
    "INSERT INTO meta VALUES('keys_version', 1);"
    "PRAGMA application_id = 0x54696d62;"
    "PRAGMA user_version = 1;",
    /* 2: a voice has a print for each engine that has to speak with it, and a recording the text that came along. */
    "CREATE TABLE prints_of_engines(voice INTEGER NOT NULL REFERENCES voices(number) ON DELETE CASCADE,"
    " engine TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY(voice, engine)) STRICT;"
    "INSERT INTO prints_of_engines SELECT voice, engine, bytes FROM prints JOIN voices ON number = voice;"
    "DROP TABLE prints;"
    "ALTER TABLE prints_of_engines RENAME TO prints;"
    "ALTER TABLE recordings ADD COLUMN text TEXT NOT NULL DEFAULT '';"
    "PRAGMA user_version = 2;",
    /* 3: what the enrolment found out about the recording, for whoever looks at the voice later. */
    "ALTER TABLE voices ADD COLUMN likeness_permille INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE voices ADD COLUMN advice TEXT NOT NULL DEFAULT '';"
    "PRAGMA user_version = 3;",
};
enum { SCHEMA_VERSION = sizeof migrations / sizeof *migrations };

enum tb_code tb_db_fail(struct tb_db *db, int sqlite_rc, const char *doing, struct tb_error *err)
{
    int primary = sqlite_rc & 0xff;
    enum tb_code code = primary == SQLITE_BUSY || primary == SQLITE_LOCKED ? TB_EBUSY
                        : primary == SQLITE_NOMEM                          ? TB_ENOMEM
                        : primary == SQLITE_TOOBIG                         ? TB_ETOOBIG
                                                                           : TB_EIO;

    return tb_fail(err, code, "%s: %s: %s", db->path, doing,
                   db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(sqlite_rc));
}

/* Turning WAL on is the one thing that SQLite's busy handler does not wait for when two processes open at once. */
static enum tb_code use_wal(struct tb_db *db, struct tb_error *err)
{
    for (int i = 0; i < WAL_TRIES; i++) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
        bool on = false;

        if (rc == SQLITE_OK)
            rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
            on = strcmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
        sqlite3_finalize(stmt);
        if (on)
            return TB_OK;
        if (rc == SQLITE_ROW)
            return tb_fail(err, TB_EIO, "%s: this file system cannot hold a write-ahead log (a network folder?)",
                           db->path);
        if ((rc & 0xff) != SQLITE_BUSY)
            return tb_db_fail(db, rc, "open", err);
        usleep(10000);
    }
    return tb_fail(err, TB_EBUSY, "%s: locked by another process", db->path);
}

static enum tb_code exec(struct tb_db *db, const char *sql, const char *doing, struct tb_error *err)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? TB_OK : tb_db_fail(db, rc, doing, err);
}

enum tb_code tb_db_open(struct tb_db *db, const char *path, int busy_ms, struct tb_error *err)
{
    /* Made by us with 0600 first: SQLite gives its -wal and -shm files the mode of the database. Never opened when it
     * is there: closing any descriptor of a file drops all POSIX locks that this process holds on it, and another
     * process would then take itself for the only one and remove the -wal under us. */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc;
    enum tb_code code;

    *db = (struct tb_db){ .path = path };
    if (fd < 0 && errno != EEXIST)
        return tb_fail(err, TB_EIO, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    pthread_mutex_init(&db->lock, NULL);

    rc = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        code = tb_db_fail(db, rc, "open", err);
    } else {
        sqlite3_extended_result_codes(db->handle, 1);
        sqlite3_busy_timeout(db->handle, busy_ms);
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        code = use_wal(db, err);
    }
    if (!code) /* secure_delete: a deleted voice print is overwritten and not only unlinked */
        code = exec(db,
                    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;"
                    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
                    "settings", err);
    if (code)
        tb_db_close(db);
    return code;
}

void tb_db_close(struct tb_db *db)
{
    if (!db->path)
        return;
    for (size_t i = 0; i < db->prepared_count; i++)
        sqlite3_finalize(db->prepared[i].stmt);
    sqlite3_close(db->handle);
    pthread_mutex_destroy(&db->lock);
    *db = (struct tb_db){ 0 };
}

enum tb_code tb_db_migrate(struct tb_db *db, struct tb_error *err)
{
    int64_t version = 0, id = 0;
    enum tb_code rc = tb_db_begin(db, err);

    if (rc)
        return rc;
    if (!(rc = tb_db_int(db, &version, err, "PRAGMA user_version", "")))
        rc = tb_db_int(db, &id, err, "PRAGMA application_id", "");
    if (!rc && id != (version ? APPLICATION_ID : 0))
        rc = tb_fail(err, TB_EIO, "%s: a database of another program (application id %lld)", db->path, (long long)id);
    if (!rc && (version < 0 || version > SCHEMA_VERSION))
        rc = tb_fail(err, TB_EIO, "%s: schema %lld was made by a newer program; this one knows up to %d", db->path,
                     (long long)version, SCHEMA_VERSION);
    while (!rc && version < SCHEMA_VERSION)
        rc = exec(db, migrations[version++], "make the tables", err);
    return tb_db_end(db, rc, err);
}

/* Statements ------------------------------------------------------------------------------------------------------*/

static enum tb_code prepare(struct tb_db *db, const char *sql, sqlite3_stmt **out, struct tb_error *err)
{
    int rc;

    for (size_t i = 0; i < db->prepared_count; i++)
        if (db->prepared[i].sql == sql) {
            *out = db->prepared[i].stmt;
            return TB_OK;
        }
    if (db->prepared_count == TB_DB_STATEMENTS)
        return tb_fail(err, TB_EINTERNAL, "more than %d statements", TB_DB_STATEMENTS);
    rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (rc != SQLITE_OK)
        return tb_db_fail(db, rc, "prepare", err);
    db->prepared[db->prepared_count].sql = sql;
    db->prepared[db->prepared_count++].stmt = *out;
    return TB_OK;
}

static int bind_one(sqlite3_stmt *stmt, int at, char type, va_list *ap)
{
    struct tb_str s;

    switch (type) {
    case 'i':
        return sqlite3_bind_int64(stmt, at, va_arg(*ap, int64_t));
    case 'z':
        return sqlite3_bind_text(stmt, at, va_arg(*ap, const char *), -1, SQLITE_STATIC);
    case 's':
        s = va_arg(*ap, struct tb_str);
        return sqlite3_bind_text64(stmt, at, s.n ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
    default:
        s = va_arg(*ap, struct tb_str);
        return sqlite3_bind_blob64(stmt, at, s.n ? s.p : "", s.n, SQLITE_STATIC);
    }
}

static enum tb_code query(struct tb_db *db, sqlite3_stmt **out, struct tb_error *err, const char *sql,
                          const char *types, va_list *ap)
{
    enum tb_code code;
    int rc = SQLITE_OK;

    *out = NULL;
    if ((code = prepare(db, sql, out, err)))
        return code;
    for (int i = 0; types[i] && rc == SQLITE_OK; i++)
        rc = bind_one(*out, i + 1, types[i], ap);
    if (rc == SQLITE_OK)
        return TB_OK;
    code = tb_db_fail(db, rc, "bind", err);
    tb_db_done(*out);
    *out = NULL;
    return code;
}

enum tb_code tb_db_query(struct tb_db *db, sqlite3_stmt **out, struct tb_error *err, const char *sql,
                         const char *types, ...)
{
    va_list ap;
    enum tb_code rc;

    va_start(ap, types);
    rc = query(db, out, err, sql, types, &ap);
    va_end(ap);
    return rc;
}

enum tb_code tb_db_step(struct tb_db *db, sqlite3_stmt *stmt, bool *row, struct tb_error *err)
{
    int rc = sqlite3_step(stmt);

    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? TB_OK : tb_db_fail(db, rc, "read or write", err);
}

void tb_db_done(sqlite3_stmt *stmt)
{
    if (stmt) {
        sqlite3_reset(stmt);
        sqlite3_clear_bindings(stmt);
    }
}

enum tb_code tb_db_run(struct tb_db *db, struct tb_error *err, const char *sql, const char *types, ...)
{
    sqlite3_stmt *stmt;
    bool row = true;
    va_list ap;
    enum tb_code rc;

    va_start(ap, types);
    rc = query(db, &stmt, err, sql, types, &ap);
    va_end(ap);
    while (!rc && row)
        rc = tb_db_step(db, stmt, &row, err);
    tb_db_done(stmt);
    return rc;
}

/* Step to the end, into an array that grows: a page may be asked for a million rows and hold ten. */
static enum tb_code read_rows(struct tb_db *db, sqlite3_stmt *stmt, struct tb_rows *out, size_t size,
                              void (*read)(sqlite3_stmt *stmt, void *row), struct tb_error *err)
{
    size_t room = 0;
    bool row = true;
    enum tb_code rc;

    while (!(rc = tb_db_step(db, stmt, &row, err)) && row) {
        if (out->n == room) {
            void *more = realloc(out->p, (room = room ? room * 2 : 16) * size);

            if (!more)
                return tb_fail(err, TB_ENOMEM, "%zu rows", room);
            out->p = more;
        }
        read(stmt, (char *)out->p + out->n++ * size);
    }
    return rc;
}

enum tb_code tb_db_rows(struct tb_db *db, struct tb_rows *out, size_t size,
                        void (*read)(sqlite3_stmt *stmt, void *row), struct tb_error *err, const char *sql,
                        const char *types, ...)
{
    sqlite3_stmt *stmt;
    va_list ap;
    enum tb_code rc;

    *out = (struct tb_rows){ 0 };
    va_start(ap, types);
    rc = query(db, &stmt, err, sql, types, &ap);
    va_end(ap);
    if (!rc && (rc = read_rows(db, stmt, out, size, read, err))) {
        free(out->p);
        *out = (struct tb_rows){ 0 };
    }
    tb_db_done(stmt);
    return rc;
}

enum tb_code tb_db_int(struct tb_db *db, int64_t *out, struct tb_error *err, const char *sql, const char *types, ...)
{
    sqlite3_stmt *stmt;
    bool row = false;
    va_list ap;
    enum tb_code rc;

    va_start(ap, types);
    rc = query(db, &stmt, err, sql, types, &ap);
    va_end(ap);
    if (!rc)
        rc = tb_db_step(db, stmt, &row, err);
    if (!rc && row)
        *out = sqlite3_column_int64(stmt, 0);
    tb_db_done(stmt);
    return rc ? rc : row ? TB_OK : TB_ENOTFOUND;
}

enum tb_code tb_db_begin(struct tb_db *db, struct tb_error *err)
{
    return tb_db_run(db, err, "BEGIN IMMEDIATE", "");
}

enum tb_code tb_db_end(struct tb_db *db, enum tb_code rc, struct tb_error *err)
{
    if (!rc)
        rc = tb_db_run(db, err, "COMMIT", "");
    if (rc && !sqlite3_get_autocommit(db->handle))
        tb_db_run(db, NULL, "ROLLBACK", "");
    return rc;
}

void tb_db_text(sqlite3_stmt *stmt, int column, char *out, size_t size)
{
    const unsigned char *text = sqlite3_column_text(stmt, column);

    snprintf(out, size, "%s", text ? (const char *)text : "");
}

enum tb_code tb_store_random(void *out, size_t n, struct tb_error *err)
{
    if (getrandom(out, n, 0) != (ssize_t)n) /* up to 256 bytes come in one piece */
        return tb_fail(err, TB_EIO, "no random bytes: %s", strerror(errno));
    return TB_OK;
}

void tb_store_hex(const uint8_t *p, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = "0123456789abcdef"[p[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
    }
    out[2 * n] = 0;
}
