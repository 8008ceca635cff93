/* surrogate.c - see surrogate.h. */
#include "engine/kokoro/surrogate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kokoro/dot.h"
#include "engine/kokoro/lbfgs.h"
#include "tensor/weights.h"

enum {
    Z = TB_SURROGATE_Z,
    ACOUSTIC = 40, /* of the Z coordinates; the others are the prosody half's */
    EMBEDDING = TB_KOKORO_EMBEDDING,
    BANDS = TB_KOKORO_EQ_BANDS,
    OUT = EMBEDDING + BANDS, /* columns of the map of all coordinates: embedding, spectrum */
    MAX_CENTRES = 4096,      /* on the stack of an evaluation: 2 x 16 KB */
    MAX_STOCK = 256,
    NEAREST = 4,             /* stock voices whose mean is the second start */
    MAX_STEPS = 100
};

static const float DRAWN_IN = 0.8f; /* the nearest stock voice as a start, nearer to the mean of all */

struct tb_surrogate {
    struct tb_weights *weights; /* owns all below */
    size_t centres, stock;      /* how many */
    const float *centre;        /* [centres][Z] */
    const float *alpha, *mean;  /* [centres][OUT], [OUT] */
    const float *prosody, *prosody_mean;       /* [centres][2], [2]: pitch, rate */
    float gamma, prosody_gamma;
    const float *style_mean, *style_basis;     /* [256], [Z][256]: acoustic, then prosody half */
    const float *stock_z, *stock_embedding;    /* [stock][Z], [stock][256] */
    const float *prior_mean, *prior_matrix;    /* [Z], [Z][Z] */
    float pitch_weight, spectrum_weight;
    const float *trial;                        /* [256], or NULL */
};

/* Rows of a tensor whose number of rows only the file knows. */
static enum tb_code row_count(const struct tb_surrogate *s, const char *name, size_t most, size_t *out,
                              struct tb_error *err)
{
    const struct tb_safetensors *file = tb_weights_file(s->weights);
    const struct tb_tensor *t = tb_safetensors_find(file, name);

    if (!t || t->rank != 2 || t->shape[0] < 1 || t->shape[0] > most)
        return tb_fail(err, TB_EINVAL, "%s: %s must have 1 to %zu rows", tb_safetensors_path(file), name, most);
    *out = t->shape[0];
    return TB_OK;
}

static enum tb_code load(struct tb_surrogate *s, struct tb_error *err)
{
    struct tb_weights *w = s->weights;
    const float *gamma, *weights;
    enum tb_code rc;

    if ((rc = row_count(s, "map.centres", MAX_CENTRES, &s->centres, err)) ||
        (rc = row_count(s, "stock.z", MAX_STOCK, &s->stock, err)) ||
        (rc = tb_weights_get(w, "map.centres", &s->centre, err, s->centres, Z)) ||
        (rc = tb_weights_get(w, "map.alpha", &s->alpha, err, s->centres, OUT)) ||
        (rc = tb_weights_get(w, "map.mean", &s->mean, err, OUT)) ||
        (rc = tb_weights_get(w, "map.prosody", &s->prosody, err, s->centres, 2)) ||
        (rc = tb_weights_get(w, "map.prosody_mean", &s->prosody_mean, err, 2)) ||
        (rc = tb_weights_get(w, "map.gamma", &gamma, err, 2)) ||
        (rc = tb_weights_get(w, "style.mean", &s->style_mean, err, 2 * TB_KOKORO_HALF)) ||
        (rc = tb_weights_get(w, "style.basis", &s->style_basis, err, Z, 2 * TB_KOKORO_HALF)) ||
        (rc = tb_weights_get(w, "stock.z", &s->stock_z, err, s->stock, Z)) ||
        (rc = tb_weights_get(w, "stock.embedding", &s->stock_embedding, err, s->stock, EMBEDDING)) ||
        (rc = tb_weights_get(w, "prior.mean", &s->prior_mean, err, Z)) ||
        (rc = tb_weights_get(w, "prior.matrix", &s->prior_matrix, err, Z, Z)) ||
        (rc = tb_weights_get(w, "weights", &weights, err, 2)))
        return rc;
    if (tb_weights_has(w, "trial") && (rc = tb_weights_get(w, "trial", &s->trial, err, EMBEDDING)))
        return rc;
    s->gamma = gamma[0];
    s->prosody_gamma = gamma[1];
    s->pitch_weight = weights[0];
    s->spectrum_weight = weights[1];
    return TB_OK;
}

enum tb_code tb_surrogate_open(const char *path, struct tb_surrogate **out, struct tb_error *err)
{
    struct tb_surrogate *s = calloc(1, sizeof *s);
    enum tb_code rc;

    *out = NULL;
    if (!s)
        return tb_fail(err, TB_ENOMEM, "adapter");
    rc = tb_weights_open(path, &s->weights, err);
    if (!rc)
        rc = load(s, err);
    if (rc) {
        tb_surrogate_close(s);
        return rc;
    }
    *out = s;
    return TB_OK;
}

void tb_surrogate_close(struct tb_surrogate *s)
{
    if (s)
        tb_weights_close(s->weights);
    free(s);
}

/* The map at a z. */
struct value {
    float y[OUT], pitch, rate;
    float k[MAX_CENTRES], kp[MAX_CENTRES]; /* the two kernels at each centre */
};

static float distance(const float *a, const float *b, int n)
{
    float sum = 0;

    for (int i = 0; i < n; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

static void evaluate(const struct tb_surrogate *s, const float *z, struct value *v)
{
    double pitch = s->prosody_mean[0], rate = s->prosody_mean[1];

    memcpy(v->y, s->mean, sizeof v->y);
    for (size_t n = 0; n < s->centres; n++) {
        const float *c = s->centre + n * Z, *alpha = s->alpha + n * OUT;
        float half = distance(c + ACOUSTIC, z + ACOUSTIC, Z - ACOUSTIC);
        float k = expf(-s->gamma * (half + distance(c, z, ACOUSTIC)));
        v->k[n] = k;
        v->kp[n] = expf(-s->prosody_gamma * half);
        for (int i = 0; i < OUT; i++)
            v->y[i] += k * alpha[i];
        pitch += (double)v->kp[n] * s->prosody[2 * n];
        rate += (double)v->kp[n] * s->prosody[2 * n + 1];
    }
    v->pitch = (float)pitch;
    v->rate = (float)rate;
}

/* What y [OUT] costs, and dy [OUT], by how much for each number of it. */
static double mismatch(const struct tb_surrogate *s, const struct tb_sound *target, const float *y, float *dy)
{
    double square = 0, product = 0, mean = 0, bands = 0;

    for (int i = 0; i < EMBEDDING; i++) {
        square += (double)y[i] * y[i];
        product += (double)y[i] * target->embedding[i];
    }
    double length = sqrt(square), cosine = product / length;
    for (int i = 0; i < EMBEDDING; i++)
        dy[i] = (float)(cosine * y[i] / square - target->embedding[i] / length);

    for (int b = 0; b < BANDS; b++)
        mean += (y[EMBEDDING + b] - target->spectrum[b]) / (double)BANDS;
    for (int b = 0; b < BANDS; b++) {
        double v = y[EMBEDDING + b] - target->spectrum[b] - mean;
        bands += v * v / BANDS;
        dy[EMBEDDING + b] = (float)(s->spectrum_weight * v / BANDS);
    }
    return 1 - cosine + 0.5 * s->spectrum_weight * bands;
}

/* Add to slope [Z] what the centres pull by: dy [OUT] and dpitch are the costs of their map's output. */
static void add_pull(const struct tb_surrogate *s, const struct value *v, const float *z, const float *dy,
                     double dpitch, double *slope)
{
    for (size_t n = 0; n < s->centres; n++) {
        const float *c = s->centre + n * Z;
        double pull = 2 * (double)s->gamma * (double)v->k[n] * (double)tb_kokoro_dot(s->alpha + n * OUT, dy, OUT);
        double half = 2 * (double)s->prosody_gamma * (double)v->kp[n] * dpitch * (double)s->prosody[2 * n];
        for (int i = 0; i < ACOUSTIC; i++)
            slope[i] += pull * (double)(c[i] - z[i]);
        for (int i = ACOUSTIC; i < Z; i++)
            slope[i] += (pull + half) * (double)(c[i] - z[i]);
    }
}

double tb_surrogate_objective(const struct tb_surrogate *s, const struct tb_sound *target, const double *z,
                              double *gradient)
{
    struct value v;
    float at[Z], dy[OUT];
    double slope[Z], prior = 0;

    for (int i = 0; i < Z; i++)
        at[i] = (float)z[i];
    evaluate(s, at, &v);
    double off = v.pitch - target->log_pitch;
    double cost = mismatch(s, target, v.y, dy) + 0.5 * s->pitch_weight * off * off;
    for (int i = 0; i < Z; i++) {
        slope[i] = 0;
        for (int j = 0; j < Z; j++)
            slope[i] += s->prior_matrix[i * Z + j] * (z[j] - s->prior_mean[j]);
        prior += 0.5 * (z[i] - s->prior_mean[i]) * slope[i];
    }
    if (gradient) {
        add_pull(s, &v, at, dy, s->pitch_weight * off, slope);
        memcpy(gradient, slope, sizeof slope);
    }
    return cost + prior;
}

void tb_surrogate_predict(const struct tb_surrogate *s, const float *z, struct tb_sound *sound)
{
    struct value v;

    evaluate(s, z, &v);
    memcpy(sound->embedding, v.y, sizeof sound->embedding);
    memcpy(sound->spectrum, v.y + EMBEDDING, sizeof sound->spectrum);
    sound->log_pitch = v.pitch;
    sound->log_rate = v.rate;
}

void tb_surrogate_style(const struct tb_surrogate *s, const float *z, float *acoustic, float *prosody)
{
    for (int i = 0; i < 2 * TB_KOKORO_HALF; i++) {
        double sum = s->style_mean[i];
        for (int k = 0; k < Z; k++)
            sum += (double)z[k] * s->style_basis[k * 2 * TB_KOKORO_HALF + i];
        *(i < TB_KOKORO_HALF ? &acoustic[i] : &prosody[i - TB_KOKORO_HALF]) = (float)sum;
    }
}

/* The stock voices nearest to the target, nearest first. */
static void nearest(const struct tb_surrogate *s, const struct tb_sound *target, size_t *out, size_t n)
{
    double likeness[MAX_STOCK];

    for (size_t v = 0; v < s->stock; v++) {
        likeness[v] = 0;
        for (int i = 0; i < EMBEDDING; i++)
            likeness[v] += (double)s->stock_embedding[v * EMBEDDING + (size_t)i] * target->embedding[i];
    }
    for (size_t k = 0; k < n; k++) {
        out[k] = 0;
        for (size_t v = 1; v < s->stock; v++)
            out[k] = likeness[v] > likeness[out[k]] ? v : out[k];
        likeness[out[k]] = -INFINITY;
    }
}

struct problem {
    const struct tb_surrogate *s;
    const struct tb_sound *target;
    int movable; /* of z's coordinates, the first ones */
};

static double objective(const void *ctx, const double *z, double *gradient)
{
    const struct problem *p = ctx;
    double value = tb_surrogate_objective(p->s, p->target, z, gradient);

    for (int i = p->movable; gradient && i < Z; i++)
        gradient[i] = 0;
    return value;
}

static enum tb_code keep(const double *found, double value, float *z, struct tb_error *err)
{
    if (!isfinite(value))
        return tb_fail(err, TB_EINTERNAL, "adapter: no style was found for this voice");
    for (int i = 0; i < Z; i++)
        z[i] = (float)found[i];
    return TB_OK;
}

enum tb_code tb_surrogate_refine(const struct tb_surrogate *s, const struct tb_sound *target, float *z,
                                 struct tb_error *err)
{
    const struct problem problem = { s, target, ACOUSTIC };
    double at[Z];

    for (int i = 0; i < Z; i++)
        at[i] = (double)z[i];
    double value = tb_lbfgs(objective, &problem, Z, at, MAX_STEPS);
    return keep(at, value, z, err);
}

enum tb_code tb_surrogate_invert(const struct tb_surrogate *s, const struct tb_sound *target, float *z,
                                 struct tb_error *err)
{
    const struct problem problem = { s, target, Z };
    size_t near[NEAREST], n = s->stock < NEAREST ? s->stock : NEAREST;
    double start[2][Z] = { { 0 } }, value[2];

    nearest(s, target, near, n);
    for (int i = 0; i < Z; i++) {
        start[0][i] = DRAWN_IN * s->stock_z[near[0] * Z + (size_t)i];
        for (size_t k = 0; k < n; k++)
            start[1][i] += s->stock_z[near[k] * Z + (size_t)i] / (double)n;
    }
    for (int a = 0; a < 2; a++)
        value[a] = tb_lbfgs(objective, &problem, Z, start[a], MAX_STEPS);

    int best = value[1] < value[0];
    return keep(start[best], value[best], z, err);
}

const float *tb_surrogate_trial(const struct tb_surrogate *s)
{
    return s->trial;
}
