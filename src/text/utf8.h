/* utf8.h - code points of UTF-8 text, and how much text counts for usage.
 *
 * Nothing here trusts its input: overlong forms, surrogates, values past
 * U+10FFFF and cut sequences are malformed. */
#ifndef TB_TEXT_UTF8_H
#define TB_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { TB_UTF8_BAD = 0xFFFD };

/* The code point at byte *at, which must be < text.n; moves *at past it. Malformed: TB_UTF8_BAD, and one byte. */
uint32_t tb_utf8_next(struct tb_str text, size_t *at);
/* The code point that ends just before byte *at, which must be > 0; moves *at to its first byte. */
uint32_t tb_utf8_previous(struct tb_str text, size_t *at);
bool tb_utf8_valid(struct tb_str text);
/* Number of code points; each malformed byte counts as one. */
size_t tb_utf8_count(struct tb_str text);
/* Write one code point; returns the bytes written, 1 .. 4. What is no code point becomes U+FFFD. */
size_t tb_utf8_put(char out[4], uint32_t c);
/* Append one code point. */
enum tb_code tb_utf8_add(struct tb_bytes *out, uint32_t c);

/* Han ideographs: U+3400-4DBF, U+4E00-9FFF, U+F900-FAFF. */
bool tb_is_han(uint32_t c);
/* usage.characters (docs/API.md): a Han ideograph counts 2, every other code point 1; nothing is trimmed. */
size_t tb_text_weight(struct tb_str text);

#endif
