/* linear.h - linear layers on tokens, with the weights as the file stores them.
 *
 * Activations are [tokens][width], one token a row, unlike those of ops.h. Weights stay where they are mapped: bfloat16
 * is widened on its way into the registers, so nothing is copied and every product is that of the exact float. One
 * token reads each weight once; several tokens share it. The sum of an output has one order, however many tokens run
 * together and on however many threads: a token's result does not depend on its neighbours. */
#ifndef TB_TENSOR_LINEAR_H
#define TB_TENSOR_LINEAR_H

#include "base/pool.h"
#include "tensor/mat.h"
#include "tensor/safetensors.h"

struct tb_qmat;

/* y = W x + bias. A zeroed one has no weights (out == 0). */
struct tb_linear {
    enum tb_dtype dtype; /* TB_F32 or TB_BF16 */
    int out, in;
    const void *w;       /* [out][in]; not owned */
    const float *bias;   /* [out]; NULL: zero */
    const struct tb_qmat *few; /* the same in fewer bits (qmat.h), for who wants it so; NULL: none. Not owned */
};

/* y [x.rows][out] of x [x.rows][in]; y must not overlap x. */
void tb_linear_run(struct tb_pool *pool, const struct tb_linear *linear, struct tb_mat x, struct tb_mat y);

/* The same where inputs may be rounded to bfloat16, as products of bfloat16 weights are quicker so on some CPUs: each
 * is then off by up to 2^-9 of itself, and a result has other bits at TB_CPU_BF16 than at other levels. For layers
 * beside others in few bits (qmat.h). */
void tb_linear_run_rough(struct tb_pool *pool, const struct tb_linear *linear, struct tb_mat x, struct tb_mat y);

/* Row `row` of a table [rows][width] of TB_F32 or TB_BF16 as floats: y = row, or y += row. */
void tb_table_get(const struct tb_linear *table, int row, float *y);
void tb_table_add(const struct tb_linear *table, int row, float *y);

/* Index of the first value that is NaN or infinite, or t->len. For TB_F32, TB_F16 and TB_BF16; others have none. */
size_t tb_tensor_wild(const struct tb_tensor *t);

#endif
