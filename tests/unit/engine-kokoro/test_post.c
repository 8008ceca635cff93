/* test_post.c - the equaliser's response, the limiter's promise, and joints without a seam. */
#include "engine/kokoro/post.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "audio/mel.h"
#include "engine/kokoro/model.h"

enum { LEN = 6000 };

/* All of in [LEN] through a fresh post, in pieces of `piece`; out [LEN]. */
static void run(const float *eq_db, const float *in, size_t piece, float *out)
{
    struct tb_kokoro_post *post;
    size_t n = 0;

    assert_int_equal(tb_kokoro_post_open(eq_db, &post, NULL), TB_OK);
    for (size_t i = 0; i < LEN; i += piece)
        n += tb_kokoro_post_run(post, in + i, piece < LEN - i ? piece : LEN - i, out + n);
    assert_int_equal(n, LEN - TB_KOKORO_POST_DELAY);
    n += tb_kokoro_post_flush(post, out + n);
    assert_int_equal(n, LEN);
    tb_kokoro_post_close(post);
}

static void sine(float *wave, double hz, double size)
{
    for (int i = 0; i < LEN; i++)
        wave[i] = (float)(size * sin(2 * M_PI * hz * i / TB_KOKORO_RATE_HZ));
}

static double level_db(const float *wave)
{
    double sum = 0;

    for (int i = 1000; i < LEN - 1000; i++)
        sum += (double)wave[i] * wave[i];
    return 10 * log10(sum / (LEN - 2000));
}

static void flat_changes_nothing(void **state)
{
    const float flat[TB_KOKORO_EQ_BANDS] = { 0 };
    float in[LEN], out[LEN];

    (void)state;
    sine(in, 1234, 0.5);
    run(flat, in, 100, out);
    for (int i = 0; i < LEN; i++)
        assert_true(fabsf(in[i] - out[i]) < 1e-5f);
}

static void bands_have_their_gain(void **state)
{
    float eq[TB_KOKORO_EQ_BANDS], in[LEN], out[LEN];

    (void)state;
    for (int b = 0; b < TB_KOKORO_EQ_BANDS; b++) /* a smooth tilt with a hump, as enrolment makes them */
        eq[b] = -6 + 0.2f * (float)b + 4 * expf(-0.02f * (float)((b - 12) * (b - 12)));
    for (int b = 2; b < TB_KOKORO_EQ_BANDS; b += 3) {
        sine(in, tb_mel_centre_hz(b), 0.2);
        run(eq, in, 777, out);
        assert_true(fabs(level_db(out) - level_db(in) - (double)eq[b]) < 0.5);
    }
}

static void peaks_stay_under_the_ceiling(void **state)
{
    const float flat[TB_KOKORO_EQ_BANDS] = { 0 };
    float in[LEN], out[LEN];
    unsigned noise = 1;

    (void)state;
    sine(in, 150, 0.6);
    for (int i = 2000; i < 4000; i++) {
        noise = noise * 1664525u + 1013904223u;
        in[i] = in[i] * 3 + (float)(noise >> 8) / 8388608.0f - 1;
    }
    run(flat, in, 512, out);
    for (int i = 0; i < LEN; i++)
        assert_true(fabsf(out[i]) <= 0.98f);
    for (int i = 0; i < 1500; i++) /* what was never loud is left alone */
        assert_true(fabsf(in[i] - out[i]) < 1e-4f);
    for (int i = 1; i < 1900; i++)
        assert_true(fabsf(out[i] - out[i - 1]) < 0.05f);
}

static void pieces_of_any_size_give_the_same(void **state)
{
    float eq[TB_KOKORO_EQ_BANDS], in[LEN], whole[LEN], parts[LEN];
    static const size_t pieces[] = { 1, 7, 255, 256, 257, 1999 };

    (void)state;
    for (int b = 0; b < TB_KOKORO_EQ_BANDS; b++)
        eq[b] = (float)(b % 7) - 3;
    sine(in, 200, 1.3);
    run(eq, in, LEN, whole);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        run(eq, in, pieces[i], parts);
        assert_memory_equal(whole, parts, sizeof whole);
    }
}

static void begins_anew_after_a_flush_and_works_in_place(void **state)
{
    const float flat[TB_KOKORO_EQ_BANDS] = { 0 };
    float buf[TB_KOKORO_POST_DELAY + 3] = { 0.1f, 0.2f, 0.3f };
    struct tb_kokoro_post *post;

    (void)state;
    assert_int_equal(tb_kokoro_post_open(flat, &post, NULL), TB_OK);
    for (int round = 0; round < 2; round++) {
        buf[0] = 0.1f, buf[1] = 0.2f, buf[2] = 0.3f;
        assert_int_equal(tb_kokoro_post_run(post, buf, 3, buf), 0);
        assert_int_equal(tb_kokoro_post_flush(post, buf), 3);
        assert_true(fabsf(buf[0] - 0.1f) < 1e-5f && fabsf(buf[2] - 0.3f) < 1e-5f);
    }
    tb_kokoro_post_close(post);
    tb_kokoro_post_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_changes_nothing),
        cmocka_unit_test(bands_have_their_gain),
        cmocka_unit_test(peaks_stay_under_the_ceiling),
        cmocka_unit_test(pieces_of_any_size_give_the_same),
        cmocka_unit_test(begins_anew_after_a_flush_and_works_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
