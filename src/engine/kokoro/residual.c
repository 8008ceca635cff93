/* residual.c - see residual.h. */
#include "engine/kokoro/residual.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/weights.h"

enum {
    EMBEDDING = TB_KOKORO_EMBEDDING,
    BANDS = TB_KOKORO_EQ_BANDS,
    STYLES = TB_KOKORO_BLOCKS * TB_KOKORO_HALF,
    MAX_UNITS = 256, /* on the stack */
    PITCHES = 2,
    /* Where the inputs lie: the voice's embedding; what is left of it after the surrogate's, as directions; what is
     * left of the spectrum's shape; log pitch, and what is left of it; z. */
    LEFT = EMBEDDING,
    SPECTRUM = LEFT + EMBEDDING,
    PITCH = SPECTRUM + BANDS,
    COORDINATES = PITCH + PITCHES,
    INPUTS = COORDINATES + TB_SURROGATE_Z
};

struct tb_residual {
    struct tb_weights *weights;       /* owns all below */
    size_t units;                     /* that the file has */
    const float *in, *in_bias;        /* [units][INPUTS], [units] */
    const float *out, *out_bias;      /* [STYLES][units], [STYLES] */
    const float *bands, *bands_bias;  /* [BANDS][TB_SURROGATE_Z], [BANDS] */
};

static enum tb_code load(struct tb_residual *r, struct tb_error *err)
{
    struct tb_weights *w = r->weights;
    const struct tb_safetensors *file = tb_weights_file(w);
    const struct tb_tensor *in = tb_safetensors_find(file, "residual.in");
    enum tb_code rc;

    if (!in || in->rank != 2 || in->shape[0] < 1 || in->shape[0] > MAX_UNITS)
        return tb_fail(err, TB_EINVAL, "%s: residual.in must have 1 to %d rows", tb_safetensors_path(file), MAX_UNITS);
    r->units = in->shape[0];
    if ((rc = tb_weights_get(w, "residual.in", &r->in, err, r->units, INPUTS)) ||
        (rc = tb_weights_get(w, "residual.in_bias", &r->in_bias, err, r->units)) ||
        (rc = tb_weights_get(w, "residual.out", &r->out, err, STYLES, r->units)) ||
        (rc = tb_weights_get(w, "residual.out_bias", &r->out_bias, err, STYLES)) ||
        (rc = tb_weights_get(w, "residual.bands", &r->bands, err, BANDS, TB_SURROGATE_Z)))
        return rc;
    return tb_weights_get(w, "residual.bands_bias", &r->bands_bias, err, BANDS);
}

enum tb_code tb_residual_open(const char *path, struct tb_residual **out, struct tb_error *err)
{
    struct tb_residual *r = calloc(1, sizeof *r);
    enum tb_code rc;

    *out = NULL;
    if (!r)
        return tb_fail(err, TB_ENOMEM, "adapter");
    rc = tb_weights_open(path, &r->weights, err);
    bool none = !rc && !tb_weights_has_any(r->weights, "residual."); /* some and not all: the file is damaged */
    if (!rc && !none)
        rc = load(r, err);
    if (rc || none) {
        tb_residual_close(r);
        return rc;
    }
    *out = r;
    return TB_OK;
}

void tb_residual_close(struct tb_residual *r)
{
    if (r)
        tb_weights_close(r->weights);
    free(r);
}

static void gather(const struct tb_sound *voice, const float *z, const struct tb_sound *own, float *x)
{
    double square = 1e-12, mean = 0;

    for (int i = 0; i < EMBEDDING; i++)
        square += (double)own->embedding[i] * own->embedding[i];
    for (int i = 0; i < EMBEDDING; i++) {
        x[i] = voice->embedding[i];
        x[LEFT + i] = (float)(voice->embedding[i] - own->embedding[i] / sqrt(square));
    }
    for (int b = 0; b < BANDS; b++)
        mean += ((double)voice->spectrum[b] - own->spectrum[b]) / BANDS;
    for (int b = 0; b < BANDS; b++)
        x[SPECTRUM + b] = (float)((double)voice->spectrum[b] - own->spectrum[b] - mean);
    x[PITCH] = voice->log_pitch;
    x[PITCH + 1] = voice->log_pitch - own->log_pitch;
    memcpy(x + COORDINATES, z, TB_SURROGATE_Z * sizeof *z);
}

/* bias + weight [cols] . x */
static float row(const float *weight, float bias, const float *x, size_t cols)
{
    double sum = bias;

    for (size_t i = 0; i < cols; i++)
        sum += (double)weight[i] * x[i];
    return (float)sum;
}

void tb_residual_add(const struct tb_residual *r, const struct tb_sound *voice, const float *z,
                     const struct tb_sound *own, float (*styles)[TB_KOKORO_HALF], float *spectrum)
{
    float x[INPUTS], h[MAX_UNITS];
    size_t n;

    if (!r)
        return;
    n = r->units;
    gather(voice, z, own, x);
    for (size_t u = 0; u < n; u++)
        h[u] = tanhf(row(r->in + u * INPUTS, r->in_bias[u], x, INPUTS));
    for (int i = 0; i < STYLES; i++)
        styles[i / TB_KOKORO_HALF][i % TB_KOKORO_HALF] += row(r->out + (size_t)i * n, r->out_bias[i], h, n);
    for (int b = 0; b < BANDS; b++)
        spectrum[b] += row(r->bands + b * TB_SURROGATE_Z, r->bands_bias[b], z, TB_SURROGATE_Z);
}
