/* decode-main.h - what the two decoder programs share, and what each of them brings.
 *
 * A decoder program reads a recording from its standard input to the end, decodes it and writes the reply of
 * src/audio/decode_reply.h to its standard output. decode-main.c does everything but the codec. */
#ifndef TB_HELPERS_DECODE_MAIN_H
#define TB_HELPERS_DECODE_MAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/decode_reply.h"

/* One recording on its way. */
struct decoding {
    const uint8_t *bytes; /* the file */
    size_t size;
    const char *container; /* set by decode_begin */
    uint32_t rate;         /* Hz */
    uint32_t channels;
    float *samples; /* mono */
    size_t len, room;
    size_t max; /* samples after which decoding stops */
    bool cut;
    char text[200]; /* why it failed */
};

/* ---- what each program brings ---- */
extern const char *const decode_formats; /* for --self-test: "WAV MP3" */
/* Decode d->bytes: decode_begin once, decode_add for each sample. Runs inside the sandbox. */
enum tb_decode_status decode_file(struct decoding *d);

/* ---- what it may use ---- */
enum tb_decode_status decode_fail(struct decoding *d, enum tb_decode_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Check and note the shape of what is to come. */
enum tb_decode_status decode_begin(struct decoding *d, const char *container, long rate, long channels);
/* Room for len more samples. False: out of memory. */
bool decode_reserve(struct decoding *d, size_t len);
/* Append one sample, for which there is room. False: enough, stop decoding (d->cut is set). */
bool decode_add(struct decoding *d, float sample);
/* After decode_file has succeeded: is there sound, and not too much? */
enum tb_decode_status decode_end(struct decoding *d);

#endif
