/* test_pool.c - every part runs exactly once, whoever calls, and a taken pool never blocks. */
#include "base/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PARTS = 97, ROUNDS = 400 };

struct tally {
    _Atomic int ran[PARTS];
};

static void count(void *ctx, int part)
{
    struct tally *t = ctx;

    atomic_fetch_add(&t->ran[part], 1);
}

static void *many_rounds(void *arg)
{
    struct tb_pool *pool = arg;

    for (int round = 0; round < ROUNDS; round++) {
        struct tally t = { 0 };
        int parts = 1 + round % PARTS;

        tb_pool_run(pool, count, &t, parts);
        for (int i = 0; i < PARTS; i++)
            if (atomic_load(&t.ran[i]) != (i < parts))
                return "a part did not run exactly once";
    }
    return NULL;
}

static void each_part_runs_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        struct tb_pool *pool;

        assert_int_equal(tb_pool_open(threads, &pool, NULL), TB_OK);
        assert_int_equal(tb_pool_threads(pool), threads);
        assert_null(many_rounds(pool));
        tb_pool_close(pool);
    }
    assert_null(many_rounds(NULL));
}

static void callers_share_a_pool(void **state)
{
    struct tb_pool *pool;
    pthread_t other[3];

    (void)state;
    assert_int_equal(tb_pool_open(3, &pool, NULL), TB_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&other[i], NULL, many_rounds, pool), 0);
    assert_null(many_rounds(pool));
    for (int i = 0; i < 3; i++) {
        void *said;

        pthread_join(other[i], &said);
        assert_null(said);
    }
    tb_pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_runs_once),
        cmocka_unit_test(callers_share_a_pool),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
