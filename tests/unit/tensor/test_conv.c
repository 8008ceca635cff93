/* test_conv.c - convolutions of every kind against their definition, written out in double. */
#include "tensor_test.h"

struct shape {
    struct tb_conv_spec spec;
    int cols;
};

static double pre_of(const struct tb_pre *p, int c, double x)
{
    double v = p->scale ? x * (double)p->scale[c] + (double)p->shift[c] : x;

    if (p->kind == TB_PRE_LEAKY)
        return v < 0.0 ? v * (double)p->slope : v;
    if (p->kind == TB_PRE_SNAKE)
        return v + sin((double)p->alpha[c] * v) * sin((double)p->alpha[c] * v) * (double)p->inv_alpha[c];
    return v;
}

static double act_of(const struct tb_post *p, double v)
{
    if (p->act == TB_ACT_RELU)
        return v > 0.0 ? v : 0.0;
    if (p->act == TB_ACT_LEAKY)
        return v > 0.0 ? v : v * (double)p->slope;
    return p->act == TB_ACT_GELU ? 0.5 * v * (1.0 + tanh(0.7978845608028654 * (v + 0.044715 * v * v * v))) : v;
}

/* sum over channels and taps for output (o, t). */
static double product(const struct tb_conv_spec *s, const float *w, struct tb_mat x, const struct tb_pre *pre, int o,
                      int t)
{
    int dilation = s->dilation ? s->dilation : 1, stride = s->stride ? s->stride : 1;
    double v = 0.0;

    for (int c = 0; c < s->in; c++)
        for (int k = 0; k < s->taps; k++) {
            int at = t * stride + k * dilation - s->pad_left;
            const float *weight = &w[(o * s->in + c) * s->taps + k];

            if (s->transposed) {
                if ((t + s->pad_left - k) % stride)
                    continue;
                at = (t + s->pad_left - k) / stride;
                if (t + s->pad_left < k)
                    continue;
                weight = &w[(c * s->out + o) * s->taps + k];
            }
            if (at >= 0 && at < x.cols)
                v += (double)*weight * pre_of(pre, c, (double)tb_mat_row(x, c)[at]);
        }
    return v;
}

static void check_run(const struct shape *h, const struct tb_pre *pre, const struct tb_post *post_in,
                      const char *what)
{
    const struct tb_conv_spec *s = &h->spec;
    float *w = noises((size_t)s->out * (size_t)s->in * (size_t)s->taps, 0.5f), *bias = noises((size_t)s->out, 1.0f);
    struct tb_conv conv;
    struct tb_post post = *post_in;

    assert_int_equal(tb_conv_pack(s, w, bias, &conv, NULL), TB_OK);
    int cols = tb_conv_cols(&conv, h->cols), n = 0;
    assert_true(cols > 0);
    struct tb_mat x = noise_mat(s->in, h->cols), y = noise_mat(s->out, cols), res = noise_mat(s->out, cols);
    struct tb_mat start = copy_mat(y);
    double *want = malloc(sizeof *want * (size_t)s->out * (size_t)cols);

    if (post.residual)
        post.residual = &res;
    for (int o = 0; o < s->out; o++)
        for (int t = 0; t < cols; t++) {
            double v = product(s, w, x, pre, o, t) + (double)bias[o];

            v += post.residual ? (double)tb_mat_row(res, o)[t] : 0.0;
            v = act_of(&post, v * (post.gain != 0.0f ? (double)post.gain : 1.0));
            want[n++] = v + (post.accumulate ? (double)tb_mat_row(y, o)[t] : 0.0);
        }
    tb_conv_run(NULL, &conv, x, pre, y, &post);
    check_near(y, want, 2e-6 * sqrt(s->in * s->taps) + 2e-6, what);
    for (int i = 0; i < POOLS; i++) {
        struct tb_mat again = copy_mat(start);

        tb_conv_run(pools[i], &conv, x, pre, again, &post);
        check_same(y, again, what);
        free(again.p);
    }
    free(w), free(bias), free(x.p), free(y.p), free(res.p), free(start.p), free(want);
    tb_conv_free(&conv);
}

/* Every kind of prologue and epilogue on one shape. */
static void check_shape(const struct shape *h)
{
    static const struct tb_mat some;
    int in = h->spec.in;
    float *chan = noises((size_t)in * 4, 1.0f);
    char what[160];

    for (int c = 0; c < in; c++) { /* an inverse that is not the inverse would go unnoticed with 1 */
        chan[2 * in + c] = 0.7f + 0.5f * chan[2 * in + c];
        chan[3 * in + c] = 1.0f / chan[2 * in + c];
    }
    const struct tb_pre pres[] = {
        { 0 },
        { .scale = chan, .shift = chan + in, .kind = TB_PRE_LEAKY, .slope = 0.2f },
        { .scale = chan, .shift = chan + in, .kind = TB_PRE_SNAKE, .alpha = chan + 2 * in, .inv_alpha = chan + 3 * in },
        { .scale = chan, .shift = chan + in },
    };
    const struct tb_post posts[] = {
        { 0 },
        { .residual = &some, .gain = 0.7f, .act = TB_ACT_RELU },
        { .residual = &some, .gain = 0.3f, .accumulate = true },
        { .act = TB_ACT_GELU },
        { .act = TB_ACT_LEAKY, .slope = 0.01f, .accumulate = true },
    };
    for (int i = 0; i < 5; i++) {
        snprintf(what, sizeof what, "conv %d -> %d, %d taps, dilation %d, stride %d%s, %d columns, variant %d", in,
                 h->spec.out, h->spec.taps, h->spec.dilation, h->spec.stride, h->spec.transposed ? " transposed" : "",
                 h->cols, i);
        check_run(h, &pres[i % 4], &posts[i], what);
    }
    free(chan);
}

static void plain_body(void)
{
    static const int taps[] = { 1, 2, 3, 5, 7, 11 }, cols[] = { 1, 2, 7, 8, 9, 23, 24, 25, 49, 97, 200, 431 };
    static const int outs[] = { 1, 3, 4, 5, 22, 67 }, ins[] = { 1, 2, 6, 13, 40 };

    for (int i = 0; i < 72; i++) {
        int k = taps[i % 6], d = 1 + i % 3 * 2, halo = (k - 1) * d;
        struct shape h = {
            { .out = outs[(i / 2) % 6], .in = ins[i % 5], .taps = k, .dilation = d, .pad_left = halo / 2,
              .pad_right = halo - halo / 2 },
            cols[(i * 5) % 12],
        };

        if (i % 4 == 3 && h.cols > halo) /* no padding */
            h.spec.pad_left = h.spec.pad_right = 0;
        check_shape(&h);
    }
}

static void plain(void **state)
{
    (void)state;
    each_level(plain_body);
}

static void other_body(void)
{
    static const struct shape shapes[] = {
        { { .out = 1, .in = 1, .taps = 3, .stride = 2, .pad_left = 1, .pad_right = 1 }, 31 },
        { { .out = 1, .in = 1, .taps = 3, .stride = 2, .pad_left = 1, .pad_right = 1 }, 1 },
        { { .out = 9, .in = 22, .taps = 12, .stride = 6, .pad_left = 3, .pad_right = 3 }, 301 },
        { { .out = 22, .in = 1, .taps = 20, .stride = 5 }, 120 },
        { { .out = 6, .in = 5, .taps = 20, .stride = 10, .pad_left = 5, .pad_right = 5, .transposed = true }, 1 },
        { { .out = 6, .in = 5, .taps = 20, .stride = 10, .pad_left = 5, .pad_right = 5, .transposed = true }, 61 },
        { { .out = 3, .in = 7, .taps = 12, .stride = 6, .pad_left = 3, .pad_right = 3, .transposed = true }, 250 },
        { { .out = 1, .in = 22, .taps = 20, .stride = 5, .transposed = true }, 33 },
        { { .out = 2, .in = 3, .taps = 3, .stride = 2, .pad_left = 1, .pad_right = 1, .transposed = true,
            .output_pad = 1 }, 40 },
        { { .out = 2, .in = 3, .taps = 5, .stride = 1, .pad_left = 2, .pad_right = 2, .transposed = true }, 29 },
        /* enough rows that short inputs are cut into groups; enough channels that blocks get short */
        { { .out = 300, .in = 30, .taps = 3, .pad_left = 1, .pad_right = 1 }, 50 },
        { { .out = 130, .in = 700, .taps = 3, .pad_left = 1, .pad_right = 1 }, 75 },
        { { .out = 9, .in = 2048, .taps = 1 }, 50 },
    };

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check_shape(&shapes[i]);
}

static void strided_transposed_and_large(void **state)
{
    (void)state;
    each_level(other_body);
}

static void in_place_residual_body(void)
{
    struct tb_conv_spec spec = { .out = 10, .in = 10, .taps = 3, .pad_left = 1, .pad_right = 1 };
    float *w = noises(300, 0.5f);
    struct tb_conv conv;

    assert_int_equal(tb_conv_pack(&spec, w, NULL, &conv, NULL), TB_OK);
    struct tb_mat x = noise_mat(10, 333), y = noise_mat(10, 333), kept = copy_mat(y), apart = noise_mat(10, 333);
    tb_conv_run(NULL, &conv, x, NULL, apart, &(struct tb_post){ .residual = &kept, .gain = 0.5f });
    tb_conv_run(pools[0], &conv, x, NULL, y, &(struct tb_post){ .residual = &y, .gain = 0.5f });
    check_same(apart, y, "residual that is the output");
    free(w), free(x.p), free(y.p), free(kept.p), free(apart.p);
    tb_conv_free(&conv);
}

static void residual_may_be_the_output(void **state)
{
    (void)state;
    each_level(in_place_residual_body);
}

static void refuses_what_does_not_fit(void **state)
{
    struct tb_conv_spec spec = { .out = 1, .in = 4096, .taps = 11, .dilation = 5 };
    struct tb_conv conv;
    struct tb_error err;
    float *w = noises(4096 * 11, 1.0f);

    (void)state;
    assert_int_equal(tb_conv_pack(&spec, w, NULL, &conv, &err), TB_EUNSUPPORTED);
    assert_non_null(strstr(err.text, "4096 channels"));
    assert_null(conv.w);
    tb_conv_free(&conv);
    free(w);
}

static void depthwise_body(void)
{
    static const int cols[] = { 1, 2, 9, 255, 256, 257, 600, 8193 };

    for (int i = 0; i < 8; i++) {
        int n = cols[i], c = 3;
        float *w = noises(9, 1.0f), *bias = noises(3, 1.0f), scale[3] = { 1.5f, -2.0f, 0.5f }, shift[3] = { 0.1f };
        struct tb_pre pre = { .scale = scale, .shift = shift, .kind = TB_PRE_LEAKY, .slope = 0.2f };
        struct tb_mat x = noise_mat(c, n), y = noise_mat(c, 2 * n), again = noise_mat(c, 2 * n);
        double *want = calloc((size_t)(2 * n * c), sizeof *want);

        for (int r = 0; r < c; r++) {
            for (int t = 0; t < 2 * n; t++)
                want[r * 2 * n + t] = (double)bias[r];
            for (int t = 0; t < n; t++)
                for (int k = 0; k < 3; k++)
                    if (2 * t + k - 1 >= 0 && 2 * t + k - 1 < 2 * n)
                        want[r * 2 * n + 2 * t + k - 1] +=
                            (double)w[3 * r + k] * pre_of(&pre, r, (double)tb_mat_row(x, r)[t]);
        }
        tb_depthwise_up2(NULL, w, bias, x, &pre, y);
        check_near(y, want, 1e-6, "depthwise");
        tb_depthwise_up2(pools[1], w, bias, x, &pre, again);
        check_same(y, again, "depthwise");
        free(w), free(bias), free(x.p), free(y.p), free(again.p), free(want);
    }
}

static void depthwise(void **state)
{
    (void)state;
    each_level(depthwise_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(strided_transposed_and_large),
        cmocka_unit_test(residual_may_be_the_output),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(depthwise),
    };

    return cmocka_run_group_tests(tests, open_pools, close_pools);
}
