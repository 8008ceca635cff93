/* zh_read.c - see zh_priv.h.
 *
 * A character of several readings is read by the word that it is in; the table
 * of words is long. A word of one character is not helped by that: the rules
 * below look at its neighbours. */
#include <stdio.h>
#include <string.h>

#include "text/g2p/zh_priv.h"
#include "text/utf8.h"

/* Two characters that meet at a border of words may look like another word: 都|会 is no city. */
enum { SPAN_WORDS = 5, SPAN_CHARACTERS = 10, SPAN_LEAST = 3 };

struct tb_str tb_zh_span(const struct tb_zh_run *r, size_t first, size_t n)
{
    return (struct tb_str){ r->text.p + r->at[first], r->at[first + n] - r->at[first] };
}

bool tb_zh_listed(const char *list, struct tb_str word)
{
    for (const char *p = list; word.n && (p = strchr(p, ' ')) && p[1]; p++) {
        size_t n = strcspn(p + 1, " ");

        if (n == word.n && memcmp(p + 1, word.p, n) == 0)
            return true;
    }
    return false;
}

uint32_t tb_zh_char(const struct tb_zh_run *r, size_t i)
{
    return i < r->n ? r->c[i] : 0;
}

bool tb_zh_is_one(uint32_t c, const char *characters)
{
    struct tb_str list = tb_str_of(characters);

    for (size_t at = 0; c && at < list.n;)
        if (tb_utf8_next(list, &at) == c)
            return true;
    return false;
}

static void set(struct tb_zh_run *r, size_t i, const char *syllable)
{
    snprintf(r->syllable[i], sizeof r->syllable[i], "%s", syllable);
}

/* Give "ni3hao3" to the characters from `first`. False: not n syllables; nothing is changed. */
static bool spread(struct tb_zh_run *r, size_t first, size_t n, struct tb_str reading)
{
    size_t count = 0, length = 0;

    for (size_t i = 0; i < reading.n; i++) {
        length++;
        if (reading.p[i] >= '1' && reading.p[i] <= '5') {
            if (length < 2 || length >= TB_ZH_SYLLABLE_MOST)
                return false;
            count++;
            length = 0;
        }
    }
    if (count != n || length)
        return false;
    for (size_t i = 0, start = 0, k = first; i < reading.n; i++)
        if (reading.p[i] >= '1' && reading.p[i] <= '5') {
            snprintf(r->syllable[k++], TB_ZH_SYLLABLE_MOST, "%.*s", (int)(i + 1 - start), reading.p + start);
            start = i + 1;
        }
    return true;
}

/* A phrase of several whole words that has a reading; returns how many words, 0: none. */
static size_t read_words(struct tb_zh_run *r, size_t word)
{
    size_t best = 0;
    struct tb_zh_entry entry;

    for (size_t k = 1; k <= SPAN_WORDS && word + k <= r->words; k++) {
        size_t n = r->word[word + k] - r->word[word];

        if (n > SPAN_CHARACTERS)
            break;
        if (n >= SPAN_LEAST && tb_zh_dict_find(r->dict, tb_zh_span(r, r->word[word], n), &entry) && entry.reading.n &&
            spread(r, r->word[word], n, entry.reading))
            best = k;
    }
    return best;
}

/* Parts of a word, the longest that has a reading first. */
static void read_parts(struct tb_zh_run *r, size_t first, size_t end)
{
    size_t start = first;

    while (first < end) {
        size_t best = 0;
        uint32_t place = 0;
        bool longer = true;

        for (size_t n = 1; longer && first + n <= end; n++) {
            struct tb_zh_entry entry;

            if (tb_zh_dict_step(r->dict, tb_zh_span(r, first, n), &place, &entry, &longer) && entry.reading.n &&
                spread(r, first, n, entry.reading))
                best = n;
        }
        if (best == 1 && r->c[first] == U'得' && first > start && first + 1 < end)
            set(r, first, "de5"); /* 跑得快 is a word of the list */
        first += best ? best : 1;
    }
}

/* Words of one character ------------------------------------------------------------------------------------------- */

struct neighbours {
    uint32_t before, after;           /* characters, 0: none */
    char class_before, class_after;   /* of the words, 0: none */
    struct tb_str word_before;
};

static const char *read_de(const struct neighbours *n)
{
    if (n->class_before == 'v' || n->class_before == 'a')
        return "de5";
    return n->class_before && n->class_after == 'v' ? "dei3" : n->class_before ? "de5" : "de2";
}

/* The ending of an adverb, or ground? */
static const char *read_di(const struct neighbours *n)
{
    bool adverb = n->word_before.n >= 6 && strchr("adzivl", n->class_before ? n->class_before : '-');

    return adverb && n->class_after && strchr("vdpa", n->class_after) ? "de5" : "di4";
}

static const char *read_wei(const struct neighbours *n)
{
    return tb_zh_is_one(n->before, "值名数量率度型称作变成分译视定设其均皆改") || tb_zh_is_one(n->after, TB_ZH_DIGITS "空负")
               ? "wei2"
               : "wei4";
}

static const char *lone_reading(uint32_t c, const struct neighbours *n)
{
    static const char counted[] = TB_ZH_DIGITS "百千万亿几多数半每各这那某第哪本逐整";

    switch (c) {
    case U'得': return read_de(n);
    case U'地': return read_di(n);
    case U'为': return read_wei(n);
    case U'长': return tb_zh_is_one(n->after, "大得出成满高到着了胖") ? "zhang3" : "chang2";
    case U'还': return tb_zh_is_one(n->after, "钱债书款清给完") || tb_zh_is_one(n->before, "没未偿") ? "huan2" : "hai2";
    case U'只': return tb_zh_is_one(n->before, counted) ? "zhi1" : "zhi3";
    case U'行': return tb_zh_is_one(n->before, counted) ? "hang2" : "xing2";
    case U'种': return tb_zh_is_one(n->after, "树菜花草田地下上了") && !tb_zh_is_one(n->before, counted) ? "zhong4" : "zhong3";
    case U'了': return n->before == U'不' ? "liao3" : "le5";
    case U'教': return "jiao1";
    case U'切': return "qie1";
    case U'谁': return "shei2";
    case U'嗯': return "en4";
    default: return NULL;
    }
}

static void read_lone(struct tb_zh_run *r, size_t word)
{
    size_t i = r->word[word];
    struct neighbours n = {
        .before = i > 0 ? r->c[i - 1] : 0,
        .after = tb_zh_char(r, i + 1),
        .class_before = word > 0 ? r->class[word - 1] : 0,
        .class_after = word + 1 < r->words ? r->class[word + 1] : 0,
    };
    const char *reading;

    if (word > 0)
        n.word_before = tb_zh_span(r, r->word[word - 1], i - r->word[word - 1]);
    if ((reading = lone_reading(r->c[i], &n)))
        set(r, i, reading);
}

void tb_zh_read(struct tb_zh_run *r)
{
    for (size_t i = 0; i < r->n; i++)
        r->syllable[i][0] = 0;
    for (size_t w = 0; w < r->words;) {
        size_t phrase = read_words(r, w);

        if (phrase == 0) {
            read_parts(r, r->word[w], r->word[w + 1]);
            if (r->word[w + 1] - r->word[w] == 1)
                read_lone(r, w);
        }
        w += phrase ? phrase : 1;
    }
    for (size_t i = 0; i < r->n; i++)
        if (r->c[i] == U'似' && tb_zh_char(r, i + 1) != U'的')
            set(r, i, "si4");
}
