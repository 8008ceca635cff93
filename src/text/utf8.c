/* utf8.c - see utf8.h. */
#include "text/utf8.h"

/* Bytes that a lead byte announces; 0: not a lead byte. */
static size_t announced(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 3;
    return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

/* Decode at p of n > 0 bytes. Returns the bytes used, 0 when malformed. */
static size_t decode(const unsigned char *p, size_t n, uint32_t *c)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t len = announced(p[0]);
    uint32_t v;

    if (len == 0 || len > n)
        return 0;
    if (len == 1) {
        *c = p[0];
        return 1;
    }
    v = p[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3Fu);
    }
    if (v < least[len] || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
        return 0;
    *c = v;
    return len;
}

uint32_t tb_utf8_next(struct tb_str text, size_t *at)
{
    uint32_t c = TB_UTF8_BAD;
    size_t len = decode((const unsigned char *)text.p + *at, text.n - *at, &c);

    *at += len ? len : 1;
    return c;
}

uint32_t tb_utf8_previous(struct tb_str text, size_t *at)
{
    size_t end = *at;

    for (size_t len = 1; len <= 4 && len <= end; len++) {
        uint32_t c;

        if (((unsigned char)text.p[end - len] & 0xC0) == 0x80)
            continue;
        if (decode((const unsigned char *)text.p + end - len, len, &c) != len)
            break;
        *at = end - len;
        return c;
    }
    *at = end - 1;
    return TB_UTF8_BAD;
}

bool tb_utf8_valid(struct tb_str text)
{
    uint32_t c;
    size_t len;

    for (size_t at = 0; at < text.n; at += len) {
        len = decode((const unsigned char *)text.p + at, text.n - at, &c);
        if (len == 0)
            return false;
    }
    return true;
}

size_t tb_utf8_count(struct tb_str text)
{
    size_t count = 0;

    for (size_t at = 0; at < text.n; count++)
        tb_utf8_next(text, &at);
    return count;
}

size_t tb_utf8_put(char out[4], uint32_t c)
{
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        c = TB_UTF8_BAD;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(c | (0xF00u >> len & 0xFF));
    return len;
}

enum tb_code tb_utf8_add(struct tb_bytes *out, uint32_t c)
{
    char bytes[4];

    return tb_bytes_add(out, bytes, tb_utf8_put(bytes, c));
}

bool tb_is_han(uint32_t c)
{
    return (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF);
}

size_t tb_text_weight(struct tb_str text)
{
    size_t weight = 0;

    for (size_t at = 0; at < text.n;)
        weight += tb_is_han(tb_utf8_next(text, &at)) ? 2 : 1;
    return weight;
}
