/* test_ops.c - element-wise ops, norms and moves against the C library in double. */
#include "tensor_test.h"

static double exact(enum tb_map f, double arg, double x)
{
    switch (f) {
    case TB_MAP_SCALE: return arg * x;
    case TB_MAP_LEAKY: return x < 0.0 ? arg * x : x;
    case TB_MAP_GELU: return 0.5 * x * (1.0 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    case TB_MAP_TANH: return tanh(x);
    case TB_MAP_SIGMOID: return 1.0 / (1.0 + exp(-x));
    case TB_MAP_EXP: return exp(x);
    case TB_MAP_SIN: return sin(x);
    case TB_MAP_COS: return cos(x);
    }
    return NAN;
}

/* Each function over 200k points of its range, at lengths that leave tails, in place and on pools. */
static void map_body(void)
{
    static const struct {
        enum tb_map f;
        float range, absolute, relative;
    } cases[] = {
        { TB_MAP_SCALE, 100, 0, 1e-7f },     { TB_MAP_LEAKY, 100, 0, 1e-7f },   { TB_MAP_GELU, 12, 3e-7f, 5e-7f },
        { TB_MAP_TANH, 12, 2e-7f, 0 },       { TB_MAP_SIGMOID, 60, 2e-7f, 0 },  { TB_MAP_EXP, 87, 0, 3e-7f },
        { TB_MAP_SIN, 4, 2e-7f, 0 },         { TB_MAP_SIN, 1e4f, 2e-7f, 0 },    { TB_MAP_SIN, 9.9e4f, 2e-7f, 0 },
        { TB_MAP_SIN, 1e9f, 2e-7f, 0 },      { TB_MAP_COS, 4, 2e-7f, 0 },       { TB_MAP_COS, 1e4f, 2e-7f, 0 },
        { TB_MAP_COS, 9.9e4f, 2e-7f, 0 },    { TB_MAP_EXP, 1e-3f, 0, 3e-7f },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tb_mat x = noise_mat(11, 18181), y = noise_mat(11, 18181);

        for (int r = 0; r < x.rows; r++)
            for (int t = 0; t < x.cols; t++)
                tb_mat_row(x, r)[t] *= cases[i].range;
        tb_map(NULL, cases[i].f, 0.3f, x, y);
        check_gaps(y);
        for (int r = 0; r < x.rows; r++)
            for (int t = 0; t < x.cols; t++) {
                double want = exact(cases[i].f, (double)0.3f, (double)tb_mat_row(x, r)[t]);
                double off = fabs((double)tb_mat_row(y, r)[t] - want);

                if (!(off <= (double)cases[i].absolute + (double)cases[i].relative * fabs(want)))
                    fail_msg("case %zu, level %s: f(%a) is off by %g", i, tb_cpu_name(tb_tensor_level()),
                             (double)tb_mat_row(x, r)[t], off);
            }
        tb_map(pools[1], cases[i].f, 0.3f, x, x);
        check_same(x, y, "map in place");
        free(x.p), free(y.p);
    }
}

static void maps(void **state)
{
    (void)state;
    each_level(map_body);
}

static void map_edge_body(void)
{
    float in[] = { 0.0f, -200.0f, 200.0f, INFINITY, -INFINITY, NAN, 88.7f, -87.5f, -100.0f }, out[9];
    struct tb_mat x = { in, 1, 9, 9 }, y = { out, 1, 9, 9 };

    tb_map(NULL, TB_MAP_EXP, 0, x, y);
    assert_true(out[0] == 1.0f && out[1] == 0.0f && isinf(out[2]) && isinf(out[3]) && out[4] == 0.0f && isnan(out[5]));
    assert_true(isfinite(out[6]) && out[7] > 0.0f && out[8] > 0.0f && out[8] < 1e-40f);
    tb_map(NULL, TB_MAP_TANH, 0, x, y);
    assert_true(out[0] == 0.0f && out[1] == -1.0f && out[2] == 1.0f && out[3] == 1.0f && isnan(out[5]));
    tb_map(NULL, TB_MAP_SIN, 0, x, y);
    assert_true(out[0] == 0.0f && isnan(out[3]) && isnan(out[5]));
    tb_map(NULL, TB_MAP_LEAKY, 0.5f, x, y);
    assert_true(out[1] == -100.0f && out[2] == 200.0f);
}

static void map_edges(void **state)
{
    (void)state;
    each_level(map_edge_body);
}

static void lengths_body(void)
{
    for (int n = 1; n < 40; n++) { /* exact sizes: AddressSanitizer watches the ends */
        float *a = noises((size_t)n, 1.0f), *b = noises((size_t)n, 1.0f), *y = noises((size_t)n, 1.0f), z;
        struct tb_mat ma = { a, 1, n, n }, mb = { b, 1, n, n }, my = { y, 1, n, n };
        double s = 0.0;

        tb_add(NULL, ma, mb, 0.5f, my);
        for (int i = 0; i < n; i++) {
            assert_true(y[i] == (a[i] + b[i]) * 0.5f);
            s += (double)a[i] * (double)b[i];
        }
        tb_add(NULL, ma, mb, 0.5f, ma);
        assert_memory_equal(a, y, (size_t)n * sizeof *a);
        tb_matvec(NULL, b, &(float){ 2.0f }, 1, n, a, &z);
        s = 2.0;
        for (int i = 0; i < n; i++)
            s += (double)a[i] * (double)b[i];
        assert_true(fabs((double)z - s) < 1e-5);
        free(a), free(b), free(y);
    }
}

static void add_and_matvec_of_any_length(void **state)
{
    (void)state;
    each_level(lengths_body);
}

static void matvec_body(void)
{
    enum { OUT = 130, IN = 128 };
    float *w = noises(OUT * IN, 1.0f), *b = noises(OUT, 1.0f), *x = noises(IN, 1.0f), y[OUT], again[OUT];

    tb_matvec(NULL, w, b, OUT, IN, x, y);
    for (int o = 0; o < OUT; o++) {
        double want = (double)b[o];

        for (int i = 0; i < IN; i++)
            want += (double)w[o * IN + i] * (double)x[i];
        assert_true(fabs(want - (double)y[o]) < 1e-5);
    }
    tb_matvec(pools[0], w, b, OUT, IN, x, again);
    assert_memory_equal(y, again, sizeof y);
    free(w), free(b), free(x);
}

static void matvec(void **state)
{
    (void)state;
    each_level(matvec_body);
}

static void adain_body(void)
{
    static const int cols[] = { 1, 5, 8, 31, 1000, 50001 };

    for (int i = 0; i < 6; i++) {
        struct tb_mat x = noise_mat(5, cols[i]);
        float scale[5], shift[5], scale3[5], shift3[5];
        float style[10] = { 0.5f, -0.25f, 0.0f, 1.0f, -1.5f, 1.0f, 2.0f, 3.0f, 0.0f, -1.0f };

        for (int r = 0; r < 5; r++) /* a mean far from zero: a one-pass variance would lose it */
            for (int t = 0; t < cols[i]; t++)
                tb_mat_row(x, r)[t] = tb_mat_row(x, r)[t] * 0.01f + 100.0f * (float)r;
        tb_adain(NULL, x, style, 1e-5f, scale, shift);
        tb_adain(pools[1], x, style, 1e-5f, scale3, shift3);
        assert_memory_equal(scale, scale3, sizeof scale);
        assert_memory_equal(shift, shift3, sizeof shift);
        for (int r = 0; r < 5; r++) {
            double m = 0.0, v = 0.0;

            for (int t = 0; t < cols[i]; t++)
                m += (double)tb_mat_row(x, r)[t] / cols[i];
            for (int t = 0; t < cols[i]; t++)
                v += ((double)tb_mat_row(x, r)[t] - m) * ((double)tb_mat_row(x, r)[t] - m) / cols[i];
            double want = 1.0 / sqrt(v + (double)1e-5f), gain = want * (1.0 + (double)style[r]);

            assert_true(fabs((double)scale[r] - gain) < 1e-7 * fabs(gain) + 1e-9);
            assert_true(fabs((double)shift[r] - ((double)style[5 + r] - m * gain)) < 1e-7 * fabs(m * gain) + 1e-6);
        }
        free(x.p);
    }
}

static void adain(void **state)
{
    (void)state;
    each_level(adain_body);
}

static void layer_norm_body(void)
{
    static const int rows[] = { 1, 7, 128, 768 }, cols[] = { 1, 63, 64, 65, 130, 3 };

    for (int i = 0; i < 12; i++) {
        int h = rows[i % 4], n = cols[i % 6];
        struct tb_mat x = noise_mat(h, n), y = noise_mat(h, n);
        float *gamma = noises((size_t)h, 1.0f), *beta = noises((size_t)h, 1.0f);
        double *want = malloc(sizeof *want * (size_t)h * (size_t)n);

        for (int t = 0; t < n; t++) {
            double m = 0.0, v = 0.0;

            for (int r = 0; r < h; r++)
                m += (double)tb_mat_row(x, r)[t] / h;
            for (int r = 0; r < h; r++)
                v += ((double)tb_mat_row(x, r)[t] - m) * ((double)tb_mat_row(x, r)[t] - m) / h;
            for (int r = 0; r < h; r++)
                want[r * n + t] = ((double)tb_mat_row(x, r)[t] - m) / sqrt(v + (double)1e-5f) * (double)gamma[r] +
                                  (double)beta[r];
        }
        tb_layer_norm(NULL, x, gamma, beta, 1e-5f, y);
        check_near(y, want, 2e-6, "layer norm");
        tb_layer_norm(pools[1], x, gamma, beta, 1e-5f, x);
        check_same(x, y, "layer norm in place");
        free(x.p), free(y.p), free(gamma), free(beta), free(want);
    }
}

static void layer_norm(void **state)
{
    (void)state;
    each_level(layer_norm_body);
}

static void moves(void **state)
{
    struct tb_mat x = noise_mat(18, 37), y = noise_mat(37, 18), up = noise_mat(18, 74), both = noise_mat(20, 37);
    int counts[37], total = 0;
    float column[2] = { 7.0f, -7.0f };

    (void)state;
    tb_transpose(x, y);
    tb_upsample2(x, up);
    tb_copy(x, tb_mat_rows(both, 2, 18));
    tb_fill_cols(column, tb_mat_rows(both, 0, 2));
    for (int i = 0; i < 37; i++)
        total += counts[i] = i % 4;
    struct tb_mat repeated = noise_mat(18, total);
    tb_repeat_cols(x, counts, repeated);
    for (int r = 0; r < 18; r++) {
        const float *row = tb_mat_row(x, r), *rep = tb_mat_row(repeated, r);

        for (int i = 0; i < 37; i++) {
            assert_true(tb_mat_row(y, i)[r] == row[i]);
            assert_true(tb_mat_row(up, r)[2 * i] == row[i] && tb_mat_row(up, r)[2 * i + 1] == row[i]);
            assert_true(tb_mat_row(both, 2 + r)[i] == row[i]);
            assert_true(tb_mat_row(both, 1)[i] == -7.0f && tb_mat_row(both, 0)[i] == 7.0f);
            for (int k = 0; k < counts[i]; k++)
                assert_true(*rep++ == row[i]);
        }
    }
    check_gaps(y), check_gaps(up), check_gaps(both), check_gaps(repeated);
    free(x.p), free(y.p), free(up.p), free(both.p), free(repeated.p);
}

static void groups_body(void)
{
    static const struct tb_stretch stretches[] = { { 0, 700, 0 }, { 700, 701, 2 }, { 701, 4000, 0 },
                                                   { 4000, 9999, 2 } };
    struct tb_mat x = noise_mat(5, 10001);
    float mean[15], square[15], again[15], squares[15];

    tb_group_means(NULL, x, stretches, 4, 3, mean, square);
    tb_group_means(pools[1], x, stretches, 4, 3, again, squares);
    assert_memory_equal(mean, again, sizeof mean);
    assert_memory_equal(square, squares, sizeof square);
    for (int r = 0; r < 5; r++) {
        double sum[3] = { 0 }, all[3] = { 0 };

        for (const struct tb_stretch *s = stretches; s < stretches + 4; s++)
            for (int t = s->from; t < s->to; t++) {
                double v = (double)tb_mat_row(x, r)[t];

                sum[s->group] += v / (s->group ? 6000 : 3999);
                all[s->group] += v * v / (s->group ? 6000 : 3999);
            }
        for (int g = 0; g < 3; g++) {
            assert_true(fabs((double)mean[3 * r + g] - sum[g]) < 1e-6);
            assert_true(fabs((double)square[3 * r + g] - all[g]) < 1e-6);
        }
    }
    free(x.p);
}

static void group_means(void **state)
{
    (void)state;
    each_level(groups_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps),           cmocka_unit_test(map_edges),  cmocka_unit_test(add_and_matvec_of_any_length),
        cmocka_unit_test(matvec),         cmocka_unit_test(adain), cmocka_unit_test(layer_norm),
        cmocka_unit_test(moves),          cmocka_unit_test(group_means),
    };

    return cmocka_run_group_tests(tests, open_pools, close_pools);
}
