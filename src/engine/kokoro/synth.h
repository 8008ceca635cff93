/* synth.h - tokens to samples in two halves, between which pitch, energy and timing may be changed. */
#ifndef TB_ENGINE_KOKORO_SYNTH_H
#define TB_ENGINE_KOKORO_SYNTH_H

#include <stdint.h>

#include "engine/kokoro/model.h"

enum {
    TB_KOKORO_MAX_FRAMES = 3200, /* of one pass, 80 s: 200 tokens at a quarter of the usual pace */
    /* Address space for one pass: stage 1 of the generator holds 4 x [128][120] floats per frame. */
    TB_KOKORO_SCRATCH = 1 << 30
};

/* What is to be said, when, and how high. All in run->scratch. */
struct tb_kokoro_plan {
    int frames;
    int counts[TB_KOKORO_MAX_TOKENS]; /* of them, for each token */
    struct tb_mat text;   /* [512][frames] */
    struct tb_mat f0;     /* [1][2 * frames], Hz */
    struct tb_mat energy; /* [1][2 * frames] */
};

/* tokens [n] with the padding at both ends, n <= TB_KOKORO_MAX_TOKENS. prosody [128]. pace divides the durations.
 * The plan stays in run->scratch: reset it when the plan is no longer needed, also after a failure.
 * TB_ETOOBIG: more than TB_KOKORO_MAX_FRAMES. */
enum tb_code tb_kokoro_plan(const struct tb_kokoro_run *run, const struct tb_kokoro_model *model,
                            const uint8_t *tokens, int n, const float *prosody, float pace,
                            struct tb_kokoro_plan *plan, struct tb_error *err);
/* The same for a pass whose first `said` tokens last as many frames as counts says; they are less than n. */
enum tb_code tb_kokoro_plan_after(const struct tb_kokoro_run *run, const struct tb_kokoro_model *model,
                                  const uint8_t *tokens, int n, const float *prosody, float pace, const int *counts,
                                  int said, struct tb_kokoro_plan *plan, struct tb_error *err);

/* pcm [1][600 * frames], in run->scratch like the plan. */
enum tb_code tb_kokoro_render(const struct tb_kokoro_run *run, const struct tb_kokoro_model *model,
                              const struct tb_kokoro_plan *plan, const float (*styles)[TB_KOKORO_HALF],
                              struct tb_mat *pcm, struct tb_error *err);

#endif
