/* normalise_word.c - words, abbreviations, capitals, Roman numerals and addresses: see normalise_priv.h. */
#include <string.h>
#include <strings.h>

#include <unicode/uchar.h>

#include "text/normalise_priv.h"
#include "text/utf8.h"

enum {
    ROMAN_MOST = 39, /* XXXIX: larger ones are mostly something else */
    QUOTE_MOST = 400 /* bytes between two single quotes */
};

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* A letter of any script at byte `at`; *next moves past it. Signs above ASCII are no letters. */
static bool letter_at(const struct tb_norm *s, size_t at, size_t *next)
{
    uint32_t c;

    if (at >= s->in.n)
        return false;
    *next = at;
    c = tb_utf8_next(s->in, next);
    if (c < 0x80)
        return tb_norm_is_letter((char)c);
    return c == 0xAA || c == 0xBA ? false : c >= 0xC0 && c != 0xD7 && c != 0xF7 && !(c >= 0x2000 && c <= 0x206F) &&
                                                !(c >= 0x20A0 && c <= 0x20CF) && !(c >= 0x2100 && c <= 0x2BFF) &&
                                                !(c >= 0x3000 && c <= 0x3040);
}

size_t tb_norm_word_at(const struct tb_norm *s, size_t at)
{
    size_t end = at, next;

    while (letter_at(s, end, &next)) {
        end = next;
        if ((tb_norm_peek(s, end) == '\'' || tb_norm_peek(s, end) == '-') && letter_at(s, end + 1, &next))
            end++;
    }
    return end - at;
}

static struct tb_str span(const struct tb_norm *s, size_t at, size_t n)
{
    return (struct tb_str){ s->in.p + at, n };
}

bool tb_norm_is_syllabic(struct tb_str capitals, size_t run)
{
    static const char vowel_letters[] = "AEIOUY";
    size_t vowels = 0, consonants = 0;

    if (capitals.n == 3 && !strchr(vowel_letters, capitals.p[0]) && !strchr("AEIOUYLRH", capitals.p[1]))
        return false; /* DNA */
    for (size_t i = 0; i < capitals.n; i++) {
        bool vowel = strchr(vowel_letters, capitals.p[i]) != NULL;

        vowels += vowel;
        consonants = vowel ? 0 : consonants + 1;
        if (consonants > run)
            return false;
    }
    return vowels > 0;
}

static bool is_capital_next(const struct tb_norm *s, size_t at)
{
    return tb_norm_peek(s, at) == ' ' && tb_norm_is_upper(s->in, at + 1, &at);
}

static bool is_sentence_end(const struct tb_norm *s, size_t at)
{
    return at >= s->in.n || is_capital_next(s, at) || (tb_norm_peek(s, at) == ' ' && at + 1 == s->in.n);
}

/* Addresses -------------------------------------------------------------------------------------------------------- */

static size_t token_at(const struct tb_norm *s)
{
    static const char marks[] = ".,;:!?)'";
    size_t n = 0;

    while (s->at + n < s->in.n && s->in.p[s->at + n] > ' ' && s->in.p[s->at + n] != '(' &&
           (unsigned char)s->in.p[s->at + n] < 0x80)
        n++;
    while (n > 0 && strchr(marks, s->in.p[s->at + n - 1]))
        n--;
    return n;
}

/* A name with a well-known ending: example.com, docs.example.org/x */
static bool is_domain(struct tb_str token)
{
    static const char ends[] = " com org net edu gov io dev ai app es uk de fr it eu us co info me tv mx ar ";
    const char *slash = memchr(token.p, '/', token.n);
    size_t n = slash ? (size_t)(slash - token.p) : token.n, dot = n;

    while (dot > 0 && token.p[dot - 1] != '.')
        dot--;
    if (dot < 3 || !tb_norm_in_list(ends, (struct tb_str){ token.p + dot, n - dot }, false))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!tb_norm_is_letter(token.p[i]) && !tb_norm_is_digit(token.p[i]) && !strchr(".-_", token.p[i]))
            return false;
    return true;
}

static bool is_email(struct tb_str token)
{
    const char *at = memchr(token.p, '@', token.n);

    return at && at > token.p && is_domain((struct tb_str){ at + 1, (size_t)(token.p + token.n - at - 1) });
}

static void say_sign(struct tb_norm *s, char c)
{
    switch (c) {
    case '.':
        tb_norm_sayz(s, s->lang->dot);
        return;
    case '@':
        tb_norm_sayz(s, s->lang->at);
        return;
    case '/':
        tb_norm_sayz(s, s->lang->slash);
        return;
    case '-':
        tb_norm_sayz(s, s->lang->dash);
        return;
    case '_':
        tb_norm_sayz(s, s->lang->underscore);
        return;
    default:
        tb_norm_sayz(s, tb_norm_symbol(s->lang->symbols, (unsigned char)c));
    }
}

/* Letters one by one, by their names or as "F-B-I" for those that spell so themselves. */
void tb_norm_spell(struct tb_norm *s, struct tb_str letters)
{
    char hyphened[128];
    size_t n = 0;

    for (size_t i = 0; i < letters.n && n + 2 < sizeof hyphened;) {
        uint32_t point = tb_utf8_next(letters, &i);
        char c = point < 0x80 ? (char)point : 0;

        if (c >= 'a' && c <= 'z')
            c = (char)(c - 32);
        if (s->lang->more_letters)
            tb_norm_sayz(s, tb_norm_symbol(s->lang->more_letters, point));
        if (!is_upper(c))
            continue;
        if (s->lang->letters) {
            tb_norm_sayz(s, s->lang->letters[c - 'A']);
        } else {
            if (n)
                hyphened[n++] = '-';
            hyphened[n++] = c;
        }
    }
    tb_norm_say(s, (struct tb_str){ hyphened, n });
}

static void say_address(struct tb_norm *s, struct tb_str token)
{
    for (size_t at = 0; at < token.n;) {
        size_t n = 0;

        if (tb_norm_is_digit(token.p[at])) {
            while (at + n < token.n && tb_norm_is_digit(token.p[at + n]))
                n++;
            tb_norm_digits(s, (struct tb_str){ token.p + at, n });
        } else if (tb_norm_is_letter(token.p[at])) {
            while (at + n < token.n && tb_norm_is_letter(token.p[at + n]))
                n++;
            struct tb_str word = { token.p + at, n };
            if (tb_str_eq(word, "www") || n == 1)
                tb_norm_spell(s, word);
            else
                tb_norm_say(s, word);
        } else {
            say_sign(s, token.p[at]);
            n = 1;
        }
        at += n;
    }
}

bool tb_norm_read_address(struct tb_norm *s)
{
    size_t n, skip = 0;
    struct tb_str token;

    if (s->at > 0 && s->in.p[s->at - 1] != ' ' && s->in.p[s->at - 1] != '(')
        return false;
    n = token_at(s);
    token = span(s, s->at, n);
    if (n > 8 && memcmp(token.p, "https://", 8) == 0)
        skip = 8;
    else if (n > 7 && memcmp(token.p, "http://", 7) == 0)
        skip = 7;
    if (!skip && !(n > 4 && memcmp(token.p, "www.", 4) == 0) && !is_domain(token) && !is_email(token))
        return false;
    while (n > skip && token.p[n - 1] == '/')
        n--;
    say_address(s, (struct tb_str){ token.p + skip, n - skip });
    s->at += token.n;
    return true;
}

/* Abbreviations ---------------------------------------------------------------------------------------------------- */

static bool applies(const struct tb_norm *s, const struct tb_abbreviation *a, size_t end, bool dot)
{
    size_t after = dot ? end + 1 : end;
    size_t next;

    if ((a->when & TB_ABBR_DOT) && !dot)
        return false;
    if (!dot && letter_at(s, end, &next))
        return false;
    if (dot && letter_at(s, after, &next) && strchr(a->from, '.') == NULL)
        return false;
    if ((a->when & TB_ABBR_NAME) && !is_capital_next(s, after))
        return false;
    if ((a->when & TB_ABBR_NUMBER) &&
        !tb_norm_is_digit(tb_norm_peek(s, tb_norm_peek(s, after) == ' ' ? after + 1 : after)))
        return false;
    return true;
}

/* The longest one that fits here. */
static bool read_abbreviation(struct tb_norm *s)
{
    const struct tb_abbreviation *best = NULL;
    size_t longest = 0, next;
    bool best_dot = false;

    for (const struct tb_abbreviation *a = s->lang->abbreviations; a->from; a++) {
        size_t n = strlen(a->from);
        bool dot = tb_norm_peek(s, s->at + n) == '.';

        if (n <= longest || !tb_norm_starts_with(s, s->at, a->from))
            continue;
        if (!applies(s, a, s->at + n, dot) || (!dot && letter_at(s, s->at + n, &next)))
            continue;
        best = a;
        longest = n;
        best_dot = dot;
    }
    if (!best)
        return false;
    s->at += longest;
    tb_norm_sayz(s, best->to);
    if (best_dot && !((best->when & TB_ABBR_END) && is_sentence_end(s, s->at + 1)))
        s->at++;
    return true;
}

/* Capitals --------------------------------------------------------------------------------------------------------- */

long tb_norm_roman(struct tb_str word)
{
    static const char *const tens[] = { "", "X", "XX", "XXX" };
    static const char *const ones[] = { "", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX" };

    for (long v = 1; v <= ROMAN_MOST; v++) {
        size_t a = strlen(tens[v / 10]), b = strlen(ones[v % 10]);

        if (word.n == a + b && memcmp(word.p, tens[v / 10], a) == 0 && memcmp(word.p + a, ones[v % 10], b) == 0)
            return v;
    }
    return 0;
}

struct tb_str tb_norm_word_before(const struct tb_norm *s)
{
    size_t end = s->at, start;

    if (end == 0 || s->in.p[end - 1] != ' ')
        return (struct tb_str){ "", 0 };
    start = --end;
    while (start > 0 && tb_norm_is_letter(s->in.p[start - 1]))
        start--;
    return span(s, start, end - start);
}

/* Louis XIV, chapter IV; any capitalised word before a numeral of two letters or more. */
static bool read_roman(struct tb_norm *s, size_t n)
{
    struct tb_str before = tb_norm_word_before(s);
    long value = tb_norm_roman(span(s, s->at, n));
    bool section, ruler;

    if (!value || !before.n)
        return false;
    section = tb_norm_in_list(s->lang->sections, before, true);
    ruler = tb_norm_in_list(s->lang->rulers, before, false);
    if (!section && !ruler && (n < 2 || !is_upper(before.p[0])))
        return false;
    s->lang->roman(s, value, ruler);
    s->at += n;
    return true;
}

/* U.S.A., J.R.R.: capitals with a full stop each. The last one stays when it may end the sentence. */
static bool read_dotted_capitals(struct tb_norm *s)
{
    char letters[32];
    size_t n = 0, at = s->at;

    while (n < sizeof letters && is_upper(tb_norm_peek(s, at)) && tb_norm_peek(s, at + 1) == '.') {
        letters[n++] = s->in.p[at];
        at += 2;
    }
    if (n == 1 && !is_capital_next(s, at)) /* no initial but the end of a sentence: "plan B." */
        return false;
    if (n == 0)
        return false;
    if (is_upper(tb_norm_peek(s, at)) && !tb_norm_is_letter(tb_norm_peek(s, at + 1)))
        letters[n < sizeof letters ? n++ : n - 1] = s->in.p[at++];
    tb_norm_spell(s, (struct tb_str){ letters, n });
    s->at = at - (n > 1 && at >= s->in.n && s->in.p[at - 1] == '.' ? 1 : 0);
    return true;
}

/* A word in capitals, in small letters: some espeak voices spell capitals. */
static bool say_small(struct tb_norm *s, size_t n)
{
    size_t end = s->at + n;
    const char *gap = " ";

    while (s->at < end) {
        char utf8[5] = { 0 };

        tb_utf8_put(utf8, (uint32_t)u_tolower((UChar32)tb_utf8_next(s->in, &s->at)));
        if (*gap)
            tb_norm_sayz(s, utf8);
        else
            tb_norm_glue(s, utf8);
        gap = "";
    }
    return true;
}

static bool read_capitals(struct tb_norm *s, size_t n)
{
    struct tb_str word = span(s, s->at, n);
    size_t capitals = 0, count = 0;

    while (capitals < n && (s->lang->more_letters ? tb_norm_is_upper(word, capitals, &capitals)
                                                  : is_upper(word.p[capitals]) && ++capitals))
        count++;
    if (count < 2)
        return false;
    if (s->lang->is_readable(span(s, s->at, capitals)))
        return capitals == n && s->lang->small_capitals && say_small(s, n);
    if (capitals == n) {
        tb_norm_spell(s, word);
    } else if (n - capitals == 1 && word.p[capitals] == 's' && s->lang->letters) { /* CDs */
        tb_norm_spell(s, span(s, s->at, capitals));
    } else {
        return false;
    }
    s->at += n;
    return true;
}

/* "May 5", "May 5th, 2024" and "5 May" are dates in English. */
static bool read_month_and_day(struct tb_norm *s, size_t n)
{
    struct tb_str word = span(s, s->at, n);
    size_t at = s->at + n + 1, digits = 0;
    int day = 0, month = 0;

    for (int i = 0; i < 12; i++)
        if (tb_str_eq(word, s->lang->months[i]))
            month = i + 1;
    if (!month || !s->lang->month_first || tb_norm_peek(s, s->at + n) != ' ')
        return false;
    while (tb_norm_is_digit(tb_norm_peek(s, at + digits)) && digits < 3)
        day = day * 10 + (s->in.p[at + digits++] - '0');
    if (digits == 0 || digits > 2 || day < 1 || day > 31)
        return false;
    at += digits;
    for (const char *const *suffix = (const char *const[]){ "st", "nd", "rd", "th", NULL }; *suffix; suffix++)
        if (tb_norm_starts_with(s, at, *suffix)) {
            at += 2;
            break;
        }
    if (at < s->in.n && strchr(" ,.;:!?)", s->in.p[at]) == NULL)
        return false;
    s->lang->date(s, 0, month, day);
    s->at = at;
    return true;
}

/* # before a number or a word. */
static bool read_hash(struct tb_norm *s)
{
    size_t next;

    if (tb_norm_peek(s, s->at) != '#' || (s->at > 0 && tb_norm_is_letter(s->in.p[s->at - 1])))
        return false;
    if (tb_norm_is_digit(tb_norm_peek(s, s->at + 1)))
        tb_norm_sayz(s, s->lang->number_sign);
    else if (letter_at(s, s->at + 1, &next))
        tb_norm_sayz(s, s->lang->hashtag);
    else
        return false;
    s->at++;
    return true;
}

/* Is there a closing quote to the one at s->at: behind something, and before no letter? */
static bool has_closing_quote(const struct tb_norm *s)
{
    size_t next;

    for (size_t at = s->at + 2; at < s->in.n && at < s->at + QUOTE_MOST; at++)
        if (s->in.p[at] == '\'' && s->in.p[at - 1] != ' ' && !letter_at(s, at + 1, &next))
            return true;
    return false;
}

/* An apostrophe outside a word: kept before the words that begin with one; a pair of them are quotes; else it goes. */
static bool read_apostrophe(struct tb_norm *s)
{
    size_t n;

    if (tb_norm_peek(s, s->at) != '\'')
        return false;
    n = tb_norm_word_at(s, s->at + 1);
    if (n && tb_norm_in_list(" em til cause tis twas round bout n ", span(s, s->at + 1, n), true)) {
        tb_norm_say(s, span(s, s->at, n + 1));
        s->at += n + 1;
        return true;
    }
    if (s->quoted || (n && (s->at == 0 || s->in.p[s->at - 1] == ' ') && has_closing_quote(s))) {
        tb_norm_mark(s, tb_str_of(s->quoted ? "”" : "“"));
        s->quoted = !s->quoted;
    }
    s->at++;
    return true;
}

bool tb_norm_read_word(struct tb_norm *s)
{
    size_t n, next;
    bool after_letter = s->at > 0 && tb_norm_is_letter(s->in.p[s->at - 1]) && s->in.p[s->at - 1] > 0;

    if (read_hash(s) || read_apostrophe(s))
        return true;
    if (!after_letter && (read_abbreviation(s) || read_dotted_capitals(s)))
        return true;
    n = tb_norm_word_at(s, s->at);
    if (n == 0)
        return false;
    if (read_roman(s, n) || read_month_and_day(s, n) || read_capitals(s, n))
        return true;
    if (s->lang == &tb_norm_english && tb_norm_peek(s, s->at + n) == '\'' && n > 2 &&
        memcmp(s->in.p + s->at + n - 2, "in", 2) == 0 &&
        !letter_at(s, s->at + n + 1, &next))
        n++; /* goin' */
    tb_norm_say(s, span(s, s->at, n));
    s->at += n;
    return true;
}
