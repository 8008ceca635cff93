/* prosody.h - how long each token lasts, and the pitch and energy over time. */
#ifndef TB_ENGINE_KOKORO_PROSODY_H
#define TB_ENGINE_KOKORO_PROSODY_H

#include "engine/kokoro/model.h"

/* Features of the tokens under a style: y [640][n] of bert [512][n]; its last 128 rows are the style. style [128]. */
enum tb_code tb_kokoro_prosody_text(const struct tb_kokoro_run *run, const struct tb_kokoro_prosody *p,
                                    struct tb_mat bert, const float *style, struct tb_mat y, struct tb_error *err);
/* durations [text.cols]: frames of 25 ms at the style's own pace, not rounded. */
enum tb_code tb_kokoro_durations(const struct tb_kokoro_run *run, const struct tb_kokoro_prosody *p, struct tb_mat text,
                                 float *durations, struct tb_error *err);
/* f0 (Hz; unvoiced below about 10) and energy, [1][2 * aligned.cols] each: 80 values a second.
 * aligned [640][frames]: the features of the tokens, each for its duration. */
enum tb_code tb_kokoro_pitch(const struct tb_kokoro_run *run, const struct tb_kokoro_prosody *p, struct tb_mat aligned,
                             const float *style, struct tb_mat f0, struct tb_mat energy, struct tb_error *err);

#endif
