/* store.c - opening and closing a store; see store.h. */
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/sqlite.h"

enum {
    WRITER_BUSY_MS = 10000, /* how long a change waits for another process's */
    READER_BUSY_MS = 1000   /* readers wait only while another process recovers the log; key_find may be one */
};

/* mkdir -p: folders on the way with the usual mode, the last one for this user alone. */
static enum tb_code make_dir(const char *dir, struct tb_error *err)
{
    char path[4096];
    size_t n = strlen(dir);

    if (n == 0 || n >= sizeof path)
        return tb_fail(err, TB_EINVAL, "data folder: a path of %zu characters", n);
    memcpy(path, dir, n + 1);
    for (char *p = path + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            if (mkdir(path, 0755) && errno != EEXIST)
                return tb_fail(err, TB_EIO, "%s: cannot make the folder: %s", path, strerror(errno));
            *p = '/';
        }
    if (mkdir(path, 0700) && errno != EEXIST)
        return tb_fail(err, TB_EIO, "%s: cannot make the folder: %s", path, strerror(errno));
    return TB_OK;
}

static enum tb_code open_parts(struct tb_store *s, struct tb_error *err)
{
    enum tb_code rc = make_dir(s->dir, err);

    if (!rc)
        rc = tb_db_open(&s->writer, s->path, WRITER_BUSY_MS, err);
    if (!rc)
        rc = tb_db_migrate(&s->writer, err);
    if (!rc)
        rc = tb_db_open(&s->reader, s->path, READER_BUSY_MS, err);
    if (!rc)
        rc = tb_files_load_secret(s, err);
    if (!rc)
        rc = tb_keys_load(s, err);
    return rc;
}

enum tb_code tb_store_open(const char *dir, struct tb_store **out, struct tb_error *err)
{
    struct tb_store *s = calloc(1, sizeof *s);
    enum tb_code rc;

    *out = NULL;
    if (!s)
        return tb_fail(err, TB_ENOMEM, "store");
    pthread_rwlock_init(&s->keys.lock, NULL);
    s->dir = strdup(dir);
    if (asprintf(&s->path, "%s/timbre.db", dir) < 0)
        s->path = NULL;
    rc = s->dir && s->path ? open_parts(s, err) : tb_fail(err, TB_ENOMEM, "store");
    if (rc) {
        tb_store_close(s);
        return rc;
    }
    *out = s;
    return TB_OK;
}

void tb_store_close(struct tb_store *s)
{
    if (!s)
        return;
    tb_db_close(&s->reader);
    tb_db_close(&s->writer); /* last, so that it is this one that folds the log into the database */
    tb_keys_free(s);
    pthread_rwlock_destroy(&s->keys.lock);
    free(s->path);
    free(s->dir);
    free(s);
}
