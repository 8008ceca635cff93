/* voices.c - voices: add, get, page, delete, note a use, sweep. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/sqlite.h"

#define COLUMNS "id, target_model, language, engine, created_ms, modified_ms, used_ms, likeness_permille, advice"

static void read_info(sqlite3_stmt *stmt, void *row)
{
    struct tb_voice_info *v = row;

    *v = (struct tb_voice_info){ .created_ms = sqlite3_column_int64(stmt, 4),
                                 .modified_ms = sqlite3_column_int64(stmt, 5),
                                 .used_ms = sqlite3_column_int64(stmt, 6),
                                 .likeness_permille = sqlite3_column_int64(stmt, 7) };
    tb_db_text(stmt, 0, v->id, sizeof v->id);
    tb_db_text(stmt, 1, v->target_model, sizeof v->target_model);
    tb_db_text(stmt, 2, v->language, sizeof v->language);
    tb_db_text(stmt, 3, v->engine, sizeof v->engine);
    tb_db_text(stmt, 8, v->advice, sizeof v->advice);
}

enum tb_code tb_store_no_voice(struct tb_str id, struct tb_error *err)
{
    return tb_fail(err, TB_EVOICE, "Voice '%.*s' not found.", id.n > 200 ? 200 : (int)id.n, id.p);
}

/* Inside a transaction: the account is there, its quota is not reached, and the id is new. */
static enum tb_code check_room(struct tb_db *db, int64_t account, const char *id, size_t max_voices,
                               struct tb_error *err)
{
    int64_t count = 0, there;
    enum tb_code rc = tb_db_int(db, &there, err, "SELECT 1 FROM accounts WHERE id = ?1", "i", account);

    if (rc == TB_ENOTFOUND)
        return tb_fail(err, TB_ENOTFOUND, "no account %lld", (long long)account);
    if (!rc)
        rc = tb_db_int(db, &count, err, "SELECT count(*) FROM voices WHERE account = ?1", "i", account);
    if (rc)
        return rc;
    if ((uint64_t)count >= max_voices)
        return tb_fail(err, TB_EQUOTA, "the account holds %lld voices, at most %zu are allowed", (long long)count,
                       max_voices);
    rc = tb_db_int(db, &there, err, "SELECT 1 FROM voices WHERE id = ?1", "z", id);
    if (rc == TB_ENOTFOUND)
        return TB_OK;
    return rc ? rc : tb_fail(err, TB_EINVAL, "voice id %s is taken", id);
}

static enum tb_code insert(struct tb_db *db, int64_t account, const struct tb_voice_info *v, struct tb_str print,
                           const struct tb_recording *recording, struct tb_error *err)
{
    int64_t number;
    enum tb_code rc = tb_db_run(db, err,
                                "INSERT INTO voices(account, " COLUMNS ")"
                                " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                                "izzzziiiiz", account, v->id, v->target_model, v->language, v->engine, v->created_ms,
                                v->modified_ms, v->used_ms, v->likeness_permille, v->advice);

    if (rc)
        return rc;
    number = sqlite3_last_insert_rowid(db->handle);
    rc = tb_db_run(db, err, "INSERT INTO prints(voice, engine, bytes) VALUES(?1, ?2, ?3)", "izb", number, v->engine,
                   print);
    if (!rc && recording)
        rc = tb_db_run(db, err, "INSERT INTO recordings(voice, bytes, text) VALUES(?1, ?2, ?3)", "ibs", number,
                       recording->file, recording->text);
    return rc;
}

enum tb_code tb_store_voice_add(struct tb_store *store, int64_t account, const struct tb_voice_info *voice,
                                struct tb_str print, const struct tb_recording *recording, size_t max_voices,
                                struct tb_error *err)
{
    const struct tb_usage one = { .account = account, .voices_created = 1 };
    struct tb_db *db = &store->writer;
    enum tb_code rc;

    if (print.n > TB_MAX_PRINT)
        return tb_fail(err, TB_ETOOBIG, "a voice print of %zu bytes, at most %d", print.n, TB_MAX_PRINT);
    tb_db_lock(db);
    if (!(rc = tb_db_begin(db, err))) {
        if (!(rc = check_room(db, account, voice->id, max_voices, err)))
            rc = insert(db, account, voice, print, recording, err);
        if (!rc)
            rc = tb_usage_add_locked(db, &one, err);
        rc = tb_db_end(db, rc, err);
    }
    tb_db_unlock(db);
    return rc;
}

enum tb_code tb_store_voice_get(struct tb_store *store, int64_t account, struct tb_str id, struct tb_voice_info *out,
                                struct tb_error *err)
{
    struct tb_db *db = &store->reader;
    sqlite3_stmt *stmt;
    bool row = false;
    enum tb_code rc;

    *out = (struct tb_voice_info){ 0 };
    tb_db_lock(db);
    rc = tb_db_query(db, &stmt, err, "SELECT " COLUMNS " FROM voices WHERE account = ?1 AND id = ?2", "is", account,
                     id);
    if (!rc)
        rc = tb_db_step(db, stmt, &row, err);
    if (!rc && !row)
        rc = tb_store_no_voice(id, err);
    if (!rc)
        read_info(stmt, out);
    tb_db_done(stmt);
    tb_db_unlock(db);
    return rc;
}

enum tb_code tb_store_voice_list(struct tb_store *store, int64_t account, int64_t page_index, int64_t page_size,
                                 struct tb_voice_info **out, size_t *count, int64_t *total, struct tb_error *err)
{
    struct tb_db *db = &store->reader;
    struct tb_rows rows = { 0 };
    enum tb_code rc;

    *out = NULL;
    *count = 0;
    *total = 0;
    if (page_index < 0 || page_index > TB_MAX_PAGE || page_size < 0 || page_size > TB_MAX_PAGE)
        return tb_fail(err, TB_EINVAL, "page %lld of %lld voices; both go from 0 to %d", (long long)page_index,
                       (long long)page_size, TB_MAX_PAGE);
    tb_db_lock(db);
    rc = tb_db_run(db, err, "BEGIN", ""); /* one snapshot for the total and the page */
    if (!rc) {
        rc = tb_db_int(db, total, err, "SELECT count(*) FROM voices WHERE account = ?1", "i", account);
        if (!rc)
            rc = tb_db_rows(db, &rows, sizeof **out, read_info, err,
                            "SELECT " COLUMNS " FROM voices WHERE account = ?1"
                            " ORDER BY created_ms DESC, id LIMIT ?2 OFFSET ?3", "iii", account, page_size,
                            page_index * page_size);
        rc = tb_db_end(db, rc, err);
    }
    tb_db_unlock(db);
    if (rc) {
        free(rows.p);
        return rc;
    }
    *out = rows.p;
    *count = rows.n;
    return TB_OK;
}

static void read_owned(sqlite3_stmt *stmt, void *row)
{
    struct tb_owned_voice *v = row;

    read_info(stmt, &v->voice);
    v->account = sqlite3_column_int64(stmt, 9);
}

enum tb_code tb_store_voice_recent(struct tb_store *store, size_t most, struct tb_owned_voice **out, size_t *count,
                                   struct tb_error *err)
{
    struct tb_db *db = &store->reader;
    struct tb_rows rows = { 0 };
    enum tb_code rc;

    *out = NULL;
    *count = 0;
    tb_db_lock(db);
    rc = tb_db_rows(db, &rows, sizeof **out, read_owned, err,
                    "SELECT " COLUMNS ", account FROM voices ORDER BY used_ms DESC, id LIMIT ?1", "i", (int64_t)most);
    tb_db_unlock(db);
    if (rc) {
        free(rows.p);
        return rc;
    }
    *out = rows.p;
    *count = rows.n;
    return TB_OK;
}

enum tb_code tb_store_voice_delete(struct tb_store *store, int64_t account, struct tb_str id, struct tb_error *err)
{
    struct tb_db *db = &store->writer;
    enum tb_code rc;

    tb_db_lock(db);
    rc = tb_db_run(db, err, "DELETE FROM voices WHERE account = ?1 AND id = ?2", "is", account, id);
    if (!rc && sqlite3_changes(db->handle) == 0)
        rc = tb_store_no_voice(id, err);
    tb_db_unlock(db);
    return rc;
}

enum tb_code tb_store_voice_used(struct tb_store *store, int64_t account, struct tb_str id, int64_t now_ms,
                                 struct tb_error *err)
{
    struct tb_db *db = &store->writer;
    enum tb_code rc;

    tb_db_lock(db);
    rc = tb_db_run(db, err, "UPDATE voices SET used_ms = max(used_ms, ?3) WHERE account = ?1 AND id = ?2", "isi",
                   account, id, now_ms);
    if (!rc && sqlite3_changes(db->handle) == 0)
        rc = tb_store_no_voice(id, err);
    tb_db_unlock(db);
    return rc;
}

enum tb_code tb_store_voice_sweep(struct tb_store *store, int64_t before_ms, int64_t *deleted, struct tb_error *err)
{
    struct tb_db *db = &store->writer;
    enum tb_code rc;

    *deleted = 0;
    tb_db_lock(db);
    rc = tb_db_run(db, err, "DELETE FROM voices WHERE used_ms < ?1", "i", before_ms);
    if (!rc)
        *deleted = sqlite3_changes(db->handle);
    tb_db_unlock(db);
    return rc;
}

enum tb_code tb_store_voice_count(struct tb_store *store, int64_t account, int64_t *count, struct tb_error *err)
{
    enum tb_code rc;

    *count = 0;
    tb_db_lock(&store->reader);
    rc = tb_db_int(&store->reader, count, err, "SELECT count(*) FROM voices WHERE account = ?1", "i", account);
    tb_db_unlock(&store->reader);
    return rc;
}
