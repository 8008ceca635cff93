/* english_words.c - see english_words.h.
 *
 * Regular forms follow the sounds of American English: -s is voiced like the
 * sound before it and gets a vowel after a sibilant; -ed likewise, with a vowel
 * after t and d; a t after a vowel becomes a flap before the vowel of -ed and
 * -ing. The spelling rules undone first are the dropped e, the doubled consonant
 * and the y that became i. */
#include "text/g2p/english_words.h"

#include <string.h>

/* What every step of one look-up needs. */
struct query {
    const struct tb_lexicon *lexicon;
    enum tb_word_tag tag;
};

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static char to_lower(char c)
{
    return is_upper(c) ? (char)(c + 32) : c;
}

static struct tb_str without(struct tb_str word, size_t end)
{
    return (struct tb_str){ word.p, word.n - end };
}

static bool find(const struct query *q, struct tb_str word, struct tb_phones *out)
{
    struct tb_str phones;

    if (!tb_lexicon_find(q->lexicon, word, q->tag, &phones))
        return false;
    *out = (struct tb_phones){ 0 };
    if (phones.n == 0)
        return tb_english_letters(q->lexicon, word, out);
    tb_phones_add(out, phones);
    return out->n > 0;
}

/* As written, in lower case, then as a name. */
static bool find_any_case(const struct query *q, struct tb_str word, struct tb_phones *out)
{
    char other[TB_WORD_MOST];

    if (word.n == 0 || word.n > sizeof other)
        return false;
    if (find(q, word, out))
        return true;
    for (size_t i = 0; i < word.n; i++)
        other[i] = to_lower(word.p[i]);
    if (find(q, (struct tb_str){ other, word.n }, out))
        return true;
    if (other[0] < 'a' || other[0] > 'z')
        return false;
    other[0] = (char)(other[0] - 32);
    return word.n > 1 && find(q, (struct tb_str){ other, word.n }, out);
}

/* The stem with one letter more: "bak" for "baking" is "bake". */
static bool find_with(const struct query *q, struct tb_str stem, char letter, struct tb_phones *out)
{
    char longer[TB_WORD_MOST];

    if (stem.n == 0 || stem.n + 1 > sizeof longer)
        return false;
    memcpy(longer, stem.p, stem.n);
    longer[stem.n] = letter;
    return find_any_case(q, (struct tb_str){ longer, stem.n + 1 }, out);
}

static void add_s(struct tb_phones *ph)
{
    uint16_t last = tb_phones_end(ph, 0);

    tb_phones_addz(ph, tb_phone_in(last, "szʃʒʧʤ") ? "ᵻz" : tb_phone_in(last, "ptTkfθ") ? "s" : "z");
}

/* A t after a vowel or r turns into a flap before another vowel. */
static void flap(struct tb_phones *ph)
{
    uint16_t before = tb_phones_end(ph, 1);

    if (tb_phones_end(ph, 0) == 't' && (tb_phone_is_vowel(before) || tb_phone_in(before, "ɹ")))
        ph->p[ph->n - 1] = 'T';
}

static void add_ed(struct tb_phones *ph)
{
    uint16_t last = tb_phones_end(ph, 0);

    flap(ph);
    tb_phones_addz(ph, last == 't' || last == 'd' ? "ᵻd" : tb_phone_in(last, "pkfθʃsʧ") ? "t" : "d");
}

static void add_ing(struct tb_phones *ph)
{
    flap(ph);
    tb_phones_addz(ph, "ɪŋ");
}

static bool word_with_s(const struct query *q, struct tb_str word, struct tb_phones *out)
{
    bool found = false;

    if (tb_str_ends_with(word, "s'")) { /* the boys' */
        word = without(word, 1);
        if (find_any_case(q, word, out))
            return true;
    }
    if (tb_str_ends_with(word, "'s"))
        found = find_any_case(q, without(word, 2), out);
    else if (word.n > 2 && tb_str_ends_with(word, "s") && !tb_str_ends_with(word, "ss"))
        found = find_any_case(q, without(word, 1), out) ||
                (tb_str_ends_with(word, "es") && find_any_case(q, without(word, 2), out)) ||
                (tb_str_ends_with(word, "ies") && find_with(q, without(word, 3), 'y', out));
    if (found)
        add_s(out);
    return found;
}

/* Is the word before its ending one with a doubled last consonant, as in "stopped"? */
static bool is_doubled(struct tb_str stem)
{
    return stem.n > 2 && stem.p[stem.n - 1] == stem.p[stem.n - 2] && strchr("bdgklmnprtvz", stem.p[stem.n - 1]);
}

/* The verb behind what is left when -ed or -ing is taken off. */
static bool find_verb(const struct query *q, struct tb_str stem, struct tb_phones *out)
{
    struct query verb = { q->lexicon, TB_WORD_VERB };

    if (stem.n < 2)
        return false;
    return find_any_case(&verb, stem, out) || find_with(&verb, stem, 'e', out) ||
           (is_doubled(stem) && find_any_case(&verb, without(stem, 1), out)) ||
           (stem.p[stem.n - 1] == 'k' && stem.p[stem.n - 2] == 'c' && find_any_case(&verb, without(stem, 1), out));
}

static bool word_with_ed(const struct query *q, struct tb_str word, struct tb_phones *out)
{
    if (!tb_str_ends_with(word, "ed") || word.n < 4)
        return false;
    if (!find_verb(q, without(word, 2), out) &&
        !(tb_str_ends_with(word, "ied") && find_with(q, without(word, 3), 'y', out)))
        return false;
    add_ed(out);
    return true;
}

static bool word_with_ing(const struct query *q, struct tb_str word, struct tb_phones *out)
{
    bool clipped = tb_str_ends_with(word, "in'"); /* goin' */

    if (word.n < 5 || (!tb_str_ends_with(word, "ing") && !clipped) || !find_verb(q, without(word, 3), out))
        return false;
    add_ing(out);
    if (clipped)
        out->p[out->n - 1] = 'n';
    return true;
}

/* Endings that only add sounds. */
static bool word_with_ending(const struct query *q, struct tb_str word, struct tb_phones *out)
{
    static const struct {
        const char *end, *sound, *after_td;
    } endings[] = {
        { "'ll", "ᵊl", "ᵊl" }, { "'d", "d", "ᵻd" }, { "'ve", "əv", "əv" }, { "'re", "əɹ", "əɹ" },
        { "n't", "ᵊnt", "ᵊnt" }, { "ly", "li", "li" }, { "ness", "nəs", "nəs" }, { "less", "ləs", "ləs" },
        { "ment", "mᵊnt", "mᵊnt" }, { "ful", "fᵊl", "fᵊl" }, { "like", "lˌIk", "lˌIk" }, { "ish", "ɪʃ", "ɪʃ" },
        { "able", "əbᵊl", "əbᵊl" },
    };

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        struct tb_str stem;
        bool found;

        if (!tb_str_ends_with(word, endings[i].end))
            continue;
        stem = without(word, strlen(endings[i].end));
        found = find_any_case(q, stem, out);
        if (!found && stem.n > 2 && stem.p[stem.n - 1] == 'i' && endings[i].end[0] != '\'') /* happily */
            found = find_with(q, without(stem, 1), 'y', out);
        if (!found || stem.n < 2)
            continue;
        if (strcmp(endings[i].end, "ly") == 0 && tb_phones_end(out, 0) == 'l')
            out->n--;
        tb_phones_addz(out, tb_phone_in(tb_phones_end(out, 0), "td") ? endings[i].after_td : endings[i].sound);
        return true;
    }
    return false;
}

bool tb_english_word(const struct tb_lexicon *l, struct tb_str word, enum tb_word_tag tag, struct tb_phones *out)
{
    struct query q = { l, tag };
    char small[TB_WORD_MOST];

    *out = (struct tb_phones){ 0 };
    if (word.n > sizeof small)
        return false;
    if (find_any_case(&q, word, out))
        return true;
    for (size_t i = 0; i < word.n; i++)
        small[i] = to_lower(word.p[i]);
    word.p = small;
    if (word.n > 1 && small[word.n - 1] == '\'' && find_any_case(&q, without(word, 1), out))
        return true;
    if (word.n > 1 && small[0] == '\'')
        return tb_english_word(l, (struct tb_str){ small + 1, word.n - 1 }, tag, out);
    return word_with_s(&q, word, out) || word_with_ed(&q, word, out) || word_with_ing(&q, word, out) ||
           word_with_ending(&q, word, out);
}

bool tb_english_letters(const struct tb_lexicon *l, struct tb_str word, struct tb_phones *out)
{
    struct tb_phones last = { 0 };
    bool any = false;

    *out = (struct tb_phones){ 0 };
    for (size_t i = 0; i < word.n; i++) {
        char letter = word.p[i] >= 'a' && word.p[i] <= 'z' ? (char)(word.p[i] - 32) : word.p[i];
        struct tb_str phones;

        if (!is_upper(letter) || !tb_lexicon_find(l, (struct tb_str){ &letter, 1 }, TB_WORD_DEFAULT, &phones))
            continue;
        tb_phones_demote(&last);
        tb_phones_join(out, &last);
        last = (struct tb_phones){ 0 };
        tb_phones_add(&last, phones);
        any = true;
    }
    tb_phones_join(out, &last);
    return any;
}

bool tb_english_is_readable(struct tb_str word)
{
    size_t vowels = 0, run = 0, longest = 0;

    for (size_t i = 0; i < word.n; i++) {
        bool vowel = strchr("aeiouy", to_lower(word.p[i])) != NULL;

        vowels += vowel;
        run = vowel ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    return vowels > 0 && vowels < word.n && longest < 4;
}
