/* resample.c - see resample.h. soxr does the work; here are lengths, buffers and errors.
 *
 * soxr may hand out a sample or so fewer or more than the exact length; the one-shot form cuts or zero-fills to the
 * rounded length, so that callers can count on it. It is made of the stream because soxr_oneshot() of 0.1.3 loses
 * up to a seventh of the output when the length is no multiple of the ratio (12007 samples from 24000 to 8000 Hz). */
#include "audio/resample.h"

#include <stdlib.h>
#include <string.h>

#include <soxr.h>

#include "base/str.h"

enum { MAX_RATE = 768000 };

struct tb_resampler {
    soxr_t soxr;
    double ratio; /* out_rate / in_rate */
    float *buf;
    size_t room; /* samples of buf */
};

static enum tb_code check_rates(uint32_t a, uint32_t b, struct tb_error *err)
{
    if (a == 0 || a > MAX_RATE || b == 0 || b > MAX_RATE)
        return tb_fail(err, TB_EINVAL, "cannot resample from %u Hz to %u Hz", (unsigned)a, (unsigned)b);
    return TB_OK;
}

enum tb_code tb_resampler_open(uint32_t in_rate, uint32_t out_rate, struct tb_resampler **out, struct tb_error *err)
{
    soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    soxr_error_t failed = NULL;
    struct tb_resampler *r;
    enum tb_code rc;

    *out = NULL;
    rc = check_rates(in_rate, out_rate, err);
    if (rc)
        return rc;
    r = calloc(1, sizeof *r);
    if (!r)
        return tb_fail(err, TB_ENOMEM, "resampler");
    r->ratio = (double)out_rate / in_rate;
    r->soxr = soxr_create(in_rate, out_rate, 1, &failed, NULL, &quality, NULL);
    if (!r->soxr || failed) {
        tb_resampler_close(r);
        return tb_fail(err, TB_ENOMEM, "resampler from %u Hz to %u Hz: %s", (unsigned)in_rate, (unsigned)out_rate,
                       soxr_strerror(failed));
    }
    *out = r;
    return TB_OK;
}

/* Room for at least `want` samples; what is in the buffer stays. */
static enum tb_code grow(struct tb_resampler *r, size_t want, struct tb_error *err)
{
    float *bigger;

    if (want <= r->room)
        return TB_OK;
    bigger = realloc(r->buf, want * sizeof *bigger);
    if (!bigger)
        return tb_fail(err, TB_ENOMEM, "%zu resampled samples", want);
    r->buf = bigger;
    r->room = want;
    return TB_OK;
}

/* in == NULL tells soxr that the input has ended. */
static enum tb_code process(struct tb_resampler *r, const float *in, size_t len, const float **samples, size_t *count,
                            struct tb_error *err)
{
    size_t at = 0, used = 0, made = 0;
    soxr_error_t failed;
    enum tb_code rc;

    *samples = NULL;
    *count = 0;
    do {
        rc = grow(r, at + (size_t)((double)len * r->ratio) + 1024, err);
        if (rc)
            return rc;
        failed = soxr_process(r->soxr, in, len, &used, r->buf + at, r->room - at, &made);
        if (failed)
            return tb_fail(err, TB_EINTERNAL, "resampling: %s", soxr_strerror(failed));
        at += made;
        if (in) {
            in += used;
            len -= used;
        }
    } while (len > 0 || (!in && made > 0) || at == r->room);
    *samples = r->buf;
    *count = at;
    return TB_OK;
}

static size_t copy_at_most(struct tb_pcm *out, size_t at, const float *samples, size_t count)
{
    size_t n = out->len - at < count ? out->len - at : count;

    if (n)
        memcpy(out->data + at, samples, n * sizeof *samples);
    return at + n;
}

enum tb_code tb_resampler_push(struct tb_resampler *r, const float *in, size_t len, const float **samples,
                               size_t *count, struct tb_error *err)
{
    static const float nothing = 0;

    /* soxr reads a NULL input as the end. */
    return process(r, in ? in : &nothing, in ? len : 0, samples, count, err);
}

enum tb_code tb_resampler_finish(struct tb_resampler *r, const float **samples, size_t *count, struct tb_error *err)
{
    return process(r, NULL, 0, samples, count, err);
}

void tb_resampler_close(struct tb_resampler *r)
{
    if (!r)
        return;
    soxr_delete(r->soxr);
    free(r->buf);
    free(r);
}

enum tb_code tb_resample(const struct tb_pcm *in, uint32_t rate, struct tb_pcm *out, struct tb_error *err)
{
    struct tb_resampler *r = NULL;
    size_t scaled = 0, at = 0, count = 0;
    const float *samples = NULL;
    enum tb_code rc;

    *out = (struct tb_pcm){ 0 };
    rc = check_rates(in->rate, rate, err);
    if (rc)
        return rc;
    if (tb_mul_overflow(in->len, rate, &scaled) || tb_add_overflow(scaled, in->rate / 2, &scaled))
        return tb_fail(err, TB_ETOOBIG, "%zu samples are too many to resample", in->len);
    rc = tb_pcm_alloc(out, scaled / in->rate, rate, err);
    if (rc || out->len == 0)
        return rc;
    if (in->rate == rate) {
        memcpy(out->data, in->data, out->len * sizeof *out->data);
        return TB_OK;
    }
    rc = tb_resampler_open(in->rate, rate, &r, err);
    if (!rc)
        rc = tb_resampler_push(r, in->data, in->len, &samples, &count, err);
    if (!rc) {
        at = copy_at_most(out, 0, samples, count);
        rc = tb_resampler_finish(r, &samples, &count, err);
    }
    if (!rc)
        copy_at_most(out, at, samples, count);
    tb_resampler_close(r);
    if (rc)
        tb_pcm_free(out);
    return rc;
}
