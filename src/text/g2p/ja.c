/* ja.c - see ja.h.
 *
 * A MeCab model is read-only; each call has a tagger and a lattice of its own. A
 * node's feature is "part of speech,finer,...,base form,reading,pronunciation,...";
 * the pronunciation has particles and long vowels as they are said. */
#include "text/g2p/ja.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mecab.h>
#include <unistd.h>

#include "text/g2p/ja_kana.h"
#include "text/utf8.h"

enum { SPEECH = 0, FINER = 1, INFLECTION = 4, SAID = 8 /* fields of a feature */ };

struct tb_ja {
    mecab_model_t *model;
};

enum tb_code tb_ja_open(const char *dictionary, struct tb_ja **out, struct tb_error *err)
{
    char path[4096];
    char *args[] = { "mecab", "-r", "/dev/null", "-d", (char *)dictionary };
    struct tb_ja *j;

    *out = NULL;
    if ((size_t)snprintf(path, sizeof path, "%s/sys.dic", dictionary) >= sizeof path || access(path, R_OK))
        return tb_fail(err, TB_EIO, "no dictionary in %s: install open-jtalk-mecab-naist-jdic, then make setup",
                       dictionary);
    j = calloc(1, sizeof *j);
    if (!j)
        return tb_fail(err, TB_ENOMEM, "Japanese dictionary");
    j->model = mecab_model_new(sizeof args / sizeof *args, args);
    if (!j->model) {
        free(j);
        return tb_fail(err, TB_EIO, "%s: MeCab does not take this dictionary", dictionary);
    }
    *out = j;
    return TB_OK;
}

void tb_ja_close(struct tb_ja *j)
{
    if (!j)
        return;
    mecab_model_destroy(j->model);
    free(j);
}

/* Words ------------------------------------------------------------------------------------------------------------ */

static struct tb_str field(const mecab_node_t *node, int k)
{
    const char *p = node->feature;

    for (; k > 0 && p; k--)
        p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL;
    return p ? (struct tb_str){ p, strcspn(p, ",") } : (struct tb_str){ NULL, 0 };
}

static bool has(const mecab_node_t *node, int k, const char *value)
{
    return tb_str_eq(field(node, k), value);
}

static bool has_kana(struct tb_str text)
{
    for (size_t at = 0; at < text.n;)
        if (tb_is_kana(tb_utf8_next(text, &at)))
            return true;
    return false;
}

/* Where the dictionary's reading is not the one most often meant. */
static const struct {
    const char *surface, *said, *ours;
} better[] = {
    { "言う", "イウ", "ユー" }, { "いう", "イウ", "ユー" }, { "行", "クダリ", "ギョー" }, { "他", "タ", "ホカ" },
};

/* How the node is said, in kana; an unknown word is said as it is written. */
static struct tb_str said(const mecab_node_t *node)
{
    struct tb_str pronunciation = field(node, SAID), surface = { node->surface, node->length };

    for (size_t i = 0; i < sizeof better / sizeof *better; i++)
        if (tb_str_eq(surface, better[i].surface) && tb_str_eq(pronunciation, better[i].said))
            return tb_str_of(better[i].ours);
    if (has_kana(pronunciation))
        return pronunciation;
    return has_kana(surface) ? surface : (struct tb_str){ NULL, 0 };
}

/* Endings belong to the word before them, as in the text that the model learned from; ました and ません stand alone. */
static bool joins(const mecab_node_t *before, const mecab_node_t *node)
{
    bool inflected = has(before, SPEECH, "動詞") || has(before, SPEECH, "形容詞") || has(before, SPEECH, "助動詞");
    bool polite = has(node, INFLECTION, "特殊・マス");

    if (has(node, FINER, "接尾"))
        return !has(before, SPEECH, "助詞") && !has(before, SPEECH, "記号");
    if (!inflected)
        return false;
    if (polite)
        return node->length == strlen("ます") && memcmp(node->surface, "ます", node->length) == 0;
    return (has(node, SPEECH, "助動詞") && !has(node, INFLECTION, "特殊・デス")) ||
           (has(node, FINER, "接続助詞") && node->length == strlen("て"));
}

/* No space stands beside the stop of a double consonant: 行っ-て. */
static enum tb_code gap(struct tb_bytes *out)
{
    return tb_foreign_ends_with(out, "ʔ") ? TB_OK : tb_foreign_space(out);
}

static enum tb_code say_word(struct tb_str kana, struct tb_bytes *out)
{
    enum tb_code rc = kana.n ? gap(out) : TB_OK;

    return rc ? rc : tb_ja_symbols(kana, out);
}

static enum tb_code say_nodes(const mecab_node_t *node, struct tb_bytes *out)
{
    struct tb_bytes word = { 0 };
    const mecab_node_t *before = NULL;
    enum tb_code rc = TB_OK;

    for (; node && !rc; node = node->next) {
        if (node->stat == MECAB_BOS_NODE || node->stat == MECAB_EOS_NODE)
            continue;
        struct tb_str kana = said(node);

        if (before && !joins(before, node)) {
            rc = say_word(tb_bytes_str(&word), out);
            word.size = 0;
        }
        if (!rc)
            rc = tb_bytes_add(&word, kana.p, kana.n);
        if (has(node, SPEECH, "助動詞") && tb_foreign_ends_with(&word, "ウ")) { /* でしょう: the dictionary has no ー here */
            word.size -= strlen("ウ");
            rc = tb_bytes_addz(&word, "ー");
        }
        before = node;
    }
    if (!rc)
        rc = say_word(tb_bytes_str(&word), out);
    tb_bytes_free(&word);
    return rc;
}

static enum tb_code say_run(const struct tb_ja *j, struct tb_str text, struct tb_bytes *out, struct tb_error *err)
{
    mecab_t *tagger = mecab_model_new_tagger(j->model);
    mecab_lattice_t *lattice = mecab_model_new_lattice(j->model);
    enum tb_code rc = TB_OK;

    if (!tagger || !lattice) {
        rc = tb_fail(err, TB_ENOMEM, "MeCab");
    } else {
        mecab_lattice_set_sentence2(lattice, text.p, text.n);
        if (!mecab_parse_lattice(tagger, lattice))
            rc = tb_fail(err, TB_EINTERNAL, "MeCab: %s", mecab_lattice_strerror(lattice));
        else
            rc = say_nodes(mecab_lattice_get_bos_node(lattice), out);
    }
    mecab_lattice_destroy(lattice);
    mecab_destroy(tagger);
    return rc;
}

/* Runs ------------------------------------------------------------------------------------------------------------- */

static bool is_japanese(uint32_t c)
{
    return tb_is_kana(c) || tb_is_han(c) || c == 0x3005 /* 々 */ || c == 0x3006 || c == 0x3007 || c == 0x309D ||
           c == 0x309E || c == 0x30FD || c == 0x30FE;
}

/* The run of Japanese letters, or of anything else, from *at. */
static struct tb_str take_run(struct tb_str text, size_t *at, bool *japanese, bool *katakana)
{
    size_t start = *at, first = start;

    *japanese = is_japanese(tb_utf8_next(text, &first));
    *katakana = true;
    while (*at < text.n) {
        size_t next = *at;
        uint32_t c = tb_utf8_next(text, &next);

        if (is_japanese(c) != *japanese)
            break;
        *katakana &= tb_is_katakana(c);
        *at = next;
    }
    return (struct tb_str){ text.p + start, *at - start };
}

enum tb_code tb_ja_phonemes(const struct tb_ja *j, const struct tb_foreign *foreign, struct tb_str text,
                            struct tb_bytes *out, struct tb_error *err)
{
    enum tb_code rc = TB_OK;

    for (size_t at = 0; at < text.n && !rc;) {
        bool japanese, katakana;
        struct tb_str run = take_run(text, &at, &japanese, &katakana);

        if (!japanese)
            rc = tb_foreign_say(foreign, run, out, err);
        else if (katakana) /* as numbers are written by the normaliser: MeCab would only take it apart */
            rc = say_word(run, out);
        else
            rc = say_run(j, run, out, err);
    }
    if (tb_foreign_ends_with(out, " "))
        out->size--;
    return rc == TB_ENOMEM ? tb_fail(err, rc, "phonemes of %zu bytes", text.n) : rc;
}
