/* norms.c - see norms.h. */
#include "engine/kokoro/norms.h"

#include <math.h>
#include <string.h>

enum {
    UNPITCHED = 5, PITCHED = 9, /* levels */
    PATIENCE = 60               /* frames that the past of a kind counts as much as: 1.5 s */
};

static const float silent = -5.0f; /* planned energy: about -9.5 in silence, 2 to 9 in speech */
static const float hz = 30.0f;     /* planned pitch is 12 to 20 in silence */

static uint8_t level(float energy, float lowest, float highest, int levels)
{
    int i = (int)floorf((energy - lowest) / (highest - lowest) * (float)levels);

    return (uint8_t)(i < 0 ? 0 : i >= levels ? levels - 1 : i);
}

void tb_norms_kinds(struct tb_mat f0, struct tb_mat energy, uint8_t *kinds)
{
    _Static_assert(1 + UNPITCHED + PITCHED == TB_NORMS_KINDS, "silence, and levels without pitch and with it");

    for (int f = 0; 2 * f < f0.cols; f++) {
        float e = 0.5f * (energy.p[2 * f] + energy.p[2 * f + 1]);

        if (f0.p[2 * f] + f0.p[2 * f + 1] > 2.0f * hz)
            kinds[f] = (uint8_t)(1 + UNPITCHED + level(e, 1.0f, 8.0f, PITCHED));
        else
            kinds[f] = e < silent ? 0 : (uint8_t)(1 + level(e, -3.0f, 5.0f, UNPITCHED));
    }
}

void tb_norms_count(const uint8_t *kinds, int frames, float *counts)
{
    memset(counts, 0, TB_NORMS_KINDS * sizeof *counts);
    for (int f = 0; f < frames; f++)
        counts[kinds[f]] += 1.0f;
}

/* Runs of frames of a kind as stretches of x's columns; returns how many there are. */
static int stretch(const struct tb_kokoro_norms *n, int cols, struct tb_stretch *out)
{
    int ratio = cols / n->frames, count = 0;

    for (int from = 0, to; from < n->frames; from = to) {
        for (to = from + 1; to < n->frames && n->kinds[to] == n->kinds[from]; to++)
            ;
        out[count++] = (struct tb_stretch){ from * ratio, to == n->frames ? cols : to * ratio, n->kinds[from] };
    }
    return count;
}

/* *mean += the part that `frames` of all frames have in it. */
static void move(float *mean, float to, float frames, float all)
{
    *mean += (to - *mean) * frames / all;
}

/* Mean and variance of a channel of the whole pass, of what these frames and the past have of each kind. */
static void guess(const struct tb_kokoro_norms *n, const float *counts, const float *mean, const float *square,
                  int channel, float *out_mean, float *out_variance)
{
    double sum = 0, squares = 0, total = 0;

    for (int k = 0; k < TB_NORMS_KINDS; k++) {
        float m = mean[k], s = square[k];
        bool known = n->past->frames[k] > 0;

        if (!known && counts[k] <= 0)
            continue;
        if (known) {
            move(&m, n->past->mean[channel][k], PATIENCE, PATIENCE + counts[k]);
            move(&s, n->past->square[channel][k], PATIENCE, PATIENCE + counts[k]);
        }
        sum += (double)(n->share[k] * m);
        squares += (double)(n->share[k] * s);
        total += (double)n->share[k];
    }
    *out_mean = (float)(sum / total);
    *out_variance = (float)fmax(squares / total - sum / total * (sum / total), 0.0);
}

enum tb_code tb_norms_next(struct tb_pool *pool, struct tb_scratch *scratch, struct tb_kokoro_norms *n, struct tb_mat x,
                           float *mean, float *variance, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(scratch);
    float counts[TB_NORMS_KINDS], *means, *squares;
    struct tb_stretch *stretches;
    struct tb_mat room;
    enum tb_code rc;

    assert(n->at + x.rows <= TB_NORMS_CHANNELS && x.cols >= n->frames);
    if ((rc = tb_scratch_floats(scratch, (size_t)x.rows * TB_NORMS_KINDS, &means, err)) ||
        (rc = tb_scratch_floats(scratch, (size_t)x.rows * TB_NORMS_KINDS, &squares, err)) ||
        (rc = tb_scratch_mat(scratch, 1, (int)(sizeof *stretches / sizeof *room.p) * n->frames, &room, err)))
        goto done;
    stretches = (struct tb_stretch *)(void *)room.p;
    tb_group_means(pool, x, stretches, stretch(n, x.cols, stretches), TB_NORMS_KINDS, means, squares);
    tb_norms_count(n->kinds, n->frames, counts);
    for (int i = 0; i < x.rows; i++) {
        size_t at = (size_t)i * TB_NORMS_KINDS;

        if (n->past)
            guess(n, counts, means + at, squares + at, n->at + i, &mean[i], &variance[i]);
        if (n->seen) {
            memcpy(n->seen->mean[n->at + i], means + at, sizeof n->seen->mean[0]);
            memcpy(n->seen->square[n->at + i], squares + at, sizeof n->seen->square[0]);
        }
    }
    if (n->seen)
        memcpy(n->seen->frames, counts, sizeof counts);
    n->at += x.rows;
done:
    tb_scratch_reset(scratch, mark);
    return rc;
}

void tb_norms_add(struct tb_kokoro_past *past, const struct tb_kokoro_past *seen)
{
    for (int k = 0; k < TB_NORMS_KINDS; k++) {
        past->frames[k] += seen->frames[k];
        for (int c = 0; c < TB_NORMS_CHANNELS && seen->frames[k] > 0; c++) {
            move(&past->mean[c][k], seen->mean[c][k], seen->frames[k], past->frames[k]);
            move(&past->square[c][k], seen->square[c][k], seen->frames[k], past->frames[k]);
        }
    }
}
