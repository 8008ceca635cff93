/* resample.h - mono samples from one rate to another (soxr, high quality: flat to 0.91 of the lower Nyquist, aliases
 * below -100 dB, linear phase). Two forms: a whole recording at once, and a stream. */
#ifndef TB_AUDIO_RESAMPLE_H
#define TB_AUDIO_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "audio/pcm.h"
#include "base/error.h"

/* *in at `rate` Hz. Time stays aligned and the length is in->len * rate / in->rate, rounded. Equal rates copy.
 * On TB_OK the caller owns *out (tb_pcm_free); on failure it is empty. `out` is not `in`.
 * Errors: TB_EINVAL (a rate of 0, or over 768000), TB_ETOOBIG (length overflows), TB_ENOMEM. */
enum tb_code tb_resample(const struct tb_pcm *in, uint32_t rate, struct tb_pcm *out, struct tb_error *err);

/* A stream: open, push pieces of any length, then finish for the samples still inside. The pieces put together are
 * what tb_resample() gives for the whole, to the last few bits: how the input was cut changes nothing else. */
struct tb_resampler;

enum tb_code tb_resampler_open(uint32_t in_rate, uint32_t out_rate, struct tb_resampler **out, struct tb_error *err);
/* *samples points into the resampler's own buffer and is valid until the next call; *count may be 0. */
enum tb_code tb_resampler_push(struct tb_resampler *r, const float *in, size_t len, const float **samples,
                               size_t *count, struct tb_error *err);
/* Nothing may be pushed afterwards. */
enum tb_code tb_resampler_finish(struct tb_resampler *r, const float **samples, size_t *count, struct tb_error *err);
void tb_resampler_close(struct tb_resampler *r); /* NULL is fine */

#endif
