/* activity.h - where somebody speaks, by loudness: one flag for each 30 ms at 16 kHz. */
#ifndef TB_AUDIO_ACTIVITY_H
#define TB_AUDIO_ACTIVITY_H

#include <stdbool.h>
#include <stddef.h>

#include "audio/pcm.h"
#include "base/error.h"

enum { TB_ACTIVITY_RATE_HZ = 16000, TB_ACTIVITY_FRAME = 480 /* samples, 30 ms */ };

/* wave [len] -> active [len / TB_ACTIVITY_FRAME]. A frame counts when it is loud (within 38 dB of the loudest, above
 * -60 dBFS, and above the background where that is within 25 dB), when half of the eight frames around it are, and up
 * to three frames before and after such a run. TB_ENOMEM. */
enum tb_code tb_activity(const float *wave, size_t len, bool *active, struct tb_error *err);

/* Move the active frames of wave together; returns how many samples they have. */
size_t tb_activity_keep(float *wave, size_t len, const bool *active);

/* Bring a quiet recording up to -30 dBFS (root mean square), so that tb_activity does not take its speech for silence;
 * what is not a number becomes 0. Returns by what it was multiplied, at least 1. */
double tb_activity_raise(float *wave, size_t len);

/* *audio, at any rate -> *speech: raised, at TB_ACTIVITY_RATE_HZ, its active frames alone, for the caller to free also
 * on failure. TB_EAUDIO_SPEECH: less than least_ms; TB_ENOMEM, TB_EINVAL (as tb_resample). */
enum tb_code tb_activity_speech(const struct tb_pcm *audio, int least_ms, struct tb_pcm *speech, struct tb_error *err);

#endif
