/* Fast convolutions against the ordinary ones, over kernel sizes, dilations and awkward lengths. */
#include "tensor_test.h"

#include "tensor/fastconv.h"

enum { IN = 24, OUT = 12 };

struct pair {
    struct tb_conv plain;
    struct tb_fastconv fast;
};

/* pad: zeros on each side of the plain one. */
static struct pair pack(int out, int in, int taps, int dilation, int pad, const float *w, const float *unit,
                        const float *bias)
{
    struct tb_conv_spec spec = { .out = out, .in = in, .taps = taps, .dilation = dilation, .pad_left = pad,
                                 .pad_right = pad };
    struct pair p;

    assert_int_equal(tb_conv_pack(&spec, w, bias, &p.plain, NULL), TB_OK);
    assert_int_equal(tb_fastconv_pack(out, in, taps, dilation, w, unit, bias, &p.fast, NULL), TB_OK);
    return p;
}

static void release(struct pair *p)
{
    tb_conv_free(&p->plain);
    tb_fastconv_free(&p->fast);
}

/* What b differs from a by, in decibels below a. */
static double below(struct tb_mat a, struct tb_mat b)
{
    double signal = 0, error = 1e-30;

    for (int r = 0; r < a.rows; r++)
        for (int i = 0; i < a.cols; i++) {
            double d = (double)tb_mat_row(b, r)[i] - (double)tb_mat_row(a, r)[i];

            signal += (double)tb_mat_row(a, r)[i] * (double)tb_mat_row(a, r)[i];
            error += d * d;
        }
    return 10 * log10(signal / error);
}

/* padded: zeros are around the input; else it has as many columns more. */
static void check(int taps, int dilation, int cols, bool whole, bool padded)
{
    int halo = (taps - 1) * dilation;
    float *w = noises((size_t)(OUT * IN * taps), 127.0f), *bias = noises(OUT, 30.0f), unit[OUT];
    float *chan = noises(4 * IN, 1.0f);
    struct tb_mat x = noise_mat(IN, padded ? cols : cols + halo), res = noise_mat(OUT, cols);
    struct tb_mat a = noise_mat(OUT, cols), b = copy_mat(a);
    struct tb_mat start = copy_mat(a);
    struct tb_pre pre = { chan, chan + IN, TB_PRE_SNAKE, 0, chan + 2 * IN, chan + 3 * IN };
    struct tb_post post = { .residual = &res, .gain = 0.5f, .accumulate = true };

    for (int i = 0; i < IN; i++) {
        chan[2 * IN + i] = 1.5f + 0.5f * chan[2 * IN + i];
        chan[3 * IN + i] = 1.0f / chan[2 * IN + i];
    }
    for (int r = 0; r < OUT; r++) {
        unit[r] = 0.01f * (float)(r + 1);
        for (int i = 0; whole && i < IN * taps; i++)
            w[r * IN * taps + i] = rintf(w[r * IN * taps + i]) * unit[r];
    }
    struct pair p = pack(OUT, IN, taps, dilation, padded ? halo / 2 : 0, w, whole ? unit : NULL, bias);
    tb_conv_run(NULL, &p.plain, x, &pre, a, &post);
    tb_fastconv_run(NULL, &p.fast, x, &pre, b, &post);
    check_gaps(b);
    double db = below(a, b);
    if (!(db > 40.0))
        fail_msg("%d taps, dilation %d, %d columns, level %s: at %.1f dB", taps, dilation, cols,
                 tb_cpu_name(tb_tensor_level()), db);
    for (int i = 0; i < POOLS; i++) {
        struct tb_mat again = copy_mat(start);

        tb_fastconv_run(pools[i], &p.fast, x, &pre, again, &post);
        check_same(b, again, "fast convolution");
        free(again.p);
    }
    release(&p);
    free(w), free(bias), free(chan), free(x.p), free(res.p), free(a.p), free(b.p), free(start.p);
}

static void every_shape(void)
{
    static const int taps[] = { 1, 3, 5, 7, 9, 11 }, dilations[] = { 1, 2, 3, 5, 9 };
    static const int cols[] = { 1, 2, 7, 8, 19, 96, 97, 160, 180, 191, 192, 193, 640 };
    int n = 0;

    for (size_t t = 0; t < sizeof taps / sizeof *taps; t++)
        for (size_t d = 0; d < sizeof dilations / sizeof *dilations; d++)
            for (size_t c = 0; c < sizeof cols / sizeof *cols; c++)
                if (dilations[d] <= 5 || taps[t] <= 7) {
                    check(taps[t], dilations[d], cols[c], n % 2, n / 2 % 2);
                    n++;
                }
}

static void agrees_with_the_plain_convolution(void **state)
{
    (void)state;
    each_level(every_shape);
}

/* As many channels and as large weights as there may be, and an input whose transform is as large at one point as it
 * can get, in all channels, so that sums reach the limit: one that overflowed would be off by its own size. */
static void largest_body(void)
{
    enum { CHANNELS = 256, COLS = 200, ROWS = 4 };
    static const int taps[] = { 3, 7, 11 };

    for (int k = 0; k < 12; k++) {
        int n = taps[k % 3];
        float *w = noises((size_t)(ROWS * CHANNELS * n), 1.0f), *bias = noises(ROWS, 0.0f);
        float unit[ROWS] = { 1.0f, 1.0f, 1.0f, 1.0f };
        struct tb_mat x = noise_mat(CHANNELS, COLS), a = noise_mat(ROWS, COLS), b = noise_mat(ROWS, COLS);

        for (int i = 0; i < ROWS * CHANNELS * n; i++)
            w[i] = 255.0f;
        for (int c = 0; c < CHANNELS; c++)
            for (int t = 0; t < COLS; t++)
                tb_mat_row(x, c)[t] = (t + k / 3) % 4 < 2 ? 3e4f : -3e4f;
        struct pair p = pack(ROWS, CHANNELS, n, 1, n / 2, w, unit, bias);
        tb_conv_run(NULL, &p.plain, x, NULL, a, NULL);
        tb_fastconv_run(NULL, &p.fast, x, NULL, b, NULL);
        assert_true(below(a, b) > 2.0);
        release(&p);
        free(w), free(bias), free(x.p), free(a.p), free(b.p);
    }
}

static void no_sum_overflows(void **state)
{
    (void)state;
    each_level(largest_body);
}

static void silence_body(void)
{
    float *w = noises(4 * 2 * 3, 1.0f);
    struct tb_mat x = noise_mat(2, 300), y = noise_mat(4, 300);
    struct pair p = pack(4, 2, 3, 1, 1, w, NULL, NULL);

    for (int r = 0; r < 2; r++)
        memset(tb_mat_row(x, r), 0, 300 * sizeof(float));
    tb_fastconv_run(NULL, &p.fast, x, NULL, y, NULL);
    for (int r = 0; r < 4; r++)
        for (int i = 0; i < 300; i++)
            assert_true(tb_mat_row(y, r)[i] == 0.0f);
    release(&p);
    free(w), free(x.p), free(y.p);
}

static void silence_stays_silence(void **state)
{
    (void)state;
    each_level(silence_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_plain_convolution),
        cmocka_unit_test(no_sum_overflows),
        cmocka_unit_test(silence_stays_silence),
    };

    return cmocka_run_group_tests(tests, open_pools, close_pools);
}
