/* talk.h - one end of a realtime dialogue, for the tests of surface B.
 *
 * A talk records what the server says; expect_story has it as one line of short names, deltas folded into `delta+`. */
#ifndef TB_TESTS_API_TALK_H
#define TB_TESTS_API_TALK_H

#include "world.h"

struct talk {
    struct world *w;
    struct tb_dialogue *d;
    json_t *events;
    int close_code;
    size_t waiting;
    bool deaf; /* the socket takes nothing */
    int64_t last_us;
};

static inline void talk_text(void *ctx, const char *json, size_t n)
{
    struct talk *t = ctx;
    json_t *event = json_loadb(json, n, JSON_REJECT_DUPLICATES, NULL);

    assert_int_equal(t->close_code, 0);
    assert_non_null(event);
    assert_non_null(STR_AT(event, "event_id"));
    json_array_append_new(t->events, event);
    t->waiting += n;
    t->last_us = tb_mono_us();
}

static inline void talk_close(void *ctx, int code, const char *reason)
{
    struct talk *t = ctx;

    assert_int_equal(t->close_code, 0);
    assert_true(strlen(reason) < 124);
    t->close_code = code;
}

static inline void talk_open(struct world *w, struct talk *t, const char *query)
{
    const struct tb_dialogue_out out = { talk_text, talk_close, t };

    *t = (struct talk){ .w = w, .events = json_array() };
    t->d = tb_dialogue_open(w->api, w->account, tb_str_of(query), &out);
    assert_non_null(t->d);
}

static inline void talk_end(struct talk *t)
{
    if (t->d)
        tb_dialogue_gone(t->d);
    json_decref(t->events);
    *t = (struct talk){ 0 };
}

__attribute__((format(printf, 2, 3))) static inline void say(struct talk *t, const char *format, ...)
{
    char *text;
    va_list ap;

    va_start(ap, format);
    assert_true(vasprintf(&text, format, ap) >= 0);
    va_end(ap);
    tb_dialogue_text(t->d, text, strlen(text));
    free(text);
}

#define UPDATE(members) "{\"type\":\"session.update\",\"event_id\":\"e1\",\"session\":{" members "}}"
#define APPEND(text) "{\"type\":\"input_text_buffer.append\",\"text\":\"" text "\"}"
#define COMMIT "{\"type\":\"input_text_buffer.commit\"}"
#define CLEAR "{\"type\":\"input_text_buffer.clear\"}"
#define CANCEL "{\"type\":\"response.cancel\"}"
#define FINISH "{\"type\":\"session.finish\"}"

static inline size_t count_of(const struct talk *t, const char *type)
{
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(t->events); i++)
        n += strcmp(STR_AT(json_array_get(t->events, i), "type"), type) == 0;
    return n;
}

/* The i-th event of a type, from 0; -1: the last one. */
static inline json_t *event_of(const struct talk *t, const char *type, int i)
{
    json_t *found = NULL;

    for (size_t k = 0; k < json_array_size(t->events); k++) {
        json_t *event = json_array_get(t->events, k);

        if (strcmp(STR_AT(event, "type"), type) == 0) {
            found = event;
            if (i-- == 0)
                return event;
        }
    }
    assert_true(i < 0 && found);
    return found;
}

/* Turn the loop until there are n events of the type; what was said counts as taken. */
static inline void hear(struct talk *t, const char *type, size_t n)
{
    WAIT_UNTIL(t->w, (t->deaf ? (void)0 : (tb_dialogue_taken(t->d, t->waiting), t->waiting = 0, (void)0),
                      count_of(t, type) >= n));
}

static inline const char *short_name(const char *type)
{
    static const char *const names[][2] = {
        { "session.created", "hello" },          { "session.updated", "updated" },
        { "error", "error" },                    { "input_text_buffer.committed", "committed" },
        { "input_text_buffer.cleared", "cleared" }, { "response.created", "created" },
        { "response.output_item.added", "item" }, { "response.content_part.added", "part" },
        { "response.audio.delta", "delta+" },    { "response.audio.done", "audio_done" },
        { "response.content_part.done", "part_done" }, { "response.output_item.done", "item_done" },
        { "response.done", "done" },             { "session.finished", "finished" },
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(type, names[i][0]) == 0)
            return names[i][1];
    fail_msg("an event of type %s", type);
    return NULL;
}

static inline void expect_story(const struct talk *t, const char *want)
{
    struct tb_bytes story = { 0 };
    const char *last = "";

    for (size_t i = 0; i < json_array_size(t->events); i++) {
        const char *name = short_name(STR_AT(json_array_get(t->events, i), "type"));

        if (strcmp(name, "delta+") != 0 || strcmp(last, name) != 0)
            tb_bytes_addf(&story, "%s%s", i ? " " : "", name);
        last = name;
    }
    assert_string_equal(story.data ? (char *)story.data : "", want);
    tb_bytes_free(&story);
}

#define RESPONSE "created item part delta+ audio_done part_done item_done done"

/* Audio of all deltas of a response ("" for all), which must all be of even size. */
static inline size_t audio_of(const struct talk *t, const char *response, struct tb_bytes *out)
{
    size_t before = out->size;

    for (size_t i = 0; i < json_array_size(t->events); i++) {
        json_t *event = json_array_get(t->events, i);
        size_t at_size = out->size;

        if (strcmp(STR_AT(event, "type"), "response.audio.delta") != 0 ||
            (*response && strcmp(STR_AT(event, "response_id"), response) != 0))
            continue;
        assert_int_equal(tb_base64_decode(tb_str_of(STR_AT(event, "delta")), out, NULL), TB_OK);
        assert_true(out->size > at_size);
    }
    return out->size - before;
}

static inline void expect_last_error(const struct talk *t, const char *type, const char *code, const char *message,
                              const char *param)
{
    json_t *error = at(json_array_get(t->events, json_array_size(t->events) - 1), "error");

    assert_non_null(error);
    assert_string_equal(STR_AT(error, "type"), type);
    assert_string_equal(STR_AT(error, "code"), code);
    if (strncmp(STR_AT(error, "message"), message, strlen(message)) != 0)
        assert_string_equal(STR_AT(error, "message"), message);
    assert_string_equal(STR_AT(error, "param"), param);
    assert_true(json_is_string(at(error, "event_id")));
}

/* A session with the world's voice; members: more of the session object, beginning with a comma. */
static inline void talk_ready(struct world *w, struct talk *t, const char *members)
{
    talk_open(w, t, "model=" REALTIME);
    say(t, "{\"type\":\"session.update\",\"session\":{\"voice\":\"%s\"%s}}", w->realtime, members);
    hear(t, "session.updated", 1);
}

#endif
