/* calibrate.h - what pitch a style speaks with, found by having the network plan a text with it.
 *
 * The surrogate knows the pitch of a style from a regression, which is wrong by up to a tenth, and the first sentences
 * of an utterance start from it (intonation.h). docs/CLONING.md, Rate and pitch, has what this changed. */
#ifndef TB_ENGINE_KOKORO_CALIBRATE_H
#define TB_ENGINE_KOKORO_CALIBRATE_H

#include "engine/kokoro/model.h"

/* *median_hz: of the pitch planned for two statements of 6 s together. prosody [128]. Plans only, no sound is made. The
 * turn, which may be NULL, is paused in between.
 * Some 100 ms on two cores. Its own scratch memory is given back. */
enum tb_code tb_kokoro_style_pitch(const struct tb_kokoro_model *model, struct tb_pool *pool, struct tb_turn *turn,
                                   const float *prosody, float *median_hz, struct tb_error *err);

#endif
