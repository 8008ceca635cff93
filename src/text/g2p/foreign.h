/* foreign.h - what stands between the words of a language without spaces: marks, and words in other letters. */
#ifndef TB_TEXT_G2P_FOREIGN_H
#define TB_TEXT_G2P_FOREIGN_H

#include "base/str.h"

/* How words in other letters are said: append the phonemes of text. */
struct tb_foreign {
    enum tb_code (*say)(void *ctx, struct tb_str text, struct tb_bytes *out, struct tb_error *err);
    void *ctx;
};

/* Append text: its marks up to the first letter, then all the rest through *f. */
enum tb_code tb_foreign_say(const struct tb_foreign *f, struct tb_str text, struct tb_bytes *out, struct tb_error *err);
/* Append a space, unless one is there already or a bracket or quote just opened. */
enum tb_code tb_foreign_space(struct tb_bytes *out);
bool tb_foreign_ends_with(const struct tb_bytes *out, const char *end);

#endif
