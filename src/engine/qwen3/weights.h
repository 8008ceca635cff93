/* weights.h - the tensors of a published folder: model.safetensors, or the shards that model.safetensors.index.json
 * names. Files are mapped; big matrices are used where they lie, in bfloat16 or float.
 *
 * Each tensor is looked up by its full name with the shape that the configuration asks for: a missing tensor, another
 * shape or dtype stops the load with what was found and what was wanted. */
#ifndef TB_ENGINE_QWEN3_WEIGHTS_H
#define TB_ENGINE_QWEN3_WEIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/str.h"
#include "tensor/linear.h"
#include "tensor/ops.h"

struct tb_q3_weights;

/* Map the files of a folder. Release with tb_q3_weights_close; all that a loader gave out goes with it. */
enum tb_code tb_q3_weights_open(const char *folder, struct tb_q3_weights **out, struct tb_error *err);
void tb_q3_weights_close(struct tb_q3_weights *w); /* NULL is fine */
/* TB_EINVAL: a NaN or an infinity anywhere in a file, with the tensor's name. Reads all of them. */
enum tb_code tb_q3_weights_check(struct tb_q3_weights *w, struct tb_error *err);
/* Changes whenever a file is exchanged: made of the names, sizes and times of all of them. */
uint64_t tb_q3_weights_stamp(const struct tb_q3_weights *w);
/* Give the memory behind what was read so far back to the system; what is read again comes from the files. */
void tb_q3_weights_forget(struct tb_q3_weights *w);

/* Reads one tensor after another; after a failure it does nothing more, and rc and err say what the first one was. */
struct tb_q3_loader {
    struct tb_q3_weights *weights;
    enum tb_code rc;
    struct tb_error *err;
};

/* NAME.weight [out][in] (or [out][in][1]) and, if wanted, NAME.bias [out]. Points into the map; F32 or BF16. */
void tb_q3_linear(struct tb_q3_loader *l, struct tb_linear *linear, int out, int in, bool bias, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* The tensor NAME [n] as floats that live as long as the weights. NULL on failure. */
const float *tb_q3_vector(struct tb_q3_loader *l, int n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The tensor NAME [a][b], or [a][b][c] when c > 0, as floats that live as long as the weights. */
const float *tb_q3_kept(struct tb_q3_loader *l, int a, int b, int c, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* The tensor NAME [a][b], or [a][b][c] when c > 0, as floats that live until tb_q3_release: for those who
 * pack them. */
const float *tb_q3_borrow(struct tb_q3_loader *l, int a, int b, int c, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void tb_q3_release(struct tb_q3_loader *l);
/* AT.weight and AT.bias as a packed convolution; what was borrowed is released. */
void tb_q3_conv(struct tb_q3_loader *l, struct tb_conv *conv, struct tb_conv_spec spec, const char *at);
/* The same, of whole numbers: tb_conv_pack_whole. */
void tb_q3_conv_whole(struct tb_q3_loader *l, struct tb_conv *conv, struct tb_conv_spec spec, const char *at);

/* The weight files that an index names, each once. */
struct tb_q3_index {
    char *names[TB_MAX_SHARDS];
    int count;
};

/* Parse model.safetensors.index.json; `path` is for errors. Names with a slash are refused. Release with
 * tb_q3_index_free, also after a failure. */
enum tb_code tb_q3_index_parse(struct tb_str json, const char *path, struct tb_q3_index *out, struct tb_error *err);
void tb_q3_index_free(struct tb_q3_index *index);

/* A whole small file as bytes, NUL-terminated; at most `most`. Release with tb_bytes_free. */
enum tb_code tb_q3_read_file(const char *folder, const char *name, size_t most, struct tb_bytes *out,
                             struct tb_error *err);

#endif
