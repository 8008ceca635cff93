/* test_qmat.c - matrices in 8 and 4 bits: each level gives the same bits, which are the product of the weights as
 * they are held with the inputs as they are rounded; how far both are from what they stand for. */
#include "tensor_test.h"

#include "tensor/qmat.h"

struct packed {
    struct tb_qmat m;
    uint8_t *data;
};

static struct packed pack(const struct tb_linear *l, int bits)
{
    size_t size = tb_qmat_size(bits, l->out, l->in);
    struct packed p = { .data = malloc(size) };
    int panels = tb_qmat_panels(l->out);

    assert_non_null(p.data);
    memset(p.data, 0xee, size);
    tb_qmat_pack(l, bits, 0, panels / 2, p.data); /* in two parts, as threads do it */
    tb_qmat_pack(l, bits, panels / 2, panels - panels / 2, p.data);
    p.m = (struct tb_qmat){ bits, l->out, l->in, p.data, l->bias };
    return p;
}

/* Input i of a token as it is held. */
static double held(const struct tb_qinput *x, int token, int i)
{
    int wide = (x->in + TB_QMAT_BLOCK - 1) / TB_QMAT_BLOCK * TB_QMAT_BLOCK;
    int blocks = (x->in + TB_QMAT_WIDE - 1) / TB_QMAT_WIDE;

    if (x->bits == 8)
        return (double)x->q[token * wide + i] * (double)x->scale[token];
    const struct tb_qblock *b = &x->blocks[token * blocks + i / TB_QMAT_WIDE];
    return (double)b->q[i % TB_QMAT_WIDE] * (double)b->scale[i % 32 / 4];
}

/* The product by its definition, from the weights and inputs as they are held; *size is that of its terms. */
static void multiply(const struct tb_qmat *m, const struct tb_qinput *x, double *want, double *size)
{
    float *row = malloc((size_t)m->in * sizeof *row);

    assert_non_null(row);
    *size = 1;
    for (int o = 0; o < m->out; o++) {
        tb_qmat_row(m, o, row);
        for (int t = 0; t < x->tokens; t++) {
            double sum = m->bias ? (double)m->bias[o] : 0, terms = 0;

            for (int i = 0; i < m->in; i++) {
                double term = (double)row[i] * held(x, t, i);

                sum += term;
                terms += fabs(term);
            }
            want[t * m->out + o] = sum;
            *size = terms > *size ? terms : *size;
        }
    }
    free(row);
}

static void check_product(int bits, int out, int in, int tokens, bool bias)
{
    float *w = noises((size_t)out * (size_t)in, 1.0f), *b = noises((size_t)out, 1.0f);
    struct tb_linear l = { TB_F32, out, in, w, bias ? b : NULL, NULL };
    struct packed p = pack(&l, bits);
    struct tb_mat x = noise_mat(tokens, in), y = noise_mat(tokens, out), z = noise_mat(tokens, out), c = copy_mat(y);
    float *memory = aligned_alloc(64, (tb_qinput_floats(tokens, in) * sizeof *memory + 63) / 64 * 64);
    double *want = malloc((size_t)(tokens * out) * sizeof *want), size;

    assert_true(memory && want);
    struct tb_qinput q = tb_qinput_of(x, bits, memory);
    multiply(&p.m, &q, want, &size);
    for (int level = 0; level < TB_CPU_COUNT; level++) {
        if (!tb_cpu_supported((enum tb_cpu)level))
            continue;
        assert_int_equal(tb_tensor_init(tb_cpu_name((enum tb_cpu)level), NULL), TB_OK);
        tb_qmat_run(NULL, &(struct tb_qproduct){ &p.m, level == 0 ? c : y }, 1, &q);
        check_same(level == 0 ? c : y, c, "quantised product, level and c");
    }
    assert_int_equal(tb_tensor_init(NULL, NULL), TB_OK);
    tb_qmat_run(NULL, &(struct tb_qproduct){ &p.m, y }, 1, &q);
    check_near(y, want, 1e-6 * size, "quantised product");
    for (int i = 0; i < POOLS; i++) { /* beside another one, in one job */
        struct tb_qproduct both[] = { { &p.m, c }, { &p.m, z } };

        tb_qmat_run(pools[i], both, 2, &q);
        check_same(y, z, "quantised product, threads");
        check_same(y, c, "quantised product, threads");
    }
    for (int t = 0; t < tokens; t++) { /* a token by itself gives the same bits */
        struct tb_mat one = tb_mat_rows(z, 0, 1);

        q = tb_qinput_of(tb_mat_rows(x, t, 1), bits, memory);
        tb_qmat_run(NULL, &(struct tb_qproduct){ &p.m, one }, 1, &q);
        check_same(one, tb_mat_rows(y, t, 1), "quantised product, token by token");
    }
    free(w), free(b), free(p.data), free(memory), free(want), free(x.p), free(y.p), free(z.p), free(c.p);
}

static void products_are_exact_at_each_level(void **state)
{
    (void)state;
    for (int bits = 4; bits <= 8; bits += 4) {
        check_product(bits, 1, 1, 1, false);
        check_product(bits, 3, 7, 2, true);
        check_product(bits, 4, 64, 3, false);
        check_product(bits, 13, 67, 5, true);
        check_product(bits, 64, 96, 7, false);
        check_product(bits, 2100, 320, 4, true); /* several parts */
        check_product(bits, 40, 1024, 6, false);
    }
}

/* The longest row of the largest numbers: nothing overflows. */
static void largest_sums_fit(void **state)
{
    float *w = malloc(TB_QMAT_MOST * sizeof *w), *memory = aligned_alloc(64, 1 << 17);
    struct tb_linear l = { TB_F32, 1, TB_QMAT_MOST, w, NULL, NULL };
    struct tb_mat x = { w, 1, TB_QMAT_MOST, TB_QMAT_MOST };

    (void)state;
    assert_true(w && memory && tb_qinput_floats(1, TB_QMAT_MOST) * sizeof *w <= 1 << 17);
    for (int i = 0; i < TB_QMAT_MOST; i++)
        w[i] = -1.0f;
    for (int bits = 4; bits <= 8; bits += 4)
        for (int level = 0; level < TB_CPU_COUNT; level++) {
            if (!tb_cpu_supported((enum tb_cpu)level))
                continue;
            struct packed p = pack(&l, bits);
            struct tb_qinput q = tb_qinput_of(x, bits, memory);
            float y = 0;

            assert_int_equal(tb_tensor_init(tb_cpu_name((enum tb_cpu)level), NULL), TB_OK);
            tb_qmat_run(NULL, &(struct tb_qproduct){ &p.m, { &y, 1, 1, 1 } }, 1, &q);
            assert_true(fabsf(y / TB_QMAT_MOST - 1) < (bits == 8 ? 0.001f : 0.1f));
            free(p.data);
        }
    free(w), free(memory);
}

/* Relative root mean square error of the weights as they are held. */
static double loss(const struct tb_linear *l, int bits)
{
    struct packed p = pack(l, bits);
    float *row = malloc((size_t)l->in * sizeof *row), *full = malloc((size_t)l->in * sizeof *row);
    double error = 0, power = 0;

    assert_true(row && full);
    for (int o = 0; o < l->out; o++) {
        tb_table_get(l, o, full);
        tb_qmat_row(&p.m, o, row);
        for (int i = 0; i < l->in; i++) {
            error += ((double)row[i] - (double)full[i]) * ((double)row[i] - (double)full[i]);
            power += (double)full[i] * (double)full[i];
        }
    }
    free(p.data), free(row), free(full);
    return sqrt(error / power);
}

static void weights_are_near(void **state)
{
    enum { OUT = 64, IN = 512 };
    float *w = noises((size_t)OUT * IN, 1.0f);
    uint16_t *h = malloc((size_t)OUT * IN * sizeof *h);
    struct tb_linear full = { TB_F32, OUT, IN, w, NULL, NULL }, half = { TB_BF16, OUT, IN, h, NULL, NULL };

    (void)state;
    assert_non_null(h);
    for (int i = 0; i < OUT * IN; i++) { /* a bell curve, as weights have it; in bfloat16 the upper half of the float */
        w[i] = noise() + noise() + noise() + noise();
        memcpy(&h[i], (const char *)&w[i] + 2, 2);
    }
    assert_true(loss(&full, 8) < 0.011 && loss(&half, 8) < 0.011);
    assert_true(loss(&full, 4) < 0.085 && loss(&full, 4) > 0.04);
    assert_true(fabs(loss(&half, 4) - loss(&full, 4)) < 0.002);
    memset(w, 0, (size_t)OUT * IN * sizeof *w);
    w[5] = 3.0f;
    assert_true(loss(&full, 8) < 1e-6); /* rows and groups of zeros */
    assert_true(loss(&full, 4) < 0.01); /* nearly: a bfloat16 is what is left of them */
    free(w), free(h);
}

static void inputs_are_near(void **state)
{
    enum { N = 300 };
    float *w = noises(N, 1.0f), memory[512] __attribute__((aligned(64)));
    struct tb_mat x = { w, 1, N, N };

    (void)state;
    for (int i = 0; i < N; i++)
        w[i] *= i == 3 ? 1000.0f : 1.0f;
    struct tb_qinput q = tb_qinput_of(x, 8, memory);
    for (int i = 0; i < N; i++)
        assert_true(fabs(held(&q, 0, i) - (double)w[i]) <= 0.51 * (double)q.scale[0]);
    for (int i = N; i < 320; i++)
        assert_int_equal(q.q[i], 0);
    q = tb_qinput_of(x, 4, memory);
    for (int i = 0; i < N; i++)
        assert_true(fabs(held(&q, 0, i) - (double)w[i]) <= 0.51 * (double)q.blocks[i / 256].scale[i % 32 / 4]);
    assert_true(q.blocks[0].scale[1] < 0.01f); /* what is large concerns its group only */
    assert_true(q.blocks[0].scale[0] > 0.01f);
    for (int i = N; i < 512; i++)
        assert_int_equal(q.blocks[1].q[i - 256], 0);
    memset(w, 0, N * sizeof *w);
    q = tb_qinput_of(x, 8, memory);
    assert_true(q.scale[0] == 0 && q.q[0] == 0);
    q = tb_qinput_of(x, 4, memory);
    assert_true(q.blocks[0].scale[0] == 0 && q.blocks[0].q[0] == 0 && q.blocks[0].eights[0] == 0);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_exact_at_each_level),
        cmocka_unit_test(largest_sums_fit),
        cmocka_unit_test(weights_are_near),
        cmocka_unit_test(inputs_are_near),
    };

    return cmocka_run_group_tests(tests, open_pools, close_pools);
}
