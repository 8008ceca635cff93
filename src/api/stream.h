/* stream.h - an utterance as the loop's thread sees it.
 *
 * speech calls back on its worker thread; a stream carries each event over to the loop's thread, drops what is still
 * under way when its owner closes it, gathers the audio into pieces of 40 to 160 ms, and tells speech how much of it
 * the socket has taken. All calls and all events on the loop's thread. */
#ifndef TB_API_STREAM_H
#define TB_API_STREAM_H

#include "api/mail.h"

struct tb_stream;

/* An event may close the stream that it comes from. */
struct tb_stream_events {
    /* A piece: of pcm and wav a whole number of samples. */
    void (*audio)(void *ctx, const uint8_t *bytes, size_t n);
    void (*drained)(void *ctx);
    /* The end, once, after the last piece. */
    void (*done)(void *ctx, enum tb_code code, const struct tb_error *err);
    void *ctx;
};

/* config->events is filled in here. Errors are those of tb_utterance_open. */
enum tb_code tb_stream_open(struct tb_speech *speech, struct tb_mailbox *box, const struct tb_utterance_config *config,
                            const struct tb_stream_events *events, struct tb_stream **out, struct tb_error *err);
enum tb_code tb_stream_text(struct tb_stream *stream, struct tb_str text, struct tb_error *err);
void tb_stream_flush(struct tb_stream *stream);
void tb_stream_finish(struct tb_stream *stream);
/* A piece of n bytes was written to the client as `wire` bytes (base64, JSON around it). */
void tb_stream_sent(struct tb_stream *stream, size_t n, size_t wire);
/* The socket has taken so many of these. Speech pauses when too much waits. */
void tb_stream_taken(struct tb_stream *stream, size_t wire);
/* Audio made so far. */
int64_t tb_stream_audio_ms(const struct tb_stream *stream);
/* Stop at once and release. No event comes any more. NULL is fine. */
void tb_stream_close(struct tb_stream *stream);

#endif
