/* korean.c - see korean.h.
 *
 * Hangul writes morphemes; speech changes the sounds where syllables meet. Each
 * syllable is an onset, a vowel and a coda, numbered as in Unicode. Within a word
 * the changes are made from left to right at each border: a coda moves to an
 * empty onset (liaison), t before i becomes ch (palatalisation), h joins a stop
 * (aspiration), a stop becomes a nasal before one, n and l grow alike, and plain
 * stops grow tense behind stops. What is left of a coda is one of seven sounds.
 * Source: the Standard Pronunciation of the National Institute of Korean
 * Language, articles 8 to 23. Tense and long sounds that only the dictionary
 * knows are not made. */
#include "text/g2p/korean.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "text/utf8.h"

enum { SYLLABLES_MOST = 64, FIRST = 0xAC00, LAST = 0xD7A3, VOWELS = 21, CODAS = 28 };

/* Onsets */
enum { G, GG, N, D, DD, R, M, B, BB, S, SS, NONE, J, JJ, CH, K, T, P, H };
/* Vowels that matter to the rules */
enum { V_YEO = 6, V_YE = 7, V_UI = 19, V_I = 20 };
/* Codas */
enum {
    C_0, C_G, C_GG, C_GS, C_N, C_NJ, C_NH, C_D, C_L, C_LG, C_LM, C_LB, C_LS, C_LT, C_LP, C_LH, C_M, C_B, C_BS, C_S,
    C_SS, C_NG, C_J, C_CH, C_K, C_T, C_P, C_H
};

struct syllable {
    uint8_t onset, vowel, coda;
};

/* Of each coda: what stays, and what moves to an empty onset (NONE: nothing moves). */
static const struct {
    uint8_t stays, moves;
} liaison[CODAS] = {
    [C_0] = { C_0, NONE },  [C_G] = { C_0, G },    [C_GG] = { C_0, GG },  [C_GS] = { C_G, SS }, [C_N] = { C_0, N },
    [C_NJ] = { C_N, J },    [C_NH] = { C_0, N },   [C_D] = { C_0, D },    [C_L] = { C_0, R },   [C_LG] = { C_L, G },
    [C_LM] = { C_L, M },    [C_LB] = { C_L, B },   [C_LS] = { C_L, SS },  [C_LT] = { C_L, T },  [C_LP] = { C_L, P },
    [C_LH] = { C_0, R },    [C_M] = { C_0, M },    [C_B] = { C_0, B },    [C_BS] = { C_B, SS }, [C_S] = { C_0, S },
    [C_SS] = { C_0, SS },   [C_NG] = { C_NG, NONE }, [C_J] = { C_0, J },  [C_CH] = { C_0, CH }, [C_K] = { C_0, K },
    [C_T] = { C_0, T },     [C_P] = { C_0, P },    [C_H] = { C_0, NONE },
};

/* Of each coda: the one of seven sounds that is heard before a consonant or at the end. */
static const uint8_t heard[CODAS] = {
    [C_0] = C_0,  [C_G] = C_G,  [C_GG] = C_G, [C_GS] = C_G, [C_N] = C_N,  [C_NJ] = C_N, [C_NH] = C_N,
    [C_D] = C_D,  [C_L] = C_L,  [C_LG] = C_G, [C_LM] = C_M, [C_LB] = C_L, [C_LS] = C_L, [C_LT] = C_L,
    [C_LP] = C_B, [C_LH] = C_L, [C_M] = C_M,  [C_B] = C_B,  [C_BS] = C_B, [C_S] = C_D,  [C_SS] = C_D,
    [C_NG] = C_NG, [C_J] = C_D, [C_CH] = C_D, [C_K] = C_G,  [C_T] = C_D,  [C_P] = C_B,  [C_H] = C_D,
};

static bool is_stop(uint8_t coda)
{
    return coda == C_G || coda == C_D || coda == C_B;
}

static uint8_t tense(uint8_t onset)
{
    static const uint8_t to[] = { [G] = GG, [D] = DD, [B] = BB, [S] = SS, [J] = JJ };

    return onset < sizeof to && to[onset] ? to[onset] : onset;
}

/* h behind or before a plain stop makes an aspirate; NONE: it does not. */
static uint8_t aspirate(uint8_t onset)
{
    return onset == G ? K : onset == D ? T : onset == B ? P : onset == J ? CH : NONE;
}

/* The next syllable begins with a vowel. */
static void link(struct syllable *a, struct syllable *b)
{
    uint8_t moves = liaison[a->coda].moves;

    if (a->coda == C_NG)
        return;
    if (b->vowel == V_I && (moves == D || moves == T)) /* 굳이, 같이 */
        moves = moves == D ? J : CH;
    a->coda = liaison[a->coda].stays;
    b->onset = moves;
}

/* The next syllable begins with h. */
static void join_h(struct syllable *a, struct syllable *b)
{
    uint8_t moves = liaison[a->coda].moves, stays = liaison[a->coda].stays;

    if (a->coda == C_S || a->coda == C_SS || a->coda == C_CH || a->coda == C_T)
        moves = D; /* 못하다: the coda is t before it meets h */
    if (a->coda == C_D && b->vowel == V_I) /* 닫히다 */
        moves = J;
    if (aspirate(moves) == NONE)
        return;
    a->coda = stays;
    b->onset = aspirate(moves);
}

/* A coda with h before a consonant. */
static bool drop_h(struct syllable *a, struct syllable *b)
{
    if (a->coda != C_H && a->coda != C_NH && a->coda != C_LH)
        return false;
    if (b->onset == S)
        b->onset = SS;
    else if (aspirate(b->onset) != NONE)
        b->onset = aspirate(b->onset);
    a->coda = a->coda == C_NH ? C_N : a->coda == C_LH ? C_L : b->onset == N ? C_N : C_0;
    return true;
}

/* Two consonants meet. */
static void meet(struct syllable *a, struct syllable *b)
{
    bool verb_stem = a->coda == C_NJ || a->coda == C_LT || a->coda == C_LB; /* 앉다, 핥다, 넓다: tense behind them, too */

    if (!drop_h(a, b)) {
        a->coda = heard[a->coda];
        if (is_stop(a->coda) || verb_stem)
            b->onset = tense(b->onset);
    }
    if (b->onset == R && a->coda != C_L && a->coda != C_0)
        b->onset = a->coda == C_N ? R : N; /* 종로, 독립; but 신라 */
    if (a->coda == C_N && b->onset == R)
        a->coda = C_L;
    if (a->coda == C_L && b->onset == N)
        b->onset = R; /* 설날 */
    if (is_stop(a->coda) && (b->onset == N || b->onset == M))
        a->coda = a->coda == C_G ? C_NG : a->coda == C_D ? C_N : C_M;
}

static void change_sounds(struct syllable *word, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        struct syllable *a = &word[i], *b = &word[i + 1];

        if (a->coda == C_0)
            continue;
        if (b->onset == NONE)
            link(a, b);
        else if (b->onset == H)
            join_h(a, b);
        if (a->coda != C_0 && b->onset != NONE)
            meet(a, b);
    }
    word[n - 1].coda = heard[word[n - 1].coda];
}

/* Writing ---------------------------------------------------------------------------------------------------------- */

static const char *const onsets[] = { "ɡ",  "k", "n", "d",  "t", "ɾ", "m",  "b",  "p", "s",
                                      "s", "",  "ʥ", "ʨ", "ʨʰ", "kʰ", "tʰ", "pʰ", "h" };
static const char *const vowels[VOWELS] = { "a",  "ɛ",  "ja", "jɛ", "ʌ",  "e",  "jʌ", "je", "o", "wa", "wɛ",
                                            "we", "jo", "u",  "wʌ", "we", "wi", "ju", "ɯ",  "ɰi", "i" };

static const char *coda_sound(uint8_t coda)
{
    return coda == C_G   ? "k"
           : coda == C_D ? "t"
           : coda == C_B ? "p"
           : coda == C_N ? "n"
           : coda == C_M ? "m"
           : coda == C_L ? "l"
           : coda == C_NG ? "ŋ"
                          : "";
}

/* s before i and y is a sh, and l lengthens behind l. */
static const char *onset_sound(const struct syllable *s, uint8_t coda_before)
{
    bool front = s->vowel == V_I || s->vowel == 2 || s->vowel == 3 || s->vowel == V_YEO || s->vowel == V_YE ||
                 s->vowel == 12 || s->vowel == 16 || s->vowel == 17;

    if (s->onset == R && coda_before == C_L)
        return "l";
    return front && (s->onset == S || s->onset == SS) ? "ɕ" : onsets[s->onset];
}

/* After ch, j and consonants the vowels of two parts lose one; 의 is i inside a word and e at
 * the end of a longer one, where it mostly is a particle. */
static const char *vowel_sound(const struct syllable *word, size_t i, size_t n)
{
    const struct syllable *s = &word[i];

    if (s->vowel == V_YEO && (s->onset == J || s->onset == JJ || s->onset == CH))
        return "ʌ";
    if (s->vowel == V_YE && s->onset != NONE && s->onset != R)
        return "e";
    if (s->vowel == V_UI && i > 0 && n > 2)
        return i + 1 == n ? "e" : "i";
    return s->vowel == V_UI && s->onset != NONE ? "i" : vowels[s->vowel];
}

/* The stress of a word's first vowel stands behind its glide, as in the model's other languages. */
static enum tb_code write_vowel(const char *vowel, bool first, struct tb_bytes *out)
{
    size_t glide = *vowel == 'j' || *vowel == 'w' ? 1 : strncmp(vowel, "ɰ", 2) == 0 ? 2 : 0;
    enum tb_code rc = tb_bytes_add(out, vowel, glide);

    if (!rc && first)
        rc = tb_bytes_addz(out, "ˈ");
    return rc ? rc : tb_bytes_addz(out, vowel + glide);
}

static enum tb_code write_word(struct syllable *word, size_t n, struct tb_bytes *out)
{
    enum tb_code rc = TB_OK;

    change_sounds(word, n);
    for (size_t i = 0; i < n && !rc; i++) {
        rc = tb_bytes_addz(out, onset_sound(&word[i], i ? word[i - 1].coda : C_0));
        if (!rc)
            rc = write_vowel(vowel_sound(word, i, n), i == 0, out);
        if (!rc)
            rc = tb_bytes_addz(out, coda_sound(word[i].coda));
    }
    return rc;
}

/* A syllable, or a lone consonant or vowel ("ㅋㅋ"), which is said with the vowel that is least. */
static bool read_syllable(uint32_t c, struct syllable *s)
{
    static const uint8_t lone[] = { G, GG, G, N, N, N, D, DD, R, R, R, R, R, R, R, R, M, B, BB, B, S, SS, NONE, J, JJ,
                                   CH, K, T, P, H };

    if (c >= FIRST && c <= LAST) {
        c -= FIRST;
        *s = (struct syllable){ (uint8_t)(c / (VOWELS * CODAS)), (uint8_t)(c / CODAS % VOWELS), (uint8_t)(c % CODAS) };
    } else if (c >= 0x3131 && c < 0x3131 + sizeof lone) {
        *s = (struct syllable){ lone[c - 0x3131], 18, C_0 };
    } else if (c >= 0x314F && c < 0x314F + VOWELS) {
        *s = (struct syllable){ NONE, (uint8_t)(c - 0x314F), C_0 };
    } else {
        return false;
    }
    return true;
}

enum tb_code tb_korean_phonemes(struct tb_str words, struct tb_bytes *out)
{
    struct syllable word[SYLLABLES_MOST];
    size_t n = 0, start = out->size;
    enum tb_code rc = TB_OK;
    bool gap = false;

    for (size_t at = 0; at <= words.n && !rc;) {
        uint32_t c = at < words.n ? tb_utf8_next(words, &at) : (at++, ' ');

        if (c != ' ' && read_syllable(c, &word[n]) && ++n < SYLLABLES_MOST)
            continue;
        if ((c == ' ' || n == SYLLABLES_MOST) && n) {
            if (gap && out->size > start)
                rc = tb_bytes_add(out, " ", 1);
            if (!rc)
                rc = write_word(word, n, out);
            n = 0;
            gap = true;
        }
    }
    return rc;
}
