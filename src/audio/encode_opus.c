/* encode_opus.c - Ogg Opus by libopusenc: one logical stream per encoder, headers first.
 *
 * A page is closed after 100 ms, where the library would collect a second of sound, and the encoder decides without
 * looking 2 s ahead: a listener waits for both. */
#include "audio/encode_priv.h"

#include <stdlib.h>

#include <opusenc.h>

enum {
    PIECE = 4096,
    PAGE_DELAY = 4800 /* samples at 48 kHz */
};

struct opus {
    OggOpusEnc *encoder;
    OggOpusComments *comments;
    bool begun; /* something was fed */
};

static void opus_close(void *state)
{
    struct opus *o = state;

    if (!o)
        return;
    if (o->encoder)
        ope_encoder_destroy(o->encoder);
    if (o->comments)
        ope_comments_destroy(o->comments);
    free(o);
}

static enum tb_code opus_open(uint32_t rate, unsigned bit_rate_kbps, void **state, struct tb_error *err)
{
    struct opus *o = calloc(1, sizeof *o);
    int failed = OPE_ALLOC_FAIL;

    if (!o)
        return tb_fail(err, TB_ENOMEM, "opus encoder");
    o->comments = ope_comments_create();
    if (o->comments)
        o->encoder = ope_encoder_create_pull(o->comments, (opus_int32)rate, 1, 0, &failed);
    if (o->encoder)
        failed = ope_encoder_ctl(o->encoder, OPUS_SET_BITRATE((opus_int32)bit_rate_kbps * 1000)) ||
                 ope_encoder_ctl(o->encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE)) ||
                 ope_encoder_ctl(o->encoder, OPE_SET_MUXING_DELAY(PAGE_DELAY)) ||
                 ope_encoder_ctl(o->encoder, OPE_SET_DECISION_DELAY(0));
    if (!o->encoder || failed) {
        opus_close(o);
        return tb_fail(err, TB_EINTERNAL, "libopusenc refuses %u Hz at %u kbit/s (%d)", (unsigned)rate, bit_rate_kbps,
                       failed);
    }
    *state = o;
    return TB_OK;
}

/* Pages that are ready; with flush, also one that is not full. */
static enum tb_code take_pages(struct opus *o, int flush, struct tb_bytes *out, struct tb_error *err)
{
    unsigned char *page;
    opus_int32 size;
    enum tb_code rc = TB_OK;

    while (!rc && ope_encoder_get_page(o->encoder, &page, &size, flush))
        rc = tb_bytes_add(out, page, (size_t)size);
    return rc ? tb_fail(err, rc, "opus output") : TB_OK;
}

static enum tb_code opus_feed(void *state, const float *samples, size_t len, struct tb_bytes *out, struct tb_error *err)
{
    struct opus *o = state;
    enum tb_code rc = TB_OK;

    while (!rc && len > 0) {
        size_t n = len < PIECE ? len : PIECE;
        int failed = ope_encoder_write_float(o->encoder, samples, (int)n);

        if (failed)
            return tb_fail(err, TB_EINTERNAL, "libopusenc: %s", ope_strerror(failed));
        rc = take_pages(o, 0, out, err);
        o->begun = true;
        samples += n;
        len -= n;
    }
    return rc;
}

static enum tb_code opus_finish(void *state, struct tb_bytes *out, struct tb_error *err)
{
    static const float silence = 0;
    struct opus *o = state;
    enum tb_code rc = TB_OK;
    int failed;

    if (!o->begun) /* libopusenc aborts when it has to end a stream of no samples */
        rc = opus_feed(o, &silence, 1, out, err);
    if (rc)
        return rc;
    failed = ope_encoder_drain(o->encoder);
    if (failed)
        return tb_fail(err, TB_EINTERNAL, "libopusenc: %s", ope_strerror(failed));
    return take_pages(o, 1, out, err);
}

const struct tb_codec tb_codec_opus = { opus_open, opus_feed, opus_finish, opus_close };
