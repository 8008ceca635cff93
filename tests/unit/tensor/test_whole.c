/* test_whole.c - products of whole numbers: every CPU level computes the same ones, bit for bit, and convolutions with
 * them agree with those of floats. */
#include "levels_test.h"

#include "tensor/fastconv_points.h"

static uint32_t any_word(void)
{
    return (uint32_t)(int32_t)(32767.0f * noise()) << 16 | ((uint32_t)(int32_t)(32767.0f * noise()) & 0xffffu);
}

/* Everything that whole-number kernels make from made-up cases, into out; returns the number of bytes. */
static size_t tiles(const struct tb_kernels *k, unsigned char *out)
{
    enum { PAIRS = 9, LD = 40, TAPS = 7 };
    uint32_t x[PAIRS * LD];
    int16_t w[PAIRS * TAPS * TB_PANEL * 2];
    size_t n = 0;

    for (int i = 0; i < PAIRS * LD; i++)
        x[i] = any_word();
    for (size_t i = 0; i < sizeof w / sizeof *w; i++)
        w[i] = (int16_t)(500.0f * noise());
    for (int taps = 1; taps <= TAPS; taps++)
        for (int vecs = 1; vecs <= 3; vecs++) {
            _Alignas(64) int32_t acc[TB_PANEL * TB_TILE] = { 0 };
            _Alignas(64) float y[TB_PANEL * TB_TILE];
            const float gain[TB_PANEL] = { 1.0f, 0.1f, 3e-5f, -2.0f };

            k->tile16(x, LD, w, PAIRS, taps, taps == 2 ? 5 : 1, vecs, acc);
            k->from32(acc, gain, y);
            for (int i = 0; i < TB_PANEL; i++) {
                memcpy(out + n, acc + i * TB_TILE, (size_t)vecs * TB_LANES * sizeof *acc);
                n += (size_t)vecs * TB_LANES * sizeof *acc;
                memcpy(out + n, y + i * TB_TILE, (size_t)vecs * TB_LANES * sizeof *y);
                n += (size_t)vecs * TB_LANES * sizeof *y;
            }
        }
    return n;
}

static size_t transforms(const struct tb_kernels *k, unsigned char *out)
{
    static float e[2 * TB_FAST_COLS * TB_FAST_LD], y[TB_FAST_COLS * TB_TILE], turned[64];
    static uint32_t words[28 * TB_TILE];
    static int32_t acc[28 * TB_TILE];
    float gain[TB_FAST_INNER];
    size_t n = 0;

    for (size_t i = 0; i < sizeof e / sizeof *e; i++)
        e[i] = noise();
    for (int i = 0; i < 28 * TB_TILE; i++)
        acc[i] = (int32_t)(1e9f * noise());
    for (int q = 0; q < TB_FAST_INNER; q++)
        gain[q] = 400.0f + (float)q;
    for (int parts = 1; parts <= 3; parts++)
        for (int d = 1; d <= 5; d++) {
            uint32_t peak = k->fast_peak(e + d, 100 + parts);

            k->fast_input(e, parts, d, gain, words, TB_TILE);
            k->fast_output(acc, TB_TILE, parts, gain, y);
            memcpy(out + n, words, (size_t)(7 * (parts + 1) * TB_TILE) * sizeof *words);
            n += (size_t)(7 * (parts + 1) * TB_TILE) * sizeof *words;
            memcpy(out + n, y, sizeof y);
            n += sizeof y;
            memcpy(out + n, &peak, sizeof peak);
            n += sizeof peak;
        }
    k->fast_turn(e, 9, turned, 8);
    memcpy(out + n, turned, sizeof turned);
    return n + sizeof turned;
}

static size_t widenings(const struct tb_kernels *k, unsigned char *out)
{
    enum { STEP = 130 };
    uint8_t *q = malloc(TB_PANEL * STEP); /* of this size: a read beyond it is seen */
    float a[77], b[77];
    uint32_t words[77];
    size_t n = 0;

    for (int i = 0; i < TB_PANEL * STEP; i++)
        q[i] = (uint8_t)(int)(128.0f + 127.0f * noise());
    for (int taps = 1; taps <= TB_Q8_TAPS; taps++)
        for (int in = 1; in * taps <= STEP; in += 3)
            for (int rows = 2; rows <= TB_PANEL; rows += 2) {
                int16_t w[TB_PANEL * (STEP + TB_Q8_TAPS) + 64];
                size_t size = (size_t)((in + 1) / 2 * taps * TB_PANEL * 2) * sizeof *w;
                const float zero[TB_PANEL] = { 128, 0, 255, 7 };

                k->widen16(q, (size_t)STEP, rows, taps % 2 ? 0x80 : 0, zero, in, taps, w);
                memcpy(out + n, w, size);
                n += size;
            }
    for (int i = 0; i < 77; i++) {
        a[i] = noise();
        b[i] = noise();
    }
    k->pair16(a, b, 32766.0f, words, 77);
    memcpy(out + n, words, sizeof words);
    free(q);
    return n + sizeof words;
}

static void products_are_the_same_on_every_level(void **state)
{
    (void)state;
    check_levels(TB_CPU_C, tiles);
}

static void transforms_are_the_same_on_every_level(void **state)
{
    (void)state;
    check_levels(TB_CPU_C, transforms);
}

static void widened_weights_are_the_same_on_every_level(void **state)
{
    (void)state;
    check_levels(TB_CPU_C, widenings);
}

static void check_conv(struct tb_conv_spec spec, int cols, bool whole_weights)
{
    size_t size = (size_t)spec.out * (size_t)spec.in * (size_t)spec.taps;
    float *w = noises(size, 100.0f), *bias = noises((size_t)spec.out, 1.0f), unit = 0.02f;
    struct tb_conv plain, whole;
    struct tb_pre pre = { .kind = TB_PRE_LEAKY, .slope = 0.2f };

    for (size_t i = 0; i < size; i++)
        w[i] = (whole_weights ? rintf(w[i]) : w[i]) * unit;
    assert_int_equal(tb_conv_pack(&spec, w, bias, &plain, NULL), TB_OK);
    assert_int_equal(tb_conv_pack_whole(&spec, w, whole_weights ? unit : 0.0f, bias, &whole, NULL), TB_OK);
    struct tb_mat x = noise_mat(spec.in, cols), a = noise_mat(spec.out, tb_conv_cols(&plain, cols));
    struct tb_mat b = copy_mat(a), res = noise_mat(a.rows, a.cols);
    struct tb_post post = { .residual = &res, .gain = 0.7f, .accumulate = true };
    struct tb_mat again = copy_mat(a);
    tb_conv_run(NULL, &plain, x, &pre, a, &post);
    tb_conv_run(NULL, &whole, x, &pre, b, &post);
    for (int r = 0; r < a.rows; r++)
        for (int i = 0; i < a.cols; i++)
            if (!(fabsf(tb_mat_row(a, r)[i] - tb_mat_row(b, r)[i]) <
                  (whole_weights ? 1e-3f : 5e-3f) * sqrtf((float)(spec.in * spec.taps))))
                fail_msg("%d -> %d, %d taps%s: %g for %g", spec.in, spec.out, spec.taps,
                         spec.transposed ? " transposed" : "", (double)tb_mat_row(b, r)[i],
                         (double)tb_mat_row(a, r)[i]);
    check_gaps(b);
    tb_conv_run(pools[1], &whole, x, &pre, again, &post);
    check_same(b, again, "whole numbers");
    tb_conv_free(&plain);
    tb_conv_free(&whole);
    free(w), free(bias), free(x.p), free(a.p), free(b.p), free(res.p), free(again.p);
}

static void conv_body(void)
{
    static const struct tb_conv_spec specs[] = {
        { .out = 5, .in = 7, .taps = 3, .pad_left = 1, .pad_right = 1 },
        { .out = 40, .in = 1, .taps = 1 },
        { .out = 9, .in = 64, .taps = 3, .dilation = 4, .pad_left = 4, .pad_right = 4 },
        { .out = 6, .in = 5, .taps = 20, .stride = 10, .pad_left = 5, .pad_right = 5, .transposed = true },
        { .out = 3, .in = 30, .taps = 12, .stride = 6, .pad_left = 3, .pad_right = 3, .transposed = true },
        { .out = 150, .in = 700, .taps = 3, .pad_left = 1, .pad_right = 1 },
        { .out = 10, .in = 768, .taps = 7, .dilation = 9 }, /* rows of a block, not of a tile */
        { .out = 7, .in = 9, .taps = 7, .dilation = 3, .pad_left = 9, .pad_right = 9 },
    };
    static const int cols[] = { 1, 8, 23, 24, 33, 75, 210 };

    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        for (size_t c = 0; c < sizeof cols / sizeof *cols; c++)
            if (cols[c] > (specs[i].taps - 1) * specs[i].dilation - specs[i].pad_left - specs[i].pad_right)
                check_conv(specs[i], cols[c], c % 2);
}

static void convolutions_agree_with_those_of_floats(void **state)
{
    (void)state;
    each_level(conv_body);
}

static void what_does_not_fit_is_refused(void **state)
{
    struct tb_conv_spec spec = { .out = 4, .in = 8, .taps = 3, .stride = 2 };
    struct tb_conv conv;
    float *w = noises(96, 1.0f);

    (void)state;
    assert_int_equal(tb_conv_pack_whole(&spec, w, 0.01f, NULL, &conv, NULL), TB_EUNSUPPORTED);
    spec.stride = 1;
    spec.dilation = 33;
    assert_int_equal(tb_conv_pack_whole(&spec, w, 0.01f, NULL, &conv, NULL), TB_EUNSUPPORTED);
    spec.dilation = 1;
    w[7] = 400.0f;
    assert_int_equal(tb_conv_pack_whole(&spec, w, 0.01f, NULL, &conv, NULL), TB_EUNSUPPORTED);
    assert_null(conv.w16);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_the_same_on_every_level),
        cmocka_unit_test(transforms_are_the_same_on_every_level),
        cmocka_unit_test(widened_weights_are_the_same_on_every_level),
        cmocka_unit_test(convolutions_agree_with_those_of_floats),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, open_pools, close_pools);
}
