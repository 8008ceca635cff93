/* english.c - see english.h.
 *
 * The text is cut into words and what stands between them. Words are then done
 * from the last to the first, since "the", "to" and "a" sound differently before
 * a vowel, and many small words before a pause. */
#include "text/g2p/english.h"

#include <stdlib.h>
#include <string.h>

#include "text/g2p/english_tags.h"
#include "text/g2p/english_words.h"
#include "text/g2p/phones.h"
#include "text/g2p/symbols.h"
#include "text/utf8.h"

struct token {
    struct tb_str text;  /* a word, or one mark or space */
    struct tb_str small; /* the word in lower case (ASCII); empty for a mark */
    size_t at, n;        /* its phonemes in sentence.phones */
};

enum next_sound { NEXT_PAUSE, NEXT_VOWEL, NEXT_CONSONANT };

struct sentence {
    const struct tb_lexicon *lexicon;
    struct tb_espeak *espeak;
    struct token *tokens;
    size_t count;
    char *small; /* the whole text in lower case */
    struct tb_bytes phones;
    bool past, shouted; /* shouted: no small letters at all */
};

static bool is_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c != 0xD7 && c != 0xF7 && c < 0x2000) ||
           (c > 0x206F && c != TB_UTF8_BAD && c < 0xFB00 && !(c >= 0x3000 && c <= 0x303F));
}

static bool is_latin(uint32_t c)
{
    return c < 0x250 || (c >= 0x300 && c <= 0x36F) || (c >= 0x1E00 && c <= 0x1EFF);
}

/* Bytes of the word at `at`; 0 when none starts there. Apostrophes and hyphens belong to it before a letter, and an
 * apostrophe also behind one. */
static size_t word_length(struct tb_str text, size_t at)
{
    size_t start = at, end = at;
    uint32_t before = 0;

    while (at < text.n) {
        uint32_t c = tb_utf8_next(text, &at);

        if (is_letter(c) || (c >= '0' && c <= '9') || (c == '\'' && is_letter(before)))
            end = at;
        else if (!(c == '\'' && before == 0) && !(c == '-' && is_letter(before)))
            break;
        before = c;
    }
    return end - start;
}

static enum tb_code cut(struct sentence *s, struct tb_str text)
{
    s->tokens = calloc(text.n ? text.n : 1, sizeof *s->tokens);
    s->small = malloc(text.n + 1);
    if (!s->tokens || !s->small)
        return TB_ENOMEM;
    s->shouted = true;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        s->small[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        s->shouted &= !(c >= 'a' && c <= 'z');
    }
    for (size_t at = 0; at < text.n;) {
        struct token *t = &s->tokens[s->count++];
        size_t n = word_length(text, at), next = at;

        if (n) {
            t->small = (struct tb_str){ s->small + at, n };
            s->past |= tb_english_speaks_of_past(t->small);
        } else {
            tb_utf8_next(text, &next);
            n = next - at;
        }
        t->text = (struct tb_str){ text.p + at, n };
        at += n;
    }
    return TB_OK;
}

static bool is_pause(struct tb_str mark)
{
    static const char *const pauses[] = { ".", ",", ";", ":", "!", "?", "…", "—" };

    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++)
        if (tb_str_eq(mark, pauses[i]))
            return true;
    return false;
}

/* The next word from token i in direction `step` within the clause; *i moves there. */
static struct tb_str neighbour(const struct sentence *s, size_t *i, int step)
{
    for (*i += (size_t)step; *i < s->count; *i += (size_t)step) {
        if (s->tokens[*i].small.n)
            return s->tokens[*i].small;
        if (is_pause(s->tokens[*i].text))
            break;
    }
    *i = s->count;
    return (struct tb_str){ "", 0 };
}

static struct tb_neighbours neighbours(const struct sentence *s, size_t i)
{
    struct tb_neighbours near = { .past = s->past };
    size_t back = i, forth = i;

    near.after = neighbour(s, &forth, 1);
    near.before = neighbour(s, &back, -1);
    near.before2 = back < s->count ? neighbour(s, &back, -1) : (struct tb_str){ "", 0 };
    return near;
}

/* Small words whose sound depends on the next one. */
static const char *small_word(const struct token *t, const struct tb_neighbours *near, enum next_sound next)
{
    struct tb_str w = t->small;

    if (tb_str_eq(w, "the"))
        return next == NEXT_VOWEL ? "ði" : "ðə";
    if (tb_str_eq(w, "a")) /* "plan A." is a letter */
        return near->after.n && !(t->text.p[0] == 'A' && near->before.n) ? "ɐ" : NULL;
    if (tb_str_eq(w, "an"))
        return "ɐn";
    if (tb_str_eq(w, "to"))
        return next == NEXT_VOWEL ? "tʊ" : next == NEXT_CONSONANT ? "tə" : "tu";
    if (tb_str_eq(w, "in"))
        return next == NEXT_PAUSE ? "ˈɪn" : "ɪn";
    if (tb_str_eq(w, "am") && next != NEXT_PAUSE && t->text.p[0] == 'a')
        return "ɐm";
    if (tb_str_eq(t->text, "I") && next != NEXT_PAUSE)
        return "ˌI";
    if (tb_str_eq(w, "'n"))
        return "ən";
    if (tb_str_eq(w, "vs"))
        return "vˈɜɹsəs";
    return NULL;
}

static bool is_all_capitals(struct tb_str word)
{
    for (size_t i = 0; i < word.n; i++)
        if (word.p[i] < 'A' || word.p[i] > 'Z')
            return false;
    return true;
}

/* Plural or possessive of letters: FBI's, TVs. */
static bool letters_with_s(const struct sentence *s, struct tb_str word, struct tb_phones *out)
{
    size_t stem = word.n > 2 && word.p[word.n - 1] == 's' ? word.n - 1 : 0;

    if (stem && word.p[stem - 1] == '\'')
        stem--;
    if (stem < 2 || !is_all_capitals((struct tb_str){ word.p, stem }))
        return false;
    if (!tb_english_letters(s->lexicon, (struct tb_str){ word.p, stem }, out))
        return false;
    tb_phones_addz(out, tb_phone_in(tb_phones_end(out, 0), "sz") ? "ᵻz" : "z");
    return true;
}

static enum tb_code ask_espeak(struct sentence *s, struct tb_str word, struct tb_phones *out, struct tb_error *err)
{
    struct tb_bytes ipa = { 0 }, symbols = { 0 };
    enum tb_code rc;

    for (size_t at = 0; at < word.n;)
        if (!is_latin(tb_utf8_next(word, &at)))
            return TB_OK;
    if (!s->espeak) {
        tb_english_letters(s->lexicon, word, out);
        return TB_OK;
    }
    rc = tb_espeak_ipa(s->espeak, "en-us", word, &ipa, err);
    if (!rc)
        rc = tb_symbols_from_ipa(tb_bytes_str(&ipa), TB_LANG_EN, &symbols);
    if (!rc && symbols.size)
        tb_phones_add(out, tb_bytes_str(&symbols));
    tb_bytes_free(&ipa);
    tb_bytes_free(&symbols);
    return rc;
}

/* A word without hyphens: the lexicon, letters, or espeak. */
static enum tb_code plain_word(struct sentence *s, struct tb_str word, enum tb_word_tag tag, struct tb_phones *out,
                               struct tb_error *err)
{
    bool capitals = word.n > 1 && is_all_capitals(word);

    *out = (struct tb_phones){ 0 };
    if (capitals && !s->shouted && tb_lexicon_has(s->lexicon, word, TB_WORD_NOUN) && tag != TB_WORD_VERB)
        tag = TB_WORD_NOUN; /* US, IT: spelled where the lexicon says so */
    if (tb_english_word(s->lexicon, word, tag, out))
        return TB_OK;
    if (letters_with_s(s, word, out))
        return TB_OK;
    if (capitals && (word.n < 5 || !tb_english_is_readable(word)) && tb_english_letters(s->lexicon, word, out))
        return TB_OK;
    if (word.n == 1 && tb_english_letters(s->lexicon, word, out))
        return TB_OK;
    return ask_espeak(s, word, out, err);
}

/* What sounds otherwise inside a compound than alone: re-draw, not-a-number. */
static const char *inner_word(struct tb_str part)
{
    static const char *const words[][2] = { { "re", "ɹˌi" }, { "co", "kˌO" }, { "de", "dˌi" },  { "a", "ɐ" },
                                            { "the", "ðə" }, { "to", "tə" },  { "in", "ɪn" }, { "an", "ɐn" } };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (tb_str_eq_nocase(part, words[i][0]))
            return words[i][1];
    return NULL;
}

/* Parts of a compound are said as one word, the lighter half of it without the main stress. */
static enum tb_code compound(struct sentence *s, struct tb_str word, struct tb_phones *out, struct tb_error *err)
{
    bool letters = true; /* F-B-I */
    struct tb_phones part;

    for (size_t i = 0; i < word.n; i++)
        letters &= i % 2 ? word.p[i] == '-' : word.p[i] >= 'A' && word.p[i] <= 'Z';
    if (letters) {
        tb_english_letters(s->lexicon, word, out);
        return TB_OK;
    }
    *out = (struct tb_phones){ 0 };
    for (size_t at = 0, count = 0; at < word.n; count++) {
        const char *hyphen = memchr(word.p + at, '-', word.n - at);
        size_t end = hyphen ? (size_t)(hyphen - word.p) : word.n;
        struct tb_str text = { word.p + at, end - at };
        const char *inner = inner_word(text);
        enum tb_code rc = inner ? TB_OK : plain_word(s, text, TB_WORD_DEFAULT, &part, err);

        if (rc)
            return rc;
        if (inner) {
            part = (struct tb_phones){ 0 };
            tb_phones_addz(&part, inner);
        }
        if (count == 1 && tb_phones_has(&part, TB_STRESS) && tb_phones_has(out, TB_STRESS))
            tb_phones_demote(tb_phones_weight(&part) < tb_phones_weight(out) ? &part : out);
        else if (count > 1 && tb_phones_has(out, TB_STRESS))
            tb_phones_demote(&part);
        tb_phones_join(out, &part);
        at = end + 1;
    }
    return TB_OK;
}

static enum tb_code word_phones(struct sentence *s, size_t i, enum next_sound next, struct tb_phones *out,
                                struct tb_error *err)
{
    const struct token *t = &s->tokens[i];
    struct tb_neighbours near = neighbours(s, i);
    const char *small = small_word(t, &near, next);
    enum tb_word_tag tag = tb_english_tag(s->lexicon, t->small, &near);
    enum tb_code rc;

    *out = (struct tb_phones){ 0 };
    if (small) {
        tb_phones_addz(out, small);
        return TB_OK;
    }
    if (tb_str_eq(t->text, "A") && tb_english_letters(s->lexicon, t->text, out))
        return TB_OK;
    if (memchr(t->text.p, '-', t->text.n) && !tb_english_word(s->lexicon, t->text, tag, out))
        rc = compound(s, t->text, out, err);
    else
        rc = out->n ? TB_OK : plain_word(s, t->text, tag, out, err);
    /* A capital gives a small word some weight, capitals all of it. */
    if (t->text.n > 1 && t->text.p[0] >= 'A' && t->text.p[0] <= 'Z') {
        bool capitals = is_all_capitals(t->text);

        if (capitals)
            tb_phones_promote(out);
        tb_phones_stress(out, capitals ? TB_STRESS : TB_STRESS_SECOND);
    }
    return rc;
}

static enum next_sound sound_at(const struct tb_phones *ph, enum next_sound otherwise)
{
    for (size_t i = 0; i < ph->n; i++)
        if (tb_phone_is_vowel(ph->p[i]) || tb_phone_is_consonant(ph->p[i]))
            return tb_phone_is_vowel(ph->p[i]) ? NEXT_VOWEL : NEXT_CONSONANT;
    return otherwise;
}

static enum tb_code speak_words(struct sentence *s, struct tb_error *err)
{
    enum next_sound next = NEXT_PAUSE;

    for (size_t i = s->count; i-- > 0;) {
        struct token *t = &s->tokens[i];
        struct tb_phones ph;
        enum tb_code rc;

        if (t->small.n == 0) {
            next = is_pause(t->text) ? NEXT_PAUSE : next;
            continue;
        }
        if ((rc = word_phones(s, i, next, &ph, err)))
            return rc;
        next = sound_at(&ph, next);
        t->at = s->phones.size;
        if ((rc = tb_phones_write(&ph, &s->phones)))
            return tb_fail(err, rc, "phonemes of %zu words", s->count);
        t->n = s->phones.size - t->at;
    }
    return TB_OK;
}

/* Words and marks in order; a space only between two things that are said or marked. */
static enum tb_code write(const struct sentence *s, struct tb_bytes *out)
{
    bool gap = false, any = false;
    enum tb_code rc = TB_OK;

    for (size_t i = 0; i < s->count && !rc; i++) {
        const struct token *t = &s->tokens[i];
        struct tb_str piece = { (const char *)s->phones.data + t->at, t->n };
        size_t at = 0;

        if (t->small.n == 0) {
            uint32_t c = tb_utf8_next(t->text, &at);

            gap |= c == ' ';
            if (c == ' ' || c == '-' || !tb_symbol_token(c))
                continue;
            piece = t->text;
        }
        if (piece.n == 0)
            continue;
        if (gap && any)
            rc = tb_bytes_add(out, " ", 1);
        gap = false;
        any = true;
        if (!rc)
            rc = tb_bytes_add(out, piece.p, piece.n);
    }
    return rc;
}

enum tb_code tb_english_phonemes(const struct tb_lexicon *l, struct tb_espeak *espeak, struct tb_str text,
                                 struct tb_bytes *out, struct tb_error *err)
{
    struct sentence s = { .lexicon = l, .espeak = espeak };
    enum tb_code rc = cut(&s, text);

    if (rc)
        tb_fail(err, rc, "words of %zu bytes", text.n);
    if (!rc)
        rc = speak_words(&s, err);
    if (!rc && (rc = write(&s, out)))
        tb_fail(err, rc, "phonemes of %zu bytes", text.n);
    tb_bytes_free(&s.phones);
    free(s.small);
    free(s.tokens);
    return rc;
}
