/* test_tokens.c - linear layers and causal attention on tokens against their definitions, written out in double. */
#include "tensor_test.h"

#include "tensor/bf16.h"
#include "tensor/causal.h"
#include "tensor/linear.h"

/* bfloat16 is the upper half of a float. */
static uint16_t *halves(const float *p, size_t n)
{
    uint16_t *h = malloc(n * sizeof *h);

    assert_non_null(h);
    for (size_t i = 0; i < n; i++)
        memcpy(&h[i], (const char *)&p[i] + 2, 2);
    return h;
}

static double widened(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float f;

    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

static void check_linear(int out, int in, int tokens, bool bias)
{
    size_t n = (size_t)out * (size_t)in;
    float *w = noises(n, 1.0f), *b = noises((size_t)out, 1.0f);
    uint16_t *h = halves(w, n);
    struct tb_mat x = noise_mat(tokens, in), y = noise_mat(tokens, out), z = noise_mat(tokens, out);
    double *want = malloc((size_t)(tokens * out) * sizeof *want);

    for (int half = 0; half < 2; half++) {
        struct tb_linear l = { half ? TB_BF16 : TB_F32, out, in, half ? (void *)h : (void *)w, bias ? b : NULL, NULL };

        for (int t = 0; t < tokens; t++)
            for (int o = 0; o < out; o++) {
                double s = bias ? (double)b[o] : 0;

                for (int i = 0; i < in; i++)
                    s += (half ? widened(h[o * in + i]) : (double)w[o * in + i]) * (double)tb_mat_row(x, t)[i];
                want[t * out + o] = s;
            }
        tb_linear_run(NULL, &l, x, y);
        check_near(y, want, 1e-6 * in + 1e-6, "linear");
        for (int p = 0; p < POOLS; p++) {
            tb_linear_run(pools[p], &l, x, z);
            check_same(y, z, "linear");
        }
        for (int t = 0; t < tokens; t++) { /* a token by itself gives the same bits */
            struct tb_mat one = tb_mat_rows(z, 0, 1);

            tb_linear_run(NULL, &l, tb_mat_rows(x, t, 1), one);
            check_same(one, tb_mat_rows(y, t, 1), "linear, token by token");
        }
    }
    free(w), free(b), free(h), free(x.p), free(y.p), free(z.p), free(want);
}

static void linear(void)
{
    check_linear(1, 1, 1, false);
    check_linear(3, 7, 2, true);
    check_linear(4, 8, 3, false);
    check_linear(13, 67, 5, true);
    check_linear(64, 96, 7, false);
    check_linear(700, 520, 4, true); /* several parts */
}

static void linear_is_a_matrix_product(void **state)
{
    (void)state;
    each_level(linear);
}

/* With bfloat16 inputs a result is the product with just those, which is within the rounding of each from the exact
 * one; at levels without such kernels it is the exact one. */
static void check_rough(int out, int in, int tokens)
{
    size_t n = (size_t)out * (size_t)in;
    float *w = noises(n, 1.0f);
    uint16_t *h = halves(w, n);
    struct tb_mat x = noise_mat(tokens, in), y = noise_mat(tokens, out), z = noise_mat(tokens, out);
    double *want = calloc((size_t)(tokens * out), sizeof *want);
    struct tb_linear l = { TB_BF16, out, in, h, NULL, NULL };

    assert_non_null(want);
    for (int t = 0; t < tokens; t++)
        for (int o = 0; o < out; o++)
            for (int i = 0; i < in; i++) {
                float v = tb_mat_row(x, t)[i];

                want[t * out + o] += widened(h[o * in + i]) *
                                     (double)(tb_tensor_level() >= TB_CPU_BF16 ? tb_from_bf16(tb_to_bf16(v)) : v);
            }
    tb_linear_run_rough(NULL, &l, x, y);
    check_near(y, want, 1e-6 * in + 1e-6, "linear, rough");
    tb_linear_run(NULL, &l, x, z);
    for (int i = 0; i < tokens * out; i++)
        want[i] = (double)tb_mat_row(z, i / out)[i % out];
    check_near(y, want, 0x1p-9 * in, "linear, rough and exact");
    for (int p = 0; p < POOLS; p++) {
        tb_linear_run_rough(pools[p], &l, x, z);
        check_same(y, z, "linear, rough");
    }
    for (int t = 0; t < tokens; t++) {
        struct tb_mat one = tb_mat_rows(z, 0, 1);

        tb_linear_run_rough(NULL, &l, tb_mat_rows(x, t, 1), one);
        check_same(one, tb_mat_rows(y, t, 1), "linear, rough, token by token");
    }
    free(w), free(h), free(x.p), free(y.p), free(z.p), free(want);
}

static void rough(void)
{
    check_rough(1, 1, 1);
    check_rough(3, 31, 2);
    check_rough(4, 32, 3);
    check_rough(13, 67, 5);
    check_rough(64, 96, 7);
    check_rough(700, 520, 4);
}

static void rough_is_as_near_as_its_inputs(void **state)
{
    (void)state;
    each_level(rough);
}

static void table_rows_are_got_and_added(void **state)
{
    float *w = noises(3 * 5, 1.0f), y[5];
    uint16_t *h = halves(w, 15);
    struct tb_linear f = { TB_F32, 3, 5, w, NULL, NULL }, b = { TB_BF16, 3, 5, h, NULL, NULL };

    (void)state;
    tb_table_get(&f, 2, y);
    for (int i = 0; i < 5; i++)
        assert_true(y[i] == w[10 + i]);
    tb_table_add(&b, 1, y);
    for (int i = 0; i < 5; i++)
        assert_true(y[i] == w[10 + i] + (float)widened(h[5 + i]));
    free(w), free(h);
}

/* One token and head by the definition. */
static void attend(const struct tb_causal *s, struct tb_mat q, struct tb_mat k, struct tb_mat v, int token, int head,
                   double *y)
{
    int last = k.rows - q.rows + token, first = s->window && last >= s->window ? last + 1 - s->window : 0;
    int shared = head / (s->heads / s->kv_heads) * s->width;
    double total = 0;

    memset(y, 0, (size_t)s->width * sizeof *y);
    for (int r = first; r <= last; r++) {
        double dot = 0;

        for (int i = 0; i < s->width; i++)
            dot += (double)tb_mat_row(q, token)[head * s->width + i] * (double)tb_mat_row(k, r)[shared + i];
        double weight = exp(dot / sqrt(s->width));
        total += weight;
        for (int i = 0; i < s->width; i++)
            y[i] += weight * (double)tb_mat_row(v, r)[shared + i];
    }
    for (int i = 0; i < s->width; i++)
        y[i] /= total;
}

static void check_causal(int heads, int kv, int width, int window, int before, int tokens)
{
    struct tb_causal s = { heads, kv, width, window };
    struct tb_mat q = noise_mat(tokens, heads * width), k = noise_mat(before + tokens, kv * width);
    struct tb_mat v = noise_mat(before + tokens, kv * width), y = noise_mat(tokens, heads * width), z = copy_mat(y);
    double *want = malloc((size_t)(tokens * heads * width) * sizeof *want);

    for (int r = 0; r < k.rows; r++) /* scores far apart, and rising, so that the maximum moves from block to block */
        for (int i = 0; i < k.cols; i++)
            tb_mat_row(k, r)[i] *= 3.0f + 0.01f * (float)r;
    for (int t = 0; t < tokens; t++)
        for (int h = 0; h < heads; h++)
            attend(&s, q, k, v, t, h, want + (t * heads + h) * width);
    tb_causal_run(NULL, &s, &(struct tb_causal_tokens){ q, k, v, y }, 1);
    check_near(y, want, 2e-5, "causal attention");
    for (int p = 0; p < POOLS; p++) {
        tb_causal_run(pools[p], &s, &(struct tb_causal_tokens){ q, k, v, z }, 1);
        check_same(y, z, "causal attention");
    }
    struct tb_mat one = tb_mat_rows(z, 0, 1); /* the last token by itself */
    tb_causal_run(NULL, &s, &(struct tb_causal_tokens){ tb_mat_rows(q, tokens - 1, 1), k, v, one }, 1);
    check_same(one, tb_mat_rows(y, tokens - 1, 1), "causal attention, token by token");
    free(q.p), free(k.p), free(v.p), free(y.p), free(z.p), free(want);
}

static void causal(void)
{
    check_causal(1, 1, 4, 0, 0, 1);
    check_causal(4, 2, 16, 0, 0, 9);
    check_causal(8, 4, 16, 0, 300, 5);
    check_causal(4, 4, 16, 8, 3, 12);
    check_causal(2, 1, 128, 150, 200, 3);
}

static void attention_is_causal_shared_and_windowed(void **state)
{
    (void)state;
    each_level(causal);
}

static void wild_values_are_found(void **state)
{
    enum { LEN = 5000 };
    uint16_t h[LEN] = { 0 };
    float f[LEN] = { 0 };
    struct tb_tensor bf16 = { .dtype = TB_BF16, .len = LEN, .data = h }, f16 = bf16, f32 = bf16;

    (void)state;
    f16.dtype = TB_F16;
    f32.dtype = TB_F32;
    f32.data = f;
    assert_int_equal(tb_tensor_wild(&bf16), LEN);
    assert_int_equal(tb_tensor_wild(&f32), LEN);
    h[4999] = 0x7fc0; /* NaN in bfloat16 and in half */
    f[4500] = -INFINITY;
    assert_int_equal(tb_tensor_wild(&bf16), 4999);
    assert_int_equal(tb_tensor_wild(&f16), 4999);
    assert_int_equal(tb_tensor_wild(&f32), 4500);
    h[17] = 0xff80; /* minus infinity */
    assert_int_equal(tb_tensor_wild(&bf16), 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_is_a_matrix_product),
        cmocka_unit_test(rough_is_as_near_as_its_inputs),
        cmocka_unit_test(table_rows_are_got_and_added),
        cmocka_unit_test(attention_is_causal_shared_and_windowed),
        cmocka_unit_test(wild_values_are_found),
    };

    return cmocka_run_group_tests_name("tokens", tests, open_pools, close_pools);
}
