/* sampler.c - see sampler.h. */
#include "engine/qwen3/sampler.h"

#include <math.h>
#include <stdlib.h>

#include "base/order.h"

void tb_q3_penalise(const int *history, int n, float penalty, bool *seen, float *scores)
{
    for (int i = 0; i < n; i++) {
        float *score = &scores[history[i]];

        if (!seen[history[i]])
            *score = *score < 0 ? *score * penalty : *score / penalty;
        seen[history[i]] = true;
    }
    for (int i = 0; i < n; i++)
        seen[history[i]] = false;
}

void tb_q3_suppress(int n, int eos, int config_eos, float *scores, int size)
{
    if (n < TB_Q3_MIN_FRAMES)
        scores[eos] = -INFINITY;
    for (int i = size > TB_Q3_SUPPRESSED ? size - TB_Q3_SUPPRESSED : 0; i < size; i++)
        if (i != config_eos)
            scores[i] = -INFINITY;
}

/* Let the value at `i` of a heap [n], whose least is on top, sink to its place. */
static void sink(float *heap, int n, int i)
{
    for (;;) {
        int child = 2 * i + 1;
        float value = heap[i];

        if (child + 1 < n && heap[child + 1] < heap[child])
            child++;
        if (child >= n || heap[child] >= value)
            return;
        heap[i] = heap[child];
        heap[child] = value;
        i = child;
    }
}

/* The k-th largest of scores, 0 < k < size; heap [k]. */
static float kth_largest(const float *scores, int size, int k, float *heap)
{
    for (int i = 0; i < k; i++)
        heap[i] = scores[i];
    for (int i = k / 2 - 1; i >= 0; i--)
        sink(heap, k, i);
    for (int i = k; i < size; i++)
        if (scores[i] > heap[0]) {
            heap[0] = scores[i];
            sink(heap, k, 0);
        }
    return heap[0];
}

/* Drop the least likely scores whose probabilities together are at most 1 - p. */
static void keep_top_p(float p, float *scores, int size, float *work)
{
    float *sorted = work, *share = work + size, total = 0;

    for (int i = 0; i < size; i++)
        sorted[i] = scores[i];
    qsort(sorted, (size_t)size, sizeof *sorted, tb_ascending);
    for (int i = 0; i < size; i++)
        share[i] = sorted[i];
    tb_q3_softmax(share, size);
    int first = 0; /* of those that stay; the likeliest always does */
    while (first < size - 1 && (total += share[first]) <= 1.0f - p)
        first++;
    for (int i = 0; i < size; i++)
        if (scores[i] < sorted[first])
            scores[i] = -INFINITY;
}

void tb_q3_filter(const struct tb_q3_sampling *s, float *scores, int size, float *work)
{
    for (int i = 0; i < size; i++)
        scores[i] /= s->temperature;
    if (s->top_k > 0 && s->top_k < size) {
        float least = kth_largest(scores, size, s->top_k, work);

        for (int i = 0; i < size; i++)
            if (scores[i] < least)
                scores[i] = -INFINITY;
    }
    if (s->top_p < 1.0f)
        keep_top_p(s->top_p, scores, size, work);
}

static float highest(const float *scores, int size)
{
    float top[4] = { -INFINITY, -INFINITY, -INFINITY, -INFINITY };
    int i = 0;

    for (; i + 4 <= size; i += 4) /* four at once, for the compiler to see */
        for (int k = 0; k < 4; k++)
            top[k] = scores[i + k] > top[k] ? scores[i + k] : top[k];
    for (; i < size; i++)
        top[0] = scores[i] > top[0] ? scores[i] : top[0];
    top[0] = top[1] > top[0] ? top[1] : top[0];
    top[2] = top[3] > top[2] ? top[3] : top[2];
    return top[2] > top[0] ? top[2] : top[0];
}

void tb_q3_softmax(float *scores, int size)
{
    float top = highest(scores, size);
    double total = 0;

    for (int i = 0; i < size; i++) {
        scores[i] = scores[i] == -INFINITY ? 0 : expf(scores[i] - top); /* most have been dropped */
        total += (double)scores[i];
    }
    for (int i = 0; i < size; i++)
        if (scores[i] > 0)
            scores[i] = (float)((double)scores[i] / total);
}

static double uniform(struct tb_q3_random *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15ULL;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

int tb_q3_draw(const struct tb_q3_sampling *s, struct tb_q3_random *random, float *scores, int size, float *work)
{
    float top = highest(scores, size);
    bool wild = isinf(top);
    int last = 0;

    for (int i = 0; i < size; i++)
        wild |= isnan(scores[i]);
    if (wild)
        return -1;
    while (scores[last] < top)
        last++;
    if (!s->sample)
        return last;
    tb_q3_filter(s, scores, size, work);
    tb_q3_softmax(scores, size);
    double at = uniform(random);
    for (int i = 0; i < size; i++) {
        if (scores[i] <= 0)
            continue;
        last = i;
        at -= (double)scores[i];
        if (at < 0)
            break;
    }
    return last; /* rounding may leave a little of `at` behind the last one */
}
