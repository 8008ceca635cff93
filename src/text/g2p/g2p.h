/* g2p.h - text of one language to the phoneme symbols that the Kokoro model was trained on.
 *
 * Text is normalised first (text/normalise.h). English comes from the lexicon
 * (g2p/lexicon.h) with rules for inflected forms, and words that it lacks from
 * timbre-phonemes; Chinese from its own dictionary (g2p/zh.h), Japanese from
 * MeCab (g2p/ja.h), Korean from rules; the others from timbre-phonemes. Words in
 * Latin letters among another script are English. Every character of the output is one of the model's 114
 * symbols (g2p/symbols.h).
 *
 * Thread-safe: the timbre-phonemes process is behind a mutex, started when first
 * needed and again when it dies or does not answer. */
#ifndef TB_TEXT_G2P_G2P_H
#define TB_TEXT_G2P_G2P_H

#include "base/str.h"
#include "text/lang.h"

struct tb_g2p;

/* model_dir holds lexicon-en.bin, lexicon-zh.bin and the folder naist-jdic, helper_dir holds timbre-phonemes.
 * TB_EIO, TB_EINVAL: a lexicon is missing or damaged. A missing timbre-phonemes fails here too; without naist-jdic
 * only Japanese is refused, later.
 * Release with tb_g2p_close. */
enum tb_code tb_g2p_open(const char *model_dir, const char *helper_dir, struct tb_g2p **out, struct tb_error *err);
void tb_g2p_close(struct tb_g2p *g);

/* True when tb_g2p_phonemes takes the language. */
bool tb_g2p_speaks(enum tb_lang lang);

/* Append the phonemes of one segment to *out, UTF-8. Nothing speakable: nothing is appended, TB_OK.
 * TB_ELANGUAGE: not a language of tb_g2p_speaks, or Japanese without its dictionary.
 * TB_EIO: timbre-phonemes does not answer, even started anew. */
enum tb_code tb_g2p_phonemes(struct tb_g2p *g, struct tb_str text, enum tb_lang lang, struct tb_bytes *out,
                             struct tb_error *err);

#endif
