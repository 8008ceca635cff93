/* test_activity.c - bursts of sound among silence, hiss and clicks. */
#include "audio/activity.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

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

static void speech_is_found_however_quiet(void **state)
{
    static const double sizes[] = { 0.2, 0.002, 0.0005 };
    struct tb_error err;

    (void)state;
    for (int s = 0; s < 3; s++) {
        struct tb_pcm audio = { .data = wave, .len = LEN, .rate = 16000 }, speech = { 0 };
        fill(50, 120, sizes[s], 0);
        wave[3] = NAN;
        assert_int_equal(tb_activity_speech(&audio, 2000, &speech, NULL), TB_OK);
        assert_in_range(speech.len / FRAME, 74, 86);
        assert_int_equal(speech.len % FRAME, 0);
        tb_pcm_free(&speech);
        assert_int_equal(tb_activity_speech(&audio, 3000, &speech, &err), TB_EAUDIO_SPEECH);
        assert_non_null(strstr(err.text, "s of clear speech, at least 3.0 s are needed"));
        tb_pcm_free(&speech);
    }
}

static void too_little_is_never_said_to_be_enough(void **state)
{
    struct tb_pcm audio = { .data = wave, .len = LEN, .rate = 16000 }, speech = { 0 };
    struct tb_error err;

    (void)state;
    for (int to = 110; to < 120; to++) { /* speech of 0.03 s more each time: some would be rounded up */
        fill(50, to, 0.2, 0);
        assert_int_equal(tb_activity_speech(&audio, 0, &speech, NULL), TB_OK);
        size_t tenths = speech.len * 10 / TB_ACTIVITY_RATE_HZ;
        tb_pcm_free(&speech);
        assert_int_equal(tb_activity_speech(&audio, (int)tenths * 100 + 100, &speech, &err), TB_EAUDIO_SPEECH);
        assert_int_equal(lround(10 * strtod(err.text, NULL)), tenths);
        tb_pcm_free(&speech);
    }
}

static void what_is_loud_enough_is_left(void **state)
{
    (void)state;
    fill(0, FRAMES, 0.2, 0);
    assert_true(tb_activity_raise(wave, LEN) <= 1);
    assert_true(fabs((double)wave[100] - 0.2 * sin(10)) < 1e-6);
    fill(0, FRAMES, 0.002, 0);
    double gain = tb_activity_raise(wave, LEN);
    assert_true(fabs(gain - pow(10, -1.5) * sqrt(2) / 0.002) < 0.2);
    assert_true(fabs((double)wave[100] - 0.002 * gain * sin(10)) < 1e-6);
    assert_true(tb_activity_raise(wave, 0) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_speech_in_silence_and_in_hiss),
        cmocka_unit_test(a_click_is_no_speech),
        cmocka_unit_test(silence_is_no_speech),
        cmocka_unit_test(keeps_what_is_active_in_order),
        cmocka_unit_test(speech_is_found_however_quiet),
        cmocka_unit_test(too_little_is_never_said_to_be_enough),
        cmocka_unit_test(what_is_loud_enough_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
