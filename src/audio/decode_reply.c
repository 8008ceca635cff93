/* decode_reply.c - see decode_reply.h. */
#include "audio/decode_reply.h"

#include <math.h>
#include <string.h>

#include "base/limits.h"

static const char magic[8] = { 'T', 'B', 'D', 'E', 'C', '0', '1', '\n' };
enum { CONTAINER_AT = 32, CONTAINER_SIZE = TB_DECODE_HEADER - CONTAINER_AT };

void tb_decode_reply_header(uint8_t out[TB_DECODE_HEADER], const struct tb_decode_reply *reply)
{
    const uint32_t words[4] = { (uint32_t)reply->status, reply->rate, reply->channels, reply->cut };
    size_t n = strlen(reply->container);

    memset(out, 0, TB_DECODE_HEADER);
    memcpy(out, magic, sizeof magic);
    memcpy(out + 8, words, sizeof words);
    memcpy(out + 24, &reply->count, sizeof reply->count);
    memcpy(out + CONTAINER_AT, reply->container, n < CONTAINER_SIZE ? n : CONTAINER_SIZE - 1);
}

/* Header fields as they are; only the magic and the sizes of the parts are checked. */
static bool read_header(const uint8_t *bytes, size_t n, struct tb_decode_reply *reply)
{
    uint32_t words[4];
    size_t unit;

    if (n < TB_DECODE_HEADER || memcmp(bytes, magic, sizeof magic) != 0)
        return false;
    memcpy(words, bytes + 8, sizeof words);
    memcpy(&reply->count, bytes + 24, sizeof reply->count);
    if (words[0] >= TB_DECODE_STATUS_COUNT || words[3] > 1 || bytes[TB_DECODE_HEADER - 1] != 0)
        return false;
    reply->status = (enum tb_decode_status)words[0];
    reply->rate = words[1];
    reply->channels = words[2];
    reply->cut = words[3] != 0;
    reply->container = (const char *)bytes + CONTAINER_AT;
    unit = reply->status == TB_DECODE_OK ? sizeof(float) : 1;
    return reply->count <= TB_MAX_DECODED_SAMPLES && reply->count * unit == n - TB_DECODE_HEADER;
}

/* The text of a failure goes to logs and clients: control characters and bytes over 126 are replaced. */
static enum tb_code fail_with_text(const struct tb_decode_reply *reply, const uint8_t *text, struct tb_error *err)
{
    static const enum tb_code codes[TB_DECODE_STATUS_COUNT] = { TB_EINTERNAL, TB_EAUDIO_FORMAT, TB_EAUDIO_DECODE,
                                                                TB_ETOOBIG, TB_EIO };
    char clean[200];
    size_t n = reply->count < sizeof clean - 1 ? (size_t)reply->count : sizeof clean - 1;

    for (size_t i = 0; i < n; i++)
        clean[i] = text[i] >= 32 && text[i] < 127 ? (char)text[i] : '?';
    clean[n] = '\0';
    return tb_fail(err, codes[reply->status], "%s", clean);
}

enum tb_code tb_decode_reply_parse(const uint8_t *bytes, size_t n, struct tb_pcm *out, struct tb_decode_info *info,
                                   struct tb_error *err)
{
    struct tb_decode_reply reply;
    enum tb_code rc;

    *out = (struct tb_pcm){ 0 };
    *info = (struct tb_decode_info){ 0 };
    if (!read_header(bytes, n, &reply))
        return tb_fail(err, TB_EAUDIO_DECODE, "the decoder's reply of %zu bytes is broken", n);
    if (reply.status != TB_DECODE_OK)
        return fail_with_text(&reply, bytes + TB_DECODE_HEADER, err);
    if (reply.rate == 0 || reply.rate > TB_MAX_AUDIO_RATE || reply.channels == 0 ||
        reply.channels > TB_MAX_AUDIO_CHANNELS || reply.count == 0)
        return tb_fail(err, TB_EAUDIO_DECODE, "the decoder tells of %zu samples, %u Hz, %u channels",
                       (size_t)reply.count, (unsigned)reply.rate, (unsigned)reply.channels);
    rc = tb_pcm_alloc(out, (size_t)reply.count, reply.rate, err);
    if (rc)
        return rc;
    memcpy(out->data, bytes + TB_DECODE_HEADER, out->len * sizeof *out->data);
    for (size_t i = 0; i < out->len; i++)
        out->data[i] = isfinite(out->data[i]) ? fmaxf(-1, fminf(1, out->data[i])) : 0;
    memcpy(info->container, reply.container, sizeof info->container);
    info->rate = reply.rate;
    info->channels = reply.channels;
    info->seconds = (double)out->len / reply.rate;
    info->cut = reply.cut;
    return TB_OK;
}
