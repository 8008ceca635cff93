/* prompt.c - see prompt.h. Each row is a text embedding plus a codec embedding of one position. */
#include "engine/qwen3/prompt.h"

#include <string.h>

static struct tb_str trimmed(struct tb_str s)
{
    while (s.n > 0 && strchr(" \t\r\n\v\f", s.p[0]))
        s.p++, s.n--;
    while (s.n > 0 && strchr(" \t\r\n\v\f", s.p[s.n - 1]))
        s.n--;
    return s;
}

enum tb_code tb_q3_text_ids(const struct tb_q3_bpe *bpe, const struct tb_q3_config *config, struct tb_str text,
                            bool answer, struct tb_q3_ids *out, struct tb_error *err)
{
    struct tb_bytes turn = { 0 };
    enum tb_code rc;

    text = trimmed(text);
    if ((rc = tb_bytes_addz(&turn, "assistant\n")) || (rc = tb_bytes_add(&turn, text.p, text.n)))
        tb_fail(err, rc, "qwen3: a text of %zu bytes", text.n);
    else if ((rc = tb_q3_ids_add(out, config->im_start, err)) == TB_OK &&
             (rc = tb_q3_bpe_encode(bpe, tb_bytes_str(&turn), false, out, err)) == TB_OK &&
             (rc = tb_q3_ids_add(out, config->im_end, err)) == TB_OK)
        rc = tb_q3_bpe_encode(bpe, TB_STR("\n"), false, out, err);
    if (rc == TB_OK && answer && (rc = tb_q3_ids_add(out, config->im_start, err)) == TB_OK)
        rc = tb_q3_bpe_encode(bpe, TB_STR("assistant\n"), false, out, err);
    tb_bytes_free(&turn);
    return rc;
}

/* The prompt while it is written: rows are handed out in order. */
struct writer {
    const struct tb_q3_talker *talker;
    const struct tb_q3_request *request;
    const float *bos, *eos, *pad; /* [hidden]: T(tts_bos), T(tts_eos), T(tts_pad) */
    struct tb_mat text;           /* [text ids][hidden] of the whole template */
    struct tb_mat reference;      /* [reference ids][hidden], in context */
    struct tb_mat rows;
    int n;
};

static void put(struct writer *w, const float *text, const float *codec)
{
    float *row = tb_mat_row(w->rows, w->n++);

    for (int i = 0; i < w->rows.cols; i++)
        row[i] = text[i] + codec[i];
}

/* A text embedding with that of a codec id. */
static void put_id(struct writer *w, const float *text, int codec)
{
    float *row = tb_mat_row(w->rows, w->n++);

    memcpy(row, text, (size_t)w->rows.cols * sizeof *row);
    tb_table_add(&w->talker->codec, codec, row);
}

/* Role, language, speaker and the start of text: what all prompts begin with. */
static void put_head(struct writer *w)
{
    const struct tb_q3_config *c = &w->talker->config;
    bool named = w->request->language >= 0;

    for (int i = 0; i < TB_Q3_HEAD; i++)
        memcpy(tb_mat_row(w->rows, w->n++), tb_mat_row(w->text, i), (size_t)w->rows.cols * sizeof(float));
    put_id(w, w->pad, named ? c->think : c->nothink);
    put_id(w, w->pad, c->think_bos);
    if (named)
        put_id(w, w->pad, w->request->language);
    put_id(w, w->pad, c->think_eos);
    put(w, w->pad, w->request->speaker);
    put_id(w, w->bos, c->pad);
}

/* Number of text rows in context: the reference's, the text's and the end. */
static int context_texts(const struct writer *w)
{
    return w->reference.rows - TB_Q3_HEAD - TB_Q3_REFERENCE_TAIL + w->text.rows - TB_Q3_HEAD - TB_Q3_TEXT_TAIL + 1;
}

static const float *context_text(const struct writer *w, int i)
{
    int before = w->reference.rows - TB_Q3_HEAD - TB_Q3_REFERENCE_TAIL;

    if (i < before)
        return tb_mat_row(w->reference, TB_Q3_HEAD + i);
    return i < context_texts(w) - 1 ? tb_mat_row(w->text, TB_Q3_HEAD + i - before) : w->eos;
}

/* Row i of the codec side in context: the start, then the reference's frames. */
static void put_context_codec(struct writer *w, const float *text, int i)
{
    const struct tb_q3_request *r = w->request;

    if (i == 0) {
        put_id(w, text, w->talker->config.bos);
        return;
    }
    float *row = tb_mat_row(w->rows, w->n++);
    memcpy(row, text, (size_t)w->rows.cols * sizeof *row);
    tb_q3_frame_add(w->talker, r->codes + (size_t)(i - 1) * (size_t)w->talker->config.groups, row);
}

/* In context. Returns how many text rows are left for the frames to come. */
static int put_context(struct writer *w)
{
    int texts = context_texts(w), codecs = w->request->frames + 1;

    if (w->request->streaming) {
        for (int i = 0; i < codecs; i++)
            put_context_codec(w, i < texts ? context_text(w, i) : w->pad, i);
        return texts > codecs ? texts - codecs : 0;
    }
    for (int i = 0; i < texts; i++)
        put_id(w, context_text(w, i), w->talker->config.pad);
    for (int i = 0; i < codecs; i++)
        put_context_codec(w, w->pad, i);
    return 0;
}

static void put_texts(struct writer *w)
{
    const struct tb_q3_config *c = &w->talker->config;
    int end = w->text.rows - TB_Q3_TEXT_TAIL;

    if (w->request->streaming) {
        put_id(w, tb_mat_row(w->text, TB_Q3_HEAD), c->bos);
        return;
    }
    for (int i = TB_Q3_HEAD; i < end; i++)
        put_id(w, tb_mat_row(w->text, i), c->pad);
    put_id(w, w->eos, c->pad);
    put_id(w, w->pad, c->bos);
}

/* What is added to the frames' inputs: the rest of the text and its end when it streams, else one T(tts_pad). */
static void put_trailing(struct writer *w, int left, struct tb_mat out)
{
    int streamed = w->text.rows - TB_Q3_HEAD - TB_Q3_TEXT_TAIL;

    for (int i = 0; i < out.rows; i++) {
        const float *from = w->pad;

        if (w->request->reference && left > 0)
            from = context_text(w, context_texts(w) - left + i);
        else if (!w->request->reference && w->request->streaming)
            from = i + 1 < streamed ? tb_mat_row(w->text, TB_Q3_HEAD + 1 + i) : w->eos;
        memcpy(tb_mat_row(out, i), from, (size_t)out.cols * sizeof *from);
    }
}

static enum tb_code check(const struct tb_q3_talker *t, const struct tb_q3_request *r, struct tb_error *err)
{
    const struct tb_q3_config *c = &t->config;

    if (r->text_len <= TB_Q3_HEAD + TB_Q3_TEXT_TAIL)
        return tb_fail(err, TB_EINVAL, "qwen3: a text without tokens");
    if (r->reference && r->reference_len <= TB_Q3_HEAD + TB_Q3_REFERENCE_TAIL)
        return tb_fail(err, TB_EINVAL, "qwen3: a reference text without tokens");
    if (r->reference && r->frames < 1)
        return tb_fail(err, TB_EINVAL, "qwen3: a reference without codes");
    for (int i = 0; r->reference && i < r->frames * c->groups; i++)
        if (r->codes[i] < 0 || r->codes[i] >= c->codebook)
            return tb_fail(err, TB_EINVAL, "qwen3: a reference with code %d, of %d", r->codes[i], c->codebook);
    if (r->language >= c->vocab)
        return tb_fail(err, TB_EINVAL, "qwen3: language id %d", r->language);
    return TB_OK;
}

enum tb_code tb_q3_prompt_make(const struct tb_q3_run *run, const struct tb_q3_talker *talker,
                               const struct tb_q3_request *r, struct tb_q3_prompt *out, struct tb_error *err)
{
    const struct tb_q3_config *c = &talker->config;
    struct tb_scratch *scratch = run->scratch;
    struct writer w = { .talker = talker, .request = r };
    int hidden = c->talker.hidden, most = 16 + r->text_len + (r->reference ? r->reference_len + r->frames : 0);
    struct tb_mat ends;
    enum tb_code rc;

    *out = (struct tb_q3_prompt){ 0 };
    if ((rc = check(talker, r, err)) || (rc = tb_scratch_mat(scratch, most, hidden, &w.rows, err)) ||
        (rc = tb_scratch_mat(scratch, most, hidden, &out->trailing, err)) ||
        (rc = tb_scratch_mat(scratch, 3, hidden, &ends, err)) ||
        (rc = tb_scratch_mat(scratch, r->text_len, hidden, &w.text, err)) ||
        (rc = tb_q3_text_rows(run, talker, (int[]){ c->tts_bos, c->tts_eos, c->tts_pad }, 3, ends, err)) ||
        (rc = tb_q3_text_rows(run, talker, r->text, r->text_len, w.text, err)))
        return rc;
    if (r->reference && ((rc = tb_scratch_mat(scratch, r->reference_len, hidden, &w.reference, err)) ||
                         (rc = tb_q3_text_rows(run, talker, r->reference, r->reference_len, w.reference, err))))
        return rc;
    w.bos = tb_mat_row(ends, 0);
    w.eos = tb_mat_row(ends, 1);
    w.pad = tb_mat_row(ends, 2);
    put_head(&w);
    out->fixed = w.n;
    int left = 0;
    if (r->reference)
        left = put_context(&w);
    else
        put_texts(&w);
    assert(w.n <= most);
    if (r->reference) /* the reference's text stands beside its own frames, or before all */
        out->fixed += r->reference_len - TB_Q3_HEAD - TB_Q3_REFERENCE_TAIL;
    out->fixed = out->fixed < w.n ? out->fixed : w.n - 1;
    out->rows = tb_mat_rows(w.rows, 0, w.n);
    out->pad = tb_mat_rows(ends, 2, 1);
    out->trailing.rows = left > 0 ? left : 1;
    if (!r->reference && r->streaming)
        out->trailing.rows = r->text_len - TB_Q3_HEAD - TB_Q3_TEXT_TAIL;
    put_trailing(&w, left, out->trailing);
    return TB_OK;
}
