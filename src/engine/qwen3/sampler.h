/* sampler.h - from logits to a code: penalties, filters, and a draw that a seed repeats.
 *
 * The order is the reference's: repetition penalty, no end before two frames, suppressed ids, temperature, top-k,
 * top-p, softmax. Filtered scores are -INFINITY. */
#ifndef TB_ENGINE_QWEN3_SAMPLER_H
#define TB_ENGINE_QWEN3_SAMPLER_H

#include <stdint.h>

#include "engine/qwen3/config.h"

enum { TB_Q3_MIN_FRAMES = 2 }; /* the end is not drawn before */

/* splitmix64: every seed gives another sequence. */
struct tb_q3_random {
    uint64_t state;
};

/* Each code of history [n] counts once: a positive score is divided by `penalty`, a negative one multiplied. seen
 * [size] must be false everywhere and is so again afterwards. */
void tb_q3_penalise(const int *history, int n, float penalty, bool *seen, float *scores);
/* Scores that the talker may not draw after n codes: the end if it is too early, and the last TB_Q3_SUPPRESSED ids
 * but config_eos. `eos` is the id that ends this utterance, as a rule config_eos. */
void tb_q3_suppress(int n, int eos, int config_eos, float *scores, int size);
/* Temperature, top-k (ties of the k-th stay) and top-p. work [2 * size] floats. */
void tb_q3_filter(const struct tb_q3_sampling *s, float *scores, int size, float *work);
/* Scores to probabilities, in place. */
void tb_q3_softmax(float *scores, int size);

/* The code for these scores: the likeliest, or a draw. Overwrites scores. work [2 * size]. -1: no score is a number. */
int tb_q3_draw(const struct tb_q3_sampling *s, struct tb_q3_random *random, float *scores, int size, float *work);

#endif
