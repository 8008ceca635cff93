/* talker.c - see talker.h. */
#include "engine/qwen3/talker.h"

#include <string.h>

#include "engine/qwen3/ops.h"
#include "engine/qwen3/product.h"

static void load_predictor(struct tb_q3_loader *l, struct tb_q3_talker *t)
{
    const struct tb_q3_config *c = &t->config;

    for (int i = 0; i < c->groups - 1; i++) {
        tb_q3_linear(l, &t->groups[i], c->codebook, c->talker.hidden, false,
                     "talker.code_predictor.model.codec_embedding.%d", i);
        tb_q3_linear(l, &t->heads[i], c->codebook, c->predictor.hidden, false, "talker.code_predictor.lm_head.%d", i);
    }
    if (c->predictor.hidden != c->talker.hidden)
        tb_q3_linear(l, &t->narrow, c->predictor.hidden, c->talker.hidden, true,
                     "talker.code_predictor.small_to_mtp_projection");
    tb_q3_stack_load(l, &c->predictor, "talker.code_predictor.model", &t->predictor);
    t->predictor_norm = tb_q3_vector(l, c->predictor.hidden, "talker.code_predictor.model.norm.weight");
}

void tb_q3_talker_load(struct tb_q3_loader *l, const struct tb_q3_config *config, struct tb_q3_talker *out)
{
    int hidden = config->talker.hidden, text = config->text_hidden;

    *out = (struct tb_q3_talker){ .config = *config };
    tb_q3_linear(l, &out->text, config->text_vocab, text, false, "talker.model.text_embedding");
    tb_q3_linear(l, &out->text1, text, text, true, "talker.text_projection.linear_fc1");
    tb_q3_linear(l, &out->text2, hidden, text, true, "talker.text_projection.linear_fc2");
    tb_q3_linear(l, &out->codec, config->vocab, hidden, false, "talker.model.codec_embedding");
    tb_q3_stack_load(l, &config->talker, "talker.model", &out->stack);
    out->norm = tb_q3_vector(l, hidden, "talker.model.norm.weight");
    tb_q3_linear(l, &out->head, config->vocab, hidden, false, "talker.codec_head");
    load_predictor(l, out);
}

void tb_q3_talker_free(struct tb_q3_talker *t)
{
    tb_q3_stack_free(&t->stack);
    tb_q3_stack_free(&t->predictor);
}

enum tb_code tb_q3_text_rows(const struct tb_q3_run *run, const struct tb_q3_talker *t, const int *ids, int n,
                             struct tb_mat y, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat rows, inner;
    enum tb_code rc;

    for (int i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= t->config.text_vocab)
            return tb_fail(err, TB_EINVAL, "qwen3: text id %d in a vocabulary of %d", ids[i], t->config.text_vocab);
    if ((rc = tb_scratch_mat(run->scratch, n, t->config.text_hidden, &rows, err)) == TB_OK &&
        (rc = tb_scratch_mat(run->scratch, n, t->config.text_hidden, &inner, err)) == TB_OK) {
        for (int i = 0; i < n; i++)
            tb_table_get(&t->text, ids[i], tb_mat_row(rows, i));
        /* beside weights in 8 bits, which are off by 1 %, inputs may be by 0.2 % */
        (t->head.few ? tb_linear_run_rough : tb_linear_run)(run->pool, &t->text1, rows, inner);
        tb_q3_silu(inner);
        (t->head.few ? tb_linear_run_rough : tb_linear_run)(run->pool, &t->text2, inner, y);
    }
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

void tb_q3_frame_add(const struct tb_q3_talker *t, const int *codes, float *y)
{
    tb_table_add(&t->codec, codes[0], y);
    for (int g = 1; g < t->config.groups; g++)
        tb_table_add(&t->groups[g - 1], codes[g], y);
}

enum tb_code tb_q3_talker_run(const struct tb_q3_run *run, const struct tb_q3_talker *t,
                              const struct tb_q3_caches *caches, struct tb_mat x, struct tb_mat hidden,
                              struct tb_mat logits, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    int count = caches->count, n = x.rows / count;
    enum tb_code rc = tb_q3_stack_run_all(run, &t->stack, caches->each, count, x, err);
    float *rounded;

    if (rc || (rc = tb_scratch_floats(run->scratch, tb_qinput_floats(count, x.cols), &rounded, err)))
        return rc;
    if (run->look) {
        tb_q3_rms_norm(x, t->norm, t->config.talker.eps, x);
        tb_q3_look(run, "norm", 0, x);
    }
    for (int i = 0; i < count; i++) {
        struct tb_mat last = tb_mat_rows(x, (i + 1) * n - 1, 1), to = tb_mat_rows(hidden, i, 1);

        if (run->look)
            memcpy(to.p, last.p, (size_t)x.cols * sizeof *x.p);
        else
            tb_q3_rms_norm(last, t->norm, t->config.talker.eps, to);
    }
    tb_q3_products(run->pool, hidden, rounded, 1, &(struct tb_q3_product){ &t->head, logits });
    tb_scratch_reset(run->scratch, mark);
    return TB_OK;
}

enum tb_code tb_q3_predictor_run(const struct tb_q3_run *run, const struct tb_q3_talker *t,
                                 const struct tb_q3_caches *caches, struct tb_mat x, int group, struct tb_mat logits,
                                 struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    int count = caches->count, n = x.rows / count, hidden = t->config.predictor.hidden;
    float *rounded;
    struct tb_mat in, last;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, x.rows, hidden, &in, err)) ||
        (rc = tb_scratch_mat(run->scratch, count, hidden, &last, err)) ||
        (rc = tb_scratch_floats(run->scratch, tb_qinput_floats(x.rows, x.cols > hidden ? x.cols : hidden), &rounded,
                                err)))
        return rc;
    if (t->narrow.out)
        tb_q3_products(run->pool, x, rounded, 1, &(struct tb_q3_product){ &t->narrow, in });
    else
        for (int r = 0; r < x.rows; r++)
            memcpy(tb_mat_row(in, r), tb_mat_row(x, r), (size_t)x.cols * sizeof *x.p);
    tb_q3_look(run, "cp_in", group, in);
    if ((rc = tb_q3_stack_run_all(run, &t->predictor, caches->each, count, in, err)) == TB_OK) {
        for (int i = 0; i < count; i++)
            tb_q3_rms_norm(tb_mat_rows(in, (i + 1) * n - 1, 1), t->predictor_norm, t->config.predictor.eps,
                           tb_mat_rows(last, i, 1));
        tb_q3_look(run, "cp_norm", group, last);
        tb_q3_products(run->pool, last, rounded, 1, &(struct tb_q3_product){ &t->heads[group - 1], logits });
    }
    tb_scratch_reset(run->scratch, mark);
    return rc;
}
