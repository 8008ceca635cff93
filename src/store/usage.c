/* usage.c - the ledger: one row per account and UTC day. */
#include "base/clock.h"
#include "store/sqlite.h"

enum { DAY_MS = 86400000 };

/* Days since 1970, rounded down before it too. */
static int64_t day_of(int64_t ms)
{
    return ms / DAY_MS - (ms % DAY_MS < 0);
}

enum tb_code tb_usage_add_locked(struct tb_db *db, const struct tb_usage *more, struct tb_error *err)
{
    return tb_db_run(db, err,
                     "INSERT INTO usage(account, day, voices_created, requests, characters, audio_ms)"
                     " VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(account, day) DO UPDATE SET"
                     " voices_created = voices_created + excluded.voices_created,"
                     " requests = requests + excluded.requests, characters = characters + excluded.characters,"
                     " audio_ms = audio_ms + excluded.audio_ms",
                     "iiiiii", more->account, day_of(tb_now_ms()), more->voices_created, more->requests,
                     more->characters, more->audio_ms);
}

enum tb_code tb_store_usage_add(struct tb_store *store, const struct tb_usage *more, struct tb_error *err)
{
    enum tb_code rc;

    tb_db_lock(&store->writer);
    rc = tb_usage_add_locked(&store->writer, more, err);
    tb_db_unlock(&store->writer);
    return rc;
}

static void read_usage(sqlite3_stmt *stmt, void *row)
{
    *(struct tb_usage *)row = (struct tb_usage){ .account = sqlite3_column_int64(stmt, 0),
                                                 .voices_created = sqlite3_column_int64(stmt, 1),
                                                 .requests = sqlite3_column_int64(stmt, 2),
                                                 .characters = sqlite3_column_int64(stmt, 3),
                                                 .audio_ms = sqlite3_column_int64(stmt, 4) };
}

enum tb_code tb_store_usage_list(struct tb_store *store, int64_t from_ms, int64_t to_ms, struct tb_usage **out,
                                 size_t *count, struct tb_error *err)
{
    struct tb_db *db = &store->reader;
    struct tb_rows rows;
    enum tb_code rc;

    tb_db_lock(db);
    rc = tb_db_rows(db, &rows, sizeof **out, read_usage, err,
                    "SELECT account, sum(voices_created), sum(requests), sum(characters), sum(audio_ms) FROM usage"
                    " WHERE day >= ?1 AND day < ?2 GROUP BY account ORDER BY account",
                    "ii", day_of(from_ms), day_of(to_ms) + (to_ms % DAY_MS != 0));
    tb_db_unlock(db);
    *out = rows.p;
    *count = rows.n;
    return rc;
}
