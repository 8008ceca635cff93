/* seal.h - the frame that every engine puts around its voice prints, so that the store can keep them for years.
 *
 * Little-endian:
 *     8 bytes  "timbrevp"
 *     u32      version of the engine's layout
 *     u32      CRC-32 (IEEE) of everything after it
 *     u8, n    engine name
 * What follows is the engine's own (kokoro/print.h, qwen3/print.h). Bytes come from a store that others may have
 * written: nothing in them is believed. */
#ifndef TB_ENGINE_SEAL_H
#define TB_ENGINE_SEAL_H

#include "base/error.h"
#include "base/str.h"

enum { TB_SEAL_HEAD = 16 /* bytes up to the engine's name, which is where the checksum begins */ };

/* Append the frame to *bytes, whose cap it sets to TB_MAX_PRINT. tb_seal_end puts the checksum in. */
enum tb_code tb_seal_begin(struct tb_bytes *bytes, uint32_t version, const char *engine);
/* Put the checksum into the frame that begins at byte `start` and goes on to the end; TB_SEAL_HEAD bytes are there. */
void tb_seal_end(struct tb_bytes *bytes, size_t start);
/* *body: what the engine wrote behind the frame, in `bytes`. TB_EVOICE: over TB_MAX_PRINT, no print, of another version
 * or engine, damaged or cut short. */
enum tb_code tb_seal_open(struct tb_str bytes, uint32_t version, const char *engine, struct tb_str *body,
                          struct tb_error *err);

#endif
