/* nearby.c - see nearby.h. A Gaussian process on some thousand centres; tools/adapter/invert.py, class Nearby, computes
 * the same. */
#include "engine/kokoro/nearby.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kokoro/dot.h"
#include "engine/kokoro/lbfgs.h"
#include "tensor/weights.h"

enum {
    Q = TB_NEARBY_Q,
    ACOUSTIC = 40,                       /* of z, before the prosody half's */
    PROSODY = TB_SURROGATE_Z - ACOUSTIC,
    SPECTRA = 10,                        /* coordinates of the equalised spectrum */
    EMBEDDING = TB_KOKORO_EMBEDDING,
    BANDS = TB_KOKORO_EQ_BANDS,
    STYLES = TB_KOKORO_BLOCKS * TB_KOKORO_HALF,
    MAX_CENTRES = 8192,
    MAX_STEPS = 100
};

struct tb_nearby {
    struct tb_weights *weights;                 /* owns all below */
    size_t centres;                             /* how many */
    const float *centre, *prosody, *spectra;    /* [centres][Q], [centres][PROSODY], [centres][SPECTRA] */
    const float *embedding, *bands;             /* [centres][EMBEDDING], [centres][BANDS] */
    const float *embedding_mean, *bands_mean;   /* [EMBEDDING], [BANDS] */
    const float *axes, *axes_bias;              /* [SPECTRA][BANDS], [SPECTRA]: of a spectrum's shape */
    const float *locate, *locate_bias, *move;   /* [Q][STYLES], [Q], [Q][STYLES] */
    const float *prior_mean, *prior_matrix;     /* [Q], [Q][Q] */
    float gamma, spectrum_weight;
};

static enum tb_code load(struct tb_nearby *n, struct tb_error *err)
{
    struct tb_weights *w = n->weights;
    const struct tb_safetensors *file = tb_weights_file(w);
    const struct tb_tensor *t = tb_safetensors_find(file, "near.centres");
    const float *numbers;
    enum tb_code rc;

    if (!t || t->rank != 2 || t->shape[0] < 1 || t->shape[0] > MAX_CENTRES)
        return tb_fail(err, TB_EINVAL, "%s: near.centres must have 1 to %d rows", tb_safetensors_path(file),
                       MAX_CENTRES);
    n->centres = t->shape[0];
    if ((rc = tb_weights_get(w, "near.centres", &n->centre, err, n->centres, Q)) ||
        (rc = tb_weights_get(w, "near.prosody", &n->prosody, err, n->centres, PROSODY)) ||
        (rc = tb_weights_get(w, "near.spectra", &n->spectra, err, n->centres, SPECTRA)) ||
        (rc = tb_weights_get(w, "near.embedding", &n->embedding, err, n->centres, EMBEDDING)) ||
        (rc = tb_weights_get(w, "near.bands", &n->bands, err, n->centres, BANDS)) ||
        (rc = tb_weights_get(w, "near.embedding_mean", &n->embedding_mean, err, EMBEDDING)) ||
        (rc = tb_weights_get(w, "near.bands_mean", &n->bands_mean, err, BANDS)) ||
        (rc = tb_weights_get(w, "near.axes", &n->axes, err, SPECTRA, BANDS)) ||
        (rc = tb_weights_get(w, "near.axes_bias", &n->axes_bias, err, SPECTRA)) ||
        (rc = tb_weights_get(w, "near.locate", &n->locate, err, Q, STYLES)) ||
        (rc = tb_weights_get(w, "near.locate_bias", &n->locate_bias, err, Q)) ||
        (rc = tb_weights_get(w, "near.move", &n->move, err, Q, STYLES)) ||
        (rc = tb_weights_get(w, "near.prior_mean", &n->prior_mean, err, Q)) ||
        (rc = tb_weights_get(w, "near.prior_matrix", &n->prior_matrix, err, Q, Q)) ||
        (rc = tb_weights_get(w, "near.numbers", &numbers, err, 2)))
        return rc;
    n->gamma = numbers[0];
    n->spectrum_weight = numbers[1];
    return TB_OK;
}

enum tb_code tb_nearby_open(const char *path, struct tb_nearby **out, struct tb_error *err)
{
    struct tb_nearby *n = calloc(1, sizeof *n);
    enum tb_code rc;

    *out = NULL;
    if (!n)
        return tb_fail(err, TB_ENOMEM, "adapter");
    rc = tb_weights_open(path, &n->weights, err);
    bool none = !rc && !tb_weights_has_any(n->weights, "near."); /* some and not all: the file is damaged */
    if (!rc && !none)
        rc = load(n, err);
    if (rc || none) {
        tb_nearby_close(n);
        return rc;
    }
    *out = n;
    return TB_OK;
}

void tb_nearby_close(struct tb_nearby *n)
{
    if (n)
        tb_weights_close(n->weights);
    free(n);
}

static float distance(const float *a, const float *b, int n)
{
    float part[8] = { 0 }, sum = 0;
    int i = 0;

    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++)
            part[j] += (a[i + j] - b[i + j]) * (a[i + j] - b[i + j]);
    for (; i < n; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum + ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
}

void tb_nearby_locate(const struct tb_nearby *n, const float (*styles)[TB_KOKORO_HALF], float *q)
{
    for (int k = 0; k < Q; k++) {
        double sum = n->locate_bias[k];
        for (int i = 0; i < STYLES; i++)
            sum += (double)n->locate[k * STYLES + i] * styles[i / TB_KOKORO_HALF][i % TB_KOKORO_HALF];
        q[k] = (float)sum;
    }
}

void tb_nearby_move(const struct tb_nearby *n, const float *from, const float *to, float (*styles)[TB_KOKORO_HALF])
{
    for (int i = 0; i < STYLES; i++) {
        double sum = 0;
        for (int k = 0; k < Q; k++)
            sum += ((double)to[k] - from[k]) * n->move[k * STYLES + i];
        styles[i / TB_KOKORO_HALF][i % TB_KOKORO_HALF] += (float)sum;
    }
}

/* One voice: what of the kernel does not move, at each centre, and what was found at the place last looked at. */
struct problem {
    const struct tb_nearby *n;
    const struct tb_sound *target;
    float *still_bands;       /* [centres]: the prosody half's factor; the memory of all five begins here */
    float *still;             /* [centres]: and the spectrum's */
    float *k;                 /* [centres]: that of q */
    float *embedding, *bands; /* [EMBEDDING], [BANDS] */
};

/* z's prosody half, and the spectrum of the target. */
static void stand_still(struct problem *p, const float *z)
{
    const struct tb_nearby *n = p->n;
    float shape[BANDS], at[SPECTRA];
    double mean = 0;

    for (int b = 0; b < BANDS; b++)
        mean += (double)p->target->spectrum[b] / BANDS;
    for (int b = 0; b < BANDS; b++)
        shape[b] = (float)((double)p->target->spectrum[b] - mean);
    for (int s = 0; s < SPECTRA; s++)
        at[s] = n->axes_bias[s] + tb_kokoro_dot(n->axes + s * BANDS, shape, BANDS);
    for (size_t c = 0; c < n->centres; c++) {
        p->still_bands[c] = expf(-n->gamma * distance(n->prosody + c * PROSODY, z + ACOUSTIC, PROSODY));
        p->still[c] = p->still_bands[c] * expf(-n->gamma * distance(n->spectra + c * SPECTRA, at, SPECTRA));
    }
}

static enum tb_code open_problem(const struct tb_nearby *n, const struct tb_sound *target, const float *z,
                                 struct problem *p, struct tb_error *err)
{
    float *memory = calloc(3 * n->centres + EMBEDDING + BANDS, sizeof *memory);

    if (!memory)
        return tb_fail(err, TB_ENOMEM, "adapter");
    *p = (struct problem){ n, target, memory, memory + n->centres, memory + 2 * n->centres, memory + 3 * n->centres,
                           memory + 3 * n->centres + EMBEDDING };
    stand_still(p, z);
    return TB_OK;
}

static void close_problem(struct problem *p)
{
    free(p->still_bands);
}

static void evaluate(const struct problem *p, const float *q)
{
    const struct tb_nearby *n = p->n;

    memcpy(p->embedding, n->embedding_mean, EMBEDDING * sizeof(float));
    memcpy(p->bands, n->bands_mean, BANDS * sizeof(float));
    for (size_t c = 0; c < n->centres; c++) {
        const float *embedding = n->embedding + c * EMBEDDING, *bands = n->bands + c * BANDS;
        p->k[c] = expf(-n->gamma * distance(n->centre + c * Q, q, Q));
        float whole = p->k[c] * p->still[c], plain = p->k[c] * p->still_bands[c];
        for (int i = 0; i < EMBEDDING; i++)
            p->embedding[i] += whole * embedding[i];
        for (int i = 0; i < BANDS; i++)
            p->bands[i] += plain * bands[i];
    }
}

/* What the place costs, and by how much for each number of its embedding and bands. */
static double mismatch(const struct problem *p, float *by_embedding, float *by_bands)
{
    double square = 1e-12, product = 0, mean = 0, bands = 0;

    for (int i = 0; i < EMBEDDING; i++) {
        square += (double)p->embedding[i] * p->embedding[i];
        product += (double)p->embedding[i] * p->target->embedding[i];
    }
    double length = sqrt(square), cosine = product / length;
    for (int i = 0; i < EMBEDDING; i++)
        by_embedding[i] = (float)(cosine * p->embedding[i] / square - p->target->embedding[i] / length);
    for (int b = 0; b < BANDS; b++)
        mean += ((double)p->bands[b] - p->target->spectrum[b]) / BANDS;
    for (int b = 0; b < BANDS; b++) {
        double off = (double)p->bands[b] - p->target->spectrum[b] - mean;
        bands += off * off / BANDS;
        by_bands[b] = (float)(p->n->spectrum_weight * off / BANDS);
    }
    return 1 - cosine + 0.5 * p->n->spectrum_weight * bands;
}

static double objective(const void *ctx, const double *at, double *gradient)
{
    const struct problem *p = ctx;
    const struct tb_nearby *n = p->n;
    float q[Q], by_embedding[EMBEDDING], by_bands[BANDS];
    double cost;

    for (int i = 0; i < Q; i++)
        q[i] = (float)at[i];
    evaluate(p, q);
    cost = mismatch(p, by_embedding, by_bands);
    for (int i = 0; i < Q; i++) {
        double pull = 0;
        for (int j = 0; j < Q; j++)
            pull += n->prior_matrix[i * Q + j] * (at[j] - n->prior_mean[j]);
        cost += 0.5 * (at[i] - n->prior_mean[i]) * pull;
        gradient[i] = pull;
    }
    for (size_t c = 0; c < n->centres; c++) {
        float by = p->still[c] * tb_kokoro_dot(n->embedding + c * EMBEDDING, by_embedding, EMBEDDING) +
                   p->still_bands[c] * tb_kokoro_dot(n->bands + c * BANDS, by_bands, BANDS);
        double pull = 2 * (double)n->gamma * (double)p->k[c] * (double)by;
        for (int i = 0; i < Q; i++)
            gradient[i] += pull * (double)(n->centre[c * Q + (size_t)i] - q[i]);
    }
    return cost;
}

static void expected(const struct problem *p, struct tb_sound *own)
{
    float length = sqrtf(tb_kokoro_dot(p->embedding, p->embedding, EMBEDDING)) + 1e-9f;

    for (int i = 0; i < EMBEDDING; i++)
        own->embedding[i] = p->embedding[i] / length;
    memcpy(own->spectrum, p->bands, sizeof own->spectrum);
}

double tb_nearby_objective(const struct tb_nearby *n, const struct tb_sound *target, const float *z, const double *q,
                           double *gradient, struct tb_sound *own)
{
    double slope[Q], value;
    struct problem p;

    if (open_problem(n, target, z, &p, NULL))
        return (double)NAN;
    value = objective(&p, q, gradient ? gradient : slope);
    if (own)
        expected(&p, own);
    close_problem(&p);
    return value;
}

enum tb_code tb_nearby_find(const struct tb_nearby *n, const struct tb_sound *target, const float *z, float *q,
                            struct tb_sound *own, struct tb_error *err)
{
    struct problem p;
    double at[Q];
    enum tb_code rc = open_problem(n, target, z, &p, err);

    if (rc)
        return rc;
    for (int i = 0; i < Q; i++)
        at[i] = (double)q[i];
    double value = tb_lbfgs(objective, &p, Q, at, MAX_STEPS);
    for (int i = 0; i < Q; i++)
        q[i] = (float)at[i];
    evaluate(&p, q);
    expected(&p, own);
    close_problem(&p);
    return isfinite(value) ? TB_OK : tb_fail(err, TB_EINTERNAL, "adapter: no style was found for this voice");
}
