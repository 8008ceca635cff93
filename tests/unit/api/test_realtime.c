/* test_realtime.c - surface B without sockets: handshake, session.update, frames and limits. Names carry the rows of
 * protocol.md section 5. */
#include "talk.h"

#include "api/api_priv.h"

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

static void take_any_key(struct tb_api_config *config)
{
    config->any_key = true;
    config->default_model = REALTIME;
}

static void any_key_lets_in_the_browser_client_that_sends_none(void **state)
{
    static const char browser[] = "/api/proxy/builtin/platform/qwen-tts/api-ws/v1/realtime";
    struct world *w = world_open(take_any_key);
    char *body;

    (void)state;
    w->account = w->api->open_account;
    assert_int_equal(admit(w, browser, "", "", &body), 101);
    assert_int_equal(admit(w, browser, "", "Bearer ", &body), 401);
    free(body);
    assert_int_equal(admit(w, "/api-ws/v1/realtime", "", "", &body), 401);
    free(body);
    world_close(w);
    w = world_open(with_default_model);
    assert_int_equal(admit(w, browser, "", "", &body), 401);
    free(body);
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
    static const char *const queries[] = {
        "model=nope", "model=" PLAIN, "model=%22%C3", "model=qwen3-tts-vc-realtime" };
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

/* Frames and limits -------------------------------------------------------------------------------------------------*/

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_69_70_71_handshake),
        cmocka_unit_test(any_key_lets_in_the_browser_client_that_sends_none),
        cmocka_unit_test(too_many_sessions_are_refused),
        cmocka_unit_test(row_72_session_created),
        cmocka_unit_test(an_unknown_model_is_told_and_closed),
        cmocka_unit_test(row_73_78_79_update),
        cmocka_unit_test(rows_33_74_75_voices_that_do_not_fit),
        cmocka_unit_test(row_76_values_out_of_range),
        cmocka_unit_test(row_77_update_after_text),
        cmocka_unit_test(without_a_voice_text_is_refused),
        cmocka_unit_test(rows_100_101_bad_frames),
        cmocka_unit_test(text_over_the_limits),
        cmocka_unit_test(idle_sessions_are_closed),
        cmocka_unit_test(a_client_that_only_sends_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
