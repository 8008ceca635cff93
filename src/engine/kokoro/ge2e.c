/* ge2e.c - see ge2e.h. */
#include "engine/kokoro/ge2e.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/mel.h"
#include "engine/kokoro/groups.h"
#include "tensor/ops.h"
#include "tensor/weights.h"

enum { LAYERS = 3, HIDDEN = 256, GATES = 4 * HIDDEN };

struct tb_ge2e {
    struct tb_lstm layer[LAYERS];
    float *linear, *bias; /* [256][256], [256] */
};

/* Rows of the gates i f g o, as PyTorch keeps them, to i o f g, as the tensor folder wants them. */
static void reorder_gates(const float *in, size_t width, float *out)
{
    static const int from[4] = { 0, 3, 1, 2 };
    size_t gate = HIDDEN * width;

    for (size_t g = 0; g < 4; g++)
        memcpy(out + g * gate, in + (size_t)from[g] * gate, gate * sizeof *out);
}

static enum tb_code load_layer(struct tb_weights *w, int l, struct tb_lstm *out, struct tb_error *err)
{
    size_t in = l == 0 ? TB_MEL_BANDS : HIDDEN;
    const float *part[4]; /* input, recurrence, and the bias of each */
    const size_t width[4] = { in, HIDDEN, 1, 1 };
    static const char *const names[4] = { "weight_ih", "weight_hh", "bias_ih", "bias_hh" };
    float *packed = malloc(GATES * (in + HIDDEN + 2) * sizeof *packed), *at = packed;
    enum tb_code rc = TB_OK;

    if (!packed)
        return tb_fail(err, TB_ENOMEM, "speaker encoder");
    for (int i = 0; i < 4 && !rc; i++) {
        char name[32];
        snprintf(name, sizeof name, "lstm.%s_l%d", names[i], l);
        rc = i < 2 ? tb_weights_get(w, name, &part[i], err, GATES, width[i]) :
                     tb_weights_get(w, name, &part[i], err, GATES);
        if (!rc)
            reorder_gates(part[i], width[i], at);
        at += GATES * width[i];
    }
    if (!rc)
        rc = tb_lstm_pack((int)in, HIDDEN, packed, packed + GATES * in, packed + GATES * (in + HIDDEN), out, err);
    free(packed);
    return rc;
}

static enum tb_code load_linear(struct tb_weights *w, struct tb_ge2e *g, struct tb_error *err)
{
    const float *linear, *bias;
    enum tb_code rc;

    if ((rc = tb_weights_get(w, "linear.weight", &linear, err, TB_GE2E_SIZE, HIDDEN)) ||
        (rc = tb_weights_get(w, "linear.bias", &bias, err, TB_GE2E_SIZE)))
        return rc;
    g->linear = malloc((size_t)TB_GE2E_SIZE * HIDDEN * sizeof *linear);
    g->bias = malloc(TB_GE2E_SIZE * sizeof *bias);
    if (!g->linear || !g->bias)
        return tb_fail(err, TB_ENOMEM, "speaker encoder");
    memcpy(g->linear, linear, (size_t)TB_GE2E_SIZE * HIDDEN * sizeof *linear);
    memcpy(g->bias, bias, TB_GE2E_SIZE * sizeof *bias);
    return TB_OK;
}

enum tb_code tb_ge2e_open(const char *path, struct tb_ge2e **out, struct tb_error *err)
{
    struct tb_weights *w;
    enum tb_code rc = tb_weights_open(path, &w, err);

    *out = NULL;
    if (rc)
        return rc;
    struct tb_ge2e *g = calloc(1, sizeof *g);
    if (!g)
        rc = tb_fail(err, TB_ENOMEM, "speaker encoder");
    for (int l = 0; l < LAYERS && !rc; l++)
        rc = load_layer(w, l, &g->layer[l], err);
    if (!rc)
        rc = load_linear(w, g, err);
    tb_weights_close(w);
    if (rc) {
        tb_ge2e_close(g);
        return rc;
    }
    *out = g;
    return TB_OK;
}

void tb_ge2e_close(struct tb_ge2e *g)
{
    if (!g)
        return;
    for (int l = 0; l < LAYERS; l++)
        tb_lstm_free(&g->layer[l]);
    free(g->linear);
    free(g->bias);
    free(g);
}

/* Windows that begin TB_GE2E_STEP apart; one more ends with the audio when a good part of a step would be left out. */
static size_t window_count(size_t frames)
{
    size_t n = frames > TB_GE2E_WINDOW ? (frames - TB_GE2E_WINDOW) / TB_GE2E_STEP + 1 : 1;
    size_t end = (n - 1) * TB_GE2E_STEP + TB_GE2E_WINDOW;

    return frames > end && frames - end > TB_GE2E_STEP / 3 ? n + 1 : n;
}

static size_t window_start(size_t frames, size_t i)
{
    size_t start = i * TB_GE2E_STEP;

    return i > 0 && start + TB_GE2E_WINDOW > frames ? frames - TB_GE2E_WINDOW : start;
}

/* x [TB_MEL_BANDS][TB_GE2E_WINDOW * windows]: frame t of window b is column t * windows + b. */
static void lay_out(const float *mel, size_t frames, size_t windows, float *x)
{
    size_t cols = TB_GE2E_WINDOW * windows;

    for (size_t b = 0; b < windows; b++)
        for (size_t t = 0; t < TB_GE2E_WINDOW; t++) {
            size_t from = window_start(frames, b) + t;
            for (size_t m = 0; m < TB_MEL_BANDS; m++)
                x[m * cols + t * windows + b] = from < frames ? mel[from * TB_MEL_BANDS + m] : 0;
        }
}

static double length_of(const float *v)
{
    double sum = 0;

    for (int i = 0; i < TB_GE2E_SIZE; i++)
        sum += (double)v[i] * v[i];
    return sqrt(sum);
}

/* The unit vector v of the window whose last state is column `col` of y, also added to sum. */
static void add_window(const struct tb_ge2e *g, struct tb_mat y, int col, float *v, double *sum)
{
    float state[HIDDEN];

    for (int i = 0; i < HIDDEN; i++)
        state[i] = tb_mat_row(y, i)[col];
    tb_matvec(NULL, g->linear, g->bias, TB_GE2E_SIZE, HIDDEN, state, v);
    for (int i = 0; i < TB_GE2E_SIZE; i++)
        v[i] = v[i] > 0 ? v[i] : 0;
    double length = length_of(v) + 1e-9;
    for (int i = 0; i < TB_GE2E_SIZE; i++) {
        v[i] = (float)(v[i] / length);
        sum[i] += v[i];
    }
}

enum tb_code tb_ge2e_embed(const struct tb_ge2e *g, struct tb_pool *pool, struct tb_turn *turn, const float *mel,
                           size_t frames, float *embedding, float *one_voice, struct tb_error *err)
{
    size_t windows = window_count(frames), cols = TB_GE2E_WINDOW * windows;
    float *work = malloc((TB_MEL_BANDS + 2 * HIDDEN) * cols * sizeof *work);
    double sum[TB_GE2E_SIZE] = { 0 };

    memset(embedding, 0, TB_GE2E_SIZE * sizeof *embedding);
    if (!work)
        return tb_fail(err, TB_ENOMEM, "speaker embedding of %zu frames", frames);
    struct tb_mat x = { work, TB_MEL_BANDS, (int)cols, (int)cols };
    struct tb_mat y[2] = { { work + TB_MEL_BANDS * cols, HIDDEN, (int)cols, (int)cols },
                           { work + (TB_MEL_BANDS + HIDDEN) * cols, HIDDEN, (int)cols, (int)cols } };
    lay_out(mel, frames, windows, x.p);
    tb_lstm_run(pool, &g->layer[0], x, (int)windows, y[0]);
    tb_turn_pause(turn);
    tb_lstm_run(pool, &g->layer[1], y[0], (int)windows, y[1]);
    tb_turn_pause(turn);
    tb_lstm_run(pool, &g->layer[2], y[1], (int)windows, y[0]);
    tb_turn_pause(turn);
    for (size_t b = 0; b < windows; b++) /* where the input was, which is larger, their vectors */
        add_window(g, y[0], (int)(cols - windows + b), x.p + b * TB_GE2E_SIZE, sum);
    if (one_voice)
        *one_voice = tb_groups_likeness(x.p, windows);
    free(work);
    for (int i = 0; i < TB_GE2E_SIZE; i++)
        embedding[i] = (float)sum[i];
    double length = length_of(embedding);
    if (!(length > 1e-6))
        return tb_fail(err, TB_EAUDIO_SPEECH, "the recording has no voice that could be told apart");
    for (int i = 0; i < TB_GE2E_SIZE; i++)
        embedding[i] = (float)(embedding[i] / length);
    return TB_OK;
}
