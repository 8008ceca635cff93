/* str.c - see str.h. */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct tb_str tb_str_of(const char *z)
{
    return (struct tb_str){ z ? z : "", z ? strlen(z) : 0 };
}

bool tb_str_eq(struct tb_str a, const char *z)
{
    return a.n == strlen(z) && (a.n == 0 || memcmp(a.p, z, a.n) == 0);
}

bool tb_str_eq_nocase(struct tb_str a, const char *z)
{
    return a.n == strlen(z) && (a.n == 0 || strncasecmp(a.p, z, a.n) == 0);
}

int tb_str_compare(struct tb_str a, struct tb_str b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

bool tb_str_ends_with(struct tb_str a, const char *end)
{
    size_t n = strlen(end);

    return a.n > n && memcmp(a.p + a.n - n, end, n) == 0;
}

bool tb_str_blank(struct tb_str a)
{
    for (size_t i = 0; i < a.n; i++)
        if (a.p[i] == 0 || !strchr(" \t\r\n\f\v", a.p[i]))
            return false;
    return true;
}

int tb_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *tb_str_dup(struct tb_str a)
{
    char *z = malloc(a.n + 1);

    if (z) {
        if (a.n)
            memcpy(z, a.p, a.n);
        z[a.n] = 0;
    }
    return z;
}

enum tb_code tb_bytes_reserve(struct tb_bytes *b, size_t n)
{
    size_t want, room;

    if (tb_add_overflow(b->size, n, &want) || want == SIZE_MAX || (b->cap && want > b->cap))
        return TB_ETOOBIG;
    want++; /* the NUL */
    if (want <= b->room)
        return TB_OK;
    room = b->room ? b->room : 64;
    while (room < want)
        room = room > SIZE_MAX / 2 ? want : room * 2;
    if (b->cap && room > b->cap + 1)
        room = b->cap + 1;

    uint8_t *data = realloc(b->data, room);
    if (!data)
        return TB_ENOMEM;
    data[b->size] = 0;
    b->data = data;
    b->room = room;
    return TB_OK;
}

enum tb_code tb_bytes_add(struct tb_bytes *b, const void *p, size_t n)
{
    enum tb_code rc = tb_bytes_reserve(b, n);

    if (rc)
        return rc;
    if (n)
        memcpy(b->data + b->size, p, n);
    b->size += n;
    b->data[b->size] = 0;
    return TB_OK;
}

enum tb_code tb_bytes_addz(struct tb_bytes *b, const char *z)
{
    return tb_bytes_add(b, z, strlen(z));
}

enum tb_code tb_bytes_addf(struct tb_bytes *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return TB_EINTERNAL;

    enum tb_code rc = tb_bytes_reserve(b, (size_t)n);
    if (rc)
        return rc;
    va_start(ap, fmt);
    vsnprintf((char *)b->data + b->size, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->size += (size_t)n;
    return TB_OK;
}

void tb_bytes_drop(struct tb_bytes *b, size_t n)
{
    if (n > b->size)
        n = b->size;
    if (!n)
        return;
    memmove(b->data, b->data + n, b->size - n + 1);
    b->size -= n;
}

void tb_bytes_free(struct tb_bytes *b)
{
    free(b->data);
    *b = (struct tb_bytes){ .cap = b->cap };
}
