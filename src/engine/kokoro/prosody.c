/* prosody.c - see prosody.h.
 *
 * The text features go through three bidirectional LSTMs, each seeing the style beside its input and followed by a
 * layer norm whose gamma and beta come from the style. One more LSTM gives durations; another, on the features spread
 * over time, gives what two stacks of residual blocks turn into pitch and energy. */
#include "engine/kokoro/prosody.h"

#include "engine/kokoro/blocks.h"

static const float norm_eps = 1e-5f;

enum tb_code tb_kokoro_prosody_text(const struct tb_kokoro_run *run, const struct tb_kokoro_prosody *p,
                                    struct tb_mat bert, const float *style, struct tb_mat y, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat features = tb_mat_rows(y, 0, TB_KOKORO_WIDTH), hidden;
    float *work, *h;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, TB_KOKORO_WIDTH, y.cols, &hidden, err)) ||
        (rc = tb_scratch_floats(run->scratch, 2 * TB_KOKORO_WIDTH, &h, err)) ||
        (rc = tb_scratch_floats(run->scratch, tb_bilstm_work(&p->text[0], y.cols), &work, err)))
        goto done;
    tb_copy(bert, features);
    tb_fill_cols(style, tb_mat_rows(y, TB_KOKORO_WIDTH, TB_KOKORO_HALF));
    for (int i = 0; i < 3; i++) {
        tb_bilstm_run(run->pool, &p->text[i], y, hidden, work);
        tb_kokoro_style_run(run, &p->norm[i], style, h);
        for (int r = 0; r < TB_KOKORO_WIDTH; r++)
            h[r] += 1.0f;
        tb_layer_norm(run->pool, hidden, h, h + TB_KOKORO_WIDTH, norm_eps, features);
    }
    tb_kokoro_look(run, "prosody_text", y);
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

enum tb_code tb_kokoro_durations(const struct tb_kokoro_run *run, const struct tb_kokoro_prosody *p, struct tb_mat text,
                                 float *durations, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat hidden, parts;
    float *work;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, TB_KOKORO_WIDTH, text.cols, &hidden, err)) ||
        (rc = tb_scratch_mat(run->scratch, TB_KOKORO_DURATIONS, text.cols, &parts, err)) ||
        (rc = tb_scratch_floats(run->scratch, tb_bilstm_work(&p->lstm, text.cols), &work, err)))
        goto done;
    tb_bilstm_run(run->pool, &p->lstm, text, hidden, work);
    tb_conv_run(run->pool, &p->duration, hidden, NULL, parts, NULL);
    tb_map(run->pool, TB_MAP_SIGMOID, 0.0f, parts, parts);
    for (int i = 0; i < text.cols; i++) {
        durations[i] = 0.0f;
        for (int r = 0; r < parts.rows; r++)
            durations[i] += tb_mat_row(parts, r)[i];
    }
    tb_kokoro_look(run, "durations", (struct tb_mat){ durations, 1, text.cols, text.cols });
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

/* Three residual blocks and a projection to one row. */
static enum tb_code curve(const struct tb_kokoro_run *run, const struct tb_kokoro_block blocks[3],
                          const struct tb_conv *last, struct tb_mat x, const float *style, struct tb_mat y,
                          struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_kokoro_voicing voicing = { .style = style };
    struct tb_mat a, b, c;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, blocks[0].conv2.spec.out, x.cols, &a, err)) ||
        (rc = tb_scratch_mat(run->scratch, blocks[1].conv2.spec.out, 2 * x.cols, &b, err)) ||
        (rc = tb_scratch_mat(run->scratch, blocks[2].conv2.spec.out, 2 * x.cols, &c, err)) ||
        (rc = tb_kokoro_block_run(run, &blocks[0], x, voicing, a, err)) ||
        (rc = tb_kokoro_block_run(run, &blocks[1], a, voicing, b, err)) ||
        (rc = tb_kokoro_block_run(run, &blocks[2], b, voicing, c, err)))
        goto done;
    tb_conv_run(run->pool, last, c, NULL, y, NULL);
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

enum tb_code tb_kokoro_pitch(const struct tb_kokoro_run *run, const struct tb_kokoro_prosody *p, struct tb_mat aligned,
                             const float *style, struct tb_mat f0, struct tb_mat energy, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat hidden;
    float *work;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, TB_KOKORO_WIDTH, aligned.cols, &hidden, err)) ||
        (rc = tb_scratch_floats(run->scratch, tb_bilstm_work(&p->shared, aligned.cols), &work, err)))
        goto done;
    tb_bilstm_run(run->pool, &p->shared, aligned, hidden, work);
    if ((rc = curve(run, p->f0, &p->f0_out, hidden, style, f0, err)) ||
        (rc = curve(run, p->energy, &p->energy_out, hidden, style, energy, err)))
        goto done;
    tb_kokoro_look(run, "f0", f0);
    tb_kokoro_look(run, "energy", energy);
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}
