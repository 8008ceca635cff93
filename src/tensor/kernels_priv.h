/* kernels_priv.h - the table of inner loops: one per CPU level, chosen by tb_tensor_init. For the ops of this folder.
 *
 * Every matrix product goes through `tile`: TB_PANEL rows of packed weights times up to TB_TILE columns of a packed
 * input. Kernels get whole vectors of packed data and may read it up to the next multiple of TB_LANES columns; all
 * other rows may have any length and alignment, and no kernel touches memory past their n floats. */
#ifndef TB_TENSOR_KERNELS_PRIV_H
#define TB_TENSOR_KERNELS_PRIV_H

#include <stdint.h>

#include "tensor/cpu.h"
#include "tensor/ops.h"
#include "tensor/qmat.h"
#include "tensor/safetensors.h"

enum { TB_PANEL = 4, TB_LANES = 8, TB_TILE = 24 };

struct tb_kernels {
    /* acc[i][t] = sum over c, tap of w[c][tap][i] * x[c * ldx + tap * dilation + t], i < TB_PANEL,
     * t < vecs * TB_LANES (vecs 1..3). acc [TB_PANEL][TB_TILE], 32-byte aligned. */
    void (*tile)(const float *x, int ldx, const float *w, int depth, int taps, int dilation, int vecs, float *acc);
    /* The same of 16-bit whole numbers, two channels at a time: x [pairs][ldx] holds two channels of a column in each
     * word, the first in the lower half; w [pairs][taps][TB_PANEL][2]. Sums wrap; whoever packs makes sure that they
     * do not. */
    void (*tile16)(const uint32_t *x, int ldx, const int16_t *w, int pairs, int taps, int dilation, int vecs,
                   int32_t *acc);
    /* The transforms of fastconv.c. Two channels e [2][8][TB_FAST_LD] of a block, at the points, times gain [7] and as
     * whole numbers: point q to out [TB_TILE] + q * step. */
    void (*fast_input)(const float *e, int parts, int dilation, const float *gain, uint32_t *out, size_t step);
    /* y [8][TB_TILE], the columns of a row's tiles, from sums acc [TB_TILE] + q * step, times gain [7]. */
    void (*fast_output)(const int32_t *acc, size_t step, int parts, const float *gain, float *y);
    void (*fast_turn)(const float *x, size_t ldx, float *y, size_t ldy); /* 8 x 8 floats, rows to columns */
    uint32_t (*fast_peak)(const float *x, int n); /* largest magnitude, as the bits of a float */
    /* Channel c of struct tb_pre over n floats; y may be x. */
    void (*pre)(const struct tb_pre *pre, int c, const float *x, float *y, int n);
    /* struct tb_post over n floats of one output row; residual may be NULL or y. */
    void (*post)(const struct tb_post *post, const float *acc, float bias, const float *residual, float *y, int n);
    void (*map)(enum tb_map f, float arg, const float *x, float *y, int n); /* y may be x */
    void (*add)(const float *a, const float *b, float gain, float *y, int n); /* y may be a or b */
    double (*sum)(const float *x, int n);
    double (*spread)(const float *x, int n, double mean); /* sum of (x - mean)^2 */
    float (*dot)(const float *a, const float *b, int n);
    /* y[i] += sum over k of weights[k] * x[k * ldx + i], i < n, k < count. */
    void (*mix)(const float *weights, const float *x, size_t ldx, int count, float *y, int n);
    /* y[i][t] = acc[i][t] * gain[i], all [TB_PANEL][TB_TILE], 32-byte aligned. */
    void (*from32)(const int32_t *acc, const float *gain, float *y);
    /* words[t]: a[t] * gain and b[t] * gain, rounded to even, both of less than 2^15, the first in the lower half. */
    void (*pair16)(const float *a, const float *b, float gain, uint32_t *words, int n);
    /* w[c / 2][tap][i][c % 2] = (q[i * step + c * taps + tap] ^ flip) - zero[i], c < in, i < TB_PANEL, zero for c = in
     * where that is odd; for rows that are not there, row 0. Up to 64 more elements may be written. taps <= 8. */
    void (*widen16)(const uint8_t *q, size_t step, int rows, uint8_t flip, const float *zero, int in, int taps,
                    int16_t *w);
    /* sum of ((q[i] ^ flip) - zero) * x[i] over n. */
    float (*dot8)(const uint8_t *q, uint8_t flip, float zero, const float *x, int n);
    void (*gemv64)(const float *w, const float *x, int n, float *y); /* y[64] = sum over i of w[i][64] * x[i] */
    void (*gemv64_8)(const int8_t *w, float scale, const float *x, int n, float *y); /* the same times scale */
    /* c = sigmoid(gate[2]) * c + sigmoid(gate[0]) * tanh(gate[3]), h = sigmoid(gate[1]) * tanh(c) over n units. */
    void (*lstm_cell)(const float *const gate[4], float *c, float *h, int n);
    /* Some rows of weights as a file has them with some tokens: linear_rows.h. */
    void (*linear)(enum tb_dtype dtype, const void *w, int rows, const float *x, size_t ldx, int tokens, int n,
                   float *y);
    /* The same with bfloat16 weights and inputs rounded to bfloat16; NULL where that is no gain. */
    void (*linear_rough)(const uint16_t *w, int rows, const float *x, size_t ldx, int tokens, int n, float *y);
    /* With weights in 8 and 4 bits: qmat_rows.h. */
    void (*qmat8)(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y);
    void (*qmat4)(const uint8_t *w, const struct tb_qblock *x, size_t ldx, int tokens, int n, float *y);
};

/* The plain and the AVX2 kernels are whole tables. Each level above puts what it has of its own into the table of the
 * level before; it gives the same bits as that,
 * except that linear_rough is of the last level alone. */
extern const struct tb_kernels tb_kernels_c;
#if defined(__x86_64__)
extern const struct tb_kernels tb_kernels_avx2;

void tb_kernels_add_avx512(struct tb_kernels *table);
void tb_kernels_add_vnni(struct tb_kernels *table);
void tb_kernels_add_bf16(struct tb_kernels *table);
#endif

/* This CPU can run the level. */
bool tb_cpu_has(enum tb_cpu level);

/* The table in use. */
extern const struct tb_kernels *tb_kernels;

#endif
