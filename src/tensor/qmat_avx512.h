/* qmat_avx512.h - qmat_rows.h with vectors of 512 bits, compiled with and without VNNI.
 *
 * One vector holds two rows: the lower half what AVX2 has in a vector for the first, the upper half for the second.
 * Sums of whole numbers are exact and those of floats have AVX2's order. */
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

/* 32 bytes of two rows. */
INLINE __m512i both_rows(const uint8_t *w, size_t row)
{
    __m256i first = _mm256_loadu_si256((const __m256i *)(const void *)w);
    __m256i second = _mm256_loadu_si256((const __m256i *)(const void *)(w + row));

    return _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
}

/* The scales of two rows. */
INLINE __m512 both_scales(const uint8_t *w, size_t row)
{
    __m128i first = _mm_loadu_si128((const __m128i *)(const void *)w);
    __m128i second = _mm_loadu_si128((const __m128i *)(const void *)(w + row));

    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_set_m128i(second, first)), 16));
}

/* Two rows, `row` bytes apart. */
INLINE void rows4(const uint8_t *w, size_t row, const struct tb_qblock *x, size_t ldx, int tokens, int blocks, float *y)
{
    const __m512i low = _mm512_set1_epi8(15);
    __m512 sum[TB_QMAT_TOKENS];

#pragma GCC unroll 8
    for (int t = 0; t < tokens; t++)
        sum[t] = _mm512_setzero_ps();
    for (int b = 0; b < blocks; b++, w += TB_QMAT_BLOCK4) {
        __m512 scale = both_scales(w, row);
        __m512i part[TB_QMAT_TOKENS];

        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
        _mm_prefetch((const char *)w + AHEAD + 64, _MM_HINT_T0);
#pragma GCC unroll 8
        for (int t = 0; t < tokens; t++)
            part[t] = _mm512_setzero_si512();
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) {
            __m512i halves = both_rows(w + TB_QMAT_SCALES + 32 * v, row);
            __m512i lower = _mm512_and_si512(halves, low), upper = _mm512_and_si512(_mm512_srli_epi16(halves, 4), low);

#pragma GCC unroll 8
            for (int t = 0; t < tokens; t++) {
                const int8_t *in = x[(size_t)t * ldx + (size_t)b].q + 64 * v;

                part[t] = TB_DOT8(TB_DOT8(part[t], lower, twice(in)), upper, twice(in + 32));
            }
        }
#pragma GCC unroll 8
        for (int t = 0; t < tokens; t++) {
            const struct tb_qblock *in = &x[(size_t)t * ldx + (size_t)b];
            __m512 exact = _mm512_cvtepi32_ps(_mm512_sub_epi32(TB_SUMS8(part[t]), twice(in->eights)));

            sum[t] = _mm512_fmadd_ps(_mm512_mul_ps(scale, _mm512_castsi512_ps(twice(in->scale))), exact, sum[t]);
        }
    }
#pragma GCC unroll 8
    for (int t = 0; t < tokens; t++)
        sum_both(sum[t], y + t * TB_QMAT_ROWS);
}

static void qmat8(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y)
{
    switch (tokens) {
    case 1: rows8(w, x, ldx, 1, n, y); break;
    case 2: rows8(w, x, ldx, 2, n, y); break;
    case 3: rows8(w, x, ldx, 3, n, y); break;
    default: rows8(w, x, ldx, 4, n, y); break;
    }
}

static void qmat4(const uint8_t *w, const struct tb_qblock *x, size_t ldx, int tokens, int n, float *y)
{
    int blocks = n / TB_QMAT_WIDE;
    size_t row = (size_t)blocks * TB_QMAT_BLOCK4;

    for (int p = 0; p < PAIRS; p++, w += 2 * row, y += 2)
        switch (tokens) {
        case 1: rows4(w, row, x, ldx, 1, blocks, y); break;
        case 2: rows4(w, row, x, ldx, 2, blocks, y); break;
        case 3: rows4(w, row, x, ldx, 3, blocks, y); break;
        default: rows4(w, row, x, ldx, 4, blocks, y); break;
        }
}

_Static_assert(TB_QMAT_TOKENS == 4, "cases of tokens");

#endif
