/* decode_reply.h - what the decoder process writes to its standard output: a header of 48 bytes, then the payload.
 * Written by helpers/, read by audio/decode.c, which trusts none of it.
 *
 *     bytes  0..7    "TBDEC01\n"
 *     bytes  8..11   enum tb_decode_status
 *     bytes 12..15   sample rate, Hz
 *     bytes 16..19   channels that the file had
 *     bytes 20..23   1: the file goes on after what was decoded; else 0
 *     bytes 24..31   count: samples of a good reply, bytes of text of a bad one
 *     bytes 32..47   container, in ASCII, padded with NUL
 *     then           count float32 mono samples, or count bytes of UTF-8 text
 *
 * All numbers are little endian, like every machine that Timbre runs on. */
#ifndef TB_AUDIO_DECODE_REPLY_H
#define TB_AUDIO_DECODE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/decode.h"
#include "audio/pcm.h"
#include "base/error.h"

enum { TB_DECODE_HEADER = 48 };

enum tb_decode_status {
    TB_DECODE_OK,
    TB_DECODE_FORMAT,  /* a codec that is known but not taken */
    TB_DECODE_BROKEN,  /* cannot be decoded */
    TB_DECODE_TOOBIG,  /* more bytes than TB_MAX_AUDIO_FILE */
    TB_DECODE_TROUBLE, /* our own fault: no memory */
    TB_DECODE_STATUS_COUNT
};

struct tb_decode_reply {
    enum tb_decode_status status;
    uint32_t rate;
    uint32_t channels;
    bool cut;
    uint64_t count;
    const char *container; /* at most 15 characters count */
};

void tb_decode_reply_header(uint8_t out[TB_DECODE_HEADER], const struct tb_decode_reply *reply);

/* The whole reply to samples. Samples that are no finite numbers become 0; those outside [-1, 1]
 * are limited to it.
 * On TB_OK the caller owns *out; else it is empty. A reply of TB_DECODE_FORMAT ... comes back as the code that it
 * means with its text; one that breaks the layout above as TB_EAUDIO_DECODE. */
enum tb_code tb_decode_reply_parse(const uint8_t *bytes, size_t n, struct tb_pcm *out, struct tb_decode_info *info,
                                   struct tb_error *err);

#endif
