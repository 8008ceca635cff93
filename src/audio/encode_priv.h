/* encode_priv.h - what encode.c and the codecs behind it share. A codec gets samples in [-1, 1] at its own rate. */
#ifndef TB_AUDIO_ENCODE_PRIV_H
#define TB_AUDIO_ENCODE_PRIV_H

#include "audio/encode.h"

/* One format. state is what open made; feed and finish append to out. */
struct tb_codec {
    enum tb_code (*open)(uint32_t rate, unsigned bit_rate_kbps, void **state, struct tb_error *err);
    enum tb_code (*feed)(void *state, const float *samples, size_t len, struct tb_bytes *out, struct tb_error *err);
    enum tb_code (*finish)(void *state, struct tb_bytes *out, struct tb_error *err);
    void (*close)(void *state); /* NULL is fine */
};

extern const struct tb_codec tb_codec_mp3;
extern const struct tb_codec tb_codec_opus;

#endif
