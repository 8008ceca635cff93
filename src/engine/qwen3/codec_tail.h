/* codec_tail.h - the input of a causal convolution that goes on from piece to piece: what it looks back at stands in
 * the same matrix as its new input, before it. Zeros there at first are the padding of the whole. */
#ifndef TB_ENGINE_QWEN3_CODEC_TAIL_H
#define TB_ENGINE_QWEN3_CODEC_TAIL_H

#include <string.h>

#include "tensor/scratch.h"

struct tb_q3_tail {
    struct tb_mat m; /* [channels][back + most] */
    int back;        /* columns of the past */
};

/* Not cleared: tb_q3_tail_clear. */
static inline enum tb_code tb_q3_tail_take(struct tb_scratch *memory, int channels, int back, int most,
                                           struct tb_q3_tail *t, struct tb_error *err)
{
    t->back = back;
    return tb_scratch_mat(memory, channels, back + most, &t->m, err);
}

static inline void tb_q3_tail_clear(struct tb_q3_tail *t)
{
    for (int r = 0; r < t->m.rows; r++)
        memset(tb_mat_row(t->m, r), 0, (size_t)t->back * sizeof *t->m.p);
}

/* Columns for n new values behind the past ones. */
static inline struct tb_mat tb_q3_tail_fresh(const struct tb_q3_tail *t, int n)
{
    return tb_mat_cols(t->m, t->back, n);
}

/* Past and new columns together: what the convolution reads. */
static inline struct tb_mat tb_q3_tail_filled(const struct tb_q3_tail *t, int n)
{
    return tb_mat_cols(t->m, 0, t->back + n);
}

/* After n columns have been read: the last ones become the past. */
static inline void tb_q3_tail_advance(struct tb_q3_tail *t, int n)
{
    for (int r = 0; r < t->m.rows; r++)
        memmove(tb_mat_row(t->m, r), tb_mat_row(t->m, r) + n, (size_t)t->back * sizeof *t->m.p);
}

#endif
