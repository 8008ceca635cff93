/* linear_rows.h - the inner product of linear.c, one for each CPU level. Only linear*.c include it. */
#ifndef TB_TENSOR_LINEAR_ROWS_H
#define TB_TENSOR_LINEAR_ROWS_H

#include <stddef.h>
#include <stdint.h>

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
#endif

static inline float tb_from_bf16(uint16_t bits)
{
    union { uint32_t u; float f; } v = { .u = (uint32_t)bits << 16 };

    return v.f;
}

#endif
