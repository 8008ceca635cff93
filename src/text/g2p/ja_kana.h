/* ja_kana.h - the kana of one word in the symbols that the model was trained on. */
#ifndef TB_TEXT_G2P_JA_KANA_H
#define TB_TEXT_G2P_JA_KANA_H

#include "base/str.h"

/* Append the symbols of a word in kana, "トーキョー" to "toːkʲoː". Other characters are left out. */
enum tb_code tb_ja_symbols(struct tb_str kana, struct tb_bytes *out);
/* Katakana, hiragana and the mark of long vowels. */
bool tb_is_kana(uint32_t c);
bool tb_is_katakana(uint32_t c);

#endif
