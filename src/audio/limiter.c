/* limiter.c - see limiter.h. */
#include "audio/limiter.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const float RELEASE_S = 0.1f; /* longer than the period of a voice, so that the gain does not follow the wave */

void tb_limiter_begin(struct tb_limiter *l, uint32_t rate_hz, float ceiling)
{
    assert(rate_hz >= TB_LIMITER_PART && rate_hz <= TB_LIMITER_MOST_HZ && ceiling > 0);
    memset(l, 0, sizeof *l);
    l->ceiling = ceiling;
    l->release = 1 / (RELEASE_S * (float)rate_hz);
    l->span = tb_limiter_delay(rate_hz) + 1;
    l->gain = 1;
    l->held_sum = l->span;
    for (int i = 0; i < l->span; i++)
        l->asked[i] = l->held[i] = 1;
}

float tb_limiter_run(struct tb_limiter *l, float sample)
{
    float size = fabsf(sample), least = 1;
    int oldest = l->at + 1 == l->span ? 0 : l->at + 1;

    l->late[l->at] = sample;
    l->asking -= l->asked[l->at] < 1;
    l->asked[l->at] = size > l->ceiling ? l->ceiling / size : 1;
    l->asking += l->asked[l->at] < 1;
    for (int i = 0; i < l->span && l->asking; i++)
        least = l->asked[i] < least ? l->asked[i] : least;
    float released = l->gain + (1 - l->gain) * l->release;
    l->gain = least < released ? least : released;
    l->held_sum += (double)l->gain - (double)l->held[l->at];
    l->held[l->at] = l->gain;
    l->at = oldest;
    return l->late[oldest] * (float)(l->held_sum / l->span);
}
