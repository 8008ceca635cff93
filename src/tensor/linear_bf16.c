/* linear_bf16.c - linear_rows.h for CPUs that multiply bfloat16 with bfloat16 and add two such products to a float at
 * once (AVX512_BF16): half the instructions of linear_avx512.c, and inputs rounded to 8 bits of fraction. */
#include "tensor/avx512.h"
#include "tensor/linear_rows.h"

enum { STEP = 32 };

/* 32 inputs as bfloat16, rounded to even. */
INLINE __m512bh inputs_at(const float *x)
{
    return _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + 16), _mm512_loadu_ps(x)); /* the second one becomes the lower half */
}

INLINE float across(__m512 v)
{
    return sum8(_mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1)));
}

/* rows and tokens are constants where it is called, so that the loops over them unroll. */
INLINE void rows_of(const uint16_t *w, int rows, const float *x, size_t ldx, int tokens, int n, float *y)
{
    __m512 sum[TB_LINEAR_ROWS][TB_LINEAR_TOKENS];
    int k = 0;

#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int t = 0; t < tokens; t++)
            sum[r][t] = _mm512_setzero_ps();
    for (; k + STEP <= n; k += STEP) {
        __m512bh in[TB_LINEAR_TOKENS];

#pragma GCC unroll 3
        for (int t = 0; t < tokens; t++)
            in[t] = inputs_at(x + (size_t)t * ldx + k);
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            __m512bh weights = (__m512bh)_mm512_loadu_si512(w + (size_t)r * (size_t)n + k);

#pragma GCC unroll 3
            for (int t = 0; t < tokens; t++)
                sum[r][t] = _mm512_dpbf16_ps(sum[r][t], weights, in[t]);
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int t = 0; t < tokens; t++) {
            float rest = 0;

            for (int i = k; i < n; i++)
                rest += tb_from_bf16(w[(size_t)r * (size_t)n + (size_t)i]) *
                        tb_from_bf16(tb_to_bf16(x[(size_t)t * ldx + (size_t)i]));
            y[t * TB_LINEAR_ROWS + r] = across(sum[r][t]) + rest;
        }
}

INLINE void tokens_of(const uint16_t *w, int rows, const float *x, size_t ldx, int tokens, int n, float *y)
{
    if (tokens == 1)
        rows_of(w, rows, x, ldx, 1, n, y);
    else if (tokens == 2)
        rows_of(w, rows, x, ldx, 2, n, y);
    else
        rows_of(w, rows, x, ldx, 3, n, y);
}

void tb_linear_rough_bf16(const uint16_t *w, int rows, const float *x, size_t ldx, int tokens, int n, float *y)
{
    if (rows == 1)
        tokens_of(w, 1, x, ldx, tokens, n, y);
    else
        tokens_of(w, TB_LINEAR_ROWS, x, ldx, tokens, n, y);
}
