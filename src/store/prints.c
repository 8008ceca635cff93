/* prints.c - the prints of a voice, one for each engine, and the recording that they are made of. */
#include "store/sqlite.h"

/* Append a column's bytes. */
static enum tb_code add_column(sqlite3_stmt *stmt, int column, struct tb_bytes *out, struct tb_error *err)
{
    const void *bytes = sqlite3_column_blob(stmt, column);
    size_t n = (size_t)sqlite3_column_bytes(stmt, column);
    enum tb_code rc = n && !bytes ? TB_ENOMEM : tb_bytes_add(out, bytes, n);

    return rc ? tb_fail(err, rc, "%zu bytes of a voice", n) : TB_OK;
}

/* The statement gives one row for the voice; its columns are NULL where there is nothing. Appended to out[0 ...]. */
static enum tb_code read_columns(struct tb_db *db, sqlite3_stmt *stmt, struct tb_str id, struct tb_bytes *out[],
                                 int columns, const char *what, struct tb_error *err)
{
    bool row = false;
    enum tb_code rc = tb_db_step(db, stmt, &row, err);

    if (!rc && !row)
        return tb_store_no_voice(id, err);
    if (!rc && sqlite3_column_type(stmt, 0) == SQLITE_NULL)
        return tb_fail(err, TB_ENOTFOUND, "no %s", what);
    for (int i = 0; !rc && i < columns; i++)
        rc = add_column(stmt, i, out[i], err);
    return rc;
}

enum tb_code tb_store_print_get(struct tb_store *store, int64_t account, struct tb_str id, const char *engine,
                                struct tb_bytes *print, struct tb_error *err)
{
    struct tb_db *db = &store->reader;
    sqlite3_stmt *stmt;
    enum tb_code rc;

    tb_db_lock(db);
    rc = tb_db_query(db, &stmt, err,
                     "SELECT prints.bytes FROM voices LEFT JOIN prints ON voice = number AND prints.engine = ?3"
                     " WHERE account = ?1 AND id = ?2", "isz", account, id, engine);
    if (!rc)
        rc = read_columns(db, stmt, id, &print, 1, "print", err);
    tb_db_done(stmt);
    tb_db_unlock(db);
    return rc;
}

enum tb_code tb_store_print_put(struct tb_store *store, int64_t account, struct tb_str id, const char *engine,
                                struct tb_str print, struct tb_error *err)
{
    struct tb_db *db = &store->writer;
    enum tb_code rc;

    if (print.n > TB_MAX_PRINT)
        return tb_fail(err, TB_ETOOBIG, "a voice print of %zu bytes, at most %d", print.n, TB_MAX_PRINT);
    tb_db_lock(db);
    rc = tb_db_run(db, err,
                   "INSERT OR REPLACE INTO prints(voice, engine, bytes)"
                   " SELECT number, ?3, ?4 FROM voices WHERE account = ?1 AND id = ?2", "iszb", account, id, engine,
                   print);
    if (!rc && sqlite3_changes(db->handle) == 0)
        rc = tb_store_no_voice(id, err);
    tb_db_unlock(db);
    return rc;
}

enum tb_code tb_store_recording_get(struct tb_store *store, int64_t account, struct tb_str id, struct tb_bytes *file,
                                    struct tb_bytes *text, struct tb_error *err)
{
    struct tb_db *db = &store->reader;
    struct tb_bytes *out[] = { file, text };
    sqlite3_stmt *stmt;
    enum tb_code rc;

    tb_db_lock(db);
    rc = tb_db_query(db, &stmt, err,
                     "SELECT recordings.bytes, recordings.text FROM voices LEFT JOIN recordings ON voice = number"
                     " WHERE account = ?1 AND id = ?2", "is", account, id);
    if (!rc)
        rc = read_columns(db, stmt, id, out, 2, "recording", err);
    tb_db_done(stmt);
    tb_db_unlock(db);
    return rc;
}

bool tb_store_recording_kept(struct tb_store *store, int64_t account, struct tb_str id)
{
    struct tb_db *db = &store->reader;
    int64_t there = 0;
    enum tb_code rc;

    tb_db_lock(db);
    rc = tb_db_int(db, &there, NULL,
                   "SELECT 1 FROM voices JOIN recordings ON voice = number WHERE account = ?1 AND id = ?2", "is",
                   account, id);
    tb_db_unlock(db);
    return rc == TB_OK;
}
