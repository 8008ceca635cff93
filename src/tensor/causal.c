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
    const struct tb_causal_tokens *tokens;
};

/* Scores of `n` keys from row `from` on; returns the largest. */
static float scores_of(int width, const float *q, struct tb_mat keys, int from, int column, int n, float *scores)
{
    float scale = 1.0f / sqrtf((float)width), most = -INFINITY;

    for (int k = 0; k < n; k++) {
        scores[k] = tb_kernels->dot(q, tb_mat_row(keys, from + k) + column, width) * scale;
        most = scores[k] > most ? scores[k] : most;
    }
    return most;
}

/* One token, one head. */
static void attend(const struct tb_causal *s, const struct tb_causal_tokens *t, int token, int head)
{
    int last = t->keys.rows - t->q.rows + token, column = head / (s->heads / s->kv_heads) * s->width;
    int first = s->window > 0 && last >= s->window ? last - s->window + 1 : 0;
    const float *q = tb_mat_row(t->q, token) + head * s->width;
    float sum[TB_CAUSAL_WIDTH] = { 0 }, scores[BLOCK], top = -INFINITY, total = 0;

    for (int from = first; from <= last; from += BLOCK) {
        int n = last + 1 - from < BLOCK ? last + 1 - from : BLOCK;
        float most = scores_of(s->width, q, t->keys, from, column, n, scores);

        if (most > top) {
            float shrink = expf(top - most);

            total *= shrink;
            for (int i = 0; i < s->width; i++)
                sum[i] *= shrink;
            top = most;
        }
        for (int k = 0; k < n; k++) {
            scores[k] = expf(scores[k] - top);
            total += scores[k];
        }
        tb_kernels->mix(scores, tb_mat_row(t->values, from) + column, (size_t)t->values.ld, n, sum, s->width);
    }

    float *y = tb_mat_row(t->y, token) + head * s->width;
    for (int i = 0; i < s->width; i++)
        y[i] = sum[i] / total;
}

static void run_part(void *ctx, int part)
{
    const struct job *job = ctx;
    const struct tb_causal_tokens *t = job->tokens;
    int token = part / job->spec->heads;

    while (token >= t->q.rows)
        token -= t++->q.rows;
    attend(job->spec, t, token, part % job->spec->heads);
}

void tb_causal_run(struct tb_pool *pool, const struct tb_causal *spec, const struct tb_causal_tokens *tokens,
                   int count)
{
    struct job job = { spec, tokens };
    double work = 0;
    int rows = 0;

    assert(spec->width <= TB_CAUSAL_WIDTH && spec->heads % spec->kv_heads == 0);
    for (int i = 0; i < count; i++) {
        const struct tb_causal_tokens *t = &tokens[i];

        assert(t->q.cols == spec->heads * spec->width && t->keys.cols == spec->kv_heads * spec->width);
        assert(t->keys.rows >= t->q.rows && t->keys.rows == t->values.rows && t->y.rows == t->q.rows);
        work += (double)t->q.rows * spec->heads * t->keys.rows * spec->width;
        rows += t->q.rows;
    }
    tb_pool_run(work < SHARED ? NULL : pool, run_part, &job, rows * spec->heads);
}
