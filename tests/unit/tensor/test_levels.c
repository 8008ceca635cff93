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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
