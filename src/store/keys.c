/* keys.c - API keys: made, taken over, listed, revoked, and found without touching the disk.
 *
 * A key is stored as its SHA-256: it has 192 random bits of its own, so a slow password hash would protect nothing and
 * cost every request. All keys in force lie sorted in memory; each change bumps meta.keys_version, and a process looks
 * at that number once a second, or at once when it does not know a key, so that a key made or revoked by the command
 * line counts in a running server. */
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/sqlite.h"

enum { KEY_RANDOM = 24, CHECK_EVERY_US = 1000000 };

static struct tb_str hash_str(const uint8_t hash[TB_HASH_SIZE])
{
    return (struct tb_str){ (const char *)hash, TB_HASH_SIZE };
}

static void hash_key(struct tb_str key, uint8_t out[TB_HASH_SIZE])
{
    SHA256((const unsigned char *)key.p, key.n, out);
}

/* Of our own keys 24 of 192 bits show; of a short one that an operator chose, its two first characters. */
static void make_hint(struct tb_str key, char out[24])
{
    if (key.n >= 32)
        snprintf(out, 24, "%.7s...%.2s", key.p, key.p + key.n - 2);
    else
        snprintf(out, 24, "%.2s...", key.p);
}

/* The table in memory ---------------------------------------------------------------------------------------------*/

static int by_hash(const void *a, const void *b)
{
    return memcmp(((const struct tb_key_entry *)a)->hash, ((const struct tb_key_entry *)b)->hash, TB_HASH_SIZE);
}

static void read_entry(sqlite3_stmt *stmt, void *row)
{
    struct tb_key_entry *k = row;
    const void *hash = sqlite3_column_blob(stmt, 0);

    *k = (struct tb_key_entry){ .account = sqlite3_column_int64(stmt, 1) };
    if (hash) /* no memory: a hash that no key has */
        memcpy(k->hash, hash, sizeof k->hash);
}

/* Bring the table up to date when the database's version is another. The reader is locked. */
static enum tb_code refresh_locked(struct tb_store *store, struct tb_error *err)
{
    struct tb_key_table *t = &store->keys;
    struct tb_key_entry *old;
    struct tb_rows rows;
    int64_t version = 0;
    enum tb_code rc = tb_db_int(&store->reader, &version, err, "SELECT value FROM meta WHERE name = 'keys_version'",
                                "");

    if (rc == TB_ENOTFOUND)
        return tb_fail(err, TB_EIO, "%s: meta has no keys_version", store->path);
    if (rc)
        return rc;
    atomic_store(&t->checked_us, tb_mono_us());
    if (version == t->version)
        return TB_OK;
    /* Version first, keys second: a change between the two makes the next look read them once more, never too few. */
    if ((rc = tb_db_rows(&store->reader, &rows, sizeof *old, read_entry, err,
                         "SELECT hash, account FROM keys WHERE revoked_ms IS NULL AND length(hash) = ?1 ORDER BY hash",
                         "i", (int64_t)TB_HASH_SIZE)))
        return rc;
    pthread_rwlock_wrlock(&t->lock);
    old = t->entries;
    t->entries = rows.p;
    t->count = rows.n;
    pthread_rwlock_unlock(&t->lock);
    t->version = version;
    free(old);
    return TB_OK;
}

static enum tb_code refresh(struct tb_store *store, struct tb_error *err)
{
    enum tb_code rc;

    tb_db_lock(&store->reader);
    rc = refresh_locked(store, err);
    tb_db_unlock(&store->reader);
    return rc;
}

static bool look_up(struct tb_key_table *t, const uint8_t hash[TB_HASH_SIZE], int64_t *account)
{
    struct tb_key_entry want = { .account = 0 };
    const struct tb_key_entry *found;

    memcpy(want.hash, hash, TB_HASH_SIZE);
    pthread_rwlock_rdlock(&t->lock);
    found = t->count ? bsearch(&want, t->entries, t->count, sizeof want, by_hash) : NULL;
    if (found)
        *account = found->account;
    pthread_rwlock_unlock(&t->lock);
    return found != NULL;
}

enum tb_code tb_keys_load(struct tb_store *store, struct tb_error *err)
{
    store->keys.version = -1;
    return refresh(store, err);
}

void tb_keys_free(struct tb_store *store)
{
    free(store->keys.entries);
    store->keys.entries = NULL;
    store->keys.count = 0;
}

enum tb_code tb_store_key_find(struct tb_store *store, struct tb_str key, int64_t *account, struct tb_error *err)
{
    struct tb_key_table *t = &store->keys;
    uint8_t hash[TB_HASH_SIZE];
    enum tb_code rc;

    *account = 0;
    if (key.n < TB_MIN_KEY || key.n > TB_MAX_KEY)
        return tb_fail(err, TB_ENOTFOUND, "unknown key");
    hash_key(key, hash);
    /* A known key does not wait for a reader that is busy, nor fail with it: the next request looks again. */
    if (tb_mono_us() - atomic_load(&t->checked_us) >= CHECK_EVERY_US &&
        pthread_mutex_trylock(&store->reader.lock) == 0) {
        refresh_locked(store, NULL);
        tb_db_unlock(&store->reader);
    }
    if (look_up(t, hash, account))
        return TB_OK;
    if ((rc = refresh(store, err)))
        return rc;
    return look_up(t, hash, account) ? TB_OK : tb_fail(err, TB_ENOTFOUND, "unknown key");
}

/* Changes ---------------------------------------------------------------------------------------------------------*/

static enum tb_code bump_version(struct tb_db *db, struct tb_error *err)
{
    return tb_db_run(db, err, "UPDATE meta SET value = value + 1 WHERE name = 'keys_version'", "");
}

/* An account for a new key: the one given when it exists, else a fresh one. Inside a transaction. */
static enum tb_code account_for(struct tb_db *db, int64_t account, int64_t *out, struct tb_error *err)
{
    enum tb_code rc;

    *out = account;
    if (account > 0) {
        rc = tb_db_int(db, out, err, "SELECT id FROM accounts WHERE id = ?1", "i", account);
        return rc == TB_ENOTFOUND ? tb_fail(err, TB_ENOTFOUND, "no account %lld", (long long)account) : rc;
    }
    rc = tb_db_run(db, err, "INSERT INTO accounts(created_ms) VALUES(?1)", "i", tb_now_ms());
    *out = sqlite3_last_insert_rowid(db->handle);
    return rc;
}

/* Inside a transaction. label is cut to what tb_key_info holds. */
static enum tb_code insert_key(struct tb_db *db, struct tb_str key, const char *label, int64_t account,
                               struct tb_error *err)
{
    uint8_t hash[TB_HASH_SIZE];
    char hint[24];
    struct tb_str shown = tb_str_of(label);
    enum tb_code rc;

    hash_key(key, hash);
    make_hint(key, hint);
    if (shown.n > sizeof((struct tb_key_info *)0)->label - 1)
        shown.n = sizeof((struct tb_key_info *)0)->label - 1;
    while (shown.n && ((unsigned char)shown.p[shown.n] & 0xc0) == 0x80)
        shown.n--; /* not in the middle of a character */
    rc = tb_db_run(db, err, "INSERT INTO keys(hash, account, hint, label, created_ms) VALUES(?1, ?2, ?3, ?4, ?5)",
                   "bizsi", hash_str(hash), account, hint, shown, tb_now_ms());
    return rc ? rc : bump_version(db, err);
}

enum tb_code tb_store_key_add(struct tb_store *store, const char *label, int64_t account, char key_out[64],
                              struct tb_error *err)
{
    uint8_t random[KEY_RANDOM];
    int64_t owner;
    enum tb_code rc = tb_store_random(random, sizeof random, err);

    key_out[0] = 0;
    if (rc)
        return rc;
    char key[3 + 2 * KEY_RANDOM + 1] = "sk-";

    tb_store_hex(random, sizeof random, key + 3);
    tb_db_lock(&store->writer);
    if (!(rc = tb_db_begin(&store->writer, err))) {
        rc = account_for(&store->writer, account, &owner, err);
        if (!rc)
            rc = insert_key(&store->writer, tb_str_of(key), label, owner, err);
        rc = tb_db_end(&store->writer, rc, err);
    }
    tb_db_unlock(&store->writer);
    if (!rc)
        rc = refresh(store, err);
    if (!rc)
        memcpy(key_out, key, sizeof key);
    return rc;
}

/* The account of a key that is there; TB_ENOTFOUND without text when it is not. Inside a transaction. */
static enum tb_code account_of(struct tb_db *db, struct tb_str hash, const char *hint, int64_t *account,
                               struct tb_error *err)
{
    int64_t active;
    enum tb_code rc = tb_db_int(db, account, err, "SELECT account FROM keys WHERE hash = ?1", "b", hash);

    if (rc)
        return rc;
    rc = tb_db_int(db, &active, err, "SELECT 1 FROM keys WHERE hash = ?1 AND revoked_ms IS NULL", "b", hash);
    return rc == TB_ENOTFOUND ? tb_fail(err, TB_EINVAL, "key %s has been revoked", hint) : rc;
}

enum tb_code tb_store_key_import(struct tb_store *store, const char *key, const char *label, int64_t *account,
                                 struct tb_error *err)
{
    struct tb_db *db = &store->writer;
    struct tb_str text = tb_str_of(key);
    uint8_t hash[TB_HASH_SIZE];
    char hint[24];
    enum tb_code rc;

    *account = 0;
    if (text.n < TB_MIN_KEY || text.n > TB_MAX_KEY)
        return tb_fail(err, TB_EINVAL, "a key of %zu characters; %d to %d are needed", text.n, TB_MIN_KEY, TB_MAX_KEY);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~')
            return tb_fail(err, TB_EINVAL, "key: character %zu is not a printable ASCII one", i + 1);
    hash_key(text, hash);
    make_hint(text, hint);
    tb_db_lock(db);
    if (!(rc = tb_db_begin(db, err))) {
        rc = account_of(db, hash_str(hash), hint, account, err);
        if (rc == TB_ENOTFOUND && !(rc = account_for(db, 0, account, err)))
            rc = insert_key(db, text, label, *account, err);
        rc = tb_db_end(db, rc, err);
    }
    tb_db_unlock(db);
    if (!rc)
        rc = refresh(store, err);
    if (rc)
        *account = 0;
    return rc;
}

/* Which key in force does a person mean? Inside a transaction. */
static enum tb_code number_of(struct tb_db *db, const char *which, int64_t *number, struct tb_error *err)
{
    struct tb_str text = tb_str_of(which);
    uint8_t hash[TB_HASH_SIZE];
    int64_t several = 0;
    enum tb_code rc;

    hash_key(text, hash);
    rc = tb_db_int(db, number, err, "SELECT number FROM keys WHERE hash = ?1 AND revoked_ms IS NULL", "b",
                   hash_str(hash));
    if (rc != TB_ENOTFOUND)
        return rc;
    rc = tb_db_int(db, &several, err, "SELECT count(*) FROM keys WHERE hint = ?1 AND revoked_ms IS NULL", "s", text);
    if (!rc && several > 1)
        return tb_fail(err, TB_EINVAL, "%lld keys look like that; give the whole key", (long long)several);
    if (!rc)
        rc = tb_db_int(db, number, err, "SELECT number FROM keys WHERE hint = ?1 AND revoked_ms IS NULL", "s", text);
    /* The text may be a whole key with a slip in it: it is not repeated. */
    return rc == TB_ENOTFOUND ? tb_fail(err, TB_ENOTFOUND, "no key in force looks like that") : rc;
}

enum tb_code tb_store_key_revoke(struct tb_store *store, const char *which, struct tb_error *err)
{
    struct tb_db *db = &store->writer;
    int64_t number;
    enum tb_code rc;

    tb_db_lock(db);
    if (!(rc = tb_db_begin(db, err))) {
        if (!(rc = number_of(db, which, &number, err)))
            rc = tb_db_run(db, err, "UPDATE keys SET revoked_ms = ?1 WHERE number = ?2", "ii", tb_now_ms(), number);
        if (!rc)
            rc = bump_version(db, err);
        rc = tb_db_end(db, rc, err);
    }
    tb_db_unlock(db);
    return rc ? rc : refresh(store, err);
}

static void read_key(sqlite3_stmt *stmt, void *row)
{
    struct tb_key_info *k = row;

    *k = (struct tb_key_info){ .account = sqlite3_column_int64(stmt, 0),
                               .created_ms = sqlite3_column_int64(stmt, 3),
                               .revoked = sqlite3_column_int(stmt, 4) != 0 };
    tb_db_text(stmt, 1, k->hint, sizeof k->hint);
    tb_db_text(stmt, 2, k->label, sizeof k->label);
}

enum tb_code tb_store_key_list(struct tb_store *store, struct tb_key_info **out, size_t *count, struct tb_error *err)
{
    struct tb_db *db = &store->reader;
    struct tb_rows rows;
    enum tb_code rc;

    tb_db_lock(db);
    rc = tb_db_rows(db, &rows, sizeof **out, read_key, err,
                    "SELECT account, hint, label, created_ms, revoked_ms IS NOT NULL FROM keys"
                    " ORDER BY created_ms, number", "");
    tb_db_unlock(db);
    *out = rows.p;
    *count = rows.n;
    return rc;
}
