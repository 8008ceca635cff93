/* normalise.h - written text to words that can be spoken: numbers, dates, times, money, units, abbreviations,
 * addresses and symbols become words; punctuation that steers the prosody stays; what cannot be said goes.
 *
 * The output is NFC text of letters, apostrophes, hyphens, single spaces and the
 * marks . , ; : ! ? … — ( ) “ ”. Any bytes may come in: malformed UTF-8 is dropped,
 * runs of combining marks are capped, the output is capped. Each language has
 * a table and rules of its own (normalise_priv.h). */
#ifndef TB_TEXT_NORMALISE_H
#define TB_TEXT_NORMALISE_H

#include "base/str.h"
#include "text/lang.h"

struct tb_normaliser;

/* Open for one language. TB_EINVAL: lang is TB_LANG_AUTO. Release with tb_normaliser_close. */
enum tb_code tb_normaliser_open(enum tb_lang lang, struct tb_normaliser **out, struct tb_error *err);
void tb_normaliser_close(struct tb_normaliser *n);

/* Append the words of text to *out. Thread-safe. TB_ETOOBIG: text is over TB_MAX_NORMALISE_IN bytes, or its words over
 * TB_MAX_NORMALISE_OUT. */
enum tb_code tb_normalise(const struct tb_normaliser *n, struct tb_str text, struct tb_bytes *out,
                          struct tb_error *err);

#endif
