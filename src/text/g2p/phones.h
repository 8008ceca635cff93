/* phones.h - the phoneme symbols of one word, and its stress marks. A value; longer words are cut. */
#ifndef TB_TEXT_G2P_PHONES_H
#define TB_TEXT_G2P_PHONES_H

#include "base/str.h"

enum { TB_PHONES_MOST = 160, TB_STRESS = 0x2C8, TB_STRESS_SECOND = 0x2CC };

struct tb_phones {
    uint16_t p[TB_PHONES_MOST]; /* code points, all symbols of the model */
    size_t n;
};

/* Append UTF-8; what is no symbol of the model is left out. */
void tb_phones_add(struct tb_phones *ph, struct tb_str utf8);
void tb_phones_addz(struct tb_phones *ph, const char *utf8);
void tb_phones_join(struct tb_phones *ph, const struct tb_phones *more);
/* The last but `back` symbols; 0 when there is none. */
uint16_t tb_phones_end(const struct tb_phones *ph, size_t back);
bool tb_phones_has(const struct tb_phones *ph, uint16_t c);
enum tb_code tb_phones_write(const struct tb_phones *ph, struct tb_bytes *out);

/* Is c one of the symbols of this UTF-8 text? */
bool tb_phone_in(uint16_t c, const char *symbols);
/* Of English, diphthongs included. The article's ɐ is none: in the training text "to a" is "tə ɐ". */
bool tb_phone_is_vowel(uint16_t c);
bool tb_phone_is_consonant(uint16_t c);

/* Make the main stress a secondary one, and what was secondary none. */
void tb_phones_demote(struct tb_phones *ph);
/* Make the secondary stress the main one when there is no main one. */
void tb_phones_promote(struct tb_phones *ph);
/* Put a mark before the first vowel of a word that has no stress. */
void tb_phones_stress(struct tb_phones *ph, uint16_t mark);
/* How much there is to say, for choosing which part of a compound is the weaker: vowels of two parts count double. */
unsigned tb_phones_weight(const struct tb_phones *ph);

#endif
