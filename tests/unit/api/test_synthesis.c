/* test_synthesis.c - surface C without sockets: whole and as events, and the files it leaves. Names carry the rows of
 * docs/API.md. */
#include "world.h"

#include "api/api_priv.h"

#define TEXT "Good evening, dear friends. The rain has stopped at last. We can go home now."

/* A request with the world's key; sse: X-DashScope-SSE: enable. Not waited for. */
static void ask(struct world *w, struct answer *a, bool sse, const char *body)
{
    struct tb_http_request req;
    char authorization[96];

    snprintf(authorization, sizeof authorization, "Bearer %s", w->key);
    req = request_of("POST", PATH_C, authorization, body);
    if (sse)
        req.sse = TB_STR("enable");
    answer_open(w, &req, a);
}

/* {"model":..,"input":{"text":..,"voice":..} more}; more begins with a comma or is "". */
static void body_of(char out[4096], const char *model, const char *voice, const char *text, const char *more)
{
    snprintf(out, 4096, "{\"model\":\"%s\",\"input\":{\"text\":\"%s\",\"voice\":\"%s\"}%s}", model, text, voice, more);
}

/* GET of an audio URL as a client would do it. */
static void get(struct world *w, const char *url, const char *range, struct answer *a)
{
    const char *path = strstr(url, "/files/"), *query = strchr(url, '?');
    struct tb_http_request req = request_of("GET", "", "", "");

    assert_non_null(path);
    assert_non_null(query);
    req.path = (struct tb_str){ path, (size_t)(query - path) };
    req.query = tb_str_of(query + 1);
    req.range = tb_str_of(range);
    answer_open(w, &req, a);
    answer_wait(w, a);
}

static unsigned le32(const uint8_t *p)
{
    return p[0] | (unsigned)p[1] << 8 | (unsigned)p[2] << 16 | (unsigned)p[3] << 24;
}

static void rows_47_48_49_whole_answer_and_its_file(void **state)
{
    struct world *w = world_open(NULL);
    struct answer a, file;
    char body[4096], id[80];

    (void)state;
    body_of(body, PLAIN, w->plain, TEXT, "");
    ask(w, &a, false, body);
    answer_wait(w, &a);
    assert_int_equal(a.status, 200);
    assert_int_equal(json_object_size(a.json), 3);
    assert_string_equal(STR_AT(a.json, "output.finish_reason"), "stop");
    assert_string_equal(STR_AT(a.json, "output.audio.data"), "");
    snprintf(id, sizeof id, "audio_%s", a.request_id);
    assert_string_equal(STR_AT(a.json, "output.audio.id"), id);
    assert_true(llabs(INT_AT(a.json, "output.audio.expires_at") - (tb_now_ms() / 1000 + 86400)) <= 5);
    assert_int_equal(INT_AT(a.json, "usage.characters"), strlen(TEXT));
    assert_ptr_equal(strstr(STR_AT(a.json, "output.audio.url"), "http://tts.example:8080/files/"),
                     STR_AT(a.json, "output.audio.url"));

    get(w, STR_AT(a.json, "output.audio.url"), "", &file);
    assert_int_equal(file.status, 200);
    assert_string_equal(file.type, "audio/wav");
    assert_int_equal(file.length, file.body.size);
    assert_memory_equal(file.body.data, "RIFF", 4);
    assert_int_equal(le32(file.body.data + 4), file.body.size - 8);
    assert_int_equal(le32(file.body.data + 24), 24000);
    assert_int_equal(file.body.data[22], 1);
    assert_int_equal(file.body.data[34], 16);
    assert_int_equal(le32(file.body.data + 40), file.body.size - 44);
    assert_true(file.body.size > 2 * SAMPLES * (strlen(TEXT) - 10)); /* spaces at joins may go */
    answer_free(&file);
    answer_free(&a);
    world_close(w);
}

static void ranges_of_a_file(void **state)
{
    static const struct {
        const char *range;
        int status;
        int64_t offset, length; /* of 44 + ...; -1: to the end */
    } rows[] = {
        { "bytes=0-43", 206, 0, 44 },    { "bytes=44-", 206, 44, -1 },     { "bytes=-10", 206, -10, 10 },
        { "bytes=0-99999999", 206, 0, -1 }, { "bytes=99999999-", 416, 0, 0 }, { "bytes=-0", 416, 0, 0 },
        { "bytes=5-2", 200, 0, -1 },     { "bytes=0-1,3-4", 200, 0, -1 },  { "lines=1-2", 200, 0, -1 },
        { "bytes=-", 200, 0, -1 },
    };
    struct world *w = world_open(NULL);
    struct answer a, file;
    char body[4096];
    int64_t size;

    (void)state;
    body_of(body, PLAIN, w->plain, "Hello.", "");
    ask(w, &a, false, body);
    answer_wait(w, &a);
    get(w, STR_AT(a.json, "output.audio.url"), "", &file);
    size = file.length;
    answer_free(&file);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t offset = rows[i].offset < 0 ? size + rows[i].offset : rows[i].offset;
        int64_t length = rows[i].length < 0 ? size - offset : rows[i].length;

        get(w, STR_AT(a.json, "output.audio.url"), rows[i].range, &file);
        assert_int_equal(file.status, rows[i].status);
        assert_int_equal(file.length, length);
        assert_int_equal(file.body.size, length);
        assert_int_equal(file.file_offset, offset);
        assert_int_equal(strstr(file.headers, "Content-Range: ") != NULL, rows[i].status != 200);
        answer_free(&file);
    }
    answer_free(&a);
    world_close(w);
}

static void row_50_after_expiry_and_forged_urls(void **state)
{
    struct world *w = world_open(NULL);
    struct answer a, file;
    char body[4096], url[512], *at_signature;

    (void)state;
    body_of(body, PLAIN, w->plain, "Hello.", "");
    ask(w, &a, false, body);
    answer_wait(w, &a);
    snprintf(url, sizeof url, "%s", STR_AT(a.json, "output.audio.url"));
    at_signature = strstr(url, "Signature=") + 10;
    *at_signature = *at_signature == 'A' ? 'B' : 'A';
    get(w, url, "", &file);
    expect_error(&file, 404, "NotFound", "Not found!");
    get(w, "/files/../../timbre.db?Expires=9999999999&Signature=x", "", &file);
    expect_error(&file, 404, "NotFound", "Not found!");
    tb_clock_shift(86401 * 1000LL);
    get(w, STR_AT(a.json, "output.audio.url"), "", &file);
    expect_error(&file, 403, "AccessDenied", "The audio URL has expired.");
    tb_clock_shift(0);
    answer_free(&a);
    world_close(w);
}

/* The next frame of an event stream: checks its layout, returns its JSON. NULL at the end. */
static json_t *next_frame(const char **p, unsigned number, const char *event, int status)
{
    char head[96];
    const char *end;
    json_t *json;

    if (!**p)
        return NULL;
    snprintf(head, sizeof head, "id:%u\nevent:%s\n:HTTP_STATUS/%d\ndata:{", number, event, status);
    if (strncmp(*p, head, strlen(head)) != 0)
        return NULL;
    *p += strlen(head) - 1;
    end = strstr(*p, "\n\n");
    assert_non_null(end);
    assert_null(memchr(*p, '\n', (size_t)(end - *p))); /* one line */
    json = json_loadb(*p, (size_t)(end - *p), 0, NULL);
    assert_non_null(json);
    *p = end + 2;
    return json;
}

static void rows_51_to_56_events(void **state)
{
    struct world *w = world_open(NULL);
    struct tb_bytes pcm = { 0 };
    struct answer a, file;
    char body[4096];
    const char *p;
    unsigned n = 0;
    json_t *frame;

    (void)state;
    body_of(body, PLAIN, w->plain, TEXT, "");
    atomic_store(&step_delay_us, 20000);
    ask(w, &a, true, body);
    WAIT_UNTIL(w, a.writes > 0);
    assert_false(a.ended); /* row 55: audio before the end of synthesis */
    answer_wait(w, &a);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.length, -1);
    assert_int_equal(strncmp(a.type, "text/event-stream", 17), 0);
    for (p = (const char *)a.body.data; (frame = next_frame(&p, ++n, "result", 200));) {
        const char *reason = STR_AT(frame, "output.finish_reason"), *data = STR_AT(frame, "output.audio.data");
        size_t before = pcm.size;

        assert_string_equal(STR_AT(frame, "request_id"), a.request_id);
        assert_int_equal(INT_AT(frame, "usage.characters"), strlen(TEXT));
        if (strcmp(reason, "stop") == 0) {
            assert_string_equal(data, "");
            assert_true(llabs(INT_AT(frame, "output.audio.expires_at") - (tb_now_ms() / 1000 + 86400)) <= 5);
            get(w, STR_AT(frame, "output.audio.url"), "", &file);
            assert_int_equal(file.body.size, 44 + pcm.size); /* row 54 */
            assert_memory_equal(file.body.data + 44, pcm.data, pcm.size);
            answer_free(&file);
        } else {
            assert_string_equal(reason, "null");
            assert_null(at(frame, "output.audio.url"));
            assert_true(llabs(INT_AT(frame, "output.audio.expires_at") - tb_now_ms() / 1000) <= 5);
            assert_int_equal(tb_base64_decode(tb_str_of(data), &pcm, NULL), TB_OK);
            assert_true(pcm.size > before && (pcm.size - before) % 2 == 0);
        }
        json_decref(frame);
    }
    assert_string_equal(p, "");
    assert_true(n > 3);
    tb_bytes_free(&pcm);
    answer_free(&a);
    world_close(w);
}

static void row_57_errors_before_the_first_frame(void **state)
{
    struct world *w = world_open(NULL);
    struct answer a;
    char body[4096];

    (void)state;
    body_of(body, PLAIN, w->plain, "BREAK at once.", "");
    ask(w, &a, true, body);
    answer_wait(w, &a);
    expect_error(&a, 500, "InternalError.Algo", "inference internal error.");
    body_of(body, PLAIN, "Cherry", "Hello.", "");
    ask(w, &a, true, body);
    answer_wait(w, &a);
    expect_error(&a, 400, "InvalidParameter", "Invalid voice specified");
    world_close(w);
}

static void row_58_failure_midway(void **state)
{
    struct world *w = world_open(NULL);
    struct answer a;
    char body[4096];
    const char *p;
    unsigned n = 0;
    json_t *frame;

    (void)state;
    body_of(body, PLAIN, w->plain, "The first sentence is fine and long enough. Then it will BREAK.", "");
    ask(w, &a, true, body);
    answer_wait(w, &a);
    assert_int_equal(a.status, 200);
    for (p = (const char *)a.body.data; (frame = next_frame(&p, ++n, "result", 200)); json_decref(frame))
        assert_string_equal(STR_AT(frame, "output.finish_reason"), "null");
    assert_true(n > 1);
    frame = next_frame(&p, n, "error", 500);
    assert_non_null(frame);
    assert_string_equal(STR_AT(frame, "code"), "InternalError.Algo");
    assert_string_equal(STR_AT(frame, "message"), "inference internal error.");
    assert_string_equal(STR_AT(frame, "request_id"), a.request_id);
    json_decref(frame);
    assert_string_equal(p, "");
    answer_free(&a);
    world_close(w);
}

/* Rows 60, 61, 62: where SDKs put things, and what they add. */
static void rows_60_61_62_fields_in_either_place(void **state)
{
    static const struct {
        const char *members; /* %s: the voice */
        int status;
    } rows[] = {
        { "\"input\":{\"text\":\"Hi.\",\"voice\":\"%s\"},\"parameters\":{\"language_type\":\"English\"}", 200 },
        { "\"input\":{\"messages\":[],\"text\":\"Hi.\"},"
          "\"parameters\":{\"voice\":\"%s\",\"enable_search\":false}", 200 },
        { "\"input\":{\"text\":\"Hi.\",\"voice\":\"%s\",\"instructions\":\"x\"},\"parameters\":null", 200 },
        { "\"input\":{\"text\":\"Hi.\",\"voice\":\"%s\",\"format\":\"mp3\"},\"parameters\":{\"instructions\":1}", 200 },
        { "\"input\":{\"text\":\"Hi.\",\"voice\":\"%s\",\"language_type\":\"es\"},"
          "\"parameters\":{\"language_type\":\"Klingon\"}", 200 }, /* input wins */
        { "\"input\":{\"text\":\"Hi.\",\"voice\":\"%s\"},\"parameters\":{\"language_type\":\"Klingon\"}", 400 },
        { "\"input\":{\"text\":\"Hi.\",\"voice\":\"%s\"},\"parameters\":{\"language_type\":\"Russian\"}", 400 },
        { "\"input\":{\"text\":\"Hi.\",\"voice\":\"%s\"},\"parameters\":{\"speech_rate\":2.5}", 400 },
        { "\"input\":{\"text\":\"Hi.\",\"voice\":\"%s\"},\"parameters\":7", 400 },
    };
    struct world *w = world_open(NULL);
    char members[600], body[700];
    struct answer a;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *hole = strstr(rows[i].members, "%s");

        snprintf(members, sizeof members, "%.*s%s%s", (int)(hole - rows[i].members), rows[i].members, w->plain,
                 hole + 2);
        snprintf(body, sizeof body, "{\"model\":\"" PLAIN "\",%s}", members);
        ask(w, &a, i % 2, body);
        answer_wait(w, &a);
        assert_int_equal(a.status, rows[i].status);
        if (a.status == 400)
            expect_error(&a, 400, "InvalidParameter", "Required parameter(");
        answer_free(&a);
    }
    world_close(w);
}

static void formats_follow_the_parameters(void **state)
{
    static const struct {
        const char *parameters, *extension, *type, *magic;
    } rows[] = {
        { "{\"response_format\":\"mp3\",\"bit_rate\":64}", ".mp3?", "audio/mpeg", "" },
        { "{\"response_format\":\"opus\",\"sample_rate\":48000}", ".opus?", "audio/ogg", "OggS" },
        { "{\"response_format\":\"pcm\",\"sample_rate\":8000}", ".pcm?", "audio/pcm", "" },
        { "{\"response_format\":\"wav\",\"sample_rate\":16000}", ".wav?", "audio/wav", "RIFF" },
    };
    struct world *w = world_open(NULL);
    char body[4096], more[128];
    struct answer a, file;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(more, sizeof more, ",\"parameters\":%s", rows[i].parameters);
        body_of(body, PLAIN, w->plain, "Hello there.", more);
        ask(w, &a, false, body);
        answer_wait(w, &a);
        assert_int_equal(a.status, 200);
        assert_non_null(strstr(STR_AT(a.json, "output.audio.url"), rows[i].extension));
        get(w, STR_AT(a.json, "output.audio.url"), "", &file);
        assert_string_equal(file.type, rows[i].type);
        assert_true(file.body.size > 100);
        assert_memory_equal(file.body.data, rows[i].magic, strlen(rows[i].magic));
        if (i == 3)
            assert_int_equal(le32(file.body.data + 24), 16000);
        answer_free(&file);
        answer_free(&a);
    }
    world_close(w);
}

static void rows_32_33_63_to_66_refusals(void **state)
{
    struct world *w = world_open(NULL);
    char body[4096], text[700];
    const char *bad_voices[] = { "Cherry", w->realtime, "", "qwen-tts-vc-x-voice-20261122231507482-ffff" };
    struct answer a;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        body_of(body, PLAIN, bad_voices[i], "Hello.", "");
        post(w, PATH_C, &a, "%s", body);
        expect_error(&a, 400, "InvalidParameter",
                     "Invalid voice specified, the requested voice does not exist or is not licensed for "
                     "use\xe2\x80\x94please select a supported voice.");
    }
    body_of(body, REALTIME, w->realtime, "Hello.", "");
    post(w, PATH_C, &a, "%s", body);
    expect_error(&a, 400, "InvalidParameter", "url error, please check url\xef\xbc\x81");
    body_of(body, "qwen3-tts-flash", w->plain, "Hello.", "");
    post(w, PATH_C, &a, "%s", body);
    expect_error(&a, 400, "InvalidParameter", "Model not exist.");

    memset(text, 'a', sizeof text);
    text[601] = 0;
    body_of(body, PLAIN, w->plain, text, "");
    post(w, PATH_C, &a, "%s", body);
    expect_error(&a, 400, "InvalidParameter", "Range of input length should be [1, 600]");
    text[600] = 0;
    body_of(body, PLAIN, w->plain, text, "");
    post(w, PATH_C, &a, "%s", body);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    body_of(body, PLAIN, w->plain, "", "");
    post(w, PATH_C, &a, "%s", body);
    expect_error(&a, 400, "InvalidParameter", "Field required: input.text");
    post(w, PATH_C, &a, "{\"model\":\"" PLAIN "\",\"input\":{\"text\":\"Hi.\"}}");
    expect_error(&a, 400, "InvalidParameter", "Field required: input.voice");
    post(w, PATH_C, &a, "{\"model\":\"" PLAIN "\",\"input\":{\"text\":7,\"voice\":\"v\"}}");
    expect_error(&a, 400, "InvalidParameter", "Required parameter(text)");
    post(w, PATH_C, &a, "{\"model\":\"" PLAIN "\"}");
    expect_error(&a, 400, "BadRequest.EmptyInput", "");
    post(w, PATH_C, &a, "{\"model\":\"" PLAIN "\",\"input\":\"x\"}");
    expect_error(&a, 400, "BadRequest.IllegalInput", "");

    assert_int_equal(tb_store_voice_delete(w->store, w->account, tb_str_of(w->plain), NULL), TB_OK);
    body_of(body, PLAIN, w->plain, "Hello.", ""); /* row 32 */
    post(w, PATH_C, &a, "%s", body);
    expect_error(&a, 400, "InvalidParameter", "Invalid voice specified");
    world_close(w);
}

static void rows_67_68_103_usage(void **state)
{
    static const struct {
        const char *text;
        int characters;
    } rows[] = { { "Hello.", 6 }, { "\xe4\xbd\xa0\xe5\xa5\xbdok", 6 }, { "ok \\ud83d\\ude00", 4 }, { " a ", 3 } };
    struct world *w = world_open(NULL);
    struct tb_usage *usage;
    size_t count;
    char body[4096];
    struct answer a;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        body_of(body, PLAIN, w->plain, rows[i].text, "");
        post(w, PATH_C, &a, "%s", body);
        assert_int_equal(a.status, 200);
        assert_int_equal(INT_AT(a.json, "usage.characters"), rows[i].characters);
        answer_free(&a);
    }
    assert_int_equal(tb_store_usage_list(w->store, 0, tb_now_ms() + 86400000, &usage, &count, NULL), TB_OK);
    assert_true(count >= 1);
    assert_int_equal(usage[0].characters, 19); /* the ledger has the same */
    assert_int_equal(usage[0].requests, 4);
    assert_true(usage[0].audio_ms > 0);
    free(usage);
    world_close(w);
}

static void a_client_that_goes_stops_the_synthesis(void **state)
{
    struct world *w = world_open(NULL);
    char body[4096];
    struct answer a;

    (void)state;
    atomic_store(&step_delay_us, 20000);
    for (int i = 0; i < 12; i++) {
        body_of(body, PLAIN, w->plain, TEXT TEXT TEXT, "");
        ask(w, &a, i % 2, body);
        turn_for(w, 5 * i);
        tb_exchange_gone(a.x);
        assert_false(a.ended);
        answer_free(&a);
    }
    WAIT_UNTIL(w, atomic_load(&sessions_now) == 0);
    assert_null(w->api->exchanges);
    world_close(w);
}

static void long_texts(struct tb_api_config *config)
{
    config->max_text = 20000;
    config->public_url = "https://voice.example/base/";
}

/* Long audio for a client that does not read: speech pauses, and goes on when it does. */
static void a_slow_reader_pauses_the_synthesis(void **state)
{
    enum { LETTERS = 12000 };
    struct world *w = world_open(long_texts);
    struct tb_bytes body = { 0 };
    struct answer a;
    size_t before, taken = 0;
    int64_t start;

    (void)state;
    tb_bytes_addf(&body, "{\"model\":\"" PLAIN "\",\"input\":{\"voice\":\"%s\",\"text\":\"", w->plain);
    for (int i = 0; i < LETTERS / 40; i++)
        tb_bytes_addz(&body, "A sentence of just forty letters, this. ");
    tb_bytes_addz(&body, "\"},\"parameters\":{\"sample_rate\":48000}}"); /* 12000 x 960 bytes: 11.5 MB */
    ask(w, &a, true, (char *)body.data);
    start = tb_mono_us();
    do { /* until it stands still; a busy machine may stand still before, too */
        before = a.body.size;
        turn_for(w, 300);
    } while (before != a.body.size || (before <= TB_MAX_OUTBOX && tb_mono_us() - start < 30000000));
    assert_false(a.ended);
    assert_true(a.body.size > TB_MAX_OUTBOX && a.body.size < 2 * (size_t)TB_MAX_OUTBOX);
    for (int64_t end = tb_mono_us() + 30000000; !a.ended;) {
        size_t n = a.body.size - taken;

        assert_true(tb_mono_us() < end);
        taken += n;
        tb_exchange_taken(a.x, n);
        turn_for(w, 2);
    }
    answer_wait(w, &a);
    assert_non_null(strstr((char *)a.body.data, "\"url\":\"https://voice.example/base/files/"));
    answer_free(&a);
    tb_bytes_free(&body);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_47_48_49_whole_answer_and_its_file),
        cmocka_unit_test(ranges_of_a_file),
        cmocka_unit_test(row_50_after_expiry_and_forged_urls),
        cmocka_unit_test(rows_51_to_56_events),
        cmocka_unit_test(row_57_errors_before_the_first_frame),
        cmocka_unit_test(row_58_failure_midway),
        cmocka_unit_test(rows_60_61_62_fields_in_either_place),
        cmocka_unit_test(formats_follow_the_parameters),
        cmocka_unit_test(rows_32_33_63_to_66_refusals),
        cmocka_unit_test(rows_67_68_103_usage),
        cmocka_unit_test(a_client_that_goes_stops_the_synthesis),
        cmocka_unit_test(a_slow_reader_pauses_the_synthesis),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
