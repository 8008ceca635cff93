/* symbols.h - the phoneme symbols that the Kokoro model knows, and espeak-ng's IPA turned into them. */
#ifndef TB_TEXT_G2P_SYMBOLS_H
#define TB_TEXT_G2P_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "text/lang.h"

/* The model's token of a code point, 1 .. 177; 0: not a symbol of the model. */
int tb_symbol_token(uint32_t c);
/* The code point of a token; 0: none. */
uint32_t tb_symbol_of(int token);

/* Append espeak's IPA (with the tie bar U+0361) in the model's symbols. What has no symbol is left out. */
enum tb_code tb_symbols_from_ipa(struct tb_str ipa, enum tb_lang lang, struct tb_bytes *out);

#endif
