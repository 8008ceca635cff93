/* symbols.c - see symbols.h.
 *
 * The model's vocabulary is fixed by its training data: misaki's notation, in
 * which the English diphthongs are capitals (A as in "day", I "my", O "go",
 * W "now", Y "boy", Q the British "go", T the flapped t of "water") and the
 * affricates are ligatures. */
#include "text/g2p/symbols.h"

#include <string.h>

#include "text/utf8.h"

static const struct {
    uint16_t c;
    uint8_t token;
} vocabulary[] = {
    /* sorted by code point */
    { 0x20, 16 }, { 0x21, 5 }, { 0x22, 11 }, { 0x28, 12 }, { 0x29, 13 }, { 0x2C, 3 }, { 0x2E, 4 }, { 0x3A, 2 },
    { 0x3B, 1 }, { 0x3F, 6 }, { 0x41, 24 }, { 0x49, 25 }, { 0x4F, 31 }, { 0x51, 33 }, { 0x53, 35 }, { 0x54, 36 },
    { 0x57, 39 }, { 0x59, 41 }, { 0x61, 43 }, { 0x62, 44 }, { 0x63, 45 }, { 0x64, 46 }, { 0x65, 47 },
    { 0x66, 48 }, { 0x68, 50 }, { 0x69, 51 }, { 0x6A, 52 }, { 0x6B, 53 }, { 0x6C, 54 }, { 0x6D, 55 },
    { 0x6E, 56 }, { 0x6F, 57 }, { 0x70, 58 }, { 0x71, 59 }, { 0x72, 60 }, { 0x73, 61 }, { 0x74, 62 },
    { 0x75, 63 }, { 0x76, 64 }, { 0x77, 65 }, { 0x78, 66 }, { 0x79, 67 }, { 0x7A, 68 }, { 0xE6, 72 },
    { 0xE7, 78 }, { 0xF0, 81 }, { 0xF8, 116 }, { 0x14B, 112 }, { 0x153, 120 }, { 0x250, 70 }, { 0x251, 69 },
    { 0x252, 71 }, { 0x254, 76 }, { 0x255, 77 }, { 0x256, 80 }, { 0x259, 83 }, { 0x25A, 85 }, { 0x25B, 86 },
    { 0x25C, 87 }, { 0x25F, 90 }, { 0x261, 92 }, { 0x263, 139 }, { 0x264, 140 }, { 0x265, 99 }, { 0x268, 101 },
    { 0x26A, 102 }, { 0x26F, 110 }, { 0x270, 111 }, { 0x272, 114 }, { 0x273, 113 }, { 0x274, 115 },
    { 0x278, 118 }, { 0x279, 123 }, { 0x27B, 126 }, { 0x27D, 129 }, { 0x27E, 125 }, { 0x281, 128 },
    { 0x282, 130 }, { 0x283, 131 }, { 0x288, 132 }, { 0x28A, 135 }, { 0x28B, 136 }, { 0x28C, 138 },
    { 0x28E, 143 }, { 0x292, 147 }, { 0x294, 148 }, { 0x29D, 103 }, { 0x2A3, 18 }, { 0x2A4, 82 }, { 0x2A5, 19 },
    { 0x2A6, 20 }, { 0x2A7, 133 }, { 0x2A8, 21 }, { 0x2B0, 162 }, { 0x2B2, 164 }, { 0x2C8, 156 }, { 0x2CC, 157 },
    { 0x2D0, 158 }, { 0x303, 17 }, { 0x3B2, 75 }, { 0x3B8, 119 }, { 0x3C7, 142 }, { 0x1D4A, 42 }, { 0x1D5D, 22 },
    { 0x1D7B, 177 }, { 0x2014, 9 }, { 0x201C, 14 }, { 0x201D, 15 }, { 0x2026, 10 }, { 0x2192, 171 },
    { 0x2193, 169 }, { 0x2197, 172 }, { 0x2198, 173 }, { 0xAB67, 23 },
};

int tb_symbol_token(uint32_t c)
{
    size_t low = 0, high = sizeof vocabulary / sizeof *vocabulary;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (vocabulary[middle].c < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sizeof vocabulary / sizeof *vocabulary && vocabulary[low].c == c ? vocabulary[low].token : 0;
}

uint32_t tb_symbol_of(int token)
{
    for (size_t i = 0; i < sizeof vocabulary / sizeof *vocabulary; i++)
        if (vocabulary[i].token == token)
            return vocabulary[i].c;
    return 0;
}

struct rule {
    const char *from, *to;
};

/* Longer ones stand before their own beginnings. */
static const struct rule english[] = {
    { "ʔˌn\u0329", "tn" }, { "ʔn\u0329", "tn" }, { "ʔn", "tn" },
    { "a͡ɪ", "I" },         { "a͡ʊ", "W" },        { "aɪ", "I" },  { "aʊ", "W" },
    { "d͡ʒ", "ʤ" },         { "dʒ", "ʤ" },        { "t͡ʃ", "ʧ" },  { "tʃ", "ʧ" },
    { "e͡ɪ", "A" },         { "eɪ", "A" },        { "e", "A" },
    { "ɔ͡ɪ", "Y" },         { "ɔɪ", "Y" },        { "o͡ʊ", "O" },  { "oʊ", "O" },  { "o", "ɔ" },
    { "ə͡l", "ᵊl" },        { "n\u0329", "ᵊn" },  { "m\u0329", "ᵊm" }, { "l\u0329", "ᵊl" },
    { "ɜːɹ", "ɜɹ" },       { "ɜː", "ɜɹ" },       { "ɚ", "əɹ" },   { "ɝ", "ɜɹ" },
    { "ɪə", "iə" },        { "ʲo", "jo" },       { "ʲə", "jə" },  { "ʲ", "" },
    { "ː", "" },           { "r", "ɹ" },         { "x", "k" },    { "ç", "k" },   { "ɐ", "ə" },
    { "ɬ", "l" },          { "ɾ", "T" },         { "ʔ", "t" },    { "g", "ɡ" },   { "\u0303", "" },
    { NULL, NULL },
};

static const struct rule romance[] = {
    { "a͡ɪ", "I" }, { "a͡ʊ", "W" }, { "e͡ɪ", "A" }, { "o͡ʊ", "O" }, { "ə͡ʊ", "Q" }, { "ɔ͡ɪ", "Y" },
    { "d͡z", "ʣ" }, { "d͡ʒ", "ʤ" }, { "s͡s", "S" }, { "t͡s", "ʦ" }, { "t͡ʃ", "ʧ" },
    { "ã", "a\u0303" }, { "õ", "o\u0303" }, { "g", "ɡ" }, { "ĩ", "i\u0303" }, { "ũ", "u\u0303" }, { "ẽ", "e\u0303" },
    { NULL, NULL },
};

/* What the model was not trained on, by the nearest sound it knows: docs/TEXT.md. Tried before the rules above. */
static const struct rule portuguese[] = {
    { "y", "i" }, { "æ", "ɐ" }, { NULL, NULL },
};

static const struct rule german[] = {
    { "ɔ͡ø", "Y" }, { "ɜ", "ɐ" }, { "p͡f", "pf" }, { "tʃ", "ʧ" }, { "ʏ", "y" }, { "ɾ", "ʁ" }, { "r", "ʁ" },
    { NULL, NULL },
};

static const struct rule russian[] = {
    { "t͡ʃʲ", "ʧ" }, { "ɕ", "ʃʲ" }, { "ɭ", "l" },
    { "ɵ", "ɔ" },   { "y", "ɨ" },    { "ʑ", "ʒʲ" },  { "ʂ", "ʃ" },  { "ʐ", "ʒ" },   { "ɫ", "l" },   { "j͡", "j" },
    { NULL, NULL },
};

/* Own rules of a language; NULL: none. */
static const struct rule *const own[TB_LANG_COUNT] = {
    [TB_LANG_PT] = portuguese,
    [TB_LANG_DE] = german,
    [TB_LANG_RU] = russian,
};

static const struct rule *match(const struct rule *rules, struct tb_str rest)
{
    for (; rules->from; rules++) {
        size_t n = strlen(rules->from);

        if (n <= rest.n && memcmp(rules->from, rest.p, n) == 0)
            return rules;
    }
    return NULL;
}

enum tb_code tb_symbols_from_ipa(struct tb_str ipa, enum tb_lang lang, struct tb_bytes *out)
{
    const struct rule *rules = lang == TB_LANG_EN ? english : romance;
    enum tb_code rc = TB_OK;
    bool gap = false;
    size_t start = out->size;

    for (size_t at = 0; at < ipa.n && !rc;) {
        struct tb_str rest = { ipa.p + at, ipa.n - at };
        const struct rule *rule = own[lang] ? match(own[lang], rest) : NULL;
        char one[4];
        struct tb_str piece;

        if (!rule)
            rule = match(rules, rest);
        if (rule) {
            at += strlen(rule->from);
            piece = tb_str_of(rule->to);
        } else {
            uint32_t c = tb_utf8_next(ipa, &at);

            gap |= c == ' ';
            if (c == ' ' || !tb_symbol_token(c))
                continue;
            piece = (struct tb_str){ one, tb_utf8_put(one, c) };
        }
        if (piece.n == 0)
            continue;
        if (gap && out->size > start)
            rc = tb_bytes_add(out, " ", 1);
        gap = false;
        if (!rc)
            rc = tb_bytes_add(out, piece.p, piece.n);
    }
    return rc;
}
