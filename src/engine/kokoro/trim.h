/* trim.h - cut the silence around what one pass has said, and soften the cuts. */
#ifndef TB_ENGINE_KOKORO_TRIM_H
#define TB_ENGINE_KOKORO_TRIM_H

#include <stddef.h>

enum {
    TB_TRIM_LEAD = 720,  /* samples kept before the first sound: 30 ms at 24 kHz */
    TB_TRIM_TAIL = 2160, /* and after the last: 90 ms, so that a voice can die away */
    TB_TRIM_FADE = 120   /* 5 ms */
};

/* Mean power of the loudest 10 ms. */
float tb_trim_loudest(const float *pcm, size_t len);
/* The same as tb_trim in two halves, for a pass that comes in windows, given the loudest 10 ms so far: where to begin
 * in the first window, and how much to keep of the last; both faded. */
size_t tb_trim_head(float *pcm, size_t len, float loudest);
size_t tb_trim_tail(float *pcm, size_t len, float loudest);

/* Find the part of pcm [len] to keep, *from .. *from + *n, and fade it in and out in place.
 * *n is 0 when everything is silent. */
void tb_trim(float *pcm, size_t len, size_t *from, size_t *n);

#endif
