/* normalise.c - see normalise.h and normalise_priv.h. */
#include "text/normalise.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <unicode/unum.h>
#include <unicode/ustring.h>

#include "base/limits.h"
#include "text/clean.h"
#include "text/normalise_priv.h"
#include "text/utf8.h"

enum { WORDS_MOST = 400, SOFT_HYPHEN = 0xAD };

struct tb_normaliser {
    const struct tb_norm_language *lang; /* NULL: digits and signs stay */
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

static bool out_ends_with(const struct tb_norm *s, const char *end)
{
    size_t n = strlen(end);

    return s->out->size >= n && memcmp(s->out->data + s->out->size - n, end, n) == 0;
}

static void space(struct tb_norm *s)
{
    if (s->out->size && !out_ends_with(s, " ") && !out_ends_with(s, "(") && !out_ends_with(s, "“"))
        add(s, " ", 1);
}

void tb_norm_say(struct tb_norm *s, struct tb_str words)
{
    if (words.n == 0)
        return;
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
    else if (out_ends_with(s, " "))
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
    tb_norm_say(s, (struct tb_str){ utf8, len });
}

void tb_norm_digits(struct tb_norm *s, struct tb_str digits)
{
    for (size_t i = 0; i < digits.n; i++)
        if (tb_norm_is_digit(digits.p[i]))
            tb_norm_number(s, digits.p[i] - '0', TB_CARDINAL);
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

/* Walking ---------------------------------------------------------------------------------------------------------- */

static bool is_kept_mark(uint32_t c)
{
    return (c < 0x80 && c && strchr(".,;:!?()", (int)c)) || c == 0x2014 || c == 0x2026 || c == 0x201C || c == 0x201D;
}

/* " - ", "--" and the en dash are pauses. Moves past them. */
static bool read_dash(struct tb_norm *s)
{
    size_t end = s->at;
    bool wide = false;

    while (tb_norm_peek(s, end) == '-')
        end++;
    if (end == s->at && s->in.n - end >= 3 && memcmp(s->in.p + end, "–", 3) == 0) {
        end += 3;
        wide = true;
    }
    if (end == s->at)
        return false;
    bool alone = (s->at == 0 || s->in.p[s->at - 1] == ' ') && (end == s->in.n || s->in.p[end] == ' ');
    if ((wide || alone || end - s->at > 1) && s->out->size && !out_ends_with(s, "—"))
        tb_norm_mark(s, tb_str_of("—"));
    s->at = end;
    return true;
}

static void read_symbol(struct tb_norm *s)
{
    size_t start = s->at;
    uint32_t c = tb_utf8_next(s->in, &s->at);

    if (is_kept_mark(c)) {
        struct tb_str mark = { s->in.p + start, s->at - start };
        if (c == '.' && tb_norm_peek(s, s->at) == '.') { /* two or more are an ellipsis */
            while (tb_norm_peek(s, s->at) == '.')
                s->at++;
            mark = tb_str_of("…");
        }
        if (c == '.' && out_ends_with(s, "."))
            return;
        if (s->out->size || c == '(' || c == 0x201C)
            tb_norm_mark(s, mark);
        return;
    }
    if (c == ' ') {
        if (s->out->size && !out_ends_with(s, "(") && !out_ends_with(s, "“"))
            space(s);
        return;
    }
    for (const struct tb_symbol *symbol = s->lang->symbols; symbol->c; symbol++)
        if (symbol->c == c) {
            tb_norm_sayz(s, symbol->word);
            return;
        }
}

static void walk(struct tb_norm *s)
{
    while (s->at < s->in.n && !s->rc) {
        size_t before = s->at;

        if (tb_norm_read_address(s) || tb_norm_read_number(s) || tb_norm_read_word(s) || read_dash(s))
            continue;
        if (s->at == before)
            read_symbol(s);
    }
}

/* Languages without a table: letters, digits and marks stay, and the signs that their voices read. */
static void walk_plainly(struct tb_norm *s)
{
    while (s->at < s->in.n && !s->rc) {
        size_t start = s->at;
        uint32_t c;

        if (s->in.p[start] == '-' && (start == 0 || s->in.p[start - 1] == ' ') && read_dash(s))
            continue;
        c = tb_utf8_next(s->in, &s->at);
        if (c == ' ')
            space(s);
        else if (is_kept_mark(c) && (s->out->size || c == '(' || c == 0x201C) &&
                 !(tb_norm_is_digit(tb_norm_peek(s, s->at)) && start > 0 && tb_norm_is_digit(s->in.p[start - 1])))
            tb_norm_mark(s, (struct tb_str){ s->in.p + start, s->at - start });
        else if (c > 0x7F ? c != 0xBF && c != 0xA1 : c && strchr("*_|\\^~<>\"", (int)c) == NULL)
            add(s, s->in.p + start, s->at - start);
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
    n->lang = lang == TB_LANG_EN ? &tb_norm_english : lang == TB_LANG_ES ? &tb_norm_spanish : NULL;
    for (int i = 0; n->lang && i < TB_NUMBER_FORMS && !rc; i++)
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
    if (!s.rc && n->lang)
        walk(&s);
    else if (!s.rc)
        walk_plainly(&s);
    while (words.size && words.data[words.size - 1] == ' ')
        words.size--;
    if (!s.rc && words.size)
        s.rc = tb_bytes_add(out, words.data, words.size);
    tb_bytes_free(&words);
    tb_bytes_free(&clean);
    return s.rc ? tb_fail(err, s.rc, "words of %zu bytes of text", text.n) : TB_OK;
}
