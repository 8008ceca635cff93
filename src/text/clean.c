/* clean.c - see clean.h. */
#include "text/clean.h"

#include <stdlib.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>

#include "base/limits.h"
#include "text/utf8.h"

enum { OPEN_QUOTE = 0x201C, CLOSE_QUOTE = 0x201D, DROP = 0 };

/* Characters that stand for another one. */
static const struct {
    uint32_t from, to;
} same[] = {
    { 0x60, '\'' }, { 0xAB, OPEN_QUOTE }, { 0xB4, '\'' }, { 0xBB, CLOSE_QUOTE }, { 0x2BC, '\'' }, { 0x2010, '-' },
    { 0x2011, '-' }, { 0x2012, 0x2013 }, { 0x2015, 0x2014 }, { 0x2018, '\'' }, { 0x2019, '\'' }, { 0x201A, '\'' },
    { 0x201B, '\'' }, { 0x201E, OPEN_QUOTE }, { 0x201F, OPEN_QUOTE }, { 0x2032, '\'' }, { 0x2212, '-' },
    { 0x3001, ',' }, { 0x3002, '.' }, { 0x300C, OPEN_QUOTE }, { 0x300D, CLOSE_QUOTE }, { 0x300E, OPEN_QUOTE },
    { 0x300F, CLOSE_QUOTE }, { 0x3010, '(' }, { 0x3011, ')' }, { '[', '(' }, { ']', ')' }, { '{', '(' }, { '}', ')' },
};

static uint32_t stand_in(uint32_t c)
{
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (same[i].from == c)
            return same[i].to;
    return c >= 0xFF01 && c <= 0xFF5E ? stand_in(c - 0xFEE0) : c;
}

static bool is_pictograph(uint32_t c)
{
    return (c >= 0x1F000 && c <= 0x1FAFF) || (c >= 0x2190 && c <= 0x21FF) || (c >= 0x2300 && c <= 0x27BF) ||
           (c >= 0x2B00 && c <= 0x2BFF) || (c >= 0xFE00 && c <= 0xFE0F) || c == 0x20E3 || c >= 0xE0000;
}

static bool is_mark(uint32_t c)
{
    int8_t type = u_charType((UChar32)c);

    return type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK || type == U_COMBINING_SPACING_MARK;
}

/* Letters and signs of a script that none of our languages is written in, nor quotes: espeak-ng would spell them, as
 * "symbol one two zero zero". Greek stays for the letters of science. */
static bool is_foreign(uint32_t c)
{
    UErrorCode status = U_ZERO_ERROR;

    switch (uscript_getScript((UChar32)c, &status)) {
    case USCRIPT_COMMON:
    case USCRIPT_INHERITED:
    case USCRIPT_LATIN:
    case USCRIPT_GREEK:
    case USCRIPT_CYRILLIC:
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_HANGUL:
        return false;
    default:
        return U_SUCCESS(status) && u_charType((UChar32)c) != U_DECIMAL_DIGIT_NUMBER;
    }
}

/* What becomes of c; a space for all white space and for foreign scripts, DROP for nothing. */
static uint32_t tidy(uint32_t c)
{
    switch (u_charType((UChar32)c)) {
    case U_CONTROL_CHAR:
        return c == '\n' || c == '\t' || c == '\r' || c == '\v' || c == '\f' || c == 0x85 ? ' ' : DROP;
    case U_SPACE_SEPARATOR:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
        return ' ';
    case U_FORMAT_CHAR:
    case U_PRIVATE_USE_CHAR:
    case U_SURROGATE:
    case U_UNASSIGNED:
    case U_ENCLOSING_MARK:
        return DROP;
    default:
        if (is_pictograph(c) || c == TB_UTF8_BAD)
            return DROP;
        return is_foreign(c) ? ' ' : stand_in(c);
    }
}

/* Marks on Latin letters that NFC could not join with their letter: decoration. */
static bool is_leftover_mark(uint32_t c)
{
    return (c >= 0x300 && c <= 0x36F) || (c >= 0x1AB0 && c <= 0x1AFF) || (c >= 0x1DC0 && c <= 0x1DFF);
}

/* Ligatures, half-width kana and the letters of mathematics are other forms of plain letters; superscripts and
 * fractions are not. */
static bool is_compatible_letter(uint32_t c)
{
    return (c >= 0xFB00 && c <= 0xFB06) || (c >= 0xFF65 && c <= 0xFF9F) || (c >= 0x1D400 && c <= 0x1D7FF);
}

static int32_t add_unit(UChar *units, int32_t n, uint32_t c)
{
    UErrorCode status = U_ZERO_ERROR;

    if (is_compatible_letter(c)) {
        const UNormalizer2 *nfkc = unorm2_getNFKCInstance(&status);
        UChar one[2];
        int32_t len = 0;

        U16_APPEND_UNSAFE(one, len, c);
        len = unorm2_normalize(nfkc, one, len, units + n, 4, &status);
        return U_SUCCESS(status) ? n + len : n;
    }
    U16_APPEND_UNSAFE(units, n, c);
    return n;
}

/* White space inside a number, "1 234" with a space that does not break, only groups its digits. */
static bool groups_digits(struct tb_str text, size_t at, uint32_t c, uint32_t before)
{
    if ((c != 0xA0 && c != 0x202F && c != 0x2009) || before < '0' || before > '9' || text.n - at < 3)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (text.p[at + i] < '0' || text.p[at + i] > '9')
            return false;
    return text.n - at == 3 || text.p[at + 3] < '0' || text.p[at + 3] > '9';
}

/* „German“, »German«, « French », “English” and "plain": a quote opens before a word and closes behind one; where
 * neither tells, it is as its own form says. */
static uint32_t turn_quote(struct tb_str text, size_t at, uint32_t quote, uint32_t before)
{
    bool free_left = before == ' ' || before == '(' || before == OPEN_QUOTE || before == 0x2014;
    bool word_right = at < text.n && u_isalnum((UChar32)tb_utf8_next(text, &at));

    if (free_left && (word_right || quote == '"'))
        return OPEN_QUOTE;
    return !free_left && (!word_right || quote == '"') ? CLOSE_QUOTE : quote;
}

/* units has room for four per byte of text. Returns how many there are. */
static int32_t tidy_all(struct tb_str text, UChar *units)
{
    int32_t n = 0;
    unsigned marks = 0;
    uint32_t before = ' ';

    for (size_t at = 0; at < text.n;) {
        uint32_t c = tb_utf8_next(text, &at), kept = tidy(c);

        if (kept == DROP || (kept == ' ' && (before == ' ' || groups_digits(text, at, c, before))))
            continue;
        if (kept == '"' || kept == OPEN_QUOTE || kept == CLOSE_QUOTE)
            kept = turn_quote(text, at, kept, before);
        marks = is_mark(kept) ? marks + 1 : 0;
        if (marks > TB_MAX_COMBINING)
            continue;
        n = add_unit(units, n, kept);
        before = kept;
    }
    return n;
}

enum tb_code tb_text_clean(struct tb_str text, struct tb_bytes *out)
{
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *nfc = unorm2_getNFCInstance(&status);
    size_t room = text.n + 1;
    UChar *units, *composed;
    int32_t n, len = 0;
    enum tb_code rc;

    if (U_FAILURE(status))
        return TB_EINTERNAL;
    if (text.n > TB_MAX_NORMALISE_IN)
        return TB_ETOOBIG;
    /* A code point takes at least one byte and gives at most four units; NFC at most triples them. */
    units = malloc(4 * room * sizeof *units);
    composed = malloc(12 * room * sizeof *composed);
    rc = units && composed ? TB_OK : TB_ENOMEM;
    if (!rc) {
        n = tidy_all(text, units);
        len = unorm2_normalize(nfc, units, n, composed, (int32_t)(12 * room), &status);
        rc = U_FAILURE(status) ? TB_EINTERNAL : TB_OK;
    }
    for (int32_t i = 0; i < len && !rc;) {
        UChar32 c;

        U16_NEXT(composed, i, len, c);
        if (!is_leftover_mark((uint32_t)c))
            rc = tb_utf8_add(out, (uint32_t)c);
    }
    free(units);
    free(composed);
    return rc;
}
