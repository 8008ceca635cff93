/* sounds.c - see sounds.h. tools/transcript/sounds.py has the same two tables; the network's outputs are in this
 * order. */
#include "engine/kokoro/sounds.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "text/utf8.h"

static const char *const names[TB_SOUNDS] = {
    "_", "i", "y", "ɨ", "ɯ", "u", "ɪ", "ʊ", "e", "œ", "ə", "ɜ", "ɤ", "o", "ɛ", "ʌ", "ɔ",
    "æ", "a", "ɑ", "p", "b", "t", "d", "k", "ɡ", "m", "n", "ɲ", "ŋ", "f", "v", "β", "θ",
    "ð", "s", "z", "ʃ", "ʒ", "ç", "x", "h", "ʁ", "ɾ", "ɹ", "l", "j", "w", "ʧ", "ʤ", "ʦ",
};

/* Symbols that are not a sound's own name. */
static const struct {
    const char *symbol, *sounds;
} others[] = {
    { "A", "eɪ" }, { "I", "aɪ" }, { "O", "oʊ" }, { "W", "aʊ" }, { "Y", "ɔɪ" }, { "Q", "əʊ" }, { "ᵻ", "ɪ" },
    { "ᵊ", "ə" },  { "ɚ", "ɜ" },  { "T", "ɾ" },  { "r", "ɾ" },  { "ɸ", "f" },  { "S", "s" },  { "ɰ", "w" },
    { "ɒ", "ɔ" },  { "ɣ", "ɡ" },  { "ʝ", "j" },  { "ʣ", "z" },  { "ɻ", "ɹ" },  { "ɥ", "y" },  { "ø", "œ" },
    { "ɴ", "ŋ" },  { "ʂ", "ʃ" },  { "ɕ", "ʃ" },  { "ʨ", "ʧ" },  { "ꭧ", "ʧ" },  { "ʥ", "ʤ" },  { "ɐ", "ə" },
    { "ʎ", "j" },  { "ɟ", "ʤ" },  { "c", "k" },  { "ɽ", "ɾ" },  { "ʋ", "v" },  { "ɳ", "n" },  { "ʈ", "t" },
    { "ɖ", "d" },  { "χ", "x" },  { "q", "k" },
};

static const char pauses[] = " .,;:!?…—()“”\"";

const char *tb_sound_name(int sound)
{
    return sound >= 0 && sound < TB_SOUNDS ? names[sound] : "";
}

/* The sound that the code point c names; -1: none. */
static int named(uint32_t c)
{
    char utf8[4];
    size_t n = tb_utf8_put(utf8, c);

    for (int i = 1; i < TB_SOUNDS; i++)
        if (strlen(names[i]) == n && !memcmp(names[i], utf8, n))
            return i;
    return -1;
}

static bool is_one_of(uint32_t c, const char *set)
{
    struct tb_str s = tb_str_of(set);
    size_t at = 0;

    while (at < s.n)
        if (tb_utf8_next(s, &at) == c)
            return true;
    return false;
}

/* The sounds of symbol c, at most two; returns how many. */
static int sounds_of(uint32_t c, uint8_t out[2])
{
    int own = named(c), n = 0;

    if (own > 0) {
        out[0] = (uint8_t)own;
        return 1;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct tb_str to = tb_str_of(others[i].sounds);

        if (!is_one_of(c, others[i].symbol))
            continue;
        for (size_t at = 0; at < to.n && n < 2;)
            out[n++] = (uint8_t)named(tb_utf8_next(to, &at));
        break;
    }
    return n;
}

static void put(struct tb_chain *c, uint8_t sound)
{
    c->sound[c->count] = sound;
    c->word[c->count++] = (uint16_t)c->words;
    c->sounds += sound != TB_SILENCE;
}

/* End a word, if one has begun: silences never follow one another. */
static void end_word(struct tb_chain *c)
{
    if (c->sound[c->count - 1] == TB_SILENCE)
        return;
    c->words++;
    put(c, TB_SILENCE);
}

enum tb_code tb_chain_make(struct tb_str phonemes, struct tb_chain *out, struct tb_error *err)
{
    size_t room = 2 * tb_utf8_count(phonemes) + 2;

    *out = (struct tb_chain){ 0 };
    if (room > TB_MAX_CHAIN)
        return tb_fail(err, TB_ETOOBIG, "a text of %zu phonemes, at most %d", room / 2, TB_MAX_CHAIN / 2);
    out->sound = malloc(room * sizeof *out->sound);
    out->word = malloc(room * sizeof *out->word);
    if (!out->sound || !out->word) {
        tb_chain_free(out);
        return tb_fail(err, TB_ENOMEM, "a text of %zu phonemes", room / 2);
    }
    put(out, TB_SILENCE);
    for (size_t at = 0; at < phonemes.n;) {
        uint32_t c = tb_utf8_next(phonemes, &at);
        uint8_t sounds[2];
        int n = sounds_of(c, sounds);

        for (int i = 0; i < n; i++)
            put(out, sounds[i]);
        if (is_one_of(c, pauses))
            end_word(out);
    }
    end_word(out);
    return TB_OK;
}

void tb_chain_free(struct tb_chain *c)
{
    free(c->sound);
    free(c->word);
    *c = (struct tb_chain){ 0 };
}
