/* linear_avx512.c - linear_rows.h with vectors of 512 bits: the lower half has the eight parts of one row's sum, the
 * upper half those of the next row. So sums have the order of AVX2. */
#include "tensor/avx512.h"
#include "tensor/linear_rows.h"

enum { PAIRS = TB_LINEAR_ROWS / 2 };

/* Eight weights from `at` on, and eight of the next row. */
INLINE __m512 weights_at(enum tb_dtype dtype, const void *w, size_t at, size_t n)
{
    if (dtype == TB_F32) {
        __m256 row = _mm256_loadu_ps((const float *)w + at);

        return _mm512_insertf32x8(_mm512_castps256_ps512(row), _mm256_loadu_ps((const float *)w + at + n), 1);
    }
    __m128i row = _mm_loadu_si128((const __m128i *)(const void *)((const uint16_t *)w + at));
    __m128i next = _mm_loadu_si128((const __m128i *)(const void *)((const uint16_t *)w + at + n));

    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_set_m128i(next, row)), 16));
}

/* The products past the last whole vector, into the parts that they belong to. */
INLINE __m512 rest_of(enum tb_dtype dtype, const void *w, size_t at, size_t n, const float *x, int len)
{
    float rest[16] __attribute__((aligned(64))) = { 0 };

    for (int row = 0; row < 2; row++)
        for (int i = 0; i < len; i++) {
            size_t k = at + (size_t)row * n + (size_t)i;
            float weight = dtype == TB_F32 ? ((const float *)w)[k] : tb_from_bf16(((const uint16_t *)w)[k]);

            rest[8 * row + i] = weight * x[i];
        }
    return _mm512_load_ps(rest);
}

/* dtype and tokens are constants where it is called, so that the loops over them unroll. */
INLINE void rows_of(enum tb_dtype dtype, const void *w, const float *x, size_t ldx, int tokens, int n, float *y)
{
    __m512 sum[PAIRS][TB_LINEAR_TOKENS];
    size_t len = (size_t)n;
    int k = 0;

#pragma GCC unroll 2
    for (int p = 0; p < PAIRS; p++)
#pragma GCC unroll 3
        for (int t = 0; t < tokens; t++)
            sum[p][t] = _mm512_setzero_ps();
    for (; k + 8 <= n; k += 8) {
        __m512 first = weights_at(dtype, w, (size_t)k, len), second = weights_at(dtype, w, 2 * len + (size_t)k, len);

#pragma GCC unroll 3
        for (int t = 0; t < tokens; t++) {
            __m512 in = _mm512_castsi512_ps(twice(x + (size_t)t * ldx + k));

            sum[0][t] = _mm512_fmadd_ps(first, in, sum[0][t]);
            sum[1][t] = _mm512_fmadd_ps(second, in, sum[1][t]);
        }
    }
    for (int p = 0; p < PAIRS; p++)
        for (int t = 0; t < tokens; t++) {
            size_t at = 2 * (size_t)p * len + (size_t)k;

            if (k < n)
                sum[p][t] = _mm512_add_ps(sum[p][t], rest_of(dtype, w, at, len, x + (size_t)t * ldx + k, n - k));
            sum_both(sum[p][t], y + t * TB_LINEAR_ROWS + 2 * p);
        }
}

INLINE void tokens_of(enum tb_dtype dtype, const void *w, const float *x, size_t ldx, int tokens, int n, float *y)
{
    if (tokens == 1)
        rows_of(dtype, w, x, ldx, 1, n, y);
    else if (tokens == 2)
        rows_of(dtype, w, x, ldx, 2, n, y);
    else
        rows_of(dtype, w, x, ldx, 3, n, y);
}

void tb_linear_rows_avx512(enum tb_dtype dtype, const void *w, int rows, const float *x, size_t ldx, int tokens, int n,
                           float *y)
{
    if (rows == 1)
        tb_linear_rows_avx2(dtype, w, 1, x, ldx, tokens, n, y);
    else if (dtype == TB_F32)
        tokens_of(TB_F32, w, x, ldx, tokens, n, y);
    else
        tokens_of(TB_BF16, w, x, ldx, tokens, n, y);
}
