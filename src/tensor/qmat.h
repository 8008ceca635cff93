/* qmat.h - linear layers whose weights are held in 8 or 4 bits, for the few tokens of a step, where reading the weights
 * is what takes the time.
 *
 * 8 bits: w = q * scale of the row, q in -127 .. 127; an input is held in 14 bits with a scale for each token. 4 bits:
 * w = q * scale of its group of 32 inputs, q in -8 .. 7 and the scale a bfloat16: 4.5 bits a weight; an input is held
 * in 8 bits with a scale for each such group. A group is 32 of 256 inputs that follow each other: group g holds those
 * whose k % 32 / 4 is g, so that the sums of the eight groups lie side by side. Products and the sums of a row (8 bits)
 * or of a group (4 bits) are exact integers; what is added up in float has one order. So a result has the same bits at
 * each CPU level, for any number of threads and whatever tokens run beside it.
 *
 * Weights stand in panels of four rows, in the order in which they are read; tb_qmat_size bytes hold them:
 *     8 bits: scales, float [rows rounded up to 4], up to a multiple of 64 bytes; then for each panel and each 16
 *             inputs int8 [4][16]
 *     4 bits: for each row and each 256 inputs bf16 [8], the scales of the groups, and uint8 [4][32]: byte [v][i] holds
 *             q + 8 of input 64 v + i in its lower half, and of input 64 v + 32 + i in its upper half
 * Inputs and rows that only round up are zero. */
#ifndef TB_TENSOR_QMAT_H
#define TB_TENSOR_QMAT_H

#include <stdint.h>

#include "base/pool.h"
#include "tensor/linear.h"

enum {
    TB_QMAT_ROWS = 4,       /* of a panel */
    TB_QMAT_BLOCK = 64,     /* inputs are rounded up to it, in 8 bits */
    TB_QMAT_WIDE = 256,     /* the same, in 4 bits */
    TB_QMAT_GROUPS = 8,     /* of TB_QMAT_WIDE inputs: each shares a scale, in 4 bits */
    TB_QMAT_MOST = 16384,   /* inputs: beyond it a sum of 32 bits could overflow */
    TB_QMAT_RANGE = 8191,   /* of an input for 8 bits */
    TB_QMAT_NARROW = 127    /* of an input for 4 bits */
};

/* A zeroed one has no weights (bits == 0). */
struct tb_qmat {
    int bits;             /* 8 or 4 */
    int out, in;          /* in <= TB_QMAT_MOST */
    const uint8_t *data;  /* tb_qmat_size bytes, 16-byte aligned; not owned */
    const float *bias;    /* [out]; NULL: zero */
};

/* TB_QMAT_WIDE inputs of a token, for 4 bits. */
struct tb_qblock {
    int8_t q[TB_QMAT_WIDE];
    int32_t eights[TB_QMAT_GROUPS]; /* 8 times the sum of a group: what its weights, held as q + 8, make too much */
    float scale[TB_QMAT_GROUPS];
};

/* Inputs of some tokens, ready for any number of matrices of that width and so many bits. */
struct tb_qinput {
    int bits, tokens, in;
    int16_t *q;               /* 8 bits: [tokens][in rounded up] */
    float *scale;             /* 8 bits: [tokens] */
    struct tb_qblock *blocks; /* 4 bits: [tokens][in rounded up / TB_QMAT_WIDE] */
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

/* Floats that an input takes, for whatever bits. */
size_t tb_qinput_floats(int tokens, int in);
/* Round x [tokens][in] for matrices of `bits` into `memory` (tb_qinput_floats, 64-byte aligned), which the result
 * points into. Values must be finite. */
struct tb_qinput tb_qinput_of(struct tb_mat x, int bits, float *memory);
/* All products with the same input, as one job of the pool; all matrices have the input's bits. */
void tb_qmat_run(struct tb_pool *pool, const struct tb_qproduct *products, int count, const struct tb_qinput *x);

#endif
