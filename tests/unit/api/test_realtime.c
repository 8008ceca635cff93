/* test_realtime.c - surface B without sockets: dialogues word for word. Names carry the rows of protocol.md section 5.
 *
 * A talk records what the server says; `story` writes it as one line of short names, deltas folded into one `delta+`. */
#include "world.h"

#include "api/api_priv.h"

struct talk {
    struct world *w;
    struct tb_dialogue *d;
    json_t *events;
    int close_code;
    size_t waiting;
    bool deaf; /* the socket takes nothing */
    int64_t last_us;
};

static void talk_text(void *ctx, const char *json, size_t n)
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

static void talk_close(void *ctx, int code, const char *reason)
{
    struct talk *t = ctx;

    assert_int_equal(t->close_code, 0);
    assert_true(strlen(reason) < 124);
    t->close_code = code;
}

static size_t talk_waiting(void *ctx)
{
    return ((struct talk *)ctx)->waiting;
}

static void talk_open(struct world *w, struct talk *t, const char *query)
{
    const struct tb_dialogue_out out = { talk_text, talk_close, talk_waiting, t };

    *t = (struct talk){ .w = w, .events = json_array() };
    t->d = tb_dialogue_open(w->api, w->account, tb_str_of(query), &out);
    assert_non_null(t->d);
}

static void talk_end(struct talk *t)
{
    if (t->d)
        tb_dialogue_gone(t->d);
    json_decref(t->events);
    *t = (struct talk){ 0 };
}

__attribute__((format(printf, 2, 3))) static void say(struct talk *t, const char *format, ...)
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

static size_t count_of(const struct talk *t, const char *type)
{
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(t->events); i++)
        n += strcmp(STR_AT(json_array_get(t->events, i), "type"), type) == 0;
    return n;
}

/* The i-th event of a type, from 0; -1: the last one. */
static json_t *event_of(const struct talk *t, const char *type, int i)
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
static void hear(struct talk *t, const char *type, size_t n)
{
    WAIT_UNTIL(t->w, (t->deaf ? (void)0 : (tb_dialogue_taken(t->d, t->waiting), t->waiting = 0, (void)0),
                      count_of(t, type) >= n));
}

static const char *short_name(const char *type)
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

static void expect_story(const struct talk *t, const char *want)
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
static size_t audio_of(const struct talk *t, const char *response, struct tb_bytes *out)
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

static void expect_last_error(const struct talk *t, const char *type, const char *code, const char *message,
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
static void talk_ready(struct world *w, struct talk *t, const char *members)
{
    talk_open(w, t, "model=" REALTIME);
    say(t, "{\"type\":\"session.update\",\"session\":{\"voice\":\"%s\"%s}}", w->realtime, members);
    hear(t, "session.updated", 1);
}

/* Handshake --------------------------------------------------------------------------------------------------------*/

static int admit(struct world *w, const char *path, const char *query, const char *authorization, char **body)
{
    struct tb_http_request req = request_of("GET", path, authorization, "");
    int64_t account;
    int status;
    enum tb_code rc;

    req.query = tb_str_of(query);
    rc = tb_dialogue_admit(w->api, &req, &account, &status, body);
    assert_int_equal(rc == TB_OK, status == 101);
    assert_int_equal(rc == TB_OK, *body == NULL);
    assert_true(rc != TB_OK || account == w->account);
    return status;
}

static void with_default_model(struct tb_api_config *config)
{
    config->default_model = REALTIME;
}

static void rows_69_70_71_handshake(void **state)
{
    struct world *w = world_open(NULL);
    char good[96], query[160], *body;

    (void)state;
    snprintf(good, sizeof good, "Bearer %s", w->key);
    assert_int_equal(admit(w, "/api-ws/v1/realtime", "model=" REALTIME, good, &body), 101);
    assert_int_equal(admit(w, "/api-ws/v1/realtime/", "model=" REALTIME, good, &body), 101);
    assert_int_equal(admit(w, "/api/proxy/builtin/platform/qwen-tts/api-ws/v1/realtime", "a=b&model=x", good, &body),
                     101);
    snprintf(query, sizeof query, "model=x&token=%s", w->key);
    assert_int_equal(admit(w, "/api-ws/v1/realtime", query, "", &body), 101);
    snprintf(query, sizeof query, "api_key=%s&model=x", w->key);
    assert_int_equal(admit(w, "/api-ws/v1/realtime", query, "", &body), 101);

    assert_int_equal(admit(w, "/api-ws/v1/realtime", "model=x", "Bearer sk-wrong", &body), 401);
    assert_non_null(strstr(body, "\"code\":\"InvalidApiKey\",\"message\":\"Invalid API-key provided.\""));
    free(body);
    assert_int_equal(admit(w, "/api-ws/v1/realtime", "model=x", "", &body), 401);
    free(body);
    assert_int_equal(admit(w, "/api-ws/v1/realtime", "xmodel=x", good, &body), 400);
    assert_non_null(strstr(body, "BadRequest.EmptyModel"));
    free(body);
    assert_int_equal(admit(w, "/api-ws/v1/inference", "model=x", good, &body), 404);
    free(body);
    world_close(w);

    w = world_open(with_default_model);
    snprintf(good, sizeof good, "Bearer %s", w->key);
    assert_int_equal(admit(w, "/api-ws/v1/realtime", "", good, &body), 101);
    world_close(w);
}

static void only_one(struct tb_api_config *config)
{
    config->max_sessions = 1;
}

static void too_many_sessions_are_refused(void **state)
{
    struct world *w = world_open(only_one);
    char good[96], *body;
    struct talk t;

    (void)state;
    snprintf(good, sizeof good, "Bearer %s", w->key);
    assert_int_equal(admit(w, "/api-ws/v1/realtime", "model=" REALTIME, good, &body), 101);
    talk_open(w, &t, "model=" REALTIME);
    assert_int_equal(admit(w, "/api-ws/v1/realtime", "model=" REALTIME, good, &body), 429);
    assert_non_null(strstr(body, "\"Throttling.RateQuota\""));
    free(body);
    talk_end(&t);
    assert_int_equal(admit(w, "/api-ws/v1/realtime", "model=" REALTIME, good, &body), 101);
    world_close(w);
}

static void row_72_session_created(void **state)
{
    struct world *w = world_open(with_default_model);
    struct talk t;
    json_t *s;

    (void)state;
    talk_open(w, &t, "");
    expect_story(&t, "hello"); /* unprompted, within open itself */
    s = at(event_of(&t, "session.created", 0), "session");
    assert_int_equal(json_object_size(s), 7);
    assert_int_equal(strncmp(STR_AT(s, "id"), "sess_", 5), 0);
    assert_string_equal(STR_AT(s, "object"), "realtime.session");
    assert_string_equal(STR_AT(s, "mode"), "server_commit");
    assert_string_equal(STR_AT(s, "model"), REALTIME);
    assert_string_equal(STR_AT(s, "voice"), "");
    assert_string_equal(STR_AT(s, "response_format"), "pcm");
    assert_int_equal(INT_AT(s, "sample_rate"), 24000);
    talk_end(&t);
    world_close(w);
}

static void an_unknown_model_is_told_and_closed(void **state)
{
    static const char *const queries[] = { "model=nope", "model=" PLAIN, "model=%22%C3", "model=qwen3-tts-vc-realtime" };
    struct world *w = world_open(NULL);
    struct talk t;

    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        talk_open(w, &t, queries[i]);
        expect_story(&t, "error");
        expect_last_error(&t, "invalid_request_error", "model_not_found", "The model ", "model");
        assert_int_equal(t.close_code, 1008);
        say(&t, UPDATE("")); /* nothing more is heard */
        talk_end(&t);
    }
    world_close(w);
}

/* session.update ----------------------------------------------------------------------------------------------------*/

static void row_73_78_79_update(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;
    json_t *s;

    (void)state;
    talk_open(w, &t, "model=" REALTIME);
    say(&t,
        "{\"type\":\"session.update\",\"session\":{\"voice\":\"%s\",\"mode\":\"commit\",\"language_type\":\"english\","
        "\"response_format\":\"mp3\",\"sample_rate\":44100,\"speech_rate\":1.5,\"volume\":60,\"pitch_rate\":2,"
        "\"bit_rate\":64,\"enable_tn\":true,\"instructions\":\"calm\",\"optimize_instructions\":false,"
        "\"modalities\":[\"audio\"],\"turn_detection\":null}}",
        w->realtime);
    hear(&t, "session.updated", 1);
    s = at(event_of(&t, "session.updated", 0), "session");
    assert_string_equal(STR_AT(s, "voice"), w->realtime);
    assert_string_equal(STR_AT(s, "mode"), "commit");
    assert_string_equal(STR_AT(s, "language_type"), "English");
    assert_string_equal(STR_AT(s, "response_format"), "mp3");
    assert_int_equal(INT_AT(s, "sample_rate"), 44100);
    assert_true(json_real_value(at(s, "speech_rate")) == 1.5);
    assert_int_equal(INT_AT(s, "volume"), 60);
    assert_true(json_real_value(at(s, "pitch_rate")) == 2.0);
    assert_int_equal(INT_AT(s, "bit_rate"), 64);
    assert_true(json_is_true(at(s, "enable_tn")));
    assert_string_equal(STR_AT(s, "instructions"), "calm");
    assert_string_equal(STR_AT(s, "id"), STR_AT(event_of(&t, "session.created", 0), "session.id"));
    say(&t, UPDATE("\"language_type\":\"zh\",\"volume\":null")); /* the rest keeps its value */
    s = at(event_of(&t, "session.updated", 1), "session");
    assert_string_equal(STR_AT(s, "language_type"), "Chinese");
    assert_int_equal(INT_AT(s, "volume"), 60);
    assert_string_equal(STR_AT(s, "voice"), w->realtime);
    talk_end(&t);
    world_close(w);
}

static void rows_33_74_75_voices_that_do_not_fit(void **state)
{
    struct world *w = world_open(NULL);
    const char *const voices[] = { "Cherry", w->old, w->plain, "", "qwen-tts-vc-x-voice-20261122231507482-ffff" };
    char message[160];
    struct talk t;

    (void)state;
    talk_open(w, &t, "model=" REALTIME);
    for (size_t i = 0; i < 5; i++) {
        say(&t, "{\"type\":\"session.update\",\"event_id\":\"mine\",\"session\":{\"voice\":\"%s\",\"volume\":7}}",
            voices[i]);
        hear(&t, "error", i + 1);
        snprintf(message, sizeof message, "The requested voice '%s' is not supported.", voices[i]);
        expect_last_error(&t, "invalid_request_error", "invalid_value", message, "session.voice");
        assert_string_equal(STR_AT(event_of(&t, "error", -1), "error.event_id"), "mine");
    }
    say(&t, "{\"type\":\"session.update\",\"session\":{\"voice\":\"%s\"}}", w->realtime); /* may be put right */
    hear(&t, "session.updated", 1);
    assert_int_equal(INT_AT(event_of(&t, "session.updated", 0), "session.volume"), 50); /* nothing of them stayed */
    talk_end(&t);
    world_close(w);
}

static void row_76_values_out_of_range(void **state)
{
    static const char *const bad[][2] = {
        { "sample_rate", "12345" },      { "sample_rate", "24000.5" },       { "sample_rate", "\"24000\"" },
        { "speech_rate", "2.1" },        { "speech_rate", "0.49" },          { "speech_rate", "\"1\"" },
        { "volume", "101" },             { "volume", "-1" },                 { "volume", "50.5" },
        { "pitch_rate", "0.4" },         { "bit_rate", "5" },                { "bit_rate", "511" },
        { "mode", "\"x\"" },             { "mode", "1" },                    { "response_format", "\"flac\"" },
        { "response_format", "[]" },     { "language_type", "\"Klingon\"" }, { "language_type", "\"Russian\"" },
        { "voice", "7" },                { "enable_tn", "1" },               { "instructions", "{}" },
        { "sample_rate", "9223372036854775807" },
    };
    struct world *w = world_open(NULL);
    char param[64], message[96];
    struct talk t;

    (void)state;
    talk_open(w, &t, "model=" REALTIME);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(param, sizeof param, "session.%s", bad[i][0]);
        snprintf(message, sizeof message, "Invalid value for session.%s. Got ", bad[i][0]);
        /* a good member in front must not stick either */
        say(&t, "{\"type\":\"session.update\",\"session\":{\"enable_tn\":false,\"%s\":%s}}",
            strcmp(bad[i][0], "enable_tn") ? bad[i][0] : "optimize_instructions", bad[i][1]);
        if (strcmp(bad[i][0], "enable_tn") == 0)
            snprintf(param, sizeof param, "session.optimize_instructions"),
                snprintf(message, sizeof message, "Invalid value for session.optimize_instructions. Got ");
        expect_last_error(&t, "invalid_request_error", "invalid_value", message, param);
    }
    say(&t, UPDATE(""));
    assert_true(json_is_true(at(event_of(&t, "session.updated", 0), "session.enable_tn")));
    assert_int_equal(INT_AT(event_of(&t, "session.updated", 0), "session.sample_rate"), 24000);
    say(&t, "{\"type\":\"session.update\",\"session\":\"x\"}");
    expect_last_error(&t, "invalid_request_error", "invalid_value", "Required parameter(session)", "session");
    talk_end(&t);
    world_close(w);
}

static void row_77_update_after_text(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;

    (void)state;
    talk_ready(w, &t, ",\"mode\":\"commit\"");
    say(&t, APPEND(" \\n")); /* white space alone is no text */
    say(&t, APPEND(""));
    say(&t, UPDATE("\"volume\":20"));
    hear(&t, "session.updated", 2);
    say(&t, APPEND("Text."));
    say(&t, UPDATE("\"volume\":30"));
    expect_last_error(&t, "invalid_request_error", "invalid_value",
                      "Session update error: session already started or finished or failed.", "");
    talk_end(&t);
    world_close(w);
}

static void without_a_voice_text_is_refused(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;

    (void)state;
    talk_open(w, &t, "model=" REALTIME);
    say(&t, APPEND("Text."));
    expect_last_error(&t, "invalid_request_error", "invalid_value", "The requested voice '' is not supported.",
                      "session.voice");
    say(&t, COMMIT);
    expect_last_error(&t, "invalid_request_error", "invalid_value", "The requested voice '' is not supported.",
                      "session.voice");
    say(&t, FINISH);
    expect_story(&t, "hello error error finished");
    talk_end(&t);
    world_close(w);
}

/* Responses ---------------------------------------------------------------------------------------------------------*/

static void rows_80_81_91_95_a_commit(void **state)
{
    struct world *w = world_open(NULL);
    struct tb_bytes pcm = { 0 };
    struct talk t;
    json_t *done;
    const char *response, *item;

    (void)state;
    talk_ready(w, &t, ",\"mode\":\"commit\"");
    say(&t, APPEND("The rain has stopped. "));
    say(&t, APPEND("We go out."));
    turn_for(w, 100);
    expect_story(&t, "hello updated"); /* row 80 */
    say(&t, COMMIT);
    hear(&t, "response.done", 1);
    expect_story(&t, "hello updated committed " RESPONSE);
    response = STR_AT(event_of(&t, "response.created", 0), "response.id");
    item = STR_AT(event_of(&t, "response.output_item.added", 0), "item.id");
    assert_int_equal(strncmp(response, "resp_", 5), 0);
    assert_int_equal(strncmp(item, "item_", 5), 0);
    assert_string_equal(STR_AT(event_of(&t, "response.created", 0), "response.status"), "in_progress");
    assert_string_equal(STR_AT(event_of(&t, "response.created", 0), "response.voice"), w->realtime);
    assert_true(json_is_array(at(event_of(&t, "response.created", 0), "response.output")));
    assert_string_equal(STR_AT(event_of(&t, "input_text_buffer.committed", 0), "item_id"), "");
    for (size_t i = 3; i < json_array_size(t.events); i++) {
        json_t *event = json_array_get(t.events, i);
        const char *id = STR_AT(event, "response_id");

        assert_true(!id || strcmp(id, response) == 0);
        if (strcmp(STR_AT(event, "type"), "response.audio.delta") == 0) {
            struct tb_bytes piece = { 0 };

            assert_string_equal(STR_AT(event, "item_id"), item);
            assert_int_equal(tb_base64_decode(tb_str_of(STR_AT(event, "delta")), &piece, NULL), TB_OK);
            assert_int_equal(piece.size % 2, 0);               /* row 91 */
            assert_true(piece.size <= 2 * RATE * 200 / 1000); /* 200 ms at most */
            tb_bytes_free(&piece);
        }
    }
    assert_true(audio_of(&t, response, &pcm) > 2 * SAMPLES * 28);
    assert_true(memcmp(pcm.data, "RIFF", 4) != 0);
    tb_bytes_free(&pcm);
    done = event_of(&t, "response.done", 0);
    assert_string_equal(STR_AT(done, "response.status"), "completed");
    assert_string_equal(STR_AT(done, "response.id"), response);
    assert_int_equal(INT_AT(done, "response.usage.characters"), 32);
    assert_string_equal(STR_AT(done, "response.output.0.content.0.type"), "audio");
    assert_non_null(at(done, "response.output.0.content.0.transcript"));
    assert_string_equal(STR_AT(event_of(&t, "response.content_part.done", 0), "part.type"), "audio");
    assert_string_equal(STR_AT(event_of(&t, "response.output_item.done", 0), "item.status"), "completed");
    talk_end(&t);
    world_close(w);
}

static void rows_82_86_commit_and_clear(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;

    (void)state;
    talk_ready(w, &t, ",\"mode\":\"commit\"");
    say(&t, COMMIT);
    expect_last_error(&t, "invalid_request_error", "invalid_value", "The input text buffer is empty", "");
    say(&t, APPEND("Gone."));
    say(&t, CLEAR);
    say(&t, COMMIT);
    say(&t, APPEND("Stays."));
    say(&t, COMMIT);
    hear(&t, "response.done", 1);
    expect_story(&t, "hello updated error cleared error committed " RESPONSE);
    assert_int_equal(INT_AT(event_of(&t, "response.done", 0), "response.usage.characters"), 6);
    talk_end(&t);
    world_close(w);
}

static void row_83_commit_races_in_server_commit(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;

    (void)state;
    talk_ready(w, &t, "");
    say(&t, COMMIT); /* nothing was ever appended */
    expect_last_error(&t, "invalid_request_error", "invalid_value", "The input text buffer is empty", "");
    for (int i = 0; i < 3; i++) { /* at once, and after the server has taken the text */
        say(&t, APPEND("Hello there, you all."));
        turn_for(w, i * 20);
        say(&t, COMMIT);
        hear(&t, "response.done", (size_t)i + 1);
    }
    assert_int_equal(count_of(&t, "error"), 1);
    assert_int_equal(count_of(&t, "response.audio.done"), 3);
    assert_int_equal(count_of(&t, "input_text_buffer.committed"), 3);
    say(&t, COMMIT);
    assert_int_equal(count_of(&t, "error"), 2);

    say(&t, APPEND("Hello there."));
    hear(&t, "response.done", 4); /* closed by the pause */
    say(&t, COMMIT);
    turn_for(w, 50);
    assert_int_equal(count_of(&t, "error"), 2);
    assert_int_equal(count_of(&t, "input_text_buffer.committed"), 4);
    assert_int_equal(count_of(&t, "response.done"), 4);
    talk_end(&t);
    world_close(w);
}

static void row_84_the_pause_ends_a_response(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;
    int64_t began;

    (void)state;
    talk_ready(w, &t, "");
    say(&t, APPEND("One sentence. And a tail"));
    began = tb_mono_us();
    hear(&t, "response.audio.delta", 1); /* the sentence does not wait for the pause */
    assert_true(tb_mono_us() - began < 700000);
    hear(&t, "response.done", 1);
    assert_true(tb_mono_us() - began >= 790000);
    expect_story(&t, "hello updated " RESPONSE);
    assert_int_equal(INT_AT(event_of(&t, "response.done", 0), "response.usage.characters"), 24);
    say(&t, APPEND("The next text opens another."));
    hear(&t, "response.done", 2);
    talk_end(&t);
    world_close(w);
}

/* Text that keeps coming within the pause stays in one response, and one character at a time sounds the same. */
static void rows_85_fragments_in_order(void **state)
{
    static const char text[] = "The rain has stopped. We can go out now. Bring the dog, and a ball.";
    struct world *w = world_open(NULL);
    struct tb_bytes whole = { 0 }, split = { 0 };
    struct talk t;

    (void)state;
    for (int round = 0; round < 2; round++) {
        size_t step = round ? 1 : 12;

        talk_ready(w, &t, "");
        for (size_t i = 0; i < sizeof text - 1; i += step) {
            say(&t, "{\"type\":\"input_text_buffer.append\",\"text\":\"%.*s\"}", (int)step, text + i);
            turn_for(w, 1);
        }
        say(&t, FINISH);
        hear(&t, "session.finished", 1);
        expect_story(&t, "hello updated " RESPONSE " finished");
        assert_int_equal(INT_AT(event_of(&t, "response.done", 0), "response.usage.characters"), sizeof text - 1);
        audio_of(&t, "", round ? &split : &whole);
        talk_end(&t);
    }
    assert_int_equal(whole.size, split.size);
    assert_memory_equal(whole.data, split.data, whole.size);
    tb_bytes_free(&whole);
    tb_bytes_free(&split);
    world_close(w);
}

static void row_87_clear_in_server_commit(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;

    (void)state;
    talk_ready(w, &t, "");
    say(&t, CLEAR);
    expect_last_error(&t, "invalid_request_error", "invalid_value",
                      "only client commit mode supports clear operation", "");
    say(&t, APPEND("Still alive."));
    say(&t, FINISH);
    hear(&t, "session.finished", 1);
    talk_end(&t);
    world_close(w);
}

static void rows_88_89_cancel(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;
    int64_t asked;

    (void)state;
    talk_ready(w, &t, ",\"mode\":\"commit\"");
    say(&t, CANCEL);
    expect_last_error(&t, "invalid_request_error", "invalid_value", "There is no response to cancel.", "");
    say(&t, APPEND("______________________________________________________________."));
    say(&t, COMMIT);
    say(&t, APPEND("Then this."));
    say(&t, COMMIT);
    hear(&t, "response.audio.delta", 2);
    asked = tb_mono_us();
    say(&t, CANCEL);
    assert_string_equal(STR_AT(event_of(&t, "response.done", 0), "response.status"), "incomplete");
    assert_true(tb_mono_us() - asked < 200000);
    hear(&t, "response.done", 2);
    expect_story(&t, "hello updated error committed committed " RESPONSE " " RESPONSE);
    assert_string_equal(STR_AT(event_of(&t, "response.done", 1), "response.status"), "completed");

    say(&t, APPEND("_____________."));
    say(&t, COMMIT CANCEL + 0); /* not one JSON value: refused */
    expect_last_error(&t, "invalid_request_error", "invalid_json", "", "");
    say(&t, COMMIT);
    say(&t, CANCEL); /* before any audio */
    assert_int_equal(count_of(&t, "response.done"), 3);
    assert_int_equal(count_of(&t, "response.created"), 3);
    talk_end(&t);
    world_close(w);
}

static void row_90_three_commits_in_a_row(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;

    (void)state;
    talk_open(w, &t, "model=" REALTIME);
    /* all of it before anything was read: strictly in order, though the voice is being looked up */
    say(&t, "{\"type\":\"session.update\",\"session\":{\"voice\":\"%s\",\"mode\":\"commit\"}}", w->realtime);
    say(&t, APPEND("One."));
    say(&t, COMMIT);
    say(&t, APPEND("Two two."));
    say(&t, COMMIT);
    say(&t, APPEND("Three three three."));
    say(&t, COMMIT);
    say(&t, APPEND("The rest."));
    say(&t, FINISH);
    expect_story(&t, "hello");
    hear(&t, "session.finished", 1);
    expect_story(&t, "hello updated committed committed committed " RESPONSE " " RESPONSE " " RESPONSE " " RESPONSE
                     " finished");
    assert_int_equal(INT_AT(event_of(&t, "response.done", 0), "response.usage.characters"), 4);
    assert_int_equal(INT_AT(event_of(&t, "response.done", 1), "response.usage.characters"), 8);
    assert_int_equal(INT_AT(event_of(&t, "response.done", 2), "response.usage.characters"), 18);
    assert_int_equal(INT_AT(event_of(&t, "response.done", 3), "response.usage.characters"), 9);
    talk_end(&t);
    world_close(w);
}

static void row_92_formats(void **state)
{
    static const struct {
        const char *members, *magic;
    } rows[] = { { ",\"response_format\":\"wav\",\"sample_rate\":8000", "RIFF" },
                 { ",\"response_format\":\"opus\",\"sample_rate\":48000", "OggS" },
                 { ",\"response_format\":\"mp3\",\"sample_rate\":22050,\"bit_rate\":64", "" } };
    struct world *w = world_open(NULL);
    struct talk t;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tb_bytes bytes = { 0 };

        talk_ready(w, &t, rows[i].members);
        say(&t, APPEND("Hello there, my friends."));
        say(&t, FINISH);
        hear(&t, "session.finished", 1);
        assert_true(audio_of(&t, "", &bytes) > 200);
        assert_memory_equal(bytes.data, rows[i].magic, strlen(rows[i].magic));
        tb_bytes_free(&bytes);
        talk_end(&t);
    }
    world_close(w);
}

static void rows_96_97_finish_and_close(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;
    int64_t began;

    (void)state;
    talk_ready(w, &t, "");
    say(&t, FINISH);
    expect_story(&t, "hello updated finished"); /* at once */
    say(&t, FINISH);                            /* again: harmless */
    say(&t, APPEND("Late."));
    expect_last_error(&t, "invalid_request_error", "invalid_value", "The session is finished", "type");
    say(&t, UPDATE(""));
    expect_last_error(&t, "invalid_request_error", "invalid_value", "Session update error: session already", "");
    assert_int_equal(t.close_code, 0);
    began = tb_mono_us();
    WAIT_UNTIL(w, t.close_code);
    assert_int_equal(t.close_code, 1000);
    assert_true(tb_mono_us() - began > 800000 && tb_mono_us() - began < 2000000);
    talk_end(&t);

    talk_ready(w, &t, ""); /* the client closes first */
    say(&t, FINISH);
    talk_end(&t);
    turn_for(w, 10);
    world_close(w);
}

static void rows_100_101_bad_frames(void **state)
{
    static const struct {
        const char *frame, *code, *message;
    } rows[] = {
        { "{\"type\":\"response.create\"}", "invalid_value", "Invalid value: 'response.create'." },
        { "{\"type\":\"\"}", "invalid_value", "Invalid value: ''." },
        { "{\"type\":7}", "invalid_value", "Required parameter(type)" },
        { "{}", "invalid_value", "Required parameter(type)" },
        { "{", "invalid_json", "" },
        { "", "invalid_json", "" },
        { "[]", "invalid_json", "A JSON object is needed." },
        { "{\"type\":\"session.finish\",\"type\":\"session.finish\"}", "invalid_json", "" },
        { "{\"type\":\"\xff\"}", "invalid_json", "" },
        { "{\"type\":\xff\xfe}", "invalid_json", "" },
        { "{\"type\": \xe4\xbd\xa0\xe4\xbd\xa0}", "invalid_json", "" },
        { "{\"type\":\"input_text_buffer.append\"}", "invalid_value", "Required parameter(text)" },
        { "{\"type\":\"input_text_buffer.append\",\"text\":[]}", "invalid_value", "Required parameter(text)" },
    };
    struct world *w = world_open(NULL);
    char deep[200];
    struct talk t;

    (void)state;
    talk_open(w, &t, "model=" REALTIME);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        say(&t, "%s", rows[i].frame);
        assert_int_equal(count_of(&t, "error"), i + 1);
        assert_string_equal(STR_AT(event_of(&t, "error", -1), "error.code"), rows[i].code);
        assert_int_equal(strncmp(STR_AT(event_of(&t, "error", -1), "error.message"), rows[i].message,
                                 strlen(rows[i].message)), 0);
    }
    memset(deep, '[', sizeof deep);
    deep[sizeof deep - 1] = 0;
    say(&t, "{\"type\":%s", deep);
    expect_last_error(&t, "invalid_request_error", "invalid_json", "JSON nested 200 deep, at most 32 is taken.", "");
    tb_dialogue_binary(t.d);
    assert_int_equal(t.close_code, 1003);
    talk_end(&t);
    world_close(w);
}

static void text_over_the_limits(void **state)
{
    struct world *w = world_open(NULL);
    char *long_text = calloc(1, TB_MAX_APPEND + 2);
    struct talk t;

    (void)state;
    talk_ready(w, &t, ",\"mode\":\"commit\"");
    memset(long_text, 'a', TB_MAX_APPEND + 1);
    say(&t, "{\"type\":\"input_text_buffer.append\",\"text\":\"%s\"}", long_text);
    expect_last_error(&t, "invalid_request_error", "invalid_value", "Invalid value for text. Got 20001", "text");
    long_text[TB_MAX_APPEND] = 0;
    for (int i = 0; i < 5; i++)
        say(&t, "{\"type\":\"input_text_buffer.append\",\"text\":\"%s\"}", long_text);
    assert_int_equal(count_of(&t, "error"), 1);
    say(&t, APPEND("b"));
    expect_last_error(&t, "invalid_request_error", "invalid_value", "Invalid value for text. 100001", "text");
    say(&t, CLEAR);
    say(&t, APPEND("Room again."));
    say(&t, COMMIT);
    hear(&t, "response.done", 1);
    talk_end(&t);
    free(long_text);
    world_close(w);
}

static void a_failure_ends_the_response_not_the_session(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;

    (void)state;
    talk_ready(w, &t, ",\"mode\":\"commit\"");
    say(&t, APPEND("A sentence that is quite long enough. Then a BREAK."));
    say(&t, COMMIT);
    say(&t, APPEND("\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82.")); /* Russian, which the engine does not speak */
    say(&t, COMMIT);
    say(&t, APPEND("Goes on."));
    say(&t, COMMIT);
    hear(&t, "response.done", 3);
    assert_string_equal(STR_AT(event_of(&t, "error", 0), "error.type"), "server_error");
    assert_string_equal(STR_AT(event_of(&t, "error", 0), "error.code"), "internal_error");
    assert_string_equal(STR_AT(event_of(&t, "error", 1), "error.type"), "invalid_request_error");
    assert_string_equal(STR_AT(event_of(&t, "response.done", 0), "response.status"), "failed");
    assert_string_equal(STR_AT(event_of(&t, "response.done", 1), "response.status"), "failed");
    assert_string_equal(STR_AT(event_of(&t, "response.done", 2), "response.status"), "completed");
    assert_int_equal(count_of(&t, "response.created"), 3);
    talk_end(&t);
    world_close(w);
}

static void impatient(struct tb_api_config *config)
{
    config->idle_ms = 150;
}

static void idle_sessions_are_closed(void **state)
{
    struct world *w = world_open(impatient);
    struct talk t;

    (void)state;
    talk_ready(w, &t, "");
    say(&t, APPEND("____________________.")); /* 400 ms of work, then 800 ms of pause: not idle */
    hear(&t, "response.done", 1);
    assert_int_equal(t.close_code, 0);
    WAIT_UNTIL(w, t.close_code);
    assert_int_equal(t.close_code, 1000);
    expect_last_error(&t, "invalid_request_error", "idle_timeout", "", "");
    talk_end(&t);
    world_close(w);
}

static void row_102_a_client_that_vanishes(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;

    (void)state;
    for (int i = 0; i < 20; i++) {
        talk_open(w, &t, "model=" REALTIME);
        say(&t, "{\"type\":\"session.update\",\"session\":{\"voice\":\"%s\"}}", w->realtime);
        if (i % 4)
            hear(&t, "session.updated", 1);
        say(&t, APPEND("________________. ________________. ________________. ________________."));
        turn_for(w, 3 * i);
        talk_end(&t);
    }
    WAIT_UNTIL(w, atomic_load(&sessions_now) == 0 && !w->api->dialogues);
    talk_ready(w, &t, ""); /* the api may close with a session open */
    say(&t, APPEND("________________. ________________."));
    tb_dialogue_gone(t.d);
    t.d = NULL;
    talk_end(&t);
    world_close(w);
}

static void a_deaf_client_pauses_the_synthesis(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;
    size_t before = 1, now = 0;

    (void)state;
    talk_ready(w, &t, ",\"mode\":\"commit\",\"sample_rate\":48000");
    for (int i = 0; i < 300; i++)
        say(&t, APPEND("A sentence of just forty letters, this. "));
    t.deaf = true;
    say(&t, COMMIT); /* 12000 characters: 11.5 MB */
    while (before != now) {
        before = now;
        turn_for(w, 300);
        now = t.waiting;
    }
    assert_int_equal(count_of(&t, "response.done"), 0);
    assert_true(t.waiting > TB_MAX_OUTBOX && t.waiting < 2 * (size_t)TB_MAX_OUTBOX);
    assert_int_equal(t.close_code, 0);
    t.deaf = false;
    hear(&t, "response.done", 1);
    talk_end(&t);
    world_close(w);
}

static void a_client_that_only_sends_is_dropped(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;

    (void)state;
    talk_open(w, &t, "model=" REALTIME);
    for (int i = 0; i < 60000 && !t.close_code; i++) {
        say(&t, "{");
        if (i % 100 == 0)
            loop_turn(&w->loop);
    }
    WAIT_UNTIL(w, t.close_code);
    assert_int_equal(t.close_code, 1013);
    talk_end(&t);
    world_close(w);
}

static void a_restart_lets_responses_end(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t, idle;

    (void)state;
    talk_ready(w, &idle, "");
    talk_ready(w, &t, "");
    say(&t, APPEND("________. And a tail"));
    turn_for(w, 20);
    tb_dialogue_restart(t.d);
    tb_dialogue_restart(idle.d);
    say(&t, APPEND("No more."));
    expect_last_error(&t, "invalid_request_error", "invalid_value", "The server is restarting", "type");
    WAIT_UNTIL(w, t.close_code && idle.close_code);
    assert_int_equal(t.close_code, 1012);
    assert_int_equal(idle.close_code, 1012);
    assert_string_equal(STR_AT(event_of(&t, "response.done", 0), "response.status"), "completed");
    talk_end(&t);
    talk_end(&idle);
    world_close(w);
}

static void row_103_68_usage_on_b(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;

    (void)state;
    talk_ready(w, &t, ",\"mode\":\"commit\"");
    say(&t, APPEND("\\u4f60\\u597dok \\ud83d\\ude00"));
    say(&t, FINISH); /* uncommitted text is spoken */
    hear(&t, "session.finished", 1);
    assert_int_equal(INT_AT(event_of(&t, "response.done", 0), "response.usage.characters"), 8);
    talk_end(&t);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_69_70_71_handshake),
        cmocka_unit_test(too_many_sessions_are_refused),
        cmocka_unit_test(row_72_session_created),
        cmocka_unit_test(an_unknown_model_is_told_and_closed),
        cmocka_unit_test(row_73_78_79_update),
        cmocka_unit_test(rows_33_74_75_voices_that_do_not_fit),
        cmocka_unit_test(row_76_values_out_of_range),
        cmocka_unit_test(row_77_update_after_text),
        cmocka_unit_test(without_a_voice_text_is_refused),
        cmocka_unit_test(rows_80_81_91_95_a_commit),
        cmocka_unit_test(rows_82_86_commit_and_clear),
        cmocka_unit_test(row_83_commit_races_in_server_commit),
        cmocka_unit_test(row_84_the_pause_ends_a_response),
        cmocka_unit_test(rows_85_fragments_in_order),
        cmocka_unit_test(row_87_clear_in_server_commit),
        cmocka_unit_test(rows_88_89_cancel),
        cmocka_unit_test(row_90_three_commits_in_a_row),
        cmocka_unit_test(row_92_formats),
        cmocka_unit_test(rows_96_97_finish_and_close),
        cmocka_unit_test(rows_100_101_bad_frames),
        cmocka_unit_test(text_over_the_limits),
        cmocka_unit_test(a_failure_ends_the_response_not_the_session),
        cmocka_unit_test(idle_sessions_are_closed),
        cmocka_unit_test(row_102_a_client_that_vanishes),
        cmocka_unit_test(a_deaf_client_pauses_the_synthesis),
        cmocka_unit_test(a_client_that_only_sends_is_dropped),
        cmocka_unit_test(a_restart_lets_responses_end),
        cmocka_unit_test(row_103_68_usage_on_b),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
