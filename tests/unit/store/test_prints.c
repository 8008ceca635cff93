/* test_prints.c - the prints of a voice, one for each engine, and its recording: kept, replaced, gone with the voice,
 * brought over from the first schema, and there after kill -9. */
#include "store_test.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 15 };

static void expect_print(struct tb_store *store, int64_t account, const char *id, const char *engine, const char *want)
{
    struct tb_bytes print = { 0 };

    assert_int_equal(tb_store_print_get(store, account, tb_str_of(id), engine, &print, NULL), TB_OK);
    assert_string_equal((char *)print.data, want);
    tb_bytes_free(&print);
}

static void each_engine_has_its_own_print(void **state)
{
    struct store_fixture *f = *state;
    struct tb_bytes print = { 0 };
    struct tb_voice_info got;

    assert_int_equal(add_voice(f->store, f->account, "v", 1), TB_OK);
    assert_int_equal(add_voice(f->store, f->account, "w", 1), TB_OK);
    assert_int_equal(tb_store_print_get(f->store, f->account, TB_STR("v"), "other", &print, NULL), TB_ENOTFOUND);
    assert_int_equal(tb_store_print_put(f->store, f->account, TB_STR("v"), "other", TB_STR("another"), NULL), TB_OK);
    expect_print(f->store, f->account, "v", "test", "v");
    expect_print(f->store, f->account, "v", "other", "another");
    assert_int_equal(tb_store_print_put(f->store, f->account, TB_STR("v"), "other", TB_STR("newer"), NULL), TB_OK);
    expect_print(f->store, f->account, "v", "other", "newer");
    assert_int_equal(tb_store_voice_get(f->store, f->account, TB_STR("v"), &got, NULL), TB_OK);
    assert_string_equal(got.engine, "test");
    assert_int_equal(tb_store_print_get(f->store, f->account, TB_STR("w"), "other", &print, NULL), TB_ENOTFOUND);

    assert_int_equal(tb_store_voice_delete(f->store, f->account, TB_STR("v"), NULL), TB_OK);
    assert_int_equal(tb_store_print_get(f->store, f->account, TB_STR("v"), "other", &print, NULL), TB_EVOICE);
    assert_int_equal(tb_store_print_put(f->store, f->account, TB_STR("v"), "other", TB_STR("late"), NULL), TB_EVOICE);
    assert_int_equal(print.size, 0);
    expect_print(f->store, f->account, "w", "test", "w");
}

static void a_print_has_a_cap(void **state)
{
    struct store_fixture *f = *state;
    char *big = calloc(1, TB_MAX_PRINT + 1);

    assert_int_equal(add_voice(f->store, f->account, "v", 1), TB_OK);
    assert_int_equal(tb_store_print_put(f->store, f->account, TB_STR("v"), "other",
                                        (struct tb_str){ big, TB_MAX_PRINT + 1 }, NULL), TB_ETOOBIG);
    assert_int_equal(tb_store_print_put(f->store, f->account, TB_STR("v"), "other",
                                        (struct tb_str){ big, TB_MAX_PRINT }, NULL), TB_OK);
    free(big);
}

static void a_recording_comes_back_with_its_text(void **state)
{
    struct store_fixture *f = *state;
    const struct tb_recording recording = { { "RIFF\0wave", 9 }, TB_STR("\xe4\xbd\xa0\xe5\xa5\xbd") };
    struct tb_voice_info v = make_voice("kept", 1);
    struct tb_bytes file = { 0 }, text = { 0 };

    assert_int_equal(tb_store_voice_add(f->store, f->account, &v, TB_STR("p"), &recording, 10, NULL), TB_OK);
    assert_int_equal(add_voice(f->store, f->account, "other", 1), TB_OK);
    assert_true(tb_store_recording_kept(f->store, f->account, TB_STR("kept")));
    assert_false(tb_store_recording_kept(f->store, f->account, TB_STR("other")));
    assert_false(tb_store_recording_kept(f->store, new_account(f->store), TB_STR("kept")));
    assert_int_equal(tb_store_recording_get(f->store, f->account, TB_STR("kept"), &file, &text, NULL), TB_OK);
    assert_int_equal(file.size, 9);
    assert_memory_equal(file.data, "RIFF\0wave", 9);
    assert_string_equal((char *)text.data, recording.text.p);
    assert_int_equal(tb_store_recording_get(f->store, f->account, TB_STR("other"), &file, &text, NULL), TB_ENOTFOUND);
    assert_int_equal(tb_store_voice_delete(f->store, f->account, TB_STR("kept"), NULL), TB_OK);
    assert_int_equal(tb_store_recording_get(f->store, f->account, TB_STR("kept"), &file, &text, NULL), TB_EVOICE);
    assert_int_equal(file.size, 9);
    tb_bytes_free(&file);
    tb_bytes_free(&text);
}

/* A folder as schema 1 left it: one print a voice, recordings without a text. */
static void the_first_schema_is_brought_over(void **state)
{
    struct store_fixture *f = *state;
    struct tb_bytes file = { 0 }, text = { 0 };
    struct tb_voice_info voice;
    char path[128];
    sqlite3 *db;

    for (int i = 0; i < 2; i++)
        assert_int_equal(add_voice(f->store, f->account, i ? "two" : "one", i), TB_OK);
    tb_store_close(f->store);
    snprintf(path, sizeof path, "%s/timbre.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "ALTER TABLE voices DROP COLUMN likeness_permille;"
                                  "ALTER TABLE voices DROP COLUMN advice;"
                                  "DROP TABLE prints; DROP TABLE recordings;"
                                  "CREATE TABLE prints(voice INTEGER PRIMARY KEY REFERENCES voices(number)"
                                  " ON DELETE CASCADE, bytes BLOB NOT NULL) STRICT;"
                                  "CREATE TABLE recordings(voice INTEGER PRIMARY KEY REFERENCES voices(number)"
                                  " ON DELETE CASCADE, bytes BLOB NOT NULL) STRICT;"
                                  "INSERT INTO prints SELECT number, CAST('old ' || id AS BLOB) FROM voices;"
                                  "INSERT INTO recordings SELECT number, x'52494646' FROM voices WHERE id = 'two';"
                                  "PRAGMA user_version = 1;", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    f->store = open_store(f->dir);
    expect_print(f->store, f->account, "one", "test", "old one");
    expect_print(f->store, f->account, "two", "test", "old two");
    assert_int_equal(tb_store_voice_get(f->store, f->account, TB_STR("two"), &voice, NULL), TB_OK);
    assert_int_equal(voice.likeness_permille, 0);
    assert_string_equal(voice.advice, "");
    assert_int_equal(tb_store_recording_get(f->store, f->account, TB_STR("two"), &file, &text, NULL), TB_OK);
    assert_string_equal((char *)file.data, "RIFF");
    assert_int_equal(text.size, 0);
    tb_bytes_free(&file);
    tb_bytes_free(&text);
    assert_int_equal(tb_store_voice_delete(f->store, f->account, TB_STR("two"), NULL), TB_OK); /* all goes */
    assert_int_equal(tb_store_recording_get(f->store, f->account, TB_STR("two"), &file, &text, NULL), TB_EVOICE);
}

/* Puts prints of ever new engines until killed, and says the number of each once it is stored. */
static void put_until_killed(const char *dir, int64_t account, int from, int to)
{
    struct tb_store *store;

    if (tb_store_open(dir, &store, NULL))
        _exit(1);
    for (int i = from;; i++) {
        char engine[16];

        snprintf(engine, sizeof engine, "e%d", i);
        if (tb_store_print_put(store, account, TB_STR("v"), engine, tb_str_of(engine), NULL) ||
            write(to, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

static void acknowledged_prints_survive_kill_9(void **state)
{
    struct store_fixture *f = *state;
    unsigned seed = 4711;
    int seen = 0;

    assert_int_equal(add_voice(f->store, f->account, "v", 1), TB_OK);
    for (int round = 0; round < ROUNDS; round++) {
        int ends[2], i;
        pid_t pid;

        tb_store_close(f->store); /* SQLite's connections must not cross a fork */
        assert_int_equal(pipe(ends), 0);
        fflush(NULL);
        assert_true((pid = fork()) >= 0);
        if (pid == 0)
            put_until_killed(f->dir, f->account, round * 1000, ends[1]);
        close(ends[1]);
        seed = seed * 1103515245u + 12345u;
        let_work(ends[0], round, (seed >> 8) % 40000);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        f->store = open_store(f->dir);
        for (; read(ends[0], &i, sizeof i) == sizeof i; seen++) {
            char engine[16];

            snprintf(engine, sizeof engine, "e%d", i);
            expect_print(f->store, f->account, "v", engine, engine);
        }
        close(ends[0]);
        expect_print(f->store, f->account, "v", "test", "v");
    }
    assert_true(seen >= ROUNDS / 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_set_up, store_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_engine_has_its_own_print),  T(a_print_has_a_cap),
        T(a_recording_comes_back_with_its_text), T(the_first_schema_is_brought_over),
        T(acknowledged_prints_survive_kill_9),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
