/* normalise.c - see normalise.h and normalise_priv.h. */
#include "text/normalise.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <unicode/uchar.h>
#include <unicode/unum.h>
#include <unicode/ustring.h>

#include "base/limits.h"
#include "text/clean.h"
#include "text/normalise_ja.h"
#include "text/normalise_priv.h"
#include "text/normalise_zh.h"
#include "text/utf8.h"

enum { WORDS_MOST = 400, SOFT_HYPHEN = 0xAD };

static const struct tb_norm_language *const languages[TB_LANG_COUNT] = {
    [TB_LANG_EN] = &tb_norm_english,
    [TB_LANG_ES] = &tb_norm_spanish,
    [TB_LANG_FR] = &tb_norm_french,
    [TB_LANG_IT] = &tb_norm_italian,
    [TB_LANG_PT] = &tb_norm_portuguese,
    [TB_LANG_DE] = &tb_norm_german,
    [TB_LANG_RU] = &tb_norm_russian,
    [TB_LANG_KO] = &tb_norm_korean,
    [TB_LANG_ZH] = &tb_norm_chinese,
    [TB_LANG_JA] = &tb_norm_japanese,
};

struct tb_normaliser {
    const struct tb_norm_language *lang;
    UNumberFormat *spell[TB_NUMBER_FORMS];
};

/* Saying ----------------------------------------------------------------------------------------------------------- */

static void add(struct tb_norm *s, const void *p, size_t n)
{
    if (!s->rc && s->out->size + n > TB_MAX_NORMALISE_OUT)
        s->rc = TB_ETOOBIG;
    if (!s->rc)
        s->rc = tb_bytes_add(s->out, p, n);
}

bool tb_norm_said(const struct tb_norm *s, const char *end)
{
    size_t n = strlen(end);

    return s->out->size >= n && memcmp(s->out->data + s->out->size - n, end, n) == 0;
}

/* Behind and before Latin letters a tight language has a space too: another script is another word. */
static bool is_joined(const struct tb_norm *s, struct tb_str words)
{
    return s->lang->tight && s->out->size && (unsigned char)s->out->data[s->out->size - 1] >= 0x80 &&
           (unsigned char)words.p[0] >= 0x80;
}

static void space(struct tb_norm *s)
{
    if (s->out->size && !tb_norm_said(s, " ") && !tb_norm_said(s, "(") && !tb_norm_said(s, "“"))
        add(s, " ", 1);
}

void tb_norm_say(struct tb_norm *s, struct tb_str words)
{
    if (words.n == 0)
        return;
    if (!is_joined(s, words))
        space(s);
    add(s, words.p, words.n);
}

void tb_norm_sayz(struct tb_norm *s, const char *words)
{
    tb_norm_say(s, tb_str_of(words));
}

void tb_norm_mark(struct tb_norm *s, struct tb_str mark)
{
    if (tb_str_eq(mark, "(") || tb_str_eq(mark, "“"))
        space(s);
    else if (tb_str_eq(mark, "—") && s->out->size)
        space(s);
    else if (tb_norm_said(s, " "))
        s->out->size--;
    add(s, mark.p, mark.n);
}

void tb_norm_number(struct tb_norm *s, long long value, enum tb_number_form form)
{
    UNumberFormat *spell = s->normaliser->spell[form] ? s->normaliser->spell[form] : s->normaliser->spell[TB_CARDINAL];
    UChar words[WORDS_MOST];
    UErrorCode status = U_ZERO_ERROR;
    int32_t n = unum_formatInt64(spell, value, words, WORDS_MOST, NULL, &status);
    char utf8[4 * WORDS_MOST];
    size_t len = 0;

    if (U_FAILURE(status)) {
        s->rc = s->rc ? s->rc : TB_EINTERNAL;
        return;
    }
    for (int32_t i = 0; i < n;) {
        UChar32 c;

        U16_NEXT(words, i, n, c);
        if (c != SOFT_HYPHEN)
            len += tb_utf8_put(utf8 + len, c == '-' ? ' ' : (uint32_t)c);
    }
    for (const char *const(*r)[2] = s->lang->respell; r && (*r)[0]; r++) {
        char *found = memmem(utf8, len, (*r)[0], strlen((*r)[0]));

        if (found)
            memcpy(found, (*r)[1], strlen((*r)[1]));
    }
    tb_norm_say(s, (struct tb_str){ utf8, len });
}

void tb_norm_digits(struct tb_norm *s, struct tb_str digits)
{
    for (size_t i = 0; i < digits.n; i++)
        if (tb_norm_is_digit(digits.p[i]))
            tb_norm_number(s, digits.p[i] - '0', TB_CARDINAL);
}

void tb_norm_group(struct tb_norm *s, struct tb_str digits)
{
    int value = 0;

    for (size_t i = 0; i < digits.n && i < 6; i++)
        value = value * 10 + (digits.p[i] - '0');
    if (digits.n <= s->lang->phone_group && digits.p[0] != '0')
        tb_norm_number(s, value, TB_CARDINAL);
    else
        for (size_t i = 0; i < digits.n; i++)
            if (digits.p[i] == '0' && s->lang->zero)
                tb_norm_sayz(s, s->lang->zero);
            else
                tb_norm_number(s, digits.p[i] - '0', TB_CARDINAL);
}

void tb_norm_glue(struct tb_norm *s, const char *end)
{
    add(s, end, strlen(end));
}

/* Looking ---------------------------------------------------------------------------------------------------------- */

char tb_norm_peek(const struct tb_norm *s, size_t at)
{
    return at < s->in.n ? s->in.p[at] : 0;
}

bool tb_norm_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool tb_norm_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

bool tb_norm_in_list(const char *list, struct tb_str word, bool any_case)
{
    for (const char *p = list; word.n && (p = strchr(p, ' ')) && p[1]; p++) {
        size_t n = strcspn(p + 1, " ");

        if (n == word.n && (any_case ? strncasecmp(p + 1, word.p, n) : strncmp(p + 1, word.p, n)) == 0)
            return true;
    }
    return false;
}

size_t tb_norm_digits_at(const struct tb_norm *s, size_t at)
{
    size_t n = 0;

    while (tb_norm_is_digit(tb_norm_peek(s, at + n)))
        n++;
    return n;
}

int tb_norm_small_number(const struct tb_norm *s, size_t at, size_t n)
{
    int value = 0;

    for (size_t i = 0; i < n && i < 6 && tb_norm_is_digit(tb_norm_peek(s, at + i)); i++)
        value = value * 10 + (s->in.p[at + i] - '0');
    return value;
}

bool tb_norm_starts_with(const struct tb_norm *s, size_t at, const char *z)
{
    size_t n = strlen(z);

    return at <= s->in.n && s->in.n - at >= n && memcmp(s->in.p + at, z, n) == 0;
}

bool tb_norm_han_number(const struct tb_norm *s, size_t at, struct tb_norm_han_number *out)
{
    size_t n = tb_norm_digits_at(s, at), end = at + n;

    *out = (struct tb_norm_han_number){ 0 };
    if (n == 0)
        return false;
    while (n <= 3 && tb_norm_peek(s, end) == ',' && tb_norm_digits_at(s, end + 1) == 3)
        end += 4;
    out->digits = (struct tb_str){ s->in.p + at, end - at };
    for (size_t i = at; i < end; i++)
        if (tb_norm_is_digit(s->in.p[i]) && out->count++ < TB_NORM_HAN_DIGITS)
            out->value = 10 * out->value + (s->in.p[i] - '0');
    out->spelled = out->count > TB_NORM_HAN_DIGITS || (n > 1 && s->in.p[at] == '0');
    n = tb_norm_digits_at(s, end + 1);
    if (tb_norm_peek(s, end) == '.' && n) {
        out->decimals = (struct tb_str){ s->in.p + end + 1, n };
        end += 1 + n;
    }
    out->end = end;
    return true;
}

size_t tb_norm_skip_space(const struct tb_norm *s, size_t at)
{
    return tb_norm_peek(s, at) == ' ' ? at + 1 : at;
}

/* Bytes inside a character count as letters: callers look at the byte before a place, too. */
bool tb_norm_is_edge(const struct tb_norm *s, size_t at)
{
    char c = tb_norm_peek(s, at);
    uint32_t point;

    if ((unsigned char)c < 0x80)
        return !tb_norm_is_digit(c) && !tb_norm_is_letter(c);
    point = tb_utf8_next(s->in, &at);
    return point != TB_UTF8_BAD && (s->lang->tight || !u_isalpha((UChar32)point));
}

bool tb_norm_is_upper(struct tb_str text, size_t at, size_t *next)
{
    if (at >= text.n)
        return false;
    *next = at;
    return u_isupper((UChar32)tb_utf8_next(text, next));
}

bool tb_norm_is_kept_mark(uint32_t c)
{
    return (c < 0x80 && c && strchr(".,;:!?()", (int)c)) || c == 0x2014 || c == 0x2026 || c == 0x201C || c == 0x201D;
}

const char *tb_norm_symbol(const struct tb_symbol *table, uint32_t c)
{
    for (; table->c; table++)
        if (table->c == c)
            return table->word;
    return NULL;
}

void tb_norm_mark_once(struct tb_norm *s, struct tb_str mark)
{
    bool opens = tb_str_eq(mark, "(") || tb_str_eq(mark, "“");
    char z[8];

    memcpy(z, mark.p, mark.n);
    z[mark.n] = 0;
    if ((s->out->size || opens) && !(tb_norm_said(s, z) && !opens))
        tb_norm_mark(s, mark);
}

struct tb_str tb_norm_counted(long long value, bool fraction, const char *one, const char *many)
{
    const char *bar = strchr(many, '|');
    long long last = value % 10, teen = value % 100 / 10;

    if (!bar)
        return tb_str_of(value == 1 && !fraction ? one : many);
    if (!fraction && last == 1 && teen != 1)
        return tb_str_of(one);
    if (fraction || (last >= 2 && last <= 4 && teen != 1))
        return (struct tb_str){ many, (size_t)(bar - many) };
    return tb_str_of(bar + 1);
}

/* Walking ---------------------------------------------------------------------------------------------------------- */

/* " - ", "--" and the en dash are pauses. Moves past them. */
static bool read_dash(struct tb_norm *s)
{
    size_t end = s->at;
    bool wide = false;

    while (tb_norm_peek(s, end) == '-')
        end++;
    if (end == s->at && tb_norm_starts_with(s, end, "–")) {
        end += strlen("–");
        wide = true;
    }
    if (end == s->at)
        return false;
    bool alone = (s->at == 0 || s->in.p[s->at - 1] == ' ') && (end == s->in.n || s->in.p[end] == ' ');
    if ((wide || alone || end - s->at > 1) && s->out->size && !tb_norm_said(s, "—"))
        tb_norm_mark(s, tb_str_of("—"));
    s->at = end;
    return true;
}

static void read_symbol(struct tb_norm *s)
{
    size_t start = s->at;
    uint32_t c = tb_utf8_next(s->in, &s->at);

    if (tb_norm_is_kept_mark(c)) {
        struct tb_str mark = { s->in.p + start, s->at - start };
        if (c == '.' && tb_norm_peek(s, s->at) == '.') { /* two or more are an ellipsis */
            while (tb_norm_peek(s, s->at) == '.')
                s->at++;
            mark = tb_str_of("…");
        }
        if (c == '.' && tb_norm_said(s, "."))
            return;
        if (s->out->size || c == '(' || c == 0x201C)
            tb_norm_mark(s, mark);
        return;
    }
    if (c == ' ') {
        if (s->out->size && !tb_norm_said(s, "(") && !tb_norm_said(s, "“"))
            space(s);
        return;
    }
    tb_norm_sayz(s, tb_norm_symbol(s->lang->symbols, c));
}

static void walk(struct tb_norm *s)
{
    while (s->at < s->in.n && !s->rc) {
        size_t before = s->at;

        if ((s->lang->own && s->lang->own(s)) || tb_norm_read_address(s) || tb_norm_read_number(s) ||
            tb_norm_read_word(s) || read_dash(s))
            continue;
        if (s->at == before)
            read_symbol(s);
    }
}

/* Opening ---------------------------------------------------------------------------------------------------------- */

static enum tb_code open_form(const struct tb_norm_language *lang, const char *rules, UNumberFormat **out,
                              struct tb_error *err)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar name[64];

    *out = unum_open(UNUM_SPELLOUT, NULL, 0, lang->locale, NULL, &status);
    if (U_SUCCESS(status)) {
        u_uastrncpy(name, rules, 63);
        name[63] = 0;
        unum_setTextAttribute(*out, UNUM_DEFAULT_RULESET, name, -1, &status);
    }
    if (U_FAILURE(status))
        return tb_fail(err, TB_EINTERNAL, "number words %s of %s: %s", rules, lang->locale, u_errorName(status));
    return TB_OK;
}

enum tb_code tb_normaliser_open(enum tb_lang lang, struct tb_normaliser **out, struct tb_error *err)
{
    struct tb_normaliser *n;
    enum tb_code rc = TB_OK;

    *out = NULL;
    if (lang <= TB_LANG_AUTO || lang >= TB_LANG_COUNT)
        return tb_fail(err, TB_EINVAL, "normaliser for language %d", (int)lang);
    n = calloc(1, sizeof *n);
    if (!n)
        return tb_fail(err, TB_ENOMEM, "normaliser");
    n->lang = languages[lang];
    for (int i = 0; i < TB_NUMBER_FORMS && !rc; i++)
        if (n->lang->forms[i])
            rc = open_form(n->lang, n->lang->forms[i], &n->spell[i], err);
    if (rc)
        tb_normaliser_close(n);
    else
        *out = n;
    return rc;
}

void tb_normaliser_close(struct tb_normaliser *n)
{
    if (!n)
        return;
    for (int i = 0; i < TB_NUMBER_FORMS; i++)
        if (n->spell[i])
            unum_close(n->spell[i]);
    free(n);
}

enum tb_code tb_normalise(const struct tb_normaliser *n, struct tb_str text, struct tb_bytes *out,
                          struct tb_error *err)
{
    struct tb_bytes clean = { 0 }, words = { 0 };
    struct tb_norm s = { .lang = n->lang, .normaliser = n, .out = &words };

    s.rc = tb_text_clean(text, &clean);
    s.in = tb_bytes_str(&clean);
    if (!s.rc)
        walk(&s);
    while (words.size && words.data[words.size - 1] == ' ')
        words.size--;
    if (!s.rc && words.size)
        s.rc = tb_bytes_add(out, words.data, words.size);
    tb_bytes_free(&words);
    tb_bytes_free(&clean);
    return s.rc ? tb_fail(err, s.rc, "words of %zu bytes of text", text.n) : TB_OK;
}
