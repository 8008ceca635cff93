/* qmat_rows.h - the inner products of qmat.c, a pair for each CPU level, for the tables of kernels.
 *
 * One panel of four rows with `tokens` (1 .. TB_QMAT_TOKENS) inputs that are ldx apart, in numbers of 16 bits or in
 * blocks; n inputs of each, a multiple of TB_QMAT_BLOCK (8 bits) or TB_QMAT_WIDE (4). y[token * TB_QMAT_ROWS + row], in
 * 8 bits without the scales of rows and inputs.
 *
 * Sums are kept in eight parts: input k belongs to part k % 16 / 2 in 8 bits, and to its group in 4. The parts are
 * added as ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)), in float. */
#ifndef TB_TENSOR_QMAT_ROWS_H
#define TB_TENSOR_QMAT_ROWS_H

#include "tensor/qmat.h"

enum {
    TB_QMAT_TOKENS = 4,
    TB_QMAT_SCALES = TB_QMAT_GROUPS * (int)sizeof(uint16_t),  /* bytes, in front of the weights of a block */
    TB_QMAT_BLOCK4 = TB_QMAT_SCALES + TB_QMAT_WIDE / 2        /* bytes of TB_QMAT_WIDE weights of a row */
};

void tb_qmat_rows8_c(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y);
void tb_qmat_rows4_c(const uint8_t *w, const struct tb_qblock *x, size_t ldx, int tokens, int n, float *y);
#if defined(__x86_64__)
void tb_qmat_rows8_avx2(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y);
void tb_qmat_rows4_avx2(const uint8_t *w, const struct tb_qblock *x, size_t ldx, int tokens, int n, float *y);
#endif

#endif
