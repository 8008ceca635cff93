/* linear.c - see linear.h.
 *
 * Outputs are cut into blocks of rows, which are the parts of the pool's job; a block walks its rows in fours and, for
 * each four, all tokens in threes, so that the weights of the four stay in the first-level cache. */
#include "tensor/linear.h"

#include <assert.h>
#include <string.h>

#include "tensor/kernels_priv.h"
#include "tensor/linear_rows.h"

enum { BLOCK_PRODUCTS = 1 << 16 }; /* multiplications of one part: some 10 us, far over the cost of handing it out */

struct job {
    const struct tb_linear *linear;
    struct tb_mat x, y;
    int block; /* rows of one part */
    bool rough;
};

void tb_linear_rows_c(enum tb_dtype dtype, const void *w, int rows, const float *x, size_t ldx, int tokens, int n,
                      float *y)
{
    for (int r = 0; r < rows; r++)
        for (int t = 0; t < tokens; t++) {
            const float *wf = (const float *)w + (size_t)r * (size_t)n, *in = x + (size_t)t * ldx;
            const uint16_t *wh = (const uint16_t *)w + (size_t)r * (size_t)n;
            float part[8] = { 0 };

            for (int k = 0; k < n; k++)
                part[k & 7] += (dtype == TB_F32 ? wf[k] : tb_from_bf16(wh[k])) * in[k];
            y[t * TB_LINEAR_ROWS + r] = ((part[0] + part[4]) + (part[2] + part[6])) +
                                        ((part[1] + part[5]) + (part[3] + part[7]));
        }
}

static const void *row_at(const struct tb_linear *l, int row)
{
    return (const char *)l->w + (size_t)row * (size_t)l->in * tb_dtype_size(l->dtype);
}

static void rows_of(const struct job *job, int row, int rows, int token, int tokens, float *sums)
{
    const struct tb_linear *l = job->linear;
    const float *x = tb_mat_row(job->x, token);

    if (job->rough)
        tb_kernels->linear_rough(row_at(l, row), rows, x, (size_t)job->x.ld, tokens, l->in, sums);
    else
        tb_kernels->linear(l->dtype, row_at(l, row), rows, x, (size_t)job->x.ld, tokens, l->in, sums);
}

static void run_block(void *ctx, int part)
{
    const struct job *job = ctx;
    const struct tb_linear *l = job->linear;
    int end = (part + 1) * job->block;

    end = end < l->out ? end : l->out;
    for (int r = part * job->block, rows; r < end; r += rows) {
        rows = end - r >= TB_LINEAR_ROWS ? TB_LINEAR_ROWS : 1;
        for (int t = 0, tokens; t < job->x.rows; t += tokens) {
            float sums[TB_LINEAR_TOKENS * TB_LINEAR_ROWS];

            tokens = job->x.rows - t < TB_LINEAR_TOKENS ? job->x.rows - t : TB_LINEAR_TOKENS;
            rows_of(job, r, rows, t, tokens, sums);
            for (int i = 0; i < tokens; i++)
                for (int k = 0; k < rows; k++)
                    tb_mat_row(job->y, t + i)[r + k] = sums[i * TB_LINEAR_ROWS + k] + (l->bias ? l->bias[r + k] : 0.0f);
        }
    }
}

static void run(struct tb_pool *pool, const struct tb_linear *l, bool rough, struct tb_mat x, struct tb_mat y)
{
    assert(x.cols == l->in && y.cols == l->out && x.rows == y.rows && (l->dtype == TB_F32 || l->dtype == TB_BF16));
    struct job job = { l, x, y, 0, rough };
    size_t row = (size_t)l->in * (size_t)(x.rows > 0 ? x.rows : 1);

    job.block = (int)((BLOCK_PRODUCTS + row - 1) / row + TB_LINEAR_ROWS - 1) / TB_LINEAR_ROWS * TB_LINEAR_ROWS;
    tb_pool_run(pool, run_block, &job, (l->out + job.block - 1) / job.block);
}

void tb_linear_run(struct tb_pool *pool, const struct tb_linear *l, struct tb_mat x, struct tb_mat y)
{
    run(pool, l, false, x, y);
}

void tb_linear_run_rough(struct tb_pool *pool, const struct tb_linear *l, struct tb_mat x, struct tb_mat y)
{
    run(pool, l, l->dtype == TB_BF16 && tb_kernels->linear_rough, x, y);
}

void tb_table_get(const struct tb_linear *table, int row, float *y)
{
    memset(y, 0, (size_t)table->in * sizeof *y);
    tb_table_add(table, row, y);
}

void tb_table_add(const struct tb_linear *table, int row, float *y)
{
    const void *p = row_at(table, row);

    assert(row >= 0 && row < table->out);
    if (table->dtype == TB_F32)
        for (int i = 0; i < table->in; i++)
            y[i] += ((const float *)p)[i];
    else
        for (int i = 0; i < table->in; i++)
            y[i] += tb_from_bf16(((const uint16_t *)p)[i]);
}

/* A whole block is tested at once: exponents of all ones are rare, so the place is looked for only where one is. */
static size_t wild16(const uint16_t *p, size_t len, uint16_t exponent)
{
    enum { BLOCK = 4096 };

    for (size_t i = 0; i < len; i += BLOCK) {
        size_t n = len - i < BLOCK ? len - i : BLOCK;
        unsigned found = 0;

        for (size_t k = 0; k < n; k++)
            found |= (p[i + k] & exponent) == exponent;
        for (size_t k = 0; found && k < n; k++)
            if ((p[i + k] & exponent) == exponent)
                return i + k;
    }
    return len;
}

size_t tb_tensor_wild(const struct tb_tensor *t)
{
    if (t->dtype == TB_BF16)
        return wild16(t->data, t->len, 0x7f80);
    if (t->dtype == TB_F16)
        return wild16(t->data, t->len, 0x7c00);
    if (t->dtype == TB_F32) { /* the exponent is in the upper half of each number, as in bfloat16 */
        const uint32_t *p = t->data;

        for (size_t i = 0; i < t->len; i++)
            if ((p[i] & 0x7f800000u) == 0x7f800000u)
                return i;
    }
    return t->len;
}
