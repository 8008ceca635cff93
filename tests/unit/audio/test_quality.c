/* test_quality.c - what is measured of recordings made here: noise in syllables stands for speech, and each fault is
 * put in with a known size. */
#include "audio/quality.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audio/resample.h"

static float hiss(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed / 2147483648.0 - 1);
}

/* Four syllables a second of hiss with peaks of `size`, over hiss of level_db against the loudest frames. */
static struct tb_pcm made(uint32_t rate, double seconds, double size, double noise_db)
{
    struct tb_pcm p;
    unsigned a = 5, b = 77;

    assert_int_equal(tb_pcm_alloc(&p, (size_t)(rate * seconds), rate, NULL), TB_OK);
    for (size_t i = 0; i < p.len; i++) {
        double beat = fmax(0, sin(2 * M_PI * 4 * (double)i / rate));
        p.data[i] = (float)(size * beat * hiss(&a) + size * pow(10, noise_db / 20) * hiss(&b));
    }
    return p;
}

static struct tb_quality measured(struct tb_pcm p)
{
    struct tb_quality q;

    assert_int_equal(tb_quality_measure(&p, &q, NULL), TB_OK);
    tb_pcm_free(&p);
    return q;
}

static void near(double value, double wanted, double off)
{
    if (!(fabs(value - wanted) <= off))
        fail_msg("%g is not within %g of %g", value, off, wanted);
}

/* Uniform hiss, half of the time under half a sine, of which the part below 8 kHz counts. */
static double level_of(double size, uint32_t rate)
{
    return 20 * log10(size / sqrt(3) / 2) + 10 * log10(16000.0 / rate);
}

static void a_good_recording_has_no_fault(void **state)
{
    static const uint32_t rates[] = { 24000, 44100, 48000, 96000 };

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct tb_quality q = measured(made(rates[i], 6, 0.5, -200));

        near(q.speech_s, 6, 0.1);
        assert_true(q.pause_s == 0 && q.clipped < 0.01F && q.snr_db > 35);
        near(q.band_hz, 11850, 250);
        near(q.level_db, level_of(0.5, rates[i]), 1.2);
    }
}

static void noise_is_measured(void **state)
{
    static const double levels[] = { -30, -20, -10, -5, 0 };

    (void)state;
    for (int i = 0; i < 5; i++) /* the mean of the louder frames is some dB under the loudest */
        near(measured(made(24000, 8, 0.3, levels[i])).snr_db, -levels[i] - 4, 3.5);
}

static void the_end_of_the_band_is_found(void **state)
{
    static const uint32_t rates[] = { 8000, 11025, 16000, 22050 };

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct tb_pcm low = made(rates[i], 5, 0.5, -200), high;

        assert_int_equal(tb_resample(&low, 24000, &high, NULL), TB_OK);
        tb_pcm_free(&low);
        near(measured(high).band_hz, rates[i] / 2.0, 300);
    }
}

static void clipping_and_level_are_measured(void **state)
{
    struct tb_pcm p = made(24000, 5, 2, -200);
    size_t over = 0;

    (void)state;
    for (size_t i = 0; i < p.len; i++) {
        over += fabsf(p.data[i]) > 1;
        p.data[i] = fmaxf(-1, fminf(1, p.data[i]));
    }
    near(measured(p).clipped, (double)over / (24000 * 5), 0.02);
    near(measured(made(24000, 5, 0.0005, -200)).level_db, level_of(0.0005, 24000), 1.2);
}

static void pauses_are_measured(void **state)
{
    struct tb_pcm p = made(24000, 10, 0.5, -200);

    (void)state;
    memset(p.data + 24000 * 3, 0, 24000 * 4 * sizeof *p.data);
    memset(p.data + 24000 * 9, 0, 24000 * sizeof *p.data); /* an end is no pause */
    struct tb_quality q = measured(p);
    near(q.pause_s, 4, 0.3);
    near(q.speech_s, 5, 0.4);
}

/* Rates, lengths and values that no microphone gives. */
static void odd_input_is_answered(void **state)
{
    static const uint32_t rates[] = { 1, 100, 8000, 24000, 768000 };
    static const size_t lengths[] = { 0, 1, 479, 960, 12000, 40000 };
    static const float values[] = { 0, 1, -1, 1e-30F };

    (void)state;
    for (int r = 0; r < 5; r++)
        for (int l = 0; l < 6; l++)
            for (int v = 0; v < 4; v++) {
                struct tb_pcm p;

                if ((double)lengths[l] / rates[r] > 100)
                    continue; /* 40000 samples at 1 Hz would be eleven hours */
                assert_int_equal(tb_pcm_alloc(&p, lengths[l], rates[r], NULL), TB_OK);
                for (size_t i = 0; i < p.len; i++)
                    p.data[i] = values[v];
                struct tb_quality q = measured(p);
                assert_true(isfinite(q.level_db) && isfinite(q.snr_db) && isfinite(q.band_hz));
                assert_true(q.clipped >= 0 && q.clipped <= 1 && q.speech_s >= 0 && q.pause_s >= 0);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_recording_has_no_fault), cmocka_unit_test(noise_is_measured),
        cmocka_unit_test(the_end_of_the_band_is_found),  cmocka_unit_test(clipping_and_level_are_measured),
        cmocka_unit_test(pauses_are_measured),           cmocka_unit_test(odd_input_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
