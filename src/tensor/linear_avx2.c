/* linear_avx2.c - linear_rows.h for AVX2 with FMA: one vector of eight sums for each pair of row and token. */
#include <immintrin.h>

#include "tensor/linear_rows.h"

enum { LINE = 64 }; /* bytes of a cache line */

#define INLINE static inline __attribute__((always_inline))

INLINE __m256 weights_at(enum tb_dtype dtype, const void *w, size_t at)
{
    if (dtype == TB_F32)
        return _mm256_loadu_ps((const float *)w + at);
    __m128i half = _mm_loadu_si128((const __m128i *)(const void *)((const uint16_t *)w + at));

    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

INLINE float sum8(__m256 v)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)); /* k and k + 4 */
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* dtype, rows and tokens are constants where it is called, so that the loops over them unroll. */
INLINE void rows_of(enum tb_dtype dtype, const void *w, int rows, const float *x, size_t ldx, int tokens, int n,
                    float *y)
{
    __m256 sum[TB_LINEAR_ROWS][TB_LINEAR_TOKENS];
    size_t size = dtype == TB_F32 ? sizeof(float) : sizeof(uint16_t);
    int k = 0;

#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int t = 0; t < tokens; t++)
            sum[r][t] = _mm256_setzero_ps();
    for (; k + 8 <= n; k += 8) {
        __m256 in[TB_LINEAR_TOKENS];
        const char *ahead = (const char *)w + (size_t)rows * (size_t)(n + k) * size;

        for (size_t at = 0; at < 8 * (size_t)rows * size; at += LINE) /* of the next rows, which come after these */
            _mm_prefetch(ahead + at, _MM_HINT_T0);
#pragma GCC unroll 3
        for (int t = 0; t < tokens; t++)
            in[t] = _mm256_loadu_ps(x + (size_t)t * ldx + k);
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            __m256 weight = weights_at(dtype, w, (size_t)r * (size_t)n + (size_t)k);

#pragma GCC unroll 3
            for (int t = 0; t < tokens; t++)
                sum[r][t] = _mm256_fmadd_ps(weight, in[t], sum[r][t]);
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int t = 0; t < tokens; t++) {
            float rest[8] __attribute__((aligned(32))) = { 0 };

            for (int i = k; i < n; i++) {
                size_t at = (size_t)r * (size_t)n + (size_t)i;
                float weight = dtype == TB_F32 ? ((const float *)w)[at] : tb_from_bf16(((const uint16_t *)w)[at]);

                rest[i - k] = weight * x[(size_t)t * ldx + (size_t)i];
            }
            y[t * TB_LINEAR_ROWS + r] = sum8(k < n ? _mm256_add_ps(sum[r][t], _mm256_load_ps(rest)) : sum[r][t]);
        }
}

INLINE void tokens_of(enum tb_dtype dtype, const void *w, int rows, const float *x, size_t ldx, int tokens, int n,
                      float *y)
{
    if (tokens == 1)
        rows_of(dtype, w, rows, x, ldx, 1, n, y);
    else if (tokens == 2)
        rows_of(dtype, w, rows, x, ldx, 2, n, y);
    else
        rows_of(dtype, w, rows, x, ldx, 3, n, y);
}

void tb_linear_rows_avx2(enum tb_dtype dtype, const void *w, int rows, const float *x, size_t ldx, int tokens, int n,
                         float *y)
{
    if (dtype == TB_F32 && rows == 1)
        tokens_of(TB_F32, w, 1, x, ldx, tokens, n, y);
    else if (dtype == TB_F32)
        tokens_of(TB_F32, w, TB_LINEAR_ROWS, x, ldx, tokens, n, y);
    else if (rows == 1)
        tokens_of(TB_BF16, w, 1, x, ldx, tokens, n, y);
    else
        tokens_of(TB_BF16, w, TB_LINEAR_ROWS, x, ldx, tokens, n, y);
}
