/* tile16_avx512.h - the tile of whole numbers with vectors of sixteen, compiled with and without the instruction that
 * multiplies and adds at once (VNNI). kernels_c.c says what it does.
 *
 * Of the 24 columns of a row sixteen are one vector; the other eight go with those of the next row into one. */
#ifndef TB_TENSOR_TILE16_AVX512_H
#define TB_TENSOR_TILE16_AVX512_H

#include <string.h>

#include "tensor/avx512.h"
#include "tensor/kernels_priv.h"

/* Tiles of one or two vectors are left to AVX2. */
static void tile16(const uint32_t *x, int ldx, const int16_t *w, int pairs, int taps, int dilation, int vecs,
                   int32_t *acc)
{
    if (vecs < 3) {
        tb_kernels_avx2.tile16(x, ldx, w, pairs, taps, dilation, vecs, acc);
        return;
    }
    const __m512i first = pair_of_rows(0), second = pair_of_rows(1);
    __m512i a[TB_PANEL], b[2];

#pragma GCC unroll 4
    for (int i = 0; i < TB_PANEL; i++)
        a[i] = _mm512_setzero_si512();
    b[0] = b[1] = _mm512_setzero_si512();
    for (int c = 0; c < pairs; c++, x += ldx) {
        const uint32_t *at = x;

        for (int tap = 0; tap < taps; tap++, w += 2 * TB_PANEL, at += dilation) {
            __m512i left = _mm512_loadu_si512(at), right = twice(at + 16);
            __m512i rows = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)w));

#pragma GCC unroll 4
            for (int i = 0; i < TB_PANEL; i++) {
                int32_t both;

                memcpy(&both, w + 2 * i, sizeof both);
                a[i] = TB_DOT16(a[i], left, _mm512_set1_epi32(both));
            }
            b[0] = TB_DOT16(b[0], right, _mm512_permutexvar_epi32(first, rows));
            b[1] = TB_DOT16(b[1], right, _mm512_permutexvar_epi32(second, rows));
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < TB_PANEL; i++) {
        __m512i half = b[i / 2];

        _mm512_storeu_si512(acc + i * TB_TILE, a[i]);
        _mm256_storeu_si256((__m256i *)(void *)(acc + i * TB_TILE + 16),
                            i % 2 ? _mm512_extracti64x4_epi64(half, 1) : _mm512_castsi512_si256(half));
    }
}

#endif
