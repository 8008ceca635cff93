/* encode.c - see encode.h. Samples go through the resampler, the limiter and then to 16-bit numbers or a codec.
 *
 * The limiter looks ahead and turns loud stretches down as a whole. Bending each sample, which needs no memory, was
 * heard: at twice the volume that voices are made with, peaks are 6 dB over full scale. */
#include "audio/encode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/encode_priv.h"
#include "audio/limiter.h"
#include "audio/resample.h"

enum { PIECE = 4096, OPUS_RATE = 48000 };

static const float CEILING = 0.98f; /* codecs overshoot a little */
static const float LOUDEST = 64;    /* taken for what is over it: the limiter divides by it */

struct tb_encoder {
    struct tb_encode_config config;
    struct tb_resampler *resampler; /* NULL: the rates are equal */
    const struct tb_codec *codec;   /* NULL: plain samples */
    void *codec_state;
    struct tb_limiter limiter;
    int skip;        /* samples of the limiter's delay still to drop */
    bool header_due; /* wav, before the first byte */
};

static const char *const names[] = { "pcm", "wav", "mp3", "opus" };

bool tb_format_from_name(struct tb_str name, enum tb_format *out)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (tb_str_eq(name, names[i])) {
            *out = (enum tb_format)i;
            return true;
        }
    return false;
}

const char *tb_format_name(enum tb_format format)
{
    return names[format];
}

bool tb_encode_rate_ok(int64_t rate)
{
    return rate == 8000 || rate == 16000 || rate == 22050 || rate == 24000 || rate == 44100 || rate == 48000;
}

void tb_wav_header(uint8_t out[44], uint32_t rate, uint32_t data_bytes)
{
    static const char riff[] = "RIFF", wave[] = "WAVEfmt ", data[] = "data";
    uint32_t riff_size = data_bytes > UINT32_MAX - 36 ? UINT32_MAX : data_bytes + 36, fmt_size = 16;
    uint32_t byte_rate = rate * 2;
    const uint16_t pcm = 1, channels = 1, frame_bytes = 2, bits = 16;

    memcpy(out, riff, 4);
    memcpy(out + 4, &riff_size, 4);
    memcpy(out + 8, wave, 8);
    memcpy(out + 16, &fmt_size, 4);
    memcpy(out + 20, &pcm, 2);
    memcpy(out + 22, &channels, 2);
    memcpy(out + 24, &rate, 4);
    memcpy(out + 28, &byte_rate, 4);
    memcpy(out + 32, &frame_bytes, 2);
    memcpy(out + 34, &bits, 2);
    memcpy(out + 36, data, 4);
    memcpy(out + 40, &data_bytes, 4);
}

/* A number that the limiter can work with: silence for what is none. */
static float tamed(float x)
{
    return x >= -LOUDEST && x <= LOUDEST ? x : isnan(x) ? 0 : copysignf(LOUDEST, x);
}

/* The rate at which the codec works. libopusenc takes all rates, but those that Opus lacks through a resampler of
 * less quality than ours. */
static uint32_t codec_rate(const struct tb_encode_config *config)
{
    bool odd = config->out_rate == 22050 || config->out_rate == 44100;

    return config->format == TB_FORMAT_OPUS && odd ? OPUS_RATE : config->out_rate;
}

enum tb_code tb_encoder_open(const struct tb_encode_config *config, struct tb_encoder **out, struct tb_error *err)
{
    struct tb_encoder *e;
    enum tb_code rc = TB_OK;

    *out = NULL;
    if (!tb_encode_rate_ok(config->out_rate))
        return tb_fail(err, TB_EINVAL, "no output at %u Hz", (unsigned)config->out_rate);
    if ((config->format == TB_FORMAT_MP3 || config->format == TB_FORMAT_OPUS) &&
        (config->bit_rate_kbps < 6 || config->bit_rate_kbps > 510))
        return tb_fail(err, TB_EINVAL, "a bit rate of %u kbit/s; 6 to 510 are possible", config->bit_rate_kbps);
    e = calloc(1, sizeof *e);
    if (!e)
        return tb_fail(err, TB_ENOMEM, "encoder");
    e->config = *config;
    e->header_due = config->format == TB_FORMAT_WAV;
    tb_limiter_begin(&e->limiter, codec_rate(config), CEILING);
    e->skip = tb_limiter_delay(codec_rate(config));
    if (config->in_rate != codec_rate(config))
        rc = tb_resampler_open(config->in_rate, codec_rate(config), &e->resampler, err);
    if (config->format == TB_FORMAT_MP3)
        e->codec = &tb_codec_mp3;
    if (config->format == TB_FORMAT_OPUS)
        e->codec = &tb_codec_opus;
    if (!rc && e->codec)
        rc = e->codec->open(codec_rate(config), config->bit_rate_kbps, &e->codec_state, err);
    if (rc) {
        tb_encoder_close(e);
        return rc;
    }
    *out = e;
    return TB_OK;
}

static enum tb_code add_header(struct tb_encoder *e, struct tb_bytes *out, struct tb_error *err)
{
    uint8_t header[44];
    enum tb_code rc;

    if (!e->header_due)
        return TB_OK;
    /* The length of a stream is not known yet; players read to the end when it says the most that a signed reader
     * takes, less what the sum in the RIFF chunk needs. */
    tb_wav_header(header, e->config.out_rate, (INT32_MAX - 36) & ~1u);
    rc = tb_bytes_add(out, header, sizeof header);
    if (rc)
        return tb_fail(err, rc, "wav output");
    e->header_due = false;
    return TB_OK;
}

static enum tb_code add_pcm(const float *samples, size_t len, struct tb_bytes *out, struct tb_error *err)
{
    int16_t numbers[PIECE];

    for (size_t i = 0; i < len; i++)
        numbers[i] = (int16_t)lrintf(samples[i] * 32767);
    enum tb_code rc = tb_bytes_add(out, numbers, len * sizeof *numbers);
    return rc ? tb_fail(err, rc, "pcm output") : TB_OK;
}

/* Samples at the codec's rate; NULL: silence. */
static enum tb_code encode(struct tb_encoder *e, const float *samples, size_t len, struct tb_bytes *out,
                           struct tb_error *err)
{
    enum tb_code rc = TB_OK;
    float piece[PIECE];

    while (!rc && len > 0) {
        size_t n = len < PIECE ? len : PIECE, ready = 0;

        for (size_t i = 0; i < n; i++) {
            float v = tb_limiter_run(&e->limiter, samples ? tamed(samples[i]) : 0);

            if (e->skip)
                e->skip--;
            else
                piece[ready++] = v;
        }
        rc = e->codec ? e->codec->feed(e->codec_state, piece, ready, out, err) : add_pcm(piece, ready, out, err);
        samples = samples ? samples + n : NULL;
        len -= n;
    }
    return rc;
}

enum tb_code tb_encoder_feed(struct tb_encoder *e, const float *samples, size_t len, struct tb_bytes *out,
                             struct tb_error *err)
{
    enum tb_code rc = add_header(e, out, err);

    if (!rc && e->resampler)
        rc = tb_resampler_push(e->resampler, samples, len, &samples, &len, err);
    return rc ? rc : encode(e, samples, len, out, err);
}

enum tb_code tb_encoder_finish(struct tb_encoder *e, struct tb_bytes *out, struct tb_error *err)
{
    const float *samples = NULL;
    size_t len = 0;
    enum tb_code rc = add_header(e, out, err);

    if (!rc && e->resampler)
        rc = tb_resampler_finish(e->resampler, &samples, &len, err);
    if (!rc)
        rc = encode(e, samples, len, out, err);
    if (!rc)
        rc = encode(e, NULL, (size_t)tb_limiter_delay(codec_rate(&e->config)), out, err);
    if (!rc && e->codec)
        rc = e->codec->finish(e->codec_state, out, err);
    return rc;
}

void tb_encoder_close(struct tb_encoder *e)
{
    if (!e)
        return;
    if (e->codec)
        e->codec->close(e->codec_state);
    tb_resampler_close(e->resampler);
    free(e);
}
