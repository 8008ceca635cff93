/* text_encoder.c - see text_encoder.h.
 *
 * ALBERT is twelve times the same transformer layer, post-norm, on embeddings that are narrower than the layer. The
 * other encoder is three convolutions with layer norm and a bidirectional LSTM. */
#include "engine/kokoro/text_encoder.h"

#include "engine/kokoro/blocks.h"

static const float bert_eps = 1e-12f, text_eps = 1e-5f;

/* Column i of y is row tokens[i] of table [..][y.rows]. */
static void embed(const float *table, const uint8_t *tokens, struct tb_mat y)
{
    for (int i = 0; i < y.cols; i++)
        for (int r = 0; r < y.rows; r++)
            tb_mat_row(y, r)[i] = table[(size_t)tokens[i] * (size_t)y.rows + (size_t)r];
}

static void embed_bert(const struct tb_kokoro_bert *b, const uint8_t *tokens, struct tb_mat y)
{
    embed(b->words, tokens, y);
    for (int i = 0; i < y.cols; i++)
        for (int r = 0; r < y.rows; r++) {
            float *v = &tb_mat_row(y, r)[i];
            *v = *v + b->kind[r] + b->positions[(size_t)i * (size_t)y.rows + (size_t)r];
        }
}

struct bert_room {
    struct tb_mat x, q, k, v, wide; /* [768][n] four times, [2048][n] */
};

static void bert_layer(const struct tb_kokoro_run *run, const struct tb_kokoro_bert *b, struct bert_room *m)
{
    struct tb_pool *pool = run->pool;
    struct tb_mat context = tb_mat_rows(m->wide, 0, TB_KOKORO_BERT);

    tb_conv_run(pool, &b->query, m->x, NULL, m->q, NULL);
    tb_conv_run(pool, &b->key, m->x, NULL, m->k, NULL);
    tb_conv_run(pool, &b->value, m->x, NULL, m->v, NULL);
    tb_attention(pool, TB_KOKORO_HEADS, m->q, m->k, m->v, context);
    tb_conv_run(pool, &b->dense, context, NULL, m->q, &(struct tb_post){ .residual = &m->x });
    tb_layer_norm(pool, m->q, b->att_g, b->att_b, bert_eps, m->q);
    tb_conv_run(pool, &b->ffn, m->q, NULL, m->wide, &(struct tb_post){ .act = TB_ACT_GELU });
    tb_conv_run(pool, &b->ffn_output, m->wide, NULL, m->x, &(struct tb_post){ .residual = &m->q });
    tb_layer_norm(pool, m->x, b->full_g, b->full_b, bert_eps, m->x);
}

enum tb_code tb_kokoro_bert_run(const struct tb_kokoro_run *run, const struct tb_kokoro_bert *b, const uint8_t *tokens,
                                int n, struct tb_mat y, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct bert_room m;
    struct tb_mat embedded;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, TB_KOKORO_EMBED, n, &embedded, err)) ||
        (rc = tb_scratch_mat(run->scratch, TB_KOKORO_BERT, n, &m.x, err)) ||
        (rc = tb_scratch_mat(run->scratch, TB_KOKORO_BERT, n, &m.q, err)) ||
        (rc = tb_scratch_mat(run->scratch, TB_KOKORO_BERT, n, &m.k, err)) ||
        (rc = tb_scratch_mat(run->scratch, TB_KOKORO_BERT, n, &m.v, err)) ||
        (rc = tb_scratch_mat(run->scratch, b->ffn.spec.out, n, &m.wide, err)))
        goto done;
    embed_bert(b, tokens, embedded);
    tb_layer_norm(run->pool, embedded, b->norm_g, b->norm_b, bert_eps, embedded);
    tb_conv_run(run->pool, &b->in, embedded, NULL, m.x, NULL);
    for (int i = 0; i < TB_KOKORO_BERT_LAYERS; i++)
        bert_layer(run, b, &m);
    tb_conv_run(run->pool, &b->out, m.x, NULL, y, NULL);
    tb_kokoro_look(run, "bert", y);
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

enum tb_code tb_kokoro_text_run(const struct tb_kokoro_run *run, const struct tb_kokoro_text *t, const uint8_t *tokens,
                                int n, struct tb_mat y, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat a, b;
    float *work;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, TB_KOKORO_WIDTH, n, &a, err)) ||
        (rc = tb_scratch_mat(run->scratch, TB_KOKORO_WIDTH, n, &b, err)) ||
        (rc = tb_scratch_floats(run->scratch, tb_bilstm_work(&t->lstm, n), &work, err)))
        goto done;
    embed(t->words, tokens, a);
    for (int i = 0; i < 3; i++) {
        struct tb_mat from = i & 1 ? b : a, to = i & 1 ? a : b;

        tb_conv_run(run->pool, &t->conv[i], from, NULL, to, NULL);
        tb_layer_norm(run->pool, to, t->gamma[i], t->beta[i], text_eps, to);
        tb_map(run->pool, TB_MAP_LEAKY, 0.2f, to, to);
    }
    tb_bilstm_run(run->pool, &t->lstm, b, y, work);
    tb_kokoro_look(run, "text", y);
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}
