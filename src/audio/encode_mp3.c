/* encode_mp3.c - MP3 by LAME: constant bit rate, mono, no tags, no bit reservoir.
 *
 * Without tags and reservoir each frame stands alone, so that streams can be put behind each other and a client can
 * start to play anywhere; the reservoir's gain for mono speech at these rates is small.
 * LAME lowers the level by up to 5 % at most bit rates, against clipping in the decoder; it is left so. */
#include "audio/encode_priv.h"

#include <stdlib.h>

#include <lame/lame.h>

enum { PIECE = 4096, ROOM = PIECE * 5 / 4 + 7200 /* LAME's own bound on what a piece may give */ };

struct mp3 {
    lame_t lame;
};

/* The bit rate that MPEG has for this sample rate and that is nearest to the wanted one (kbit/s). */
static int nearest_bit_rate(uint32_t rate, unsigned wanted)
{
    static const int high[] = { 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320 };
    static const int low[] = { 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160 };
    const int *table = rate >= 32000 ? high : low;
    size_t n = rate >= 32000 ? sizeof high / sizeof *high : rate >= 16000 ? sizeof low / sizeof *low : 8;
    int best = table[0];

    for (size_t i = 1; i < n; i++)
        if (abs(table[i] - (int)wanted) <= abs(best - (int)wanted))
            best = table[i];
    return best;
}

static void mp3_close(void *state)
{
    struct mp3 *m = state;

    if (m && m->lame)
        lame_close(m->lame);
    free(m);
}

/* LAME prints to stderr unless told otherwise. */
static void silent(const char *format, va_list ap)
{
    (void)format;
    (void)ap;
}

static enum tb_code mp3_open(uint32_t rate, unsigned bit_rate_kbps, void **state, struct tb_error *err)
{
    struct mp3 *m = calloc(1, sizeof *m);
    int failed;

    if (!m)
        return tb_fail(err, TB_ENOMEM, "mp3 encoder");
    m->lame = lame_init();
    if (!m->lame) {
        mp3_close(m);
        return tb_fail(err, TB_ENOMEM, "mp3 encoder");
    }
    lame_set_errorf(m->lame, silent);
    lame_set_msgf(m->lame, silent);
    lame_set_debugf(m->lame, silent);
    failed = lame_set_num_channels(m->lame, 1) | lame_set_mode(m->lame, MONO) |
             lame_set_in_samplerate(m->lame, (int)rate) | lame_set_out_samplerate(m->lame, (int)rate) |
             lame_set_brate(m->lame, nearest_bit_rate(rate, bit_rate_kbps)) | lame_set_quality(m->lame, 5) |
             lame_set_disable_reservoir(m->lame, 1) | lame_set_bWriteVbrTag(m->lame, 0);
    lame_set_write_id3tag_automatic(m->lame, 0);
    if (failed || lame_init_params(m->lame) < 0) {
        mp3_close(m);
        return tb_fail(err, TB_EINTERNAL, "LAME refuses %u Hz at %u kbit/s", (unsigned)rate, bit_rate_kbps);
    }
    *state = m;
    return TB_OK;
}

/* Take what LAME wrote behind out->size. */
static enum tb_code took(struct tb_bytes *out, int made, struct tb_error *err)
{
    if (made < 0)
        return tb_fail(err, TB_EINTERNAL, "LAME failed (%d)", made);
    out->size += (size_t)made;
    return TB_OK;
}

static enum tb_code mp3_feed(void *state, const float *samples, size_t len, struct tb_bytes *out, struct tb_error *err)
{
    struct mp3 *m = state;
    enum tb_code rc = TB_OK;

    while (!rc && len > 0) {
        size_t n = len < PIECE ? len : PIECE;

        rc = tb_bytes_reserve(out, ROOM);
        if (rc)
            return tb_fail(err, rc, "mp3 output");
        rc = took(out, lame_encode_buffer_ieee_float(m->lame, samples, samples, (int)n, out->data + out->size, ROOM),
                  err);
        samples += n;
        len -= n;
    }
    return rc;
}

static enum tb_code mp3_finish(void *state, struct tb_bytes *out, struct tb_error *err)
{
    struct mp3 *m = state;
    enum tb_code rc = tb_bytes_reserve(out, ROOM);

    if (rc)
        return tb_fail(err, rc, "mp3 output");
    return took(out, lame_encode_flush(m->lame, out->data + out->size, ROOM), err);
}

const struct tb_codec tb_codec_mp3 = { mp3_open, mp3_feed, mp3_finish, mp3_close };
