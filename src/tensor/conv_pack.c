/* conv_pack.c - the weights of convolutions in the order in which conv.c reads them (ops.h). */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/conv_priv.h"
#include "tensor/pages.h"

enum {
    WANTED_SUM = 1 << 18, /* of the magnitudes of CHUNK floats that are rounded */
    CHUNK = 1024          /* of them, at most, have their products summed as whole numbers */
};

/* Where the product's weight for (row, depth index d, tap) comes from; -1 for a tap that only rounds up. */
static long source_of(const struct tb_conv *c, int row, int d, int tap)
{
    const struct tb_conv_spec *s = &c->spec;
    int o = row, i = d, k = tap;

    if (s->transposed) { /* column m of phase p is x[m - q] w[p + q * stride], taps stored with the oldest first */
        o = row / s->stride;
        k = row % s->stride + (c->taps - 1 - tap) * s->stride;
        return k < s->taps ? ((long)i * s->out + o) * s->taps + k : -1;
    }
    if (s->stride > 1) {
        i = d / s->stride;
        k = tap * s->stride + d % s->stride;
    }
    return k < s->taps ? ((long)o * s->in + i) * s->taps + k : -1;
}

static void pack_weights(struct tb_conv *c, const float *w)
{
    int panels = (c->rows + TB_PANEL - 1) / TB_PANEL;
    float *out = c->w;

    for (int p = 0; p < panels; p++)
        for (int d = 0; d < c->depth; d++)
            for (int tap = 0; tap < c->taps; tap++)
                for (int i = 0; i < TB_PANEL; i++) {
                    int row = p * TB_PANEL + i;
                    long from = row < c->rows ? source_of(c, row, d, tap) : -1;

                    *out++ = from < 0 ? 0.0f : w[from];
                }
}

/* The nearest whole number, halves to even, of |v| < 2^51: without a call. */
static double nearest(double v)
{
    const double magic = 6755399441055744.0; /* 1.5 * 2^52 leaves a double's lowest bits no fractions */

    return v + magic - magic;
}

/* What the floats of a product row are rounded to multiples of. What their magnitudes' sum has of 31 bits the input has
 * not: with n weights both are about equally exact where that sum grows with the root of n, for an input whose peaks
 * are some 16 times its mean. */
static double unit_for(const struct tb_conv *c, const float *w, int row)
{
    double sum = 1e-30, most = 0.0;
    double chunks = (double)tb_conv_packed_depth(c) / c->chunk, n = c->depth / chunks * c->taps;

    for (int d = 0; d < c->depth; d++)
        for (int tap = 0; tap < c->taps; tap++) {
            long from = source_of(c, row, d, tap);

            double v = from < 0 ? 0.0 : fabs((double)w[from]);

            sum += v;
            most = v > most ? v : most;
        }
    return fmax(sum / chunks / (WANTED_SUM * sqrt(n / CHUNK)), most / 32766.0);
}

/* The same as whole numbers of c->unit, two channels side by side. *sum: the largest sum of a row's magnitudes in a
 * chunk. False: some are of more than 16 bits. */
static bool pack_whole(struct tb_conv *c, const float *w, double *sum)
{
    bool fits = true;

    *sum = 0;
    for (int row = 0; row < c->rows; row++) {
        int16_t *panel = c->w16 + (size_t)(row / TB_PANEL) * (size_t)(tb_conv_packed_depth(c) * c->taps * TB_PANEL * 2);
        double here = 0;

        for (int d = 0; d < c->depth; d++) {
            here = d % (2 * c->chunk) ? here : 0;
            for (int tap = 0; tap < c->taps; tap++) {
                long from = source_of(c, row, d, tap);
                double v = from < 0 ? 0.0 : nearest((double)w[from] / (double)c->unit[row]);

                fits = fits && fabs(v) <= 32767;
                panel[((d / 2 * c->taps + tap) * TB_PANEL + row % TB_PANEL) * 2 + d % 2] = (int16_t)(fits ? v : 0);
                here += fabs(v);
            }
            *sum = here > *sum ? here : *sum;
        }
    }
    return fits;
}

/* *c with the defaults of the spec filled in, its shape and room for biases and units. */
static enum tb_code shape(const struct tb_conv_spec *spec, bool whole, const float *bias, struct tb_conv *c,
                          struct tb_error *err)
{
    struct tb_conv_spec *s = &c->spec;

    *c = (struct tb_conv){ .spec = *spec, .whole = whole };
    s->dilation = s->dilation ? s->dilation : 1;
    s->stride = s->stride ? s->stride : 1;
    assert(s->out > 0 && s->in > 0 && s->taps > 0 && (s->dilation == 1 || (s->stride == 1 && !s->transposed)));
    c->rows = s->transposed ? s->out * s->stride : s->out;
    c->depth = s->transposed ? s->in : s->in * s->stride;
    c->taps = (s->stride > 1 || s->transposed) ? (s->taps + s->stride - 1) / s->stride : s->taps;
    if (tb_conv_packed_floats(c, 1) > TB_PACK_FLOATS)
        return tb_fail(err, TB_EUNSUPPORTED, "convolution of %d channels, %d taps, dilation %d: too wide", s->in,
                       s->taps, s->dilation);
    if (whole && (tb_conv_halo_of(c) > TB_WHOLE_HALO || (s->stride > 1 && !s->transposed)))
        return tb_fail(err, TB_EUNSUPPORTED, "convolution of whole numbers, stride %d, %d taps, dilation %d", s->stride,
                       s->taps, s->dilation);
    c->chunk = tb_conv_packed_depth(c);
    c->bias = calloc((size_t)tb_conv_round_up(c->rows, TB_PANEL), sizeof *c->bias);
    c->unit = calloc((size_t)tb_conv_round_up(c->rows, TB_PANEL), sizeof *c->unit);
    if (!c->bias || !c->unit) {
        tb_conv_free(c);
        return tb_fail(err, TB_ENOMEM, "convolution biases: %d floats", 2 * c->rows);
    }
    for (int r = 0; bias && r < c->rows; r++)
        c->bias[r] = bias[s->transposed ? r / s->stride : r];
    return TB_OK;
}

enum tb_code tb_conv_pack(const struct tb_conv_spec *spec, const float *w, const float *bias, struct tb_conv *out,
                          struct tb_error *err)
{
    struct tb_conv c;
    enum tb_code rc = shape(spec, false, bias, &c, err);

    *out = (struct tb_conv){ 0 };
    if (rc)
        return rc;

    size_t size = (size_t)tb_conv_round_up(c.rows, TB_PANEL) * (size_t)c.depth * (size_t)c.taps * sizeof *c.w;
    c.w = tb_pages_alloc(size);
    if (!c.w) {
        tb_conv_free(&c);
        return tb_fail(err, TB_ENOMEM, "convolution weights: %zu bytes", size);
    }
    pack_weights(&c, w);
    *out = c;
    return TB_OK;
}

/* What the input may be, that a sum of products with weights of this sum stays below 2^31; 1 is for rounding. */
static float limit_of(double sum)
{
    double limit = sum > 65536.0 ? 2147483647.0 / sum : 32767.0;

    return (float)(limit - 1.0);
}

enum tb_code tb_conv_pack_whole(const struct tb_conv_spec *spec, const float *w, float unit, const float *bias,
                                struct tb_conv *out, struct tb_error *err)
{
    struct tb_conv c;
    double sum;
    enum tb_code rc = shape(spec, true, bias, &c, err);

    *out = (struct tb_conv){ 0 };
    if (rc)
        return rc;

    size_t row = 2 * (size_t)tb_conv_packed_depth(&c) * (size_t)c.taps;
    size_t size = (size_t)tb_conv_round_up(c.rows, TB_PANEL) * row * sizeof *c.w16;
    c.w16 = tb_pages_alloc(size);
    if (!c.w16) {
        tb_conv_free(&c);
        return tb_fail(err, TB_ENOMEM, "convolution weights: %zu bytes", size);
    }
    memset(c.w16, 0, size);
    if (!(unit > 0.0f) && c.depth * c.taps > CHUNK) {
        int chunks = (c.depth * c.taps + CHUNK - 1) / CHUNK;

        c.chunk = (tb_conv_packed_depth(&c) + chunks - 1) / chunks;
    }
    for (int r = 0; r < c.rows; r++)
        c.unit[r] = unit > 0.0f ? unit : (float)unit_for(&c, w, r);
    if (!pack_whole(&c, w, &sum)) {
        tb_conv_free(&c);
        return tb_fail(err, TB_EUNSUPPORTED, "convolution weights of more than 16 bits");
    }
    c.limit = limit_of(sum);
    *out = c;
    return TB_OK;
}

/* Do all bytes stand for whole numbers? *sum: the largest sum of a row's magnitudes. */
static bool whole_bytes(const struct tb_q8 *q8, double *sum)
{
    *sum = 0;
    for (size_t r = 0; r < q8->rows; r++) {
        int zero = (int)q8->zero[r], here = 0;

        if (q8->zero[r] != (float)zero || zero < 0 || zero > 255)
            return false;
        for (size_t i = 0; i < q8->len; i++)
            here += abs((q8->q[r * q8->len + i] ^ q8->flip) - zero);
        *sum = here > *sum ? here : *sum;
    }
    return true;
}

enum tb_code tb_conv_map(const struct tb_conv_spec *spec, struct tb_q8 *q8, const float *bias, struct tb_conv *out,
                         struct tb_error *err)
{
    struct tb_conv c;
    double sum;
    enum tb_code rc;

    *out = (struct tb_conv){ 0 };
    assert(q8->rows == (size_t)spec->out && q8->len == (size_t)spec->in * (size_t)spec->taps);
    if (spec->transposed || spec->stride > 1 || q8->len > TB_Q8_LEN || spec->taps > TB_Q8_TAPS ||
        !whole_bytes(q8, &sum))
        return tb_fail(err, TB_EUNSUPPORTED, "convolution of this kind from 8 bits");
    if ((rc = shape(spec, true, bias, &c, err)))
        return rc;
    for (int r = 0; r < c.rows; r++)
        c.unit[r] = q8->scale[r];
    c.limit = limit_of(sum);
    c.q8 = *q8;
    *q8 = (struct tb_q8){ 0 };
    *out = c;
    return TB_OK;
}

enum tb_code tb_conv_widen(struct tb_conv *conv, struct tb_error *err)
{
    const struct tb_q8 *q = &conv->q8;
    size_t panel = (size_t)(tb_conv_packed_depth(conv) * conv->taps * TB_PANEL * 2);
    size_t panels = (q->rows + TB_PANEL - 1) / TB_PANEL;
    size_t size = (panel * panels + TB_WIDE_SLACK) * sizeof *conv->w16;

    assert(q->q && !conv->w16);
    conv->w16 = tb_pages_alloc(size);
    if (!conv->w16)
        return tb_fail(err, TB_ENOMEM, "convolution weights: %zu bytes", size);
    for (size_t p = 0; p < panels; p++)
        tb_conv_widen_panel(conv, (int)p, conv->w16 + p * panel);
    tb_q8_free(&conv->q8);
    return TB_OK;
}

void tb_conv_free(struct tb_conv *conv)
{
    free(conv->w);
    free(conv->w16);
    free(conv->bias);
    free(conv->unit);
    tb_q8_free(&conv->q8);
    *conv = (struct tb_conv){ 0 };
}
