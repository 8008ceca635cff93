/* zh.h - normalised Chinese text to the model's phoneme symbols (Standard Chinese).
 *
 * A run of Han characters is cut into words on the most probable path through
 * the dictionary; words get readings, readings get tones as spoken. What is not
 * Han is read as English. */
#ifndef TB_TEXT_G2P_ZH_H
#define TB_TEXT_G2P_ZH_H

#include "text/g2p/foreign.h"
#include "text/g2p/zh_dict.h"

/* Append the phonemes of text, as tb_normalise makes it. Thread-safe. */
enum tb_code tb_zh_phonemes(const struct tb_zh_dict *d, const struct tb_foreign *foreign, struct tb_str text,
                            struct tb_bytes *out, struct tb_error *err);
/* Append the readings of the Han characters, "jin1_tian1 tian1_qi4": _ within a word. For tests and diagnosis. */
enum tb_code tb_zh_pinyin(const struct tb_zh_dict *d, struct tb_str text, struct tb_bytes *out, struct tb_error *err);

#endif
