/* generator.h - the last part of the network: hidden signal and harmonics to samples, a part of a pass at a time.
 *
 * When the norms are fixed a sample depends on 0.1 s of the hidden signal on each side of it, and parts joined differ
 * from the whole by rounding alone. */
#ifndef TB_ENGINE_KOKORO_GENERATOR_H
#define TB_ENGINE_KOKORO_GENERATOR_H

#include "engine/kokoro/blocks.h"

/* Frames from .. to - 1 of a pass that has `of` of them. */
struct tb_kokoro_part {
    int from, to, of;
};

/* pcm [1][600 * frames of the part] of x [512][2 * frames of the pass] and f0 [1][2 * frames of the pass] in Hz.
 * voicing: of all 13 blocks; the last eight are used here, in the order noise_res 0 and 1, resblocks 0 to 5. By style
 * it wants a part that is the whole. */
enum tb_code tb_kokoro_generator_run(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                                     struct tb_kokoro_part part, struct tb_mat x, struct tb_mat f0,
                                     const struct tb_kokoro_voicing *voicing, struct tb_mat pcm, struct tb_error *err);

/* The same on columns picked out of a pass, as if they were one: to find fixed norms and the ceiling.
 * x [512][n], n even; harmonics [22][60 * n + 1] belongs to them (tb_kokoro_source_run) and is overwritten;
 * pcm [1][300 * n]. */
enum tb_code tb_kokoro_generator_sample(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                                        struct tb_mat x, struct tb_mat harmonics,
                                        const struct tb_kokoro_voicing *voicing, struct tb_mat pcm,
                                        struct tb_error *err);

#endif
