/* ear.h - what a recording sounds like: for each 20 ms the probability of each of the 51 classes of sounds.h.
 *
 * A small network of our own (tools/transcript/train.py): the log of 40 mel bands, two frames to a column, goes through
 * six convolutions of three taps. It is trained on speech of several languages and knows nothing of words. Weights:
 * ear.safetensors, from assets/kokoro. */
#ifndef TB_ENGINE_KOKORO_EAR_H
#define TB_ENGINE_KOKORO_EAR_H

#include <stddef.h>

#include "audio/mel.h"
#include "base/error.h"
#include "base/pool.h"
#include "engine/kokoro/sounds.h"
#include "tensor/weights.h"

enum { TB_EAR_RATE_HZ = 50 /* columns a second */ };

struct tb_ear;

/* Of ear.safetensors, which may be closed afterwards. Release with tb_ear_close. Errors name the file and the tensor.
 */
enum tb_code tb_ear_open(struct tb_weights *weights, struct tb_ear **out, struct tb_error *err);
void tb_ear_close(struct tb_ear *ear); /* NULL is fine */

/* Columns of `len` samples. */
static inline size_t tb_ear_frames(size_t len)
{
    return (tb_mel_frames(len) + 1) / 2;
}

/* speech [len] at TB_MEL_RATE_HZ, samples within +-16 -> out [tb_ear_frames(len)][TB_SOUNDS], natural logs of
 * probabilities. Neither the level nor the channel's spectrum matters. Any thread; pool may be NULL. TB_ENOMEM. */
enum tb_code tb_ear_hear(const struct tb_ear *ear, struct tb_pool *pool, const float *speech, size_t len, float *out,
                         struct tb_error *err);
/* Natural logs of how frequent the sounds were in training [TB_SOUNDS]. */
const float *tb_ear_prior(const struct tb_ear *ear);

#endif
