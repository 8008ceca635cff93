/* kernels_priv.h - the table of inner loops: one per CPU level, chosen by tb_tensor_init. For the ops of this folder.
 *
 * Every matrix product goes through `tile`: TB_PANEL rows of packed weights times up to TB_TILE columns of a packed
 * input. Kernels get whole vectors of packed data and may read it up to the next multiple of TB_LANES columns; all
 * other rows may have any length and alignment, and no kernel touches memory past their n floats. */
#ifndef TB_TENSOR_KERNELS_PRIV_H
#define TB_TENSOR_KERNELS_PRIV_H

#include <stdint.h>

#include "tensor/ops.h"

enum { TB_PANEL = 4, TB_LANES = 8, TB_TILE = 24 };

struct tb_kernels {
    /* acc[i][t] = sum over c, tap of w[c][tap][i] * x[c * ldx + tap * dilation + t], i < TB_PANEL,
     * t < vecs * TB_LANES (vecs 1..3). acc [TB_PANEL][TB_TILE], 32-byte aligned. */
    void (*tile)(const float *x, int ldx, const float *w, int depth, int taps, int dilation, int vecs, float *acc);
    /* Channel c of struct tb_pre over n floats; y may be x. */
    void (*pre)(const struct tb_pre *pre, int c, const float *x, float *y, int n);
    /* struct tb_post over n floats of one output row; residual may be NULL or y. */
    void (*post)(const struct tb_post *post, const float *acc, float bias, const float *residual, float *y, int n);
    void (*map)(enum tb_map f, float arg, const float *x, float *y, int n); /* y may be x */
    void (*add)(const float *a, const float *b, float gain, float *y, int n); /* y may be a or b */
    double (*sum)(const float *x, int n);
    double (*spread)(const float *x, int n, double mean); /* sum of (x - mean)^2 */
    float (*dot)(const float *a, const float *b, int n);
    /* w[k][i] = ((q[i * step + k] ^ flip) - zero[i]) * scale[i], k < n, i < TB_PANEL; of row `rows` and beyond, which
     * are not there, w is 0 (as scale is). */
    void (*widen8)(const uint8_t *q, size_t step, int rows, uint8_t flip, const float *scale, const float *zero, int n,
                   float *w);
    /* sum of ((q[i] ^ flip) - zero) * x[i] over n. */
    float (*dot8)(const uint8_t *q, uint8_t flip, float zero, const float *x, int n);
    void (*gemv64)(const float *w, const float *x, int n, float *y); /* y[64] = sum over i of w[i][64] * x[i] */
    void (*gemv64_8)(const int8_t *w, float scale, const float *x, int n, float *y); /* the same times scale */
    /* c = sigmoid(gate[2]) * c + sigmoid(gate[0]) * tanh(gate[3]), h = sigmoid(gate[1]) * tanh(c) over n units. */
    void (*lstm_cell)(const float *const gate[4], float *c, float *h, int n);
};

extern const struct tb_kernels tb_kernels_c;
#if defined(__x86_64__)
extern const struct tb_kernels tb_kernels_avx2;
#endif

/* The table in use. */
extern const struct tb_kernels *tb_kernels;

#endif
