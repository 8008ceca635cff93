/* codec_encoder.c - see codec_encoder.h.
 *
 * Zeros in a tail at first are the padding of the reference, since ELU leaves zero as it is. Where the recording ends
 * inside a step of a strided convolution, its input is filled up with zeros, layer by layer. */
#include "engine/qwen3/codec_encoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/qwen3/codec_tail.h"

enum { PIECE_FRAMES = 12, PIECE_TOKENS = 64, HALF_TAPS = 4, HALF_STEP = 2, LAYERS_OF_STAGE = 3 };

static struct tb_conv_spec causal(int out, int in, int taps)
{
    return (struct tb_conv_spec){ .out = out, .in = in, .taps = taps };
}

/* Stage i: layers 1 + 3 i (the residual unit), an ELU, and 3 + 3 i (the strided convolution). */
static void load_stage(struct tb_q3_loader *l, const struct tb_q3_codec_config *c, int i, struct tb_q3_stage *s)
{
    int n = s->channels, layer = 1 + LAYERS_OF_STAGE * i;
    char at[64];

    snprintf(at, sizeof at, "encoder.encoder.layers.%d.block.1.conv", layer);
    tb_q3_conv(l, &s->conv1, causal(n / c->encoder.compress, n, c->encoder.residual_kernel), at);
    snprintf(at, sizeof at, "encoder.encoder.layers.%d.block.3.conv", layer);
    tb_q3_conv(l, &s->conv2, causal(n, n / c->encoder.compress, 1), at);
    snprintf(at, sizeof at, "encoder.encoder.layers.%d.conv", layer + 2);
    const float *w = tb_q3_kept(l, 2 * n, n, 2 * s->rate, "%s.weight", at);
    s->down = (struct tb_linear){ TB_F32, 2 * n, n * 2 * s->rate, w, tb_q3_vector(l, 2 * n, "%s.bias", at), NULL };
}

static void load_book(struct tb_q3_loader *l, struct tb_q3_encoder *e, int g)
{
    const char *part = g ? "acoustic" : "semantic";
    int size = e->config.encoder.codebook, n = e->config.encoder.vector, layer = g ? g - 1 : 0;
    const float *sum = tb_q3_borrow(l, size, n, 0, "encoder.quantizer.%s_residual_vector_quantizer.layers.%d.codebook."
                                    "embed_sum", part, layer);
    const float *usage = tb_q3_vector(l, size, "encoder.quantizer.%s_residual_vector_quantizer.layers.%d.codebook."
                                      "cluster_usage", part, layer);
    size_t vector = (size_t)n, from = (size_t)g * (size_t)size;

    for (size_t i = 0; l->rc == TB_OK && i < (size_t)size; i++) {
        float *to = e->books + (from + i) * vector, least = usage[i] > 1e-5f ? usage[i] : 1e-5f;
        double square = 0;

        for (size_t k = 0; k < vector; k++) {
            to[k] = sum[i * vector + k] / least;
            square += (double)to[k] * (double)to[k];
        }
        e->squares[from + i] = (float)(-0.5 * square);
    }
    tb_q3_release(l);
}

static void load_quantisers(struct tb_q3_loader *l, struct tb_q3_encoder *e)
{
    int hidden = e->config.encoder.transformer.hidden, n = e->config.encoder.vector;
    size_t entries = (size_t)e->config.groups * (size_t)e->config.encoder.codebook;

    tb_q3_linear(l, &e->semantic, n, hidden, false, "encoder.quantizer.semantic_residual_vector_quantizer.input_proj");
    tb_q3_linear(l, &e->acoustic, n, hidden, false, "encoder.quantizer.acoustic_residual_vector_quantizer.input_proj");
    e->books = malloc(entries * (size_t)n * sizeof *e->books);
    e->squares = malloc(entries * sizeof *e->squares);
    if (l->rc == TB_OK && (!e->books || !e->squares))
        l->rc = tb_fail(l->err, TB_ENOMEM, "qwen3: codebooks of %zu vectors", entries);
    for (int g = 0; l->rc == TB_OK && g < e->config.groups; g++)
        load_book(l, e, g);
}

void tb_q3_encoder_load(struct tb_q3_loader *l, const struct tb_q3_codec_config *config, struct tb_q3_encoder *e)
{
    int stages = config->encoder.ratio_count, channels = config->encoder.filters;
    int hidden = config->encoder.transformer.hidden;
    char at[64];

    *e = (struct tb_q3_encoder){ .config = *config };
    if (l->rc == TB_OK && config->encoder.residual_layers != 1)
        l->rc = tb_fail(l->err, TB_EUNSUPPORTED, "qwen3: %d residual units a stage in the codec's encoder, wanted 1",
                        config->encoder.residual_layers);
    if (l->rc)
        return;
    tb_q3_conv(l, &e->head, causal(channels, 1, config->encoder.kernel), "encoder.encoder.layers.0.conv");
    for (int i = 0; i < stages; i++, channels *= 2) {
        e->stages[i].channels = channels;
        e->stages[i].rate = config->encoder.ratios[stages - 1 - i];
        load_stage(l, config, i, &e->stages[i]);
    }
    snprintf(at, sizeof at, "encoder.encoder.layers.%d.conv", LAYERS_OF_STAGE * stages + 2);
    tb_q3_conv(l, &e->tail, causal(hidden, channels, config->encoder.last_kernel), at);
    tb_q3_stack_load(l, &config->encoder.transformer, "encoder.encoder_transformer", &e->stack);
    const float *w = tb_q3_kept(l, hidden, hidden, HALF_TAPS, "encoder.downsample.conv.weight");
    e->half = (struct tb_linear){ TB_F32, hidden, hidden * HALF_TAPS, w, NULL, NULL };
    load_quantisers(l, e);
}

void tb_q3_encoder_free(struct tb_q3_encoder *e)
{
    tb_conv_free(&e->head);
    tb_conv_free(&e->tail);
    for (int i = 0; i < TB_Q3_MAX_RATES; i++) {
        tb_conv_free(&e->stages[i].conv1);
        tb_conv_free(&e->stages[i].conv2);
    }
    tb_q3_stack_free(&e->stack);
    free(e->books);
    free(e->squares);
    *e = (struct tb_q3_encoder){ 0 };
}

/* What SEANet keeps from piece to piece, and a piece's values between two convolutions. */
struct seanet {
    struct tb_q3_tail head, tail;
    struct {
        struct tb_mat x;           /* [channels][most] */
        struct tb_q3_tail unit, down;
        struct tb_mat inner;       /* [channels / compress][most] */
        struct tb_mat rows, out;   /* of the strided convolution: [most / rate][taps of all],
                                    * [most / rate][2 * channels] */
    } stage[TB_Q3_MAX_RATES];
    struct tb_mat y;               /* [hidden][most] */
};

static enum tb_code take_stage(const struct tb_q3_encoder *e, struct tb_scratch *s, int i, int most, struct seanet *n,
                               struct tb_error *err)
{
    const struct tb_q3_stage *g = &e->stages[i];
    int back = (g->conv1.spec.taps - 1) * g->conv1.spec.dilation;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(s, g->channels, most, &n->stage[i].x, err)) ||
        (rc = tb_q3_tail_take(s, g->channels, back, most, &n->stage[i].unit, err)) ||
        (rc = tb_scratch_mat(s, g->conv1.spec.out, most, &n->stage[i].inner, err)) ||
        (rc = tb_q3_tail_take(s, g->channels, g->rate, most, &n->stage[i].down, err)) ||
        (rc = tb_scratch_mat(s, most / g->rate, g->down.in, &n->stage[i].rows, err)) ||
        (rc = tb_scratch_mat(s, most / g->rate, g->down.out, &n->stage[i].out, err)))
        return rc;
    tb_q3_tail_clear(&n->stage[i].unit);
    tb_q3_tail_clear(&n->stage[i].down);
    return TB_OK;
}

static enum tb_code take_seanet(const struct tb_q3_encoder *e, struct tb_scratch *s, struct seanet *n,
                                struct tb_error *err)
{
    int most = PIECE_FRAMES * e->config.frame;
    enum tb_code rc = tb_q3_tail_take(s, 1, e->head.spec.taps - 1, most, &n->head, err);

    for (int i = 0; rc == TB_OK && i < e->config.encoder.ratio_count; i++) {
        rc = take_stage(e, s, i, most, n, err);
        most /= e->stages[i].rate;
    }
    if (rc || (rc = tb_q3_tail_take(s, e->tail.spec.in, e->tail.spec.taps - 1, most, &n->tail, err)) ||
        (rc = tb_scratch_mat(s, e->tail.spec.out, most, &n->y, err)))
        return rc;
    tb_q3_tail_clear(&n->head);
    tb_q3_tail_clear(&n->tail);
    return TB_OK;
}

/* y = x where x > 0, else e^x - 1. */
static void elu(struct tb_mat x, struct tb_mat y)
{
    for (int r = 0; r < x.rows; r++)
        for (int i = 0; i < x.cols; i++) {
            float v = tb_mat_row(x, r)[i];

            tb_mat_row(y, r)[i] = v > 0 ? v : expm1f(v);
        }
}

/* Stage i on its n new columns in x; returns how many columns come out, in `out` [columns][2 * channels]. */
static int run_stage(const struct tb_q3_run *run, const struct tb_q3_encoder *e, struct seanet *net, int i, int n)
{
    const struct tb_q3_stage *g = &e->stages[i];
    struct tb_mat x = tb_mat_cols(net->stage[i].x, 0, n), inner = tb_mat_cols(net->stage[i].inner, 0, n);
    struct tb_q3_tail *unit = &net->stage[i].unit, *down = &net->stage[i].down;
    struct tb_post post = { .residual = &x };
    int cols = (n + g->rate - 1) / g->rate, taps = 2 * g->rate, full = cols * g->rate;

    elu(x, tb_q3_tail_fresh(unit, n));
    tb_conv_run(run->pool, &g->conv1, tb_q3_tail_filled(unit, n), NULL, inner, NULL);
    tb_q3_tail_advance(unit, n);
    elu(inner, inner);
    tb_conv_run(run->pool, &g->conv2, inner, NULL, x, &post);
    tb_q3_look(run, "seanet", 1 + LAYERS_OF_STAGE * i, x);
    elu(x, tb_q3_tail_fresh(down, n));
    tb_q3_look(run, "seanet", 2 + LAYERS_OF_STAGE * i, tb_q3_tail_fresh(down, n));
    for (int c = 0; c < g->channels; c++) {
        float *row = tb_mat_row(down->m, c);

        memset(row + down->back + n, 0, (size_t)(full - n) * sizeof *row);
        for (int t = 0; t < cols; t++)
            memcpy(tb_mat_row(net->stage[i].rows, t) + c * taps, row + t * g->rate, (size_t)taps * sizeof *row);
    }
    tb_q3_tail_advance(down, full);
    tb_linear_run(run->pool, &g->down, tb_mat_rows(net->stage[i].rows, 0, cols),
                  tb_mat_rows(net->stage[i].out, 0, cols));
    return cols;
}

/* n samples to rows of *y, which it moves on. */
static void run_piece(const struct tb_q3_run *run, const struct tb_q3_encoder *e, struct seanet *net,
                      const float *samples, int n, struct tb_mat *y)
{
    int stages = e->config.encoder.ratio_count;

    memcpy(tb_q3_tail_fresh(&net->head, n).p, samples, (size_t)n * sizeof *samples);
    tb_conv_run(run->pool, &e->head, tb_q3_tail_filled(&net->head, n), NULL, tb_mat_cols(net->stage[0].x, 0, n), NULL);
    tb_q3_tail_advance(&net->head, n);
    tb_q3_look(run, "seanet", 0, tb_mat_cols(net->stage[0].x, 0, n));
    for (int i = 0; i < stages; i++) {
        n = run_stage(run, e, net, i, n);
        struct tb_mat to = i + 1 < stages ? tb_mat_cols(net->stage[i + 1].x, 0, n) : tb_q3_tail_fresh(&net->tail, n);

        tb_transpose(tb_mat_rows(net->stage[i].out, 0, n), to);
        tb_q3_look(run, "seanet", 3 + LAYERS_OF_STAGE * i, to);
    }
    elu(tb_q3_tail_fresh(&net->tail, n), tb_q3_tail_fresh(&net->tail, n));
    tb_q3_look(run, "seanet", 1 + LAYERS_OF_STAGE * stages, tb_q3_tail_fresh(&net->tail, n));
    tb_conv_run(run->pool, &e->tail, tb_q3_tail_filled(&net->tail, n), NULL, tb_mat_cols(net->y, 0, n), NULL);
    tb_q3_tail_advance(&net->tail, n);
    tb_q3_look(run, "seanet", 2 + LAYERS_OF_STAGE * stages, tb_mat_cols(net->y, 0, n));
    tb_transpose(tb_mat_cols(net->y, 0, n), tb_mat_rows(*y, 0, n));
    *y = tb_mat_rows(*y, n, y->rows - n);
}

/* The transformer over rows x [n][hidden], in place. */
static enum tb_code transform(const struct tb_q3_run *run, const struct tb_q3_encoder *e, struct tb_mat x,
                              struct tb_turn *turn, struct tb_error *err)
{
    struct tb_q3_cache cache;
    enum tb_code rc = tb_q3_cache_open(&e->stack, x.rows, &cache, err);

    for (int at = 0; rc == TB_OK && at < x.rows; at += PIECE_TOKENS) {
        int n = x.rows - at < PIECE_TOKENS ? x.rows - at : PIECE_TOKENS;

        rc = tb_q3_stack_run(run, &e->stack, &cache, tb_mat_rows(x, at, n), err);
        tb_turn_pause(turn);
    }
    tb_q3_cache_close(&cache);
    return rc;
}

/* Every other row of x with its neighbours; edges are repeated. */
static enum tb_code halve(const struct tb_q3_run *run, const struct tb_q3_encoder *e, struct tb_mat x, struct tb_mat y,
                          struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat taps;
    enum tb_code rc = tb_scratch_mat(run->scratch, y.rows, e->half.in, &taps, err);

    if (rc)
        return rc;
    for (int r = 0; r < y.rows; r++)
        for (int k = 0; k < HALF_TAPS; k++) {
            int at = HALF_STEP * r + k - (HALF_TAPS - HALF_STEP);
            const float *from = tb_mat_row(x, at < 0 ? 0 : at < x.rows ? at : x.rows - 1);

            for (int c = 0; c < x.cols; c++)
                tb_mat_row(taps, r)[c * HALF_TAPS + k] = from[c];
        }
    tb_linear_run(run->pool, &e->half, taps, y);
    tb_scratch_reset(run->scratch, mark);
    return TB_OK;
}

static double distance(const float *a, const float *b, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum;
}

/* The entry of book [size][x.cols] nearest to row x. scores [size] are x . entry - |entry|^2 / 2: the nearest has the
 * largest, and those within rounding of it are measured in double. */
static int nearest(const float *book, const float *scores, int size, const float *x, int n)
{
    int best = 0, found = -1;
    double least = 0, square = 0;

    for (int i = 1; i < size; i++)
        best = scores[i] > scores[best] ? i : best;
    for (int i = 0; i < n; i++)
        square += (double)x[i] * (double)x[i];
    float near = scores[best] - (float)(1e-5 * (square + fabs((double)scores[best])));
    for (int i = 0; i < size; i++) {
        if (scores[i] < near)
            continue;
        double d = distance(x, book + (size_t)i * (size_t)n, n);
        if (found < 0 || d < least) {
            found = i;
            least = d;
        }
    }
    return found;
}

/* Groups first .. first + count - 1 from x [n][vector], which becomes what is left over. */
static enum tb_code quantise(const struct tb_q3_run *run, const struct tb_q3_encoder *e, struct tb_mat x, int first,
                             int count, int *codes, struct tb_error *err)
{
    int size = e->config.encoder.codebook, vector = e->config.encoder.vector;
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat scores;
    enum tb_code rc = tb_scratch_mat(run->scratch, x.rows, size, &scores, err);

    for (int g = first; rc == TB_OK && g < first + count; g++) {
        const float *book = e->books + (size_t)g * (size_t)size * (size_t)vector;
        struct tb_linear all = { TB_F32, size, vector, book, e->squares + (size_t)g * (size_t)size, NULL };

        tb_q3_look(run, "residual", g, x);
        tb_linear_run(run->pool, &all, x, scores);
        for (int r = 0; r < x.rows; r++) {
            int code = nearest(book, tb_mat_row(scores, r), size, tb_mat_row(x, r), vector);

            codes[r * e->config.groups + g] = code;
            for (int i = 0; i < vector; i++)
                tb_mat_row(x, r)[i] -= book[(size_t)code * (size_t)vector + (size_t)i];
        }
    }
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

/* Rows [n][hidden] at 12.5 Hz to codes. */
static enum tb_code quantise_all(const struct tb_q3_run *run, const struct tb_q3_encoder *e, struct tb_mat rows,
                                 int *codes, struct tb_error *err)
{
    struct tb_mat semantic, acoustic;
    enum tb_code rc;

    tb_q3_look(run, "downsample", 0, rows);
    if ((rc = tb_scratch_mat(run->scratch, rows.rows, e->semantic.out, &semantic, err)) ||
        (rc = tb_scratch_mat(run->scratch, rows.rows, e->acoustic.out, &acoustic, err)))
        return rc;
    tb_linear_run(run->pool, &e->semantic, rows, semantic);
    tb_linear_run(run->pool, &e->acoustic, rows, acoustic); /* not from what the semantic one leaves over */
    tb_q3_look(run, "semantic_in", 0, semantic);
    tb_q3_look(run, "acoustic_in", 0, acoustic);
    if ((rc = quantise(run, e, semantic, 0, 1, codes, err)))
        return rc;
    return quantise(run, e, acoustic, 1, e->config.groups - 1, codes, err);
}

static enum tb_code run_all(const struct tb_q3_run *run, const struct tb_q3_encoder *e, const float *samples,
                            size_t len, struct tb_turn *turn, int *codes, struct tb_error *err)
{
    size_t piece = (size_t)PIECE_FRAMES * (size_t)e->config.frame, half = (size_t)e->config.frame / HALF_STEP;
    int hidden = e->config.encoder.transformer.hidden, frames = tb_q3_encoder_frames(e, len);
    struct tb_mat rows, left, halved;
    struct seanet net;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, (int)((len + half - 1) / half), hidden, &rows, err)) ||
        (rc = tb_scratch_mat(run->scratch, frames, hidden, &halved, err)) ||
        (rc = take_seanet(e, run->scratch, &net, err)))
        return rc;
    left = rows;
    for (size_t at = 0; at < len; at += piece) {
        run_piece(run, e, &net, samples + at, (int)(len - at < piece ? len - at : piece), &left);
        tb_turn_pause(turn);
    }
    tb_q3_look(run, "seanet_out", 0, rows);
    if ((rc = transform(run, e, rows, turn, err)) || (rc = halve(run, e, rows, halved, err)))
        return rc;
    return quantise_all(run, e, halved, codes, err);
}

enum tb_code tb_q3_encoder_run(const struct tb_q3_run *run, const struct tb_q3_encoder *e, const float *samples,
                               size_t len, struct tb_turn *turn, int *codes, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    enum tb_code rc = run_all(run, e, samples, len, turn, codes, err);

    tb_scratch_reset(run->scratch, mark);
    return rc;
}
