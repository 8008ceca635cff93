/* zh_pinyin.c - see zh_pinyin.h.
 *
 * A syllable is an initial, a final and a tone. The spelling hides some finals:
 * y and w stand for a final that begins with i, u or ü, the dots of ü go after
 * j, q, x and y, and iou, uei, uen lose a letter behind an initial. */
#include "text/g2p/zh_pinyin.h"

#include <string.h>

struct part {
    const char *spelling, *symbols, *coda; /* the tone comes between symbols and coda */
};

/* Longer ones first. */
static const struct part initials[] = {
    { "zh", "ꭧ", "" },  { "ch", "ꭧʰ", "" }, { "sh", "ʂ", "" }, { "b", "p", "" },  { "p", "pʰ", "" }, { "m", "m", "" },
    { "f", "f", "" },   { "d", "t", "" },   { "t", "tʰ", "" }, { "n", "n", "" },  { "l", "l", "" },  { "g", "k", "" },
    { "k", "kʰ", "" },  { "h", "x", "" },   { "j", "ʨ", "" },  { "q", "ʨʰ", "" }, { "x", "ɕ", "" },  { "r", "ɻ", "" },
    { "z", "ʦ", "" },   { "c", "ʦʰ", "" },  { "s", "s", "" },
};

static const struct part finals[] = {
    { "a", "a", "" },     { "ai", "ai", "" },   { "an", "a", "n" },    { "ang", "a", "ŋ" },   { "ao", "au", "" },
    { "e", "ɤ", "" },     { "ei", "ei", "" },   { "en", "ə", "n" },    { "eng", "ə", "ŋ" },   { "i", "i", "" },
    { "ia", "ja", "" },   { "ian", "jɛ", "n" }, { "iang", "ja", "ŋ" }, { "iao", "jau", "" },  { "ie", "je", "" },
    { "in", "i", "n" },   { "ing", "i", "ŋ" },  { "iong", "jʊ", "ŋ" }, { "iou", "jou", "" },  { "iu", "jou", "" },
    { "o", "wo", "" },    { "ong", "ʊ", "ŋ" },  { "ou", "ou", "" },    { "u", "u", "" },      { "ua", "wa", "" },
    { "uai", "wai", "" }, { "uan", "wa", "n" }, { "uang", "wa", "ŋ" }, { "uei", "wei", "" },  { "ui", "wei", "" },
    { "uen", "wə", "n" }, { "un", "wə", "n" },  { "ueng", "wə", "ŋ" }, { "uo", "wo", "" },    { "v", "y", "" },
    { "ve", "ɥe", "" },   { "ue", "ɥe", "" },   { "van", "ɥɛ", "n" },  { "vn", "y", "n" },
};

/* Syllables without an initial that is spelled as one. */
static const struct part whole[] = {
    { "er", "ɚ", "" },  { "o", "ɔ", "" },     { "yo", "jɔ", "" },    { "E", "ɛ", "" },     { "m", "m", "" },
    { "n", "n", "" },   { "ng", "ŋ", "" },    { "hm", "hm", "" },    { "hng", "hŋ", "" },  { "yi", "i", "" },
    { "yin", "i", "n" }, { "ying", "i", "ŋ" }, { "yu", "y", "" },    { "yue", "ɥe", "" },  { "yuan", "ɥɛ", "n" },
    { "yun", "y", "n" }, { "wu", "u", "" },
};

static const struct part *find(const struct part *parts, size_t count, struct tb_str spelling)
{
    for (size_t i = 0; i < count; i++)
        if (tb_str_eq(spelling, parts[i].spelling))
            return &parts[i];
    return NULL;
}

#define FIND(parts, spelling) find(parts, sizeof(parts) / sizeof *(parts), spelling)

/* The final that is meant by these letters behind the initial. */
static const struct part *final_of(const char *initial, struct tb_str rest)
{
    char spelling[TB_ZH_SYLLABLE_MOST];

    if (rest.n >= sizeof spelling || rest.n == 0)
        return NULL;
    memcpy(spelling, rest.p, rest.n);
    if (spelling[0] == 'u' && strchr("jqx", initial[0]))
        spelling[0] = 'v';
    return FIND(finals, ((struct tb_str){ spelling, rest.n }));
}

/* "yan" is "ian", "wei" is "uei". */
static const struct part *glide_final(struct tb_str syllable)
{
    char spelling[TB_ZH_SYLLABLE_MOST];

    if (syllable.n >= sizeof spelling || syllable.n < 2)
        return NULL;
    memcpy(spelling, syllable.p, syllable.n);
    spelling[0] = spelling[0] == 'y' ? 'i' : 'u';
    return FIND(finals, ((struct tb_str){ spelling, syllable.n }));
}

/* zi, ci, si, zhi, chi, shi, ri have a vowel of their own. */
static const struct part apical = { "i", "ɨ", "" };

static bool parse(struct tb_str letters, const struct part **initial, const struct part **final)
{
    *initial = NULL;
    if ((*final = FIND(whole, letters)))
        return true;
    if (letters.p[0] == 'y' || letters.p[0] == 'w')
        return (*final = glide_final(letters)) != NULL;
    for (size_t i = 0; i < sizeof initials / sizeof *initials && !*initial; i++) {
        size_t n = strlen(initials[i].spelling);

        if (letters.n > n && memcmp(letters.p, initials[i].spelling, n) == 0)
            *initial = &initials[i];
    }
    if (!*initial)
        return (*final = FIND(finals, letters)) != NULL;
    struct tb_str rest = { letters.p + strlen((*initial)->spelling), letters.n - strlen((*initial)->spelling) };
    *final = rest.n == 1 && rest.p[0] == 'i' && strchr("zcsr", letters.p[0]) ? &apical
                                                                              : final_of((*initial)->spelling, rest);
    return *final != NULL;
}

bool tb_zh_symbols(struct tb_str syllable, struct tb_bytes *out, enum tb_code *rc)
{
    static const char *const tones[] = { "→", "↗", "↓", "↘", "" };
    const struct part *initial, *final;
    int tone = syllable.n >= 2 ? syllable.p[syllable.n - 1] - '1' : -1;

    *rc = TB_OK;
    if (tone < 0 || tone >= TB_ZH_NEUTRAL || !parse((struct tb_str){ syllable.p, syllable.n - 1 }, &initial, &final))
        return false;
    if (initial)
        *rc = tb_bytes_addz(out, initial->symbols);
    if (!*rc)
        *rc = tb_bytes_addz(out, final->symbols);
    if (!*rc)
        *rc = tb_bytes_addz(out, tones[tone]);
    if (!*rc)
        *rc = tb_bytes_addz(out, final->coda);
    return true;
}
