/* weights.c - see weights.h. */
#include "tensor/weights.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tensor/bf16.h"

struct array { /* one widened tensor, in a list */
    struct array *next;
    _Alignas(16) float values[];
};

struct tb_weights {
    struct tb_safetensors *file;
    struct array *made;
};

enum tb_code tb_weights_open(const char *path, struct tb_weights **out, struct tb_error *err)
{
    struct tb_weights *w = calloc(1, sizeof *w);

    *out = NULL;
    if (!w)
        return tb_fail(err, TB_ENOMEM, "weights");
    enum tb_code rc = tb_safetensors_open(path, &w->file, err);
    if (rc) {
        free(w);
        return rc;
    }
    *out = w;
    return TB_OK;
}

void tb_weights_release(struct tb_weights *w)
{
    tb_safetensors_forget(w->file);
    while (w->made) {
        struct array *next = w->made->next;

        free(w->made);
        w->made = next;
    }
}

void tb_weights_close(struct tb_weights *w)
{
    if (!w)
        return;
    tb_weights_release(w);
    tb_safetensors_close(w->file);
    free(w);
}

const struct tb_safetensors *tb_weights_file(const struct tb_weights *w)
{
    return w->file;
}

bool tb_weights_has(const struct tb_weights *w, const char *name)
{
    return tb_safetensors_find(w->file, name) != NULL;
}

bool tb_weights_has_any(const struct tb_weights *w, const char *beginning)
{
    for (size_t i = 0; i < tb_safetensors_count(w->file); i++)
        if (!strncmp(tb_safetensors_at(w->file, i)->name, beginning, strlen(beginning)))
            return true;
    return false;
}

static float from_bits(uint32_t bits)
{
    float v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

static float half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;

    if (exponent == 0) /* zero and subnormal: fraction * 2^-24 */
        return from_bits(sign) + (sign ? -1.0f : 1.0f) * (float)fraction * 0x1p-24f;
    if (exponent == 31)
        return from_bits(sign | 0x7f800000u | fraction << 13);
    return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

static float element(const struct tb_tensor *t, size_t i)
{
    switch (t->dtype) {
    case TB_F32: return ((const float *)t->data)[i];
    case TB_F16: return half_to_float(((const uint16_t *)t->data)[i]);
    case TB_BF16: return tb_from_bf16(((const uint16_t *)t->data)[i]);
    case TB_I64: return (float)((const int64_t *)t->data)[i];
    case TB_I32: return (float)((const int32_t *)t->data)[i];
    case TB_I8: return (float)((const int8_t *)t->data)[i];
    case TB_U8: return (float)((const uint8_t *)t->data)[i];
    case TB_DTYPE_COUNT: break;
    }
    return 0.0f;
}

/* How far element indices of a companion (scale or zero) move for a step in each dimension of the tensor; 0 where it
 * is broadcast. */
struct steps {
    const struct tb_tensor *of;
    size_t step[TB_MAX_RANK];
};

/* n elements from the first on that share scale and zero. */
static void widen_run(const struct tb_tensor *t, size_t first, size_t n, float scale, float zero, float *out)
{
    const int8_t *i8 = (const int8_t *)t->data + first;
    const uint8_t *u8 = (const uint8_t *)t->data + first;

    out += first;
    if (t->dtype == TB_I8)
        for (size_t k = 0; k < n; k++)
            out[k] = ((float)i8[k] - zero) * scale;
    else
        for (size_t k = 0; k < n; k++)
            out[k] = ((float)u8[k] - zero) * scale;
}

/* Find NAME.suffix and check that its shape fits. TB_ENOTFOUND leaves s->of NULL. */
static enum tb_code companion(const struct tb_weights *w, const struct tb_tensor *t, const char *suffix,
                              struct steps *s, struct tb_error *err)
{
    const char *path = tb_safetensors_path(w->file);
    char name[512];
    size_t step = 1;

    *s = (struct steps){ 0 };
    if (snprintf(name, sizeof name, "%s.%s", t->name, suffix) >= (int)sizeof name)
        return tb_fail(err, TB_EINVAL, "%s: tensor name too long: %.80s...", path, t->name);
    const struct tb_tensor *c = tb_safetensors_find(w->file, name);
    if (!c)
        return tb_fail(err, TB_ENOTFOUND, "%s: tensor %s is quantised, and there is no %s", path, t->name, name);
    if (c->dtype != TB_F32 && (c->dtype != t->dtype || !strcmp(suffix, "scale")))
        return tb_fail(err, TB_EINVAL, "%s: tensor %s is %s", path, name, tb_dtype_name(c->dtype));
    if (c->len != 1 || c->rank > 1) {
        if (c->rank != t->rank)
            return tb_fail(err, TB_EINVAL, "%s: tensor %s has rank %d, %s has %d", path, name, c->rank, t->name,
                           t->rank);
        for (int d = t->rank - 1; d >= 0; d--) {
            if (c->shape[d] != 1 && c->shape[d] != t->shape[d])
                return tb_fail(err, TB_EINVAL, "%s: tensor %s has %zu in dimension %d, wanted 1 or %zu", path, name,
                               c->shape[d], d, t->shape[d]);
            s->step[d] = c->shape[d] == 1 ? 0 : step;
            step *= c->shape[d];
        }
    }
    s->of = c;
    return TB_OK;
}

static void dequantise(const struct tb_tensor *t, const struct steps *scale, const struct steps *zero, float *out)
{
    size_t at[TB_MAX_RANK] = { 0 }, s = 0, z = 0, run = 1;
    int outer = t->rank; /* dimensions before those that share one scale and zero */

    while (outer > 0 && !scale->step[outer - 1] && !zero->step[outer - 1])
        run *= t->shape[--outer];
    for (size_t i = 0; i < t->len; i += run) {
        widen_run(t, i, run, element(scale->of, s), zero->of ? element(zero->of, z) : 0.0f, out);
        for (int d = outer - 1; d >= 0; d--) { /* next run, last dimension fastest */
            s += scale->step[d];
            z += zero->step[d];
            if (++at[d] < t->shape[d])
                break;
            s -= scale->step[d] * at[d];
            z -= zero->step[d] * at[d];
            at[d] = 0;
        }
    }
}

/* Widen t into out. */
static enum tb_code widen(const struct tb_weights *w, const struct tb_tensor *t, float *out, struct tb_error *err)
{
    if (t->dtype == TB_F16 || t->dtype == TB_BF16) {
        for (size_t i = 0; i < t->len; i++)
            out[i] = element(t, i);
        return TB_OK;
    }

    struct steps scale, zero;
    enum tb_code rc = companion(w, t, "scale", &scale, err);
    if (rc)
        return rc;
    rc = companion(w, t, "zero", &zero, err);
    if (rc && rc != TB_ENOTFOUND)
        return rc;
    dequantise(t, &scale, &zero, out);
    return TB_OK;
}

enum tb_code tb_weights_floats(struct tb_weights *w, const char *name, int rank, const size_t *shape,
                               const float **out, struct tb_error *err)
{
    const struct tb_tensor *t = tb_safetensors_find(w->file, name);
    size_t size;

    *out = NULL;
    /* Any dtype may hold it, so the shape is checked against the tensor's own dtype. */
    enum tb_code rc = tb_safetensors_want(w->file, name, t ? t->dtype : TB_F32, rank, shape, &t, err);
    if (rc)
        return rc;
    if (t->dtype == TB_F32) {
        *out = t->data;
        return TB_OK;
    }
    if (t->dtype == TB_I64 || t->dtype == TB_I32)
        return tb_fail(err, TB_EINVAL, "%s: tensor %s is %s, wanted a float or quantised one",
                       tb_safetensors_path(w->file), name, tb_dtype_name(t->dtype));

    struct array *a = NULL;
    if (!tb_mul_overflow(t->len, sizeof *a->values, &size) && !tb_add_overflow(size, sizeof *a, &size))
        a = malloc(size);
    if (!a)
        return tb_fail(err, TB_ENOMEM, "tensor %s: %zu floats", name, t->len);
    rc = widen(w, t, a->values, err);
    if (rc) {
        free(a);
        return rc;
    }
    a->next = w->made;
    w->made = a;
    *out = a->values;
    return TB_OK;
}

/* Is what `s` describes one number for all, or one for each row of the first dimension? */
static bool by_row(const struct tb_tensor *t, const struct steps *s)
{
    for (int d = 1; d < t->rank; d++)
        if (s->step[d])
            return false;
    return t->rank > 0;
}

void tb_q8_free(struct tb_q8 *q8)
{
    free(q8->scale);
    free(q8->zero);
    *q8 = (struct tb_q8){ 0 };
}

enum tb_code tb_weights_q8(struct tb_weights *w, const char *name, int rank, const size_t *shape, struct tb_q8 *out,
                           struct tb_error *err)
{
    const struct tb_tensor *t = tb_safetensors_find(w->file, name);
    struct steps scale, zero;
    enum tb_code rc = tb_safetensors_want(w->file, name, t ? t->dtype : TB_U8, rank, shape, &t, err);

    *out = (struct tb_q8){ 0 };
    if (rc)
        return rc;
    if (t->dtype != TB_I8 && t->dtype != TB_U8)
        return tb_fail(err, TB_EUNSUPPORTED, "tensor %s is %s", name, tb_dtype_name(t->dtype));
    if ((rc = companion(w, t, "scale", &scale, err)) ||
        ((rc = companion(w, t, "zero", &zero, err)) && rc != TB_ENOTFOUND))
        return rc;
    if (!by_row(t, &scale) || !by_row(t, &zero))
        return tb_fail(err, TB_EUNSUPPORTED, "tensor %s has other scales than one for each row", name);

    struct tb_q8 q = { .q = t->data, .flip = t->dtype == TB_I8 ? 0x80 : 0, .rows = t->shape[0],
                       .len = t->len / (t->shape[0] ? t->shape[0] : 1) };
    q.scale = calloc(q.rows + 3, sizeof *q.scale);
    q.zero = calloc(q.rows + 3, sizeof *q.zero);
    if (!q.scale || !q.zero) {
        tb_q8_free(&q);
        return tb_fail(err, TB_ENOMEM, "tensor %s: %zu scales", name, q.rows);
    }
    for (size_t r = 0; r < q.rows; r++) {
        q.scale[r] = element(scale.of, r * scale.step[0]);
        q.zero[r] = (zero.of ? element(zero.of, r * zero.step[0]) : 0.0f) + (float)q.flip;
    }
    *out = q;
    return TB_OK;
}
