/* korean.h - Korean words to the model's symbols, by the rules of standard pronunciation. */
#ifndef TB_TEXT_G2P_KOREAN_H
#define TB_TEXT_G2P_KOREAN_H

#include "base/str.h"

/* Append the phonemes of Hangul words, which spaces part. Other characters but spaces are left out. */
enum tb_code tb_korean_phonemes(struct tb_str words, struct tb_bytes *out);

#endif
