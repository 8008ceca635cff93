/* files.c - audio files that signed URLs point to: DIR/files/<first two digits>/<32 hex>.<extension>.
 *
 * The row comes first and the file second, so that a crash at any point leaves at worst a row whose file is missing or
 * unfinished, and the sweep removes both. The file is written under another name, synced and renamed: whoever can open
 * it sees all of it. A URL's right to a file is an HMAC-SHA256 over "name:expires" with a secret that never leaves the
 * database; checking it needs no row. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "store/sqlite.h"

enum { NAME_DIGITS = 32, MAX_EXTENSION = 8, MAX_FILE_NAME = 64, SIGNATURE = 43, SWEEP_BATCH = 64 };

enum tb_code tb_files_load_secret(struct tb_store *store, struct tb_error *err)
{
    struct tb_db *db = &store->writer;
    uint8_t fresh[TB_SECRET_SIZE];
    struct tb_str bytes = { (const char *)fresh, sizeof fresh };
    sqlite3_stmt *stmt = NULL;
    bool row = false;
    enum tb_code rc = tb_store_random(fresh, sizeof fresh, err);

    if (rc)
        return rc;
    tb_db_lock(db);
    rc = tb_db_run(db, err, "INSERT OR IGNORE INTO meta(name, value) VALUES('url_secret', ?1)", "b", bytes);
    if (!rc)
        rc = tb_db_query(db, &stmt, err, "SELECT value FROM meta WHERE name = 'url_secret'", "");
    if (!rc)
        rc = tb_db_step(db, stmt, &row, err);
    if (!rc && (!row || sqlite3_column_bytes(stmt, 0) != TB_SECRET_SIZE))
        rc = tb_fail(err, TB_EIO, "%s: meta.url_secret is not %d bytes", store->path, TB_SECRET_SIZE);
    if (!rc)
        memcpy(store->secret, sqlite3_column_blob(stmt, 0), TB_SECRET_SIZE);
    tb_db_done(stmt);
    tb_db_unlock(db);
    return rc;
}

/* Is it a name that we could have given? Nothing else ever becomes part of a path. */
static bool name_ok(struct tb_str name)
{
    if (name.n < NAME_DIGITS + 2 || name.n > NAME_DIGITS + 1 + MAX_EXTENSION || name.p[NAME_DIGITS] != '.')
        return false;
    for (size_t i = 0; i < NAME_DIGITS; i++)
        if (!isdigit((unsigned char)name.p[i]) && !(name.p[i] >= 'a' && name.p[i] <= 'f'))
            return false;
    for (size_t i = NAME_DIGITS + 1; i < name.n; i++)
        if (!isdigit((unsigned char)name.p[i]) && !(name.p[i] >= 'a' && name.p[i] <= 'z'))
            return false;
    return true;
}

/* suffix: "" or ".part". NULL when out of memory; release with free(). */
static char *path_of(const struct tb_store *store, const char *name, const char *suffix)
{
    char *path;

    return asprintf(&path, "%s/files/%.2s/%s%s", store->dir, name, name, suffix) < 0 ? NULL : path;
}

static enum tb_code make_folders(const struct tb_store *store, const char *name, struct tb_error *err)
{
    char *top = NULL, *sub = NULL;
    enum tb_code rc = TB_OK;

    if (asprintf(&top, "%s/files", store->dir) < 0 || asprintf(&sub, "%s/files/%.2s", store->dir, name) < 0)
        rc = tb_fail(err, TB_ENOMEM, "folder of %s", name);
    else if ((mkdir(top, 0700) && errno != EEXIST) || (mkdir(sub, 0700) && errno != EEXIST))
        rc = tb_fail(err, TB_EIO, "%s: cannot make the folder: %s", sub, strerror(errno));
    free(top);
    free(sub);
    return rc;
}

/* All of bytes, on the disk. */
static enum tb_code write_file(const char *path, struct tb_str bytes, struct tb_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t done = 0;
    bool ok = fd >= 0;

    while (ok && done < bytes.n) {
        ssize_t n = write(fd, bytes.p + done, bytes.n - done);

        if (n > 0)
            done += (size_t)n;
        else
            ok = n < 0 && errno == EINTR;
    }
    if (ok && fsync(fd))
        ok = false;
    enum tb_code rc = ok ? TB_OK : tb_fail(err, TB_EIO, "%s: cannot write: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return rc;
}

static enum tb_code write_and_rename(struct tb_store *store, const char *name, struct tb_str bytes,
                                     struct tb_error *err)
{
    char *path = path_of(store, name, ""), *part = path_of(store, name, ".part");
    enum tb_code rc = path && part ? make_folders(store, name, err) : tb_fail(err, TB_ENOMEM, "path of %s", name);

    if (!rc && !(rc = write_file(part, bytes, err)) && rename(part, path))
        rc = tb_fail(err, TB_EIO, "%s: cannot rename to: %s", path, strerror(errno));
    if (rc && part)
        unlink(part);
    free(path);
    free(part);
    return rc;
}

enum tb_code tb_store_file_put(struct tb_store *store, struct tb_str bytes, const char *extension, int64_t expires_ms,
                               char name_out[64], struct tb_error *err)
{
    struct tb_db *db = &store->writer;
    uint8_t random[NAME_DIGITS / 2];
    char name[MAX_FILE_NAME];
    enum tb_code rc;

    name_out[0] = 0;
    if ((rc = tb_store_random(random, sizeof random, err)))
        return rc;
    tb_store_hex(random, sizeof random, name);
    snprintf(name + NAME_DIGITS, sizeof name - NAME_DIGITS, ".%s", extension);
    if (!name_ok(tb_str_of(name)))
        return tb_fail(err, TB_EINVAL, "file name extension '%.20s'", extension);

    tb_db_lock(db);
    rc = tb_db_run(db, err, "INSERT INTO files(name, expires_ms) VALUES(?1, ?2)", "zi", name, expires_ms);
    tb_db_unlock(db);
    if (rc)
        return rc;
    if ((rc = write_and_rename(store, name, bytes, err))) {
        tb_db_lock(db);
        tb_db_run(db, NULL, "DELETE FROM files WHERE name = ?1", "z", name);
        tb_db_unlock(db);
        return rc;
    }
    memcpy(name_out, name, sizeof name);
    return TB_OK;
}

static void sign(const struct tb_store *store, struct tb_str name, int64_t expires_s, char out[48])
{
    char text[MAX_FILE_NAME + 32];
    uint8_t mac[32];
    unsigned size = sizeof mac;
    int n = snprintf(text, sizeof text, "%.*s:%lld", (int)name.n, name.p, (long long)expires_s);

    HMAC(EVP_sha256(), store->secret, sizeof store->secret, (const unsigned char *)text, (size_t)n, mac, &size);
    tb_base64url(mac, sizeof mac, out);
}

void tb_store_file_sign(struct tb_store *store, const char *name, int64_t expires_s, char out[48])
{
    struct tb_str text = tb_str_of(name);

    if (name_ok(text))
        sign(store, text, expires_s, out);
    else
        out[0] = 0; /* fits nothing */
}

enum tb_code tb_store_file_find(struct tb_store *store, struct tb_str name, int64_t expires_s, struct tb_str signature,
                                char **path, struct tb_error *err)
{
    char want[48], text[MAX_FILE_NAME];

    *path = NULL;
    if (!name_ok(name) || signature.n != SIGNATURE)
        return tb_fail(err, TB_ENOTFOUND, "no such file");
    sign(store, name, expires_s, want);
    if (CRYPTO_memcmp(want, signature.p, SIGNATURE) != 0 || expires_s <= tb_now_ms() / 1000)
        return tb_fail(err, TB_ENOTFOUND, "no such file");
    snprintf(text, sizeof text, "%.*s", (int)name.n, name.p);
    if (!(*path = path_of(store, text, "")))
        return tb_fail(err, TB_ENOMEM, "path of %s", text);
    if (access(*path, R_OK) == 0)
        return TB_OK;
    free(*path);
    *path = NULL;
    return tb_fail(err, TB_ENOTFOUND, "no such file");
}

/* Up to SWEEP_BATCH expired names after `last`, in order. */
static enum tb_code expired_names(struct tb_store *store, int64_t now_ms, const char *last,
                                  char names[SWEEP_BATCH][MAX_FILE_NAME], size_t *count, struct tb_error *err)
{
    struct tb_db *db = &store->reader;
    sqlite3_stmt *stmt;
    bool row = true;
    enum tb_code rc;

    *count = 0;
    tb_db_lock(db);
    rc = tb_db_query(db, &stmt, err,
                     "SELECT name FROM files WHERE expires_ms <= ?1 AND name > ?2 ORDER BY name LIMIT ?3", "izi",
                     now_ms, last, (int64_t)SWEEP_BATCH);
    while (!rc && !(rc = tb_db_step(db, stmt, &row, err)) && row)
        tb_db_text(stmt, 0, names[(*count)++], MAX_FILE_NAME);
    tb_db_done(stmt);
    tb_db_unlock(db);
    return rc;
}

/* The file first and the row second: what cannot be removed now is tried again at the next sweep. */
static enum tb_code remove_one(struct tb_store *store, const char *name, struct tb_error *err)
{
    char *path = path_of(store, name, ""), *part = path_of(store, name, ".part");
    enum tb_code rc = TB_OK;

    if (!path || !part)
        rc = tb_fail(err, TB_ENOMEM, "path of %s", name);
    else if ((unlink(path) && errno != ENOENT) || (unlink(part) && errno != ENOENT))
        rc = tb_fail(err, TB_EIO, "%s: cannot remove: %s", path, strerror(errno));
    free(path);
    free(part);
    if (rc)
        return rc;
    tb_db_lock(&store->writer);
    rc = tb_db_run(&store->writer, err, "DELETE FROM files WHERE name = ?1", "z", name);
    tb_db_unlock(&store->writer);
    return rc;
}

enum tb_code tb_store_file_sweep(struct tb_store *store, int64_t now_ms, int64_t *deleted, struct tb_error *err)
{
    char names[SWEEP_BATCH][MAX_FILE_NAME], last[MAX_FILE_NAME] = "";
    enum tb_code rc = TB_OK, failed = TB_OK;
    size_t count = SWEEP_BATCH;

    *deleted = 0;
    while (!rc && count == SWEEP_BATCH) {
        rc = expired_names(store, now_ms, last, names, &count, err);
        for (size_t i = 0; !rc && i < count; i++) {
            enum tb_code one = remove_one(store, names[i], err);

            *deleted += one == TB_OK;
            failed = one ? one : failed; /* one file that will not go does not keep the others */
            memcpy(last, names[i], sizeof last);
        }
    }
    return rc ? rc : failed;
}
