/* calibrate.h - what a style does when it speaks, found by having the network speak with it.
 *
 * The surrogate knows a style from a regression. Its pitch is wrong by up to a tenth, and the first sentences of an
 * utterance start from it (intonation.h): so a text is planned. Its likeness to the recording is worse: what it expects
 * and what is heard have a cosine of .82, and that differs from voice to voice: so a sentence is spoken on trial.
 * And what the norms of decoder and generator will find nobody knows beforehand: so a text is recited.
 * docs/CLONING.md (The trial; Rate and pitch) has what both changed. */
#ifndef TB_ENGINE_KOKORO_CALIBRATE_H
#define TB_ENGINE_KOKORO_CALIBRATE_H

#include "audio/pcm.h"
#include "base/turn.h"
#include "engine/kokoro/model.h"
#include "engine/kokoro/norms.h"
#include "engine/kokoro/print.h"

/* *median_hz: of the pitch planned for two statements of 6 s together. prosody [128]. Plans only, no sound is made. The
 * turn, which may be NULL, is paused in between.
 * Some 100 ms on two cores. Its own scratch memory is given back. */
enum tb_code tb_kokoro_style_pitch(const struct tb_kokoro_model *model, struct tb_pool *pool, struct tb_turn *turn,
                                   const float *prosody, float *median_hz, struct tb_error *err);

/* Some 2 s of speech with a print, *said at 24 kHz, for the caller to free also on failure. All voices say the same, at
 * the same pace; phonemes: another text, NULL for the trial's own. turn is offered back between parts, may be NULL. */
enum tb_code tb_kokoro_trial(const struct tb_kokoro_model *model, struct tb_pool *pool, struct tb_turn *turn,
                             const struct tb_kokoro_print *print, const char *phonemes, struct tb_pcm *said,
                             struct tb_error *err);

/* The past of a voice (norms.h): what the norms find where it says a text of ours, the same for all voices, in passes
 * of the voice's own pace and pitch. sink->pause is called between parts. Release *past with free; on failure it is
 * NULL. */
enum tb_code tb_kokoro_recite(const struct tb_kokoro_model *model, struct tb_pool *pool, const struct tb_sink *sink,
                              const struct tb_kokoro_print *print, struct tb_kokoro_past **past, struct tb_error *err);

#endif
