/* normalise_priv.h - what the parts of the normaliser share.
 *
 * The text is walked once. At each place a number of readers are tried, each of
 * which either says something and moves on, or leaves all as it was. Trouble with
 * memory is kept in norm.rc, so that readers need not check each word. */
#ifndef TB_TEXT_NORMALISE_PRIV_H
#define TB_TEXT_NORMALISE_PRIV_H

#include "text/normalise.h"

enum tb_number_form { TB_CARDINAL, TB_MASCULINE, TB_FEMININE, TB_ORDINAL, TB_ORDINAL_FEMININE, TB_YEAR, TB_NUMBER_FORMS };

struct tb_unit {
    const char *sign, *one, *many;
    bool feminine;
};

struct tb_currency {
    const char *sign; /* "$" or "USD" */
    const char *one, *many, *cent, *cents;
    bool feminine;
};

enum {
    TB_ABBR_NAME = 1,   /* only before a capital letter */
    TB_ABBR_NUMBER = 2, /* only before a digit */
    TB_ABBR_DOT = 4,    /* only with its full stop */
    TB_ABBR_END = 8     /* may end a sentence: its full stop then stays */
};

struct tb_abbreviation {
    const char *from; /* as written, without the last full stop; case counts */
    const char *to;
    unsigned when;
};

struct tb_symbol {
    uint32_t c;
    const char *word;
};

struct tb_norm;

/* A language. Tables end with an empty entry. */
struct tb_norm_language {
    const char *locale;
    char group, decimal;
    const char *forms[TB_NUMBER_FORMS]; /* ICU rule sets; NULL: the cardinal */
    const struct tb_unit *units;
    const struct tb_currency *currencies;
    const struct tb_abbreviation *abbreviations;
    const struct tb_symbol *symbols;
    const char *const *months;         /* 12, as said */
    const char *const *letters;        /* names of A..Z; NULL: spelled "F-B-I" */
    const char *minus, *point, *percent, *range, *dot, *at, *slash, *dash, *underscore, *number_sign, *hashtag, *cents_and;
    const char *big;                   /* " million billion ": words that stand between a number and its currency */
    const char *of_big;                /* said between them and the currency, or "" */
    const char *sections, *rulers;     /* words before a Roman numeral: counted; ordered */
    bool (*is_readable)(struct tb_str capitals); /* may capitals be read as a word? */
    void (*date)(struct tb_norm *s, int year, int month, int day); /* year 0: none */
    void (*time)(struct tb_norm *s, int hour, int minute, int second, int half); /* second -1: none; half 0 none, 'a', 'p' */
    void (*fraction)(struct tb_norm *s, long top, long bottom, bool after_whole);
    bool (*ordinal)(struct tb_norm *s, long value, size_t *at); /* behind the digits at *at: a sign of an ordinal? */
    void (*roman)(struct tb_norm *s, long value, bool ruler);
    enum tb_number_form (*agree)(long long value, struct tb_str next); /* form before this next word */
    bool years;       /* 1999 is "nineteen ninety-nine" */
    bool month_first; /* 12/05 is December 5th, and "May 5" is a date */
};

extern const struct tb_norm_language tb_norm_english, tb_norm_spanish;

struct tb_norm {
    const struct tb_norm_language *lang;
    const struct tb_normaliser *normaliser;
    struct tb_str in;
    size_t at; /* byte that is read next */
    struct tb_bytes *out;
    bool quoted; /* between single quotes */
    enum tb_code rc;
};

/* Say words, with a space before them when needed. */
void tb_norm_say(struct tb_norm *s, struct tb_str words);
void tb_norm_sayz(struct tb_norm *s, const char *words);
/* Say a number below 10^15. */
void tb_norm_number(struct tb_norm *s, long long value, enum tb_number_form form);
void tb_norm_digits(struct tb_norm *s, struct tb_str digits);
/* Put a mark behind what was said. */
void tb_norm_mark(struct tb_norm *s, struct tb_str mark);

/* The byte at s->at + offset; 0 outside. */
char tb_norm_peek(const struct tb_norm *s, size_t at);
bool tb_norm_is_digit(char c);
bool tb_norm_is_letter(char c); /* ASCII letters and all bytes of other characters' letters */
bool tb_norm_in_list(const char *list, struct tb_str word, bool any_case); /* list: words between spaces */

/* Readers; each returns false and changes nothing when it does not apply at s->at. */
bool tb_norm_read_number(struct tb_norm *s);
bool tb_norm_read_address(struct tb_norm *s);
bool tb_norm_read_word(struct tb_norm *s);

#endif
