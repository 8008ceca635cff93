/* test_groups.c - vectors of one cloud and of two. */
#include "engine/kokoro/groups.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static float vectors[80][TB_GE2E_SIZE];

/* n vectors from `at` on: a direction of their own, with this much noise. */
static void fill(size_t at, size_t n, int direction, double noise)
{
    static unsigned seed = 9;

    for (size_t i = at; i < at + n; i++) {
        double square = 0;

        for (int k = 0; k < TB_GE2E_SIZE; k++) {
            seed = seed * 1664525u + 1013904223u;
            vectors[i][k] = (float)(1 + (k % 4 == direction) * 4 + noise * (seed / 2147483648.0 - 1));
            square += (double)vectors[i][k] * vectors[i][k];
        }
        for (int k = 0; k < TB_GE2E_SIZE; k++)
            vectors[i][k] /= (float)sqrt(square);
    }
}

static void one_cloud_is_one_speaker(void **state)
{
    (void)state;
    fill(0, 20, 0, 1);
    assert_true(tb_groups_likeness(vectors[0], 20) > 0.95F);
    fill(0, 80, 0, 1); /* more than are looked at */
    assert_true(tb_groups_likeness(vectors[0], 80) > 0.95F);
}

static void two_clouds_are_found_in_any_order_and_size(void **state)
{
    static const size_t firsts[] = { 5, 10, 15 };

    (void)state;
    for (int i = 0; i < 3; i++) {
        fill(0, firsts[i], 0, 1);
        fill(firsts[i], 20 - firsts[i], 1, 1);
        float found = tb_groups_likeness(vectors[0], 20);
        assert_true(found > 0.4F && found < 0.7F); /* their directions have 16/28 */
    }
    for (size_t i = 0; i < 20; i++) /* by turns */
        fill(i, 1, (int)(i % 2), 1);
    assert_true(tb_groups_likeness(vectors[0], 20) < 0.7F);
}

static void what_is_rare_or_too_short_says_nothing(void **state)
{
    (void)state;
    fill(0, 18, 0, 1);
    fill(18, 2, 1, 1);
    assert_true(tb_groups_likeness(vectors[0], 20) == 1);
    fill(0, 2, 0, 1);
    fill(2, 2, 1, 1);
    for (size_t n = 0; n < 5; n++)
        assert_true(tb_groups_likeness(vectors[0], n) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_cloud_is_one_speaker),
        cmocka_unit_test(two_clouds_are_found_in_any_order_and_size),
        cmocka_unit_test(what_is_rare_or_too_short_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
