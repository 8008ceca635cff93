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

float tb_trim_loudest(const float *pcm, size_t len)
{
    float loudest = 0.0f;

    for (size_t at = 0; at < len; at += STRETCH)
        loudest = fmaxf(loudest, power(pcm, len, at));
    return loudest;
}

size_t tb_trim_head(float *pcm, size_t len, float loudest)
{
    size_t lead = TB_TRIM_LEAD, from = 0;

    while (from < len && !(power(pcm, len, from) > share * loudest))
        from += STRETCH;
    from = from < lead ? 0 : from - lead;
    for (size_t i = 0; i < TB_TRIM_FADE && from + i < len; i++)
        pcm[from + i] *= (float)i / TB_TRIM_FADE;
    return from;
}

size_t tb_trim_tail(float *pcm, size_t len, float loudest)
{
    size_t tail = TB_TRIM_TAIL, last = 0;

    for (size_t at = 0; at < len; at += STRETCH)
        if (power(pcm, len, at) > share * loudest)
            last = at + STRETCH;
    len = last + tail < len ? last + tail : len;
    for (size_t i = 0; i < TB_TRIM_FADE && i < len; i++)
        pcm[len - 1 - i] *= (float)i / TB_TRIM_FADE;
    return len;
}

void tb_trim(float *pcm, size_t len, size_t *from, size_t *n)
{
    float loudest = tb_trim_loudest(pcm, len);

    *from = *n = 0;
    if (loudest > floor_power) {
        *from = tb_trim_head(pcm, len, loudest);
        *n = tb_trim_tail(pcm, len, loudest) - *from;
    }
}
