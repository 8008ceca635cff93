/* test_recurrent.c - LSTM layers and attention against their definitions, written out in double. */
#include "tensor_test.h"

static double sigma(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* One direction over one sequence: x is column `first`, `first + hop`, ... of xs, `steps` of them.
 * w [4h][in], r [4h][h], b [8h]; out [h][steps] in the order of the columns read. */
static void lstm_by_definition(int in, int hidden, const float *w, const float *r, const float *b, struct tb_mat xs,
                               int first, int hop, int steps, double *out)
{
    double *h = calloc((size_t)hidden, sizeof *h), *c = calloc((size_t)hidden, sizeof *c);
    double *g = malloc(sizeof *g * 4 * (size_t)hidden);

    for (int s = 0; s < steps; s++) {
        for (int i = 0; i < 4 * hidden; i++) {
            g[i] = (double)b[i] + (double)b[4 * hidden + i];
            for (int k = 0; k < in; k++)
                g[i] += (double)w[i * in + k] * (double)tb_mat_row(xs, k)[first + s * hop];
            for (int k = 0; k < hidden; k++)
                g[i] += (double)r[i * hidden + k] * h[k];
        }
        for (int u = 0; u < hidden; u++) {
            c[u] = sigma(g[2 * hidden + u]) * c[u] + sigma(g[u]) * tanh(g[3 * hidden + u]);
            h[u] = sigma(g[hidden + u]) * tanh(c[u]);
            out[u * steps + s] = h[u];
        }
    }
    free(h), free(c), free(g);
}

static void check_bilstm(int in, int hidden, int cols)
{
    size_t gates = 4 * (size_t)hidden;
    float *w = noises(2 * gates * (size_t)in, 0.4f), *r = noises(2 * gates * (size_t)hidden, 0.3f);
    float *b = noises(4 * gates, 0.5f);
    struct tb_bilstm l;

    assert_int_equal(tb_bilstm_pack(in, hidden, w, r, b, &l, NULL), TB_OK);
    struct tb_mat x = noise_mat(in, cols), y = noise_mat(2 * hidden, cols), again = noise_mat(2 * hidden, cols);
    float *work = noises(tb_bilstm_work(&l, cols), 1.0f);
    double *want = malloc(sizeof *want * 2 * (size_t)(hidden * cols)), *back = want + hidden * cols;

    lstm_by_definition(in, hidden, w, r, b, x, 0, 1, cols, want);
    lstm_by_definition(in, hidden, w + gates * (size_t)in, r + gates * (size_t)hidden, b + 2 * gates, x, cols - 1, -1,
                       cols, back);
    for (int u = 0; u < hidden; u++)
        for (int i = 0; i < cols / 2; i++) {
            double swap = back[u * cols + i];

            back[u * cols + i] = back[u * cols + cols - 1 - i];
            back[u * cols + cols - 1 - i] = swap;
        }
    tb_bilstm_run(NULL, &l, x, y, work);
    check_near(y, want, 3e-6, "bilstm");
    for (int i = 0; i < POOLS; i++) {
        tb_bilstm_run(pools[i], &l, x, again, work);
        check_same(y, again, "bilstm");
    }
    free(w), free(r), free(b), free(x.p), free(y.p), free(again.p), free(work), free(want);
    tb_bilstm_free(&l);
}

static void bilstm_body(void)
{
    check_bilstm(5, 16, 1);
    check_bilstm(3, 32, 17);
    check_bilstm(40, 48, 60);
}

static void bilstm(void **state)
{
    (void)state;
    each_level(bilstm_body);
}

static void check_lstm(int in, int hidden, int steps, int batch)
{
    float *w = noises(4 * (size_t)(hidden * in), 0.4f), *r = noises(4 * (size_t)(hidden * hidden), 0.3f);
    float *b = noises(8 * (size_t)hidden, 0.5f);
    struct tb_mat x = noise_mat(in, steps * batch), y = noise_mat(hidden, steps * batch);
    struct tb_mat again = noise_mat(hidden, steps * batch);
    double *one = malloc(sizeof *one * (size_t)(hidden * steps));
    double *want = malloc(sizeof *want * (size_t)(hidden * steps * batch));
    struct tb_lstm l;

    assert_int_equal(tb_lstm_pack(in, hidden, w, r, b, &l, NULL), TB_OK);
    for (int q = 0; q < batch; q++) {
        lstm_by_definition(in, hidden, w, r, b, x, q, batch, steps, one);
        for (int u = 0; u < hidden; u++)
            for (int s = 0; s < steps; s++)
                want[u * steps * batch + s * batch + q] = one[u * steps + s];
    }
    tb_lstm_run(NULL, &l, x, batch, y);
    check_near(y, want, 3e-6, "lstm");
    for (int i = 0; i < POOLS; i++) {
        tb_lstm_run(pools[i], &l, x, batch, again);
        check_same(y, again, "lstm");
    }
    free(w), free(r), free(b), free(x.p), free(y.p), free(again.p), free(one), free(want);
    tb_lstm_free(&l);
}

static void lstm_body(void)
{
    check_lstm(4, 3, 7, 1);
    check_lstm(5, 4, 4, 3);
    check_lstm(5, 4, 4, 6);
    check_lstm(40, 16, 12, 9);
    check_lstm(7, 20, 5, 24);
    check_lstm(7, 20, 3, 53);
}

static void lstm_of_many(void **state)
{
    (void)state;
    each_level(lstm_body);
}

static void lstm_sizes_have_limits(void **state)
{
    struct tb_bilstm two;
    struct tb_lstm one;
    struct tb_error err;

    (void)state;
    assert_int_equal(tb_bilstm_pack(8, 24, NULL, NULL, NULL, &two, &err), TB_EUNSUPPORTED);
    assert_non_null(strstr(err.text, "24 hidden"));
    assert_int_equal(tb_lstm_pack(8, 513, NULL, NULL, NULL, &one, &err), TB_EUNSUPPORTED);
    assert_int_equal(tb_lstm_pack(2000, 64, NULL, NULL, NULL, &one, &err), TB_EUNSUPPORTED);
    tb_bilstm_free(&two);
    tb_lstm_free(&one);
}

static void attend(int width, int head, struct tb_mat q, struct tb_mat k, struct tb_mat v, double *want)
{
    int n = q.cols, first = head * width;
    double *p = malloc(sizeof *p * (size_t)n);

    for (int t = 0; t < n; t++) {
        double top = -1e300, sum = 0.0;

        for (int s = 0; s < n; s++) {
            p[s] = 0.0;
            for (int d = first; d < first + width; d++)
                p[s] += (double)tb_mat_row(q, d)[t] * (double)tb_mat_row(k, d)[s] / sqrt(width);
            top = p[s] > top ? p[s] : top;
        }
        for (int s = 0; s < n; s++)
            sum += p[s] = exp(p[s] - top);
        for (int d = first; d < first + width; d++) {
            want[d * n + t] = 0.0;
            for (int s = 0; s < n; s++)
                want[d * n + t] += p[s] / sum * (double)tb_mat_row(v, d)[s];
        }
    }
    free(p);
}

static void attention_body(void)
{
    static const struct {
        int heads, width, cols;
    } cases[] = { { 1, 4, 1 }, { 2, 8, 5 }, { 3, 64, 23 }, { 2, 16, 24 }, { 12, 64, 61 }, { 1, 64, 512 } };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rows = cases[i].heads * cases[i].width, n = cases[i].cols;
        struct tb_mat q = noise_mat(rows, n), k = noise_mat(rows, n), v = noise_mat(rows, n), y = noise_mat(rows, n);
        struct tb_mat again = noise_mat(rows, n);
        double *want = malloc(sizeof *want * (size_t)(rows * n));

        for (int r = 0; r < rows; r++) /* sharp enough that the largest score must be taken off before exp */
            for (int t = 0; t < n; t++)
                tb_mat_row(q, r)[t] *= 8.0f;
        for (int h = 0; h < cases[i].heads; h++)
            attend(cases[i].width, h, q, k, v, want);
        tb_attention(NULL, cases[i].heads, q, k, v, y);
        check_near(y, want, 1e-5, "attention");
        for (int p = 0; p < POOLS; p++) {
            tb_attention(pools[p], cases[i].heads, q, k, v, again);
            check_same(y, again, "attention");
        }
        free(q.p), free(k.p), free(v.p), free(y.p), free(again.p), free(want);
    }
}

static void attention(void **state)
{
    (void)state;
    each_level(attention_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bilstm),
        cmocka_unit_test(lstm_of_many),
        cmocka_unit_test(lstm_sizes_have_limits),
        cmocka_unit_test(attention),
    };

    return cmocka_run_group_tests(tests, open_pools, close_pools);
}
