/* realtime_events.c - the server events of surface B, field for field as DashScope documents them. */
#include <stdlib.h>
#include <string.h>

#include "api/errors.h"
#include "api/realtime.h"
#include "base/base64.h"
#include "base/limits.h"
#include "base/log.h"

/* A client that sends and does not read makes us hold its errors: past TB_MAX_UNTAKEN it has to go. The close happens
 * from the loop, not in the middle of whatever sends. */
static void give_up(struct tb_dialogue *d)
{
    if (d->end_code)
        return;
    tb_log(TB_LOG_WARN, "client-slow", "session=%s waiting=%zu", d->id, d->outstanding);
    d->end_code = 1013;
    d->end_reason = "client reads too slowly";
    tb_timer_set(&d->api->timers, &d->end, 0);
}

static size_t send_bytes(struct tb_dialogue *d, const char *text, size_t n)
{
    if (d->gone || d->closing || d->end_code == 1013)
        return 0;
    d->outstanding += n;
    d->out.text(d->out.ctx, text, n);
    if (d->outstanding > TB_MAX_UNTAKEN)
        give_up(d);
    return n;
}

static json_t *event_new(const char *type)
{
    char id[TB_EVENT_ID];

    tb_event_id(id, "event_");
    return json_pack("{s:s, s:s}", "event_id", id, "type", type);
}

/* Add the members of `more` (its reference is taken) and send. */
static void send_event(struct tb_dialogue *d, const char *type, json_t *more)
{
    json_t *event = event_new(type);
    char *text;

    if (event && more)
        json_object_update(event, more);
    json_decref(more);
    if (!(text = tb_json_text(event)))
        return;
    send_bytes(d, text, strlen(text));
    free(text);
}

void tb_send_session(struct tb_dialogue *d, const char *type, bool full)
{
    send_event(d, type,
               json_pack("{s:o}", "session", tb_session_config_json(&d->config, d->id, d->model_name, full)));
}

void tb_send_plain(struct tb_dialogue *d, const char *type)
{
    send_event(d, type, NULL);
}

void tb_send_committed(struct tb_dialogue *d)
{
    send_event(d, "input_text_buffer.committed", json_pack("{s:s}", "item_id", ""));
}

void tb_send_error(struct tb_dialogue *d, const char *type, const char *code, const char *message, const char *param,
                   const char *event_id)
{
    char safe[TB_PROBLEM_MESSAGE];

    tb_text_copy(safe, sizeof safe, message); /* it may quote what the client sent */
    send_event(d, "error",
               json_pack("{s:{s:s, s:s, s:s, s:s, s:s}}", "error", "type", type, "code", code, "message", safe,
                         "param", param, "event_id", event_id));
}

static json_t *item_json(const struct tb_response *r, const char *status, json_t *content)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "id", r->item_id, "object", "realtime.item", "type", "message",
                     "status", status, "role", "assistant", "content", content);
}

static json_t *part_event(const struct tb_response *r, bool part)
{
    json_t *more = json_pack("{s:s, s:s, s:i, s:i}", "response_id", r->id, "item_id", r->item_id, "output_index", 0,
                             "content_index", 0);

    if (more && part)
        json_object_set_new(more, "part", json_pack("{s:s, s:s}", "type", "audio", "text", ""));
    return more;
}

void tb_send_response_begin(struct tb_dialogue *d, const struct tb_response *r)
{
    send_event(d, "response.created",
               json_pack("{s:{s:s, s:s, s:s, s:s, s:s, s:[]}}", "response", "id", r->id, "object", "realtime.response",
                         "conversation_id", "", "status", "in_progress", "voice", d->config.voice, "output"));
    send_event(d, "response.output_item.added",
               json_pack("{s:s, s:i, s:o}", "response_id", r->id, "output_index", 0, "item",
                         item_json(r, "in_progress", json_array())));
    send_event(d, "response.content_part.added", part_event(r, true));
}

void tb_send_delta(struct tb_dialogue *d, const struct tb_response *r, const uint8_t *bytes, size_t n)
{
    struct tb_bytes text = { 0 };
    char id[TB_EVENT_ID];
    size_t wire = 0;

    tb_event_id(id, "event_");
    tb_bytes_addf(&text,
                  "{\"event_id\":\"%s\",\"type\":\"response.audio.delta\",\"response_id\":\"%s\",\"item_id\":\"%s\","
                  "\"output_index\":0,\"content_index\":0,\"delta\":\"",
                  id, r->id, r->item_id);
    if (!tb_base64_encode(bytes, n, &text) && !tb_bytes_addz(&text, "\"}"))
        wire = send_bytes(d, (const char *)text.data, text.size);
    tb_stream_sent(r->stream, n, wire);
    tb_bytes_free(&text);
}

void tb_send_response_end(struct tb_dialogue *d, const struct tb_response *r, const char *status)
{
    json_t *item, *response;

    send_event(d, "response.audio.done", part_event(r, false));
    send_event(d, "response.content_part.done", part_event(r, true));
    item = item_json(r, status, json_pack("[{s:s, s:s}]", "type", "audio", "text", ""));
    send_event(d, "response.output_item.done",
               json_pack("{s:s, s:i, s:o}", "response_id", r->id, "output_index", 0, "item", item));
    item = item_json(r, status, json_pack("[{s:s, s:s}]", "type", "audio", "transcript", ""));
    response = json_pack("{s:s, s:s, s:s, s:s, s:[s, s], s:s, s:[o], s:{s:I}}", "id", r->id, "object",
                         "realtime.response", "conversation_id", "", "status", status, "modalities", "text", "audio",
                         "voice", d->config.voice, "output", item, "usage", "characters", (json_int_t)r->characters);
    send_event(d, "response.done", json_pack("{s:s, s:o}", "response_id", r->id, "response", response));
}
