/* zh_dict.h - the Chinese dictionary in one mapped file, made by tools/convert_zh.py.
 *
 * Layout, little-endian, without padding:
 *     4 bytes  "TBZH"
 *     u32      version, 1
 *     u32      count of entries
 *     u32      pool size in bytes
 *     u32      [count] offsets into the pool, entries in ascending byte order
 *     pool     for each entry: u8 length, its Han characters as UTF-8; u16 cost, -ln(probability) * 2048, or 65535: no
 *              word, only a reading; u8 class, jieba's first letter (v verb, a adjective, ...); u8 length, reading as
 *              "ni3hao3" (v is ü, E is ê, 5 the neutral tone), or nothing: as its characters are read.
 * The file is read-only, shared by all threads, and not trusted: every offset and
 * length is checked when it is used, and a damaged entry is none. */
#ifndef TB_TEXT_G2P_ZH_DICT_H
#define TB_TEXT_G2P_ZH_DICT_H

#include <stdbool.h>

#include "base/str.h"
#include "text/g2p/mapped.h"

enum { TB_ZH_NO_WORD = 0xFFFF, TB_ZH_COST_MOST = 36683 /* of a character that is not in the list: one in all */ };

struct tb_zh_dict {
    const uint8_t *data; /* the whole file */
    size_t size;
    uint32_t count;
    struct tb_mapped file; /* empty when the bytes are the caller's */
};

struct tb_zh_entry {
    struct tb_str word, reading; /* in the file */
    unsigned cost;
    char class;
};

/* Map a file. TB_EIO: cannot be read; TB_EINVAL: not a dictionary. Release with tb_zh_dict_close. */
enum tb_code tb_zh_dict_open(const char *path, struct tb_zh_dict *out, struct tb_error *err);
/* Use bytes that stay with the caller. */
enum tb_code tb_zh_dict_use(const void *data, size_t size, struct tb_zh_dict *out, struct tb_error *err);
/* An empty *d is fine; leaves it empty. */
void tb_zh_dict_close(struct tb_zh_dict *d);

/* The entry of exactly this word. */
bool tb_zh_dict_find(const struct tb_zh_dict *d, struct tb_str word, struct tb_zh_entry *out);
/* The same, and whether any entry is longer than this word and begins with it. *place, 0 at first, speeds the search of
 * ever longer words with the same beginning. */
bool tb_zh_dict_step(const struct tb_zh_dict *d, struct tb_str word, uint32_t *place, struct tb_zh_entry *out,
                     bool *longer);

#endif
