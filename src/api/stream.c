/* stream.c - see stream.h.
 *
 * Each event travels as a parcel that holds a reference; the count is atomic because the worker takes references, but
 * `closed` belongs to the loop's thread alone: a parcel that arrives after the owner has closed finds it set. */
#include "api/stream.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

enum { PIECE_LEAST_MS = 40, PIECE_MOST_MS = 160, CODED_LEAST = 256, CODED_MOST = 8192 };

struct tb_stream {
    _Atomic int refs;
    bool closed;
    struct tb_mailbox *box;
    struct tb_utterance *utterance;
    struct tb_stream_events events;
    size_t least, most; /* bytes of a piece */
    uint32_t rate_hz;
    uint64_t samples;
    uint64_t audio_sent, wire_sent, audio_taken, wire_taken;
    struct tb_bytes gathered;
    struct tb_error failed; /* out of memory on the way: told by done */
};

enum parcel_kind { AUDIO, DRAINED, DONE };

struct parcel {
    struct tb_mail mail;
    struct tb_stream *stream;
    enum parcel_kind kind;
    uint64_t samples;
    struct tb_error err; /* DONE */
    size_t n;
    uint8_t bytes[];
};

static void unref(struct tb_stream *s)
{
    if (atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    tb_bytes_free(&s->gathered);
    free(s);
}

/* Hand out pieces while at least `least` bytes wait. */
static void hand_out(struct tb_stream *s, size_t least)
{
    size_t at = 0;

    while (!s->closed && s->gathered.size - at >= least && s->gathered.size > at) {
        size_t n = s->gathered.size - at < s->most ? s->gathered.size - at : s->most;

        s->events.audio(s->events.ctx, s->gathered.data + at, n);
        at += n;
    }
    tb_bytes_drop(&s->gathered, at);
}

static void unpack(struct tb_stream *s, const struct parcel *p)
{
    switch (p->kind) {
    case AUDIO:
        s->samples += p->samples;
        if (tb_bytes_add(&s->gathered, p->bytes, p->n))
            tb_fail(&s->failed, TB_ENOMEM, "%zu bytes of audio", s->gathered.size + p->n);
        hand_out(s, s->least);
        break;
    case DRAINED:
        hand_out(s, 1);
        if (!s->closed)
            s->events.drained(s->events.ctx);
        break;
    case DONE:
        hand_out(s, 1);
        if (!s->closed)
            s->events.done(s->events.ctx, s->failed.code ? s->failed.code : p->err.code,
                           s->failed.code ? &s->failed : &p->err);
        break;
    }
}

static void deliver(struct tb_mail *mail)
{
    struct parcel *p = TB_HOLDER(mail, struct parcel, mail);
    struct tb_stream *s = p->stream;

    if (!s->closed)
        unpack(s, p);
    free(p);
    unref(s);
}

/* On a thread of speech. Without memory the event is lost; only a lost end would hang, and it is small. */
static struct parcel *parcel_new(struct tb_stream *s, enum parcel_kind kind, const void *bytes, size_t n)
{
    struct parcel *p = malloc(sizeof *p + n);

    if (!p)
        return NULL;
    *p = (struct parcel){ .mail = { .fn = deliver }, .stream = s, .kind = kind, .n = n };
    if (n)
        memcpy(p->bytes, bytes, n);
    atomic_fetch_add(&s->refs, 1);
    return p;
}

static void on_audio(void *ctx, const void *bytes, size_t n, uint64_t samples)
{
    struct tb_stream *s = ctx;
    struct parcel *p = parcel_new(s, AUDIO, bytes, n);

    if (!p)
        return;
    p->samples = samples;
    tb_mail_post(s->box, &p->mail);
}

static void on_drained(void *ctx)
{
    struct tb_stream *s = ctx;
    struct parcel *p = parcel_new(s, DRAINED, NULL, 0);

    if (p)
        tb_mail_post(s->box, &p->mail);
}

static void on_done(void *ctx, enum tb_code code, const struct tb_error *err)
{
    struct tb_stream *s = ctx;
    struct parcel *p = parcel_new(s, DONE, NULL, 0);

    if (!p)
        return;
    if (err)
        p->err = *err;
    p->err.code = code;
    tb_mail_post(s->box, &p->mail);
}

enum tb_code tb_stream_open(struct tb_speech *speech, struct tb_mailbox *box, const struct tb_utterance_config *config,
                            const struct tb_stream_events *events, struct tb_stream **out, struct tb_error *err)
{
    bool samples = config->format == TB_FORMAT_PCM || config->format == TB_FORMAT_WAV;
    struct tb_stream *s = calloc(1, sizeof *s);
    struct tb_utterance_config c = *config;
    enum tb_code rc;

    *out = NULL;
    if (!s)
        return tb_fail(err, TB_ENOMEM, "a stream");
    s->refs = 1;
    s->box = box;
    s->events = *events;
    s->rate_hz = config->sample_rate;
    s->least = samples ? 2 * (size_t)(config->sample_rate * PIECE_LEAST_MS / 1000) : CODED_LEAST;
    s->most = samples ? 2 * (size_t)(config->sample_rate * PIECE_MOST_MS / 1000) : CODED_MOST;
    c.events = (struct tb_utterance_events){ .audio = on_audio, .drained = on_drained, .done = on_done, .ctx = s };
    if ((rc = tb_utterance_open(speech, &c, &s->utterance, err))) {
        unref(s);
        return rc;
    }
    *out = s;
    return TB_OK;
}

enum tb_code tb_stream_text(struct tb_stream *s, struct tb_str text, struct tb_error *err)
{
    return tb_utterance_text(s->utterance, text, err);
}

void tb_stream_flush(struct tb_stream *s)
{
    tb_utterance_flush(s->utterance);
}

void tb_stream_finish(struct tb_stream *s)
{
    tb_utterance_finish(s->utterance);
}

void tb_stream_sent(struct tb_stream *s, size_t n, size_t wire)
{
    s->audio_sent += n;
    s->wire_sent += wire;
}

void tb_stream_taken(struct tb_stream *s, size_t wire)
{
    uint64_t target, left = s->wire_sent - s->wire_taken;

    s->wire_taken += wire < left ? wire : left;
    target = s->wire_sent ? s->audio_sent * s->wire_taken / s->wire_sent : 0;
    if (target <= s->audio_taken)
        return;
    tb_utterance_taken(s->utterance, (size_t)(target - s->audio_taken));
    s->audio_taken = target;
}

int64_t tb_stream_audio_ms(const struct tb_stream *s)
{
    return (int64_t)(s->samples * 1000 / s->rate_hz);
}

void tb_stream_close(struct tb_stream *s)
{
    if (!s)
        return;
    s->closed = true;
    tb_utterance_close(s->utterance);
    s->utterance = NULL;
    unref(s);
}
