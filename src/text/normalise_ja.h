/* normalise_ja.h - the Japanese normaliser: see normalise_priv.h. Numbers become kana with what they count, because the
 * two change each other: 3本 is サンボン. */
#ifndef TB_TEXT_NORMALISE_JA_H
#define TB_TEXT_NORMALISE_JA_H

#include "text/normalise_priv.h"

extern const struct tb_norm_language tb_norm_japanese;

/* A number at s->at, with what belongs to it; false: there is none. */
bool tb_norm_ja_read_number(struct tb_norm *s);
/* Say kana as a word of its own. */
void tb_norm_ja_say(struct tb_norm *s, const char *kana);
void tb_norm_ja_digit(struct tb_norm *s, char digit);

#endif
