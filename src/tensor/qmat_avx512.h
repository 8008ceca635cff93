/* qmat_avx512.h - qmat_rows.h with vectors of 512 bits, compiled with and without VNNI.
 *
 * Two rows of a panel stand side by side in memory, so one vector holds both: the lower half what AVX2 has in a vector
 * for the first, the upper half for the second. Sums of whole numbers are exact and those of floats have AVX2's order. */
#ifndef TB_TENSOR_QMAT_AVX512_H
#define TB_TENSOR_QMAT_AVX512_H

#include "tensor/avx512.h"
#include "tensor/qmat_rows.h"

enum {
    PAIRS = TB_QMAT_ROWS / 2,
    AHEAD = 2048 /* bytes; reading past the end of a matrix is only a hint */
};

/* tokens is a constant where it is called, so that the loops over it unroll. */
INLINE void rows8(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y)
{
    __m512i sum[PAIRS][TB_QMAT_TOKENS];

#pragma GCC unroll 8
    for (int i = 0; i < PAIRS * tokens; i++)
        sum[i / tokens][i % tokens] = _mm512_setzero_si512();
    for (int k = 0; k < n; k += 16, w += TB_QMAT_ROWS * 16) {
        __m512i first = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)w));
        __m512i second = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(w + 32)));

        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 8
        for (int t = 0; t < tokens; t++) {
            __m512i in = twice(x + (size_t)t * ldx + k);

            sum[0][t] = TB_DOT16(sum[0][t], first, in);
            sum[1][t] = TB_DOT16(sum[1][t], second, in);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < PAIRS * tokens; i++)
        sum_both(_mm512_cvtepi32_ps(sum[i / tokens][i % tokens]), y + i % tokens * TB_QMAT_ROWS + i / tokens * 2);
}

/* A q in the upper bits of its word counts 4096 times, as in qmat_avx2.c. */
INLINE void rows4(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y)
{
    const __m512i high = _mm512_set1_epi32((int)0xffff0000);
    __m512 sum[PAIRS][TB_QMAT_TOKENS];

#pragma GCC unroll 8
    for (int i = 0; i < PAIRS * tokens; i++)
        sum[i / tokens][i % tokens] = _mm512_setzero_ps();
    for (int k = 0; k < n; k += TB_QMAT_BLOCK, w += TB_QMAT_BLOCK4) {
        __m512i scales = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)w));

        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
        _mm_prefetch((const char *)w + AHEAD + 64, _MM_HINT_T0);
#pragma GCC unroll 2
        for (int p = 0; p < PAIRS; p++) {
            __m512i words = _mm512_loadu_si512(w + TB_QMAT_SCALES + p * TB_QMAT_BLOCK);
            __m512i both = _mm512_permutexvar_epi32(pair_of_rows(p), scales);
            __m512 first = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
            __m512 second = _mm512_castsi512_ps(_mm512_and_si512(both, high));
            __m512i q0 = _mm512_slli_epi16(words, 12), q1 = _mm512_slli_epi16(words, 8);
            __m512i q2 = _mm512_slli_epi16(words, 4);

#pragma GCC unroll 8
            for (int t = 0; t < tokens; t++) {
                const int16_t *in = x + (size_t)t * ldx + k;
                __m512i a = TB_DOT16(_mm512_madd_epi16(q0, twice(in)), q1, twice(in + 16));
                __m512i b = TB_DOT16(_mm512_madd_epi16(q2, twice(in + 32)), words, twice(in + 48));

                sum[p][t] = _mm512_fmadd_ps(first, _mm512_cvtepi32_ps(a), sum[p][t]);
                sum[p][t] = _mm512_fmadd_ps(second, _mm512_cvtepi32_ps(b), sum[p][t]);
            }
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < PAIRS * tokens; i++) {
        float *to = y + i % tokens * TB_QMAT_ROWS + i / tokens * 2;

        sum_both(sum[i / tokens][i % tokens], to);
        to[0] *= 0x1p-12f;
        to[1] *= 0x1p-12f;
    }
}

static void qmat8(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y)
{
    switch (tokens) {
    case 1: rows8(w, x, ldx, 1, n, y); break;
    case 2: rows8(w, x, ldx, 2, n, y); break;
    default: rows8(w, x, ldx, 3, n, y); break;
    }
}

static void qmat4(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y)
{
    switch (tokens) {
    case 1: rows4(w, x, ldx, 1, n, y); break;
    case 2: rows4(w, x, ldx, 2, n, y); break;
    default: rows4(w, x, ldx, 3, n, y); break;
    }
}

_Static_assert(TB_QMAT_TOKENS == 3, "cases of tokens");

#endif
