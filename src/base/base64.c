/* base64.c - see base64.h. */
#include "base/base64.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char urlsafe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Encode n bytes into out, padded when pad is set; returns the characters written. */
static size_t encode(const uint8_t *p, size_t n, const char *alphabet, int pad, char *out)
{
    char *o = out;

    for (; n >= 3; n -= 3, p += 3) {
        *o++ = alphabet[p[0] >> 2];
        *o++ = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
        *o++ = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
        *o++ = alphabet[p[2] & 63];
    }
    if (n) {
        unsigned second = n > 1 ? p[1] : 0;

        *o++ = alphabet[p[0] >> 2];
        *o++ = alphabet[(p[0] & 3) << 4 | second >> 4];
        if (n > 1)
            *o++ = alphabet[(second & 15) << 2];
        else if (pad)
            *o++ = '=';
        if (pad)
            *o++ = '=';
    }
    return (size_t)(o - out);
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

enum tb_code tb_base64_encode(const void *p, size_t n, struct tb_bytes *out)
{
    size_t room;
    enum tb_code rc;

    if (tb_mul_overflow((n + 2) / 3, 4, &room))
        return TB_ETOOBIG;
    if ((rc = tb_bytes_reserve(out, room)))
        return rc;
    out->size += encode(p, n, standard, 1, (char *)out->data + out->size);
    out->data[out->size] = 0;
    return TB_OK;
}

enum tb_code tb_base64_decode(struct tb_str text, struct tb_bytes *out, struct tb_error *err)
{
    size_t start = out->size, chars = 0;
    uint32_t bits = 0;
    enum tb_code rc = tb_bytes_reserve(out, text.n / 4 * 3 + 3);

    if (rc)
        return tb_fail(err, rc, "%zu characters of base64", text.n);
    size_t i = 0;
    for (; i < text.n && text.p[i] != '='; i++) {
        if (is_space(text.p[i]))
            continue;

        int v = value_of(text.p[i]);
        if (v < 0) {
            out->data[out->size = start] = 0;
            return tb_fail(err, TB_EINVAL, "base64: character 0x%02x at %zu", (unsigned char)text.p[i], i);
        }
        bits = bits << 6 | (uint32_t)v;
        if (++chars % 4 == 0) {
            out->data[out->size++] = (uint8_t)(bits >> 16);
            out->data[out->size++] = (uint8_t)(bits >> 8);
            out->data[out->size++] = (uint8_t)bits;
        }
    }
    size_t padding = 0;
    for (; i < text.n; i++) {
        if (text.p[i] == '=' && padding < 2)
            padding++;
        else if (!is_space(text.p[i]))
            break;
    }
    if (i < text.n || chars % 4 == 1 || (padding && (chars + padding) % 4)) {
        out->data[out->size = start] = 0;
        return tb_fail(err, TB_EINVAL, "base64: ends badly at %zu of %zu characters", i, text.n);
    }
    if (chars % 4 >= 2)
        out->data[out->size++] = (uint8_t)(chars % 4 == 2 ? bits >> 4 : bits >> 10);
    if (chars % 4 == 3)
        out->data[out->size++] = (uint8_t)(bits >> 2);
    out->data[out->size] = 0;
    return TB_OK;
}

void tb_base64url(const void *p, size_t n, char *out)
{
    out[encode(p, n, urlsafe, 0, out)] = 0;
}
