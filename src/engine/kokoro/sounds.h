/* sounds.h - the classes of speech sounds that the ear tells apart, and a text as the sequence of them.
 *
 * The model's 114 symbols are more than a listener needs: tones, stress, length, aspiration and nasality are marks, and
 * symbols that differ by language only (the r of Spanish and of Italian) sound much alike. Diphthongs and such become
 * their two parts. What is left are 50 sounds and silence. */
#ifndef TB_ENGINE_KOKORO_SOUNDS_H
#define TB_ENGINE_KOKORO_SOUNDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { TB_SOUNDS = 51, TB_SILENCE = 0 };

/* A text as a chain of states, one for each sound, with a silence between words and at both ends. A state lasts one or
 * more frames; a silence may be left out. Release with tb_chain_free. */
struct tb_chain {
    uint8_t *sound;  /* [count], TB_SILENCE or 1 .. TB_SOUNDS - 1 */
    uint16_t *word;  /* [count], which word the sound belongs to; that of a silence is unspecified */
    size_t count;    /* 1 (a silence) when nothing sounds */
    size_t words;    /* that have at least one sound */
    size_t sounds;   /* states that are not silences */
};

/* The chain of UTF-8 phonemes (g2p.h). Symbols that are no sound are passed over. TB_ETOOBIG: over TB_MAX_CHAIN states;
 * TB_ENOMEM. */
enum tb_code tb_chain_make(struct tb_str phonemes, struct tb_chain *out, struct tb_error *err);
void tb_chain_free(struct tb_chain *c); /* an empty one is fine */

/* UTF-8 of a sound, "_" for silence: for tests and tools. */
const char *tb_sound_name(int sound);

#endif
