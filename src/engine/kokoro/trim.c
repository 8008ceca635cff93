/* trim.c - see trim.h. A stretch of 10 ms is silent when its level is 40 dB below the loudest one's. */
#include "engine/kokoro/trim.h"

#include <math.h>

enum { STRETCH = 240 };

static const float share = 1e-4f, floor_power = 1e-9f; /* of powers */

static float power(const float *pcm, size_t len, size_t at)
{
    size_t n = len - at < STRETCH ? len - at : STRETCH;
    float sum = 0.0f;

    for (size_t i = 0; i < n; i++)
        sum += pcm[at + i] * pcm[at + i];
    return sum / (float)n;
}

void tb_trim(float *pcm, size_t len, float rate, size_t *from, size_t *n)
{
    size_t lead = (size_t)(TB_TRIM_LEAD / rate), tail = (size_t)(TB_TRIM_TAIL / rate);
    size_t first = len, last = 0, end;
    float loudest = 0.0f;

    for (size_t at = 0; at < len; at += STRETCH)
        loudest = fmaxf(loudest, power(pcm, len, at));
    for (size_t at = 0; at < len && loudest > floor_power; at += STRETCH)
        if (power(pcm, len, at) > share * loudest) {
            first = first == len ? at : first;
            last = at + STRETCH;
        }
    *from = first < lead ? 0 : first - lead;
    end = last + tail < len ? last + tail : len;
    *n = first == len ? 0 : end - *from;
    for (size_t i = 0; i < TB_TRIM_FADE && i < *n; i++) {
        pcm[*from + i] *= (float)i / TB_TRIM_FADE;
        pcm[end - 1 - i] *= (float)i / TB_TRIM_FADE;
    }
}
