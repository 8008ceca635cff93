/* ear.c - see ear.h. */
#include "engine/kokoro/ear.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/ops.h"

enum { WIDTH = 160, INPUT = 2 * TB_MEL_BANDS, LAYERS = 5, TAPS = 3 };

static const int dilation[LAYERS] = { 1, 2, 3, 4, 6 };
static const float FLOOR = 1e-4f; /* of the mean power: what is 40 dB under it is silence */

struct tb_ear {
    struct tb_conv input, layer[LAYERS], output;
    float prior[TB_SOUNDS];
};

static enum tb_code load(struct tb_weights *w, const char *name, int out, int in, int taps, int dilated,
                         struct tb_conv *conv, struct tb_error *err)
{
    const struct tb_conv_spec spec = { .out = out, .in = in, .taps = taps, .dilation = dilated,
                                       .pad_left = dilated * (taps / 2), .pad_right = dilated * (taps / 2) };
    const float *weight, *bias;
    char part[32];
    enum tb_code rc;

    snprintf(part, sizeof part, "%s.weight", name);
    if ((rc = tb_weights_get(w, part, &weight, err, (size_t)out, (size_t)in, (size_t)taps)))
        return rc;
    snprintf(part, sizeof part, "%s.bias", name);
    if ((rc = tb_weights_get(w, part, &bias, err, (size_t)out)))
        return rc;
    return tb_conv_pack(&spec, weight, bias, conv, err);
}

static enum tb_code load_all(struct tb_weights *w, struct tb_ear *e, struct tb_error *err)
{
    const float *prior;
    enum tb_code rc = load(w, "input", WIDTH, INPUT, TAPS, 1, &e->input, err);

    for (int l = 0; l < LAYERS && !rc; l++) {
        char name[24];
        snprintf(name, sizeof name, "layer%d", l);
        rc = load(w, name, WIDTH, WIDTH, TAPS, dilation[l], &e->layer[l], err);
    }
    if (rc || (rc = load(w, "output", TB_SOUNDS, WIDTH, 1, 1, &e->output, err)) ||
        (rc = tb_weights_get(w, "prior", &prior, err, TB_SOUNDS)))
        return rc;
    memcpy(e->prior, prior, sizeof e->prior);
    return TB_OK;
}

enum tb_code tb_ear_open(struct tb_weights *weights, struct tb_ear **out, struct tb_error *err)
{
    struct tb_ear *e = calloc(1, sizeof *e);
    enum tb_code rc = e ? load_all(weights, e, err) : tb_fail(err, TB_ENOMEM, "ear");

    *out = NULL;
    if (rc) {
        tb_ear_close(e);
        return rc;
    }
    *out = e;
    return TB_OK;
}

void tb_ear_close(struct tb_ear *e)
{
    if (!e)
        return;
    tb_conv_free(&e->input);
    for (int l = 0; l < LAYERS; l++)
        tb_conv_free(&e->layer[l]);
    tb_conv_free(&e->output);
    free(e);
}

const float *tb_ear_prior(const struct tb_ear *e)
{
    return e->prior;
}

/* Mel power [frames][bands] to logs in place: of power over the mean, then less each band's mean over the louder
 * frames, so that gain and channel drop out. */
static void level(float *mel, size_t frames)
{
    double mean = 0, middle = 0, sum[TB_MEL_BANDS] = { 0 };
    size_t n = frames * TB_MEL_BANDS, louder = 0;

    for (size_t i = 0; i < n; i++)
        mean += mel[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        mel[i] = logf(mel[i] / (float)(mean + 1e-12) + FLOOR);
        middle += mel[i] / (double)frames;
    }
    for (size_t t = 0; t < frames; t++) {
        const float *row = mel + t * TB_MEL_BANDS;
        double own = 0;
        for (int b = 0; b < TB_MEL_BANDS; b++)
            own += row[b];
        if (own < middle)
            continue;
        louder++;
        for (int b = 0; b < TB_MEL_BANDS; b++)
            sum[b] += row[b];
    }
    for (size_t i = 0; i < n; i++)
        mel[i] -= (float)(sum[i % TB_MEL_BANDS] / (double)(louder ? louder : 1));
}

/* Frames 2t and 2t + 1 become column t; an odd last frame counts twice. */
static void lay_out(const float *mel, size_t frames, struct tb_mat x)
{
    for (int i = 0; i < INPUT; i++) {
        float *row = tb_mat_row(x, i);
        for (int t = 0; t < x.cols; t++) {
            size_t from = 2 * (size_t)t + (size_t)(i / TB_MEL_BANDS);
            row[t] = mel[(from < frames ? from : frames - 1) * TB_MEL_BANDS + (size_t)(i % TB_MEL_BANDS)];
        }
    }
}

/* One column of y to logs of probabilities. */
static void write_column(struct tb_mat y, int t, float *out)
{
    float most = tb_mat_row(y, 0)[t];
    double sum = 0;

    for (int i = 1; i < TB_SOUNDS; i++)
        most = fmaxf(most, tb_mat_row(y, i)[t]);
    for (int i = 0; i < TB_SOUNDS; i++)
        sum += exp((double)(tb_mat_row(y, i)[t] - most));
    for (int i = 0; i < TB_SOUNDS; i++)
        out[i] = tb_mat_row(y, i)[t] - most - (float)log(sum);
}

static void run(const struct tb_ear *e, struct tb_pool *pool, struct tb_mat x, struct tb_mat h[2], struct tb_mat y)
{
    const struct tb_post first = { .act = TB_ACT_RELU }, more = { .act = TB_ACT_RELU, .accumulate = true };

    tb_conv_run(pool, &e->input, x, NULL, h[0], &first);
    for (int l = 0; l < LAYERS; l++) {
        tb_copy(h[l % 2], h[(l + 1) % 2]);
        tb_conv_run(pool, &e->layer[l], h[l % 2], NULL, h[(l + 1) % 2], &more);
    }
    tb_conv_run(pool, &e->output, h[LAYERS % 2], NULL, y, NULL);
}

enum tb_code tb_ear_hear(const struct tb_ear *e, struct tb_pool *pool, const float *speech, size_t len, float *out,
                         struct tb_error *err)
{
    size_t frames = tb_mel_frames(len), cols = tb_ear_frames(len);
    float *mel = malloc(frames * TB_MEL_BANDS * sizeof *mel);
    float *work = malloc((INPUT + 2 * WIDTH + TB_SOUNDS) * cols * sizeof *work);
    enum tb_code rc = mel && work ? tb_mel(speech, len, mel, err) : tb_fail(err, TB_ENOMEM, "ear: %zu frames", frames);

    if (!rc) {
        int n = (int)cols;
        struct tb_mat x = { work, INPUT, n, n };
        struct tb_mat h[2] = { { x.p + INPUT * cols, WIDTH, n, n }, { x.p + (INPUT + WIDTH) * cols, WIDTH, n, n } };
        struct tb_mat y = { x.p + (INPUT + 2 * WIDTH) * cols, TB_SOUNDS, n, n };

        level(mel, frames);
        lay_out(mel, frames, x);
        run(e, pool, x, h, y);
        for (int t = 0; t < n; t++)
            write_column(y, t, out + (size_t)t * TB_SOUNDS);
    }
    free(mel);
    free(work);
    return rc;
}
