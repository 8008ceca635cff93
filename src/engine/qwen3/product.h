/* product.h - linear layers in the form in which they are held: in few bits where a quantised copy was made
 * (quant.h), else exactly. */
#ifndef TB_ENGINE_QWEN3_PRODUCT_H
#define TB_ENGINE_QWEN3_PRODUCT_H

#include "tensor/qmat.h"

enum { TB_Q3_MOST_PRODUCTS = 3 };

/* y [tokens][out] of a layer. */
struct tb_q3_product {
    const struct tb_linear *l;
    struct tb_mat y;
};

/* `count` (at most TB_Q3_MOST_PRODUCTS) layers of the same x [tokens][in], all in as many bits or all exact. rounded:
 * memory of tb_qinput_floats(tokens, in), used for quantised ones. y must not overlap x. */
void tb_q3_products(struct tb_pool *pool, struct tb_mat x, float *rounded, int count, const struct tb_q3_product *p);

#endif
