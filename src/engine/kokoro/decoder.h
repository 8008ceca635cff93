/* decoder.h - text features, pitch and energy over time to the hidden signal that the generator speaks. */
#ifndef TB_ENGINE_KOKORO_DECODER_H
#define TB_ENGINE_KOKORO_DECODER_H

#include "engine/kokoro/blocks.h"

/* y [512][2 * frames] of text [512][frames], f0 and energy [1][2 * frames]. voicing: of all 13 blocks; the first five
 * are used here, in the order encode, decode 0 to 3. */
enum tb_code tb_kokoro_decoder_run(const struct tb_kokoro_run *run, const struct tb_kokoro_decoder *d,
                                   struct tb_mat text, struct tb_mat f0, struct tb_mat energy,
                                   const struct tb_kokoro_voicing *voicing, struct tb_mat y, struct tb_error *err);

#endif
