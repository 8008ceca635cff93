/* clean.h - any bytes to tidy NFC text: the first step of normalisation. */
#ifndef TB_TEXT_CLEAN_H
#define TB_TEXT_CLEAN_H

#include "base/str.h"

/* Append text without what nobody can say or see: malformed UTF-8, control and format characters (bidi marks, joiners,
 * soft hyphens), emoji, private use, combining marks over TB_MAX_COMBINING on one letter. What is written in a script
 * of none of the ten languages, Greek aside, becomes a space. Full-width forms, ligatures and mathematical letters
 * become plain ones; all apostrophes become ', double quotes of all kinds “ or ”, hyphens -, all white space one space.
 * The rest is put into NFC. */
enum tb_code tb_text_clean(struct tb_str text, struct tb_bytes *out);

#endif
