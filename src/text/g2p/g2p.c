/* g2p.c - see g2p.h. */
#include "text/g2p/g2p.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/g2p/english.h"
#include "text/g2p/espeak.h"
#include "text/g2p/ja.h"
#include "text/g2p/ja_kana.h"
#include "text/g2p/korean.h"
#include "text/g2p/lexicon.h"
#include "text/g2p/symbols.h"
#include "text/g2p/zh.h"
#include "text/normalise.h"
#include "text/utf8.h"

/* The espeak voices that the model's training used. English has the lexicon besides. */
static const char *const voices[TB_LANG_COUNT] = {
    [TB_LANG_EN] = "en-us", [TB_LANG_ES] = "es",    [TB_LANG_FR] = "fr",
    [TB_LANG_IT] = "it",    [TB_LANG_PT] = "pt-br", [TB_LANG_DE] = "de",
    [TB_LANG_RU] = "ru",
};

/* Languages that have their own dictionaries or rules. */
static bool has_dictionary(enum tb_lang lang)
{
    return lang == TB_LANG_ZH || lang == TB_LANG_JA || lang == TB_LANG_KO;
}

bool tb_g2p_speaks(enum tb_lang lang)
{
    return (unsigned)lang < TB_LANG_COUNT && (voices[lang] || has_dictionary(lang));
}

struct tb_g2p {
    struct tb_lexicon lexicon;
    struct tb_zh_dict zh;
    struct tb_ja *ja;         /* NULL: its dictionary is missing, and */
    struct tb_error no_japanese; /* says why */
    struct tb_espeak *espeak;
    struct tb_normaliser *normalisers[TB_LANG_COUNT]; /* of the languages that are spoken */
};

static enum tb_code join_path(char path[4096], const char *folder, const char *file, struct tb_error *err)
{
    if ((size_t)snprintf(path, 4096, "%s/%s", folder, file) >= 4096)
        return tb_fail(err, TB_ETOOBIG, "path of %zu bytes", strlen(folder));
    return TB_OK;
}

static enum tb_code open_parts(struct tb_g2p *g, const char *model_dir, const char *helper_dir, struct tb_error *err)
{
    char path[4096];
    enum tb_code rc;

    if ((rc = join_path(path, model_dir, "lexicon-en.bin", err)) || (rc = tb_lexicon_open(path, &g->lexicon, err)))
        return rc;
    if ((rc = join_path(path, model_dir, "lexicon-zh.bin", err)) || (rc = tb_zh_dict_open(path, &g->zh, err)))
        return rc;
    if ((rc = join_path(path, model_dir, "naist-jdic", err)))
        return rc;
    tb_ja_open(path, &g->ja, &g->no_japanese); /* a large package of the system's: the others are spoken without it */
    if ((rc = join_path(path, helper_dir, "timbre-phonemes", err)) || (rc = tb_espeak_open(path, &g->espeak, err)))
        return rc;
    for (int i = 0; i < TB_LANG_COUNT; i++)
        if (tb_g2p_speaks((enum tb_lang)i) && (rc = tb_normaliser_open((enum tb_lang)i, &g->normalisers[i], err)))
            return rc;
    return TB_OK;
}

enum tb_code tb_g2p_open(const char *model_dir, const char *helper_dir, struct tb_g2p **out, struct tb_error *err)
{
    struct tb_g2p *g = calloc(1, sizeof *g);
    enum tb_code rc;

    *out = NULL;
    if (!g)
        return tb_fail(err, TB_ENOMEM, "phonemes");
    rc = open_parts(g, model_dir, helper_dir, err);
    if (rc)
        tb_g2p_close(g);
    else
        *out = g;
    return rc;
}

void tb_g2p_close(struct tb_g2p *g)
{
    if (!g)
        return;
    for (int i = 0; i < TB_LANG_COUNT; i++)
        tb_normaliser_close(g->normalisers[i]);
    tb_espeak_close(g->espeak);
    tb_ja_close(g->ja);
    tb_zh_dict_close(&g->zh);
    tb_lexicon_close(&g->lexicon);
    free(g);
}

/* Marks that the model knows; espeak would swallow them. */
static bool is_mark(uint32_t c)
{
    return c < 0x80 ? c && strchr(".,;:!?\"()", (int)c) : c == 0x2014 || c == 0x2026 || c == 0x201C || c == 0x201D;
}

static enum tb_code speak_native(struct tb_g2p *g, struct tb_str run, enum tb_lang lang, struct tb_bytes *symbols,
                                 struct tb_error *err)
{
    struct tb_bytes ipa = { 0 };
    enum tb_code rc;

    if (lang == TB_LANG_KO)
        rc = tb_korean_phonemes(run, symbols);
    else if (!(rc = tb_espeak_ipa(g->espeak, voices[lang], run, &ipa, err)))
        rc = tb_symbols_from_ipa(tb_bytes_str(&ipa), lang, symbols);
    tb_bytes_free(&ipa);
    return rc && !(err && err->text[0]) ? tb_fail(err, rc, "phonemes of %zu bytes", run.n) : rc;
}

/* 'l' for Latin letters, 'o' for others, 0 for what is between words. */
static char script_of(uint32_t c)
{
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
        return 'l';
    if (c < 0xC0)
        return 0;
    return c < 0x250 ? 'l' : 'o';
}

/* A run in which Latin words stand among those of another script: they are English. */
static enum tb_code speak_scripts(struct tb_g2p *g, struct tb_str run, enum tb_lang lang, struct tb_bytes *symbols,
                                  struct tb_error *err)
{
    char script = 0;
    size_t start = 0;

    for (size_t at = 0; at <= run.n;) {
        size_t before = at;
        char here = at < run.n ? script_of(tb_utf8_next(run, &at)) : (at++, 'e');
        struct tb_str part = { run.p + start, before - start };
        enum tb_code rc = TB_OK;

        if (here == 0 || here == script)
            continue;
        if (script && symbols->size)
            rc = tb_bytes_add(symbols, " ", 1);
        if (!rc && script == 'l')
            rc = tb_english_phonemes(&g->lexicon, g->espeak, part, symbols, err);
        else if (!rc && script)
            rc = speak_native(g, part, lang, symbols, err);
        if (rc)
            return rc;
        start = script ? before : start;
        script = here;
    }
    return TB_OK;
}

/* One run of words without marks, with a space before it if the text has one. */
static enum tb_code speak_run(struct tb_g2p *g, struct tb_str run, enum tb_lang lang, struct tb_bytes *out,
                              struct tb_error *err)
{
    struct tb_bytes symbols = { 0 };
    enum tb_code rc = lang == TB_LANG_RU || lang == TB_LANG_KO ? speak_scripts(g, run, lang, &symbols, err)
                                                              : speak_native(g, run, lang, &symbols, err);

    if (!rc && symbols.size) {
        if (run.p[0] == ' ' && out->size)
            rc = tb_bytes_add(out, " ", 1);
        if (!rc)
            rc = tb_bytes_add(out, symbols.data, symbols.size);
        if (rc)
            tb_fail(err, rc, "phonemes of %zu bytes", run.n);
    }
    tb_bytes_free(&symbols);
    return rc;
}

static bool has_words(struct tb_str run)
{
    for (size_t i = 0; i < run.n; i++)
        if (run.p[i] != ' ' && run.p[i] != '-' && run.p[i] != '\'')
            return true;
    return false;
}

/* Runs of words go to espeak, marks stay as they are. */
static enum tb_code speak_by_espeak(struct tb_g2p *g, struct tb_str text, enum tb_lang lang, struct tb_bytes *out,
                                    struct tb_error *err)
{
    size_t start = 0;

    for (size_t at = 0; at < text.n;) {
        size_t before = at;
        bool mark = is_mark(tb_utf8_next(text, &at)), last = at == text.n;
        struct tb_str run = { text.p + start, (mark ? before : at) - start };
        enum tb_code rc;

        if (!mark && !last)
            continue;
        if (has_words(run) && (rc = speak_run(g, run, lang, out, err)))
            return rc;
        if (mark) {
            bool gap = before > start && text.p[before - 1] == ' ' && out->size;

            if ((gap && (rc = tb_bytes_add(out, " ", 1))) || (rc = tb_bytes_add(out, text.p + before, at - before)))
                return tb_fail(err, rc, "phonemes of %zu bytes", text.n);
        }
        start = at;
    }
    return TB_OK;
}

/* English words inside another script; what is in no Latin letters gives nothing. */
static enum tb_code say_foreign(void *ctx, struct tb_str text, struct tb_bytes *out, struct tb_error *err)
{
    struct tb_g2p *g = ctx;
    struct tb_bytes words = { 0 };
    enum tb_code rc = tb_normalise(g->normalisers[TB_LANG_EN], text, &words, err);

    if (!rc && words.size)
        rc = tb_english_phonemes(&g->lexicon, g->espeak, tb_bytes_str(&words), out, err);
    tb_bytes_free(&words);
    return rc;
}

static enum tb_code speak(struct tb_g2p *g, struct tb_str words, enum tb_lang lang, struct tb_bytes *out,
                          struct tb_error *err)
{
    const struct tb_foreign foreign = { say_foreign, g };

    if (lang == TB_LANG_EN)
        return tb_english_phonemes(&g->lexicon, g->espeak, words, out, err);
    if (lang == TB_LANG_JA && !g->ja)
        return tb_fail(err, TB_ELANGUAGE, "Japanese: %s", g->no_japanese.text);
    if (lang == TB_LANG_JA)
        return tb_ja_phonemes(g->ja, &foreign, words, out, err);
    if (lang == TB_LANG_ZH)
        return tb_zh_phonemes(&g->zh, &foreign, words, out, err);
    return speak_by_espeak(g, words, lang, out, err);
}

static bool has_sound(struct tb_str phonemes)
{
    for (size_t at = 0; at < phonemes.n;) {
        uint32_t c = tb_utf8_next(phonemes, &at);

        if (c != ' ' && !is_mark(c))
            return true;
    }
    return false;
}

static enum tb_code speak_part(struct tb_g2p *g, struct tb_str text, enum tb_lang lang, struct tb_bytes *out,
                               struct tb_error *err)
{
    struct tb_bytes words = { 0 }, phonemes = { 0 };
    enum tb_code rc = tb_normalise(g->normalisers[lang], text, &words, err);

    if (!rc && words.size)
        rc = speak(g, tb_bytes_str(&words), lang, &phonemes, err);
    if (!rc && has_sound(tb_bytes_str(&phonemes)) &&
        ((rc = tb_foreign_space(out)) || (rc = tb_bytes_add(out, phonemes.data, phonemes.size))))
        tb_fail(err, rc, "%zu bytes of phonemes", phonemes.size);
    tb_bytes_free(&words);
    tb_bytes_free(&phonemes);
    return rc;
}

static bool is_ideographic(uint32_t c)
{
    return tb_is_han(c) || tb_is_kana(c) || c == 0x3005;
}

/* The text from *at up to the next ideograph or kana; or from one of these, with the marks behind it, up to the next
 * other letter or digit. */
static struct tb_str take_part(struct tb_str text, size_t *at, bool *ideographic)
{
    size_t start = *at, first = start;

    *ideographic = is_ideographic(tb_utf8_next(text, &first));
    while (*at < text.n) {
        size_t next = *at;
        uint32_t c = tb_utf8_next(text, &next);
        bool letter = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= 0xC0 && c < 0x2000);

        if (*ideographic ? letter && !is_ideographic(c) : is_ideographic(c))
            break;
        *at = next;
    }
    return (struct tb_str){ text.p + start, *at - start };
}

enum tb_code tb_g2p_phonemes(struct tb_g2p *g, struct tb_str text, enum tb_lang lang, struct tb_bytes *out,
                             struct tb_error *err)
{
    bool whole = lang == TB_LANG_ZH || lang == TB_LANG_JA || lang == TB_LANG_KO; /* have ideographs of their own */
    struct tb_bytes all = { 0 };
    enum tb_code rc = TB_OK;

    if (!tb_g2p_speaks(lang))
        return tb_fail(err, TB_ELANGUAGE, "no phonemes for %s", tb_lang_name(lang));
    for (size_t at = 0; at < text.n && !rc;) {
        bool ideographic = false;
        struct tb_str part = whole ? text : take_part(text, &at, &ideographic);
        enum tb_lang its = ideographic ? tb_lang_detect(part, TB_LANG_ZH) : lang;

        if (whole)
            at = text.n;
        if (!ideographic || its != TB_LANG_JA || g->ja)
            rc = speak_part(g, part, its, &all, err);
    }
    if (!rc && all.size && (rc = tb_bytes_add(out, all.data, all.size)))
        tb_fail(err, rc, "%zu bytes of phonemes", all.size);
    tb_bytes_free(&all);
    return rc;
}
