/* normalise_zh.c - see normalise_zh.h. */
#include "text/normalise_zh.h"

#include <string.h>

#include "text/utf8.h"

/* Signs by their names; an empty name drops the sign. */
static const struct tb_symbol symbols[] = {
    { '&', "和" },     { '=', "等于" },   { '<', "小于" },       { '>', "大于" },       { '%', "百分号" },  { 0xD7, "乘" },
    { 0xF7, "除以" },  { 0xB1, "正负" },  { 0x2248, "约等于" },  { 0x2264, "小于等于" }, { 0x2265, "大于等于" },
    { 0x2260, "不等于" }, { 0x221A, "根号" }, { 0x221E, "无穷大" }, { 0x3007, "零" },    { 0x25CB, "零" },   { 0x2103, "摄氏度" },
    { 0, NULL },
};

/* Marks of this script and what they are to the model. */
static const struct tb_symbol marks[] = {
    { 0x300A, "“" }, { 0x300B, "”" }, { 0x3008, "“" }, { 0x3009, "”" }, { 0x3014, "(" }, { 0x3015, ")" },
    { 0xB7, " " },   { 0x30FB, " " }, { '/', "," },    { '|', "," },    { 0, NULL },
};

static bool is_latin(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Addresses -------------------------------------------------------------------------------------------------------- */

/* Bytes of what may be an address, from s->at. */
static size_t address_length(const struct tb_norm *s)
{
    size_t n = 0;

    while (is_latin(tb_norm_peek(s, s->at + n)) || tb_norm_is_digit(tb_norm_peek(s, s->at + n)) ||
           (tb_norm_peek(s, s->at + n) && strchr("._-@:/~?=&#%+", tb_norm_peek(s, s->at + n))))
        n++;
    while (n && strchr(".:?-&#", s->in.p[s->at + n - 1]))
        n--;
    return n;
}

/* The last part of "example.com". */
static bool is_domain(struct tb_str text)
{
    size_t slash = 0, dot = 0;

    while (slash < text.n && text.p[slash] != '/')
        slash++;
    for (size_t i = 1; i < slash; i++)
        if (text.p[i] == '.')
            dot = i;
    struct tb_str last = { text.p + dot + 1, slash - dot - 1 };
    return dot && tb_norm_in_list(" com cn org net io edu gov ai dev app me tv co uk ", last, true);
}

static bool is_address(struct tb_str text)
{
    const char *at = memchr(text.p, '@', text.n);

    if (at && at > text.p && memchr(at, '.', (size_t)(text.p + text.n - at)))
        return true;
    return memmem(text.p, text.n, "://", 3) || (text.n > 4 && memcmp(text.p, "www.", 4) == 0) || is_domain(text);
}

static bool read_address(struct tb_norm *s)
{
    static const struct tb_symbol names[] = {
        { '.', "点" },   { '@', "艾特" }, { '/', "斜杠" }, { '-', "杠" }, { '_', "下划线" }, { ':', "冒号" }, { '=', "等于" },
        { '?', "问号" }, { '&', "和" },   { '#', "井号" }, { '+', "加" }, { 0, NULL },
    };
    struct tb_str text = { s->in.p + s->at, address_length(s) };
    const char *scheme;

    if (!is_latin(tb_norm_peek(s, s->at)) || !is_address(text))
        return false;
    s->at += text.n;
    if ((scheme = memmem(text.p, text.n, "://", 3))) {
        text.n -= (size_t)(scheme + 3 - text.p);
        text.p = scheme + 3;
    }
    if (text.n && text.p[text.n - 1] == '/')
        text.n--;
    for (size_t i = 0; i < text.n; i++) {
        const char *name = tb_norm_symbol(names, (unsigned char)text.p[i]);

        if (tb_norm_is_digit(text.p[i]))
            tb_norm_zh_number(s, text.p[i] - '0');
        else if (name)
            tb_norm_mark(s, tb_str_of(name));
        else if (is_latin(text.p[i]))
            tb_norm_mark(s, (struct tb_str){ text.p + i, 1 });
    }
    return true;
}

/* Walking ---------------------------------------------------------------------------------------------------------- */

/* Latin words go on as they are, for the English G2P; hyphens and apostrophes only between letters. */
static bool read_latin(struct tb_norm *s)
{
    size_t start = s->at, end = start;

    while (is_latin(tb_norm_peek(s, end)) ||
           (end > start && (tb_norm_peek(s, end) == '\'' || tb_norm_peek(s, end) == '-') &&
            is_latin(tb_norm_peek(s, end + 1))))
        end++;
    if (end == start)
        return false;
    if (tb_norm_said(s, " "))
        tb_norm_say(s, (struct tb_str){ s->in.p + start, end - start });
    else
        tb_norm_mark(s, (struct tb_str){ s->in.p + start, end - start });
    s->at = end;
    return true;
}

static void put_space(struct tb_norm *s)
{
    if (s->out->size && !tb_norm_said(s, " ") && !s->rc)
        s->rc = tb_bytes_add(s->out, " ", 1);
}

/* A letter as it is. The space between a number and what it counts goes. */
static void put_letter(struct tb_norm *s, size_t start)
{
    struct tb_str self = { s->in.p + start, s->at - start };
    bool counted = start > 1 && s->in.p[start - 1] == ' ' && tb_norm_is_digit(s->in.p[start - 2]);

    if (tb_norm_said(s, " ") && !counted)
        tb_norm_say(s, self);
    else
        tb_norm_mark(s, self);
}

static const char *sign_name(const struct tb_norm *s, size_t start, uint32_t c)
{
    bool digit_before = start > 0 && tb_norm_is_digit(s->in.p[start - 1]);
    bool digit_after = tb_norm_is_digit(tb_norm_peek(s, s->at));

    if (c == '+')
        return "加";
    if (c == '*' && digit_before && digit_after)
        return "乘";
    if (c == '~' && digit_after)
        return "约";
    return tb_norm_symbol(symbols, c);
}

static void read_other(struct tb_norm *s)
{
    size_t start = s->at;
    uint32_t c = tb_utf8_next(s->in, &s->at);
    const char *name = sign_name(s, start, c), *mark = tb_norm_symbol(marks, c);

    if (name)
        tb_norm_mark(s, tb_str_of(name));
    else if (c == ' ' || (mark && mark[0] == ' '))
        put_space(s);
    else if (mark)
        tb_norm_mark_once(s, tb_str_of(mark));
    else if (tb_norm_is_kept_mark(c))
        tb_norm_mark_once(s, (struct tb_str){ s->in.p + start, s->at - start });
    else if (tb_is_han(c) || (c >= 0xC0 && !(c >= 0x2000 && c <= 0x2BFF) && !(c >= 0x3000 && c <= 0x303F)))
        put_letter(s, start);
}

/* Every place is read here; the readers of languages with spaces between words have nothing left to do. */
static bool read_any(struct tb_norm *s)
{
    if (!read_address(s) && !tb_norm_zh_read_number(s) && !read_latin(s))
        read_other(s);
    return true;
}

const struct tb_norm_language tb_norm_chinese = { .locale = "zh", .own = read_any };
