/* tempo.h - make speech shorter or longer without changing its pitch. */
#ifndef TB_AUDIO_TEMPO_H
#define TB_AUDIO_TEMPO_H

#include <stddef.h>

enum {
    TB_TEMPO_RATE_HZ = 24000,
    TB_TEMPO_WINDOW = 720, /* samples, 30 ms */
    TB_TEMPO_SEEK = 300    /* samples to either side where a piece may come from: the period of 40 Hz in all */
};

/* Samples that len become when they are spoken `faster` times as fast: len / faster, to the nearest. */
size_t tb_tempo_len(size_t len, double faster);

/* in [len] at TB_TEMPO_RATE_HZ -> out [tb_tempo_len(len, faster)], which must not overlap in. faster: 0.25 .. 4; at 1
 * the samples are copied. Waveform similarity overlap-add (Verhelst and Roelands 1993): the sound is put together from
 * pieces of 30 ms, each taken near where it should come from, at the place that goes on best where the piece before it
 * ends. */
void tb_tempo(const float *in, size_t len, double faster, float *out);

#endif
