/* qmat.h - linear layers whose weights are held in 8 or 4 bits, for the few tokens of a step, where reading the weights
 * is what takes the time.
 *
 * 8 bits: w = q * scale of the row, q in -127 .. 127. 4 bits: w = q * scale of the group of 32 inputs, q from -8 to
 * almost 8 in steps of one, and the scale a bfloat16: 4.5 bits a weight. An input is held in 14 bits and a scale for
 * each token. Products and the sums of a row (8 bits) or of a group (4 bits) are exact integers; what is added up in
 * float has one order. So a result has the same bits at each CPU level, for any number of threads and whatever tokens
 * run beside it.
 *
 * Weights stand in panels of four rows, in the order in which they are read; tb_qmat_size bytes hold them:
 *     8 bits: scales, float [rows rounded up to 4], up to a multiple of 64 bytes; then for each panel and each 16
 *             inputs int8 [4][16]
 *     4 bits: for each panel and each 64 inputs bf16 [4][2], the scales of both groups, and u16 [4][16]. Word l,
 *             shifted up by 12 - 4 j bits, taken as signed and divided by 4096, is the q of input 16 j + l: four bits
 *             of its own with their sign, and as its fraction those of the inputs before it, which were chosen first
 * Such words need one shift, and no mask, to be multiplied; and a fraction that is known costs nothing, since the
 * bits above it are chosen to come nearest with it. Inputs and rows that only round up are zero. */
#ifndef TB_TENSOR_QMAT_H
#define TB_TENSOR_QMAT_H

#include <stdint.h>

#include "base/pool.h"
#include "tensor/linear.h"

enum {
    TB_QMAT_ROWS = 4,       /* of a panel */
    TB_QMAT_BLOCK = 64,     /* inputs are rounded up to it */
    TB_QMAT_GROUP = 32,     /* inputs that share a scale, in 4 bits */
    TB_QMAT_MOST = 16384,   /* inputs: beyond it a sum of 32 bits could overflow */
    TB_QMAT_RANGE = 8191    /* of an input */
};

/* A zeroed one has no weights (bits == 0). */
struct tb_qmat {
    int bits;             /* 8 or 4 */
    int out, in;          /* in <= TB_QMAT_MOST */
    const uint8_t *data;  /* tb_qmat_size bytes, 16-byte aligned; not owned */
    const float *bias;    /* [out]; NULL: zero */
};

/* Inputs of some tokens, ready for any number of matrices of that width. */
struct tb_qinput {
    int tokens, in;
    int16_t *q;    /* [tokens][in rounded up] */
    float *scale;  /* [tokens] */
};

/* One matrix of a run and where its result goes: y [tokens][out]. */
struct tb_qproduct {
    const struct tb_qmat *m;
    struct tb_mat y;
};

/* Bytes of the data of a matrix. */
size_t tb_qmat_size(int bits, int out, int in);
/* Panels first .. first + n of a matrix (four rows each) from float or bfloat16 weights, into its data. A group's
 * scale is that of least squared error among a few. */
void tb_qmat_pack(const struct tb_linear *from, int bits, int first, int n, uint8_t *data);
int tb_qmat_panels(int out);
/* Row `row` as it is held, in floats: y [in]. */
void tb_qmat_row(const struct tb_qmat *m, int row, float *y);

/* Floats that an input takes. */
size_t tb_qinput_floats(int tokens, int in);
/* Round x [tokens][in] into `memory` (tb_qinput_floats, 64-byte aligned), which the result points into. Values must be
 * finite. */
struct tb_qinput tb_qinput_of(struct tb_mat x, float *memory);
/* All products with the same input, as one job of the pool. */
void tb_qmat_run(struct tb_pool *pool, const struct tb_qproduct *products, int count, const struct tb_qinput *x);

#endif
