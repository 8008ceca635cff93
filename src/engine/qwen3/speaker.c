/* speaker.c - see speaker.h.
 *
 * The pooling's attention hears each frame beside the mean and the deviation of all, which are the same for every
 * frame: their part of the matrix is multiplied once and added like a bias. */
#include "engine/qwen3/speaker.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/qwen3/mel.h"

enum { LEAST_FRAMES = 64 }; /* edges are mirrored by up to 56 frames */

static const char *const root = "speaker_encoder";

/* ROOT.NAME; edges are mirrored by hand, so it has no padding of its own. */
static void load_conv(struct tb_q3_loader *l, struct tb_conv *conv, int out, int in, int taps, int dilation,
                      const char *name)
{
    char at[96];

    snprintf(at, sizeof at, "%s.%.70s", root, name);
    tb_q3_conv(l, conv, (struct tb_conv_spec){ .out = out, .in = in, .taps = taps, .dilation = dilation }, at);
}

static void load_block(struct tb_q3_loader *l, const struct tb_q3_speaker_config *c, int index,
                       struct tb_q3_se_block *b)
{
    int n = c->channels[index], part = n / c->scale;
    char name[64];

    b->kernel = c->kernels[index];
    b->dilation = c->dilations[index];
    snprintf(name, sizeof name, "blocks.%d.tdnn1.conv", index);
    load_conv(l, &b->tdnn1, n, n, 1, 1, name);
    for (int i = 0; i < c->scale - 1; i++) {
        snprintf(name, sizeof name, "blocks.%d.res2net_block.blocks.%d.conv", index, i);
        load_conv(l, &b->parts[i], part, part, b->kernel, b->dilation, name);
    }
    snprintf(name, sizeof name, "blocks.%d.tdnn2.conv", index);
    load_conv(l, &b->tdnn2, n, n, 1, 1, name);
    tb_q3_linear(l, &b->squeeze, c->se, n, true, "%s.blocks.%d.se_block.conv1", root, index);
    tb_q3_linear(l, &b->excite, n, c->se, true, "%s.blocks.%d.se_block.conv2", root, index);
}

/* The attention's first layer [attention][3 * n]: columns of the frame are packed, the others kept. */
static void load_attention(struct tb_q3_loader *l, struct tb_q3_speaker *s, int n)
{
    int a = s->config.attention;
    size_t wide = 3 * (size_t)n, cols = (size_t)n;
    const float *w = tb_q3_borrow(l, a, 3 * n, 1, "%s.asp.tdnn.conv.weight", root);
    const float *bias = tb_q3_vector(l, a, "%s.asp.tdnn.conv.bias", root);
    float *frame = l->rc ? NULL : malloc((size_t)a * cols * sizeof *frame);

    s->packed = l->rc ? NULL : malloc((size_t)a * 2 * cols * sizeof *s->packed);
    if (l->rc == TB_OK && (!frame || !s->packed))
        l->rc = tb_fail(l->err, TB_ENOMEM, "qwen3: speaker encoder");
    for (size_t r = 0; l->rc == TB_OK && r < (size_t)a; r++) {
        memcpy(frame + r * cols, w + r * wide, cols * sizeof *w);
        memcpy(s->packed + r * 2 * cols, w + r * wide + cols, 2 * cols * sizeof *w);
    }
    if (l->rc == TB_OK)
        l->rc = tb_conv_pack(&(struct tb_conv_spec){ .out = a, .in = n, .taps = 1 }, frame, bias, &s->heard, l->err);
    s->whole = (struct tb_linear){ TB_F32, a, 2 * n, s->packed, NULL, NULL };
    free(frame);
    tb_q3_release(l);
}

void tb_q3_speaker_load(struct tb_q3_loader *l, const struct tb_q3_speaker_config *config, struct tb_q3_speaker *s)
{
    int last = config->channels[TB_Q3_SPEAKER_BLOCKS - 1];

    *s = (struct tb_q3_speaker){ .config = *config };
    if (l->rc)
        return;
    load_conv(l, &s->first, config->channels[0], config->mels, config->kernels[0], config->dilations[0],
              "blocks.0.conv");
    for (int i = 0; i < TB_Q3_SE_BLOCKS; i++)
        load_block(l, config, i + 1, &s->blocks[i]);
    load_conv(l, &s->mfa, last, last, config->kernels[4], config->dilations[4], "mfa.conv");
    load_attention(l, s, last);
    load_conv(l, &s->logits, last, config->attention, 1, 1, "asp.conv");
    tb_q3_linear(l, &s->out, config->out, 2 * last, true, "%s.fc", root);
}

void tb_q3_speaker_free(struct tb_q3_speaker *s)
{
    tb_conv_free(&s->first);
    for (int i = 0; i < TB_Q3_SE_BLOCKS; i++) {
        tb_conv_free(&s->blocks[i].tdnn1);
        tb_conv_free(&s->blocks[i].tdnn2);
        for (int k = 0; k < TB_Q3_MAX_SCALE - 1; k++)
            tb_conv_free(&s->blocks[i].parts[k]);
    }
    tb_conv_free(&s->mfa);
    tb_conv_free(&s->heard);
    tb_conv_free(&s->logits);
    free(s->packed);
    *s = (struct tb_q3_speaker){ 0 };
}

/* y = relu(conv(x)) of the same length: x stands in `wide` behind `edge` free columns, which become its mirror. */
static void tdnn(const struct tb_q3_run *run, const struct tb_conv *conv, struct tb_mat wide, int edge, struct tb_mat y)
{
    static const struct tb_post relu = { .act = TB_ACT_RELU };
    int n = wide.cols - 2 * edge;

    for (int r = 0; r < wide.rows && edge > 0; r++) {
        float *x = tb_mat_row(wide, r) + edge;

        for (int i = 1; i <= edge; i++) {
            x[-i] = x[i];
            x[n - 1 + i] = x[n - 1 - i];
        }
    }
    tb_conv_run(run->pool, conv, wide, NULL, y, &relu);
}

/* Res2Net: the first part passes, each other one is heard with the output of the part before. x, y [channels][n]. */
static enum tb_code res2net(const struct tb_q3_run *run, const struct tb_q3_speaker *s, const struct tb_q3_se_block *b,
                            struct tb_mat x, struct tb_mat y, struct tb_error *err)
{
    int part = x.rows / s->config.scale, edge = (b->kernel - 1) * b->dilation / 2;
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat wide;
    enum tb_code rc = tb_scratch_mat(run->scratch, part, x.cols + 2 * edge, &wide, err);

    if (rc)
        return rc;
    tb_copy(tb_mat_rows(x, 0, part), tb_mat_rows(y, 0, part));
    for (int i = 1; i < s->config.scale; i++) {
        struct tb_mat in = tb_mat_cols(wide, edge, x.cols);

        if (i == 1)
            tb_copy(tb_mat_rows(x, part, part), in);
        else
            tb_add(run->pool, tb_mat_rows(x, i * part, part), tb_mat_rows(y, (i - 1) * part, part), 1.0f, in);
        tdnn(run, &b->parts[i - 1], wide, edge, tb_mat_rows(y, i * part, part));
    }
    tb_scratch_reset(run->scratch, mark);
    return TB_OK;
}

static float mean_of(const float *x, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += (double)x[i];
    return (float)(sum / n);
}

/* Each channel times what the means of all say of it. */
static enum tb_code squeeze(const struct tb_q3_run *run, const struct tb_q3_se_block *b, struct tb_mat x,
                            struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat mean, inner, gain;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, 1, x.rows, &mean, err)) ||
        (rc = tb_scratch_mat(run->scratch, 1, b->squeeze.out, &inner, err)) ||
        (rc = tb_scratch_mat(run->scratch, 1, x.rows, &gain, err)))
        return rc;
    for (int r = 0; r < x.rows; r++)
        mean.p[r] = mean_of(tb_mat_row(x, r), x.cols);
    tb_linear_run(run->pool, &b->squeeze, mean, inner);
    for (int i = 0; i < inner.cols; i++)
        inner.p[i] = inner.p[i] > 0 ? inner.p[i] : 0;
    tb_linear_run(run->pool, &b->excite, inner, gain);
    for (int r = 0; r < x.rows; r++) {
        float g = 1.0f / (1.0f + expf(-gain.p[r]));

        for (int i = 0; i < x.cols; i++)
            tb_mat_row(x, r)[i] *= g;
    }
    tb_scratch_reset(run->scratch, mark);
    return TB_OK;
}

/* x to y, both [channels][n]. */
static enum tb_code se_block(const struct tb_q3_run *run, const struct tb_q3_speaker *s, int index, struct tb_mat x,
                             struct tb_mat y, struct tb_error *err)
{
    const struct tb_q3_se_block *b = &s->blocks[index];
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat a, c;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, x.rows, x.cols, &a, err)) ||
        (rc = tb_scratch_mat(run->scratch, x.rows, x.cols, &c, err)))
        return rc;
    tdnn(run, &b->tdnn1, x, 0, a);
    tb_q3_look(run, "tdnn1", index + 1, a);
    if ((rc = res2net(run, s, b, a, c, err)))
        return rc;
    tb_q3_look(run, "res2net_block", index + 1, c);
    tdnn(run, &b->tdnn2, c, 0, a);
    tb_q3_look(run, "tdnn2", index + 1, a);
    if ((rc = squeeze(run, b, a, err)))
        return rc;
    tb_q3_look(run, "se_block", index + 1, a);
    tb_add(run->pool, a, x, 1.0f, y);
    tb_q3_look(run, "block", index + 1, y);
    tb_scratch_reset(run->scratch, mark);
    return TB_OK;
}

/* Mean and deviation of each row with weights that add up to one (NULL: all equal): y[r], y[rows + r]. */
static void moments(struct tb_mat x, const struct tb_mat *weights, float *y)
{
    for (int r = 0; r < x.rows; r++) {
        const float *v = tb_mat_row(x, r), *w = weights ? tb_mat_row(*weights, r) : NULL;
        double mean = 0, square = 0, even = 1.0 / x.cols;

        for (int i = 0; i < x.cols; i++)
            mean += (w ? (double)w[i] : even) * (double)v[i];
        for (int i = 0; i < x.cols; i++)
            square += (w ? (double)w[i] : even) * ((double)v[i] - mean) * ((double)v[i] - mean);
        y[r] = (float)mean;
        y[x.rows + r] = (float)sqrt(square > 1e-12 ? square : 1e-12);
    }
}

static void softmax_rows(struct tb_mat x)
{
    for (int r = 0; r < x.rows; r++) {
        float *v = tb_mat_row(x, r), top = v[0];
        double sum = 0;

        for (int i = 1; i < x.cols; i++)
            top = v[i] > top ? v[i] : top;
        for (int i = 0; i < x.cols; i++)
            sum += (double)(v[i] = expf(v[i] - top));
        for (int i = 0; i < x.cols; i++)
            v[i] = (float)((double)v[i] / sum);
    }
}

/* Attentive pooling: x [n][frames] to stats [1][2 * n]. */
static enum tb_code pool_frames(const struct tb_q3_run *run, const struct tb_q3_speaker *s, struct tb_mat x,
                                struct tb_mat stats, struct tb_error *err)
{
    struct tb_mat whole, same, hidden, logits;
    struct tb_post post = { .residual = &same, .act = TB_ACT_RELU };
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, 1, s->config.attention, &whole, err)) ||
        (rc = tb_scratch_mat(run->scratch, s->config.attention, x.cols, &same, err)) ||
        (rc = tb_scratch_mat(run->scratch, s->config.attention, x.cols, &hidden, err)) ||
        (rc = tb_scratch_mat(run->scratch, x.rows, x.cols, &logits, err)))
        return rc;
    moments(x, NULL, stats.p);
    tb_linear_run(run->pool, &s->whole, stats, whole);
    tb_fill_cols(whole.p, same);
    tb_conv_run(run->pool, &s->heard, x, NULL, hidden, &post);
    tb_map(run->pool, TB_MAP_TANH, 0, hidden, hidden);
    tb_conv_run(run->pool, &s->logits, hidden, NULL, logits, NULL);
    tb_q3_look(run, "asp_logits", 0, logits);
    softmax_rows(logits);
    moments(x, &logits, stats.p);
    tb_q3_look(run, "asp", 0, stats);
    return TB_OK;
}

static enum tb_code run_all(const struct tb_q3_run *run, const struct tb_q3_speaker *s, struct tb_mat mel,
                            float *xvector, struct tb_error *err)
{
    const struct tb_q3_speaker_config *c = &s->config;
    int n = mel.cols, edge = (c->kernels[0] - 1) * c->dilations[0] / 2, last = s->mfa.spec.out;
    struct tb_mat wide, first, all, mfa, stats, y = { xvector, 1, c->out, c->out };
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, c->mels, n + 2 * edge, &wide, err)) ||
        (rc = tb_scratch_mat(run->scratch, c->channels[0], n, &first, err)) ||
        (rc = tb_scratch_mat(run->scratch, last, n, &all, err)) ||
        (rc = tb_scratch_mat(run->scratch, last, n, &mfa, err)) ||
        (rc = tb_scratch_mat(run->scratch, 1, 2 * last, &stats, err)))
        return rc;
    tb_copy(mel, tb_mat_cols(wide, edge, n));
    tdnn(run, &s->first, wide, edge, first);
    tb_q3_look(run, "block", 0, first);
    for (int i = 0; i < TB_Q3_SE_BLOCKS; i++) {
        struct tb_mat to = tb_mat_rows(all, i * c->channels[0], c->channels[0]);

        if ((rc = se_block(run, s, i, i ? tb_mat_rows(all, (i - 1) * c->channels[0], c->channels[0]) : first, to, err)))
            return rc;
    }
    tdnn(run, &s->mfa, all, 0, mfa);
    tb_q3_look(run, "mfa", 0, mfa);
    if ((rc = pool_frames(run, s, mfa, stats, err)))
        return rc;
    tb_linear_run(run->pool, &s->out, stats, y);
    return TB_OK;
}

enum tb_code tb_q3_speaker_mel(const struct tb_q3_run *run, const struct tb_q3_speaker *s, struct tb_mat mel,
                               float *xvector, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);

    assert(mel.rows == s->config.mels);
    if (mel.cols < LEAST_FRAMES)
        return tb_fail(err, TB_EAUDIO_SPEECH, "qwen3: a recording of %d mel frames, at least %d are needed", mel.cols,
                       LEAST_FRAMES);
    enum tb_code rc = run_all(run, s, mel, xvector, err);
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

enum tb_code tb_q3_speaker_run(const struct tb_q3_run *run, const struct tb_q3_speaker *s, const float *samples,
                               size_t len, float *xvector, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat mel;
    enum tb_code rc;

    if (len < (size_t)LEAST_FRAMES * TB_Q3_MEL_HOP)
        return tb_fail(err, TB_EAUDIO_SPEECH, "qwen3: a recording of %zu samples, at least %d are needed", len,
                       LEAST_FRAMES * TB_Q3_MEL_HOP);
    if ((rc = tb_scratch_mat(run->scratch, s->config.mels, tb_q3_mel_frames(len), &mel, err)) == TB_OK &&
        (rc = tb_q3_mel(samples, len, mel, err)) == TB_OK)
        rc = tb_q3_speaker_mel(run, s, mel, xvector, err);
    tb_scratch_reset(run->scratch, mark);
    return rc;
}
