/* str.h - spans of text, growing byte buffers with a cap, and overflow-checked size arithmetic. */
#ifndef TB_BASE_STR_H
#define TB_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Bytes that somebody else owns; not NUL-terminated. */
struct tb_str {
    const char *p;
    size_t n; /* bytes */
};

#define TB_STR(literal) ((struct tb_str){ "" literal, sizeof(literal) - 1 })

struct tb_str tb_str_of(const char *z); /* NULL gives the empty span */
bool tb_str_eq(struct tb_str a, const char *z);
bool tb_str_eq_nocase(struct tb_str a, const char *z); /* ASCII case only */
/* Below, at or above 0: a comes before b, is b, comes after b, by bytes. */
int tb_str_compare(struct tb_str a, struct tb_str b);
bool tb_str_ends_with(struct tb_str a, const char *end); /* and is longer */
bool tb_str_blank(struct tb_str a); /* nothing but ASCII white space */
/* Value of a hex digit in either case; -1: it is none. */
int tb_hex_value(char c);
/* Four bytes, the least significant first. */
static inline uint32_t tb_le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline void tb_put_le32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}
/* Copy as a NUL-terminated string; release with free(). NULL when out of memory. */
char *tb_str_dup(struct tb_str a);

/* Owned bytes that grow up to `cap`. A zeroed struct with a cap is an empty buffer.
 * data is kept NUL-terminated one past size, so text in it can be used as a string. */
struct tb_bytes {
    uint8_t *data;
    size_t size;
    size_t room; /* bytes allocated */
    size_t cap;  /* most that size may become; 0 means SIZE_MAX */
};

/* Append; on TB_ETOOBIG or TB_ENOMEM the buffer is unchanged. */
enum tb_code tb_bytes_add(struct tb_bytes *b, const void *p, size_t n);
enum tb_code tb_bytes_addz(struct tb_bytes *b, const char *z);
enum tb_code tb_bytes_addf(struct tb_bytes *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Make room for n more bytes at data + size; size is unchanged. */
enum tb_code tb_bytes_reserve(struct tb_bytes *b, size_t n);
/* Drop the first n bytes. */
void tb_bytes_drop(struct tb_bytes *b, size_t n);
void tb_bytes_free(struct tb_bytes *b);
static inline struct tb_str tb_bytes_str(const struct tb_bytes *b)
{
    return (struct tb_str){ (const char *)b->data, b->size };
}

/* True when the result does not fit; *out is then unspecified. */
static inline bool tb_mul_overflow(size_t a, size_t b, size_t *out)
{
    return __builtin_mul_overflow(a, b, out);
}
static inline bool tb_add_overflow(size_t a, size_t b, size_t *out)
{
    return __builtin_add_overflow(a, b, out);
}

#endif
