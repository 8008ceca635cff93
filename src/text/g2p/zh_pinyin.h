/* zh_pinyin.h - one pinyin syllable in the symbols that the model was trained on. */
#ifndef TB_TEXT_G2P_ZH_PINYIN_H
#define TB_TEXT_G2P_ZH_PINYIN_H

#include "base/str.h"

enum { TB_ZH_NEUTRAL = 5, TB_ZH_SYLLABLE_MOST = 8 /* characters: "zhuang4" and a NUL */ };

/* Append the symbols of "zhuang4": the tone, → ↗ ↓ ↘ or nothing, stands behind the vowel. False: no such syllable, and
 * nothing is appended. *rc is the trouble with memory, if any. */
bool tb_zh_symbols(struct tb_str syllable, struct tb_bytes *out, enum tb_code *rc);

#endif
