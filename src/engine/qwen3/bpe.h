/* bpe.h - text to the ids that the talker reads: Qwen2's byte-level BPE from vocab.json and merges.txt.
 *
 * Text is cut at special tokens, put into NFC, cut into pieces (words with the space before them, single digits,
 * punctuation, white space: pieces.h), and each piece's bytes are merged by rank. docs/MODEL-qwen3.md says which of
 * the two regular expressions in circulation the pieces follow.
 *
 * Read-only after loading and shared by all threads. */
#ifndef TB_ENGINE_QWEN3_BPE_H
#define TB_ENGINE_QWEN3_BPE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

struct tb_q3_bpe;

/* A growing list. A zeroed one is empty; release with tb_q3_ids_free. */
struct tb_q3_ids {
    int *id;
    int n, room;
};

/* Read vocab.json, merges.txt and, if there is one, tokenizer_config.json for the special tokens; without it they are
 * the published ones in their published order around `im_start`, the id of <|im_start|>. Release with
 * tb_q3_bpe_close. */
enum tb_code tb_q3_bpe_open(const char *folder, int im_start, struct tb_q3_bpe **out, struct tb_error *err);
/* The same of bytes; `folder` is for errors. An empty `config` is one that is missing. */
enum tb_code tb_q3_bpe_parse(struct tb_str vocab, struct tb_str merges, struct tb_str config, int im_start,
                             const char *folder, struct tb_q3_bpe **out, struct tb_error *err);
void tb_q3_bpe_close(struct tb_q3_bpe *bpe); /* NULL is fine */
/* One more than the largest id. */
int tb_q3_bpe_size(const struct tb_q3_bpe *bpe);
/* The id of a special token by its text; -1: there is none. */
int tb_q3_bpe_special(const struct tb_q3_bpe *bpe, struct tb_str token);

/* Append the ids of text, at most TB_MAX_BPE_TEXT bytes; malformed UTF-8 reads as U+FFFD. With `specials`, special
 * tokens that are spelt out in it become their ids, as in the reference; else they are text like any other. */
enum tb_code tb_q3_bpe_encode(const struct tb_q3_bpe *bpe, struct tb_str text, bool specials, struct tb_q3_ids *out,
                              struct tb_error *err);

enum tb_code tb_q3_ids_add(struct tb_q3_ids *ids, int id, struct tb_error *err);
void tb_q3_ids_free(struct tb_q3_ids *ids);

#endif
