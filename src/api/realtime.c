/* realtime.c - surface B: the life of a dialogue and what each client event does (docs/API.md, Realtime). */
#include "api/realtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/errors.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "text/utf8.h"

#define BAD_REQUEST "invalid_request_error"

/* One client event under way. */
struct event {
    const json_t *json;
    const char *id; /* its event_id, or "" */
};

static void refuse(struct tb_dialogue *d, const struct event *e, const char *param, const char *message)
{
    tb_send_error(d, BAD_REQUEST, "invalid_value", message, param, e->id);
}

/* Ending ------------------------------------------------------------------------------------------------------------*/

static void drop_inbox(struct tb_dialogue *d)
{
    while (d->inbox) {
        struct tb_frame *frame = d->inbox;

        d->inbox = frame->next;
        free(frame);
    }
    d->inbox_last = &d->inbox;
    d->inbox_size = 0;
}

/* Stop all that runs. */
static void still(struct tb_dialogue *d)
{
    tb_timer_stop(&d->api->timers, &d->idle);
    tb_timer_stop(&d->api->timers, &d->quiet);
    tb_timer_stop(&d->api->timers, &d->end);
    tb_responses_drop(d);
    drop_inbox(d);
}

static void close_with(struct tb_dialogue *d, int code, const char *reason)
{
    if (d->closing || d->gone)
        return;
    d->closing = true;
    still(d);
    tb_log(TB_LOG_INFO, "session-closed", "session=%s code=%d reason=\"%s\"", d->id, code, reason);
    d->out.close(d->out.ctx, code, reason);
}

static void on_end(void *arg)
{
    struct tb_dialogue *d = arg;

    close_with(d, d->end_code, d->end_reason);
}

static void end_soon(struct tb_dialogue *d, int64_t delay_ms, int code, const char *reason)
{
    if (d->end_code)
        return;
    d->end_code = code;
    d->end_reason = reason;
    tb_timer_set(&d->api->timers, &d->end, delay_ms);
}

void tb_dialogue_rested(struct tb_dialogue *d)
{
    if (d->first || d->looking)
        return;
    if (d->finishing && !d->finished) {
        d->finished = true;
        tb_send_plain(d, "session.finished");
        end_soon(d, TB_GRACE_MS, 1000, "");
    } else if (d->restarting && !d->finished) {
        end_soon(d, 0, 1012, "server restart");
    }
}

static void unref(struct tb_dialogue *d)
{
    if (--d->refs)
        return;
    *(d->prev ? &d->prev->next : &d->api->dialogues) = d->next;
    if (d->next)
        d->next->prev = d->prev;
    d->api->counters.sessions_open--;
    tb_session_config_free(&d->config);
    tb_session_config_free(&d->next_config);
    tb_bytes_free(&d->print);
    tb_bytes_free(&d->found_print);
    tb_bytes_free(&d->buffer);
    free(d->wanted);
    free(d);
}

void tb_dialogue_gone(struct tb_dialogue *d)
{
    d->gone = true;
    still(d);
    unref(d);
}

void tb_dialogue_end_all(struct tb_api *api)
{
    struct tb_dialogue *next;

    for (struct tb_dialogue *d = api->dialogues; d; d = next) {
        next = d->next;
        if (!d->gone)
            tb_dialogue_gone(d);
    }
}

void tb_dialogue_restart(struct tb_dialogue *d)
{
    d->restarting = true;
    tb_responses_close_last(d);
    tb_dialogue_rested(d);
}

/* Time --------------------------------------------------------------------------------------------------------------*/

static void on_idle(void *arg)
{
    struct tb_dialogue *d = arg;
    int64_t limit = d->api->config.idle_ms, quiet = (tb_mono_us() - d->event_us) / 1000;

    if (d->first || d->looking || quiet < limit) {
        tb_timer_set(&d->api->timers, &d->idle, d->first || d->looking ? limit : limit - quiet);
        return;
    }
    tb_send_error(d, BAD_REQUEST, "idle_timeout", "Session closed: no client event for too long.", "", "");
    close_with(d, 1000, "idle timeout");
}

static void on_quiet(void *arg)
{
    struct tb_dialogue *d = arg;
    int64_t quiet = (tb_mono_us() - d->append_us) / 1000;

    if (quiet < TB_QUIET_MS)
        tb_timer_set(&d->api->timers, &d->quiet, TB_QUIET_MS - quiet);
    else
        tb_responses_quiet(d);
}

/* session.update ----------------------------------------------------------------------------------------------------*/

static void read_inbox(struct tb_dialogue *d);

static void apply(struct tb_dialogue *d)
{
    tb_session_config_free(&d->config);
    d->config = d->next_config;
    d->next_config = (struct tb_session_config){ 0 };
    tb_send_session(d, "session.updated", true);
}

static void look_up(struct tb_job *job)
{
    struct tb_dialogue *d = TB_HOLDER(job, struct tb_dialogue, job);

    d->found_code = tb_voices_find(d->api->config.voices, d->account, tb_str_of(d->wanted), d->model, &d->found,
                                   &d->found_print, &d->found_err);
}

static void renew(struct tb_job *job)
{
    struct tb_dialogue *d = TB_HOLDER(job, struct tb_dialogue, job);

    d->found_code = tb_voices_renew(d->api->config.voices, d->account, tb_str_of(d->wanted), d->model, &d->found,
                                    &d->found_print, &d->found_err);
}

/* why: "", or a sentence without its end. */
static void refuse_voice(struct tb_dialogue *d, const char *voice, const char *why, const char *event_id)
{
    char shown[TB_PROBLEM_SUBJECT], message[TB_PROBLEM_SUBJECT + TB_ERROR_TEXT + 64];

    tb_text_copy(shown, sizeof shown, voice);
    snprintf(message, sizeof message, "The requested voice '%s' is not supported.%s%s%s", shown, why[0] ? " " : "", why,
             why[0] ? "." : "");
    tb_send_error(d, BAD_REQUEST, "invalid_value", message, "session.voice", event_id);
}

static void looked_up(struct tb_dialogue *d)
{
    if (d->found_code == TB_EVOICE || d->found_code == TB_EINVAL) {
        refuse_voice(d, d->wanted, "", d->event_id);
    } else if (d->found_code == TB_EPRINT) {
        refuse_voice(d, d->wanted, d->found_err.text, d->event_id);
    } else if (d->found_code == TB_EBUSY) {
        tb_send_error(d, "server_error", "overloaded", "Too many requests. Please try again later.", "session.voice",
                      d->event_id);
    } else if (d->found_code) {
        tb_log(TB_LOG_ERROR, "failed", "session=%s detail=\"%s\"", d->id, d->found_err.text);
        tb_send_error(d, "server_error", "internal_error", "The voice could not be read. Please try again later.",
                      "session.voice", d->event_id);
    } else {
        tb_bytes_free(&d->print);
        d->print = d->found_print;
        d->found_print = (struct tb_bytes){ 0 };
        d->voice = d->found;
        snprintf(d->next_config.voice, sizeof d->next_config.voice, "%s", d->found.id);
        apply(d);
    }
    tb_bytes_free(&d->found_print);
    tb_session_config_free(&d->next_config);
}

static void look_up_done(struct tb_job *job)
{
    struct tb_dialogue *d = TB_HOLDER(job, struct tb_dialogue, job);

    if (d->found_code == TB_ERENEW && !d->gone && !d->closing && !job->dropped) {
        job->run = renew;
        enum tb_code rc = tb_work_add(d->api->heavy, job);
        if (!rc) /* from here on d->found is the worker's */
            return;
        d->found_code = rc;
    }
    d->looking = false;
    if (!d->gone && !d->closing && !job->dropped) {
        looked_up(d);
        read_inbox(d);
        tb_dialogue_rested(d);
    }
    unref(d);
}

static void begin_look_up(struct tb_dialogue *d, const struct event *e, struct tb_str voice)
{
    free(d->wanted);
    d->wanted = tb_str_dup(voice);
    if (!d->wanted) {
        tb_session_config_free(&d->next_config);
        tb_send_error(d, "server_error", "overloaded", "Too many requests. Please try again later.", "", e->id);
        return;
    }
    snprintf(d->event_id, sizeof d->event_id, "%s", e->id);
    d->looking = true;
    d->found_err = (struct tb_error){ 0 };
    d->job.run = look_up;
    d->job.done = look_up_done;
    d->refs++;
    tb_work_follow(d->api->quick, &d->job); /* one per connection at most */
}

static void on_session_update(struct tb_dialogue *d, const struct event *e)
{
    const json_t *session = tb_json_member(e->json, "session");
    struct tb_wrong wrong = { "", "" };
    struct tb_str voice;

    if (d->started) {
        refuse(d, e, "", "Session update error: session already started or finished or failed.");
        return;
    }
    if (!json_is_object(session)) {
        refuse(d, e, "session", "Required parameter(session) missing or invalid, please check the request parameters.");
        return;
    }
    if (!tb_session_config_update(&d->config, session, d->model->engine, &d->next_config, &voice, &wrong))
        refuse(d, e, wrong.param, wrong.message);
    else if (voice.p)
        begin_look_up(d, e, voice);
    else
        apply(d);
}

/* Text --------------------------------------------------------------------------------------------------------------*/

/* Within what an append and a session may hold? Sends the error if not. */
static bool has_room(struct tb_dialogue *d, const struct event *e, size_t count)
{
    size_t waiting = d->buffered + tb_responses_waiting(d) + count;
    char message[160] = "";

    if (count > TB_MAX_APPEND)
        snprintf(message, sizeof message, "Invalid value for text. Got %zu characters: at most %d are taken at once.",
                 count, TB_MAX_APPEND);
    else if (waiting > TB_MAX_PENDING_TEXT)
        snprintf(message, sizeof message, "Invalid value for text. %zu characters would wait: at most %d may.", waiting,
                 TB_MAX_PENDING_TEXT);
    if (message[0])
        refuse(d, e, "text", message);
    return !message[0];
}

static void on_append(struct tb_dialogue *d, const struct event *e)
{
    const json_t *value = tb_json_member(e->json, "text");
    struct tb_str text = tb_json_str(json_is_string(value) ? value : NULL);
    struct tb_error err = { 0 };
    bool goes_on = d->config.commit_mode ? d->buffer.size > 0 : tb_responses_open(d);

    if (!json_is_string(value)) {
        refuse(d, e, "text", "Required parameter(text) missing or invalid, please check the request parameters.");
        return;
    }
    if (!text.n || (tb_str_blank(text) && !goes_on)) /* inside a text, white space is what keeps words apart */
        return;
    if (!d->config.voice[0]) {
        refuse_voice(d, "", "", e->id);
        return;
    }
    if (!has_room(d, e, tb_utf8_count(text)))
        return;
    d->append_us = tb_mono_us();
    if (d->config.commit_mode ? tb_bytes_add(&d->buffer, text.p, text.n) != TB_OK : !tb_responses_add(d, text, &err)) {
        refuse(d, e, "text", err.text[0] ? err.text : "No memory for the text.");
        return;
    }
    d->started = d->appended = true;
    if (d->config.commit_mode)
        d->buffered += tb_utf8_count(text);
    else if (!d->quiet.due_us)
        tb_timer_set(&d->api->timers, &d->quiet, TB_QUIET_MS);
}

/* commit mode: the buffer becomes a response. False: it could not, and stays as it is. */
static bool speak_buffer(struct tb_dialogue *d, const struct event *e, bool say)
{
    struct tb_error err = { 0 };
    struct tb_bytes text = d->buffer;

    if (d->responses >= TB_MAX_RESPONSES) {
        refuse(d, e, "", "Too many responses are waiting.");
        return false;
    }
    if (say)
        tb_send_committed(d);
    d->buffer = (struct tb_bytes){ 0 };
    d->buffered = 0;
    d->appended = false;
    if (!tb_responses_add(d, tb_bytes_str(&text), &err))
        refuse(d, e, "", err.text);
    tb_responses_close_last(d);
    tb_bytes_free(&text);
    return true;
}

static void on_commit(struct tb_dialogue *d, const struct event *e)
{
    bool empty = d->config.commit_mode ? d->buffer.size == 0 : !d->appended;

    if (!d->config.voice[0]) {
        refuse_voice(d, "", "", e->id);
    } else if (empty) {
        refuse(d, e, "", "The input text buffer is empty: there is nothing to commit.");
    } else if (d->config.commit_mode) {
        speak_buffer(d, e, true);
    } else {
        tb_send_committed(d);
        d->appended = false;
        tb_responses_close_last(d);
    }
}

static void on_clear(struct tb_dialogue *d, const struct event *e)
{
    if (!d->config.commit_mode) {
        refuse(d, e, "", "only client commit mode supports clear operation");
        return;
    }
    tb_bytes_free(&d->buffer);
    d->buffered = 0;
    d->appended = false;
    tb_send_plain(d, "input_text_buffer.cleared");
}

static void on_cancel(struct tb_dialogue *d, const struct event *e)
{
    if (!tb_responses_cancel(d))
        refuse(d, e, "", "There is no response to cancel.");
}

static void on_finish(struct tb_dialogue *d, const struct event *e)
{
    if (d->buffer.size && !speak_buffer(d, e, false))
        return;
    d->finishing = true;
    tb_responses_close_last(d);
    tb_dialogue_rested(d);
}

/* Events ------------------------------------------------------------------------------------------------------------*/

static const struct {
    const char *type;
    void (*take)(struct tb_dialogue *d, const struct event *e);
} events[] = {
    { "session.update", on_session_update },   { "input_text_buffer.append", on_append },
    { "input_text_buffer.commit", on_commit }, { "input_text_buffer.clear", on_clear },
    { "response.cancel", on_cancel },          { "session.finish", on_finish },
};

/* After session.finish nothing is taken; a second one is harmless. */
static void refuse_late(struct tb_dialogue *d, const struct event *e, struct tb_str type)
{
    if (tb_str_eq(type, "session.finish"))
        return;
    if (tb_str_eq(type, "session.update"))
        refuse(d, e, "", "Session update error: session already started or finished or failed.");
    else
        refuse(d, e, "type", d->restarting ? "The server is restarting: no more events are taken."
                                           : "The session is finished: no more events are taken.");
}

static void take_event(struct tb_dialogue *d, const struct event *e)
{
    const json_t *value = tb_json_member(e->json, "type");
    struct tb_str type = tb_json_str(json_is_string(value) ? value : NULL);
    char message[96], shown[64];

    if (!json_is_string(value)) {
        refuse(d, e, "type", "Required parameter(type) missing or invalid, please check the request parameters.");
        return;
    }
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (tb_str_eq(type, events[i].type)) {
            if (d->finishing || d->restarting)
                refuse_late(d, e, type);
            else
                events[i].take(d, e);
            return;
        }
    tb_json_show(value, shown);
    shown[strcspn(shown + 1, "\"") + 1] = 0; /* as documented: '<type>', without our quotes */
    snprintf(message, sizeof message, "Invalid value: '%s'.", shown + 1);
    refuse(d, e, "type", message);
}

static void take_text(struct tb_dialogue *d, struct tb_str text)
{
    struct tb_error err = { 0 };
    json_t *json = tb_json_object(text, &err);
    const json_t *id = tb_json_member(json, "event_id");
    struct event e = { .json = json, .id = "" };

    if (!json) {
        tb_send_error(d, BAD_REQUEST, "invalid_json", err.text, "", "");
        return;
    }
    if (json_is_string(id) && json_string_length(id) < sizeof d->event_id)
        e.id = json_string_value(id);
    take_event(d, &e);
    json_decref(json);
}

static void read_inbox(struct tb_dialogue *d)
{
    while (d->inbox && !d->looking && !d->closing) {
        struct tb_frame *frame = d->inbox;

        d->inbox = frame->next;
        if (!d->inbox)
            d->inbox_last = &d->inbox;
        d->inbox_size -= frame->n;
        take_text(d, (struct tb_str){ frame->text, frame->n });
        free(frame);
    }
}

static void put_in_inbox(struct tb_dialogue *d, const char *p, size_t n)
{
    struct tb_frame *frame = d->inbox_size + n <= TB_MAX_INBOX ? malloc(sizeof *frame + n) : NULL;

    if (!frame) {
        tb_send_error(d, BAD_REQUEST, "overloaded", "Too many events at once.", "", "");
        close_with(d, 1013, "too many events at once");
        return;
    }
    frame->next = NULL;
    frame->n = n;
    memcpy(frame->text, p, n);
    *d->inbox_last = frame;
    d->inbox_last = &frame->next;
    d->inbox_size += n;
}

void tb_dialogue_text(struct tb_dialogue *d, const char *p, size_t n)
{
    if (d->closing || d->gone)
        return;
    d->event_us = tb_mono_us();
    if (d->looking)
        put_in_inbox(d, p, n);
    else
        take_text(d, (struct tb_str){ p, n });
}

void tb_dialogue_binary(struct tb_dialogue *d)
{
    if (d->closing || d->gone)
        return;
    tb_send_error(d, BAD_REQUEST, "invalid_value", "Binary frames are not supported: one JSON object per text frame.",
                  "", "");
    close_with(d, 1003, "binary frame");
}

void tb_dialogue_taken(struct tb_dialogue *d, size_t n)
{
    size_t foreign = n < d->foreign ? n : d->foreign;

    d->outstanding -= n < d->outstanding ? n : d->outstanding;
    d->foreign -= foreign;
    if (d->first && d->first->stream)
        tb_stream_taken(d->first->stream, n - foreign);
}

/* Beginning ---------------------------------------------------------------------------------------------------------*/

static void model_name(const struct tb_api *api, struct tb_str query, char *out, size_t room)
{
    if ((!tb_query_get(query, "model", out, room) || !out[0]) && api->config.default_model)
        snprintf(out, room, "%s", api->config.default_model);
}

/* A name that is not served is refused inside the session. */
static bool speech_full(const struct tb_api *api, const char *name)
{
    const struct tb_model *model = tb_voices_model(api->config.voices, tb_str_of(name));

    return model && tb_speech_full(api->config.speech, model->engine);
}

enum tb_code tb_dialogue_admit(struct tb_api *api, const struct tb_http_request *req, int64_t *account, int *status,
                               char **body)
{
    struct tb_problem problem = { 0 };
    struct tb_error err = { 0 };
    char token[256], id[TB_REQUEST_ID], model[TB_MODEL_NAME];
    enum tb_code rc = TB_OK;

    *account = 0;
    *status = 101;
    *body = NULL;
    if (!tb_query_get(req->query, "token", token, sizeof token) &&
        !tb_query_get(req->query, "api_key", token, sizeof token) && api->config.any_key &&
        tb_path_keyless(req->path))
        strcpy(token, "none");
    if (!tb_path_realtime(req->path))
        tb_problem_set(&problem, TB_P_PATH, NULL, NULL);
    else if ((rc = tb_api_account(api, req->authorization, tb_str_of(token), account, &err)) == TB_ENOTFOUND)
        tb_problem_set(&problem, TB_P_KEY, NULL, NULL);
    else if (rc)
        tb_problem_from(&problem, rc, &err);
    else if (model_name(api, req->query, model, sizeof model), !model[0])
        tb_problem_set(&problem, TB_P_MODEL_MISSING, NULL, NULL);
    else if (api->counters.sessions_open >= api->config.max_sessions || speech_full(api, model))
        tb_problem_set(&problem, TB_P_RATE, NULL, NULL);
    if (!problem.kind)
        return TB_OK;
    tb_request_id(id);
    *status = tb_problem_status(&problem);
    *body = tb_problem_json(&problem, id);
    api->counters.requests++;
    api->counters.refused++;
    tb_log(TB_LOG_INFO, "handshake-refused", "request=%s status=%d code=%s", id, *status, tb_problem_code(&problem));
    return rc ? rc : TB_EINVAL;
}

static void refuse_model(struct tb_dialogue *d)
{
    char shown[TB_PROBLEM_SUBJECT], message[TB_PROBLEM_SUBJECT + 64];

    tb_text_copy(shown, sizeof shown, d->model_name);
    snprintf(message, sizeof message, "The model %s does not exist.", shown);
    tb_send_error(d, BAD_REQUEST, "model_not_found", message, "model", "");
    close_with(d, 1008, "model_not_found");
}

struct tb_dialogue *tb_dialogue_open(struct tb_api *api, int64_t account, struct tb_str query,
                                     const struct tb_dialogue_out *out)
{
    struct tb_dialogue *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    d->api = api;
    d->refs = 1;
    d->out = *out;
    d->account = account;
    d->last = &d->first;
    d->inbox_last = &d->inbox;
    d->idle = (struct tb_timer){ .fn = on_idle, .arg = d };
    d->quiet = (struct tb_timer){ .fn = on_quiet, .arg = d };
    d->end = (struct tb_timer){ .fn = on_end, .arg = d };
    d->event_us = tb_mono_us();
    tb_event_id(d->id, "sess_");
    tb_session_config_init(&d->config);
    model_name(api, query, d->model_name, sizeof d->model_name);
    d->model = tb_voices_model(api->config.voices, tb_str_of(d->model_name));
    d->next = api->dialogues;
    if (d->next)
        d->next->prev = d;
    api->dialogues = d;
    api->counters.sessions++;
    api->counters.sessions_open++;
    tb_log(TB_LOG_INFO, "session-open", "session=%s account=%lld", d->id, (long long)account);
    if (!d->model || !d->model->realtime) {
        refuse_model(d);
        return d;
    }
    tb_send_session(d, "session.created", false);
    tb_timer_set(&api->timers, &d->idle, api->config.idle_ms);
    return d;
}
