/* test_renew.c - voices that were made while another engine served their model, on both surfaces: enrolled again from
 * the kept recording, or refused with what to do. */
#include "talk.h"

#include "audio/encode.h"

#define INVALID_VOICE \
    "Invalid voice specified, the requested voice does not exist or is not licensed for use\xe2\x80\x94please select " \
    "a supported voice. "

/* A voice that engine "gone" made; its recording: a second of silence, `junk`, or (NULL) not kept. */
static void add_old_voice(struct world *w, const char *id, const char *model, bool keep, const char *junk)
{
    enum { LEN = 2 * RATE };
    static uint8_t wav[44 + LEN];
    struct tb_voice_info v = { .created_ms = 1, .modified_ms = 1, .used_ms = tb_now_ms() };
    struct tb_recording recording = { { (char *)wav, sizeof wav }, TB_STR("What was said.") };

    tb_wav_header(wav, RATE, LEN);
    if (junk)
        recording.file = tb_str_of(junk);
    snprintf(v.id, sizeof v.id, "%s", id);
    snprintf(v.target_model, sizeof v.target_model, "%s", model);
    strcpy(v.language, "en");
    strcpy(v.engine, "gone");
    assert_int_equal(tb_store_voice_add(w->store, w->account, &v, TB_STR("of another kind"), keep ? &recording : NULL,
                                        5000, NULL), TB_OK);
}

static void synthesise(struct world *w, struct answer *a, const char *voice)
{
    post(w, PATH_C, a, "{\"model\":\"" PLAIN "\",\"input\":{\"text\":\"Good evening.\",\"voice\":\"%s\"}}", voice);
}

static bool has_print(struct world *w, const char *id)
{
    struct tb_bytes print = { 0 };
    enum tb_code rc = tb_store_print_get(w->store, w->account, tb_str_of(id), "talker", &print, NULL);

    tb_bytes_free(&print);
    return rc == TB_OK;
}

static void http_enrols_again_once(void **state)
{
    struct world *w = world_open(NULL);
    struct answer a;

    (void)state;
    add_old_voice(w, "kept", PLAIN, true, NULL);
    assert_false(has_print(w, "kept"));
    for (int i = 0; i < 2; i++) {
        synthesise(w, &a, "kept");
        assert_int_equal(a.status, 200);
        answer_free(&a);
        assert_true(has_print(w, "kept"));
    }
    world_close(w);
}

static void http_refuses_and_says_what_to_do(void **state)
{
    struct world *w = world_open(NULL);
    struct answer a;

    (void)state;
    add_old_voice(w, "lost", PLAIN, false, NULL);
    synthesise(w, &a, "lost");
    expect_error(&a, 400, "InvalidParameter",
                 INVALID_VOICE "This voice cannot be spoken with: it was made with engine 'gone', and its model is now "
                               "spoken by 'talker'. Its recording was not kept: create it again.");
    add_old_voice(w, "junk", PLAIN, true, "this is no recording");
    synthesise(w, &a, "junk");
    expect_error(&a, 400, "InvalidParameter",
                 INVALID_VOICE "Engine 'talker' cannot make this voice of its recording: ");
    assert_false(has_print(w, "junk"));
    world_close(w);
}

static void a_client_that_goes_meanwhile_is_forgotten(void **state)
{
    struct world *w = world_open(NULL);
    struct tb_http_request req;
    struct answer a;
    struct talk t;
    char authorization[96];

    (void)state;
    add_old_voice(w, "kept", PLAIN, true, NULL);
    add_old_voice(w, "live", REALTIME, true, NULL);
    snprintf(authorization, sizeof authorization, "Bearer %s", w->key);
    req = request_of("POST", PATH_C, authorization,
                     "{\"model\":\"" PLAIN "\",\"input\":{\"text\":\"Hello.\",\"voice\":\"kept\"}}");
    answer_open(w, &req, &a);
    tb_exchange_gone(a.x);
    talk_open(w, &t, "model=" REALTIME);
    say(&t, UPDATE("\"voice\":\"live\""));
    turn_for(w, 20);
    tb_dialogue_gone(t.d);
    t.d = NULL;
    talk_end(&t);
    turn_for(w, 100);
    world_close(w);
}

static void realtime_enrols_again(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;

    (void)state;
    add_old_voice(w, "live", REALTIME, true, NULL);
    talk_open(w, &t, "model=" REALTIME);
    say(&t, UPDATE("\"voice\":\"live\""));
    say(&t, APPEND("Good evening.")); /* waits in the inbox meanwhile */
    say(&t, FINISH);
    hear(&t, "session.finished", 1);
    expect_story(&t, "hello updated " RESPONSE " finished");
    assert_true(has_print(w, "live"));
    talk_end(&t);
    world_close(w);
}

static void realtime_refuses_and_says_what_to_do(void **state)
{
    struct world *w = world_open(NULL);
    struct talk t;

    (void)state;
    add_old_voice(w, "lost", REALTIME, false, NULL);
    add_old_voice(w, "junk", REALTIME, true, "this is no recording");
    talk_open(w, &t, "model=" REALTIME);
    say(&t, UPDATE("\"voice\":\"lost\""));
    hear(&t, "error", 1);
    expect_last_error(&t, "invalid_request_error", "invalid_value",
                      "The requested voice 'lost' is not supported. This voice cannot be spoken with: it was made with "
                      "engine 'gone', and its model is now spoken by 'talker'. Its recording was not kept: create it "
                      "again.", "session.voice");
    say(&t, UPDATE("\"voice\":\"junk\""));
    hear(&t, "error", 2);
    expect_last_error(&t, "invalid_request_error", "invalid_value",
                      "The requested voice 'junk' is not supported. Engine 'talker' cannot make this voice of its "
                      "recording: ", "session.voice");
    say(&t, UPDATE("\"voice\":\"%s\""), w->realtime); /* the session lives on */
    hear(&t, "session.updated", 1);
    talk_end(&t);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_enrols_again_once),
        cmocka_unit_test(http_refuses_and_says_what_to_do),
        cmocka_unit_test(a_client_that_goes_meanwhile_is_forgotten),
        cmocka_unit_test(realtime_enrols_again),
        cmocka_unit_test(realtime_refuses_and_says_what_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
