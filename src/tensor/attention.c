/* attention.c - self-attention of one sequence (ops.h).
 *
 * A part is one head. Scores are kept transposed, [keys][queries], 24 queries at a time: then both products run on the
 * same tiles as convolutions do, and the softmax goes down the columns, vector by vector. */
#include <assert.h>
#include <math.h>

#include "tensor/kernels_priv.h"
#include "tensor/ops.h"

struct job {
    struct tb_mat q, k, v, y;
    int width; /* rows of a head */
};

/* scores [keys][TB_TILE] become their softmax down each column. */
static void softmax_columns(float *scores, int keys)
{
    float top[TB_TILE], sum[TB_TILE] = { 0 };

    for (int i = 0; i < TB_TILE; i++)
        top[i] = scores[i];
    for (int k = 1; k < keys; k++)
        for (int i = 0; i < TB_TILE; i++)
            top[i] = top[i] > scores[k * TB_TILE + i] ? top[i] : scores[k * TB_TILE + i];
    for (int k = 0; k < keys; k++)
        for (int i = 0; i < TB_TILE; i++)
            scores[k * TB_TILE + i] -= top[i];
    tb_kernels->map(TB_MAP_EXP, 0.0f, scores, scores, keys * TB_TILE);
    for (int k = 0; k < keys; k++)
        for (int i = 0; i < TB_TILE; i++)
            sum[i] += scores[k * TB_TILE + i];
    for (int i = 0; i < TB_TILE; i++)
        sum[i] = 1.0f / sum[i];
    for (int k = 0; k < keys; k++)
        for (int i = 0; i < TB_TILE; i++)
            scores[k * TB_TILE + i] *= sum[i];
}

/* The head's keys as panels of weights, [tokens / 4][width][4], scaled; tokens past the end are zero. */
static void pack_keys(struct tb_mat k, int first, int width, float *out)
{
    float scale = 1.0f / sqrtf((float)width);

    for (int t = 0; t < k.cols; t += TB_PANEL)
        for (int d = 0; d < width; d++)
            for (int i = 0; i < TB_PANEL; i++)
                *out++ = t + i < k.cols ? tb_mat_row(k, first + d)[t + i] * scale : 0.0f;
}

/* The head's values as panels of weights, [width / 4][tokens][4]. */
static void pack_values(struct tb_mat v, int first, int width, float *out)
{
    for (int d = 0; d < width; d += TB_PANEL)
        for (int t = 0; t < v.cols; t++)
            for (int i = 0; i < TB_PANEL; i++)
                *out++ = tb_mat_row(v, first + d + i)[t];
}

static void head_part(void *ctx, int head)
{
    const struct job *j = ctx;
    int width = j->width, first = head * width, tokens = j->q.cols;
    _Alignas(64) float keys[TB_ATTENTION_COLS * TB_ATTENTION_WIDTH];
    _Alignas(64) float values[TB_ATTENTION_COLS * TB_ATTENTION_WIDTH];
    _Alignas(64) float scores[TB_ATTENTION_COLS * TB_TILE];
    _Alignas(64) float query[TB_ATTENTION_WIDTH * TB_TILE];
    _Alignas(64) float out[TB_PANEL * TB_TILE];

    pack_keys(j->k, first, width, keys);
    pack_values(j->v, first, width, values);
    for (int t = 0; t < tokens; t += TB_TILE) {
        int n = tokens - t < TB_TILE ? tokens - t : TB_TILE;

        for (int d = 0; d < width; d++)
            for (int i = 0; i < TB_TILE; i++)
                query[d * TB_TILE + i] = i < n ? tb_mat_row(j->q, first + d)[t + i] : 0.0f;
        for (int key = 0; key < tokens; key += TB_PANEL)
            tb_kernels->tile(query, TB_TILE, keys + key * width, width, 1, 1, TB_TILE / TB_LANES,
                             scores + key * TB_TILE);
        softmax_columns(scores, tokens);
        for (int d = 0; d < width; d += TB_PANEL) {
            tb_kernels->tile(scores, TB_TILE, values + d * tokens, tokens, 1, 1, TB_TILE / TB_LANES, out);
            for (int i = 0; i < TB_PANEL; i++)
                for (int k = 0; k < n; k++)
                    tb_mat_row(j->y, first + d + i)[t + k] = out[i * TB_TILE + k];
        }
    }
}

void tb_attention(struct tb_pool *pool, int heads, struct tb_mat q, struct tb_mat k, struct tb_mat v, struct tb_mat y)
{
    struct job j = { .q = q, .k = k, .v = v, .y = y, .width = q.rows / heads };

    assert(q.rows % heads == 0 && j.width % TB_PANEL == 0 && j.width <= TB_ATTENTION_WIDTH);
    assert(q.cols > 0 && q.cols <= TB_ATTENTION_COLS && k.cols == q.cols && v.cols == q.cols && y.cols == q.cols);
    assert(k.rows == q.rows && v.rows == q.rows && y.rows == q.rows);
    tb_pool_run(pool, head_part, &j, heads);
}
