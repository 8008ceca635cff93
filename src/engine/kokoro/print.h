/* print.h - a voice print of the kokoro engine: all that enrolment finds out about a voice and synthesis needs.
 *
 * As bytes, a few kilobytes, it describes itself: behind the frame of engine/seal.h, version 1, little-endian:
 *     u16      number of tensors; each: u8 n, name, u32 count, count x f32
 * Tensors are found by name; unknown names are skipped, so a later version may add some. A style that is the same in
 * all blocks is stored once. Bytes come from a store that others may have written: nothing in them is believed. */
#ifndef TB_ENGINE_KOKORO_PRINT_H
#define TB_ENGINE_KOKORO_PRINT_H

#include "base/error.h"
#include "base/str.h"

enum {
    TB_KOKORO_BLOCKS = 13,     /* AdaIN blocks of the decoder: encode, decode 0-3, noise_res 0-1, resblocks 0-5 */
    TB_KOKORO_HALF = 128,      /* numbers in each half of a style: acoustic (decoder), prosody (predictor) */
    TB_KOKORO_EMBEDDING = 256, /* GE2E */
    TB_KOKORO_EQ_BANDS = 40    /* mel bands, 0 - 8 kHz (audio/mel.h) */
};

struct tb_kokoro_print {
    float style[TB_KOKORO_BLOCKS][TB_KOKORO_HALF];
    float prosody[TB_KOKORO_HALF];
    float f0_median_hz; /* of the recorded voice; 40 .. 800 */
    float f0_style_hz;  /* median that the style gives by itself: scale F0 by f0_median_hz / f0_style_hz */
    float speed;        /* divides durations: the voice's rate over the style's own; 0.5 .. 2 */
    float eq_db[TB_KOKORO_EQ_BANDS];      /* equaliser, +-24 (post.h) */
    float embedding[TB_KOKORO_EMBEDDING]; /* of the recording, length 1; for reports of likeness */
};

/* Append to *bytes, whose cap it sets to TB_MAX_PRINT. TB_EINVAL: a value out of its range. */
enum tb_code tb_print_write(const struct tb_kokoro_print *print, struct tb_bytes *bytes, struct tb_error *err);
/* TB_EVOICE: not a print, or of another engine, cut, damaged, or with values out of range. */
enum tb_code tb_print_read(struct tb_str bytes, struct tb_kokoro_print *print, struct tb_error *err);

#endif
