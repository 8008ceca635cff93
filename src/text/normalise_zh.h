/* normalise_zh.h - the Chinese normaliser: see normalise_priv.h. Words are not spaced, so that it has
 * readers of its own. */
#ifndef TB_TEXT_NORMALISE_ZH_H
#define TB_TEXT_NORMALISE_ZH_H

#include "text/normalise_priv.h"

extern const struct tb_norm_language tb_norm_chinese;

/* A number at s->at, with what belongs to it; false: there is none. */
bool tb_norm_zh_read_number(struct tb_norm *s);
/* Say a number, 0 to 10^15 - 1. */
void tb_norm_zh_number(struct tb_norm *s, long long value);

#endif
