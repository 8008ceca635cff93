/* align.h - which frame of a recording is which sound of a text: the best path through a chain of states (Viterbi). */
#ifndef TB_ENGINE_KOKORO_ALIGN_H
#define TB_ENGINE_KOKORO_ALIGN_H

#include "engine/kokoro/sounds.h"

/* scores [frames][TB_SOUNDS], the higher the better; frames >= 1. -> path [frames], the state of each frame: it starts
 * in the first or second state of the chain, ends in the last or last but one, and passes over silences only.
 * TB_EINVAL: fewer frames than sounds; TB_ETOOBIG: frames times states over TB_MAX_ALIGN_CELLS; TB_ENOMEM. */
enum tb_code tb_align(const float *scores, size_t frames, const struct tb_chain *chain, uint16_t *path,
                      struct tb_error *err);

/* The best path through any sequence of sounds, where each change of sound costs `change`: what the recording sounds
 * like without a text. -> path [frames], sounds. TB_ENOMEM. */
enum tb_code tb_align_free(const float *scores, size_t frames, float change, uint8_t *path, struct tb_error *err);

#endif
