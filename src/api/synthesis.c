/* synthesis.c - surface C: text to speech over HTTP, whole or as server-sent events (docs/API.md).
 *
 * A worker checks the request and finds the voice; the loop's thread opens a stream and gathers its audio, writing each
 * piece out at once when the client asked for events; a worker stores the file; the loop's thread sends the URL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/http.h"
#include "api/options.h"
#include "api/stream.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "text/utf8.h"

enum { WAV_HEADER = 44 };

struct tb_synthesis {
    struct tb_options options;
    struct tb_voice_info voice;
    struct tb_bytes print;
    struct tb_str text; /* in x->request */
    const struct tb_model *model;
    size_t characters;
    struct tb_stream *stream;
    struct tb_timer limit;
    struct tb_bytes audio; /* the file: for wav with room for the header in front */
    int64_t audio_ms;
    unsigned frames;
    int64_t expires_s;
    char url[512];
};

/* The request, on a worker ------------------------------------------------------------------------------------------*/

/* A member of input, or else of parameters: SDKs use either (docs/API.md). */
static json_t *pick(const struct tb_exchange *x, const char *name)
{
    json_t *value = tb_json_member(tb_json_member(x->request, "input"), name);

    return value ? value : tb_json_member(tb_json_member(x->request, "parameters"), name);
}

static bool check_model(struct tb_exchange *x, const struct tb_model **model)
{
    struct tb_str name;

    if (!tb_request_model(x, &name))
        return false;
    *model = tb_voices_model(x->api->config.voices, name);
    if (*model ? (*model)->realtime : tb_str_eq(name, "qwen-voice-enrollment"))
        return tb_problem_set(&x->problem, TB_P_ENDPOINT, NULL, NULL);
    return *model || tb_problem_set(&x->problem, TB_P_MODEL_UNKNOWN, NULL, NULL);
}

static bool check_text(struct tb_exchange *x, struct tb_synthesis *s)
{
    const json_t *value = tb_json_member(tb_json_member(x->request, "input"), "text");
    size_t count, space, most = x->api->config.max_text;
    char got[64], limit[24];

    s->text = tb_json_str(json_is_string(value) ? value : NULL);
    for (space = 0; space < s->text.n && memchr(" \t\r\n", s->text.p[space], 4);)
        space++;
    if (!value || (json_is_string(value) && space == s->text.n))
        return tb_problem_set(&x->problem, TB_P_FIELD_MISSING, "input.text", NULL);
    tb_json_show(value, got);
    if (!json_is_string(value))
        return tb_problem_set(&x->problem, TB_P_FIELD, "text", "Got %s: a string is needed.", got);
    count = tb_utf8_count(s->text);
    snprintf(limit, sizeof limit, "%zu", most);
    if (count > most)
        return tb_problem_set(&x->problem, TB_P_TEXT_LENGTH, limit, "Got %zu characters.", count);
    s->characters = tb_text_weight(s->text);
    return true;
}

static bool check_options(struct tb_exchange *x, struct tb_synthesis *s)
{
    const json_t *parameters = tb_json_member(x->request, "parameters");
    char why[TB_OPTION_WHY];

    tb_json_show(parameters, why);
    if (parameters && !json_is_object(parameters))
        return tb_problem_set(&x->problem, TB_P_FIELD, "parameters", "Got %s: an object is needed.", why);
    tb_options_init(&s->options, TB_FORMAT_WAV);
    for (size_t i = 0; i < tb_options_count(); i++) {
        const char *name = tb_options_name(i);
        const json_t *value = pick(x, name);

        if (value && tb_options_take(&s->options, name, value, why) == TB_OPTION_BAD)
            return tb_problem_set(&x->problem, TB_P_FIELD, name, "%s", why);
    }
    const char *refused = tb_options_refused(&s->options, s->model->engine, why);
    return !refused || tb_problem_set(&x->problem, TB_P_FIELD, refused, "%s", why);
}

/* Audio, on the loop's thread ---------------------------------------------------------------------------------------*/

static bool wav(const struct tb_synthesis *s)
{
    return s->options.format == TB_FORMAT_WAV;
}

static void stop(struct tb_exchange *x)
{
    struct tb_synthesis *s = x->synthesis;

    tb_timer_stop(&x->api->timers, &s->limit);
    tb_stream_close(s->stream);
    s->stream = NULL;
}

/* One frame. status 200: event result. Takes what is in data (one line of JSON) and returns the bytes written. */
static size_t write_frame(struct tb_exchange *x, int status, const struct tb_bytes *data)
{
    struct tb_bytes frame = { 0 };
    size_t n = 0;

    if (!x->headed)
        tb_exchange_head(x, 200, "text/event-stream; charset=utf-8", -1,
                         "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n");
    tb_bytes_addf(&frame, "id:%u\nevent:%s\n:HTTP_STATUS/%d\ndata:", ++x->synthesis->frames,
                  status == 200 ? "result" : "error", status);
    tb_bytes_add(&frame, data->data, data->size);
    if (!tb_bytes_addz(&frame, "\n\n")) {
        x->reply.write(x->reply.ctx, frame.data, frame.size);
        n = frame.size;
    }
    tb_bytes_free(&frame);
    return n;
}

/* The end without an answer: as a real status while there is still time for one, else as an error frame. */
static void fail(struct tb_exchange *x)
{
    char *json;

    stop(x);
    if (!x->headed) {
        tb_exchange_answer(x);
        return;
    }
    tb_log(TB_LOG_ERROR, "failed", "request=%s detail=\"%s\"", x->request_id, x->problem.detail);
    if ((json = tb_problem_json(&x->problem, x->request_id))) {
        struct tb_bytes data = { .data = (uint8_t *)json, .size = strlen(json) };

        write_frame(x, tb_problem_status(&x->problem), &data);
        free(json);
    }
    x->api->counters.failed++;
    tb_exchange_end(x);
}

static void on_limit(void *arg)
{
    struct tb_exchange *x = arg;

    tb_problem_set(&x->problem, TB_P_TIMEOUT, NULL, "synthesis took over %lld ms",
                   (long long)x->api->config.synthesis_ms);
    fail(x);
}

static void on_audio(void *ctx, const uint8_t *bytes, size_t n)
{
    struct tb_exchange *x = ctx;
    struct tb_synthesis *s = x->synthesis;
    struct tb_bytes data = { 0 };
    size_t wire = n;

    if (tb_bytes_add(&s->audio, bytes, n)) {
        tb_problem_set(&x->problem, TB_P_INTERNAL, NULL, "audio of over %zu bytes", s->audio.cap);
        fail(x);
        return;
    }
    if (x->sse) {
        tb_bytes_addz(&data, "{\"output\":{\"finish_reason\":\"null\",\"audio\":{\"data\":\"");
        tb_base64_encode(bytes, n, &data);
        tb_bytes_addf(&data, "\",\"expires_at\":%lld,\"id\":\"audio_%s\"}},\"usage\":{\"characters\":%zu},"
                             "\"request_id\":\"%s\"}",
                      (long long)(tb_now_ms() / 1000), x->request_id, s->characters, x->request_id);
        wire = write_frame(x, 200, &data);
        tb_bytes_free(&data);
    }
    tb_stream_sent(s->stream, n, wire);
    if (!x->sse)
        tb_stream_taken(s->stream, wire);
}

/* The file is stored: the answer, or the last frame. */
static void finish(struct tb_exchange *x)
{
    struct tb_synthesis *s = x->synthesis;
    char id[TB_REQUEST_ID + 8];
    struct tb_bytes data = { 0 };
    json_t *audio, *answer;

    snprintf(id, sizeof id, "audio_%s", x->request_id);
    audio = json_pack("{s:s, s:I, s:s, s:s}", "data", "", "expires_at", (json_int_t)s->expires_s, "id", id, "url",
                      s->url);
    answer = json_pack("{s:{s:o, s:s}, s:{s:I}, s:s}", "output", "audio", audio, "finish_reason", "stop", "usage",
                       "characters", (json_int_t)s->characters, "request_id", x->request_id);
    x->answer = tb_json_text(answer);
    if (!x->sse) {
        tb_exchange_answer(x);
        return;
    }
    tb_bytes_addz(&data, x->answer ? x->answer : "");
    if (data.size)
        write_frame(x, 200, &data);
    tb_bytes_free(&data);
    tb_exchange_end(x);
}

/* A failure after the worker's turn comes here instead of finish. */
static void after_store(struct tb_exchange *x)
{
    struct tb_problem *p = &x->problem;

    if (p->kind)
        fail(x);
    else
        finish(x);
}

/* The base of audio URLs: as configured, else the host that the client knows us by. */
static void base_url(const struct tb_exchange *x, char *out, size_t room)
{
    bool ok = x->host.n > 0 && x->host.n < 256;

    if (x->api->config.public_url) {
        size_t n = strlen(x->api->config.public_url);

        snprintf(out, room, "%.*s", (int)(n && x->api->config.public_url[n - 1] == '/' ? n - 1 : n),
                 x->api->config.public_url);
        return;
    }
    for (size_t i = 0; ok && i < x->host.n; i++) {
        char c = x->host.p[i];

        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr(".-:[]_", c));
    }
    snprintf(out, room, "http://%.*s", ok ? (int)x->host.n : 9, ok ? x->host.p : "localhost");
}

/* On a worker: the file, its URL, the ledger. */
static void store_audio(struct tb_exchange *x)
{
    struct tb_synthesis *s = x->synthesis;
    char name[64], signature[48], base[300];
    struct tb_error err = { 0 };
    enum tb_code rc;

    if (wav(s))
        tb_wav_header(s->audio.data, (uint32_t)s->options.sample_rate, (uint32_t)(s->audio.size - WAV_HEADER));
    s->expires_s = tb_now_ms() / 1000 + TB_AUDIO_URL_SECONDS;
    rc = tb_store_file_put(x->api->config.store, tb_bytes_str(&s->audio), tb_format_name(s->options.format),
                           s->expires_s * 1000, name, &err);
    if (!rc)
        rc = tb_voices_used(x->api->config.voices, x->account, tb_str_of(s->voice.id), (int64_t)s->characters,
                            s->audio_ms, &err);
    if (rc && rc != TB_EVOICE) { /* deleted while it spoke: let it finish */
        tb_problem_from(&x->problem, rc, &err);
        return;
    }
    tb_store_file_sign(x->api->config.store, name, s->expires_s, signature);
    base_url(x, base, sizeof base);
    snprintf(s->url, sizeof s->url, "%s/files/%s?Expires=%lld&Signature=%s", base, name, (long long)s->expires_s,
             signature);
}

/* The request was checked and the voice found: what speech cannot read now (a damaged print) is our fault. */
static void problem_of_speech(struct tb_exchange *x, enum tb_code rc, const struct tb_error *err)
{
    if (rc == TB_EBUSY || rc == TB_ELOAD)
        tb_log(TB_LOG_WARN, "full", "request=%s detail=\"%s\"", x->request_id, err->text);
    tb_problem_from(&x->problem, rc == TB_EINVAL || rc == TB_EVOICE ? TB_EINTERNAL : rc, err);
}

static void on_drained(void *ctx)
{
    (void)ctx; /* finish was called with the text: done follows */
}

static void on_done(void *ctx, enum tb_code code, const struct tb_error *err)
{
    struct tb_exchange *x = ctx;
    struct tb_synthesis *s = x->synthesis;

    if (code) {
        problem_of_speech(x, code, err);
        fail(x);
        return;
    }
    s->audio_ms = tb_stream_audio_ms(s->stream);
    stop(x);
    x->api->counters.characters += s->characters;
    tb_exchange_work(x, x->api->quick, false, store_audio, after_store);
}

static enum tb_code open_stream(struct tb_exchange *x, struct tb_error *err)
{
    struct tb_synthesis *s = x->synthesis;
    const struct tb_stream_events events = { .audio = on_audio, .drained = on_drained, .done = on_done, .ctx = x };
    struct tb_utterance_config config = { .engine = s->model->engine, .print = tb_bytes_str(&s->print),
                                          .whole = !x->sse, .expected = tb_utf8_count(s->text) };
    static const uint8_t header[WAV_HEADER];
    enum tb_code rc;

    tb_options_apply(&s->options, &s->voice, &config);
    if (wav(s))
        config.format = TB_FORMAT_PCM; /* the header is ours: only now is the length known, and events carry none */
    s->audio.cap = TB_MAX_HTTP_AUDIO;
    if ((wav(s) && (rc = tb_bytes_add(&s->audio, header, sizeof header))) ||
        (rc = tb_stream_open(x->api->config.speech, &x->api->box, &config, &events, &s->stream, err)))
        return rc;
    return tb_stream_text(s->stream, s->text, err);
}

/* On the loop's thread, the voice being found. */
static void begin(struct tb_exchange *x)
{
    struct tb_synthesis *s = x->synthesis;
    struct tb_error err = { 0 };
    enum tb_code rc = open_stream(x, &err);

    tb_bytes_free(&s->print);
    if (rc) {
        problem_of_speech(x, rc, &err);
        fail(x);
        return;
    }
    tb_stream_finish(s->stream);
    s->limit.fn = on_limit;
    s->limit.arg = x;
    tb_timer_set(&x->api->timers, &s->limit, x->api->config.synthesis_ms);
}

/* The voice, on a worker --------------------------------------------------------------------------------------------*/

/* On a heavy worker: the voice needs a new print first, which takes seconds. */
static void renew_voice(struct tb_exchange *x)
{
    struct tb_synthesis *s = x->synthesis;
    struct tb_error err = { 0 };
    enum tb_code rc = tb_voices_renew(x->api->config.voices, x->account, tb_json_str(pick(x, "voice")), s->model,
                                      &s->voice, &s->print, &err);

    if (rc)
        tb_problem_from(&x->problem, rc, &err);
    else
        x->then = begin;
}

static void find_voice(struct tb_exchange *x)
{
    struct tb_synthesis *s = x->synthesis;
    const json_t *value = pick(x, "voice");
    struct tb_error err = { 0 };
    char got[64];
    enum tb_code rc;

    tb_json_show(value, got);
    if (!value) {
        tb_problem_set(&x->problem, TB_P_FIELD_MISSING, "input.voice", NULL);
    } else if (!json_is_string(value)) {
        tb_problem_set(&x->problem, TB_P_FIELD, "voice", "Got %s: a string is needed.", got);
    } else {
        rc = tb_voices_find(x->api->config.voices, x->account, tb_json_str(value), s->model, &s->voice, &s->print,
                            &err);
        if (rc == TB_ERENEW)
            x->more = renew_voice;
        else if (rc)
            tb_problem_from(&x->problem, rc, &err);
        else
            x->then = begin;
    }
}

void tb_synthesis_run(struct tb_exchange *x)
{
    const struct tb_model *model;
    struct tb_synthesis *s;
    json_t *input;

    if (!check_model(x, &model) || !tb_request_input(x, &input))
        return;
    if (!(s = x->synthesis = calloc(1, sizeof *s))) {
        tb_problem_set(&x->problem, TB_P_BUSY, NULL, NULL);
        return;
    }
    s->model = model;
    if (check_text(x, s) && check_options(x, s))
        find_voice(x);
}

void tb_synthesis_taken(struct tb_exchange *x, size_t n)
{
    if (x->sse && x->synthesis && x->synthesis->stream)
        tb_stream_taken(x->synthesis->stream, n);
}

void tb_synthesis_stop(struct tb_exchange *x)
{
    if (x->synthesis)
        stop(x);
}

void tb_synthesis_free(struct tb_exchange *x)
{
    if (!x->synthesis)
        return;
    tb_bytes_free(&x->synthesis->print);
    tb_bytes_free(&x->synthesis->audio);
    free(x->synthesis);
}
