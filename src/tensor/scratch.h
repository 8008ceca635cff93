/* scratch.h - memory for the activations of a session: reserved once, then taken and given back like a stack.
 *
 * Address space is reserved at open and becomes real memory when first written, so a generous size costs nothing.
 * Rows start on 64-byte boundaries. Memory is not cleared. Under AddressSanitizer what has been given back is
 * poisoned. Not for two threads at once.
 *
 *     size_t mark = tb_scratch_mark(&s);
 *     rc = tb_scratch_mat(&s, 512, frames, &hidden, err);
 *     ...
 *     tb_scratch_reset(&s, mark); */
#ifndef TB_TENSOR_SCRATCH_H
#define TB_TENSOR_SCRATCH_H

#include "base/error.h"
#include "tensor/mat.h"

struct tb_scratch {
    unsigned char *base;
    size_t size, used; /* bytes */
    size_t peak;       /* most that used has been */
};

/* Reserve `size` bytes. Release with tb_scratch_close. */
enum tb_code tb_scratch_open(size_t size, struct tb_scratch *out, struct tb_error *err);
void tb_scratch_close(struct tb_scratch *s);

/* A matrix whose ld is cols rounded up so that rows are aligned and do not all fall into the same cache sets.
 * TB_ENOMEM names how much was wanted and how much is left. */
enum tb_code tb_scratch_mat(struct tb_scratch *s, int rows, int cols, struct tb_mat *out, struct tb_error *err);
/* n floats, 64-byte aligned. */
enum tb_code tb_scratch_floats(struct tb_scratch *s, size_t n, float **out, struct tb_error *err);

size_t tb_scratch_mark(const struct tb_scratch *s);
/* Give back all that was taken after `mark`; 0 gives back everything. */
void tb_scratch_reset(struct tb_scratch *s, size_t mark);
/* Return the memory behind what is not in use to the system (between utterances). */
void tb_scratch_trim(struct tb_scratch *s);

#endif
