/* qmat_rows.h - the inner products of qmat.c, a pair for each CPU level, for the tables of kernels.
 *
 * One panel of four rows with `tokens` (1 .. TB_QMAT_TOKENS) inputs that are ldx apart, n inputs of each, n a
 * multiple of TB_QMAT_BLOCK: y[token * TB_QMAT_ROWS + row], without the scales of rows (8 bits) and inputs.
 *
 * Sums are kept in eight parts: input k belongs to part k % 16 / 2. The parts are added as
 * ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)), in float. */
#ifndef TB_TENSOR_QMAT_ROWS_H
#define TB_TENSOR_QMAT_ROWS_H

#include "tensor/qmat.h"

enum {
    TB_QMAT_TOKENS = 3,
    TB_QMAT_SCALES = TB_QMAT_ROWS * 2 * (int)sizeof(uint16_t), /* bytes, in front of a 4-bit block */
    TB_QMAT_BLOCK4 = TB_QMAT_SCALES + TB_QMAT_ROWS * TB_QMAT_BLOCK / 2 /* bytes of a 4-bit block */
};

void tb_qmat_rows8_c(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y);
void tb_qmat_rows4_c(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y);
#if defined(__x86_64__)
void tb_qmat_rows8_avx2(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y);
void tb_qmat_rows4_avx2(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y);
#endif

#endif
