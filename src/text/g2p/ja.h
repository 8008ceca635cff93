/* ja.h - normalised Japanese text to the model's phoneme symbols.
 *
 * MeCab cuts the text into words and reads them, with the dictionary of Open
 * JTalk (naist-jdic). The model knows no sign of pitch accent, so that of the
 * dictionary is not used. */
#ifndef TB_TEXT_G2P_JA_H
#define TB_TEXT_G2P_JA_H

#include "text/g2p/foreign.h"

struct tb_ja;

/* dictionary: a folder with sys.dic, matrix.bin, char.bin, unk.dic and dicrc. TB_EIO: it is missing, or not such a one;
 * the error says so in words for people. Release with tb_ja_close. */
enum tb_code tb_ja_open(const char *dictionary, struct tb_ja **out, struct tb_error *err);
void tb_ja_close(struct tb_ja *j);

/* Append the phonemes of text, as tb_normalise makes it. Thread-safe. */
enum tb_code tb_ja_phonemes(const struct tb_ja *j, const struct tb_foreign *foreign, struct tb_str text,
                            struct tb_bytes *out, struct tb_error *err);

#endif
