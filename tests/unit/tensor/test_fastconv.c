/* Fast convolutions against the ordinary ones, over kernel sizes, dilations and awkward lengths. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tensor/cpu.h"
#include "tensor/fastconv.h"

enum { MOST_COLS = 700, IN = 24, OUT = 8 };

static float noise(void)
{
    static unsigned long long s = 7;

    s = s * 6364136223846793005ULL + 1442695040888963407ULL;
    return (float)((double)(s >> 40) / (1 << 24)) - 0.5f;
}

static void check(int taps, int dilation, int cols, struct tb_pool *pool)
{
    static float w[OUT * IN * 11], bias[OUT], scale[IN], shift[IN], alpha[IN], inv[IN];
    static float x[IN * MOST_COLS], res[OUT * MOST_COLS], a[OUT * MOST_COLS], b[OUT * MOST_COLS];
    struct tb_mat mx = { x, IN, cols, MOST_COLS }, ma = { a, OUT, cols, MOST_COLS }, mb = { b, OUT, cols, MOST_COLS };
    struct tb_mat mr = { res, OUT, cols, MOST_COLS };
    struct tb_pre pre = { scale, shift, TB_PRE_SNAKE, 0, alpha, inv };
    struct tb_post post = { .residual = &mr, .gain = 0.5f, .accumulate = true };
    int pad = (taps - 1) * dilation / 2;
    struct tb_conv_spec spec = { .out = OUT, .in = IN, .taps = taps, .dilation = dilation, .pad_left = pad,
                                 .pad_right = pad };
    struct tb_conv plain;
    struct tb_fastconv fast;
    double worst = 0;

    for (size_t i = 0; i < sizeof w / sizeof *w; i++)
        w[i] = noise();
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = noise();
    for (size_t i = 0; i < sizeof res / sizeof *res; i++) {
        res[i] = noise();
        a[i] = b[i] = noise();
    }
    for (int i = 0; i < IN; i++) {
        scale[i] = 1 + noise();
        shift[i] = noise();
        alpha[i] = 1 + noise();
        inv[i] = 1 / alpha[i];
    }
    for (int i = 0; i < OUT; i++)
        bias[i] = noise();
    assert_int_equal(tb_conv_pack(&spec, w, bias, &plain, NULL), TB_OK);
    assert_int_equal(tb_fastconv_pack(OUT, IN, taps, dilation, w, bias, &fast, NULL), TB_OK);
    tb_conv_run(NULL, &plain, mx, &pre, ma, &post);
    tb_fastconv_run(pool, &fast, mx, &pre, mb, &post);
    for (size_t i = 0; i < sizeof a / sizeof *a; i++)
        worst = fmax(worst, fabs((double)a[i] - (double)b[i])); /* also what must not be written */
    if (!(worst < 3e-5))
        fail_msg("%d taps, dilation %d, %d columns: off by %g", taps, dilation, cols, worst);
    tb_conv_free(&plain);
    tb_fastconv_free(&fast);
}

static void every_shape(struct tb_pool *pool)
{
    static const int taps[] = { 1, 3, 5, 7, 9, 11 }, dilations[] = { 1, 2, 3, 5 };
    static const int cols[] = { 1, 2, 7, 8, 19, 96, 97, 180, 192, 193, 640 };

    for (size_t t = 0; t < sizeof taps / sizeof *taps; t++)
        for (size_t d = 0; d < sizeof dilations / sizeof *dilations; d++)
            for (size_t c = 0; c < sizeof cols / sizeof *cols; c++)
                check(taps[t], dilations[d], cols[c], pool);
}

static void agrees_with_the_plain_convolution(void **state)
{
    (void)state;
    for (int level = 0; level < TB_CPU_COUNT; level++)
        if (tb_cpu_supported((enum tb_cpu)level)) {
            assert_int_equal(tb_tensor_init(tb_cpu_name((enum tb_cpu)level), NULL), TB_OK);
            every_shape(NULL);
        }
}

static void threads_change_nothing(void **state)
{
    struct tb_pool *pool;

    (void)state;
    assert_int_equal(tb_pool_open(3, &pool, NULL), TB_OK);
    every_shape(pool);
    tb_pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_plain_convolution),
        cmocka_unit_test(threads_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
