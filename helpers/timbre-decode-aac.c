/* timbre-decode-aac.c - M4A (AAC or ALAC in an ISO media file) and bare AAC frames to mono samples, by libavformat and
 * libavcodec, reading from memory.
 *
 * A program of its own since these libraries bring a hundred others: 40 ms to load and 190 MB of addresses that WAV
 * and MP3 need not pay for, and, as Debian configures them, the GPL for the whole program. */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <string.h>

#include "audio/sniff.h"
#include "base/limits.h"
#include "decode-main.h"

enum { IO_PIECE = 32768 };

const char *const decode_formats = "M4A AAC";

struct cursor {
    const uint8_t *bytes;
    int64_t size, at;
};

static int cursor_read(void *user, uint8_t *to, int count)
{
    struct cursor *c = user;

    if (count > c->size - c->at)
        count = (int)(c->size - c->at);
    if (count <= 0)
        return AVERROR_EOF;
    memcpy(to, c->bytes + c->at, (size_t)count);
    c->at += count;
    return count;
}

static int64_t cursor_seek(void *user, int64_t offset, int whence)
{
    struct cursor *c = user;
    int64_t base = 0;

    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return c->size;
    if (whence != SEEK_SET)
        base = whence == SEEK_CUR ? c->at : c->size;
    if (__builtin_add_overflow(base, offset, &base) || base < 0 || base > c->size)
        return AVERROR(EINVAL);
    c->at = base;
    return base;
}

/* A media file may name other files to read from; none is opened. */
static int open_nothing(AVFormatContext *format, AVIOContext **io, const char *url, int flags, AVDictionary **options)
{
    (void)format;
    (void)url;
    (void)flags;
    (void)options;
    *io = NULL;
    return AVERROR(EPERM);
}

/* Sample i of channel c in [-1, 1]. */
static float sample_of(const AVFrame *f, int channels, int i, int c)
{
    bool planar = av_sample_fmt_is_planar((enum AVSampleFormat)f->format);
    const uint8_t *plane = f->extended_data[planar ? c : 0];
    int at = planar ? i : i * channels + c;

    switch (av_get_packed_sample_fmt((enum AVSampleFormat)f->format)) {
    case AV_SAMPLE_FMT_FLT:
        return ((const float *)(const void *)plane)[at];
    case AV_SAMPLE_FMT_S16:
        return (float)((const int16_t *)(const void *)plane)[at] / 32768.0f;
    case AV_SAMPLE_FMT_S32:
        return (float)((const int32_t *)(const void *)plane)[at] / 2147483648.0f;
    default:
        return 0;
    }
}

static bool format_ok(int format)
{
    enum AVSampleFormat packed = av_get_packed_sample_fmt((enum AVSampleFormat)format);

    return packed == AV_SAMPLE_FMT_FLT || packed == AV_SAMPLE_FMT_S16 || packed == AV_SAMPLE_FMT_S32;
}

/* The first frame settles rate and channels; a file that changes them later is refused. */
static enum tb_decode_status add_frame(struct decoding *d, const char *container, const AVFrame *f)
{
    int channels = f->ch_layout.nb_channels;
    enum tb_decode_status status = TB_DECODE_OK;

    if (d->rate == 0)
        status = decode_begin(d, container, f->sample_rate, channels);
    if (status)
        return status;
    if (f->sample_rate != (int)d->rate || channels != (int)d->channels || !format_ok(f->format))
        return decode_fail(d, TB_DECODE_BROKEN, "the %s file changes its sample rate or channels", container);
    if (f->nb_samples < 0 || !decode_reserve(d, (size_t)f->nb_samples))
        return decode_fail(d, TB_DECODE_TROUBLE, "out of memory after %zu samples", d->len);
    for (int i = 0; i < f->nb_samples; i++) {
        float sum = 0;

        for (int c = 0; c < channels; c++)
            sum += sample_of(f, channels, i, c);
        if (!decode_add(d, sum / (float)channels))
            break;
    }
    return status;
}

/* Frames that are ready now. A damaged frame is left out, like players do. */
static enum tb_decode_status take_frames(struct decoding *d, const char *container, AVCodecContext *codec,
                                         AVFrame *frame)
{
    enum tb_decode_status status = TB_DECODE_OK;

    while (!status && !d->cut && avcodec_receive_frame(codec, frame) == 0) {
        status = add_frame(d, container, frame);
        av_frame_unref(frame);
    }
    return status;
}

static enum tb_decode_status read_packets(struct decoding *d, const char *container, AVFormatContext *format,
                                          int stream, AVCodecContext *codec)
{
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    enum tb_decode_status status = TB_DECODE_OK;

    if (!packet || !frame)
        status = decode_fail(d, TB_DECODE_TROUBLE, "out of memory");
    while (!status && !d->cut && av_read_frame(format, packet) == 0) {
        if (packet->stream_index == stream && avcodec_send_packet(codec, packet) == 0)
            status = take_frames(d, container, codec, frame);
        av_packet_unref(packet);
    }
    if (!status && !d->cut) {
        avcodec_send_packet(codec, NULL);
        status = take_frames(d, container, codec, frame);
    }
    if (!status && d->rate == 0)
        status = decode_fail(d, TB_DECODE_BROKEN, "the %s file holds no samples that can be decoded", container);
    av_packet_free(&packet);
    av_frame_free(&frame);
    return status;
}

/* -1: none. av_find_best_stream() would pass over bare AAC, whose rate only the first frame tells. */
static int first_audio_stream(const AVFormatContext *format)
{
    for (unsigned i = 0; i < format->nb_streams; i++)
        if (format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
            return (int)i;
    return -1;
}

/* The first audio stream, by libavcodec's decoder for it; only AAC and ALAC. */
static enum tb_decode_status decode_stream(struct decoding *d, const char *container, AVFormatContext *format)
{
    int stream = first_audio_stream(format);
    const AVCodecParameters *par = stream < 0 ? NULL : format->streams[stream]->codecpar;
    const AVCodec *decoder = par ? avcodec_find_decoder(par->codec_id) : NULL;
    AVCodecContext *codec;
    enum tb_decode_status status;

    if (!par || par->codec_id == AV_CODEC_ID_NONE) /* a cut file's index may end before it names the codec */
        return decode_fail(d, TB_DECODE_BROKEN, "the %s file has no sound", container);
    if (!decoder || (par->codec_id != AV_CODEC_ID_AAC && par->codec_id != AV_CODEC_ID_ALAC))
        return decode_fail(d, TB_DECODE_FORMAT, "a %s file with %s inside is not taken; AAC is", container,
                           avcodec_get_name(par->codec_id));
    codec = avcodec_alloc_context3(decoder);
    if (!codec)
        return decode_fail(d, TB_DECODE_TROUBLE, "out of memory");
    codec->thread_count = 1;
    codec->pkt_timebase = format->streams[stream]->time_base;
    if (avcodec_parameters_to_context(codec, par) < 0 || avcodec_open2(codec, decoder, NULL) < 0)
        status = decode_fail(d, TB_DECODE_BROKEN, "the %s file's %s stream cannot be opened", container,
                             avcodec_get_name(par->codec_id));
    else
        status = read_packets(d, container, format, stream, codec);
    avcodec_free_context(&codec);
    return status;
}

/* Open the file and decode it; format and what it holds are gone afterwards, io is the caller's. */
static enum tb_decode_status decode_from(struct decoding *d, const char *container, const AVInputFormat *demuxer,
                                         AVIOContext *io)
{
    AVFormatContext *format = avformat_alloc_context();
    enum tb_decode_status status;

    if (!format)
        return decode_fail(d, TB_DECODE_TROUBLE, "out of memory");
    format->io_open = open_nothing;
    format->pb = io;
    if (avformat_open_input(&format, NULL, demuxer, NULL) < 0) /* frees format when it fails */
        return decode_fail(d, TB_DECODE_BROKEN, "the %s file cannot be read", container);
    status = decode_stream(d, container, format);
    avformat_close_input(&format);
    return status;
}

enum tb_decode_status decode_file(struct decoding *d)
{
    struct tb_sniff kind = tb_sniff((struct tb_str){ (const char *)d->bytes, d->size });
    const AVInputFormat *demuxer = av_find_input_format(kind.container == TB_CONTAINER_ADTS ? "aac" : "mov");
    struct cursor cursor = { d->bytes, (int64_t)d->size, 0 };
    uint8_t *piece = av_malloc(IO_PIECE);
    AVIOContext *io = piece ? avio_alloc_context(piece, IO_PIECE, 0, &cursor, cursor_read, NULL, cursor_seek) : NULL;
    enum tb_decode_status status;

    av_log_set_level(AV_LOG_QUIET);
    if (!demuxer || !io) {
        av_free(piece);
        return decode_fail(d, TB_DECODE_TROUBLE, "out of memory");
    }
    status = decode_from(d, kind.name, demuxer, io);
    av_freep(&io->buffer); /* not always the piece that it began with */
    avio_context_free(&io);
    return status;
}
