/* print.h - a voice print of the qwen3 engine: the x-vector and, for cloning in context, the recording's codes with its
 * text.
 *
 * As bytes, behind the frame of engine/seal.h, version 1, little-endian:
 *     u16      width of the x-vector; that many f32
 *     u16      codes of one frame, or 0; u16 frames; u16 codes [frames][groups]
 *     u32, n   text of the recording, UTF-8; empty without codes
 * Bytes come from a store that others may have written: nothing in them is believed. */
#ifndef TB_ENGINE_QWEN3_PRINT_H
#define TB_ENGINE_QWEN3_PRINT_H

#include "engine/qwen3/config.h"

struct tb_q3_print {
    int width;                        /* of the x-vector: the model's hidden size */
    float speaker[TB_Q3_MAX_VECTOR];
    int groups, frames;               /* of the recording; 0: x-vector only */
    int *codes;                       /* [frames][groups] */
    struct tb_bytes text;
};

/* Append to *bytes, whose cap it sets to TB_MAX_PRINT. TB_EINVAL: a value out of its range. */
enum tb_code tb_q3_print_write(const struct tb_q3_print *print, struct tb_bytes *bytes, struct tb_error *err);
/* TB_EVOICE: not a print, of another engine, cut, damaged, or with values out of range. Release with tb_q3_print_free;
 * on failure *print is empty. */
enum tb_code tb_q3_print_read(struct tb_str bytes, struct tb_q3_print *print, struct tb_error *err);
void tb_q3_print_free(struct tb_q3_print *print);
/* The print belongs to a model of this shape: TB_EVOICE says what does not fit. */
enum tb_code tb_q3_print_fits(const struct tb_q3_print *print, const struct tb_q3_config *config, struct tb_error *err);

#endif
