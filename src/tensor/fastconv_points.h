/* fastconv_points.h - the transforms of fastconv.c, compiled once for each CPU level. Only those files include it.
 *
 * Input [4][..] and output [4] of a tile are kept by column, all tiles of one column together, so that one vector
 * operation works on many tiles. Sums have one order on all levels. */
#ifndef TB_TENSOR_FASTCONV_POINTS_H
#define TB_TENSOR_FASTCONV_POINTS_H

#include <stddef.h>

#include "tensor/kernels_priv.h"

/* n tiles of the input at the seven points. e + o * lde: column o of each tile; a tile's columns 4 to 6 are columns 0
 * to 2 of the tile d places on. Point q goes to v + q * step. */
static inline void tb_input_points(const float *restrict e, int lde, int d, int n, float *restrict v, size_t step)
{
    const float *e0 = e, *e1 = e + lde, *e2 = e + 2 * lde, *e3 = e + 3 * lde;

    for (int j = 0; j < n; j++) {
        float a0 = e0[j], a1 = e1[j], a2 = e2[j], a3 = e3[j], a4 = e0[j + d], a5 = e1[j + d], a6 = e2[j + d];

        v[j] = 0.25f * a0 - 0.125f * a1 - 1.25f * a2 + 0.625f * a3 + a4 - 0.5f * a5;
        v[step + (size_t)j] = (a4 - a5 - 0.5f * a1) * (1.0f / 3.0f) + 0.75f * a3 - (1.0f / 12.0f) * a2;
        v[2 * step + (size_t)j] = (2.0f * a1 - 3.0f * a2 - 7.0f * a3 + 12.0f * a4 - 4.0f * a5) * (1.0f / 9.0f);
        v[3 * step + (size_t)j] = (4.0f * (a1 + a5) + 6.0f * (a2 - a4) - 8.0f * a3) * (1.0f / 9.0f);
        v[4 * step + (size_t)j] = (8.0f * (a5 - a1) + 20.0f * (a2 - a4)) * (1.0f / 15.0f);
        v[5 * step + (size_t)j] = (8.0f * a1 - 40.0f * a3 + 32.0f * a5) * (1.0f / 45.0f);
        v[6 * step + (size_t)j] = 0.125f * a2 - 0.25f * a1 + 1.25f * a3 - 0.625f * a4 - a5 + 0.5f * a6;
    }
}

/* The four output columns, y + o * TB_TILE, of TB_TILE tiles from the sums s at the points, step floats apart. */
static inline void tb_tile_outputs(const float *restrict s, size_t step, float *restrict y)
{
    for (int t = 0; t < TB_TILE; t++, s++) {
        float even = s[step] + s[2 * step], odd = s[step] - s[2 * step];
        float half_even = s[3 * step] + s[4 * step], half_odd = s[3 * step] - s[4 * step];

        y[t] = s[0] + even + half_even + s[5 * step];
        y[TB_TILE + t] = odd + 0.5f * half_odd + 2.0f * s[5 * step];
        y[2 * TB_TILE + t] = even + 0.25f * half_even + 4.0f * s[5 * step];
        y[3 * TB_TILE + t] = odd + 0.125f * half_odd + 8.0f * s[5 * step] + s[6 * step];
    }
}

#if defined(__x86_64__)
void tb_input_points_avx2(const float *restrict e, int lde, int d, int n, float *restrict v, size_t step);
void tb_tile_outputs_avx2(const float *restrict s, size_t step, float *restrict y);
#endif

#endif
