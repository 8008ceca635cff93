/* causal.c - see causal.h.
 *
 * Keys come in blocks, counted from a token's first one: the running maximum, the sum of weights and the weighted
 * values are rescaled when a block raises the maximum, so no row of scores as long as the history is ever held. */
#include "tensor/causal.h"

#include <math.h>
#include <stdbool.h>

#include "tensor/kernels_priv.h"

enum {
    BLOCK = 128,
    SHARED = 1 << 16 /* multiplications from which on threads are worth waking */
};

struct job {
    const struct tb_causal *spec;
    struct tb_mat q, keys, values, y;
};

/* Scores of `n` keys from row `from` on; returns the largest. */
static float scores_of(const struct job *job, const float *q, int from, int column, int n, float *scores)
{
    int width = job->spec->width;
    float scale = 1.0f / sqrtf((float)width), most = -INFINITY;

    for (int k = 0; k < n; k++) {
        scores[k] = tb_kernels->dot(q, tb_mat_row(job->keys, from + k) + column, width) * scale;
        most = scores[k] > most ? scores[k] : most;
    }
    return most;
}

/* One token, one head. */
static void attend(const struct job *job, int token, int head)
{
    const struct tb_causal *s = job->spec;
    int last = job->keys.rows - job->q.rows + token, column = head / (s->heads / s->kv_heads) * s->width;
    int first = s->window > 0 && last >= s->window ? last - s->window + 1 : 0;
    const float *q = tb_mat_row(job->q, token) + head * s->width;
    float sum[TB_CAUSAL_WIDTH] = { 0 }, scores[BLOCK], top = -INFINITY, total = 0;

    for (int from = first; from <= last; from += BLOCK) {
        int n = last + 1 - from < BLOCK ? last + 1 - from : BLOCK;
        float most = scores_of(job, q, from, column, n, scores);

        if (most > top) {
            float shrink = expf(top - most);

            total *= shrink;
            for (int i = 0; i < s->width; i++)
                sum[i] *= shrink;
            top = most;
        }
        for (int k = 0; k < n; k++) {
            const float *value = tb_mat_row(job->values, from + k) + column;
            float weight = expf(scores[k] - top);

            total += weight;
            for (int i = 0; i < s->width; i++)
                sum[i] += weight * value[i];
        }
    }

    float *y = tb_mat_row(job->y, token) + head * s->width;
    for (int i = 0; i < s->width; i++)
        y[i] = sum[i] / total;
}

static void run_part(void *ctx, int part)
{
    const struct job *job = ctx;

    attend(job, part / job->spec->heads, part % job->spec->heads);
}

void tb_causal_run(struct tb_pool *pool, const struct tb_causal *spec, struct tb_mat q, struct tb_mat keys,
                   struct tb_mat values, struct tb_mat y)
{
    struct job job = { spec, q, keys, values, y };

    assert(spec->width <= TB_CAUSAL_WIDTH && spec->heads % spec->kv_heads == 0);
    assert(q.cols == spec->heads * spec->width && keys.cols == spec->kv_heads * spec->width);
    assert(keys.rows >= q.rows && keys.rows == values.rows && y.rows == q.rows);
    bool few = (double)q.rows * spec->heads * keys.rows * spec->width < SHARED;
    tb_pool_run(few ? NULL : pool, run_part, &job, q.rows * spec->heads);
}
