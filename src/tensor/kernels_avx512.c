/* kernels_avx512.c - what is quicker with vectors of 512 bits. Sums have the order that they have with AVX2. */
#include "tensor/linear_rows.h"
#include "tensor/qmat_avx512.h"
#include "tensor/tile16_avx512.h"

/* As in tile16_avx512.h: the last eight columns of two rows in one vector. */
static void tile(const float *x, int ldx, const float *w, int depth, int taps, int dilation, int vecs, float *acc)
{
    if (vecs < 3) {
        tb_kernels_avx2.tile(x, ldx, w, depth, taps, dilation, vecs, acc);
        return;
    }
    const __m512i first = pair_of_rows(0), second = pair_of_rows(1);
    __m512 a[TB_PANEL], b[2];

#pragma GCC unroll 4
    for (int i = 0; i < TB_PANEL; i++)
        a[i] = _mm512_setzero_ps();
    b[0] = b[1] = _mm512_setzero_ps();
    for (int c = 0; c < depth; c++, x += ldx) {
        const float *at = x;

        for (int tap = 0; tap < taps; tap++, w += TB_PANEL, at += dilation) {
            __m512 left = _mm512_loadu_ps(at), right = _mm512_castsi512_ps(twice(at + 16));
            __m512 rows = _mm512_broadcast_f32x4(_mm_loadu_ps(w));

#pragma GCC unroll 4
            for (int i = 0; i < TB_PANEL; i++)
                a[i] = _mm512_fmadd_ps(_mm512_set1_ps(w[i]), left, a[i]);
            b[0] = _mm512_fmadd_ps(_mm512_permutexvar_ps(first, rows), right, b[0]);
            b[1] = _mm512_fmadd_ps(_mm512_permutexvar_ps(second, rows), right, b[1]);
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < TB_PANEL; i++) {
        _mm512_storeu_ps(acc + i * TB_TILE, a[i]);
        _mm256_storeu_ps(acc + i * TB_TILE + 16,
                         i % 2 ? _mm512_extractf32x8_ps(b[i / 2], 1) : _mm512_castps512_ps256(b[i / 2]));
    }
}

void tb_kernels_add_avx512(struct tb_kernels *table)
{
    table->tile = tile;
    table->tile16 = tile16;
    table->linear = tb_linear_rows_avx512;
    table->qmat8 = qmat8;
    table->qmat4 = qmat4;
}
