/* test_tempo.c - length, pitch, level and smoothness of what is made shorter or longer. */
#include "audio/tempo.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEN = 24000 };

static float in[LEN], out[2 * LEN];

/* A buzz of ten harmonics. */
static void buzz(double hz)
{
    memset(in, 0, sizeof in);
    for (int k = 1; k <= 10; k++)
        for (int i = 0; i < LEN; i++)
            in[i] += (float)(0.1 / k * sin(2 * M_PI * k * hz * i / TB_TEMPO_RATE_HZ + k));
}

static double level(const float *wave, size_t from, size_t to)
{
    double sum = 0;

    for (size_t i = from; i < to; i++)
        sum += (double)wave[i] * (double)wave[i];
    return sqrt(sum / (double)(to - from));
}

/* Correlation of wave [n] with itself `lag` samples later. */
static double repeats(const float *wave, size_t n, size_t lag)
{
    double product = 0, a = 1e-9, b = 1e-9;

    for (size_t i = 0; i + lag < n; i++) {
        product += (double)wave[i] * (double)wave[i + lag];
        a += (double)wave[i] * (double)wave[i];
        b += (double)wave[i + lag] * (double)wave[i + lag];
    }
    return product / sqrt(a * b);
}

static void at_one_nothing_changes(void **state)
{
    (void)state;
    buzz(100);
    tb_tempo(in, LEN, 1, out);
    assert_int_equal(tb_tempo_len(LEN, 1), LEN);
    assert_memory_equal(in, out, sizeof in);
}

static void a_tone_keeps_its_pitch_its_level_and_has_no_clicks(void **state)
{
    static const double pitches[] = { 40, 60, 100, 240, 480 }, factors[] = { 0.5, 0.75, 1.04, 1.25, 5.0 / 3, 2, 4 };

    (void)state;
    for (size_t p = 0; p < sizeof pitches / sizeof *pitches; p++) {
        buzz(pitches[p]);
        float step = 0;
        for (int i = 1; i < LEN; i++)
            step = fmaxf(step, fabsf(in[i] - in[i - 1]));
        for (size_t f = 0; f < sizeof factors / sizeof *factors; f++) {
            size_t n = tb_tempo_len(LEN, factors[f]);

            /* Behind the end there is silence; the last pieces of what is made longer reach into it. */
            double into = factors[f] < 1 ? (TB_TEMPO_WINDOW + TB_TEMPO_SEEK) / factors[f] : 0;
            size_t sure = n - TB_TEMPO_WINDOW - (size_t)into;

            assert_true(fabs((double)n - LEN / factors[f]) <= 0.5);
            tb_tempo(in, LEN, factors[f], out);
            assert_true(repeats(out, sure, (size_t)(TB_TEMPO_RATE_HZ / pitches[p])) > 0.99);
            assert_true(fabs(level(out, 0, sure) / level(in, 0, LEN) - 1) < 0.02);
            for (size_t i = 1; i < sure; i++)
                assert_true(fabsf(out[i] - out[i - 1]) < 1.1f * step);
        }
    }
}

/* A burst of noise in silence comes where it should, and stays a burst. */
static void sounds_stay_in_their_places(void **state)
{
    unsigned noise = 1;

    (void)state;
    memset(in, 0, sizeof in);
    for (int i = 12000; i < 14400; i++) {
        noise = noise * 1664525u + 1013904223u;
        in[i] = (float)(noise >> 8) / 16777216.0f - 0.5f;
    }
    tb_tempo(in, LEN, 2, out);
    assert_true(level(out, 6000, 7200) > 0.15);
    assert_true(level(out, 0, 6000 - TB_TEMPO_SEEK - TB_TEMPO_WINDOW) < 1e-9);
    assert_true(level(out, 7200 + TB_TEMPO_SEEK + TB_TEMPO_WINDOW, 12000) < 1e-9);
}

/* Less than one piece, and nothing; the sanitizer watches the edges. */
static void short_ones_work(void **state)
{
    (void)state;
    buzz(100);
    for (size_t len = 0; len < 1200; len += 7) {
        float *exact = malloc(len ? len * sizeof *exact : 1), *made = malloc((len + 1) * sizeof *made);

        memcpy(exact, in, len * sizeof *exact);
        tb_tempo(exact, len, 1.7, made);
        for (size_t i = 0; i < tb_tempo_len(len, 1.7); i++)
            assert_true(fabsf(made[i]) < 1);
        free(exact);
        free(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_one_nothing_changes),
        cmocka_unit_test(a_tone_keeps_its_pitch_its_level_and_has_no_clicks),
        cmocka_unit_test(sounds_stay_in_their_places),
        cmocka_unit_test(short_ones_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
