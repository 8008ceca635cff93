/* generator.h - the last part of the network: hidden signal and harmonics to samples. */
#ifndef TB_ENGINE_KOKORO_GENERATOR_H
#define TB_ENGINE_KOKORO_GENERATOR_H

#include "engine/kokoro/model.h"

/* pcm [1][600 * frames] of x [512][2 * frames] and f0 [1][2 * frames] in Hz. styles: those of all 13 blocks; the
 * last eight are used here, in the order noise_res 0 and 1, resblocks 0 to 5. */
enum tb_code tb_kokoro_generator_run(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                                     struct tb_mat x, struct tb_mat f0, const float (*styles)[TB_KOKORO_HALF],
                                     struct tb_mat pcm, struct tb_error *err);

#endif
