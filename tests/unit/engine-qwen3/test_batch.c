/* Who may come along with a step: in which order, with whom, and that one is held by one only. */
#include "engine/qwen3/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MEMBERS = 4 };

static struct tb_q3_batch batch;
static struct tb_q3_member m[MEMBERS];

/* All of them enter, ready. */
static int enter(void **state)
{
    (void)state;
    tb_q3_batch_init(&batch);
    for (int i = 0; i < MEMBERS; i++) {
        m[i] = (struct tb_q3_member){ .patient = false };
        tb_q3_batch_enter(&batch, &m[i]);
        tb_q3_batch_hold(&batch, &m[i]);
        tb_q3_batch_let_go(&batch, &m[i], true);
    }
    return 0;
}

static int leave(void **state)
{
    (void)state;
    for (int i = 0; i < MEMBERS; i++) {
        m[i].held = false; /* a test that failed may have left it so, and leaving would wait for ever */
        tb_q3_batch_leave(&batch, &m[i]);
    }
    tb_q3_batch_free(&batch);
    return 0;
}

/* Who comes along with a leader who is held, at most `most`, as a number with a digit for each, 1 for m[0]. */
static int along(int leader, int most)
{
    struct tb_q3_member *others[MEMBERS];
    int n = tb_q3_batch_gather(&batch, &m[leader], others, most), who = 0;

    for (int i = 0; i < n; i++) {
        assert_true(others[i]->held);
        who = 10 * who + 1 + (int)(others[i] - m);
        tb_q3_batch_let_go(&batch, others[i], true);
    }
    return who;
}

static void who_came_along_last_is_asked_last(void **state)
{
    (void)state;
    tb_q3_batch_hold(&batch, &m[0]);
    assert_int_equal(along(0, 0), 0);
    assert_int_equal(along(0, 2), 23);
    assert_int_equal(along(0, 2), 42);
    assert_int_equal(along(0, 2), 34);
    assert_int_equal(along(0, MEMBERS), 234);
    tb_q3_batch_let_go(&batch, &m[0], true);
}

static void who_is_patient_comes_along_with_its_like_only(void **state)
{
    (void)state;
    m[2].patient = m[3].patient = true;
    tb_q3_batch_hold(&batch, &m[0]);
    assert_int_equal(along(0, MEMBERS), 2);
    tb_q3_batch_let_go(&batch, &m[0], true);
    tb_q3_batch_hold(&batch, &m[2]);
    assert_int_equal(along(2, MEMBERS), 142);
    tb_q3_batch_let_go(&batch, &m[2], true);
}

static void who_is_held_not_ready_or_gone_stays_behind(void **state)
{
    (void)state;
    tb_q3_batch_hold(&batch, &m[0]);
    tb_q3_batch_hold(&batch, &m[1]);
    assert_int_equal(along(0, MEMBERS), 34);
    tb_q3_batch_let_go(&batch, &m[1], false);
    assert_int_equal(along(0, MEMBERS), 34);
    tb_q3_batch_leave(&batch, &m[2]);
    assert_int_equal(along(0, MEMBERS), 4);
    tb_q3_batch_let_go(&batch, &m[0], true);
    tb_q3_batch_enter(&batch, &m[2]);
}

static int told; /* to those who wait, while m[0] is held */

static void *wait_for_it(void *arg)
{
    static int heard[2];
    int i = *(const int *)arg;

    tb_q3_batch_hold(&batch, &m[0]);
    heard[i] = told++;
    tb_q3_batch_let_go(&batch, &m[0], false);
    return &heard[i];
}

static void one_is_held_by_one_only(void **state)
{
    static int which[2] = { 0, 1 };
    pthread_t threads[2];
    void *heard[2];

    (void)state;
    told = 0;
    tb_q3_batch_hold(&batch, &m[0]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_it, &which[i]), 0);
    told = 10; /* before it is let go */
    tb_q3_batch_let_go(&batch, &m[0], true);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], &heard[i]), 0);
    assert_int_equal(*(int *)heard[0] + *(int *)heard[1], 10 + 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_came_along_last_is_asked_last, enter, leave),
        cmocka_unit_test_setup_teardown(who_is_patient_comes_along_with_its_like_only, enter, leave),
        cmocka_unit_test_setup_teardown(who_is_held_not_ready_or_gone_stays_behind, enter, leave),
        cmocka_unit_test_setup_teardown(one_is_held_by_one_only, enter, leave),
    };

    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
