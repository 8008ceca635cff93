/* test_customization.c - surface A without sockets. Names carry the rows of protocol.md section 5. */
#include "world.h"

#include <sqlite3.h>

#include "api/api_priv.h"

#define A(w, a, input) post(w, PATH_A, a, "{\"model\":\"qwen-voice-enrollment\",\"input\":%s}", input)

static void expect_create(struct world *w, const char *members, const char *code, const char *message)
{
    struct answer a;

    post(w, PATH_A, &a, "{\"model\":\"qwen-voice-enrollment\",\"input\":{\"action\":\"create\"%s}}", members);
    expect_error(&a, 400, code, message);
}

#define GOOD_MODEL ",\"target_model\":\"" REALTIME "\""
#define GOOD_NAME ",\"preferred_name\":\"night_host\""
#define SOME_AUDIO ",\"audio\":{\"data\":\"data:audio/wav;base64,AAAA\"}"
#define FIELD(name) "Required parameter(" name ") missing or invalid, please check the request parameters. "

static void rows_8_to_12_fields_of_create(void **state)
{
    struct world *w = world_open(NULL);

    (void)state;
    expect_create(w, GOOD_MODEL ",\"preferred_name\":\"seventeen_letters\"" SOME_AUDIO, "InvalidParameter",
                  FIELD("preferred_name") "Got \"seventeen_letters\": 1 to 16 of A-Z a-z 0-9 _ are allowed.");
    expect_create(w, GOOD_MODEL ",\"preferred_name\":\"a-b\"" SOME_AUDIO, "InvalidParameter",
                  FIELD("preferred_name") "Got \"a-b\": 1 to 16 of A-Z a-z 0-9 _ are allowed.");
    expect_create(w, GOOD_MODEL ",\"preferred_name\":\"a b\"" SOME_AUDIO, "InvalidParameter", FIELD("preferred_name"));
    expect_create(w, GOOD_MODEL ",\"preferred_name\":\"\xc3\xa9\"" SOME_AUDIO, "InvalidParameter",
                  FIELD("preferred_name"));
    expect_create(w, GOOD_MODEL ",\"preferred_name\":\"\"" SOME_AUDIO, "InvalidParameter", FIELD("preferred_name"));
    expect_create(w, GOOD_MODEL ",\"preferred_name\":7" SOME_AUDIO, "InvalidParameter",
                  FIELD("preferred_name") "Got 7: a string is needed.");
    expect_create(w, GOOD_MODEL SOME_AUDIO, "InvalidParameter", FIELD("preferred_name") "It is missing.");
    expect_create(w, GOOD_MODEL ",\"preferred_name\":null" SOME_AUDIO, "InvalidParameter", FIELD("preferred_name"));
    expect_create(w, GOOD_NAME SOME_AUDIO, "InvalidParameter", FIELD("target_model") "It is missing.");
    expect_create(w, ",\"target_model\":\"qwen3-tts-vc-realtime\"" GOOD_NAME SOME_AUDIO, "InvalidParameter",
                  FIELD("target_model") "Got \"qwen3-tts-vc-realtime\": one of " REALTIME ", ");
    expect_create(w, GOOD_MODEL GOOD_NAME SOME_AUDIO ",\"language\":\"xx\"", "InvalidParameter",
                  FIELD("language") "Got \"xx\": one of zh en de it pt es ja ko fr ru is needed.");
    expect_create(w, GOOD_MODEL GOOD_NAME SOME_AUDIO ",\"language\":\"auto\"", "InvalidParameter", FIELD("language"));
    expect_create(w, GOOD_MODEL GOOD_NAME SOME_AUDIO ",\"text\":[]", "InvalidParameter",
                  FIELD("text") "Got an array: a string is needed.");
    expect_create(w, GOOD_MODEL GOOD_NAME, "InvalidParameter", FIELD("audio") "It is missing.");
    expect_create(w, GOOD_MODEL GOOD_NAME ",\"audio\":\"x\"", "InvalidParameter", FIELD("audio"));
    expect_create(w, GOOD_MODEL GOOD_NAME ",\"audio\":{}", "InvalidParameter", FIELD("audio.data"));
    world_close(w);
}

/* What the layers below find wrong arrives under its documented name. */
static void rows_19_and_22_audio_that_cannot_be_had(void **state)
{
    struct world *w = world_open(NULL);
    struct answer a;

    (void)state;
    expect_create(w, GOOD_MODEL GOOD_NAME ",\"audio\":{\"data\":\"oss://bucket/key\"}", "InvalidParameter",
                  "The provided URL does not appear to be valid. Ensure it is correctly formatted.");
    expect_create(w, GOOD_MODEL GOOD_NAME ",\"audio\":{\"data\":\"http://127.0.0.1:8099/x.wav\"}",
                  "BadRequest.InputDownloadFailed", "Failed to download the input file: ");
    A(w, &a, "{\"action\":\"list\"}");
    assert_int_equal(INT_AT(a.json, "output.total_count"), 3); /* a failed create leaves nothing */
    answer_free(&a);
    world_close(w);
}

static void row_21_quota(void **state)
{
    struct world *w = world_open(NULL);
    char id[TB_MAX_VOICE_ID];

    (void)state;
    for (int i = 0; i < 3; i++)
        add_voice(w, PLAIN, "more", id);
    expect_create(w, GOOD_MODEL GOOD_NAME SOME_AUDIO, "Throttling.AllocationQuota",
                  "Maximum voice storage limit exceeded, please delete existing voices.");
    world_close(w);
}

static void rows_24_to_28_list(void **state)
{
    struct world *w = world_open(NULL);
    struct answer a;
    const char *created;
    int y, mo, d, h, m, s, n = 0;

    (void)state;
    A(w, &a, "{\"action\":\"list\"}");
    assert_int_equal(a.status, 200);
    assert_int_equal(INT_AT(a.json, "output.page_index"), 0);
    assert_int_equal(INT_AT(a.json, "output.page_size"), 10);
    assert_int_equal(INT_AT(a.json, "output.total_count"), 3);
    assert_true(json_is_integer(at(a.json, "usage.count")) && INT_AT(a.json, "usage.count") == 0);
    assert_int_equal(json_array_size(at(a.json, "output.voice_list")), 3);
    assert_int_equal(json_object_size(at(a.json, "output.voice_list.0")), 5);
    assert_non_null(STR_AT(a.json, "output.voice_list.0.voice"));
    assert_non_null(STR_AT(a.json, "output.voice_list.0.gmt_modified"));
    assert_string_equal(STR_AT(a.json, "output.voice_list.0.language"), "en");
    assert_non_null(STR_AT(a.json, "output.voice_list.0.target_model"));
    created = STR_AT(a.json, "output.voice_list.0.gmt_create");
    assert_int_equal(sscanf(created, "%4d-%2d-%2d %2d:%2d:%2d%n", &y, &mo, &d, &h, &m, &s, &n), 6);
    assert_int_equal(n, 19);
    assert_int_equal(strlen(created), 19);
    assert_null(at(a.json, "code"));
    answer_free(&a);
    A(w, &a, "{\"action\":\"list\",\"page_index\":7,\"page_size\":2}");
    assert_int_equal(a.status, 200);
    assert_int_equal(json_array_size(at(a.json, "output.voice_list")), 0);
    answer_free(&a);
    A(w, &a, "{\"action\":\"list\",\"page_index\":1,\"page_size\":2,\"prefix\":\"x\"}");
    assert_int_equal(json_array_size(at(a.json, "output.voice_list")), 1);
    answer_free(&a);
    A(w, &a, "{\"action\":\"list\",\"page_size\":0}");
    assert_int_equal(json_array_size(at(a.json, "output.voice_list")), 0);
    assert_int_equal(INT_AT(a.json, "output.total_count"), 3);
    answer_free(&a);
    world_close(w);
}

static void row_29_paging_out_of_range(void **state)
{
    static const char *const bad[][2] = { { "page_index", "-1" },     { "page_size", "1000001" },
                                          { "page_index", "\"0\"" },  { "page_size", "1.5" },
                                          { "page_index", "true" },   { "page_size", "9000000000000000000" } };
    struct world *w = world_open(NULL);
    char input[96], message[96];
    struct answer a;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(input, sizeof input, "{\"action\":\"list\",\"%s\":%s}", bad[i][0], bad[i][1]);
        snprintf(message, sizeof message, "the parameters must conform to the specification: %s", bad[i][0]);
        A(w, &a, input);
        expect_error(&a, 400, "InvalidParameter", message);
    }
    world_close(w);
}

static void rows_30_31_33_delete(void **state)
{
    struct world *w = world_open(NULL);
    char input[200], message[200], key[64];
    struct answer a;

    (void)state;
    snprintf(input, sizeof input, "{\"action\":\"delete\",\"voice\":\"%s\"}", w->plain);
    snprintf(message, sizeof message, "Voice '%s' not found.", w->plain);

    memcpy(key, w->key, sizeof key);
    memcpy(w->key, w->other_key, sizeof key); /* someone else cannot */
    A(w, &a, input);
    expect_error(&a, 400, "BadRequest.VoiceNotFound", message);
    A(w, &a, "{\"action\":\"list\"}");
    assert_int_equal(INT_AT(a.json, "output.total_count"), 0);
    answer_free(&a);
    memcpy(w->key, key, sizeof key);

    A(w, &a, input);
    assert_int_equal(a.status, 200);
    assert_string_equal(STR_AT(a.json, "output.voice"), w->plain);
    assert_true(json_is_integer(at(a.json, "usage.count")) && INT_AT(a.json, "usage.count") == 0);
    answer_free(&a);
    A(w, &a, input);
    expect_error(&a, 400, "BadRequest.VoiceNotFound", message);
    A(w, &a, "{\"action\":\"delete\"}");
    expect_error(&a, 400, "InvalidParameter", FIELD("voice"));
    world_close(w);
}

static void row_35_keys(void **state)
{
    static const char *const bad[] = { "",       "Bearer",   "Bearer ",  "Bearer sk-unknown", "Basic abc",
                                       "sk-key", "bearer\t", "Bearer $DASHSCOPE_API_KEY" };
    struct world *w = world_open(NULL);
    struct answer a;
    char header[96];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (int c = 0; c < 2; c++) {
            struct tb_http_request req = request_of("POST", c ? PATH_C : PATH_A, bad[i], "{}");

            assert_false(tb_exchange_wants_body(w->api, &req)); /* known before there is one */
            answer_open(w, &req, &a);
            answer_wait(w, &a);
            expect_error(&a, 401, "InvalidApiKey", "Invalid API-key provided.");
        }
    snprintf(header, sizeof header, "bEARER  %s", w->key); /* the scheme in any case */
    struct tb_http_request req = request_of("POST", PATH_A "/", header,
                                            "{\"model\":\"qwen-voice-enrollment\",\"input\":{\"action\":\"list\"}}");
    assert_true(tb_exchange_wants_body(w->api, &req));
    answer_open(w, &req, &a);
    answer_wait(w, &a);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    req.method = TB_STR("PUT");
    assert_false(tb_exchange_wants_body(w->api, &req));
    req.method = TB_STR("POST");
    req.path = TB_STR("/nowhere");
    assert_false(tb_exchange_wants_body(w->api, &req));
    req.path = TB_STR("/healthz");
    assert_false(tb_exchange_wants_body(w->api, &req));
    world_close(w);
}

static void rows_36_to_40_body(void **state)
{
    static const struct {
        const char *body, *code, *message;
    } rows[] = {
        { "{", "InvalidParameter", "Required body invalid, please check the request body format." },
        { "", "InvalidParameter", "Required body invalid, please check the request body format." },
        { "[]", "InvalidParameter", "Required body invalid, please check the request body format. A JSON object is" },
        { "{\"model\":1,\"model\":2}", "InvalidParameter", "Required body invalid, " },
        { "{\"model\":\"\xff\"}", "InvalidParameter", "Required body invalid, " },
        { "{\"model\":1e999}", "InvalidParameter", "Required body invalid, " },
        { "{\"model\":99999999999999999999}", "InvalidParameter", "Required body invalid, " },
        { "{\"input\":{}}", "BadRequest.EmptyModel", "Required parameter \"model\" missing from request." },
        { "{\"model\":null}", "BadRequest.EmptyModel", "Required parameter \"model\" missing from request." },
        { "{\"model\":[]}", "InvalidParameter", FIELD("model") },
        { "{\"model\":\"voice-enrollment\"}", "InvalidParameter", "Model not exist." },
        { "{\"model\":\"qwen-voice-enrollment\"}", "BadRequest.EmptyInput",
          "Required input parameter missing from request." },
        { "{\"model\":\"qwen-voice-enrollment\",\"input\":\"x\"}", "BadRequest.IllegalInput",
          "The input parameter requires json format." },
        { "{\"model\":\"qwen-voice-enrollment\",\"input\":{}}", "InvalidParameter", FIELD("action") },
        { "{\"model\":\"qwen-voice-enrollment\",\"input\":{\"action\":\"query\"}}", "InvalidParameter",
          FIELD("action") "Got \"query\": create, list or delete is needed." },
    };
    struct world *w = world_open(NULL);
    struct answer a;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        post(w, PATH_A, &a, "%s", rows[i].body);
        expect_error(&a, 400, rows[i].code, rows[i].message);
    }
    world_close(w);
}

static void rows_41_42_43_methods_and_paths(void **state)
{
    struct world *w = world_open(NULL);
    char header[96];
    struct answer a;

    (void)state;
    snprintf(header, sizeof header, "Bearer %s", w->key);
    for (int c = 0; c < 2; c++) {
        struct tb_http_request req = request_of("GET", c ? PATH_C : PATH_A, header, "");

        answer_open(w, &req, &a);
        answer_wait(w, &a);
        expect_error(&a, 400, "InvalidParameter", "Request method 'GET' is not supported.");
    }
    struct tb_http_request req = request_of("POST", "/api/v1/services/audio/tts", header, "{}");
    answer_open(w, &req, &a);
    answer_wait(w, &a);
    expect_error(&a, 404, "NotFound", "Not found!");

    req = request_of("POST", PATH_A, header, "{}");
    req.async = TB_STR("enable");
    answer_open(w, &req, &a);
    answer_wait(w, &a);
    expect_error(&a, 403, "AccessDenied", "Current user api does not support asynchronous calls.");
    req = request_of("POST", PATH_A, header, "{}");
    req.encryption = TB_STR("{}");
    answer_open(w, &req, &a);
    answer_wait(w, &a);
    expect_error(&a, 400, "InvalidParameter", "Required body invalid, please check the request body format.");
    world_close(w);
}

static void row_44_empty_parameters(void **state)
{
    struct world *w = world_open(NULL);
    struct answer a;

    (void)state;
    post(w, PATH_A, &a,
         "{\"model\":\"qwen-voice-enrollment\",\"input\":{\"action\":\"list\",\"voice_prompt\":1},\"parameters\":{}}");
    assert_int_equal(a.status, 200);
    answer_free(&a);
    world_close(w);
}

static void browsers_may_ask(void **state)
{
    struct world *w = world_open(NULL);
    struct tb_http_request req = request_of("OPTIONS", PATH_A, "", "");
    struct answer a;

    (void)state;
    req.origin = TB_STR("http://page.example");
    answer_open(w, &req, &a);
    answer_wait(w, &a);
    assert_int_equal(a.status, 204);
    assert_non_null(strstr(a.headers, "Access-Control-Allow-Origin: *\r\n"));
    assert_non_null(strstr(a.headers, "Access-Control-Allow-Headers: Authorization"));
    answer_free(&a);
    req = request_of("GET", "/healthz", "", "");
    answer_open(w, &req, &a);
    answer_wait(w, &a);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    req = request_of("GET", "/metrics", "", "");
    answer_open(w, &req, &a);
    answer_wait(w, &a);
    assert_non_null(strstr((char *)a.body.data, "timbre_http_requests_total 2"));
    answer_free(&a);
    world_close(w);
}

static void let_anyone_in(struct tb_api_config *config)
{
    config->any_key = true;
}

static void without_keys_any_bearer_is_one_account(void **state)
{
    struct world *w = world_open(let_anyone_in);
    struct tb_http_request req = request_of("POST", PATH_A, "Bearer whatever",
                                            "{\"model\":\"qwen-voice-enrollment\",\"input\":{\"action\":\"list\"}}");
    int64_t account = w->api->open_account;
    struct answer a;

    (void)state;
    answer_open(w, &req, &a);
    answer_wait(w, &a);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    req.authorization = TB_STR("");
    answer_open(w, &req, &a);
    answer_wait(w, &a);
    expect_error(&a, 401, "InvalidApiKey", "");
    tb_api_close(w->api);
    assert_int_equal(tb_api_open(&w->config, &w->api, NULL), TB_OK);
    assert_int_equal(w->api->open_account, account); /* the same after a restart */
    world_close(w);
}

/* The body changes hands instead of being copied, and clients may go at any time. */
static void bodies_and_clients_that_go(void **state)
{
    struct world *w = world_open(NULL);
    struct tb_bytes body = { .cap = TB_MAX_BODY };
    char header[96];
    struct tb_http_request req;
    struct answer a[40];

    (void)state;
    snprintf(header, sizeof header, "Bearer %s", w->key);
    tb_bytes_addz(&body, "{\"model\":\"qwen-voice-enrollment\",\"input\":{\"action\":\"list\",\"x\":\"");
    assert_int_equal(tb_bytes_reserve(&body, 9000000), TB_OK);
    memset(body.data + body.size, 'A', 9000000);
    body.size += 9000000;
    tb_bytes_addz(&body, "\"}}");
    req = request_of("POST", PATH_A, header, "");
    req.body = tb_bytes_str(&body);
    req.body_bytes = &body;
    answer_open(w, &req, &a[0]);
    assert_null(body.data);
    answer_wait(w, &a[0]);
    assert_int_equal(a[0].status, 200);
    answer_free(&a[0]);

    req = request_of("POST", PATH_A, header, "{\"model\":\"qwen-voice-enrollment\",\"input\":{\"action\":\"list\"}}");
    for (int i = 0; i < 40; i++) {
        answer_open(w, &req, &a[i]);
        if (i % 2)
            nap(200);
        tb_exchange_gone(a[i].x);
    }
    turn_for(w, 20);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(a[i].status, 0);
        answer_free(&a[i]);
    }
    world_close(w); /* some may still be on a worker */
}

/* Workers are held up by another process that writes to the store, so the queue fills up on any machine. */
static void a_full_queue_is_answered_503(void **state)
{
    enum { MANY = TB_MAX_QUICK_QUEUE + 100 };
    struct world *w = world_open(NULL);
    static struct answer a[MANY];
    char header[96], path[96];
    sqlite3 *writer;
    int busy = 0;
    struct tb_http_request req;

    (void)state;
    snprintf(header, sizeof header, "Bearer %s", w->key);
    req = request_of("POST", PATH_A, header,
                     "{\"model\":\"qwen-voice-enrollment\",\"input\":{\"action\":\"delete\",\"voice\":\"none\"}}");
    snprintf(path, sizeof path, "%s/timbre.db", w->dir);
    assert_int_equal(sqlite3_open(path, &writer), SQLITE_OK);
    assert_int_equal(sqlite3_exec(writer, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < MANY; i++)
        answer_open(w, &req, &a[i]);
    assert_int_equal(sqlite3_exec(writer, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(writer);
    for (int i = 0; i < MANY; i++) {
        answer_wait(w, &a[i]);
        if (a[i].status == 503) {
            busy++;
            assert_non_null(strstr(a[i].headers, "Retry-After: 1\r\n"));
            expect_error(&a[i], 503, "ModelServingError", "Too many requests. ");
        } else {
            expect_error(&a[i], 400, "BadRequest.VoiceNotFound", "Voice 'none' not found.");
        }
    }
    assert_true(busy > 0 && busy < MANY);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_8_to_12_fields_of_create),
        cmocka_unit_test(rows_19_and_22_audio_that_cannot_be_had),
        cmocka_unit_test(row_21_quota),
        cmocka_unit_test(rows_24_to_28_list),
        cmocka_unit_test(row_29_paging_out_of_range),
        cmocka_unit_test(rows_30_31_33_delete),
        cmocka_unit_test(row_35_keys),
        cmocka_unit_test(rows_36_to_40_body),
        cmocka_unit_test(rows_41_42_43_methods_and_paths),
        cmocka_unit_test(row_44_empty_parameters),
        cmocka_unit_test(browsers_may_ask),
        cmocka_unit_test(without_keys_any_bearer_is_one_account),
        cmocka_unit_test(bodies_and_clients_that_go),
        cmocka_unit_test(a_full_queue_is_answered_503),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
