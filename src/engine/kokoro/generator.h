/* generator.h - the last part of the network: hidden signal and harmonics to samples.
 *
 * Beside what the norms do, a sample depends on 0.1 s of the hidden signal on each side of it. */
#ifndef TB_ENGINE_KOKORO_GENERATOR_H
#define TB_ENGINE_KOKORO_GENERATOR_H

#include "engine/kokoro/blocks.h"

/* pcm [1][300 * n] of x [512][n], n even, which are the columns `from` and after of a pass whose pitch is f0
 * [1][2 * frames of the pass], in Hz. voicing: of all 13 blocks; the last eight are used here, in the order noise_res 0
 * and 1, resblocks 0 to 5. */
enum tb_code tb_kokoro_generator_run(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                                     struct tb_mat x, struct tb_mat f0, int from,
                                     const struct tb_kokoro_voicing *voicing, struct tb_mat pcm, struct tb_error *err);

#endif
