/* align.c - see align.h. */
#include "engine/kokoro/align.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

static const float NEVER = -1e30f;

/* One frame: best [states] of all paths that end there now; from [states]: how many states back they came from. */
static void advance(const float *score, const struct tb_chain *c, const float *before, float *best, uint8_t *from)
{
    for (size_t s = 0; s < c->count; s++) {
        float most = before[s];

        from[s] = 0;
        if (s >= 1 && before[s - 1] > most) {
            most = before[s - 1];
            from[s] = 1;
        }
        if (s >= 2 && c->sound[s - 1] == TB_SILENCE && before[s - 2] > most) {
            most = before[s - 2];
            from[s] = 2;
        }
        best[s] = most + score[c->sound[s]];
    }
}

static void start(const float *score, const struct tb_chain *c, float *best)
{
    for (size_t s = 0; s < c->count; s++)
        best[s] = s == 0 || (s == 1 && c->sound[0] == TB_SILENCE) ? score[c->sound[s]] : NEVER;
}

static size_t last_state(const struct tb_chain *c, const float *best)
{
    size_t s = c->count - 1;

    return s > 0 && c->sound[s] == TB_SILENCE && best[s - 1] > best[s] ? s - 1 : s;
}

enum tb_code tb_align(const float *scores, size_t frames, const struct tb_chain *chain, uint16_t *path,
                      struct tb_error *err)
{
    size_t cells, states = chain->count;

    if (frames < chain->sounds || frames == 0)
        return tb_fail(err, TB_EINVAL, "%zu sounds in %zu frames", chain->sounds, frames);
    if (tb_mul_overflow(frames, states, &cells) || cells > TB_MAX_ALIGN_CELLS)
        return tb_fail(err, TB_ETOOBIG, "%zu sounds along %zu frames", states, frames);
    uint8_t *from = malloc(cells);
    float *row[2] = { malloc(states * sizeof *row[0]), malloc(states * sizeof *row[1]) };
    enum tb_code rc = TB_OK;

    if (!from || !row[0] || !row[1]) {
        rc = tb_fail(err, TB_ENOMEM, "%zu sounds along %zu frames", states, frames);
        goto done;
    }
    start(scores, chain, row[0]);
    for (size_t t = 1; t < frames; t++)
        advance(scores + t * TB_SOUNDS, chain, row[(t - 1) % 2], row[t % 2], from + t * states);
    size_t s = last_state(chain, row[(frames - 1) % 2]);
    for (size_t t = frames; t-- > 0;) {
        path[t] = (uint16_t)s;
        s -= t > 0 ? from[t * states + s] : 0;
    }
done:
    free(from);
    free(row[0]);
    free(row[1]);
    return rc;
}

static size_t argmax(const float *v, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (v[i] > v[best])
            best = i;
    return best;
}

enum tb_code tb_align_free(const float *scores, size_t frames, float change, uint8_t *path, struct tb_error *err)
{
    uint8_t *from = malloc(frames * TB_SOUNDS + 1);
    float best[TB_SOUNDS];

    if (!from)
        return tb_fail(err, TB_ENOMEM, "%zu frames", frames);
    memcpy(best, scores, sizeof best);
    for (size_t t = 1; t < frames; t++) {
        size_t top = argmax(best, TB_SOUNDS);
        float other = best[top] - change;

        for (size_t s = 0; s < TB_SOUNDS; s++) {
            bool stay = best[s] >= other;
            from[t * TB_SOUNDS + s] = (uint8_t)(stay ? s : top);
            best[s] = (stay ? best[s] : other) + scores[t * TB_SOUNDS + s];
        }
    }
    size_t s = argmax(best, TB_SOUNDS);
    for (size_t t = frames; t-- > 0;) {
        path[t] = (uint8_t)s;
        s = t > 0 ? from[t * TB_SOUNDS + s] : s;
    }
    free(from);
    return TB_OK;
}
