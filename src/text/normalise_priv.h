/* normalise_priv.h - what the parts of the normaliser share.
 *
 * The text is walked once. At each place a number of readers are tried, each of
 * which either says something and moves on, or leaves all as it was. Trouble with
 * memory is kept in norm.rc, so that readers need not check each word. */
#ifndef TB_TEXT_NORMALISE_PRIV_H
#define TB_TEXT_NORMALISE_PRIV_H

#include "text/normalise.h"

enum tb_number_form {
    TB_CARDINAL,
    TB_MASCULINE,
    TB_FEMININE,
    TB_NEUTER,
    TB_COUNTING, /* before a counter: Korean's own numerals */
    TB_ORDINAL,
    TB_ORDINAL_FEMININE,
    TB_ORDINAL_NEUTER,
    TB_ORDINAL_OBLIQUE, /* German -n, Russian genitive */
    TB_ORDINAL_LOCATIVE,
    TB_YEAR,
    TB_NUMBER_FORMS
};

/* many: "metres"; in languages with a form for 2 to 4 and fractions, both: "метра|метров". */
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
    const struct tb_symbol *more_letters; /* names of capitals beyond A..Z, which then spell too; NULL: none */
    const char *minus, *point, *range, *dot, *at, *slash, *dash, *underscore, *number_sign, *hashtag, *cents_and;
    const char *ratio;                 /* 3:1; NULL: as the range */
    const char *percent;               /* NULL: % is one of the units */
    const char *clock;                 /* " Uhr ": words behind 15:30 that its reading holds already; NULL: none */
    const char *zero;                  /* of telephone numbers; NULL: as of others */
    const char *big;                   /* " million billion ": words that stand between a number and its currency; the
                                          first, third and fifth stand for m, bn and k; one that is a unit too
                                          ("Mio") is said as that */
    const char *of_big;                /* said between them and the currency, or "" */
    const char *sections, *rulers;     /* words before a Roman numeral: counted; ordered */
    const char *const (*respell)[2];   /* in number words: a spelling and what it becomes, as long; NULL: none */
    bool (*own)(struct tb_norm *s);    /* a reader of the language's own, tried before all others; NULL: none */
    void (*decimals)(struct tb_norm *s, long long whole, struct tb_str digits); /* 3,14; NULL: with .point */
    bool (*is_readable)(struct tb_str capitals); /* may capitals be read as a word? */
    void (*date)(struct tb_norm *s, int year, int month, int day); /* year 0: none */
    /* second -1: none; half: 0 none, 'a', 'p' */
    void (*time)(struct tb_norm *s, int hour, int minute, int second, int half);
    void (*fraction)(struct tb_norm *s, long top, long bottom, bool after_whole);
    bool (*ordinal)(struct tb_norm *s, long value, size_t *at); /* behind the digits at *at: a sign of an ordinal? */
    void (*roman)(struct tb_norm *s, long value, bool ruler);
    enum tb_number_form (*agree)(long long value, struct tb_str next); /* form before this next word */
    bool elides;      /* French: "de" before a vowel is "d'" */
    bool small_capitals; /* words in capitals are said in small letters */
    bool years;       /* 1999 is "nineteen ninety-nine" */
    bool single_decimals; /* 3,14: three comma one four */
    bool tight;       /* Korean: particles follow numbers and signs at once, and no space stands where none was */
    unsigned phone_group; /* groups of a telephone number of at most so many digits are said as one number; 0: none */
    bool month_first; /* 12/05 is December 5th, and "May 5" is a date */
};

extern const struct tb_norm_language tb_norm_english, tb_norm_spanish, tb_norm_french, tb_norm_italian,
    tb_norm_portuguese, tb_norm_german, tb_norm_russian, tb_norm_korean;

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
/* Say digits [n] as one number when they are few and have no leading zero, else one by one. */
void tb_norm_group(struct tb_norm *s, struct tb_str digits);
/* Letters one by one, by their names. */
void tb_norm_spell(struct tb_norm *s, struct tb_str letters);
/* Glue to what was said last, without a space. */
void tb_norm_glue(struct tb_norm *s, const char *end);
/* Say a number below 10^15. */
void tb_norm_number(struct tb_norm *s, long long value, enum tb_number_form form);
void tb_norm_digits(struct tb_norm *s, struct tb_str digits);
/* Put a mark behind what was said. */
void tb_norm_mark(struct tb_norm *s, struct tb_str mark);
/* The same, but nothing begins with a mark that does not open, and none stands twice. At most 7 bytes. */
void tb_norm_mark_once(struct tb_norm *s, struct tb_str mark);
bool tb_norm_said(const struct tb_norm *s, const char *end); /* what was said ends so */
bool tb_norm_is_kept_mark(uint32_t c); /* one of those that the output may hold */
/* The word of c; NULL, which is nothing to say: it has none. */
const char *tb_norm_symbol(const struct tb_symbol *table, uint32_t c);

/* The byte at s->at + offset; 0 outside. */
char tb_norm_peek(const struct tb_norm *s, size_t at);
bool tb_norm_is_digit(char c);
size_t tb_norm_digits_at(const struct tb_norm *s, size_t at);       /* how many */
int tb_norm_small_number(const struct tb_norm *s, size_t at, size_t n); /* of n digits, at most 6 */
bool tb_norm_starts_with(const struct tb_norm *s, size_t at, const char *z);
/* A number as Chinese and Japanese text has it in digits: commas group them, a full stop is the point. */
struct tb_norm_han_number {
    long long value;      /* what stands before the point; of TB_NORM_HAN_DIGITS digits at most */
    struct tb_str digits; /* the same as written, groups included */
    struct tb_str decimals;
    size_t count;         /* digits before the point */
    size_t end;           /* the byte behind all of it */
    bool spelled;         /* to be said digit by digit: too long, or with zeros in front */
};
enum { TB_NORM_HAN_DIGITS = 16 };
bool tb_norm_han_number(const struct tb_norm *s, size_t at, struct tb_norm_han_number *out); /* false: no digit there */
/* No letter and no digit at byte `at`. */
bool tb_norm_is_edge(const struct tb_norm *s, size_t at);
size_t tb_norm_skip_space(const struct tb_norm *s, size_t at);
bool tb_norm_is_upper(struct tb_str text, size_t at, size_t *next); /* a capital of any script; *next moves past it */
/* Bytes of a word at `at`: letters, with apostrophes and hyphens between them. */
size_t tb_norm_word_at(const struct tb_norm *s, size_t at);
/* The letters before s->at, if a space stands between. */
struct tb_str tb_norm_word_before(const struct tb_norm *s);
long tb_norm_roman(struct tb_str word); /* 1 .. 39; 0: no Roman numeral */
/* May capitals of a Latin script be read as a word: vowels among at most `run` consonants in a row? */
bool tb_norm_is_syllabic(struct tb_str capitals, size_t run);
/* The form of a noun behind `value`; fraction: decimals follow. See tb_unit. */
struct tb_str tb_norm_counted(long long value, bool fraction, const char *one, const char *many);
bool tb_norm_is_letter(char c); /* ASCII letters and all bytes of other characters' letters */
bool tb_norm_in_list(const char *list, struct tb_str word, bool any_case); /* list: words between spaces */

/* Readers; each returns false and changes nothing when it does not apply at s->at. */
bool tb_norm_read_number(struct tb_norm *s);
bool tb_norm_read_address(struct tb_norm *s);
bool tb_norm_read_word(struct tb_norm *s);

#endif
