/* product.c - see product.h. */
#include "engine/qwen3/product.h"

#include <assert.h>

void tb_q3_products(struct tb_pool *pool, struct tb_mat x, float *rounded, int count, const struct tb_q3_product *p)
{
    struct tb_qproduct few[TB_Q3_MOST_PRODUCTS];

    assert(count <= TB_Q3_MOST_PRODUCTS);
    if (!p->l->few) {
        for (int i = 0; i < count; i++)
            tb_linear_run(pool, p[i].l, x, p[i].y);
        return;
    }
    struct tb_qinput in = tb_qinput_of(x, p->l->few->bits, rounded);
    for (int i = 0; i < count; i++) {
        assert(p[i].l->few);
        few[i] = (struct tb_qproduct){ p[i].l->few, p[i].y };
    }
    tb_qmat_run(pool, few, count, &in);
}
