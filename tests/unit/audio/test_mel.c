/* test_mel.c - the transform against the definition, tones in their bands, and spectra that do not depend on gain.
 * Parity with librosa's numbers is in engine-kokoro/test_ge2e.c. */
#include "audio/mel.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "audio/fft.h"

static void transform_is_the_definition(void **state)
{
    static const int sizes[] = { 4, 6, 10, 16, 30, 50, 120, 400 };

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int n = sizes[s];
        struct tb_fft *fft;
        float *in = calloc((size_t)n, sizeof *in), *out = calloc((size_t)n + 2, sizeof *out);
        assert_int_equal(tb_fft_open(n, &fft, NULL), TB_OK);
        float *work = calloc(tb_fft_work(fft), sizeof *work);
        assert_true(in && out && work);
        for (int i = 0; i < n; i++)
            in[i] = (float)sin(i * i * 0.7 + 1);
        tb_fft_real(fft, in, out, work);
        for (int k = 0; k <= n / 2; k++) {
            double re = 0, im = 0;
            for (int i = 0; i < n; i++) {
                re += in[i] * cos(2 * M_PI * k * i / n);
                im -= in[i] * sin(2 * M_PI * k * i / n);
            }
            assert_true(fabs(re - out[2 * k]) < 1e-4 && fabs(im - out[2 * k + 1]) < 1e-4);
        }
        tb_fft_close(fft);
        free(in);
        free(out);
        free(work);
    }
}

static void other_sizes_are_refused(void **state)
{
    static const int sizes[] = { -4, 0, 1, 2, 7, 14, 15, 22, 65538 };
    struct tb_fft *fft;

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        assert_int_equal(tb_fft_open(sizes[s], &fft, NULL), TB_EINVAL);
        assert_null(fft);
    }
}

enum { LEN = 3200, FRAMES = LEN / TB_MEL_HOP + 1 };

static void tone(float *wave, double hz, double size)
{
    for (int i = 0; i < LEN; i++)
        wave[i] = (float)(size * sin(2 * M_PI * hz * i / TB_MEL_RATE_HZ));
}

static void a_tone_is_in_its_band(void **state)
{
    float wave[LEN], mel[FRAMES * TB_MEL_BANDS];

    (void)state;
    assert_int_equal(tb_mel_frames(LEN), FRAMES);
    for (int band = 1; band < TB_MEL_BANDS; band += 6) {
        tone(wave, tb_mel_centre_hz(band), 0.5);
        assert_int_equal(tb_mel(wave, LEN, mel, NULL), TB_OK);
        const float *middle = mel + FRAMES / 2 * TB_MEL_BANDS;
        for (int b = 0; b < TB_MEL_BANDS; b++)
            assert_true(b == band || middle[b] < middle[band]);
    }
    assert_true(fabs(tb_mel_centre_hz(-1)) < 1e-9 && fabs(tb_mel_centre_hz(TB_MEL_BANDS) - 8000) < 1e-6);
}

static void any_length_stays_inside(void **state)
{
    (void)state;
    for (size_t len = 0; len < 900; len += 61) {
        float *wave = calloc(len ? len : 1, sizeof *wave);
        float *mel = malloc(tb_mel_frames(len) * TB_MEL_BANDS * sizeof *mel);
        float spectrum[TB_MEL_BANDS];
        assert_true(wave && mel);
        assert_int_equal(tb_mel(wave, len, mel, NULL), TB_OK);
        assert_int_equal(tb_mel_spectrum(wave, len, spectrum, NULL), TB_OK);
        for (int b = 0; b < TB_MEL_BANDS; b++)
            assert_true(isfinite(spectrum[b]));
        free(wave);
        free(mel);
    }
}

static void spectrum_forgets_gain_and_keeps_shape(void **state)
{
    float wave[LEN], loud[TB_MEL_BANDS], soft[TB_MEL_BANDS];

    (void)state;
    tone(wave, 1000, 0.5);
    assert_int_equal(tb_mel_spectrum(wave, LEN, loud, NULL), TB_OK);
    tone(wave, 1000, 0.005);
    assert_int_equal(tb_mel_spectrum(wave, LEN, soft, NULL), TB_OK);
    for (int b = 0; b < TB_MEL_BANDS; b++)
        assert_true(fabsf(loud[b] - soft[b]) < 0.02f);
    assert_true(loud[14] > loud[5] + 5 && loud[14] > loud[30] + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transform_is_the_definition), cmocka_unit_test(other_sizes_are_refused),
        cmocka_unit_test(a_tone_is_in_its_band),       cmocka_unit_test(any_length_stays_inside),
        cmocka_unit_test(spectrum_forgets_gain_and_keeps_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
