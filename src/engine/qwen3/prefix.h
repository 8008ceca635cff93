/* prefix.h - how prompts begin, with the keys and values that the talker made of it: what depends on voice and language
 * alone is read once for all sessions.
 *
 * An entry is found by its rows, compared number by number, so nothing has to be told apart by name; and a token's keys
 * and values have the same bits whatever follows or runs beside it, so whoever takes them over says what he would have
 * said. The entries that were not used for longest go when there are more than so many bytes. Any thread. */
#ifndef TB_ENGINE_QWEN3_PREFIX_H
#define TB_ENGINE_QWEN3_PREFIX_H

#include "engine/qwen3/transformer.h"

struct tb_q3_prefixes;

/* Of one talker. most: bytes of all entries. Release with tb_q3_prefixes_close. */
enum tb_code tb_q3_prefixes_open(size_t most, struct tb_q3_prefixes **out, struct tb_error *err);
void tb_q3_prefixes_close(struct tb_q3_prefixes *p); /* NULL is fine */
size_t tb_q3_prefixes_size(struct tb_q3_prefixes *p);

/* The cache holds the first cache->position rows of a prompt. Take over what is known of more of them, but never the
 * last; returns how many it holds then. rows [n][hidden] */
int tb_q3_prefixes_find(struct tb_q3_prefixes *p, struct tb_mat rows, struct tb_q3_cache *cache);
/* Keep rows [n][hidden], which the cache begins with, or as many as a quarter of all bytes holds. Without memory for it
 * nothing is kept. */
void tb_q3_prefixes_keep(struct tb_q3_prefixes *p, struct tb_mat rows, const struct tb_q3_cache *cache);

#endif
