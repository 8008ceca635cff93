/* mat.h - a matrix of floats that somebody else owns: activations are [channels][time].
 *
 * Row r starts at p + r * ld, ld >= cols. Columns between cols and ld belong to whoever owns the memory and are
 * never written by an op, so a matrix may be a window of a larger one. */
#ifndef TB_TENSOR_MAT_H
#define TB_TENSOR_MAT_H

#include <assert.h>
#include <stddef.h>

struct tb_mat {
    float *p; /* [rows][ld] */
    int rows, cols;
    int ld; /* floats from one row to the next */
};

static inline float *tb_mat_row(struct tb_mat m, int row)
{
    return m.p + (size_t)row * (size_t)m.ld;
}

/* Rows from .. from + n of m. */
static inline struct tb_mat tb_mat_rows(struct tb_mat m, int from, int n)
{
    assert(from >= 0 && n >= 0 && from + n <= m.rows);
    return (struct tb_mat){ tb_mat_row(m, from), n, m.cols, m.ld };
}

/* Columns from .. from + n of m. */
static inline struct tb_mat tb_mat_cols(struct tb_mat m, int from, int n)
{
    assert(from >= 0 && n >= 0 && from + n <= m.cols);
    return (struct tb_mat){ m.p + from, m.rows, n, m.ld };
}

#endif
