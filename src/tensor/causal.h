/* causal.h - attention of new tokens to themselves and to those before them, whose keys and values are kept.
 *
 * Activations are [tokens][width], one token a row. */
#ifndef TB_TENSOR_CAUSAL_H
#define TB_TENSOR_CAUSAL_H

#include "base/pool.h"
#include "tensor/mat.h"

enum { TB_CAUSAL_WIDTH = 256 }; /* most of one head */

struct tb_causal {
    int heads, kv_heads; /* heads is a multiple of kv_heads; head h reads keys of h / (heads / kv_heads) */
    int width;           /* of one head, at most TB_CAUSAL_WIDTH */
    int window;          /* keys a token sees, itself included; 0: all */
};

/* New tokens of one sequence. q, y [n][heads * width]; keys, values [m][kv_heads * width], m >= n: the last n rows are
 * those of the new tokens. */
struct tb_causal_tokens {
    struct tb_mat q, keys, values, y;
};

/* For each of `count` sequences, as one job of the pool: y = values softmax(q keys / sqrt(width)) over rows up to the
 * token's own. Nothing overlaps; y may be q. The sum of a token has one order, whatever runs beside it. */
void tb_causal_run(struct tb_pool *pool, const struct tb_causal *spec, const struct tb_causal_tokens *tokens,
                   int count);

#endif
