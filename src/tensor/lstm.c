/* lstm.c - recurrent layers (ops.h).
 *
 * One sequence: the input's part of the gates is one matrix product over all columns; what is left for each step is a
 * matrix-vector product with the recurrent weights, and the two directions run side by side. In 8 bits the weights of a
 * direction stay in the second-level cache of its core from step to step; as floats they do not.
 *
 * Many sequences: each part takes up to 24 of them through all steps alone. Input and state stand in one packed block
 * [in + hidden][24], so a step is one matrix product, and the four gates of a hidden unit are one tile. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/kernels_priv.h"
#include "tensor/ops.h"

enum { RUN = 64, MOST_HIDDEN = 1024, MOST_BATCH_HIDDEN = 512, MOST_BATCH_DEPTH = 2048 };

static float *lines(size_t n)
{
    return aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64);
}

/* r [4 * hidden][hidden] to [4 * hidden / 64][hidden][64]. */
static void pack_recurrent(const float *r, int hidden, float *out)
{
    for (int g = 0; g < 4 * hidden; g += RUN)
        for (int i = 0; i < hidden; i++)
            for (int k = 0; k < RUN; k++)
                *out++ = r[(size_t)(g + k) * (size_t)hidden + (size_t)i];
}

/* The same from 8 bits. */
static void pack_recurrent8(const struct tb_q8 *r, int hidden, int8_t *out)
{
    for (int g = 0; g < 4 * hidden; g += RUN)
        for (int i = 0; i < hidden; i++)
            for (int k = 0; k < RUN; k++)
                *out++ = (int8_t)((r->q[(size_t)(g + k) * r->len + (size_t)i] ^ r->flip) - 128);
}

/* Both biases of one direction in one. bias [8 * hidden], out [4 * hidden]. */
static void join_biases(const float *bias, int hidden, float *out)
{
    for (int i = 0; i < 4 * hidden; i++)
        out[i] = bias[i] + bias[4 * hidden + i];
}

static enum tb_code check_hidden(int hidden, struct tb_error *err)
{
    if (hidden % 16 || hidden > MOST_HIDDEN)
        return tb_fail(err, TB_EUNSUPPORTED, "LSTM of %d hidden units: not a multiple of 16 up to %d", hidden,
                       MOST_HIDDEN);
    return TB_OK;
}

enum tb_code tb_bilstm_pack(int in, int hidden, const float *w, const float *r, const float *bias,
                            struct tb_bilstm *out, struct tb_error *err)
{
    struct tb_bilstm l = { .in = in, .hidden = hidden, .gate = { 0, 1, 2, 3 } };
    size_t gates = 4 * (size_t)hidden;
    float both[4 * MOST_HIDDEN];
    enum tb_code rc;

    *out = (struct tb_bilstm){ 0 };
    assert(in > 0 && hidden > 0);
    if ((rc = check_hidden(hidden, err)))
        return rc;
    for (int d = 0; d < 2; d++) {
        struct tb_conv_spec spec = { .out = (int)gates, .in = in, .taps = 1 };

        join_biases(bias + (size_t)d * 2 * gates, hidden, both);
        rc = tb_conv_pack(&spec, w + (size_t)d * gates * (size_t)in, both, &l.input[d], err);
        l.r[d] = lines(gates * (size_t)hidden);
        if (rc || !l.r[d]) {
            tb_bilstm_free(&l);
            return rc ? rc : tb_fail(err, TB_ENOMEM, "LSTM of %d hidden units", hidden);
        }
        pack_recurrent(r + (size_t)d * gates * (size_t)hidden, hidden, l.r[d]);
    }
    *out = l;
    return TB_OK;
}

/* One scale for all, and bytes that count from their middle? */
static bool symmetric(const struct tb_q8 *q)
{
    for (size_t o = 0; o < q->rows; o++)
        if (q->scale[o] != q->scale[0] || q->zero[o] != 128.0f)
            return false;
    return true;
}

enum tb_code tb_bilstm_map(int in, int hidden, struct tb_q8 *w, const struct tb_q8 *r, const float *bias,
                           const int *gate, struct tb_bilstm *out, struct tb_error *err)
{
    struct tb_bilstm l = { .in = in, .hidden = hidden, .gate = { gate[0], gate[1], gate[2], gate[3] } };
    struct tb_conv_spec spec = { .out = 4 * hidden, .in = in, .taps = 1 };
    size_t gates = 4 * (size_t)hidden;
    float both[4 * MOST_HIDDEN];
    enum tb_code rc;

    *out = (struct tb_bilstm){ 0 };
    if ((rc = check_hidden(hidden, err)))
        return rc;
    if (in > TB_Q8_LEN || !symmetric(&r[0]) || !symmetric(&r[1]))
        return tb_fail(err, TB_EUNSUPPORTED, "LSTM with such 8-bit weights");
    for (int d = 0; d < 2; d++) {
        assert(r[d].rows == gates && r[d].len == (size_t)hidden);
        join_biases(bias + (size_t)d * 2 * gates, hidden, both);
        l.scale[d] = r[d].scale[0];
        l.r8[d] = aligned_alloc(64, gates * (size_t)hidden);
        rc = l.r8[d] ? tb_conv_map(&spec, &w[d], both, &l.input[d], err)
                     : tb_fail(err, TB_ENOMEM, "LSTM of %d hidden units", hidden);
        if (rc) {
            tb_bilstm_free(&l);
            return rc;
        }
        pack_recurrent8(&r[d], hidden, l.r8[d]);
    }
    *out = l;
    return TB_OK;
}

void tb_bilstm_free(struct tb_bilstm *l)
{
    for (int d = 0; d < 2; d++) {
        tb_conv_free(&l->input[d]);
        free(l->r[d]);
        free(l->r8[d]);
    }
    *l = (struct tb_bilstm){ 0 };
}

size_t tb_bilstm_work(const struct tb_bilstm *l, int cols)
{
    return 3 * 4 * (size_t)l->hidden * (size_t)cols; /* gates by row, then by column for each direction */
}

struct bilstm_job {
    const struct tb_bilstm *l;
    struct tb_mat gates[2]; /* [cols][4 * hidden] */
    struct tb_mat y;
};

/* One direction over all columns. */
static void bilstm_part(void *ctx, int d)
{
    const struct bilstm_job *j = ctx;
    int hidden = j->l->hidden, steps = j->y.cols;
    const int *at = j->l->gate;
    _Alignas(64) float h[MOST_HIDDEN] = { 0 };
    _Alignas(64) float c[MOST_HIDDEN] = { 0 };
    _Alignas(64) float part[RUN];

    for (int s = 0; s < steps; s++) {
        int t = d ? steps - 1 - s : s;
        float *g = tb_mat_row(j->gates[d], t);
        const float *const gate[4] = { g + at[0] * hidden, g + at[1] * hidden, g + at[2] * hidden, g + at[3] * hidden };

        for (int from = 0; from < 4 * hidden; from += RUN) {
            size_t first = (size_t)from * (size_t)hidden;

            if (j->l->r[d])
                tb_kernels->gemv64(j->l->r[d] + first, h, hidden, part);
            else
                tb_kernels->gemv64_8(j->l->r8[d] + first, j->l->scale[d], h, hidden, part);
            tb_kernels->add(g + from, part, 1.0f, g + from, RUN);
        }
        tb_kernels->lstm_cell(gate, c, h, hidden);
        for (int i = 0; i < hidden; i++)
            tb_mat_row(j->y, d * hidden + i)[t] = h[i];
    }
}

void tb_bilstm_run(struct tb_pool *pool, const struct tb_bilstm *l, struct tb_mat x, struct tb_mat y, float *work)
{
    int gates = 4 * l->hidden, cols = x.cols;
    size_t size = (size_t)gates * (size_t)cols;
    struct tb_mat by_row = { work, gates, cols, cols };
    struct bilstm_job j = {
        .l = l,
        .gates = { { work + size, cols, gates, gates }, { work + 2 * size, cols, gates, gates } },
        .y = y,
    };

    assert(x.rows == l->in && y.rows == 2 * l->hidden && y.cols == cols);
    for (int d = 0; d < 2; d++) {
        tb_conv_run(pool, &l->input[d], x, NULL, by_row, NULL);
        tb_transpose(by_row, j.gates[d]);
    }
    tb_pool_run(pool, bilstm_part, &j, 2);
}

enum tb_code tb_lstm_pack(int in, int hidden, const float *w, const float *r, const float *bias, struct tb_lstm *out,
                          struct tb_error *err)
{
    struct tb_lstm l = { .in = in, .hidden = hidden };
    size_t depth = (size_t)in + (size_t)hidden;

    *out = (struct tb_lstm){ 0 };
    assert(in > 0 && hidden > 0);
    if (hidden > MOST_BATCH_HIDDEN || depth > MOST_BATCH_DEPTH)
        return tb_fail(err, TB_EUNSUPPORTED, "LSTM of %d inputs, %d hidden units: more than %d and %d", in, hidden,
                       MOST_BATCH_DEPTH - hidden, MOST_BATCH_HIDDEN);
    l.w = lines((size_t)hidden * depth * 4);
    l.bias = lines((size_t)hidden * 4);
    if (!l.w || !l.bias) {
        tb_lstm_free(&l);
        return tb_fail(err, TB_ENOMEM, "LSTM of %d hidden units", hidden);
    }

    float *to = l.w;
    for (int u = 0; u < hidden; u++) {
        for (int i = 0; i < in; i++)
            for (int g = 0; g < 4; g++)
                *to++ = w[(size_t)(g * hidden + u) * (size_t)in + (size_t)i];
        for (int i = 0; i < hidden; i++)
            for (int g = 0; g < 4; g++)
                *to++ = r[(size_t)(g * hidden + u) * (size_t)hidden + (size_t)i];
        for (int g = 0; g < 4; g++)
            l.bias[4 * u + g] = bias[g * hidden + u] + bias[(4 + g) * hidden + u];
    }
    *out = l;
    return TB_OK;
}

void tb_lstm_free(struct tb_lstm *l)
{
    free(l->w);
    free(l->bias);
    *l = (struct tb_lstm){ 0 };
}

struct lstm_job {
    const struct tb_lstm *l;
    struct tb_mat x, y;
    int batch, steps, width; /* width: sequences of a part, at most TB_TILE */
};

static void lstm_part(void *ctx, int part)
{
    const struct lstm_job *j = ctx;
    int in = j->l->in, hidden = j->l->hidden, depth = in + hidden, from = part * j->width;
    int n = j->batch - from < j->width ? j->batch - from : j->width, vecs = (n + TB_LANES - 1) / TB_LANES;
    _Alignas(64) float z[MOST_BATCH_DEPTH * TB_TILE]; /* [in + hidden][TB_TILE]: input of the step, last state */
    _Alignas(64) float next[MOST_BATCH_HIDDEN * TB_TILE];
    _Alignas(64) float c[MOST_BATCH_HIDDEN * TB_TILE];
    _Alignas(64) float g[TB_PANEL * TB_TILE];
    const float *const gate[4] = { g, g + TB_TILE, g + 2 * TB_TILE, g + 3 * TB_TILE };

    memset(z, 0, (size_t)depth * TB_TILE * sizeof *z);
    memset(c, 0, (size_t)hidden * TB_TILE * sizeof *c);
    for (int t = 0; t < j->steps; t++) {
        size_t col = (size_t)t * (size_t)j->batch + (size_t)from;

        for (int i = 0; i < in; i++)
            memcpy(z + i * TB_TILE, tb_mat_row(j->x, i) + col, (size_t)n * sizeof *z);
        for (int u = 0; u < hidden; u++) {
            tb_kernels->tile(z, TB_TILE, j->l->w + (size_t)u * (size_t)depth * 4, depth, 1, 1, vecs, g);
            for (int k = 0; k < 4; k++)
                for (int i = 0; i < n; i++)
                    g[k * TB_TILE + i] += j->l->bias[4 * u + k];
            tb_kernels->lstm_cell(gate, c + u * TB_TILE, next + u * TB_TILE, n);
            memcpy(tb_mat_row(j->y, u) + col, next + u * TB_TILE, (size_t)n * sizeof *next);
        }
        for (int u = 0; u < hidden; u++)
            memcpy(z + (in + u) * TB_TILE, next + u * TB_TILE, (size_t)n * sizeof *next);
    }
}

void tb_lstm_run(struct tb_pool *pool, const struct tb_lstm *l, struct tb_mat x, int batch, struct tb_mat y)
{
    struct lstm_job j = { .l = l, .x = x, .y = y, .batch = batch };

    assert(batch > 0 && x.cols % batch == 0 && x.rows == l->in && y.rows == l->hidden && y.cols == x.cols);
    j.steps = x.cols / batch;

    int parts = (batch + TB_TILE - 1) / TB_TILE;
    if (parts == 1 && batch > TB_LANES)
        parts = 2;
    j.width = ((batch + parts - 1) / parts + TB_LANES - 1) / TB_LANES * TB_LANES;
    tb_pool_run(pool, lstm_part, &j, (batch + j.width - 1) / j.width);
}
