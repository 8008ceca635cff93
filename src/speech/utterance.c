/* utterance.c - one utterance: text to pieces, pieces to the engine, samples to the client's format. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "speech/speech.h"
#include "speech/speech_priv.h"
#include "text/utf8.h"

enum {
    VOLUME_AS_MADE = 50,
    FIRST_US = 150 * 1000,      /* a listener should hear the first sound so soon: who has less left goes before */
    WHOLE_US = 2 * 1000 * 1000, /* whole files are made as if someone listened who began so late */
    SILENT_PER_S = 5            /* a text in which nothing can be spoken is 1/5 s of silence */
};

/* Text -> pieces ---------------------------------------------------------------------------------------------------*/

static enum tb_code add_piece(struct tb_utterance *u, struct tb_str text, struct tb_error *err)
{
    struct tb_piece *piece;
    enum tb_lang lang = u->config.language;

    if (tb_str_blank(text)) /* nothing to say, and no language to say it in */
        return TB_OK;
    if (!(piece = malloc(sizeof *piece + text.n)))
        return tb_fail(err, TB_ENOMEM, "%zu bytes of text", text.n);
    if (lang == TB_LANG_AUTO)
        lang = tb_lang_detect(text, u->config.fallback);
    *piece = (struct tb_piece){ .lang = lang, .code_points = tb_utf8_count(text), .n = text.n };
    memcpy(piece->text, text.p, text.n);
    *u->last = piece;
    u->last = &piece->next;
    u->pending += piece->code_points;
    return TB_OK;
}

/* Move what the segmenter has ready into pieces. With speech.lock held. */
static enum tb_code take_segments(struct tb_utterance *u, struct tb_error *err)
{
    struct tb_str segment;
    enum tb_code rc = TB_OK;

    while (!rc && tb_segmenter_next(&u->segmenter, &segment))
        rc = add_piece(u, segment, err);
    if (u->first && !u->asked_us)
        u->asked_us = u->speech->now_us();
    if (u->first)
        u->drained = false;
    return rc;
}

/* Does the segmenter hold more than the white space after the last sentence? */
static bool text_waits(const struct tb_utterance *u)
{
    const struct tb_segmenter *s = &u->segmenter;

    return s->text.size > s->given &&
           !tb_str_blank((struct tb_str){ (const char *)s->text.data + s->given, s->text.size - s->given });
}

static void drop_piece(struct tb_utterance *u)
{
    struct tb_piece *piece = u->first;

    u->first = piece->next;
    if (!u->first)
        u->last = &u->first;
    u->pending -= piece->code_points;
    free(piece);
}

bool tb_utterance_ready(const struct tb_utterance *u)
{
    if (u->runner || u->closed || u->ended || u->waiting_bytes > TB_MAX_OUTBOX)
        return false;
    return u->first || u->more || u->finishing || !u->drained;
}

bool tb_utterance_hears(const struct tb_utterance *u)
{
    return u->heard_us && u->asked_us < u->heard_us;
}

int64_t tb_utterance_deadline(const struct tb_utterance *u)
{
    int64_t wanted = u->asked_us + FIRST_US;

    if (u->config.whole)
        return u->asked_us + WHOLE_US + u->made_us;
    return u->asked_us && wanted > u->heard_us ? wanted : u->heard_us;
}

/* What is left to make of the piece given to the engine. */
static int64_t in_work_us(const struct tb_utterance *u)
{
    int64_t left = tb_speech_length_of_us(u, u->in_work) - (u->made_us - u->spoken_us);

    return left > 0 ? left : 0;
}

int64_t tb_utterance_left_us(const struct tb_utterance *u)
{
    size_t given = u->spoken + u->in_work, expected = u->config.expected > given ? u->config.expected - given : 0;

    return in_work_us(u) + tb_speech_length_of_us(u, u->pending > expected ? u->pending : expected);
}

int64_t tb_utterance_next_us(const struct tb_utterance *u)
{
    int64_t piece = u->in_work ? in_work_us(u) : u->first ? tb_speech_length_of_us(u, u->first->code_points) : 0;
    int64_t step = tb_speech_step_us(u->speech, u->config.engine, !u->made_us);

    return step && step < piece ? step : piece;
}

/* Samples -> client ------------------------------------------------------------------------------------------------*/

/* Hand encoded bytes over. False: the owner has closed, so stop. */
static bool deliver(struct tb_utterance *u, uint64_t samples)
{
    bool listening;

    pthread_mutex_lock(&u->event_lock);
    listening = !atomic_load(&u->muted);
    if (listening && u->encoded.size) {
        pthread_mutex_lock(&u->speech->lock);
        u->waiting_bytes += u->encoded.size;
        pthread_mutex_unlock(&u->speech->lock);
        u->config.events.audio(u->config.events.ctx, u->encoded.data, u->encoded.size, samples);
    }
    pthread_mutex_unlock(&u->event_lock);
    u->encoded.size = 0;
    return listening;
}

static uint64_t out_samples(const struct tb_utterance *u, size_t len)
{
    return (uint64_t)len * u->config.sample_rate / u->config.engine->ops->rate_hz;
}

static void account_audio(struct tb_utterance *u, size_t len)
{
    struct tb_speech *s = u->speech;
    int64_t us = (int64_t)len * 1000000 / u->config.engine->ops->rate_hz;

    pthread_mutex_lock(&s->lock);
    int64_t now = s->now_us();
    if (now > u->heard_us) { /* the listener hears this at once */
        if (tb_utterance_hears(u) && !u->config.whole)
            s->stats.underruns++;
        u->heard_us = now;
    }
    u->heard_us += us;
    u->made_us += us;
    s->stats.audio_us += (uint64_t)us;
    pthread_mutex_unlock(&s->lock);
}

/* tb_sink.pcm: volume, format, delivery. */
static bool take_samples(void *ctx, const float *samples, size_t len)
{
    struct tb_utterance *u = ctx;
    float gain = (float)u->config.volume / VOLUME_AS_MADE, loud[1024];

    for (size_t at = 0; at < len && !u->sink_code;) {
        size_t n = len - at < 1024 ? len - at : 1024;

        for (size_t i = 0; i < n; i++)
            loud[i] = gain * samples[at + i];
        u->sink_code = tb_encoder_feed(u->encoder, loud, n, &u->encoded, NULL);
        at += n;
    }
    if (u->sink_code)
        return false;
    account_audio(u, len);
    return deliver(u, out_samples(u, len));
}

static void end(struct tb_utterance *u, enum tb_code code, const struct tb_error *err)
{
    pthread_mutex_lock(&u->speech->lock);
    u->ended = true;
    pthread_mutex_unlock(&u->speech->lock);
    pthread_mutex_lock(&u->event_lock);
    if (!atomic_load(&u->muted))
        u->config.events.done(u->config.events.ctx, code, err);
    pthread_mutex_unlock(&u->event_lock);
}

/* Had the text nothing that can be spoken ("...", a script that no language here has), what comes out is still
 * something to play, in every format. False: the owner has closed. */
static bool some_sound(struct tb_utterance *u)
{
    static const float silence[1024];
    size_t left = u->made_us || !u->spoken ? 0 : u->config.engine->ops->rate_hz / SILENT_PER_S;

    for (size_t n; left; left -= n) {
        n = left < 1024 ? left : 1024;
        if (!take_samples(u, silence, n))
            return false;
    }
    return true;
}

static void finish(struct tb_utterance *u)
{
    struct tb_error err = { 0 };

    if (!some_sound(u) && !u->sink_code)
        return;

    enum tb_code rc = u->sink_code ? u->sink_code : tb_encoder_finish(u->encoder, &u->encoded, &err);

    if (!rc && !deliver(u, 0))
        return;
    end(u, rc, &err);
}

/* Nothing is left to speak: finish, or say so once. */
static void rest(struct tb_utterance *u)
{
    bool finishing, already;

    pthread_mutex_lock(&u->speech->lock);
    if (u->first) { /* text that came since next_piece looked: the next step speaks it */
        pthread_mutex_unlock(&u->speech->lock);
        return;
    }
    finishing = u->finishing;
    already = u->drained || text_waits(u);
    u->drained = true;
    u->asked_us = 0;
    pthread_mutex_unlock(&u->speech->lock);
    if (finishing) {
        finish(u);
        return;
    }
    pthread_mutex_lock(&u->event_lock);
    if (!already && !atomic_load(&u->muted))
        u->config.events.drained(u->config.events.ctx);
    pthread_mutex_unlock(&u->event_lock);
}

/* Give the engine the next piece. False: there is none. */
static bool next_piece(struct tb_utterance *u, enum tb_code *rc, struct tb_error *err)
{
    struct tb_piece *piece;

    pthread_mutex_lock(&u->speech->lock);
    piece = u->first;
    if (piece) {
        u->speech->stats.segments++;
        u->in_work = piece->code_points;
    }
    pthread_mutex_unlock(&u->speech->lock);
    if (!piece)
        return false;
    /* Only this step takes pieces away, so the first one stays while it is read without the lock. */
    *rc = tb_session_text(u->session, (struct tb_str){ piece->text, piece->n }, piece->lang, err);
    pthread_mutex_lock(&u->speech->lock);
    drop_piece(u);
    pthread_mutex_unlock(&u->speech->lock);
    return true;
}

/* All audio of the piece in work is made. With the lock held. */
static void end_piece(struct tb_utterance *u)
{
    tb_speech_note_length(u->speech, u->in_work * tb_speech_letters(&u->config), u->made_us - u->spoken_us);
    u->spoken += u->in_work;
    u->spoken_us = u->made_us;
    u->in_work = 0;
}

/* tb_sink.pause. */
static bool pause_step(void *ctx)
{
    return tb_speech_pause(ctx);
}

void tb_utterance_step(struct tb_utterance *u)
{
    const struct tb_sink sink = { .pcm = take_samples, .pause = pause_step, .ctx = u };
    struct tb_error err = { 0 };
    bool more = u->more;

    pthread_mutex_lock(&u->speech->lock);
    enum tb_code rc = u->lost;
    pthread_mutex_unlock(&u->speech->lock);
    if (rc) {
        tb_fail(&err, rc, "no memory for the text");
        end(u, rc, &err);
        return;
    }
    if (!more && !next_piece(u, &rc, &err)) {
        rest(u);
        return;
    }
    if (!rc)
        rc = tb_session_step(u->session, &sink, &more, &err);
    pthread_mutex_lock(&u->speech->lock);
    u->more = more && !rc;
    if (!u->more)
        end_piece(u);
    pthread_mutex_unlock(&u->speech->lock);
    if (rc == TB_ECANCELLED && u->sink_code)
        rc = tb_fail(&err, u->sink_code, "encoding %s failed", tb_format_name(u->config.format));
    if (rc)
        end(u, rc, &err); /* says nothing when the owner has closed */
}

/* The owner's side -------------------------------------------------------------------------------------------------*/

static enum tb_code open_parts(struct tb_utterance *u, struct tb_error *err)
{
    const struct tb_utterance_config *c = &u->config;
    const struct tb_speak speak = { .rate = c->rate, .pitch = c->pitch, .whole = c->whole };
    const struct tb_encode_config encode = { .format = c->format,
                                             .in_rate = c->engine->ops->rate_hz,
                                             .out_rate = c->sample_rate,
                                             .bit_rate_kbps = c->bit_rate_kbps };
    enum tb_code rc;

    tb_segmenter_init(&u->segmenter, !c->whole);
    if ((rc = tb_encoder_open(&encode, &u->encoder, err)))
        return rc;
    return tb_session_open(c->engine, c->print, &speak, &u->session, err);
}

enum tb_code tb_utterance_open(struct tb_speech *s, const struct tb_utterance_config *config,
                               struct tb_utterance **out, struct tb_error *err)
{
    struct tb_utterance *u = calloc(1, sizeof *u);
    enum tb_code rc;

    *out = NULL;
    if (!u)
        return tb_fail(err, TB_ENOMEM, "an utterance");
    u->speech = s;
    u->config = *config;
    u->last = &u->first;
    u->drained = true;
    pthread_mutex_init(&u->event_lock, NULL);
    if ((rc = open_parts(u, err))) {
        tb_utterance_destroy(u);
        return rc;
    }
    u->config.print = (struct tb_str){ NULL, 0 };

    pthread_mutex_lock(&s->lock);
    if ((rc = tb_speech_admit(s, config->engine, config->whole, config->expected * tb_speech_letters(config), err))) {
        s->stats.refused++;
        pthread_mutex_unlock(&s->lock);
        tb_utterance_destroy(u);
        return rc;
    }
    u->next = s->utterances;
    s->utterances = u;
    s->open++;
    s->stats.utterances++;
    pthread_mutex_unlock(&s->lock);
    *out = u;
    return TB_OK;
}

enum tb_code tb_utterance_text(struct tb_utterance *u, struct tb_str text, struct tb_error *err)
{
    size_t code_points = tb_utf8_count(text);
    enum tb_code rc;

    pthread_mutex_lock(&u->speech->lock);
    if (u->pending + code_points > TB_MAX_PENDING_TEXT)
        rc = tb_fail(err, TB_ETOOBIG, "%zu characters are waiting, at most %d may", u->pending + code_points,
                     TB_MAX_PENDING_TEXT);
    else if ((rc = tb_segmenter_add(&u->segmenter, text)))
        tb_fail(err, rc, "%zu characters are too much at once", code_points);
    else
        rc = take_segments(u, err);
    pthread_cond_signal(&u->speech->work);
    pthread_mutex_unlock(&u->speech->lock);
    return rc;
}

static void flush(struct tb_utterance *u, bool last)
{
    pthread_mutex_lock(&u->speech->lock);
    tb_segmenter_flush(&u->segmenter);
    if (!u->lost)
        u->lost = take_segments(u, NULL);
    u->drained = false;
    if (!u->asked_us)
        u->asked_us = u->speech->now_us();
    u->finishing |= last;
    pthread_cond_signal(&u->speech->work);
    pthread_mutex_unlock(&u->speech->lock);
}

void tb_utterance_flush(struct tb_utterance *u)
{
    flush(u, false);
}

void tb_utterance_finish(struct tb_utterance *u)
{
    flush(u, true);
}

void tb_utterance_taken(struct tb_utterance *u, size_t n)
{
    pthread_mutex_lock(&u->speech->lock);
    u->waiting_bytes = n < u->waiting_bytes ? u->waiting_bytes - n : 0;
    pthread_cond_signal(&u->speech->work);
    pthread_mutex_unlock(&u->speech->lock);
}

void tb_utterance_destroy(struct tb_utterance *u)
{
    while (u->first)
        drop_piece(u);
    tb_segmenter_free(&u->segmenter);
    tb_session_close(u->session);
    tb_encoder_close(u->encoder);
    tb_bytes_free(&u->encoded);
    pthread_mutex_destroy(&u->event_lock);
    free(u);
}

void tb_utterance_close(struct tb_utterance *u)
{
    struct tb_speech *s;

    if (!u)
        return;
    s = u->speech;
    pthread_mutex_lock(&u->event_lock);
    atomic_store(&u->muted, true);
    pthread_mutex_unlock(&u->event_lock);

    pthread_mutex_lock(&s->lock);
    u->closed = true;
    if (u->runner) /* perhaps it stands still: it goes on, to hear that it is over */
        pthread_cond_signal(&s->work);
    else
        tb_speech_bury(s, u);
    pthread_mutex_unlock(&s->lock);
}
