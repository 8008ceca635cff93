/* quality.h - how well a recording of speech was made, measured from its samples alone: level, clipping, background,
 * where its spectrum ends, pauses. Numbers only; what is good enough the caller decides (voices/judge.h). */
#ifndef TB_AUDIO_QUALITY_H
#define TB_AUDIO_QUALITY_H

#include "audio/pcm.h"
#include "base/error.h"

enum { TB_QUALITY_RATE_HZ = 24000 /* the rate at which the spectrum is measured */ };

struct tb_quality {
    float speech_s; /* that tb_activity finds */
    float pause_s;  /* the longest pause between two stretches of speech */
    float level_db; /* of the speech, dBFS; -120 when there is none */
    float clipped;  /* part of the speech's samples that stand within 2 % of the recording's peak, 0 .. 1 */
    float snr_db;   /* of the louder frames over the background, 100 Hz to 7.8 kHz; at most 80 */
    float band_hz;  /* where the sound of the loudest frames ends, 50 dB under their strongest band; at most 11850 */
};

/* *audio at any rate from 1 Hz. All zero, but for the levels, when there is less than half a second of sound.
 * TB_ENOMEM, TB_EINVAL (as tb_resample). */
enum tb_code tb_quality_measure(const struct tb_pcm *audio, struct tb_quality *out, struct tb_error *err);

#endif
