/* surrogate.h - the map from a style to what it sounds like, and its inversion.
 *
 * The map (tools/adapter/fit.py) is kernel ridge regression from z, 70 coordinates of a style along the principal axes
 * of the stock voices, to the GE2E embedding, the long-term spectrum, the pitch and the rate that synthesis with that
 * style has. Inversion finds the z whose embedding points the way of a recording's, whose pitch is near and whose
 * spectrum has its shape, and which is not far from where the map was fitted; L-BFGS from two starts. */
#ifndef TB_ENGINE_KOKORO_SURROGATE_H
#define TB_ENGINE_KOKORO_SURROGATE_H

#include "base/error.h"
#include "engine/kokoro/print.h"

enum { TB_SURROGATE_Z = 70 /* 40 acoustic, 30 prosody */ };

/* What a style sounds like, or should. */
struct tb_sound {
    float embedding[TB_KOKORO_EMBEDDING]; /* of length 1 in a target; a prediction's says nothing by its length */
    float spectrum[TB_KOKORO_EQ_BANDS];   /* as tb_mel_spectrum */
    float log_pitch;                      /* natural log of the median F0 in Hz */
    float log_rate;                       /* natural log of syllables a second; unused in a target */
};

struct tb_surrogate;

/* Reads adapter.safetensors. Release with tb_surrogate_close. Errors name the file and the tensor. */
enum tb_code tb_surrogate_open(const char *path, struct tb_surrogate **out, struct tb_error *err);
void tb_surrogate_close(struct tb_surrogate *s); /* NULL is fine */

/* z [TB_SURROGATE_Z]. */
void tb_surrogate_predict(const struct tb_surrogate *s, const float *z, struct tb_sound *sound);
/* The acoustic [TB_KOKORO_HALF] and the prosody [TB_KOKORO_HALF] half of z's style. */
void tb_surrogate_style(const struct tb_surrogate *s, const float *z, float *acoustic, float *prosody);
/* What inversion makes small, at z; gradient [TB_SURROGATE_Z] may be NULL. For tests. */
double tb_surrogate_objective(const struct tb_surrogate *s, const struct tb_sound *target, const double *z,
                              double *gradient);
/* z [TB_SURROGATE_Z] for target. Deterministic; some tens of milliseconds. */
enum tb_code tb_surrogate_invert(const struct tb_surrogate *s, const struct tb_sound *target, float *z,
                                 struct tb_error *err);
/* From z, which inversion has found, to that of another target, near it; its prosody half stays. */
enum tb_code tb_surrogate_refine(const struct tb_surrogate *s, const struct tb_sound *target, float *z,
                                 struct tb_error *err);
/* [TB_KOKORO_EMBEDDING] by which the embedding of the trial's sentence differs from that of much speech in the same
 * voice, both of length 1 (calibrate.h); NULL when the file has none. */
const float *tb_surrogate_trial(const struct tb_surrogate *s);

#endif
