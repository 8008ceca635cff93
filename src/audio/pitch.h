/* pitch.h - fundamental frequency of speech, and how fast it is spoken. */
#ifndef TB_AUDIO_PITCH_H
#define TB_AUDIO_PITCH_H

#include <stddef.h>

#include "base/error.h"

enum {
    TB_PITCH_RATE_HZ = 8000,
    TB_PITCH_HOP = 80, /* samples: 100 frames a second */
    TB_PITCH_LOW_HZ = 55,
    TB_PITCH_HIGH_HZ = 500
};

/* Frames of len samples. */
static inline size_t tb_pitch_frames(size_t len)
{
    return len / TB_PITCH_HOP;
}

/* wave [len] at TB_PITCH_RATE_HZ -> f0_hz [tb_pitch_frames(len)], 0 where there is no voice. Normalised
 * cross-correlation gives some candidates in each frame; the path through them that jumps least wins (Talkin 1995, "A
 * robust algorithm for pitch tracking"). What lies below 60 Hz is taken out first, since rumble was taken for a voice
 * (docs/CLONING.md); a voice down there is found by its harmonics. TB_ENOMEM. */
enum tb_code tb_pitch(const float *wave, size_t len, float *f0_hz, struct tb_error *err);

struct tb_pitch_summary {
    float median_hz;     /* 0 when there are fewer than ten voiced frames */
    float spread;        /* of the natural log, quartiles as a standard deviation */
    size_t voiced;       /* frames */
};
/* f0_hz [n] is sorted by this. */
struct tb_pitch_summary tb_pitch_summarise(float *f0_hz, size_t n);

/* Syllables of the recording, by their nuclei: peaks of the loudness that stand out of the dips beside them. Of fluent
 * speech some are missed and some consonants counted; see docs/CLONING.md. wave as above. *count is set. TB_ENOMEM. */
enum tb_code tb_syllables(const float *wave, size_t len, size_t *count, struct tb_error *err);

#endif
