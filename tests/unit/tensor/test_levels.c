/* test_levels.c - the levels above AVX2 give its bits, whatever the kernel: random cases of all sizes, each output of
 * just the size that it needs. (How far AVX2 is from plain C is in the tests of the ops.) */
#include "levels_test.h"

#include "tensor/bf16.h"
#include "tensor/linear_rows.h"
#include "tensor/qmat_rows.h"

static size_t put(unsigned char *out, size_t n, const void *p, size_t size)
{
    memcpy(out + n, p, size);
    return n + size;
}

static size_t tiles(const struct tb_kernels *k, unsigned char *out)
{
    enum { DEPTH = 9, LD = 64, TAPS = 11 };
    float *x = noises(DEPTH * LD, 1.0f), *w = noises(DEPTH * TAPS * TB_PANEL, 1.0f);
    size_t n = 0;

    for (int taps = 1; taps <= TAPS; taps++)
        for (int vecs = 1; vecs <= 3; vecs++) {
            _Alignas(64) float acc[TB_PANEL * TB_TILE];

            k->tile(x, LD, w, 1 + taps % DEPTH, taps, taps % 4, vecs, acc);
            for (int i = 0; i < TB_PANEL; i++)
                n = put(out, n, acc + i * TB_TILE, (size_t)vecs * TB_LANES * sizeof *acc);
        }
    free(x), free(w);
    return n;
}

static size_t linears(const struct tb_kernels *k, unsigned char *out)
{
    size_t n = 0;

    for (int in = 1; in < 70; in += in < 20 ? 1 : 7)
        for (int tokens = 1; tokens <= TB_LINEAR_TOKENS; tokens++)
            for (int rows = 1; rows <= TB_LINEAR_ROWS; rows += TB_LINEAR_ROWS - 1) {
                size_t ldx = (size_t)in + 3;
                float *w = noises((size_t)(rows * in), 1.0f), *x = noises(ldx * (size_t)tokens, 1.0f);
                uint16_t *half = malloc((size_t)(rows * in) * sizeof *half);
                float y[TB_LINEAR_TOKENS * TB_LINEAR_ROWS] = { 0 };

                assert_non_null(half);
                for (int i = 0; i < rows * in; i++)
                    half[i] = tb_to_bf16(w[i]);
                k->linear(TB_F32, w, rows, x, ldx, tokens, in, y);
                n = put(out, n, y, sizeof y);
                k->linear(TB_BF16, half, rows, x, ldx, tokens, in, y);
                n = put(out, n, y, sizeof y);
                free(w), free(x), free(half);
            }
    return n;
}

static size_t in_8_bits(const struct tb_kernels *k, int in, int tokens, unsigned char *out, size_t n)
{
    size_t size = (size_t)(TB_QMAT_ROWS * in);
    uint8_t *w = aligned_alloc(16, size);
    int16_t *x = malloc((size_t)(tokens * in) * sizeof *x);
    float y[TB_QMAT_TOKENS * TB_QMAT_ROWS] = { 0 };

    assert_true(w && x);
    for (size_t i = 0; i < size; i++)
        w[i] = (uint8_t)(int8_t)(127.0f * noise());
    for (int i = 0; i < tokens * in; i++)
        x[i] = (int16_t)(TB_QMAT_RANGE * noise());
    k->qmat8(w, x, (size_t)in, tokens, in, y);
    free(w), free(x);
    return put(out, n, y, sizeof y);
}

static size_t in_4_bits(const struct tb_kernels *k, int blocks, int tokens, unsigned char *out, size_t n)
{
    size_t size = (size_t)(TB_QMAT_ROWS * blocks * TB_QMAT_BLOCK4), floats;
    uint8_t *w = aligned_alloc(16, size);
    struct tb_mat x = noise_mat(tokens, blocks * TB_QMAT_WIDE);
    float y[TB_QMAT_TOKENS * TB_QMAT_ROWS] = { 0 }, *memory;

    floats = tb_qinput_floats(tokens, x.cols);
    memory = aligned_alloc(64, (floats * sizeof *memory + 63) / 64 * 64);
    assert_true(w && memory);
    for (size_t i = 0; i < size; i++)
        w[i] = (uint8_t)(int8_t)(127.0f * noise());
    for (size_t b = 0; b < size; b += TB_QMAT_BLOCK4) /* scales that are numbers */
        for (int g = 0; g < TB_QMAT_GROUPS; g++)
            ((uint16_t *)(void *)(w + b))[g] = tb_to_bf16(noise());
    k->qmat4(w, tb_qinput_of(x, 4, memory).blocks, (size_t)blocks, tokens, x.cols, y);
    free(w), free(memory), free(x.p);
    return put(out, n, y, sizeof y);
}

static size_t few_bits(const struct tb_kernels *k, unsigned char *out)
{
    size_t n = 0;

    for (int blocks = 1; blocks <= 5; blocks++)
        for (int tokens = 1; tokens <= TB_QMAT_TOKENS; tokens++) {
            n = in_8_bits(k, blocks * TB_QMAT_BLOCK, tokens, out, n);
            n = in_4_bits(k, blocks, tokens, out, n);
        }
    return n;
}

/* n floats of many sizes, some of them special. */
static float *wide_noises(int n)
{
    float *p = noises((size_t)n, 1.0f);

    for (int i = 0; i < n; i++) {
        float u = noise();

        p[i] *= u > 0.5f ? 1e-3f : u > 0 ? 10.0f : u > -0.5f ? 80.0f : 3e3f;
        if (u > 0.98f)
            p[i] = u > 0.99f ? -0.0f : 2e6f;
    }
    return p;
}

/* A result of n floats, in memory of just that size. */
static float *results(int n)
{
    return noises((size_t)n, 1.0f);
}

static size_t keep(unsigned char *out, size_t at, float *y, int n)
{
    at = put(out, at, y, (size_t)n * sizeof *y);
    free(y);
    return at;
}

static size_t elements(const struct tb_kernels *k, unsigned char *out)
{
    size_t at = 0;

    for (int n = 1; n < 150; n += n < 50 ? 1 : 13) {
        float *x = wide_noises(n), *res = noises((size_t)n, 1.0f);
        const float scale = 1.3f, shift = -0.2f, alpha = 0.7f, inverse = 1.0f / 0.7f;

        for (int f = TB_MAP_SCALE; f <= TB_MAP_COS; f++) {
            float *y = results(n);

            k->map((enum tb_map)f, 0.3f, x, y, n);
            at = keep(out, at, y, n);
        }
        for (int kind = TB_PRE_NONE; kind <= TB_PRE_SNAKE; kind++) {
            struct tb_pre pre = { .scale = n % 2 ? &scale : NULL, .shift = &shift, .slope = 0.2f, .alpha = &alpha,
                                  .inv_alpha = &inverse };
            float *y = results(n);

            pre.kind = kind;
            k->pre(&pre, 0, x, y, n);
            at = keep(out, at, y, n);
        }
        for (int act = TB_ACT_NONE; act <= TB_ACT_GELU; act++) {
            struct tb_post post = { .gain = n % 3 ? 0.5f : 0.0f, .accumulate = n % 2, .slope = 0.1f };
            float *y = results(n);

            post.act = (enum tb_act)act;
            k->post(&post, x, 0.25f, n % 4 ? res : NULL, y, n);
            at = keep(out, at, y, n);
        }
        float *y = results(n);
        k->add(x, res, 0.7f, y, n);
        at = keep(out, at, y, n);
        free(x), free(res);
    }
    return at;
}

static size_t cells(const struct tb_kernels *k, unsigned char *out)
{
    size_t at = 0;

    for (int n = 1; n < 70; n++) {
        float *g[4], *c = noises((size_t)n, 1.0f), *h = results(n), *w = noises((size_t)n, 1000.0f);
        uint32_t words[70];

        for (int i = 0; i < 4; i++)
            g[i] = wide_noises(n);
        k->lstm_cell((const float *const[]){ g[0], g[1], g[2], g[3] }, c, h, n);
        k->pair16(w, c, 8.0f, words, n);
        at = put(out, at, words, (size_t)n * sizeof *words);
        at = keep(out, at, c, n);
        at = keep(out, at, h, n);
        for (int i = 0; i < 4; i++)
            free(g[i]);
        free(w);
    }
    return at;
}

static void elements_have_the_same_bits(void **state)
{
    (void)state;
    check_levels(TB_CPU_AVX2, elements);
    check_levels(TB_CPU_AVX2, cells);
}

static void tiles_have_the_same_bits(void **state)
{
    (void)state;
    check_levels(TB_CPU_AVX2, tiles);
}

static void linear_layers_have_the_same_bits(void **state)
{
    (void)state;
    check_levels(TB_CPU_AVX2, linears);
}

static void those_in_few_bits_have_the_same_bits(void **state)
{
    (void)state;
    check_levels(TB_CPU_AVX2, few_bits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_have_the_same_bits),
        cmocka_unit_test(linear_layers_have_the_same_bits),
        cmocka_unit_test(those_in_few_bits_have_the_same_bits),
        cmocka_unit_test(elements_have_the_same_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
