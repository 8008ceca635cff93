/* safetensors.h - a .safetensors file, mapped read-only: named tensors of plain numbers.
 *
 * The file is 8 bytes of little-endian header length, a JSON header and the data. The header is read by a parser of
 * our own that takes exactly what the format allows: an object whose members are "__metadata__" (strings by name) and
 * tensors {"dtype", "shape", "data_offsets"}. Nothing in it is believed before it is checked against the file's size.
 * A file that is cut short while it is mapped cannot be defended against: replace model files by renaming. */
#ifndef TB_TENSOR_SAFETENSORS_H
#define TB_TENSOR_SAFETENSORS_H

#include <stddef.h>

#include "base/error.h"

enum tb_dtype { TB_F32, TB_F16, TB_BF16, TB_I64, TB_I32, TB_I8, TB_U8, TB_DTYPE_COUNT };

enum { TB_MAX_RANK = 8 };

struct tb_tensor {
    const char *name;          /* NUL-terminated, UTF-8 */
    enum tb_dtype dtype;
    int rank;                  /* 0 .. TB_MAX_RANK; 0 is a single number */
    size_t shape[TB_MAX_RANK];
    size_t len;                /* elements */
    const void *data;          /* aligned to the size of one element */
};

struct tb_safetensors;

/* Map a file. Errors name the file, the tensor, what was found and what was wanted.
 * Release with tb_safetensors_close; tensors point into the map. */
enum tb_code tb_safetensors_open(const char *path, struct tb_safetensors **out, struct tb_error *err);
/* The same for a file that lies in memory, 8-byte aligned, which must outlive *out; `path` is for errors only. */
enum tb_code tb_safetensors_read(const void *bytes, size_t size, const char *path, struct tb_safetensors **out,
                                 struct tb_error *err);
void tb_safetensors_close(struct tb_safetensors *st);

/* Give the memory behind what was read so far back to the system; it is read from the file again when needed. */
void tb_safetensors_forget(struct tb_safetensors *st);

const char *tb_safetensors_path(const struct tb_safetensors *st);
size_t tb_safetensors_count(const struct tb_safetensors *st);
/* i < count, in the order of names. */
const struct tb_tensor *tb_safetensors_at(const struct tb_safetensors *st, size_t i);
/* NULL when there is none of that name. */
const struct tb_tensor *tb_safetensors_find(const struct tb_safetensors *st, const char *name);
/* The tensor of that name, which must have this dtype and shape. TB_ENOTFOUND or TB_EINVAL otherwise. */
enum tb_code tb_safetensors_want(const struct tb_safetensors *st, const char *name, enum tb_dtype dtype, int rank,
                                 const size_t *shape, const struct tb_tensor **out, struct tb_error *err);
/* A string of "__metadata__"; NULL when there is none of that name. */
const char *tb_safetensors_meta(const struct tb_safetensors *st, const char *key);

/* "F32"; as in the file. */
const char *tb_dtype_name(enum tb_dtype dtype);
/* Bytes of one element. */
size_t tb_dtype_size(enum tb_dtype dtype);

#endif
