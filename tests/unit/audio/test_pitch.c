/* test_pitch.c - known pitches: low and high voices, in noise, over rumble, gliding, with a weak or missing
 * fundamental; and counted syllables. */
#include "audio/pitch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SECONDS = 3, LEN = SECONDS * TB_PITCH_RATE_HZ, FRAMES = LEN / TB_PITCH_HOP };

static unsigned noise_state;

static float hiss(void)
{
    noise_state = noise_state * 1664525u + 1013904223u;
    return (float)(noise_state / 2147483648.0 - 1);
}

/* A buzz of `partials` harmonics from number `first`, gliding by +-glide octaves twice a second, with hiss. */
static void voice(float *wave, double hz, int first, int partials, double glide, double noise)
{
    double phase = 0;

    noise_state = 7;
    for (int i = 0; i < LEN; i++) {
        double t = (double)i / TB_PITCH_RATE_HZ, v = 0;
        phase += hz * exp2(glide * sin(2 * M_PI * 2 * t)) / TB_PITCH_RATE_HZ;
        for (int k = first; k < first + partials && k * hz * 1.3 < TB_PITCH_RATE_HZ / 2.0; k++)
            v += sin(2 * M_PI * k * phase + k * k) / k;
        wave[i] = (float)(0.1 * v + noise * (double)hiss());
    }
}

static struct tb_pitch_summary measure(const float *wave)
{
    float f0[FRAMES];

    assert_int_equal(tb_pitch(wave, LEN, f0, NULL), TB_OK);
    return tb_pitch_summarise(f0, FRAMES);
}

static void finds_low_and_high_voices(void **state)
{
    static float wave[LEN];

    (void)state;
    for (double hz = 65; hz < 430; hz *= 1.13) {
        voice(wave, hz, 1, 20, 0.1, 0.01);
        struct tb_pitch_summary p = measure(wave);
        assert_true(fabs(p.median_hz / hz - 1) < 0.02);
        assert_true(p.voiced > FRAMES * 8 / 10);
        assert_true(p.spread > 0.02f && p.spread < 0.12f);
    }
}

static void is_not_an_octave_off_in_noise_or_without_fundamental(void **state)
{
    static float wave[LEN];
    static const double voices[] = { 90, 120, 180, 240 };

    (void)state;
    for (int i = 0; i < 4; i++) {
        voice(wave, voices[i], 1, 12, 0.05, 0.06);
        assert_true(fabs(measure(wave).median_hz / voices[i] - 1) < 0.03);
        voice(wave, voices[i], 3, 8, 0.05, 0.005); /* as through a telephone */
        assert_true(fabs(measure(wave).median_hz / voices[i] - 1) < 0.03);
    }
}

static void rumble_louder_than_the_voice_is_no_voice(void **state)
{
    static float wave[LEN];

    (void)state;
    for (double hz = 80; hz < 300; hz *= 1.4) {
        voice(wave, hz, 1, 20, 0.1, 0.01);
        for (int i = 0; i < LEN; i++) { /* 12, 23 and 31 Hz, as of a lorry outside */
            double t = 2 * M_PI * i / TB_PITCH_RATE_HZ;
            wave[i] += (float)(0.3 * sin(12 * t) + 0.3 * sin(23 * t + 1) + 0.3 * sin(31 * t + 2));
        }
        struct tb_pitch_summary p = measure(wave);
        assert_true(fabs(p.median_hz / hz - 1) < 0.02);
        assert_true(p.voiced > FRAMES * 8 / 10);
    }
}

static void hears_no_voice_in_hiss_or_silence(void **state)
{
    static float wave[LEN];

    (void)state;
    assert_int_equal(measure(wave).voiced, 0);
    noise_state = 3;
    for (int i = 0; i < LEN; i++)
        wave[i] = 0.1f * hiss();
    assert_true(measure(wave).voiced < FRAMES / 20);
}

static void short_recordings_are_fine(void **state)
{
    (void)state;
    for (size_t len = 0; len < 700; len += 37) {
        float *wave = calloc(len ? len : 1, sizeof *wave), f0[10];
        size_t count;
        assert_non_null(wave);
        assert_int_equal(tb_pitch(wave, len, f0, NULL), TB_OK);
        assert_int_equal(tb_syllables(wave, len, &count, NULL), TB_OK);
        assert_int_equal(count, 0);
        free(wave);
    }
}

static void counts_syllables(void **state)
{
    static float wave[LEN];
    size_t count;

    (void)state;
    for (int rate = 2; rate <= 7; rate++) {
        voice(wave, 130, 1, 20, 0.1, 0.001);
        for (int i = 0; i < LEN; i++)
            wave[i] *= (float)(0.55 - 0.45 * cos(2 * M_PI * rate * i / TB_PITCH_RATE_HZ));
        assert_int_equal(tb_syllables(wave, LEN, &count, NULL), TB_OK);
        assert_true(labs((long)count - rate * SECONDS) <= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_low_and_high_voices),
        cmocka_unit_test(is_not_an_octave_off_in_noise_or_without_fundamental),
        cmocka_unit_test(rumble_louder_than_the_voice_is_no_voice),
        cmocka_unit_test(hears_no_voice_in_hiss_or_silence),
        cmocka_unit_test(short_recordings_are_fine),
        cmocka_unit_test(counts_syllables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
