/* fastconv_points.h - the transforms of fastconv.c, in plain C that compilers make vectors of: compiled once for each
 * CPU level, with the same results bit for bit, since sums have one order and nothing is contracted. Only those files
 * include it.
 *
 * A tile's columns are kept apart: column o of all tiles of a block stands in one row, so that one vector operation
 * works on many tiles. */
#ifndef TB_TENSOR_FASTCONV_POINTS_H
#define TB_TENSOR_FASTCONV_POINTS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tensor/kernels_priv.h"

enum {
    TB_FAST_COLS = 8,       /* columns of a tile: two halves of four */
    TB_FAST_INNER = 7,      /* points of a half */
    TB_FAST_LD = 40,        /* tiles of a row of the input: those of a block, and what the longest filter sees */
    TB_FAST_HALVES = 32     /* tiles of which both halves are transformed */
};

/* Sums of the absolute coefficients of tb_fast_halves at each point: what bounds its results. */
#define TB_FAST_BOUNDS { 30, 20, 28, 14, 14, 10, 30 }
/* What tb_fast_halves has multiplied the exact transform by. */
#define TB_FAST_FACTORS { 2, 6, 18, 9, 15, 90, 4 }

static inline uint32_t tb_fast_bits(float x)
{
    uint32_t u;

    memcpy(&u, &x, sizeof u);
    return u;
}

/* The seven values of n halves a0..a6, each times gain[q]. v + q * TB_FAST_HALVES. */
static inline void tb_fast_half(const float *const a[TB_FAST_INNER], int n, const float *gain, float *restrict v)
{
    float g0 = gain[0], g1 = gain[1], g2 = gain[2], g3 = gain[3], g4 = gain[4], g5 = gain[5], g6 = gain[6];
    const float *c0 = a[0], *c1 = a[1], *c2 = a[2], *c3 = a[3], *c4 = a[4], *c5 = a[5], *c6 = a[6];

    for (int i = 0; i < n; i++) {
        float a1 = c1[i], a2 = c2[i], a3 = c3[i], a4 = c4[i], a5 = c5[i];
        float p = a1 - 5.0f * a3 + 4.0f * a5, q = 4.0f * a4 - 5.0f * a2, d = a2 - a4;

        v[i] = (2.0f * (c0[i] + q) - p) * g0;
        v[TB_FAST_HALVES + i] = (9.0f * a3 - a2 + 4.0f * (a4 - a5) - 2.0f * a1) * g1;
        v[2 * TB_FAST_HALVES + i] = (2.0f * a1 - 3.0f * a2 - 7.0f * a3 + 12.0f * a4 - 4.0f * a5) * g2;
        v[3 * TB_FAST_HALVES + i] = (2.0f * (a1 + a5) + 3.0f * d - 4.0f * a3) * g3;
        v[4 * TB_FAST_HALVES + i] = (2.0f * (a5 - a1) + 5.0f * d) * g4;
        v[5 * TB_FAST_HALVES + i] = p * g5;
        v[6 * TB_FAST_HALVES + i] = (a2 - 5.0f * a4 + 4.0f * c6[i] - 2.0f * p) * g6;
    }
}

/* Both halves of n tiles: e [8][TB_FAST_LD] to v [2][7][TB_FAST_HALVES]. The columns after a tile's are those of the
 * tile d places on. */
static inline void tb_fast_halves(const float *e, int d, int n, const float *gain, float *v)
{
    const float *first[TB_FAST_INNER], *second[TB_FAST_INNER];

    for (int k = 0; k < TB_FAST_INNER; k++) {
        first[k] = e + k * TB_FAST_LD;
        second[k] = k < 4 ? e + (k + 4) * TB_FAST_LD : e + (k - 4) * TB_FAST_LD + d;
    }
    tb_fast_half(first, n, gain, v);
    tb_fast_half(second, n, gain, v + TB_FAST_INNER * TB_FAST_HALVES);
}

/* Two floats of less than 2^15 as 16-bit whole numbers side by side, rounded to even: 1.5 * 2^23 leaves a float's
 * lowest bits no fractions. */
static inline uint32_t tb_fast_pair(float a, float b)
{
    const float magic = 12582912.0f;

    return (tb_fast_bits(a + magic) & 0xffffu) | tb_fast_bits(b + magic) << 16;
}

/* The values of two channels, v and w, at the outer points: point q of outer point k goes to out + (7 k + q) * step. */
static inline void tb_fast_pack(const float *v, const float *w, int parts, int d, int n, uint32_t *out, size_t step)
{
    for (int q = 0; q < TB_FAST_INNER; q++, v += TB_FAST_HALVES, w += TB_FAST_HALVES, out += step) {
        const float *v1 = v + TB_FAST_INNER * TB_FAST_HALVES, *w1 = w + TB_FAST_INNER * TB_FAST_HALVES;
        uint32_t *restrict o0 = out, *restrict o1 = out + 7 * step, *restrict o2 = out + 14 * step;
        uint32_t *restrict o3 = out + 21 * step;

        if (parts == 1)
            for (int t = 0; t < n; t++) {
                o0[t] = tb_fast_pair(v[t] + v[t], w[t] + w[t]);
                o1[t] = tb_fast_pair(v1[t] + v1[t], w1[t] + w1[t]);
            }
        else if (parts == 2)
            for (int t = 0; t < n; t++) {
                o0[t] = tb_fast_pair(v[t] - v1[t], w[t] - w1[t]);
                o1[t] = tb_fast_pair(v1[t] + v1[t], w1[t] + w1[t]);
                o2[t] = tb_fast_pair(v1[t] - v[t + d], w1[t] - w[t + d]);
            }
        else
            for (int t = 0; t < n; t++) {
                o0[t] = tb_fast_pair(v[t] - v[t + d], w[t] - w[t + d]);
                o1[t] = tb_fast_pair(v1[t] + v[t + d], w1[t] + w[t + d]);
                o2[t] = tb_fast_pair(v[t + d] - v1[t], w[t + d] - w1[t]);
                o3[t] = tb_fast_pair(v1[t] - v1[t + d], w1[t] - w1[t + d]);
            }
    }
}

/* What struct tb_kernels says of fast_input. */
static inline void tb_fast_inputs(const float *e, int parts, int d, const float *gain, uint32_t *out, size_t step)
{
    float v[2][2 * TB_FAST_INNER * TB_FAST_HALVES];
    int n = parts == 1 ? TB_TILE : TB_FAST_HALVES;

    tb_fast_halves(e, d, n, gain, v[0]);
    tb_fast_halves(e + TB_FAST_COLS * TB_FAST_LD, d, n, gain, v[1]);
    tb_fast_pack(v[0], v[1], parts, d, TB_TILE, out, step);
}

/* Four outputs of a half from its seven sums s [7][TB_TILE], each times gain[q], to y + o * TB_TILE. */
static inline void tb_fast_join(const float *restrict s, const float *gain, float *restrict y)
{
    float g0 = gain[0], g1 = gain[1], g2 = gain[2], g3 = gain[3], g4 = gain[4], g5 = gain[5], g6 = gain[6];

    for (int t = 0; t < TB_TILE; t++) {
        float s0 = g0 * s[t], s1 = g1 * s[TB_TILE + t], s2 = g2 * s[2 * TB_TILE + t], s3 = g3 * s[3 * TB_TILE + t];
        float s4 = g4 * s[4 * TB_TILE + t], s5 = g5 * s[5 * TB_TILE + t], s6 = g6 * s[6 * TB_TILE + t];
        float even = s1 + s2, odd = s1 - s2, half_even = s3 + s4, half_odd = s3 - s4;

        y[t] = s0 + even + half_even + s5;
        y[TB_TILE + t] = odd + 0.5f * half_odd + 2.0f * s5;
        y[2 * TB_TILE + t] = even + 0.25f * half_even + 4.0f * s5;
        y[3 * TB_TILE + t] = odd + 0.125f * half_odd + 8.0f * s5 + s6;
    }
}

/* Both halves' sums from those at the outer points, acc + (7 k + q) * step. s [2][7][TB_TILE]. */
static inline void tb_fast_outer(const int32_t *restrict acc, size_t step, int parts, float *restrict s)
{
    for (int q = 0; q < TB_FAST_INNER; q++, acc += step, s += TB_TILE) {
        const int32_t *m0 = acc, *m1 = acc + 7 * step, *m2 = acc + 14 * step, *m3 = acc + 21 * step;
        float *restrict s1 = s + TB_FAST_INNER * TB_TILE;

        if (parts == 1)
            for (int t = 0; t < TB_TILE; t++) {
                s[t] = (float)m0[t];
                s1[t] = (float)m1[t];
            }
        else if (parts == 2)
            for (int t = 0; t < TB_TILE; t++) {
                s[t] = (float)m0[t] + (float)m1[t];
                s1[t] = (float)m1[t] - (float)m2[t];
            }
        else
            for (int t = 0; t < TB_TILE; t++) {
                s[t] = (float)m0[t] + ((float)m1[t] + (float)m2[t]);
                s1[t] = ((float)m1[t] - (float)m2[t]) - (float)m3[t];
            }
    }
}

/* The eight output columns, y + o * TB_TILE, of TB_TILE tiles. */
static inline void tb_fast_outputs(const int32_t *acc, size_t step, int parts, const float *gain, float *y)
{
    float s[2 * TB_FAST_INNER * TB_TILE];

    tb_fast_outer(acc, step, parts, s);
    tb_fast_join(s, gain, y);
    tb_fast_join(s + TB_FAST_INNER * TB_TILE, gain, y + 4 * TB_TILE);
}

/* Largest magnitude of n floats, as bits, which have the order of the numbers. */
static inline uint32_t tb_fast_peak(const float *x, int n)
{
    uint32_t most = 0;

    for (int i = 0; i < n; i++) {
        uint32_t u = tb_fast_bits(x[i]) & 0x7fffffffu;

        most = u > most ? u : most;
    }
    return most;
}

#if defined(__x86_64__)
/* What struct tb_kernels says of the entries that begin with fast_. */
void tb_fast_input_avx2(const float *e, int parts, int d, const float *gain, uint32_t *out, size_t step);
void tb_fast_output_avx2(const int32_t *acc, size_t step, int parts, const float *gain, float *y);
uint32_t tb_fast_peak_avx2(const float *x, int n);
void tb_fast_turn_avx2(const float *x, size_t ldx, float *y, size_t ldy);
void tb_fast_input_avx512(const float *e, int parts, int d, const float *gain, uint32_t *out, size_t step);
void tb_fast_output_avx512(const int32_t *acc, size_t step, int parts, const float *gain, float *y);
#endif

#endif
