/* zh.c - see zh.h. */
#include "text/g2p/zh.h"

#include <string.h>

#include "text/g2p/zh_priv.h"
#include "text/utf8.h"

enum { WORD_MOST = 20 /* characters of the longest word of the dictionary */ };

/* Words ------------------------------------------------------------------------------------------------------------ */

void tb_zh_cut(struct tb_zh_run *r)
{
    uint64_t route[TB_ZH_RUN_MOST + 1];     /* cost from here to the end */
    size_t length[TB_ZH_RUN_MOST];
    char class[TB_ZH_RUN_MOST];

    route[r->n] = 0;
    for (size_t i = r->n; i-- > 0;) {
        uint32_t place = 0;
        bool longer = true;

        route[i] = route[i + 1] + TB_ZH_COST_MOST;
        length[i] = 1;
        class[i] = 'x';
        for (size_t n = 1; longer && n <= WORD_MOST && i + n <= r->n; n++) {
            struct tb_zh_entry entry;

            if (!tb_zh_dict_step(r->dict, tb_zh_span(r, i, n), &place, &entry, &longer) ||
                entry.cost == TB_ZH_NO_WORD ||
                entry.cost + route[i + n] > route[i])
                continue;
            route[i] = entry.cost + route[i + n];
            length[i] = n;
            class[i] = entry.class;
        }
    }
    r->words = 0;
    for (size_t i = 0; i < r->n; i += length[i]) {
        r->word[r->words] = i;
        r->class[r->words++] = class[i];
    }
    r->word[r->words] = r->n;
}

/* Read the Han characters from *at, TB_ZH_RUN_MOST at most. False: there are none. */
static bool take_run(const struct tb_zh_dict *d, struct tb_str text, size_t *at, struct tb_zh_run *r)
{
    size_t start = *at, end = start;

    r->dict = d;
    r->n = 0;
    while (end < text.n && r->n < TB_ZH_RUN_MOST) {
        size_t before = end;
        uint32_t c = tb_utf8_next(text, &end);

        if (!tb_is_han(c)) {
            end = before;
            break;
        }
        r->c[r->n] = c;
        r->at[r->n++] = before - start;
    }
    r->at[r->n] = end - start;
    r->text = (struct tb_str){ text.p + start, end - start };
    *at = end;
    if (r->n == 0)
        return false;
    tb_zh_cut(r);
    tb_zh_read(r);
    tb_zh_tones(r);
    return true;
}

/* Phonemes --------------------------------------------------------------------------------------------------------- */

static enum tb_code say_run(const struct tb_zh_run *r, struct tb_bytes *out)
{
    enum tb_code rc = TB_OK;

    for (size_t w = 0; w < r->words && !rc; w++) {
        rc = tb_foreign_space(out);
        for (size_t i = r->word[w]; i < r->word[w + 1] && !rc; i++)
            tb_zh_symbols(tb_str_of(r->syllable[i]), out, &rc);
    }
    return rc;
}

enum tb_code tb_zh_phonemes(const struct tb_zh_dict *d, const struct tb_foreign *foreign, struct tb_str text,
                            struct tb_bytes *out, struct tb_error *err)
{
    struct tb_zh_run run;
    enum tb_code rc = TB_OK;

    for (size_t at = 0; at < text.n && !rc;) {
        size_t start = at;

        if (take_run(d, text, &at, &run)) {
            rc = say_run(&run, out);
            continue;
        }
        while (at < text.n) {
            size_t before = at;

            if (tb_is_han(tb_utf8_next(text, &at))) {
                at = before;
                break;
            }
        }
        rc = tb_foreign_say(foreign, (struct tb_str){ text.p + start, at - start }, out, err);
    }
    if (tb_foreign_ends_with(out, " "))
        out->size--;
    return rc == TB_ENOMEM ? tb_fail(err, rc, "phonemes of %zu bytes", text.n) : rc;
}

enum tb_code tb_zh_pinyin(const struct tb_zh_dict *d, struct tb_str text, struct tb_bytes *out, struct tb_error *err)
{
    struct tb_zh_run run;
    enum tb_code rc = TB_OK;

    for (size_t at = 0; at < text.n && !rc;) {
        if (!take_run(d, text, &at, &run)) {
            tb_utf8_next(text, &at);
            continue;
        }
        for (size_t w = 0; w < run.words && !rc; w++)
            for (size_t i = run.word[w]; i < run.word[w + 1] && !rc; i++)
                rc = tb_bytes_addf(out, "%s%s", out->size == 0 ? "" : i == run.word[w] ? " " : "_", run.syllable[i]);
    }
    return rc ? tb_fail(err, rc, "pinyin of %zu bytes", text.n) : TB_OK;
}
