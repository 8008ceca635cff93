/* weights.h - the tensors of a model as floats, however the file stores them.
 *
 * How NAME may be stored:
 *   F32        as it is: the result points into the map
 *   F16, BF16  widened
 *   I8, U8     quantised: value = (q - zero) * scale, with
 *              NAME.scale  F32
 *              NAME.zero   the dtype of NAME, or F32; may be missing, which is zero
 *              Both have the rank of NAME and, in each dimension, either NAME's size or 1 (broadcast): [1,1,1] is one
 *              scale for the tensor and [out,1,1] one for each output channel. A shape of [1] is also taken for one
 *              scale, whatever the rank.
 * NAME.scale and NAME.zero of different shapes are fine. */
#ifndef TB_TENSOR_WEIGHTS_H
#define TB_TENSOR_WEIGHTS_H

#include <stdbool.h>

#include "tensor/q8.h"
#include "tensor/safetensors.h"

struct tb_weights;

/* Map the file. Release with tb_weights_close. */
enum tb_code tb_weights_open(const char *path, struct tb_weights **out, struct tb_error *err);
void tb_weights_close(struct tb_weights *w);
/* The file behind it, for dtypes other than float and for metadata. */
const struct tb_safetensors *tb_weights_file(const struct tb_weights *w);

/* NAME as floats of exactly this shape, row-major. Owned by w: valid until tb_weights_release or close.
 * Use the macro: tb_weights_get(w, "conv.weight", &p, err, 512, 256, 3). */
enum tb_code tb_weights_floats(struct tb_weights *w, const char *name, int rank, const size_t *shape,
                               const float **out, struct tb_error *err);
#define tb_weights_get(w, name, out, err, ...)                                                                        \
    tb_weights_floats(w, name, (int)(sizeof((size_t[]){ __VA_ARGS__ }) / sizeof(size_t)), (size_t[]){ __VA_ARGS__ },  \
                      out, err)
/* NAME of exactly this shape as it is stored, with one scale and zero for all or for each row (of the first dimension).
 * The bytes stay mapped until tb_weights_close; release the rest with tb_q8_free. TB_EUNSUPPORTED: not in 8 bits, or
 * with other scales. */
enum tb_code tb_weights_q8(struct tb_weights *w, const char *name, int rank, const size_t *shape, struct tb_q8 *out,
                           struct tb_error *err);
bool tb_weights_has(const struct tb_weights *w, const char *name);
/* One whose name begins so? */
bool tb_weights_has_any(const struct tb_weights *w, const char *beginning);

/* Free the arrays made so far: what tb_weights_floats returned for stored types other than F32 is gone.
 * For a loader that packs one layer after another and need not hold the model twice.
 * The pages of the file are let go, too. */
void tb_weights_release(struct tb_weights *w);

#endif
