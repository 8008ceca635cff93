/* test_limiter.c - the limiter's promise at each rate, and that louder in is louder out. */
#include "audio/limiter.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEN = 24000 };

static const float CEILING = 0.98f;

/* Pulses of a low voice: each falls off within its period. */
static void pulses(float *wave, float size)
{
    for (int i = 0; i < LEN; i++)
        wave[i] = size * expf(-(float)(i % 240) / 60) * cosf((float)(i % 240) * 0.2f);
}

static double power(const float *wave)
{
    double sum = 0;

    for (int i = 0; i < LEN; i++)
        sum += (double)wave[i] * (double)wave[i];
    return sum / LEN;
}

static void run(uint32_t rate_hz, const float *in, float *out)
{
    struct tb_limiter l;
    int delay = tb_limiter_delay(rate_hz);

    tb_limiter_begin(&l, rate_hz, CEILING);
    for (int i = 0; i < LEN + delay; i++) {
        float v = tb_limiter_run(&l, i < LEN ? in[i] : 0);

        if (i < delay)
            assert_true(v == 0);
        else
            out[i - delay] = v;
    }
}

static void nothing_passes_the_ceiling_and_quiet_is_left_alone(void **state)
{
    static const uint32_t rates[] = { 200, 8000, 22050, 24000, 48000 };
    static float in[LEN], out[LEN];
    unsigned noise = 1;

    (void)state;
    for (int i = 0; i < LEN; i++) {
        noise = noise * 1664525u + 1013904223u;
        in[i] = ((float)(noise >> 8) / 8388608.0f - 1) * (i > LEN / 2 ? 8.0f : 0.9f);
    }
    in[LEN - 1] = 64;
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        run(rates[r], in, out);
        for (int i = 0; i < LEN; i++)
            assert_true(fabsf(out[i]) <= CEILING * 1.0001f);
        for (int i = 0; i < LEN / 2 - tb_limiter_delay(rates[r]); i++)
            assert_true(out[i] == in[i]);
    }
}

/* The volumes that clients may ask for, in steps of a tenth. */
static void louder_in_is_louder_out(void **state)
{
    static float in[LEN], out[LEN];
    double last = 0;

    (void)state;
    for (int volume = 1; volume <= 20; volume++) {
        pulses(in, 0.1f * (float)volume);
        run(24000, in, out);
        double now = power(out);
        assert_true(now > last);
        last = now;
    }
}

/* A steady voice has a steady gain: what comes out differs from the input only in size. */
static void a_steady_voice_is_not_bent(void **state)
{
    static float in[LEN], out[LEN];
    double product = 0, square = 0, rest = 0, all = 0;

    (void)state;
    pulses(in, 2.0f);
    run(24000, in, out);
    for (int i = LEN / 2; i < LEN; i++) {
        product += (double)in[i] * (double)out[i];
        square += (double)in[i] * (double)in[i];
    }
    for (int i = LEN / 2; i < LEN; i++) {
        double d = (double)out[i] - product / square * (double)in[i];
        rest += d * d;
        all += (double)out[i] * (double)out[i];
    }
    print_message("  %.1f dB of distortion\n", 10 * log10(rest / all));
    assert_true(rest < 1e-3 * all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_passes_the_ceiling_and_quiet_is_left_alone),
        cmocka_unit_test(louder_in_is_louder_out),
        cmocka_unit_test(a_steady_voice_is_not_bent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
