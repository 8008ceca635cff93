/* conv_priv.h - what packing the weights of a convolution (conv_pack.c) and running it (conv.c) agree on. */
#ifndef TB_TENSOR_CONV_PRIV_H
#define TB_TENSOR_CONV_PRIV_H

#include "tensor/kernels_priv.h"
#include "tensor/ops.h"

enum {
    TB_PACK_FLOATS = 96 * 1024, /* of a block's input, on the stack of each thread: 384 kB */
    TB_KEPT_FLOATS = 64 * 1024, /* of a block's input behind the prologue, where weights are whole: 256 kB */
    TB_SHORT_HALO = 8,          /* columns that a tile may repeat of its neighbour */
    TB_WHOLE_HALO = 64,         /* of an input of whole numbers, at most */
    TB_WIDE_SLACK = 64          /* what widen16 may write beyond the end */
};

static inline int tb_conv_round_up(int n, int to)
{
    return (n + to - 1) / to * to;
}

static inline int tb_conv_halo_of(const struct tb_conv *c)
{
    return (c->taps - 1) * c->spec.dilation;
}

static inline bool tb_conv_packs_tiles(const struct tb_conv *c)
{
    return tb_conv_halo_of(c) <= TB_SHORT_HALO && (c->spec.stride == 1 || c->spec.transposed);
}

/* Row length of the packed input for a block of `cols` columns. Rows of a whole block have an odd number of cache
 * lines, so that channels spread over all cache sets. */
static inline int tb_conv_packed_ld(const struct tb_conv *c, int cols)
{
    if (tb_conv_packs_tiles(c))
        return tb_conv_round_up(TB_TILE + tb_conv_halo_of(c), TB_LANES);
    return 16 * ((cols + tb_conv_halo_of(c) + 15) / 16 | 1);
}

/* Channels in the packed input: as floats, or two by two. */
static inline int tb_conv_packed_depth(const struct tb_conv *c)
{
    return c->whole ? (c->depth + 1) / 2 : c->depth;
}

static inline size_t tb_conv_packed_floats(const struct tb_conv *c, int tiles)
{
    size_t row = (size_t)tb_conv_packed_ld(c, tiles * TB_TILE);

    return (size_t)tb_conv_packed_depth(c) * row * (size_t)(tb_conv_packs_tiles(c) ? tiles : 1);
}

/* Four rows of weights in 8 bits as 16-bit whole numbers. */
static inline void tb_conv_widen_panel(const struct tb_conv *c, int p, int16_t *wide)
{
    const struct tb_q8 *q = &c->q8;
    int row = p * TB_PANEL, rows = c->rows - row < TB_PANEL ? c->rows - row : TB_PANEL;

    tb_kernels->widen16(q->q + (size_t)row * q->len, q->len, rows, q->flip, q->zero + row, c->depth, c->taps, wide);
}

#endif
