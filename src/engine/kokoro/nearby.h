/* nearby.h - the second map: what styles near those of real people sound like, behind the equaliser.
 *
 * The surrogate (surrogate.h) was fitted on styles drawn around the stock voices, the same in all decoder blocks and
 * without an equaliser. This one was fitted on styles around those that enrolment found for people (tools/adapter/
 * near_sample.py, near_fit.py). It knows 67 coordinates that may move: the 40 of the acoustic half, which are the same
 * in all blocks, and 27 directions in which the 13 blocks differ; and two things that stay as they are in one voice:
 * the 30 coordinates of the prosody half, and the spectrum that the equaliser brings the voice to. */
#ifndef TB_ENGINE_KOKORO_NEARBY_H
#define TB_ENGINE_KOKORO_NEARBY_H

#include "engine/kokoro/surrogate.h"

enum { TB_NEARBY_Q = 67 /* 40 of all blocks together, 27 of single ones */ };

struct tb_nearby;

/* Reads the tensors near.* of adapter.safetensors. An adapter may have none of them: *out is then NULL and the result
 * TB_OK. Release with tb_nearby_close. Errors name the file and the tensor. */
enum tb_code tb_nearby_open(const char *path, struct tb_nearby **out, struct tb_error *err);
void tb_nearby_close(struct tb_nearby *n); /* NULL is fine */

/* q [TB_NEARBY_Q]: the coordinates of styles [TB_KOKORO_BLOCKS][TB_KOKORO_HALF]. What of them has none is left out. */
void tb_nearby_locate(const struct tb_nearby *n, const float (*styles)[TB_KOKORO_HALF], float *q);
/* Adds to styles what lies between the coordinates from and to. */
void tb_nearby_move(const struct tb_nearby *n, const float *from, const float *to, float (*styles)[TB_KOKORO_HALF]);

/* Moves q to where it should sound like target, equalised to target's spectrum, with the prosody half of z
 * [TB_SURROGATE_Z]. *own: what is expected there: embedding behind the equaliser, of length 1, spectrum before it;
 * its pitch and rate stay as they were. Deterministic; some tens of milliseconds. */
enum tb_code tb_nearby_find(const struct tb_nearby *n, const struct tb_sound *target, const float *z, float *q,
                            struct tb_sound *own, struct tb_error *err);
/* What finding makes small, at q; gradient [TB_NEARBY_Q] and own, what is expected there, may be NULL. NaN when there
 * is no memory. For tests. */
double tb_nearby_objective(const struct tb_nearby *n, const struct tb_sound *target, const float *z, const double *q,
                           double *gradient, struct tb_sound *own);

#endif
