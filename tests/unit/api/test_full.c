/* test_full.c - a machine on which all voices are taken: what each surface answers, and that it ends with the last. */
#include "talk.h"

static void no_audio(void *ctx, const void *bytes, size_t n, uint64_t samples)
{
    (void)ctx;
    (void)bytes;
    (void)n;
    (void)samples;
}

static void no_drained(void *ctx)
{
    (void)ctx;
}

static void no_done(void *ctx, enum tb_code code, const struct tb_error *err)
{
    (void)ctx;
    (void)code;
    (void)err;
}

enum { MOST = 32 };

/* Voices that have begun and go on for 7 s each, until one more is refused. Returns how many. */
static int fill(struct world *w, struct tb_utterance **u)
{
    const struct tb_utterance_config c = { .engine = world_models[0].engine, .print = TB_STR("print"),
                                           .language = TB_LANG_EN, .fallback = TB_LANG_EN, .rate = 1, .pitch = 1,
                                           .volume = 50, .format = TB_FORMAT_PCM, .sample_rate = RATE, .expected = 56,
                                           .events = { no_audio, no_drained, no_done, NULL } };
    int n = 0;

    while (n < MOST && tb_utterance_open(w->speech, &c, &u[n], NULL) == TB_OK)
        n++;
    assert_in_range(n, 3, 8);
    return n;
}

static void empty(struct tb_utterance **u, int n)
{
    while (n > 0)
        tb_utterance_close(u[--n]);
}

static int handshake(struct world *w, char **body)
{
    char authorization[96];
    struct tb_http_request req;
    int64_t account;
    int status;

    snprintf(authorization, sizeof authorization, "Bearer %s", w->key);
    req = request_of("GET", "/api-ws/v1/realtime", authorization, "");
    req.query = TB_STR("model=" REALTIME);
    tb_dialogue_admit(w->api, &req, &account, &status, body);
    return status;
}

static void handshakes_are_refused(void **state)
{
    struct world *w = world_open(NULL);
    struct tb_utterance *u[MOST];
    char *body;
    int n = fill(w, u);

    (void)state;
    assert_int_equal(handshake(w, &body), 429);
    assert_non_null(strstr(body, "\"Throttling.RateQuota\""));
    free(body);
    empty(u, n);
    assert_int_equal(handshake(w, &body), 101);
    world_close(w);
}

static void ask(struct world *w, bool sse, struct answer *a)
{
    struct tb_http_request req;
    char authorization[96], body[512];

    snprintf(authorization, sizeof authorization, "Bearer %s", w->key);
    snprintf(body, sizeof body, "{\"model\":\"" PLAIN "\",\"input\":{\"text\":\"A sentence that takes as long as three "
                                "or four others, because it goes on and on.\",\"voice\":\"%s\"}}", w->plain);
    req = request_of("POST", PATH_C, authorization, body);
    if (sse)
        req.sse = TB_STR("enable");
    answer_open(w, &req, a);
    answer_wait(w, a);
}

static void listeners_over_http_are_refused_and_files_wait(void **state)
{
    struct world *w = world_open(NULL);
    struct tb_utterance *u[MOST];
    struct answer a;
    int n = fill(w, u);

    (void)state;
    ask(w, true, &a);
    assert_non_null(strstr(a.headers, "Retry-After: 1"));
    expect_error(&a, 429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later.");
    ask(w, false, &a);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    empty(u, n);
    ask(w, true, &a);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    world_close(w);
}

static void a_response_is_refused_and_the_session_goes_on(void **state)
{
    struct world *w = world_open(NULL);
    struct tb_utterance *u[MOST];
    struct talk t;

    (void)state;
    talk_ready(w, &t, ",\"mode\":\"commit\"");
    int n = fill(w, u);
    say(&t, APPEND("A sentence that takes as long as three or four others, because it goes on and on."));
    say(&t, COMMIT);
    hear(&t, "response.done", 1);
    assert_string_equal(STR_AT(event_of(&t, "error", 0), "error.type"), "server_error");
    assert_string_equal(STR_AT(event_of(&t, "error", 0), "error.code"), "overloaded");
    assert_string_equal(STR_AT(event_of(&t, "response.done", 0), "response.status"), "failed");
    empty(u, n);
    say(&t, APPEND("Again."));
    say(&t, COMMIT);
    hear(&t, "response.done", 2);
    assert_string_equal(STR_AT(event_of(&t, "response.done", 1), "response.status"), "completed");
    talk_end(&t);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshakes_are_refused),
        cmocka_unit_test(listeners_over_http_are_refused_and_files_wait),
        cmocka_unit_test(a_response_is_refused_and_the_session_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
