/* trim.h - cut the silence around what one pass has said, and soften the cuts. */
#ifndef TB_ENGINE_KOKORO_TRIM_H
#define TB_ENGINE_KOKORO_TRIM_H

#include <stddef.h>

enum {
    TB_TRIM_LEAD = 720,  /* samples kept before the first sound: 30 ms at 24 kHz */
    TB_TRIM_TAIL = 2160, /* and after the last: 90 ms, so that a voice can die away */
    TB_TRIM_FADE = 120   /* 5 ms */
};

/* Find the part of pcm [len] to keep, *from .. *from + *n, and fade it in and out in place. Speech that is spoken at
 * `rate` times the usual speed keeps that much less before and after.
 * *n is 0 when everything is silent. */
void tb_trim(float *pcm, size_t len, float rate, size_t *from, size_t *n);

#endif
