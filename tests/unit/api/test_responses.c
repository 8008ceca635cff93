/* test_responses.c - surface B without sockets: text to responses, word for word. Names carry the rows of protocol.md
 * section 5. */
#include "talk.h"

#include "api/api_priv.h"

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

/* tb_api_close with everything under way: look-ups, speech, files being stored, clients that have not gone. */
static void closing_the_api_ends_all(void **state)
{
    (void)state;
    for (int round = 0; round < 8; round++) {
        struct world *w = world_open(NULL);
        struct talk talks[8];
        struct answer answers[8];
        char body[512], authorization[96];
        struct tb_http_request req;

        snprintf(authorization, sizeof authorization, "Bearer %s", w->key);
        snprintf(body, sizeof body,
                 "{\"model\":\"" PLAIN "\",\"input\":{\"voice\":\"%s\",\"text\":\"____. Hello. ___.\"}}", w->plain);
        req = request_of("POST", PATH_C, authorization, body);
        for (int i = 0; i < 8; i++) {
            req.sse = i % 2 ? TB_STR("enable") : TB_STR("");
            answer_open(w, &req, &answers[i]);
            talk_open(w, &talks[i], "model=" REALTIME);
            say(&talks[i], "{\"type\":\"session.update\",\"session\":{\"voice\":\"%s\"}}", w->realtime);
            say(&talks[i], APPEND("Hello. ____. Hello."));
            turn_for(w, round * i / 2);
        }
        turn_for(w, round * 20);
        world_close(w);
        for (int i = 0; i < 8; i++) {
            answer_free(&answers[i]);
            talks[i].d = NULL;
            talk_end(&talks[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(a_failure_ends_the_response_not_the_session),
        cmocka_unit_test(row_102_a_client_that_vanishes),
        cmocka_unit_test(a_deaf_client_pauses_the_synthesis),
        cmocka_unit_test(a_restart_lets_responses_end),
        cmocka_unit_test(row_103_68_usage_on_b),
        cmocka_unit_test(closing_the_api_ends_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
