/* test_threads.c - four threads on one store: the quota is exact, nothing is lost, keys come and go while looked up. */
#include "store_test.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, TRIES = 30, QUOTA = 50 };

struct shared {
    struct tb_store *store;
    int64_t account;
    _Atomic int added, refused, failed, next, stop;
};

static void *add_voices(void *arg)
{
    struct shared *s = arg;
    int me = atomic_fetch_add(&s->next, 1);

    for (int i = 0; i < TRIES; i++) {
        char id[32];
        struct tb_error err = { 0 };
        struct tb_usage used = { .account = s->account, .requests = 1, .characters = 10 };

        snprintf(id, sizeof id, "t%d-%d", me, i);
        struct tb_voice_info v = make_voice(id, i);
        enum tb_code rc = tb_store_voice_add(s->store, s->account, &v, TB_STR("print"), NULL, QUOTA, &err);

        if (rc == TB_OK)
            atomic_fetch_add(&s->added, 1);
        else if (rc == TB_EQUOTA)
            atomic_fetch_add(&s->refused, 1);
        else
            atomic_fetch_add(&s->failed, 1);
        if (tb_store_usage_add(s->store, &used, &err))
            atomic_fetch_add(&s->failed, 1);
    }
    return NULL;
}

/* Reads while others write: each list is a consistent snapshot. */
static void *read_lists(void *arg)
{
    struct shared *s = arg;

    while (!atomic_load(&s->stop)) {
        struct tb_voice_info *list;
        struct tb_bytes print = { 0 };
        int64_t total;
        size_t count;

        if (tb_store_voice_list(s->store, s->account, 0, TB_MAX_PAGE, &list, &count, &total, NULL) ||
            (int64_t)count != total)
            atomic_fetch_add(&s->failed, 1);
        if (count && (tb_store_print_get(s->store, s->account, tb_str_of(list[0].id), "test", &print, NULL) ||
                      !tb_str_eq(tb_bytes_str(&print), "print")))
            atomic_fetch_add(&s->failed, 1);
        tb_bytes_free(&print);
        free(list);
    }
    return NULL;
}

static void the_quota_is_exact(void **state)
{
    struct shared s = { 0 };
    pthread_t threads[THREADS + 1];
    struct tb_usage *usage;
    int64_t count;
    size_t n;
    char dir[64];

    (void)state;
    make_dir(dir);
    s.store = open_store(dir);
    s.account = new_account(s.store);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_voices, &s), 0);
    assert_int_equal(pthread_create(&threads[THREADS], NULL, read_lists, &s), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&s.stop, 1);
    pthread_join(threads[THREADS], NULL);

    assert_int_equal(s.failed, 0);
    assert_int_equal(s.added, QUOTA);
    assert_int_equal(s.refused, THREADS * TRIES - QUOTA);
    assert_int_equal(tb_store_voice_count(s.store, s.account, &count, NULL), TB_OK);
    assert_int_equal(count, QUOTA);
    assert_int_equal(tb_store_usage_list(s.store, 0, tb_now_ms() + 1, &usage, &n, NULL), TB_OK);
    assert_true(n == 1 && usage->voices_created == QUOTA && usage->requests == THREADS * TRIES &&
                usage->characters == 10 * THREADS * TRIES);
    free(usage);
    tb_store_close(s.store);
    remove_dir(dir);
}

static void *look_up_keys(void *arg)
{
    struct shared *s = arg;

    while (!atomic_load(&s->stop)) {
        int64_t account;

        if (tb_store_key_find(s->store, TB_STR("always-there"), &account, NULL) || account != s->account)
            atomic_fetch_add(&s->failed, 1);
        if (tb_store_key_find(s->store, TB_STR("never-there"), &account, NULL) != TB_ENOTFOUND)
            atomic_fetch_add(&s->failed, 1);
    }
    return NULL;
}

static void keys_are_found_while_others_change(void **state)
{
    struct shared s = { 0 };
    pthread_t threads[2];
    char dir[64], key[64];
    int64_t account;

    (void)state;
    make_dir(dir);
    s.store = open_store(dir);
    assert_int_equal(tb_store_key_import(s.store, "always-there", "", &s.account, NULL), TB_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up_keys, &s), 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(tb_store_key_add(s.store, "", 0, key, NULL), TB_OK);
        assert_int_equal(tb_store_key_find(s.store, tb_str_of(key), &account, NULL), TB_OK);
        assert_int_equal(tb_store_key_revoke(s.store, key, NULL), TB_OK);
        assert_int_equal(tb_store_key_find(s.store, tb_str_of(key), &account, NULL), TB_ENOTFOUND);
    }
    atomic_store(&s.stop, 1);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(s.failed, 0);
    tb_store_close(s.store);
    remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_quota_is_exact),
        cmocka_unit_test(keys_are_found_while_others_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
