/* ge2e.h - the speaker encoder: speech to a vector of length 1 that says who speaks.
 *
 * Three LSTM layers of 256 read windows of 160 mel frames (1.6 s); the last state goes through a linear layer and a
 * rectifier and is brought to length 1. A recording's embedding is the mean over windows 77 frames apart, again of
 * length 1. Weights: ge2e.safetensors, made by tools/convert_ge2e.py from Resemblyzer's (Wan et al. 2018, "Generalized
 * end-to-end loss for speaker verification"). Mel power is not made logarithmic, as the weights expect. */
#ifndef TB_ENGINE_KOKORO_GE2E_H
#define TB_ENGINE_KOKORO_GE2E_H

#include <stddef.h>

#include "base/error.h"
#include "base/pool.h"
#include "base/turn.h"

enum { TB_GE2E_SIZE = 256, TB_GE2E_WINDOW = 160, TB_GE2E_STEP = 77 };

struct tb_ge2e;

/* Release with tb_ge2e_close. Errors name the file and the tensor. */
enum tb_code tb_ge2e_open(const char *path, struct tb_ge2e **out, struct tb_error *err);
void tb_ge2e_close(struct tb_ge2e *ge2e); /* NULL is fine */

/* mel [frames][TB_MEL_BANDS], frames >= 1 -> embedding [TB_GE2E_SIZE]. Fewer frames than a window are filled up with
 * silence. turn is paused after each layer. Any thread. TB_ENOMEM; TB_EAUDIO_SPEECH when all windows come out as
 * nothing. one_voice: tb_groups_likeness of the windows (groups.h); may be NULL. */
enum tb_code tb_ge2e_embed(const struct tb_ge2e *ge2e, struct tb_pool *pool, struct tb_turn *turn, const float *mel,
                           size_t frames, float *embedding, float *one_voice, struct tb_error *err);

#endif
