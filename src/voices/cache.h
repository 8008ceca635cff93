/* cache.h - voice prints in memory, so that a synthesis does not read its print from the disk each time.
 *
 * A print never changes under its voice id, so an entry is right for as long as the voice exists; whether it does, the
 * caller asks the store each time (another process may have deleted it). Thread-safe. */
#ifndef TB_VOICES_CACHE_H
#define TB_VOICES_CACHE_H

#include <stdbool.h>

#include "store/store.h"

struct tb_print_cache;

enum tb_code tb_print_cache_open(struct tb_print_cache **out, struct tb_error *err);
void tb_print_cache_close(struct tb_print_cache *cache);

/* Append the print of a voice; false: not here (or no memory), *print is unchanged. created_ms tells a voice from an
 * earlier one of the same id. */
bool tb_print_cache_get(struct tb_print_cache *cache, const struct tb_voice_info *voice, struct tb_bytes *print);
/* Keep a copy; the entry unused for longest makes room. */
void tb_print_cache_put(struct tb_print_cache *cache, const struct tb_voice_info *voice, struct tb_str print);
void tb_print_cache_drop(struct tb_print_cache *cache, struct tb_str id);
void tb_print_cache_clear(struct tb_print_cache *cache);

#endif
