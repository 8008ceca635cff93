/* test_resample.c - level, frequency, alignment and length at all rates the program meets; stream against one-shot. */
#include "audio/resample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint32_t rates[] = { 8000, 16000, 22050, 24000, 44100, 48000 };
enum { RATES = sizeof rates / sizeof *rates };

static struct tb_pcm sine(uint32_t rate, double hz, size_t len)
{
    struct tb_pcm p;

    assert_int_equal(tb_pcm_alloc(&p, len, rate, NULL), TB_OK);
    for (size_t i = 0; i < len; i++)
        p.data[i] = 0.5f * (float)sin(2 * M_PI * hz * (double)i / rate);
    return p;
}

/* Largest difference from the same sine made at the output rate, away from the ends. */
static double worst(const struct tb_pcm *p, double hz)
{
    double w = 0;

    for (size_t i = p->rate / 20; i + p->rate / 20 < p->len; i++)
        w = fmax(w, fabs(p->data[i] - 0.5 * sin(2 * M_PI * hz * (double)i / p->rate)));
    return w;
}

static void every_pair_keeps_a_sine_in_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < RATES; i++)
        for (size_t j = 0; j < RATES; j++) {
            struct tb_pcm in = sine(rates[i], 997, rates[i] / 2 + 7), out;

            assert_int_equal(tb_resample(&in, rates[j], &out, NULL), TB_OK);
            assert_int_equal(out.rate, rates[j]);
            assert_int_equal(out.len, (size_t)llround((double)in.len * rates[j] / rates[i]));
            assert_true(worst(&out, 997) < 1e-4);
            tb_pcm_free(&in);
            tb_pcm_free(&out);
        }
}

static void what_is_above_the_new_nyquist_is_removed(void **state)
{
    struct tb_pcm in = sine(48000, 10000, 48000), out;

    (void)state;
    assert_int_equal(tb_resample(&in, 16000, &out, NULL), TB_OK);
    for (size_t i = 800; i + 800 < out.len; i++)
        assert_true(fabsf(out.data[i]) < 1e-4f);
    tb_pcm_free(&in);
    tb_pcm_free(&out);
}

static void a_stream_equals_the_whole(void **state)
{
    (void)state;
    for (size_t j = 0; j < RATES; j++) {
        struct tb_pcm in = sine(24000, 440, 30011), whole;
        struct tb_resampler *r;
        const float *s;
        float *all = calloc(80000, sizeof *all);
        size_t n, len = 0, step = 1;

        assert_int_equal(tb_resample(&in, rates[j], &whole, NULL), TB_OK);
        assert_int_equal(tb_resampler_open(24000, rates[j], &r, NULL), TB_OK);
        for (size_t at = 0; at < in.len; at += step, step = step * 3 % 4001 + 1) {
            size_t piece = in.len - at < step ? in.len - at : step;

            assert_int_equal(tb_resampler_push(r, in.data + at, piece, &s, &n, NULL), TB_OK);
            assert_true(len + n <= 80000);
            if (n)
                memcpy(all + len, s, n * sizeof *s);
            len += n;
        }
        assert_int_equal(tb_resampler_finish(r, &s, &n, NULL), TB_OK);
        assert_true(len + n <= 80000);
        if (n)
            memcpy(all + len, s, n * sizeof *s);
        len += n;
        assert_true(llabs((long long)len - (long long)whole.len) <= 1);
        for (size_t i = 0; i < len && i < whole.len; i++)
            assert_true(fabsf(all[i] - whole.data[i]) < 1e-5f);
        tb_resampler_close(r);
        free(all);
        tb_pcm_free(&in);
        tb_pcm_free(&whole);
    }
}

static void odd_input_is_answered(void **state)
{
    struct tb_pcm empty = { .rate = 24000 }, one, out;
    float x = 0.5f;
    struct tb_resampler *r;
    const float *s;
    size_t n;

    (void)state;
    assert_int_equal(tb_resample(&empty, 16000, &out, NULL), TB_OK);
    assert_int_equal(out.len, 0);
    tb_pcm_free(&out);
    one = (struct tb_pcm){ &x, 1, 8000 };
    assert_int_equal(tb_resample(&one, 48000, &out, NULL), TB_OK);
    assert_int_equal(out.len, 6);
    tb_pcm_free(&out);
    assert_int_equal(tb_resample(&one, 0, &out, NULL), TB_EINVAL);
    assert_null(out.data);
    one.rate = 0;
    assert_int_equal(tb_resample(&one, 16000, &out, NULL), TB_EINVAL);
    one = (struct tb_pcm){ &x, SIZE_MAX / 2, 8000 };
    assert_int_equal(tb_resample(&one, 16000, &out, NULL), TB_ETOOBIG);
    assert_int_equal(tb_resampler_open(24000, 0, &r, NULL), TB_EINVAL);
    assert_null(r);
    assert_int_equal(tb_resampler_open(24000, 48000, &r, NULL), TB_OK);
    assert_int_equal(tb_resampler_push(r, NULL, 0, &s, &n, NULL), TB_OK);
    assert_int_equal(n, 0);
    assert_int_equal(tb_resampler_finish(r, &s, &n, NULL), TB_OK);
    tb_resampler_close(r);
    tb_resampler_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_keeps_a_sine_in_place),
        cmocka_unit_test(what_is_above_the_new_nyquist_is_removed),
        cmocka_unit_test(a_stream_equals_the_whole),
        cmocka_unit_test(odd_input_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
