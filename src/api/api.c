/* api.c - see api.h: opening and closing, accounts, query strings, figures. */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

#include "api/api_priv.h"
#include "api/errors.h"
#include "api/ids.h"
#include "base/limits.h"
#include "base/log.h"

#define OPEN_LABEL "anonymous"

enum { QUICK_WORKERS = 2, HEAVY_WORKERS = 2 };

/* The account of a server without keys: it belongs to a key that was revoked at once, so that nobody can present it,
 * and it is the same one after a restart. */
static enum tb_code open_account(struct tb_api *api, struct tb_error *err)
{
    struct tb_key_info *keys;
    size_t count;
    char key[64];
    enum tb_code rc = tb_store_key_list(api->config.store, &keys, &count, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < count && !api->open_account; i++)
        if (strcmp(keys[i].label, OPEN_LABEL) == 0)
            api->open_account = keys[i].account;
    free(keys);
    if (api->open_account)
        return TB_OK;
    if ((rc = tb_store_key_add(api->config.store, OPEN_LABEL, 0, key, err)) ||
        (rc = tb_store_key_find(api->config.store, tb_str_of(key), &api->open_account, err)))
        return rc;
    return tb_store_key_revoke(api->config.store, key, err);
}

enum tb_code tb_api_open(const struct tb_api_config *config, struct tb_api **out, struct tb_error *err)
{
    struct tb_api *api = calloc(1, sizeof *api);
    int heavy = config->workers > 0 ? config->workers : HEAVY_WORKERS;
    enum tb_code rc;

    *out = NULL;
    if (!api)
        return tb_fail(err, TB_ENOMEM, "the api");
    api->config = *config;
    if (!api->config.max_text)
        api->config.max_text = TB_MAX_HTTP_TEXT;
    if (!api->config.synthesis_ms)
        api->config.synthesis_ms = TB_MAX_SYNTHESIS_MS;
    if (!api->config.idle_ms)
        api->config.idle_ms = 60000;
    if (!api->config.max_sessions)
        api->config.max_sessions = TB_MAX_CONNECTIONS;
    tb_mailbox_init(&api->box, &config->loop);
    tb_timers_init(&api->timers, &config->loop);
    if ((config->any_key && (rc = open_account(api, err))) ||
        (rc = tb_work_open(QUICK_WORKERS, TB_MAX_QUICK_QUEUE, &api->box, &api->quick, err)) ||
        (rc = tb_work_open(heavy, TB_MAX_WORK_QUEUE, &api->box, &api->heavy, err))) {
        tb_api_close(api);
        return rc;
    }
    *out = api;
    return TB_OK;
}

void tb_api_close(struct tb_api *api)
{
    if (!api)
        return;
    tb_speech_halt(api->config.speech); /* an enrolment under way waits for nobody */
    tb_work_close(api->quick);
    tb_work_close(api->heavy);
    api->quick = api->heavy = NULL;
    tb_exchange_end_all(api); /* closes their streams: from here on nobody posts */
    tb_dialogue_end_all(api);
    tb_mailbox_empty(&api->box);
    tb_mailbox_free(&api->box);
    free(api);
}

/* The token of "Bearer <token>", the scheme in any case; empty when it is something else. */
static struct tb_str bearer(struct tb_str header)
{
    static const char scheme[] = "Bearer ";
    enum { SCHEME = sizeof scheme - 1 };

    if (header.n <= SCHEME || !tb_str_eq_nocase((struct tb_str){ header.p, SCHEME }, scheme))
        return TB_STR("");
    header = (struct tb_str){ header.p + SCHEME, header.n - SCHEME };
    while (header.n && header.p[0] == ' ')
        header.p++, header.n--;
    while (header.n && header.p[header.n - 1] == ' ')
        header.n--;
    return header;
}

enum tb_code tb_api_account(struct tb_api *api, struct tb_str authorization, struct tb_str token, int64_t *account,
                            struct tb_error *err)
{
    struct tb_str key = authorization.n ? bearer(authorization) : token;

    if (!key.n)
        return tb_fail(err, TB_ENOTFOUND, "no key");
    if (!api->config.any_key)
        return tb_store_key_find(api->config.store, key, account, err);
    *account = api->open_account;
    return TB_OK;
}

/* False: does not fit, or holds a NUL. A '%' without two digits stands for itself. */
static bool percent_decode(struct tb_str in, char *out, size_t room)
{
    size_t to = 0;

    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i] == '+' ? ' ' : in.p[i];

        if (c == '%' && i + 2 < in.n && tb_hex_value(in.p[i + 1]) >= 0 && tb_hex_value(in.p[i + 2]) >= 0) {
            c = (char)(tb_hex_value(in.p[i + 1]) << 4 | tb_hex_value(in.p[i + 2]));
            i += 2;
        }
        if (to + 1 >= room || !c)
            return false;
        out[to++] = c;
    }
    out[to] = 0;
    return true;
}

bool tb_query_get(struct tb_str query, const char *name, char *out, size_t room)
{
    size_t len = strlen(name);

    out[0] = 0;
    while (query.n) {
        const char *end = memchr(query.p, '&', query.n);
        size_t n = end ? (size_t)(end - query.p) : query.n;

        if (n > len && query.p[len] == '=' && memcmp(query.p, name, len) == 0) {
            if (percent_decode((struct tb_str){ query.p + len + 1, n - len - 1 }, out, room))
                return true;
            out[0] = 0;
            return false;
        }
        n += end ? 1 : 0;
        query.p += n;
        query.n -= n;
    }
    return false;
}

struct tb_str tb_path_trim(struct tb_str path)
{
    if (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

bool tb_path_keyless(struct tb_str path)
{
    return tb_str_eq(tb_path_trim(path), "/api/proxy/builtin/platform/qwen-tts/api-ws/v1/realtime");
}

bool tb_path_realtime(struct tb_str path)
{
    return tb_str_eq(tb_path_trim(path), "/api-ws/v1/realtime") || tb_path_keyless(path);
}

struct use {
    struct tb_job job;
    struct tb_api *api;
    int64_t account, characters, audio_ms;
    char voice[TB_MAX_VOICE_ID];
};

static void note_use(struct tb_job *job)
{
    struct use *use = TB_HOLDER(job, struct use, job);
    struct tb_error err = { 0 };

    if (tb_voices_used(use->api->config.voices, use->account, tb_str_of(use->voice), use->characters, use->audio_ms,
                       &err) && err.code != TB_EVOICE) /* a voice deleted meanwhile is no trouble */
        tb_log(TB_LOG_WARN, "usage-lost", "account=%lld error=\"%s\"", (long long)use->account, err.text);
}

static void free_use(struct tb_job *job)
{
    free(TB_HOLDER(job, struct use, job));
}

void tb_api_note_use(struct tb_api *api, int64_t account, const char *voice, int64_t characters, int64_t audio_ms)
{
    struct use *use = api->quick ? calloc(1, sizeof *use) : NULL;

    if (!use)
        return;
    use->job.vital = true;
    use->job.run = note_use;
    use->job.done = free_use;
    use->api = api;
    use->account = account;
    use->characters = characters;
    use->audio_ms = audio_ms;
    strncpy(use->voice, voice, sizeof use->voice - 1);
    api->counters.characters += (uint64_t)characters;
    tb_work_follow(api->quick, &use->job);
}

void tb_api_refusal(struct tb_api *api, enum tb_code code, const char *text, int *status, char **body)
{
    struct tb_problem problem = { 0 };
    struct tb_error err = { .code = code };
    char id[TB_REQUEST_ID];

    strncpy(err.text, text ? text : "", sizeof err.text - 1);
    tb_problem_from(&problem, code, &err);
    tb_request_id(id);
    api->counters.requests++;
    api->counters.refused++;
    *status = tb_problem_status(&problem);
    *body = tb_problem_json(&problem, id);
}

char *tb_api_metrics(struct tb_api *api)
{
    const struct tb_api_counters *c = &api->counters;
    struct tb_speech_stats s = { 0 };
    struct tb_bytes text = { 0 };

    tb_speech_stats(api->config.speech, &s);

    const struct {
        const char *name, *type;
        double value;
    } rows[] = {
        { "timbre_http_requests_total", "counter", (double)c->requests },
        { "timbre_http_refused_total", "counter", (double)c->refused },
        { "timbre_http_failed_total", "counter", (double)c->failed },
        { "timbre_http_open", "gauge", (double)c->exchanges_open },
        { "timbre_realtime_sessions_total", "counter", (double)c->sessions },
        { "timbre_realtime_sessions_open", "gauge", (double)c->sessions_open },
        { "timbre_realtime_responses_total", "counter", (double)c->responses },
        { "timbre_characters_total", "counter", (double)c->characters },
        { "timbre_utterances_total", "counter", (double)s.utterances },
        { "timbre_utterances_open", "gauge", (double)s.open_now },
        { "timbre_segments_total", "counter", (double)s.segments },
        { "timbre_audio_seconds_total", "counter", (double)s.audio_us / 1e6 },
        { "timbre_synthesis_busy_seconds_total", "counter", (double)s.busy_us / 1e6 },
        { "timbre_synthesis_rtf", "gauge", s.rtf },
        { "timbre_synthesis_refused_total", "counter", (double)s.refused },
        { "timbre_synthesis_underruns_total", "counter", (double)s.underruns },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        tb_bytes_addf(&text, "# TYPE %s %s\n%s %.15g\n", rows[i].name, rows[i].type, rows[i].name, rows[i].value);
    return (char *)text.data;
}
