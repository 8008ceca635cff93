/* realtime_response.c - from text to responses (docs/API.md, Realtime).
 *
 * Responses stand in a queue; the head is spoken, so that no two are ever interleaved. In commit mode each commit adds
 * a closed one. In server_commit mode the last one stays open and takes all text as it comes, until a commit, the end
 * of the session, or a pause of TB_QUIET_MS during which all of it was spoken, closes it; the next text opens another.
 * A response is announced with its first audio: so a commit right behind its text is answered before, as documented. */
#include <stdlib.h>
#include <string.h>

#include "api/realtime.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "text/utf8.h"

static void pump(struct tb_dialogue *d);

static struct tb_response *last_of(const struct tb_dialogue *d)
{
    struct tb_response *r = d->first;

    while (r && r->next)
        r = r->next;
    return r;
}

bool tb_responses_open(const struct tb_dialogue *d)
{
    const struct tb_response *r = last_of(d);

    return r && !r->closed;
}

size_t tb_responses_waiting(const struct tb_dialogue *d)
{
    size_t n = 0;

    for (const struct tb_response *r = d->first; r; r = r->next)
        n += r->waiting;
    return n;
}

static bool quiet_long_enough(const struct tb_dialogue *d)
{
    return tb_mono_us() - d->append_us >= TB_QUIET_MS * 1000;
}

static void remove_head(struct tb_dialogue *d)
{
    struct tb_response *r = d->first;

    tb_stream_close(r->stream);
    d->first = r->next;
    if (!d->first)
        d->last = &d->first;
    d->responses--;
    tb_bytes_free(&r->text);
    free(r);
}

static void announce(struct tb_dialogue *d)
{
    if (d->first->announced)
        return;
    d->first->announced = true;
    tb_send_response_begin(d, d->first);
}

/* The head ends: what comes after it may begin. */
static void end_head(struct tb_dialogue *d, const char *status)
{
    struct tb_response *r = d->first;
    int64_t audio_ms = r->stream ? tb_stream_audio_ms(r->stream) : 0;

    announce(d);
    tb_send_response_end(d, r, status);
    tb_log(TB_LOG_INFO, "response", "session=%s response=%s status=%s account=%lld characters=%zu audio_ms=%lld", d->id,
           r->id, status, (long long)d->account, r->characters, (long long)audio_ms);
    d->api->counters.responses++;
    if (audio_ms)
        tb_api_note_use(d->api, d->account, d->config.voice, (int64_t)r->characters, audio_ms);
    remove_head(d);
    d->event_us = tb_mono_us();
    pump(d);
    if (!d->first)
        tb_dialogue_rested(d);
}

static void fail_head(struct tb_dialogue *d, enum tb_code code, const struct tb_error *err)
{
    bool full = code == TB_EBUSY || code == TB_ELOAD;

    announce(d);
    if (code == TB_ELANGUAGE)
        tb_send_error(d, "invalid_request_error", "invalid_value", err->text, "session.language_type", "");
    else if (full || code == TB_ENOMEM)
        tb_send_error(d, "server_error", "overloaded", "Too many requests. Please try again later.", "", "");
    else
        tb_send_error(d, "server_error", "internal_error", "inference internal error.", "", "");
    tb_log(full ? TB_LOG_WARN : TB_LOG_ERROR, "failed", "session=%s response=%s detail=\"%s\"", d->id,
           d->first->id, err->text);
    end_head(d, "failed");
}

static void on_audio(void *ctx, const uint8_t *bytes, size_t n)
{
    struct tb_dialogue *d = ctx;

    announce(d);
    tb_send_delta(d, d->first, bytes, n);
}

static void on_drained(void *ctx)
{
    struct tb_dialogue *d = ctx;

    if (!d->first->closed && quiet_long_enough(d)) {
        d->first->closed = true;
        tb_stream_finish(d->first->stream);
    }
}

static void on_done(void *ctx, enum tb_code code, const struct tb_error *err)
{
    struct tb_dialogue *d = ctx;

    if (code)
        fail_head(d, code, err);
    else
        end_head(d, "completed");
}

static enum tb_code open_head(struct tb_dialogue *d, struct tb_error *err)
{
    const struct tb_stream_events events = { .audio = on_audio, .drained = on_drained, .done = on_done, .ctx = d };
    struct tb_utterance_config config = { .engine = d->model->engine, .print = tb_bytes_str(&d->print) };
    struct tb_response *r = d->first;
    enum tb_code rc;

    tb_options_apply(&d->config.options, &d->voice, &config);
    config.expected = r->closed ? r->waiting : 0;
    d->foreign = d->outstanding;
    if ((rc = tb_stream_open(d->api->config.speech, &d->api->box, &config, &events, &r->stream, err)) ||
        (rc = tb_stream_text(r->stream, tb_bytes_str(&r->text), err)))
        return rc;
    tb_bytes_free(&r->text);
    r->waiting = 0;
    if (r->closed)
        tb_stream_finish(r->stream);
    else if (quiet_long_enough(d))
        tb_stream_flush(r->stream);
    return TB_OK;
}

/* Begin the head if it is not being spoken yet. */
static void pump(struct tb_dialogue *d)
{
    struct tb_error err = { 0 };
    enum tb_code rc;

    if (d->closing || !d->first || d->first->stream)
        return;
    rc = open_head(d, &err);
    if (rc)
        fail_head(d, rc, &err);
}

static struct tb_response *response_new(struct tb_dialogue *d, struct tb_error *err)
{
    struct tb_response *r;

    if (d->responses >= TB_MAX_RESPONSES) {
        tb_fail(err, TB_ETOOBIG, "%zu responses are waiting, at most %d may.", d->responses, TB_MAX_RESPONSES);
        return NULL;
    }
    if (!(r = calloc(1, sizeof *r))) {
        tb_fail(err, TB_ENOMEM, "No memory for a response.");
        return NULL;
    }
    tb_event_id(r->id, "resp_");
    tb_event_id(r->item_id, "item_");
    *d->last = r;
    d->last = &r->next;
    d->responses++;
    return r;
}

bool tb_responses_add(struct tb_dialogue *d, struct tb_str text, struct tb_error *err)
{
    struct tb_response *r = last_of(d);
    enum tb_code rc;

    if ((!r || r->closed) && !(r = response_new(d, err)))
        return false;
    rc = r->stream ? tb_stream_text(r->stream, text, err) : tb_bytes_add(&r->text, text.p, text.n);
    if (rc && !err->text[0])
        tb_fail(err, rc, "No memory for %zu bytes of text.", text.n);
    if (rc)
        return false;
    r->characters += tb_text_weight(text);
    if (!r->stream)
        r->waiting += tb_utf8_count(text);
    pump(d);
    return true;
}

void tb_responses_close_last(struct tb_dialogue *d)
{
    struct tb_response *r = last_of(d);

    if (!r || r->closed)
        return;
    r->closed = true;
    if (r->stream)
        tb_stream_finish(r->stream);
    else
        pump(d);
}

bool tb_responses_cancel(struct tb_dialogue *d)
{
    if (!d->first)
        return false;
    end_head(d, "incomplete");
    return true;
}

void tb_responses_quiet(struct tb_dialogue *d)
{
    if (d->first && d->first->stream && !d->first->closed)
        tb_stream_flush(d->first->stream); /* `drained` follows, and closes it */
}

void tb_responses_drop(struct tb_dialogue *d)
{
    while (d->first) {
        int64_t audio_ms = d->first->stream ? tb_stream_audio_ms(d->first->stream) : 0;

        if (audio_ms)
            tb_api_note_use(d->api, d->account, d->config.voice, (int64_t)d->first->characters, audio_ms);
        remove_head(d);
    }
}
