/* ja_kana.c - see ja_kana.h.
 *
 * A kana is a consonant and a vowel. A small kana behind another takes the
 * place of its vowel, and changes the consonant of some. The moraic nasal
 * becomes like the consonant behind it. */
#include "text/g2p/ja_kana.h"

#include <string.h>

#include "text/utf8.h"

enum { FIRST = 0x30A1, LAST = 0x30FA, LONG = 0x30FC, HIRAGANA = 0x60 /* katakana less hiragana */ };
enum { WORD_MOST = 128 /* kana of a word; the longest of the dictionary has 50 */ };

struct kana {
    const char *consonant, *vowel;
};

/* From ァ to ヺ. */
static const struct kana table[] = {
    { "", "a" },   { "", "a" },   { "", "i" },   { "", "i" },   { "", "ɯ" },  { "", "ɯ" },  { "", "e" },  { "", "e" },
    { "", "o" }, { "", "o" }, { "k", "a" }, { "ɡ", "a" }, { "kʲ", "i" }, { "ɡʲ", "i" }, { "k", "ɯ" }, { "ɡ", "ɯ" },
    { "k", "e" },  { "ɡ", "e" },  { "k", "o" },  { "ɡ", "o" },  { "s", "a" }, { "ʣ", "a" }, { "ɕ", "i" }, { "ʥ", "i" },
    { "s", "ɨ" },  { "z", "ɨ" },  { "s", "e" },  { "ʣ", "e" },  { "s", "o" }, { "ʣ", "o" }, { "t", "a" }, { "d", "a" },
    { "ʨ", "i" },  { "ʥ", "i" },  { "ʔ", "" },   { "ʦ", "ɨ" },  { "z", "ɨ" }, { "t", "e" }, { "d", "e" }, { "t", "o" },
    { "d", "o" },  { "n", "a" },  { "ɲ", "i" },  { "n", "ɯ" },  { "n", "e" }, { "n", "o" }, { "h", "a" }, { "b", "a" },
    { "p", "a" },  { "ç", "i" },  { "bʲ", "i" }, { "pʲ", "i" }, { "ɸ", "ɯ" }, { "b", "ɯ" }, { "p", "ɯ" }, { "h", "e" },
    { "b", "e" },  { "p", "e" },  { "h", "o" },  { "b", "o" },  { "p", "o" }, { "m", "a" }, { "mʲ", "i" }, { "m", "ɯ" },
    { "m", "e" },  { "m", "o" },  { "j", "a" },  { "j", "a" },  { "j", "ɯ" }, { "j", "ɯ" }, { "j", "o" }, { "j", "o" },
    { "ɾ", "a" },  { "ɾʲ", "i" }, { "ɾ", "ɯ" },  { "ɾ", "e" },  { "ɾ", "o" }, { "β", "a" }, { "β", "a" }, { "", "i" },
    { "", "e" },   { "", "o" },   { "ɴ", "" },   { "v", "ɯ" },  { "k", "a" }, { "k", "e" }, { "v", "a" }, { "vʲ", "i" },
    { "v", "e" },  { "v", "o" },
};
_Static_assert(sizeof table / sizeof *table == LAST - FIRST + 1, "a row for each kana");

/* Consonants before a small kana, where they are not the kana's own. */
static const struct {
    uint32_t kana;
    const char *before; /* which small kana */
    const char *consonant;
} changed[] = {
    { U'イ', "ェ", "j" },        { U'ウ', "ィェォ", "β" },     { U'ク', "ァィェォヮ", "kᵝ" }, { U'グ', "ァィェォヮ", "ɡᵝ" },
    { U'ツ', "ィ", "ʦʲ" },       { U'テ', "ィャュョ", "tʲ" },  { U'デ', "ィャュョ", "dʲ" },  { U'フ', "ィャュョ", "ɸʲ" },
    { U'ヴ', "ィ", "vʲ" },       { U'ヴ', "ャュョ", "bʲ" },
};

bool tb_is_katakana(uint32_t c)
{
    return (c >= FIRST && c <= LAST) || c == LONG;
}

bool tb_is_kana(uint32_t c)
{
    return tb_is_katakana(c) || (c >= 0x3041 && c <= 0x3096);
}

static const struct kana *kana_of(uint32_t c)
{
    return c >= FIRST && c <= LAST ? &table[c - FIRST] : NULL;
}

static bool is_small(uint32_t c)
{
    return c == U'ァ' || c == U'ィ' || c == U'ゥ' || c == U'ェ' || c == U'ォ' || c == U'ャ' || c == U'ュ' || c == U'ョ' ||
           c == U'ヮ';
}

static const char *consonant_before(uint32_t c, uint32_t small)
{
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        struct tb_str list = tb_str_of(changed[i].before);

        for (size_t at = 0; changed[i].kana == c && at < list.n;)
            if (tb_utf8_next(list, &at) == small)
                return changed[i].consonant;
    }
    return kana_of(c)->consonant;
}

/* ャ, ュ and ョ keep their j behind a consonant that is not palatal. */
static const char *vowel_of_small(const char *consonant, uint32_t small)
{
    bool palatal = strstr("ɕʥʨɲç", consonant) || strstr(consonant, "ʲ");

    switch (small) {
    case U'ャ': return palatal ? "a" : "ja";
    case U'ュ': return palatal ? "ɨ" : "jɯ";
    case U'ョ': return palatal ? "o" : "jo";
    default: return kana_of(small)->vowel;
    }
}

/* The nasal before this kana; 0: the end of the word. */
static const char *nasal_before(uint32_t c)
{
    const struct kana *next = kana_of(c);
    static const struct {
        const char *consonants, *nasal;
    } like[] = { { "mpb", "m" }, { "kɡ", "ŋ" }, { "ɲʨʥ", "ɲ" }, { "ntdɾz", "n" } };

    for (size_t i = 0; next && next->consonant[0] && i < sizeof like / sizeof *like; i++) {
        struct tb_str list = tb_str_of(like[i].consonants), consonant = tb_str_of(next->consonant);
        size_t start = 0;
        uint32_t first = tb_utf8_next(consonant, &start);

        for (size_t at = 0; at < list.n;)
            if (tb_utf8_next(list, &at) == first)
                return like[i].nasal;
    }
    return "ɴ";
}

enum tb_code tb_ja_symbols(struct tb_str kana, struct tb_bytes *out)
{
    uint32_t c[WORD_MOST + 1];
    size_t n = 0;
    enum tb_code rc = TB_OK;

    for (size_t at = 0; at < kana.n && n < WORD_MOST;) {
        uint32_t point = tb_utf8_next(kana, &at);

        if (tb_is_kana(point))
            c[n++] = tb_is_katakana(point) ? point : point + HIRAGANA;
    }
    c[n] = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        if (c[i] == LONG || c[i] == U'ン') {
            rc = tb_bytes_addz(out, c[i] == LONG ? "ː" : nasal_before(c[i + 1]));
        } else if (is_small(c[i + 1]) && !is_small(c[i]) && c[i] != U'ッ') {
            const char *consonant = consonant_before(c[i], c[i + 1]);

            if (!(rc = tb_bytes_addz(out, consonant)))
                rc = tb_bytes_addz(out, vowel_of_small(consonant, c[i + 1]));
            i++;
        } else if (!(rc = tb_bytes_addz(out, kana_of(c[i])->consonant))) {
            rc = tb_bytes_addz(out, kana_of(c[i])->vowel);
        }
    }
    return rc;
}
