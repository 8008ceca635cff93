/* encode.h - 24 kHz float samples to the bytes that a client asked for: pcm, wav, mp3 or opus, at any of six rates.
 *
 * A stream: open, feed samples as they are made, finish. Output is appended to a tb_bytes. Resampling (soxr) happens
 * inside. pcm output is always a whole number of 16-bit samples. */
#ifndef TB_AUDIO_ENCODE_H
#define TB_AUDIO_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum tb_format { TB_FORMAT_PCM, TB_FORMAT_WAV, TB_FORMAT_MP3, TB_FORMAT_OPUS };

struct tb_encode_config {
    enum tb_format format;
    uint32_t in_rate;      /* Hz of the samples that will be fed */
    uint32_t out_rate;     /* 8000 16000 22050 24000 44100 48000 */
    unsigned bit_rate_kbps; /* mp3 and opus: 6..510; others ignore it. What an encoder lacks goes to its nearest */
};

struct tb_encoder;

/* "pcm" "wav" "mp3" "opus". False: none of them. */
bool tb_format_from_name(struct tb_str name, enum tb_format *out);
const char *tb_format_name(enum tb_format format);
bool tb_encode_rate_ok(int64_t rate);

enum tb_code tb_encoder_open(const struct tb_encode_config *config, struct tb_encoder **out, struct tb_error *err);
/* Samples in [-1, 1]; louder ones are limited (limiter.h), for which 5 ms are held back. wav begins with a 44-byte
 * header of unknown (0x7FFFFFFF-style) length. */
enum tb_code tb_encoder_feed(struct tb_encoder *encoder, const float *samples, size_t len, struct tb_bytes *out,
                             struct tb_error *err);
/* Flush resampler and codec. Nothing may be fed afterwards. */
enum tb_code tb_encoder_finish(struct tb_encoder *encoder, struct tb_bytes *out, struct tb_error *err);
void tb_encoder_close(struct tb_encoder *encoder);

/* The 44-byte header of a 16-bit mono WAV file of `data_bytes` bytes of samples. */
void tb_wav_header(uint8_t out[44], uint32_t rate, uint32_t data_bytes);

#endif
