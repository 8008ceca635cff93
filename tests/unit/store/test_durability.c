/* test_durability.c - what was acknowledged survives kill -9, and two processes share one store.
 *
 * A child adds voices and says each id through a pipe once the call has returned; it is killed at a random moment.
 * Every id that came through must be there when the store is opened again, with its print. */
#include "store_test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 30, RECORD = 24 };

/* Adds voices until killed. */
static void add_until_killed(const char *dir, int64_t account, int round, int to)
{
    struct tb_store *store;
    struct tb_error err = { 0 };
    char record[RECORD];

    if (tb_store_open(dir, &store, &err)) {
        fprintf(stderr, "%s\n", err.text);
        _exit(1);
    }
    for (int i = 0;; i++) {
        memset(record, 0, sizeof record);
        snprintf(record, sizeof record, "r%d-v%d", round, i);
        struct tb_voice_info v = make_voice(record, i + 1);

        if (tb_store_voice_add(store, account, &v, tb_str_of(record), NULL, SIZE_MAX, &err)) {
            fprintf(stderr, "%s\n", err.text);
            _exit(1);
        }
        if (write(to, record, sizeof record) != sizeof record)
            _exit(1);
    }
}

static void check_voice(struct tb_store *store, int64_t account, const char *id)
{
    struct tb_bytes print = { 0 };
    struct tb_error err = { 0 };

    if (tb_store_print_get(store, account, tb_str_of(id), "test", &print, &err))
        fail_msg("acknowledged, yet: %s", err.text);
    assert_string_equal((char *)print.data, id);
    tb_bytes_free(&print);
}

/* One child, killed after some wait_us; the number of voices it acknowledged, all checked. */
static int one_round(const char *dir, int64_t account, int round, unsigned wait_us)
{
    char record[RECORD];
    int ends[2], status, seen = 0;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    assert_true((pid = fork()) >= 0);
    if (pid == 0) {
        close(ends[0]);
        add_until_killed(dir, account, round, ends[1]);
    }
    close(ends[1]);
    let_work(ends[0], round, wait_us);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));

    struct tb_store *store = open_store(dir);
    while (read(ends[0], record, sizeof record) == sizeof record) {
        check_voice(store, account, record);
        seen++;
    }
    tb_store_close(store);
    close(ends[0]);
    return seen;
}

static void acknowledged_voices_survive_kill_9(void **state)
{
    char dir[64];
    struct tb_store *store;
    int64_t account, count, total = 0;
    unsigned seed = 12345;

    (void)state;
    make_dir(dir);
    store = open_store(dir);
    account = new_account(store);
    tb_store_close(store);
    for (int round = 0; round < ROUNDS; round++) {
        seed = seed * 1103515245u + 12345u;
        total += one_round(dir, account, round, (seed >> 8) % 60000);
    }
    store = open_store(dir);
    assert_int_equal(tb_store_voice_count(store, account, &count, NULL), TB_OK);
    /* At most the one voice per round that was stored and not yet acknowledged is extra. */
    assert_true(count >= total && count <= total + ROUNDS);
    assert_true(total >= ROUNDS / 2);
    print_message("%d kills, %lld voices acknowledged, all there\n", ROUNDS, (long long)total);
    tb_store_close(store);
    remove_dir(dir);
}

/* What the other process does: one command after each byte from us, and a byte back. */
static void other_process(const char *dir, int from, int to, const char *key)
{
    struct tb_store *store = NULL;
    struct tb_voice_info got;
    char step, added[64];
    int64_t account = 0;
    bool ok = true;

    while (ok && read(from, &step, 1) == 1) {
        switch (step) {
        case 'o':
            ok = tb_store_open(dir, &store, NULL) == TB_OK &&
                 tb_store_key_find(store, tb_str_of(key), &account, NULL) == TB_OK;
            break;
        case 'g':
            ok = tb_store_voice_get(store, account, TB_STR("shared"), &got, NULL) == TB_OK;
            break;
        case 'd':
            ok = tb_store_voice_delete(store, account, TB_STR("shared"), NULL) == TB_OK;
            break;
        case 'r':
            ok = tb_store_key_revoke(store, key, NULL) == TB_OK;
            break;
        case 'k':
            ok = tb_store_key_add(store, "from the other", account, added, NULL) == TB_OK &&
                 write(to, added, sizeof added) == sizeof added;
            break;
        }
        if (write(to, &step, 1) != 1)
            break;
    }
    _exit(ok ? 0 : 1);
}

static void ask(int to, int from, char step)
{
    char back = 0;

    assert_int_equal(write(to, &step, 1), 1);
    assert_int_equal(read(from, &back, 1), 1);
    assert_int_equal(back, step);
}

static void two_processes_see_each_other(void **state)
{
    char dir[64], key[64], added[64];
    struct tb_store *store;
    struct tb_voice_info got;
    int there[2], back[2], status;
    int64_t account, found;
    pid_t pid;

    (void)state;
    make_dir(dir);
    store = open_store(dir);
    assert_int_equal(tb_store_key_add(store, "", 0, key, NULL), TB_OK);
    assert_int_equal(tb_store_key_find(store, tb_str_of(key), &account, NULL), TB_OK);
    tb_store_close(store); /* SQLite's connections must not cross a fork */
    assert_int_equal(pipe(there), 0);
    assert_int_equal(pipe(back), 0);
    fflush(NULL);
    assert_true((pid = fork()) >= 0);
    if (pid == 0) {
        close(there[1]);
        other_process(dir, there[0], back[1], key);
    }
    store = open_store(dir);
    ask(there[1], back[0], 'o');
    assert_int_equal(add_voice(store, account, "shared", 1), TB_OK);
    ask(there[1], back[0], 'g'); /* our voice is there for the other at once */
    ask(there[1], back[0], 'd'); /* and its delete for us */
    assert_int_equal(tb_store_voice_get(store, account, TB_STR("shared"), &got, NULL), TB_EVOICE);

    assert_int_equal(write(there[1], "k", 1), 1); /* a key of its making works here at once */
    assert_int_equal(read(back[0], added, sizeof added), sizeof added);
    assert_int_equal(read(back[0], &(char){ 0 }, 1), 1);
    assert_int_equal(tb_store_key_find(store, tb_str_of(added), &found, NULL), TB_OK);
    assert_int_equal(found, account);
    ask(there[1], back[0], 'r'); /* a key that it revokes is dead within a second */
    usleep(1100000);
    assert_int_equal(tb_store_key_find(store, tb_str_of(key), &found, NULL), TB_ENOTFOUND);
    assert_int_equal(tb_store_key_find(store, tb_str_of(added), &found, NULL), TB_OK);

    close(there[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    tb_store_close(store);
    remove_dir(dir);
}

/* A command-line call opens and closes the store while the server has it open. SQLite's last connection to close
 * removes the -wal: if the locks of the first process were lost, its later writes would go with that file. */
static void another_process_closing_loses_nothing(void **state)
{
    char dir[64];
    struct tb_store *store;
    struct tb_voice_info got;
    int there[2], status;
    int64_t account;
    pid_t pid;
    char go;

    (void)state;
    make_dir(dir);
    store = open_store(dir);
    account = new_account(store);
    tb_store_close(store);
    for (int round = 0; round < 2; round++) { /* the second child sees what was written after the first had closed */
        assert_int_equal(pipe(there), 0);
        fflush(NULL);
        assert_true((pid = fork()) >= 0);
        if (pid == 0) {
            struct tb_store *other = NULL;
            bool ok = read(there[0], &go, 1) == 1 && tb_store_open(dir, &other, NULL) == TB_OK;

            if (ok && round == 1)
                ok = tb_store_voice_get(other, account, TB_STR("after"), &got, NULL) == TB_OK;
            tb_store_close(other);
            _exit(ok ? 0 : 1);
        }
        if (round == 0)
            store = open_store(dir);
        assert_int_equal(add_voice(store, account, round ? "later" : "before", 1), TB_OK);
        assert_int_equal(write(there[1], "g", 1), 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        if (round == 0)
            assert_int_equal(add_voice(store, account, "after", 2), TB_OK);
        close(there[0]);
        close(there[1]);
    }
    tb_store_close(store);
    store = open_store(dir);
    assert_int_equal(tb_store_voice_get(store, account, TB_STR("before"), &got, NULL), TB_OK);
    assert_int_equal(tb_store_voice_get(store, account, TB_STR("after"), &got, NULL), TB_OK);
    assert_int_equal(tb_store_voice_get(store, account, TB_STR("later"), &got, NULL), TB_OK);
    tb_store_close(store);
    remove_dir(dir);
}

/* Eight processes open a folder that does not exist yet: one schema, one secret. */
static void many_open_a_fresh_store_at_once(void **state)
{
    char dir[64], first[48], sig[48];
    const char *name = "0123456789abcdef0123456789abcdef.wav";
    int ends[2], status;

    (void)state;
    make_dir(dir);
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    for (int i = 0; i < 8; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            struct tb_store *store;
            struct tb_error err = { 0 };

            if (tb_store_open(dir, &store, &err)) {
                fprintf(stderr, "%s\n", err.text);
                _exit(1);
            }
            tb_store_file_sign(store, name, 1, sig);
            _exit(write(ends[1], sig, sizeof sig) == sizeof sig ? 0 : 1);
        }
    }
    for (int i = 0; i < 8; i++) {
        assert_true(wait(&status) > 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_int_equal(read(ends[0], i ? sig : first, sizeof sig), sizeof sig);
        if (i)
            assert_string_equal(sig, first);
    }
    close(ends[0]);
    close(ends[1]);
    remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_voices_survive_kill_9),
        cmocka_unit_test(two_processes_see_each_other),
        cmocka_unit_test(another_process_closing_loses_nothing),
        cmocka_unit_test(many_open_a_fresh_store_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
