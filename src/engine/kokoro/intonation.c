/* intonation.c - see intonation.h. */
#include "engine/kokoro/intonation.h"

#include <math.h>
#include <string.h>

enum { PRIOR = 200 }; /* pitch values, 80 a second */

/* Below the first the network is silent or whispers, and its pitch means nothing; from the second on it is voiced.
 * Between them scaling sets in gradually, so that the curve keeps no step. */
static const float silent_hz = 30.0f, voiced_hz = 60.0f, lowest_hz = 40.0f;

static int bin_of(float hz)
{
    int bin = (int)(TB_INTONATION_STEPS * log2f(hz / lowest_hz));

    return bin < 0 ? 0 : bin >= TB_INTONATION_BINS ? TB_INTONATION_BINS - 1 : bin;
}

static float median_hz(const struct tb_intonation *t)
{
    unsigned total = 0, below = 0;
    int bin = 0;

    for (int i = 0; i < TB_INTONATION_BINS; i++)
        total += t->counts[i];
    while (bin < TB_INTONATION_BINS - 1 && 2 * (below + t->counts[bin]) < total)
        below += t->counts[bin++];
    return lowest_hz * exp2f(((float)bin + 0.5f) / TB_INTONATION_STEPS);
}

void tb_intonation_init(struct tb_intonation *t, float style_hz, float target_hz)
{
    memset(t, 0, sizeof *t);
    t->target_hz = target_hz;
    t->counts[bin_of(style_hz)] = PRIOR;
}

static void count(struct tb_intonation *t, struct tb_mat f0)
{
    for (int i = 0; i < f0.cols; i++)
        if (f0.p[i] >= voiced_hz)
            t->counts[bin_of(f0.p[i])]++;
}

float tb_intonation_median(struct tb_mat f0)
{
    struct tb_intonation t = { 0 };

    count(&t, f0);
    return median_hz(&t);
}

void tb_intonation_apply(struct tb_intonation *t, struct tb_mat f0)
{
    float factor;

    count(t, f0);
    factor = t->target_hz / median_hz(t);
    for (int i = 0; i < f0.cols; i++) {
        float share = (f0.p[i] - silent_hz) / (voiced_hz - silent_hz);

        share = share < 0.0f ? 0.0f : share > 1.0f ? 1.0f : share;
        f0.p[i] *= 1.0f + share * (factor - 1.0f);
    }
}

