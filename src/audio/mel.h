/* mel.h - speech as mel-band power: 25 ms frames every 10 ms, 40 triangles on Slaney's scale from 0 to 8 kHz, each of
 * area one (what librosa calls norm="slaney"), Hann window, frame t centred on sample 160 t, zeros beyond the ends. */
#ifndef TB_AUDIO_MEL_H
#define TB_AUDIO_MEL_H

#include <stddef.h>

#include "base/error.h"

enum {
    TB_MEL_RATE_HZ = 16000,
    TB_MEL_FFT = 400,
    TB_MEL_HOP = 160, /* samples; 100 frames a second */
    TB_MEL_BANDS = 40
};

/* Frames of len samples. */
static inline size_t tb_mel_frames(size_t len)
{
    return len / TB_MEL_HOP + 1;
}

/* wave [len] at TB_MEL_RATE_HZ -> out [tb_mel_frames(len)][TB_MEL_BANDS], power. TB_ENOMEM. */
enum tb_code tb_mel(const float *wave, size_t len, float *out, struct tb_error *err);

/* Slaney's scale: linear to 1 kHz, which is 15, then 27 steps to each factor of 6.4. */
double tb_mel_to_hz(double mel);
double tb_mel_of_hz(double hz);
/* Centre of a band in Hz; band -1 and TB_MEL_BANDS are the ends, 0 and 8000. */
double tb_mel_centre_hz(int band);

/* Long-term spectrum of speech without pauses: out [TB_MEL_BANDS], natural log of mel power over the louder half of the
 * frames, with the whole brought to one level (TB_SPECTRUM_DB) first, so that recordings of any gain compare. */
enum { TB_SPECTRUM_DB = -26 };
enum tb_code tb_mel_spectrum(const float *speech, size_t len, float *out, struct tb_error *err);

#endif
