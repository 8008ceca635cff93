/* test_activity.c - bursts of sound among silence, hiss and clicks. */
#include "audio/activity.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FRAME = TB_ACTIVITY_FRAME, FRAMES = 200, LEN = FRAMES * FRAME + 17 };

static float wave[LEN];
static bool active[FRAMES];

/* A tone of `size` in frames from .. to, over hiss. */
static void fill(int from, int to, double size, double hiss)
{
    unsigned noise = 11;

    for (int i = 0; i < LEN; i++) {
        noise = noise * 1664525u + 1013904223u;
        wave[i] = (float)(hiss * (noise / 2147483648.0 - 1));
        if (i / FRAME >= from && i / FRAME < to)
            wave[i] += (float)(size * sin(i * 0.1));
    }
}

static void finds_speech_in_silence_and_in_hiss(void **state)
{
    static const double hiss[] = { 0, 0.002, 0.01 };

    (void)state;
    for (int h = 0; h < 3; h++) {
        fill(50, 120, 0.2, hiss[h]);
        assert_int_equal(tb_activity(wave, LEN, active, NULL), TB_OK);
        for (int t = 0; t < FRAMES; t++) {
            if (t >= 48 && t < 122)
                assert_true(active[t]);
            else if (t < 42 || t >= 128)
                assert_false(active[t]);
        }
    }
}

static void a_click_is_no_speech(void **state)
{
    (void)state;
    fill(50, 52, 0.5, 0);
    assert_int_equal(tb_activity(wave, LEN, active, NULL), TB_OK);
    for (int t = 0; t < FRAMES; t++)
        assert_false(active[t]);
}

static void silence_is_no_speech(void **state)
{
    (void)state;
    fill(0, 0, 0, 0.0002);
    assert_int_equal(tb_activity(wave, LEN, active, NULL), TB_OK);
    for (int t = 0; t < FRAMES; t++)
        assert_false(active[t]);
    assert_int_equal(tb_activity(wave, FRAME - 1, active, NULL), TB_OK); /* less than a frame: nothing is written */
}

static void keeps_what_is_active_in_order(void **state)
{
    (void)state;
    for (int i = 0; i < LEN; i++)
        wave[i] = (float)(i / FRAME);
    for (int t = 0; t < FRAMES; t++)
        active[t] = t % 3 == 1;
    size_t kept = tb_activity_keep(wave, LEN, active);
    assert_int_equal(kept % FRAME, 0);
    assert_int_equal(kept / FRAME, 67);
    for (size_t i = 0; i < kept; i++)
        assert_true(fabsf(wave[i] - (float)(i / FRAME * 3 + 1)) < 0.5f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_speech_in_silence_and_in_hiss),
        cmocka_unit_test(a_click_is_no_speech),
        cmocka_unit_test(silence_is_no_speech),
        cmocka_unit_test(keeps_what_is_active_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
