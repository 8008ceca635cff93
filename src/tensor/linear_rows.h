/* linear_rows.h - the inner product of linear.c, for the tables of kernels. */
#ifndef TB_TENSOR_LINEAR_ROWS_H
#define TB_TENSOR_LINEAR_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "tensor/bf16.h"
#include "tensor/safetensors.h"

enum { TB_LINEAR_ROWS = 4, TB_LINEAR_TOKENS = 3 };

/* Dot products of `rows` (1 or TB_LINEAR_ROWS) rows of weights, n long and n apart, with `tokens` (1 .. 3) inputs that
 * are ldx apart: y[token * TB_LINEAR_ROWS + row]. Each sum is kept in eight parts, product k in part k % 8; the parts
 * are added as ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). */
void tb_linear_rows_c(enum tb_dtype dtype, const void *w, int rows, const float *x, size_t ldx, int tokens, int n,
                      float *y);
#if defined(__x86_64__)
void tb_linear_rows_avx2(enum tb_dtype dtype, const void *w, int rows, const float *x, size_t ldx, int tokens, int n,
                         float *y);
void tb_linear_rows_avx512(enum tb_dtype dtype, const void *w, int rows, const float *x, size_t ldx, int tokens, int n,
                           float *y);
/* The same of bfloat16 weights with inputs that are rounded to bfloat16, and sums in another order. */
void tb_linear_rough_bf16(const uint16_t *w, int rows, const float *x, size_t ldx, int tokens, int n, float *y);
#endif

#endif
