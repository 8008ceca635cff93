/* timbre-decode.c - WAV and MP3 to mono samples, by libsndfile, reading from memory. */
#include <sndfile.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "decode-main.h"

enum { PIECE = 4096 }; /* frames read at once */

const char *const decode_formats = "WAV MP3";

struct cursor {
    const uint8_t *bytes;
    sf_count_t size, at;
};

static sf_count_t cursor_size(void *user)
{
    return ((struct cursor *)user)->size;
}

static sf_count_t cursor_seek(sf_count_t offset, int whence, void *user)
{
    struct cursor *c = user;
    sf_count_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? c->at : c->size;

    if (__builtin_add_overflow(base, offset, &base) || base < 0 || base > c->size)
        return -1;
    c->at = base;
    return base;
}

static sf_count_t cursor_read(void *to, sf_count_t count, void *user)
{
    struct cursor *c = user;

    if (count > c->size - c->at)
        count = c->size - c->at;
    if (count <= 0)
        return 0;
    memcpy(to, c->bytes + c->at, (size_t)count);
    c->at += count;
    return count;
}

static sf_count_t cursor_write(const void *from, sf_count_t count, void *user)
{
    (void)from;
    (void)count;
    (void)user;
    return 0;
}

static sf_count_t cursor_tell(void *user)
{
    return ((struct cursor *)user)->at;
}

/* libsndfile reads far more than we take: only plain samples in RIFF, and MPEG audio. NULL: not one of them. */
static const char *container_of(int format)
{
    int major = format & SF_FORMAT_TYPEMASK;

    if (major == SF_FORMAT_MPEG)
        return "MP3";
    if (major != SF_FORMAT_WAV && major != SF_FORMAT_WAVEX && major != SF_FORMAT_RF64)
        return NULL;
    switch (format & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_PCM_U8:
    case SF_FORMAT_PCM_16:
    case SF_FORMAT_PCM_24:
    case SF_FORMAT_PCM_32:
    case SF_FORMAT_FLOAT:
    case SF_FORMAT_DOUBLE:
    case SF_FORMAT_ULAW:
    case SF_FORMAT_ALAW:
        return "WAV";
    default:
        return NULL;
    }
}

static enum tb_decode_status read_samples(struct decoding *d, SNDFILE *file)
{
    float frames[PIECE * TB_MAX_AUDIO_CHANNELS];
    sf_count_t got;

    while ((got = sf_readf_float(file, frames, PIECE)) > 0) {
        if (!decode_reserve(d, (size_t)got))
            return decode_fail(d, TB_DECODE_TROUBLE, "out of memory after %zu samples", d->len);
        for (sf_count_t i = 0; i < got; i++) {
            float sum = 0;

            for (uint32_t c = 0; c < d->channels; c++)
                sum += frames[(size_t)i * d->channels + c];
            if (!decode_add(d, sum / (float)d->channels))
                return TB_DECODE_OK;
        }
    }
    return TB_DECODE_OK;
}

enum tb_decode_status decode_file(struct decoding *d)
{
    SF_VIRTUAL_IO io = { cursor_size, cursor_seek, cursor_read, cursor_write, cursor_tell };
    struct cursor cursor = { d->bytes, (sf_count_t)d->size, 0 };
    SF_INFO info = { 0 };
    SNDFILE *file = sf_open_virtual(&io, SFM_READ, &info, &cursor);
    enum tb_decode_status status;
    const char *container;

    if (!file)
        return decode_fail(d, TB_DECODE_BROKEN, "cannot be decoded: %s", sf_strerror(NULL));
    container = container_of(info.format);
    if (!container)
        status = decode_fail(d, TB_DECODE_FORMAT, "a WAV file with an encoding that is not taken (format %x)",
                             (unsigned)info.format);
    else
        status = decode_begin(d, container, info.samplerate, info.channels);
    if (!status)
        status = read_samples(d, file);
    sf_close(file);
    return status;
}
