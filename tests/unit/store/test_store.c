/* test_store.c - accounts, keys, voices and usage, in one thread. */
#include "store_test.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_key_opens_its_account_until_revoked(void **state)
{
    struct store_fixture *f = *state;
    char key[64], second[64];
    int64_t account, same;

    assert_int_equal(tb_store_key_add(f->store, "first", 0, key, NULL), TB_OK);
    assert_int_equal(strlen(key), 51);
    assert_int_equal(strncmp(key, "sk-", 3), 0);
    assert_int_equal(strspn(key + 3, "0123456789abcdef"), 48);
    assert_int_equal(tb_store_key_find(f->store, tb_str_of(key), &account, NULL), TB_OK);
    assert_true(account > 0 && account != f->account);
    assert_int_equal(tb_store_key_add(f->store, "second", account, second, NULL), TB_OK);
    assert_string_not_equal(key, second);
    assert_int_equal(tb_store_key_find(f->store, tb_str_of(second), &same, NULL), TB_OK);
    assert_int_equal(same, account);
    assert_int_equal(tb_store_key_add(f->store, "", 999, second, NULL), TB_ENOTFOUND);

    assert_int_equal(tb_store_key_revoke(f->store, key, NULL), TB_OK);
    assert_int_equal(tb_store_key_find(f->store, tb_str_of(key), &account, NULL), TB_ENOTFOUND);
    assert_int_equal(tb_store_key_revoke(f->store, key, NULL), TB_ENOTFOUND);
}

static void unknown_keys_are_not_found(void **state)
{
    struct store_fixture *f = *state;
    char key[64], longest[TB_MAX_KEY + 2];
    int64_t account = 7;

    assert_int_equal(tb_store_key_add(f->store, "", 0, key, NULL), TB_OK);
    memset(longest, 'x', sizeof longest);
    for (size_t n = 0; n < strlen(key); n++) /* each truncation */
        assert_int_equal(tb_store_key_find(f->store, (struct tb_str){ key, n }, &account, NULL), TB_ENOTFOUND);
    assert_int_equal(tb_store_key_find(f->store, (struct tb_str){ longest, sizeof longest }, &account, NULL),
                     TB_ENOTFOUND);
    assert_int_equal(tb_store_key_find(f->store, (struct tb_str){ NULL, 0 }, &account, NULL), TB_ENOTFOUND);
    key[10] ^= 1;
    assert_int_equal(tb_store_key_find(f->store, tb_str_of(key), &account, NULL), TB_ENOTFOUND);
    assert_int_equal(account, 0);
}

static void keys_are_listed_and_revoked_by_hint(void **state)
{
    struct store_fixture *f = *state;
    char key[64];
    struct tb_key_info *list;
    int64_t account;
    size_t count;

    assert_int_equal(tb_store_key_add(f->store, "by hint", 0, key, NULL), TB_OK);
    assert_int_equal(tb_store_key_list(f->store, &list, &count, NULL), TB_OK);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].label, "test");
    assert_string_equal(list[1].label, "by hint");
    assert_int_equal(strlen(list[1].hint), 12);
    assert_int_equal(strncmp(list[1].hint, key, 7), 0);
    assert_string_equal(list[1].hint + 10, key + 49);
    assert_false(list[1].revoked);
    assert_int_equal(tb_store_key_revoke(f->store, list[1].hint, NULL), TB_OK);
    free(list);

    assert_int_equal(tb_store_key_find(f->store, tb_str_of(key), &account, NULL), TB_ENOTFOUND);
    assert_int_equal(tb_store_key_list(f->store, &list, &count, NULL), TB_OK);
    assert_int_equal(count, 2);
    assert_true(list[1].revoked);
    free(list);
    assert_int_equal(tb_store_key_revoke(f->store, "sk-nothing", NULL), TB_ENOTFOUND);
}

static void imported_keys_of_any_form_work(void **state)
{
    struct store_fixture *f = *state;
    char longest[TB_MAX_KEY + 2];
    int64_t first, again, other;

    assert_int_equal(tb_store_key_import(f->store, "my own secret", "", &first, NULL), TB_EINVAL);
    assert_int_equal(tb_store_key_import(f->store, "seven77", "", &first, NULL), TB_EINVAL);
    memset(longest, 'k', sizeof longest);
    longest[TB_MAX_KEY + 1] = 0;
    assert_int_equal(tb_store_key_import(f->store, longest, "", &first, NULL), TB_EINVAL);
    longest[TB_MAX_KEY] = 0;
    assert_int_equal(tb_store_key_import(f->store, longest, "", &first, NULL), TB_OK);
    assert_int_equal(tb_store_key_import(f->store, "pa$$word!", "env", &first, NULL), TB_OK);
    assert_int_equal(tb_store_key_import(f->store, "pa$$word!", "env", &again, NULL), TB_OK);
    assert_int_equal(first, again);
    assert_int_equal(tb_store_key_import(f->store, "pa$$word?", "env", &other, NULL), TB_OK);
    assert_true(other != first);
    assert_int_equal(tb_store_key_find(f->store, TB_STR("pa$$word!"), &again, NULL), TB_OK);
    assert_int_equal(again, first);

    /* Both are listed as "pa...": the hint alone does not say which. */
    assert_int_equal(tb_store_key_revoke(f->store, "pa...", NULL), TB_EINVAL);
    assert_int_equal(tb_store_key_revoke(f->store, "pa$$word!", NULL), TB_OK);
    assert_int_equal(tb_store_key_revoke(f->store, "pa...", NULL), TB_OK);
    assert_int_equal(tb_store_key_import(f->store, "pa$$word!", "env", &again, NULL), TB_EINVAL); /* stays revoked */
}

static void the_database_holds_no_key(void **state)
{
    struct store_fixture *f = *state;
    char key[64], command[256];

    assert_int_equal(tb_store_key_add(f->store, "x", 0, key, NULL), TB_OK);
    snprintf(command, sizeof command, "grep -q '%s' '%s'/timbre.db*", key + 10, f->dir);
    assert_int_not_equal(system(command), 0);
    snprintf(command, sizeof command, "grep -q '%.7s[.][.][.]' '%s'/timbre.db*", key, f->dir);
    assert_int_equal(system(command), 0); /* the search itself works: the hint is there */
}

static void a_voice_comes_back_whole(void **state)
{
    struct store_fixture *f = *state;
    struct tb_voice_info v = make_voice("qwen-tts-vc-ada-voice-20261120090011205-0c7e", 1795000000123), got;
    struct tb_bytes print = { 0 };

    v.modified_ms += 5;
    v.used_ms += 9;
    v.likeness_permille = 741;
    strcpy(v.advice, "noise,short");
    assert_int_equal(tb_store_voice_add(f->store, f->account, &v, (struct tb_str){ "a\0b\xff", 4 }, NULL, 10, NULL),
                     TB_OK);
    assert_int_equal(tb_store_voice_get(f->store, f->account, tb_str_of(v.id), &got, NULL), TB_OK);
    assert_memory_equal(&got, &v, sizeof v);
    assert_int_equal(tb_store_print_get(f->store, f->account, tb_str_of(v.id), "test", &print, NULL), TB_OK);
    assert_int_equal(print.size, 4);
    assert_memory_equal(print.data, "a\0b\xff", 4);
    tb_bytes_free(&print);

    tb_store_close(f->store);
    f->store = open_store(f->dir);
    assert_int_equal(tb_store_voice_get(f->store, f->account, tb_str_of(v.id), &got, NULL), TB_OK);
    assert_memory_equal(&got, &v, sizeof v);
}

static void a_taken_id_changes_nothing(void **state)
{
    struct store_fixture *f = *state;
    int64_t other = new_account(f->store), count;

    assert_int_equal(add_voice(f->store, f->account, "same", 1), TB_OK);
    assert_int_equal(add_voice(f->store, f->account, "same", 2), TB_EINVAL);
    assert_int_equal(add_voice(f->store, other, "same", 2), TB_EINVAL);
    assert_int_equal(tb_store_voice_count(f->store, f->account, &count, NULL), TB_OK);
    assert_int_equal(count, 1);
    assert_int_equal(add_voice(f->store, 4711, "new", 2), TB_ENOTFOUND);
}

static void another_account_sees_and_touches_nothing(void **state)
{
    struct store_fixture *f = *state;
    int64_t other = new_account(f->store), total;
    struct tb_voice_info got, *list;
    struct tb_bytes print = { 0 };
    struct tb_error err;
    size_t count;

    assert_int_equal(add_voice(f->store, f->account, "mine", 1), TB_OK);
    assert_int_equal(tb_store_voice_get(f->store, other, TB_STR("mine"), &got, &err), TB_EVOICE);
    assert_string_equal(err.text, "Voice 'mine' not found.");
    assert_int_equal(tb_store_print_get(f->store, other, TB_STR("mine"), "test", &print, NULL), TB_EVOICE);
    assert_int_equal(tb_store_print_put(f->store, other, TB_STR("mine"), "test", TB_STR("p"), NULL), TB_EVOICE);
    assert_int_equal(print.size, 0);
    assert_int_equal(tb_store_voice_delete(f->store, other, TB_STR("mine"), NULL), TB_EVOICE);
    assert_int_equal(tb_store_voice_used(f->store, other, TB_STR("mine"), 9, NULL), TB_EVOICE);
    assert_int_equal(tb_store_voice_list(f->store, other, 0, 10, &list, &count, &total, NULL), TB_OK);
    assert_true(count == 0 && total == 0);
    free(list);
    assert_int_equal(tb_store_voice_get(f->store, f->account, TB_STR("mine"), &got, NULL), TB_OK);
    assert_int_equal(got.used_ms, 1);
}

static void the_list_is_newest_first_in_pages(void **state)
{
    struct store_fixture *f = *state;
    static const char *const order[] = { "e", "a", "c", "d", "b" }; /* a, c and d tie at 20: by id */
    static const int64_t created[] = { ['a'] = 20, ['b'] = 10, ['c'] = 20, ['d'] = 20, ['e'] = 30 };
    struct tb_voice_info *list;
    int64_t total;
    size_t count;

    for (const char *p = "dcbea"; *p; p++)
        assert_int_equal(add_voice(f->store, f->account, (char[2]){ *p, 0 }, created[(int)*p]), TB_OK);
    for (int64_t page = 0; page < 4; page++) {
        assert_int_equal(tb_store_voice_list(f->store, f->account, page, 2, &list, &count, &total, NULL), TB_OK);
        assert_int_equal(total, 5);
        assert_int_equal(count, page < 2 ? 2 : page == 2 ? 1 : 0);
        for (size_t i = 0; i < count; i++)
            assert_string_equal(list[i].id, order[page * 2 + (int64_t)i]);
        free(list);
    }
    assert_int_equal(tb_store_voice_list(f->store, f->account, 0, 0, &list, &count, &total, NULL), TB_OK);
    assert_true(count == 0 && total == 5);
    free(list);
    assert_int_equal(tb_store_voice_list(f->store, f->account, TB_MAX_PAGE, TB_MAX_PAGE, &list, &count, &total, NULL),
                     TB_OK);
    assert_true(count == 0 && total == 5);
    free(list);
    assert_int_equal(tb_store_voice_list(f->store, f->account, -1, 5, &list, &count, &total, NULL), TB_EINVAL);
    assert_int_equal(tb_store_voice_list(f->store, f->account, 0, TB_MAX_PAGE + 1, &list, &count, &total, NULL),
                     TB_EINVAL);
    assert_null(list);
}

static void voices_used_last_come_first_whoever_owns_them(void **state)
{
    struct store_fixture *f = *state;
    int64_t other = new_account(f->store);
    struct tb_owned_voice *list;
    size_t count;

    assert_int_equal(tb_store_voice_recent(f->store, 2, &list, &count, NULL), TB_OK);
    assert_int_equal(count, 0);
    free(list);
    assert_int_equal(add_voice(f->store, f->account, "old", 10), TB_OK);
    assert_int_equal(add_voice(f->store, other, "theirs", 20), TB_OK);
    assert_int_equal(add_voice(f->store, f->account, "new", 30), TB_OK);
    assert_int_equal(tb_store_voice_used(f->store, f->account, TB_STR("old"), 40, NULL), TB_OK);
    assert_int_equal(tb_store_voice_used(f->store, other, TB_STR("theirs"), 35, NULL), TB_OK);
    assert_int_equal(tb_store_voice_recent(f->store, 2, &list, &count, NULL), TB_OK);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].voice.id, "old");
    assert_int_equal(list[0].account, f->account);
    assert_string_equal(list[1].voice.id, "theirs");
    assert_int_equal(list[1].account, other);
    free(list);
}

static void delete_frees_the_place(void **state)
{
    struct store_fixture *f = *state;
    struct tb_voice_info v = make_voice("two", 2);
    struct tb_bytes print = { 0 };
    struct tb_error err;

    assert_int_equal(add_voice(f->store, f->account, "one", 1), TB_OK);
    assert_int_equal(tb_store_voice_add(f->store, f->account, &v, TB_STR("p"), NULL, 1, &err), TB_EQUOTA);
    assert_non_null(strstr(err.text, "1 voices, at most 1"));
    assert_int_equal(tb_store_voice_delete(f->store, f->account, TB_STR("one"), NULL), TB_OK);
    assert_int_equal(tb_store_voice_delete(f->store, f->account, TB_STR("one"), NULL), TB_EVOICE);
    assert_int_equal(tb_store_print_get(f->store, f->account, TB_STR("one"), "test", &print, NULL), TB_EVOICE);
    v = make_voice("two", 2);
    assert_int_equal(tb_store_voice_add(f->store, f->account, &v, TB_STR("p"), NULL, 1, NULL), TB_OK);
}

/* A voice print is personal data: it is overwritten, and not only unlinked. */
static void a_deleted_print_is_not_in_the_file(void **state)
{
    struct store_fixture *f = *state;
    struct tb_voice_info v = make_voice("v", 1);
    const char *command = "grep -q 'very-personal-print' '%s/timbre.db'";
    char line[128];

    snprintf(line, sizeof line, command, f->dir);
    assert_int_equal(tb_store_voice_add(f->store, f->account, &v, TB_STR("a very-personal-print"), NULL, 9, NULL),
                     TB_OK);
    tb_store_close(f->store); /* folds the log into the file */
    assert_int_equal(system(line), 0);
    f->store = open_store(f->dir);
    assert_int_equal(tb_store_voice_delete(f->store, f->account, TB_STR("v"), NULL), TB_OK);
    tb_store_close(f->store);
    assert_int_not_equal(system(line), 0);
    f->store = open_store(f->dir);
}

/* Another process in the middle of a long change: reading and keys go on as if it were not there. */
static void readers_do_not_wait_for_a_writer(void **state)
{
    struct store_fixture *f = *state;
    struct tb_voice_info got;
    char path[128];
    sqlite3 *db;
    int64_t account, began;

    assert_int_equal(tb_store_key_import(f->store, "some-key", "", &account, NULL), TB_OK);
    assert_int_equal(add_voice(f->store, f->account, "v", 1), TB_OK);
    snprintf(path, sizeof path, "%s/timbre.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE; DELETE FROM voices; DELETE FROM keys", NULL, NULL, NULL),
                     SQLITE_OK);
    began = tb_mono_us();
    assert_int_equal(tb_store_voice_get(f->store, f->account, TB_STR("v"), &got, NULL), TB_OK);
    assert_int_equal(tb_store_key_find(f->store, TB_STR("some-key"), &account, NULL), TB_OK);
    assert_int_equal(tb_store_key_find(f->store, TB_STR("no-such-key"), &account, NULL), TB_ENOTFOUND);
    assert_true(tb_mono_us() - began < 500000);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void odd_ids_are_only_data(void **state)
{
    struct store_fixture *f = *state;
    static const char *const ids[] = { "' OR 1=1 --", "%", "_", "\"", "a\nb", "\xff\xfe", "" };
    struct tb_voice_info got;

    assert_int_equal(add_voice(f->store, f->account, "only", 1), TB_OK);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        assert_int_equal(tb_store_voice_get(f->store, f->account, tb_str_of(ids[i]), &got, NULL), TB_EVOICE);
        assert_int_equal(tb_store_voice_delete(f->store, f->account, tb_str_of(ids[i]), NULL), TB_EVOICE);
    }
    assert_int_equal(tb_store_voice_get(f->store, f->account, (struct tb_str){ "only\0", 5 }, &got, NULL),
                     TB_EVOICE);
    assert_int_equal(tb_store_voice_get(f->store, f->account, TB_STR("only"), &got, NULL), TB_OK);
}

static void the_sweep_takes_what_was_unused_for_a_year(void **state)
{
    struct store_fixture *f = *state;
    const int64_t year = 365LL * 86400000;
    struct tb_voice_info got;
    int64_t deleted, now = tb_now_ms();

    assert_int_equal(add_voice(f->store, f->account, "idle", now), TB_OK);
    assert_int_equal(add_voice(f->store, f->account, "used", now), TB_OK);
    tb_clock_shift(30 * 86400000LL);
    assert_int_equal(tb_store_voice_used(f->store, f->account, TB_STR("used"), tb_now_ms(), NULL), TB_OK);
    assert_int_equal(tb_store_voice_used(f->store, f->account, TB_STR("used"), 5, NULL), TB_OK); /* never backwards */
    assert_int_equal(tb_store_voice_sweep(f->store, tb_now_ms() - year, &deleted, NULL), TB_OK);
    assert_int_equal(deleted, 0);
    tb_clock_shift(year + 1000);
    assert_int_equal(tb_store_voice_sweep(f->store, tb_now_ms() - year, &deleted, NULL), TB_OK);
    assert_int_equal(deleted, 1);
    assert_int_equal(tb_store_voice_get(f->store, f->account, TB_STR("idle"), &got, NULL), TB_EVOICE);
    assert_int_equal(tb_store_voice_get(f->store, f->account, TB_STR("used"), &got, NULL), TB_OK);
}

static void usage_is_summed_by_day_and_account(void **state)
{
    struct store_fixture *f = *state;
    const int64_t day = 86400000;
    int64_t today = tb_now_ms() / day * day, other = new_account(f->store);
    struct tb_usage *list;
    size_t count;

    tb_clock_shift(today + day / 2 - tb_now_ms()); /* noon: the test does not straddle midnight */
    assert_int_equal(add_voice(f->store, f->account, "counted", 1), TB_OK);
    for (int i = 0; i < 3; i++) {
        struct tb_usage more = { .account = f->account, .requests = 1, .characters = 100 + i, .audio_ms = 2500 };

        assert_int_equal(tb_store_usage_add(f->store, &more, NULL), TB_OK);
    }
    assert_int_equal(tb_store_usage_add(f->store, &(struct tb_usage){ .account = other, .requests = 1 }, NULL), TB_OK);
    tb_clock_shift(0);
    tb_clock_shift(today + 3 * day / 2 - tb_now_ms());
    assert_int_equal(tb_store_usage_add(f->store, &(struct tb_usage){ .account = other, .requests = 5 }, NULL), TB_OK);

    assert_int_equal(tb_store_usage_list(f->store, today, today + day, &list, &count, NULL), TB_OK);
    assert_int_equal(count, 2);
    assert_true(list[0].account == f->account && list[0].voices_created == 1 && list[0].requests == 3);
    assert_true(list[0].characters == 303 && list[0].audio_ms == 7500);
    assert_true(list[1].account == other && list[1].requests == 1);
    free(list);
    assert_int_equal(tb_store_usage_list(f->store, today + day, today + day + 1, &list, &count, NULL), TB_OK);
    assert_true(count == 1 && list[0].requests == 5);
    free(list);
    assert_int_equal(tb_store_usage_list(f->store, today, today, &list, &count, NULL), TB_OK);
    assert_true(count == 0 && list == NULL);
    assert_int_equal(tb_store_usage_add(f->store, &(struct tb_usage){ .account = 4711 }, NULL), TB_EIO);
}

/* Bad folders and files -------------------------------------------------------------------------------------------*/

static void expect_refusal(const char *dir, const char *word)
{
    struct tb_store *store = (struct tb_store *)1;
    struct tb_error err = { 0 };

    assert_int_equal(tb_store_open(dir, &store, &err), TB_EIO);
    assert_null(store);
    assert_non_null(strstr(err.text, dir));
    if (!strstr(err.text, word))
        fail_msg("'%s' does not say '%s'", err.text, word);
}

static void write_at(const char *dir, off_t at, const char *bytes, size_t n)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/timbre.db", dir);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, at), (ssize_t)n);
    close(fd);
}

static void make_database(const char *dir, const char *sql)
{
    char path[128];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/timbre.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void what_is_not_our_database_is_refused(void **state)
{
    struct store_fixture *f = *state;
    char junk[8192], dir[64];

    tb_store_close(f->store);
    f->store = NULL;
    memset(junk, 'j', sizeof junk);
    make_dir(dir);
    write_at(dir, 0, junk, sizeof junk);
    expect_refusal(dir, "not a database");
    remove_dir(dir);

    write_at(f->dir, 0, junk, 100); /* the header of a good one */
    expect_refusal(f->dir, "not a database");

    make_dir(dir);
    make_database(dir, "CREATE TABLE t(x); PRAGMA application_id = 7;");
    expect_refusal(dir, "another program");
    remove_dir(dir);
    make_dir(dir);
    make_database(dir, "PRAGMA application_id = 0x54696d62; PRAGMA user_version = 99;");
    expect_refusal(dir, "newer program");
    remove_dir(dir);
}

/* Damage anywhere in the file gives an error or is not met, and never more than that. */
static void damaged_pages_give_errors(void **state)
{
    struct store_fixture *f = *state;
    char junk[512], id[32];
    struct stat st;
    char path[128];
    int errors = 0;

    for (int i = 0; i < 50; i++) {
        snprintf(id, sizeof id, "voice-%d", i);
        assert_int_equal(add_voice(f->store, f->account, id, i), TB_OK);
    }
    tb_store_close(f->store);
    memset(junk, 0xa5, sizeof junk);
    snprintf(path, sizeof path, "%s/timbre.db", f->dir);
    assert_int_equal(stat(path, &st), 0);
    for (off_t at = 4096; at + 512 <= st.st_size; at += 4096) {
        struct tb_voice_info *list = NULL;
        struct tb_error err = { 0 };
        int64_t total;
        size_t count;

        write_at(f->dir, at, junk, sizeof junk);
        enum tb_code rc = tb_store_open(f->dir, &f->store, &err);
        if (!rc)
            rc = tb_store_voice_list(f->store, f->account, 0, 100, &list, &count, &total, &err);
        if (rc) {
            assert_int_equal(rc, TB_EIO);
            assert_non_null(strstr(err.text, "timbre.db"));
            errors++;
        }
        free(list);
        tb_store_close(f->store);
    }
    f->store = NULL;
    assert_true(errors > 0);
}

static void folders_that_cannot_be_used_are_named(void **state)
{
    struct store_fixture *f = *state;
    char path[128];
    int status;
    pid_t pid;

    expect_refusal("/proc/timbre-none", "cannot make the folder");
    snprintf(path, sizeof path, "%s/timbre.db/inside", f->dir); /* a file where a folder should be */
    expect_refusal(path, "cannot make the folder");

    tb_store_close(f->store);
    f->store = NULL;
    assert_int_equal(chmod(f->dir, 0500), 0);
    fflush(NULL);
    pid = fork(); /* root may write anywhere: the child is nobody */
    assert_true(pid >= 0);
    if (pid == 0) {
        struct tb_store *store;
        struct tb_error err = { 0 };
        bool ok;

        if (geteuid() == 0 && (chmod(f->dir, 0555) || setgid(65534) || setuid(65534)))
            _exit(2);
        ok = tb_store_open(f->dir, &store, &err) == TB_EIO && strstr(err.text, f->dir);
        if (!ok)
            fprintf(stderr, "code %d '%s'\n", err.code, err.text);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(chmod(f->dir, 0700), 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void folder_and_database_are_private(void **state)
{
    struct store_fixture *f = *state;
    char path[128];
    struct stat st;
    struct tb_store *deep;

    snprintf(path, sizeof path, "%s/a/b/c", f->dir);
    deep = open_store(path);
    tb_store_close(deep);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/timbre.db", f->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/timbre.db-wal", f->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_set_up, store_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_key_opens_its_account_until_revoked),
        T(unknown_keys_are_not_found),
        T(keys_are_listed_and_revoked_by_hint),
        T(imported_keys_of_any_form_work),
        T(the_database_holds_no_key),
        T(a_voice_comes_back_whole),
        T(a_taken_id_changes_nothing),
        T(another_account_sees_and_touches_nothing),
        T(the_list_is_newest_first_in_pages),
        T(voices_used_last_come_first_whoever_owns_them),
        T(delete_frees_the_place),
        T(a_deleted_print_is_not_in_the_file),
        T(readers_do_not_wait_for_a_writer),
        T(odd_ids_are_only_data),
        T(the_sweep_takes_what_was_unused_for_a_year),
        T(usage_is_summed_by_day_and_account),
        T(what_is_not_our_database_is_refused),
        T(damaged_pages_give_errors),
        T(folders_that_cannot_be_used_are_named),
        T(folder_and_database_are_private),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
