/* codec_decoder.c - see codec_decoder.h.
 *
 * Each convolution reads from a tail (codec_tail.h) into that of the next one. Zeros in it at first are the padding of
 * the reference, since a snake leaves zero as it is. */
#include "engine/qwen3/codec_decoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/qwen3/codec_tail.h"
#include "engine/qwen3/ops.h"

enum { TAPS = 7, PRE_TAPS = 3, MANY_COLS = 96 };

static const float NORM_EPS = 1e-6f; /* of ConvNeXt's norm */

struct tb_q3_decoding {
    const struct tb_q3_decoder *d;
    int chunk; /* frames at once, at most */
    struct tb_scratch memory;
    struct tb_q3_cache cache;
    struct tb_mat pre;                      /* [PRE_TAPS - 1 + chunk][width]: rows of frames */
    struct tb_mat ups[TB_Q3_UPS];           /* [TAPS - 1 + most][latent]: rows */
    struct tb_q3_tail head;                       /* latent channels */
    struct tb_q3_tail up[TB_Q3_MAX_RATES];        /* input of each block */
    struct tb_q3_tail unit[TB_Q3_MAX_RATES][TB_Q3_UNITS];
    struct tb_q3_tail last;
};

/* All that the stream keeps. */
static enum tb_code take_all(struct tb_q3_decoding *s, struct tb_error *err)
{
    const struct tb_q3_decoder *d = s->d;
    int most = s->chunk, latent = d->config.decoder.latent;
    enum tb_code rc = tb_scratch_mat(&s->memory, PRE_TAPS - 1 + most, d->config.decoder.width, &s->pre, err);

    for (int i = 0; rc == TB_OK && i < d->config.decoder.ratio_count; i++) {
        most *= d->ups[i].rate;
        rc = tb_scratch_mat(&s->memory, TAPS - 1 + most, latent, &s->ups[i], err);
    }
    if (rc == TB_OK)
        rc = tb_q3_tail_take(&s->memory, latent, TAPS - 1, most, &s->head, err);
    for (int i = 0; rc == TB_OK && i < d->config.decoder.rate_count; i++) {
        rc = tb_q3_tail_take(&s->memory, d->blocks[i].in, 1, most, &s->up[i], err);
        most *= d->blocks[i].rate;
        for (int u = 0; rc == TB_OK && u < TB_Q3_UNITS; u++)
            rc = tb_q3_tail_take(&s->memory, d->blocks[i].out,
                                 (TAPS - 1) * d->blocks[i].units[u].dilation, most, &s->unit[i][u], err);
    }
    return rc ? rc : tb_q3_tail_take(&s->memory, d->tail.spec.in, TAPS - 1, most, &s->last, err);
}

/* Bytes that take_all asks for, generously: rows are padded. */
static size_t memory_size(const struct tb_q3_decoder *d, int chunk)
{
    size_t most = (size_t)chunk, rows = (size_t)d->config.decoder.latent + 64, n = (most + 8) * rows;

    for (int i = 0; i < d->config.decoder.ratio_count; i++)
        n += ((most *= (size_t)d->ups[i].rate) + 8) * rows;
    n += rows * (most + 128);
    for (int i = 0; i < d->config.decoder.rate_count; i++) {
        n += (size_t)d->blocks[i].in * (most + 128);
        most *= (size_t)d->blocks[i].rate;
        n += TB_Q3_UNITS * (size_t)d->blocks[i].out * (most + 192);
    }
    return (n + (size_t)d->tail.spec.in * (most + 128)) * sizeof(float) + (1 << 16);
}

enum tb_code tb_q3_decoding_open(const struct tb_q3_decoder *d, int chunk, struct tb_q3_decoding **out,
                                 struct tb_error *err)
{
    struct tb_q3_decoding *s = calloc(1, sizeof *s);
    int window = d->config.decoder.transformer.window;
    enum tb_code rc;

    *out = NULL;
    if (!s)
        return tb_fail(err, TB_ENOMEM, "qwen3: no memory");
    s->d = d;
    s->chunk = chunk;
    if ((rc = tb_scratch_open(memory_size(d, chunk), &s->memory, err)) || (rc = take_all(s, err)) ||
        (rc = tb_q3_cache_open(&d->stack, 2 * window + chunk, &s->cache, err))) {
        tb_q3_decoding_close(s);
        return rc;
    }
    tb_q3_decoding_reset(s);
    *out = s;
    return TB_OK;
}

void tb_q3_decoding_close(struct tb_q3_decoding *s)
{
    if (!s)
        return;
    tb_q3_cache_close(&s->cache);
    tb_scratch_close(&s->memory);
    free(s);
}

static void clear_rows(struct tb_mat m, int rows)
{
    for (int r = 0; r < rows; r++)
        memset(tb_mat_row(m, r), 0, (size_t)m.cols * sizeof *m.p);
}

void tb_q3_decoding_reset(struct tb_q3_decoding *s)
{
    tb_q3_cache_rewind(&s->cache, 0);
    clear_rows(s->pre, PRE_TAPS - 1);
    for (int i = 0; i < s->d->config.decoder.ratio_count; i++)
        clear_rows(s->ups[i], TAPS - 1);
    tb_q3_tail_clear(&s->head);
    for (int i = 0; i < s->d->config.decoder.rate_count; i++) {
        tb_q3_tail_clear(&s->up[i]);
        for (int u = 0; u < TB_Q3_UNITS; u++)
            tb_q3_tail_clear(&s->unit[i][u]);
    }
    tb_q3_tail_clear(&s->last);
}

static void advance_rows(struct tb_mat m, int back, int n)
{
    memmove(m.p, tb_mat_row(m, n), (size_t)back * (size_t)m.ld * sizeof *m.p);
}

/* Rows of the quantised vectors, into the new rows of s->pre. */
static enum tb_code look_up(const struct tb_q3_run *run, struct tb_q3_decoding *s, const int *codes, int n,
                            struct tb_error *err)
{
    const struct tb_q3_decoder *d = s->d;
    int vector = d->config.decoder.vector, groups = d->config.groups;
    struct tb_mat part[2], rest, y = tb_mat_rows(s->pre, PRE_TAPS - 1, n);
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, n, vector, &part[0], err)) ||
        (rc = tb_scratch_mat(run->scratch, n, vector, &part[1], err)) ||
        (rc = tb_scratch_mat(run->scratch, n, d->config.decoder.width, &rest, err)))
        return rc;
    clear_rows(part[0], n);
    clear_rows(part[1], n);
    for (int i = 0; i < n * groups; i++) {
        int g = i % groups, code = codes[i];
        float *row = tb_mat_row(part[g > 0], i / groups);

        if (code < 0 || code >= d->config.decoder.codebook)
            return tb_fail(err, TB_EINVAL, "qwen3: code %d of group %d, of %d", code, g, d->config.decoder.codebook);
        float usage = d->usage[g][code] > 1e-5f ? d->usage[g][code] : 1e-5f;
        for (int k = 0; k < vector; k++)
            row[k] += d->sums[g][(size_t)code * (size_t)vector + (size_t)k] / usage;
    }
    tb_linear_run(run->pool, &d->first, part[0], y);
    tb_linear_run(run->pool, &d->rest, part[1], rest);
    tb_q3_add_scaled(y, rest, NULL);
    tb_q3_look(run, "rvq", 0, y);
    return TB_OK;
}

/* Three taps over frames, and the transformer: x [n][latent]. */
static enum tb_code transform(const struct tb_q3_run *run, struct tb_q3_decoding *s, struct tb_mat x,
                              struct tb_error *err)
{
    const struct tb_q3_decoder *d = s->d;
    int n = x.rows, width = d->config.decoder.width;
    struct tb_mat taps, hidden;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, n, width * PRE_TAPS, &taps, err)) ||
        (rc = tb_scratch_mat(run->scratch, n, d->config.decoder.transformer.hidden, &hidden, err)))
        return rc;
    for (int r = 0; r < n; r++)
        for (int i = 0; i < width * PRE_TAPS; i++)
            tb_mat_row(taps, r)[i] = tb_mat_row(s->pre, r + i % PRE_TAPS)[i / PRE_TAPS];
    advance_rows(s->pre, PRE_TAPS - 1, n);
    tb_linear_run(run->pool, &d->pre, taps, x);
    tb_q3_look(run, "pre_conv", 0, x);
    tb_linear_run(run->pool, &d->in, x, hidden);
    tb_q3_look(run, "pre_input_proj", 0, hidden);
    if ((rc = tb_q3_stack_run(run, &d->stack, &s->cache, hidden, err)))
        return rc;
    tb_q3_rms_norm(hidden, d->norm, d->config.decoder.transformer.eps, hidden);
    tb_q3_look(run, "pre_norm", 0, hidden);
    tb_linear_run(run->pool, &d->out, hidden, x);
    tb_q3_look(run, "pre_transformer", 0, x);
    return TB_OK;
}

/* Each channel by itself, seven taps: rows of y from rows of x, which begins TAPS - 1 rows earlier. */
static void depthwise(const struct tb_q3_up *u, struct tb_mat x, struct tb_mat y)
{
    for (int r = 0; r < y.rows; r++) {
        float *to = tb_mat_row(y, r);

        memcpy(to, u->bias, (size_t)y.cols * sizeof *to);
        for (int k = 0; k < TAPS; k++) {
            const float *from = tb_mat_row(x, r + k);

            for (int i = 0; i < y.cols; i++)
                to[i] += u->taps[i * TAPS + k] * from[i];
        }
    }
}

/* x = narrow(gelu(wide(x))), rows of frames. */
static enum tb_code run_inner(const struct tb_q3_run *run, const struct tb_q3_up *u, struct tb_mat x,
                              struct tb_error *err)
{
    bool whole = u->wide_whole.rows;
    struct tb_mat turned, wide;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, x.cols, x.rows, &turned, err)) ||
        (rc = tb_scratch_mat(run->scratch, whole ? u->wide.out : x.rows, whole ? x.rows : u->wide.out, &wide, err)))
        return rc;
    if (!whole) {
        tb_linear_run(run->pool, &u->wide, x, wide);
        tb_q3_gelu(wide);
        tb_linear_run(run->pool, &u->narrow, wide, x);
        return TB_OK;
    }
    tb_transpose(x, turned);
    tb_conv_run(run->pool, &u->wide_whole, turned, NULL, wide, NULL);
    tb_q3_gelu(wide);
    tb_conv_run(run->pool, &u->narrow_whole, wide, NULL, turned, NULL);
    tb_transpose(turned, x);
    return TB_OK;
}

/* x [n][latent] to *y [n * rate][latent], in scratch. */
static enum tb_code upsample(const struct tb_q3_run *run, struct tb_q3_decoding *s, int index, struct tb_mat x,
                             struct tb_mat *y, struct tb_error *err)
{
    const struct tb_q3_up *u = &s->d->ups[index];
    int n = x.rows * u->rate;
    struct tb_mat both, normed, fine = tb_mat_rows(s->ups[index], TAPS - 1, n);
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, x.rows, u->up.out, &both, err)) ||
        (rc = tb_scratch_mat(run->scratch, n, x.cols, &normed, err)) ||
        (rc = tb_scratch_mat(run->scratch, n, x.cols, y, err)))
        return rc;
    tb_linear_run(run->pool, &u->up, x, both);
    for (int r = 0; r < n; r++)
        memcpy(tb_mat_row(fine, r), tb_mat_row(both, r / u->rate) + r % u->rate * x.cols,
               (size_t)x.cols * sizeof(float));
    tb_q3_look(run, "upsample_conv", index, fine);
    depthwise(u, s->ups[index], normed);
    tb_q3_layer_norm(normed, u->norm_w, u->norm_b, NORM_EPS, normed);
    if ((rc = run_inner(run, u, normed, err)))
        return rc;
    for (int r = 0; r < n; r++)
        memcpy(tb_mat_row(*y, r), tb_mat_row(fine, r), (size_t)x.cols * sizeof(float));
    tb_q3_add_scaled(*y, normed, u->gamma);
    tb_q3_look(run, "upsample", index, *y);
    advance_rows(s->ups[index], TAPS - 1, n);
    return TB_OK;
}

static struct tb_pre pre_of(const struct tb_q3_snake *s)
{
    return (struct tb_pre){ .kind = TB_PRE_SNAKE, .alpha = s->alpha, .inv_alpha = s->inverse };
}

/* The seven taps of a unit. Toom and Cook's method has a third of the products and three times the weights: where both
 * ways are there, it is quicker from MANY_COLS on. */
static void run_taps(struct tb_pool *pool, const struct tb_q3_unit *u, struct tb_mat x, struct tb_mat y)
{
    struct tb_pre pre = pre_of(&u->snake1);
    int shares = u->conv1.rows && y.cols < MANY_COLS ? 0 : u->shares, share = shares ? x.rows / shares : 0;

    if (shares == 0)
        tb_conv_run(pool, &u->conv1, x, &pre, y, NULL);
    for (int i = 0; i < shares; i++) {
        tb_fastconv_run(pool, &u->fast[i], tb_mat_rows(x, i * share, share), &pre, y,
                        &(struct tb_post){ .accumulate = i > 0 });
        pre.alpha += share;
        pre.inv_alpha += share;
    }
}

/* Block i from its tail with n new columns, into y: the new columns of whatever comes next. */
static enum tb_code run_block(const struct tb_q3_run *run, struct tb_q3_decoding *s, int i, int n, struct tb_mat y,
                              struct tb_error *err)
{
    const struct tb_q3_block *b = &s->d->blocks[i];
    struct tb_pre pre = pre_of(&b->snake);
    int cols = n * b->rate;
    struct tb_mat inner;
    enum tb_code rc = tb_scratch_mat(run->scratch, b->out, cols, &inner, err);

    if (rc)
        return rc;
    tb_conv_run(run->pool, &b->up, tb_q3_tail_filled(&s->up[i], n), &pre, tb_q3_tail_fresh(&s->unit[i][0], cols), NULL);
    tb_q3_tail_advance(&s->up[i], n);
    tb_q3_look(run, "block_up", i + 1, tb_q3_tail_fresh(&s->unit[i][0], cols));
    for (int u = 0; u < TB_Q3_UNITS; u++) {
        struct tb_q3_tail *t = &s->unit[i][u];
        struct tb_pre second = pre_of(&b->units[u].snake2);
        struct tb_mat x = tb_q3_tail_fresh(t, cols), to = y;
        struct tb_post post = { .residual = &x };

        if (u + 1 < TB_Q3_UNITS)
            to = tb_q3_tail_fresh(&s->unit[i][u + 1], cols);
        run_taps(run->pool, &b->units[u], tb_q3_tail_filled(t, cols), inner);
        tb_conv_run(run->pool, &b->units[u].conv2, inner, &second, to, &post);
        tb_q3_tail_advance(t, cols);
        if (i == 0)
            tb_q3_look(run, "unit", u, to);
    }
    tb_q3_look(run, "decoder", i + 1, y);
    return TB_OK;
}

/* At most s->chunk frames. */
static enum tb_code run_chunk(const struct tb_q3_run *run, struct tb_q3_decoding *s, const int *codes, int frames,
                              float *samples, struct tb_error *err)
{
    const struct tb_q3_decoder *d = s->d;
    int n = frames, blocks = d->config.decoder.rate_count;
    struct tb_pre pre = pre_of(&d->snake);
    struct tb_mat x;
    enum tb_code rc;

    if ((rc = look_up(run, s, codes, n, err)) ||
        (rc = tb_scratch_mat(run->scratch, n, d->config.decoder.latent, &x, err)) || (rc = transform(run, s, x, err)))
        return rc;
    for (int i = 0; i < d->config.decoder.ratio_count; i++)
        if ((rc = upsample(run, s, i, x, &x, err)))
            return rc;
    if ((rc = tb_q3_pause(run, err)))
        return rc;
    n = x.rows;
    tb_transpose(x, tb_q3_tail_fresh(&s->head, n));
    tb_conv_run(run->pool, &d->head, tb_q3_tail_filled(&s->head, n), NULL, tb_q3_tail_fresh(&s->up[0], n), NULL);
    tb_q3_tail_advance(&s->head, n);
    tb_q3_look(run, "decoder", 0, tb_q3_tail_fresh(&s->up[0], n));
    for (int i = 0; i < blocks; i++) {
        int cols = n * d->blocks[i].rate;
        const struct tb_q3_tail *next = i + 1 < blocks ? &s->up[i + 1] : &s->last;

        if ((rc = run_block(run, s, i, n, tb_q3_tail_fresh(next, cols), err)) || (rc = tb_q3_pause(run, err)))
            return rc;
        n = cols;
    }
    struct tb_mat y = { samples, 1, n, n };
    tb_conv_run(run->pool, &d->tail, tb_q3_tail_filled(&s->last, n), &pre, y, NULL);
    tb_q3_tail_advance(&s->last, n);
    for (int i = 0; i < n; i++)
        samples[i] = samples[i] < -1.0f ? -1.0f : samples[i] > 1.0f ? 1.0f : samples[i];
    return TB_OK;
}

enum tb_code tb_q3_decoding_run(const struct tb_q3_run *run, struct tb_q3_decoding *s, const int *codes, int frames,
                                float *samples, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    enum tb_code rc = TB_OK;

    for (int at = 0; rc == TB_OK && at < frames; at += s->chunk) {
        int n = frames - at < s->chunk ? frames - at : s->chunk;

        rc = run_chunk(run, s, codes + (size_t)at * (size_t)s->d->config.groups, n,
                       samples + (size_t)at * (size_t)s->d->config.frame, err);
        tb_scratch_reset(run->scratch, mark);
    }
    return rc;
}
