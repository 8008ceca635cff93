/* english.h - normalised English text to the model's phoneme symbols (American English). */
#ifndef TB_TEXT_G2P_ENGLISH_H
#define TB_TEXT_G2P_ENGLISH_H

#include "text/g2p/espeak.h"
#include "text/g2p/lexicon.h"

/* Append the phonemes of text, as tb_normalise makes it. Words that the lexicon lacks are asked of espeak; without one
 * (NULL), or when they have no Latin letters, they are spelled or left out. */
enum tb_code tb_english_phonemes(const struct tb_lexicon *l, struct tb_espeak *espeak, struct tb_str text,
                                 struct tb_bytes *out, struct tb_error *err);

#endif
