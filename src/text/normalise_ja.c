/* normalise_ja.c - see normalise_ja.h. */
#include "text/normalise_ja.h"

#include <string.h>

#include "text/utf8.h"

static const struct tb_symbol symbols[] = {
    { '&', "アンド" }, { '=', "イコール" },   { '+', "プラス" },       { '%', "パーセント" },   { 0xD7, "カケル" },
    { 0xF7, "ワル" },  { '<', "ショーナリ" }, { '>', "ダイナリ" },     { 0x2103, "ド" },        { 0x3007, "ゼロ" },
    { '@', "アット" }, { 0x3012, "ユービン" }, { 0xB1, "プラスマイナス" }, { 0x221E, "ムゲンダイ" }, { 0, NULL },
};

static const struct tb_symbol marks[] = {
    { 0x300A, "“" }, { 0x300B, "”" }, { 0x3008, "“" }, { 0x3009, "”" }, { 0x3014, "(" }, { 0x3015, ")" },
    { 0xB7, " " },   { 0x30FB, " " }, { '/', "," },    { '|', "," },    { 0, NULL },
};

static bool is_latin(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void put_space(struct tb_norm *s)
{
    if (s->out->size && !tb_norm_said(s, " ") && !tb_norm_said(s, "(") && !tb_norm_said(s, "“") && !s->rc)
        s->rc = tb_bytes_add(s->out, " ", 1);
}

/* Behind a space, or at once. */
static void put(struct tb_norm *s, struct tb_str text)
{
    if (tb_norm_said(s, " "))
        tb_norm_say(s, text);
    else
        tb_norm_mark(s, text);
}

void tb_norm_ja_say(struct tb_norm *s, const char *kana)
{
    put_space(s);
    put(s, tb_str_of(kana));
    put_space(s);
}

/* Latin words, with the dots, digits and signs of addresses among them. */
static bool read_latin(struct tb_norm *s)
{
    size_t start = s->at, end = start;

    while (is_latin(tb_norm_peek(s, end)) ||
           (end > start && tb_norm_peek(s, end) && strchr("'-.@_/:", tb_norm_peek(s, end)) &&
            is_latin(tb_norm_peek(s, end + 1))))
        end++;
    if (end == start)
        return false;
    put_space(s);
    put(s, (struct tb_str){ s->in.p + start, end - start });
    put_space(s);
    s->at = end;
    return true;
}

static void read_other(struct tb_norm *s)
{
    size_t start = s->at;
    uint32_t c = tb_utf8_next(s->in, &s->at);
    struct tb_str self = { s->in.p + start, s->at - start };
    const char *name = tb_norm_symbol(symbols, c), *mark = tb_norm_symbol(marks, c);

    if (tb_norm_is_digit((char)(c < 0x80 ? c : 0)))
        tb_norm_ja_digit(s, (char)c);
    else if (name)
        tb_norm_ja_say(s, name);
    else if (c == ' ' || (mark && mark[0] == ' '))
        put_space(s);
    else if (mark)
        tb_norm_mark_once(s, tb_str_of(mark));
    else if (tb_norm_is_kept_mark(c))
        tb_norm_mark_once(s, self);
    else if (c >= 0xC0 && !(c >= 0x2000 && c <= 0x2BFF) && !(c >= 0x3000 && c <= 0x3004) &&
             !(c >= 0x3008 && c <= 0x3040))
        put(s, self);
}

static bool read_any(struct tb_norm *s)
{
    if (!tb_norm_ja_read_number(s) && !read_latin(s))
        read_other(s);
    return true;
}

const struct tb_norm_language tb_norm_japanese = { .locale = "ja", .own = read_any };
