/* english_words.h - one English word to phonemes: the lexicon, inflected forms, compounds, letters. */
#ifndef TB_TEXT_G2P_ENGLISH_WORDS_H
#define TB_TEXT_G2P_ENGLISH_WORDS_H

#include "text/g2p/lexicon.h"
#include "text/g2p/phones.h"

/* Longest word in bytes that is looked up; a longer one is not known. */
enum { TB_WORD_MOST = 60 };

/* word: letters and apostrophes, as written. True and *out filled when the lexicon has it, in any case, or has the word
 * that it is a form of. */
bool tb_english_word(const struct tb_lexicon *l, struct tb_str word, enum tb_word_tag tag, struct tb_phones *out);
/* The names of the letters A..Z of word, other characters left out, stressed on the last. False: no letters. */
bool tb_english_letters(const struct tb_lexicon *l, struct tb_str word, struct tb_phones *out);
/* True when the letters can be read as a word: it has vowels, and no heap of consonants at an end. */
bool tb_english_is_readable(struct tb_str word);

#endif
