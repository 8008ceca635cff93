/* text_encoder.h - tokens to features: ALBERT for the prosody, a convolutional encoder for the sounds. */
#ifndef TB_ENGINE_KOKORO_TEXT_ENCODER_H
#define TB_ENGINE_KOKORO_TEXT_ENCODER_H

#include <stdint.h>

#include "engine/kokoro/model.h"

/* tokens [n], each below TB_KOKORO_TOKENS, n <= TB_KOKORO_MAX_TOKENS, with the padding at both ends.
 * y [512][n]. */
enum tb_code tb_kokoro_bert_run(const struct tb_kokoro_run *run, const struct tb_kokoro_bert *b, const uint8_t *tokens,
                                int n, struct tb_mat y, struct tb_error *err);
/* y [512][n] */
enum tb_code tb_kokoro_text_run(const struct tb_kokoro_run *run, const struct tb_kokoro_text *t, const uint8_t *tokens,
                                int n, struct tb_mat y, struct tb_error *err);

#endif
