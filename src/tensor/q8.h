/* q8.h - weights in 8 bits, as model files hold them: value (o, i) = ((q[o][i] ^ flip) - zero[o]) * scale[o].
 *
 * They stay where the file is mapped, shared by all processes that use it, and are widened a few rows at a time on the
 * way into the kernels, to 16-bit whole numbers or floats: exactly those that tb_weights_floats would give. */
#ifndef TB_TENSOR_Q8_H
#define TB_TENSOR_Q8_H

#include <stddef.h>
#include <stdint.h>

/* A zeroed one is empty. */
struct tb_q8 {
    const uint8_t *q;    /* [rows][len], not owned */
    uint8_t flip;        /* 0x80 makes signed bytes unsigned; zero counts from there */
    size_t rows, len;
    float *scale, *zero; /* [rows rounded up to 4], those beyond rows are 0; owned */
};

/* Accepts an empty one and leaves it empty. */
void tb_q8_free(struct tb_q8 *q8);

#endif
