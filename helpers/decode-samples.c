/* decode-samples.c - what both decoders do with samples: shape, room and limits. See decode-main.h. Apart from
 * decode-main.c, so that the fuzz targets link a decoder without its main(). */
#include "decode-main.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"

enum tb_decode_status decode_fail(struct decoding *d, enum tb_decode_status status, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(d->text, sizeof d->text, fmt, ap);
    va_end(ap);
    return status;
}

enum tb_decode_status decode_begin(struct decoding *d, const char *container, long rate, long channels)
{
    if (rate < 1 || rate > TB_MAX_AUDIO_RATE)
        return decode_fail(d, TB_DECODE_BROKEN, "a sample rate of %ld Hz", rate);
    if (channels < 1 || channels > TB_MAX_AUDIO_CHANNELS)
        return decode_fail(d, TB_DECODE_BROKEN, "%ld channels; %d are the most", channels, TB_MAX_AUDIO_CHANNELS);
    d->container = container;
    d->rate = (uint32_t)rate;
    d->channels = (uint32_t)channels;
    d->max = (size_t)rate * (TB_MAX_AUDIO_SECONDS + 1);
    return TB_DECODE_OK;
}

bool decode_reserve(struct decoding *d, size_t len)
{
    size_t room = d->room ? d->room : 65536;
    float *bigger;

    while (room < d->len + len)
        room *= 2;
    if (room == d->room)
        return true;
    bigger = realloc(d->samples, room * sizeof *bigger);
    if (!bigger)
        return false;
    d->samples = bigger;
    d->room = room;
    return true;
}

bool decode_add(struct decoding *d, float sample)
{
    d->cut = d->len == d->max;
    if (!d->cut)
        d->samples[d->len++] = sample;
    return !d->cut;
}

enum tb_decode_status decode_end(struct decoding *d)
{
    if (d->len == 0)
        return decode_fail(d, TB_DECODE_BROKEN, "the %s file holds no samples", d->container);
    if (d->len > TB_MAX_DECODED_SAMPLES)
        return decode_fail(d, TB_DECODE_BROKEN, "over %d samples at %u Hz", TB_MAX_DECODED_SAMPLES, (unsigned)d->rate);
    return TB_DECODE_OK;
}
