/* segment.c - see segment.h.
 *
 * Each call scans what waits from its start, which is at most TB_MAX_SEGMENT code
 * points and the one that follows: there is no state between calls besides the
 * text itself, so the way it arrived cannot matter. */
#include "text/segment.h"

#include <string.h>

#include "base/limits.h"
#include "text/utf8.h"

enum {
    COMMA_LEAST = 8, /* characters before a first cut at a comma (docs/TEXT.md) */
    SPACE_MOST = 16  /* white space that is looked behind to see whether a sentence goes on */
};

/* A walk over the text that waits. */
struct scan {
    struct tb_str text;
    bool more;        /* text may follow: what touches the end cannot be decided */
    size_t at, count; /* bytes and code points behind the walk */
    size_t clause;    /* just after the last mark inside a sentence; 0: none */
    size_t space;     /* just before the last white space; 0: none */
};

enum { WAIT = 0 }; /* no border is proven yet; a segment is never empty */

static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200A);
}

static bool is_newline(uint32_t c)
{
    return c == '\n' || c == 0x2028 || c == 0x2029;
}

static bool is_wide_ender(uint32_t c)
{
    return c == 0x3002 || c == 0xFF01 || c == 0xFF1F || c == 0xFF1B;
}

static bool is_ender(uint32_t c)
{
    return is_wide_ender(c) || c == '.' || c == '!' || c == '?' || c == ';';
}

/* Quotes and brackets that may close a sentence behind its end mark. */
static bool is_closer(uint32_t c)
{
    static const uint32_t closers[] = { '"', '\'', ')', ']', 0x2019, 0x201D, 0xBB,
                                        0x201C, 0x203A, 0x300D, 0x300F, 0xFF09, 0x3011, 0x2026 };

    for (size_t i = 0; i < sizeof closers / sizeof *closers; i++)
        if (c == closers[i])
            return true;
    return false;
}

static bool is_wide_comma(uint32_t c)
{
    return c == 0xFF0C || c == 0x3001;
}

static bool is_clause_mark(uint32_t c)
{
    return is_wide_comma(c) || c == ',' || c == ':' || c == 0xFF1A || c == 0x2014 || c == 0x2026;
}

static bool is_lower(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 0xDF && c <= 0xFF) || (c >= 0x430 && c <= 0x45F);
}

static bool is_combining(uint32_t c)
{
    return (c >= 0x300 && c <= 0x36F) || c == 0x200D || (c >= 0xFE00 && c <= 0xFE0F) || c == 0x3099 || c == 0x309A;
}

/* The run of non-space characters that ends at byte `end`, without opening quotes and brackets. */
static struct tb_str word_before(struct tb_str text, size_t end)
{
    size_t start = end;

    while (start > 0) {
        size_t at = start;
        uint32_t c = tb_utf8_previous(text, &at);

        if (is_space(c) || c == '(' || c == '"' || c == '[' || c == 0x201C || c == 0xAB || c == 0xBF || c == 0xA1)
            break;
        start = at;
    }
    return (struct tb_str){ text.p + start, end - start };
}

static bool in_list(struct tb_str word, const char *const *list)
{
    for (; *list; list++)
        if (tb_str_eq_nocase(word, *list))
            return true;
    return false;
}

/* Words (without their full stop) that something always follows. */
static bool is_hard_abbreviation(struct tb_str word)
{
    static const char *const list[] = {
        "mr", "mrs", "ms", "dr", "prof", "st", "vs", "e.g", "i.e", "fig", "gen", "col", "sgt", "lt", "capt", "rev",
        "hon", "gov", "sen", "mt", "approx", "sr", "sra", "srta", "dra", "ud", "uds", "ee", "núm", "pág", "tel", "av",
        "z.b", "d.h", "bzw", "nr", "ca", "mme", "mlle", "sig", "dott", "ing", "vol",
        /* French, Italian, Portuguese */
        "mm", "cf", "chap", "p.ex", "bd", "sigg", "avv", "arch", "pag", "pagg", "p.es", "cfr", "exmo", "profa", "srs",
        /* German */
        "hr", "hrn", "abb", "kap", "inkl", "zzgl", "evtl", "ggf", "vgl", "sog", "geb", "u.a", "v.a", "i.d.r", "mio",
        "mrd", "dipl.-ing", "bspw",
        /* Russian */
        "т.е", "т.к", "т.н", "напр", "см", "ср", "стр", "рис", "гл", "ст", "тел", "ул", "кв", "им", "проф", "акад",
        "доц", "гр", "Ул", "Проф", "Рис", "Гл", "Ст", "Тел", NULL,
    };
    size_t at = 0;
    uint32_t c;

    if (word.n == 0)
        return false;
    c = tb_utf8_next(word, &at);
    if (at == word.n) /* an initial; but "I" ends sentences, and so may "и т. д." */
        return c != 'I' && ((c >= 'A' && c <= 'Z') || (is_lower(c) && c < 0x400) || (c >= 0xC0 && c <= 0xDE) ||
                            (c >= 0x410 && c <= 0x42F));
    if (word.n >= 3 && word.p[word.n - 2] == '.' && word.p[0] >= 'A' && word.p[0] <= 'Z')
        return true; /* U.S, J.R.R */
    return in_list(word, list);
}

/* Words that may also end a sentence: they do before a capital. */
static bool is_soft_abbreviation(struct tb_str word)
{
    static const char *const list[] = {
        "etc", "a.m", "p.m", "jr", "inc", "ltd", "co", "corp", "al", "uu", "usw", "ecc", "es", "chr", "str", "jh",
        "std", "ltda", "cia", "aprox", "j.-c", "s.p.a", "т.д", "т.п", "др", "пр", "руб", "коп", "тыс", "млн", "млрд",
        "гг", "вв", "чел", "шт", "мин", "сек", "обл", "н.э", NULL,
    };
    size_t at = 0, roman = 0;

    while (roman < word.n && strchr("IVX", word.p[roman]))
        roman++;
    if (roman == word.n && roman > 1) /* "Ludwig XIV. war" */
        return true;
    if (word.n == 2 && tb_utf8_next(word, &at) >= 0x430 && at == 2)
        return true; /* "1999 г." */
    return in_list(word, list);
}

/* "am 3. Mai": German orders by a full stop. Behind "I am" it is an English age. */
static bool is_ordinal(struct tb_str text, struct tb_str word)
{
    static const char *const before[] = { "am",  "vom", "zum",  "im",  "dem", "den",  "der",  "des", "das",
                                          "die", "beim", "seit", "bis", "ab",  "jeder", "jeden", NULL };
    size_t start = (size_t)(word.p - text.p);
    struct tb_str article, first;

    if (word.n == 0 || word.n > 3 || start < 2)
        return false;
    for (size_t i = 0; i < word.n; i++)
        if (word.p[i] < '0' || word.p[i] > '9')
            return false;
    article = word_before(text, start - 1);
    if (text.p[start - 1] != ' ' || !in_list(article, before))
        return false;
    start = (size_t)(article.p - text.p);
    first = start > 1 ? word_before(text, start - 1) : (struct tb_str){ "", 0 };
    return !tb_str_eq(first, "I");
}

/* "1." at the head of the text is a list item's number. */
static bool is_list_number(struct tb_str text, struct tb_str word)
{
    size_t before = (size_t)(word.p - text.p);

    if (word.n == 0 || word.n > 3)
        return false;
    for (size_t i = 0; i < word.n; i++)
        if (word.p[i] < '0' || word.p[i] > '9')
            return false;
    for (size_t at = 0; at < before;)
        if (!is_space(tb_utf8_next(text, &at)))
            return false;
    return true;
}

/* What follows byte `at`, white space skipped; 0 when the text ends there. So much white space that there is no
 * point in looking further gives a space. */
static uint32_t next_visible(struct tb_str text, size_t at)
{
    for (int looked = 0; at < text.n; looked++) {
        uint32_t c = tb_utf8_next(text, &at);

        if (!is_space(c) || looked == SPACE_MOST)
            return c;
    }
    return 0;
}

enum verdict { NO_BORDER, BORDER, UNDECIDED };

/* Does a run of end marks from `start` to `end`, with another character behind it, end a sentence? */
static enum verdict judge(const struct scan *s, size_t start, size_t end, bool wide)
{
    struct tb_str run = { s->text.p + start, end - start }, word = word_before(s->text, start);
    size_t at = end;
    uint32_t after = tb_utf8_next(s->text, &at), visible;

    if (wide)
        return BORDER;
    if (memchr(run.p, '!', run.n) || memchr(run.p, '?', run.n) || memchr(run.p, ';', run.n)) {
        bool in_address = memchr(word.p, '/', word.n) != NULL || after == '=';
        return is_space(after) || !in_address ? BORDER : NO_BORDER;
    }
    if (!is_space(after))
        return NO_BORDER;
    if (run.n > 1)
        return BORDER; /* "..." or a closing quote */
    if (is_hard_abbreviation(word) || is_list_number(s->text, word) || is_ordinal(s->text, word))
        return NO_BORDER;
    visible = next_visible(s->text, end);
    if (tb_str_eq(word, "No")) /* "No. 5" */
        return visible ? (visible >= '0' && visible <= '9' ? NO_BORDER : BORDER) : s->more ? UNDECIDED : BORDER;
    if (!is_soft_abbreviation(word))
        return BORDER;
    if (!visible)
        return s->more ? UNDECIDED : BORDER;
    return is_lower(visible) || (visible >= '0' && visible <= '9') || is_clause_mark(visible) ? NO_BORDER : BORDER;
}

/* Best place for a cut when TB_MAX_SEGMENT code points have no border; hard is the byte behind them. */
static size_t cut_at_cap(const struct scan *s, size_t hard)
{
    size_t at = hard;

    if (s->clause > hard / 3)
        return s->clause;
    if (s->space > hard / 3)
        return s->space;
    for (int back = 0; back < 16 && at > 0 && at < s->text.n; back++) {
        size_t probe = at;

        if (!is_combining(tb_utf8_next(s->text, &probe)))
            return at;
        tb_utf8_previous(s->text, &at);
    }
    return hard;
}

/* Walk over end marks and closers behind the first end mark. False: the cap is reached inside. */
static bool skip_run(struct scan *s, bool *wide)
{
    while (s->at < s->text.n) {
        size_t at = s->at;
        uint32_t c = tb_utf8_next(s->text, &at);

        if (!is_ender(c) && !is_closer(c))
            return true;
        if (s->count == TB_MAX_SEGMENT)
            return false;
        *wide |= is_wide_ender(c);
        s->at = at;
        s->count++;
    }
    return true;
}

static bool comma_cuts(const struct scan *s, uint32_t c, enum verdict *verdict)
{
    size_t at = s->at;

    *verdict = BORDER;
    if (s->count < COMMA_LEAST || (c != ',' && !is_wide_comma(c)))
        return false;
    if (is_wide_comma(c))
        return true;
    if (at == s->text.n) {
        *verdict = s->more ? UNDECIDED : BORDER;
        return true;
    }
    return is_space(tb_utf8_next(s->text, &at));
}

/* Length in bytes of the first segment of s->text, or WAIT. comma: it may end at a comma. */
static size_t first_segment(struct scan *s, bool comma)
{
    bool spoken = false;

    while (s->at < s->text.n) {
        size_t start = s->at;
        uint32_t c;
        enum verdict verdict;

        if (s->count == TB_MAX_SEGMENT)
            return cut_at_cap(s, s->at);
        c = tb_utf8_next(s->text, &s->at);
        s->count++;
        if (is_newline(c) && spoken)
            return s->at;
        if (is_space(c)) {
            if (spoken)
                s->space = start;
            continue;
        }
        spoken = true;
        if (is_ender(c)) {
            bool wide = is_wide_ender(c);

            if (!skip_run(s, &wide))
                return cut_at_cap(s, s->at);
            if (s->at == s->text.n)
                return s->more ? WAIT : s->at;
            verdict = judge(s, start, s->at, wide);
            if (verdict == UNDECIDED)
                return WAIT;
            if (verdict == BORDER)
                return s->at;
        } else if (comma && comma_cuts(s, c, &verdict)) {
            return verdict == UNDECIDED ? WAIT : s->at;
        } else if (is_clause_mark(c) && s->at < s->text.n) {
            size_t next = s->at;

            if (is_space(tb_utf8_next(s->text, &next)) || c > 0x7F)
                s->clause = s->at;
        }
    }
    return s->more ? WAIT : s->at;
}

void tb_segmenter_init(struct tb_segmenter *s, bool streaming)
{
    *s = (struct tb_segmenter){ .streaming = streaming };
}

enum tb_code tb_segmenter_add(struct tb_segmenter *s, struct tb_str text)
{
    size_t points = tb_utf8_count(text);
    enum tb_code rc;

    if (points > TB_MAX_PENDING_TEXT || tb_segmenter_pending(s) + points > TB_MAX_PENDING_TEXT)
        return TB_ETOOBIG;
    rc = tb_bytes_add(&s->text, text.p, text.n);
    if (!rc)
        s->points += points;
    return rc;
}

void tb_segmenter_flush(struct tb_segmenter *s)
{
    s->flushed = s->text.size;
    if (s->flushed == s->given)
        s->begun = false;
}

static void drop_given(struct tb_segmenter *s)
{
    s->points -= tb_utf8_count((struct tb_str){ (const char *)s->text.data, s->given });
    tb_bytes_drop(&s->text, s->given);
    s->flushed = s->flushed > s->given ? s->flushed - s->given : 0;
    s->given = 0;
}

bool tb_segmenter_next(struct tb_segmenter *s, struct tb_str *segment)
{
    struct scan scan = { 0 };

    drop_given(s);
    if (s->text.size == 0)
        return false;
    scan.text = (struct tb_str){ (const char *)s->text.data, s->flushed ? s->flushed : s->text.size };
    scan.more = s->flushed == 0;
    s->given = first_segment(&scan, s->streaming && !s->begun);
    if (s->given == WAIT)
        return false;
    s->begun = s->given != s->flushed;
    *segment = (struct tb_str){ scan.text.p, s->given };
    return true;
}

size_t tb_segmenter_pending(const struct tb_segmenter *s)
{
    return s->points - tb_utf8_count((struct tb_str){ (const char *)s->text.data, s->given });
}

void tb_segmenter_free(struct tb_segmenter *s)
{
    tb_bytes_free(&s->text);
    *s = (struct tb_segmenter){ .streaming = s->streaming };
}
