/* test_parts.c - the parts of api that need no world: error table, JSON, options, ids, query strings, work, timers. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "api/api_priv.h"
#include "api/errors.h"
#include "api/ids.h"
#include "api/json.h"
#include "api/options.h"
#include "base/clock.h"
#include "base/limits.h"
#include "text/utf8.h"

/* Errors ---------------------------------------------------------------------------------------------------------*/

static void expect_message(enum tb_problem_kind kind, const char *subject, const char *detail, const char *want)
{
    struct tb_problem p = { 0 };
    char got[TB_PROBLEM_MESSAGE];

    assert_false(tb_problem_set(&p, kind, subject, "%s", detail));
    tb_problem_message(&p, got);
    assert_string_equal(got, want);
}

static void documented_text_first_then_the_detail(void **state)
{
    (void)state;
    expect_message(TB_P_AUDIO_RATE, NULL, "", "File sample rate unsupported.");
    expect_message(TB_P_AUDIO_RATE, NULL, "16000 Hz, at least 24000 Hz is needed.",
                   "File sample rate unsupported. 16000 Hz, at least 24000 Hz is needed.");
    expect_message(TB_P_AUDIO_RATE, NULL, "16000 Hz", "File sample rate unsupported. 16000 Hz.");
    expect_message(TB_P_AUDIO_SPEECH, NULL, "", "No segments meet minimum duration requirement");
    expect_message(TB_P_AUDIO_SPEECH, NULL, "1.2 s", "No segments meet minimum duration requirement: 1.2 s.");
    expect_message(TB_P_FETCH, NULL, "", "Failed to download the input file.");
    expect_message(TB_P_FETCH, NULL, "HTTP 404", "Failed to download the input file: HTTP 404.");
    expect_message(TB_P_KEY, NULL, "never shown", "Invalid API-key provided.");
    expect_message(TB_P_METHOD, "GET", "", "Request method 'GET' is not supported.");
    expect_message(TB_P_RANGE, "page_size", "", "the parameters must conform to the specification: page_size.");
    expect_message(TB_P_INTERNAL, NULL, "disk", "An internal error has occured, please try again later or contact "
                                                "service support.");
}

static void every_code_has_a_row_and_every_row_is_whole(void **state)
{
    (void)state;
    for (int code = 0; code < TB_CODE_COUNT; code++) {
        struct tb_problem p = { 0 };

        tb_problem_from(&p, (enum tb_code)code, NULL);
        assert_int_equal(p.kind == TB_P_NONE, code == TB_OK);
    }
    for (int kind = TB_P_NONE + 1; kind < TB_P_COUNT; kind++) {
        struct tb_problem p = { .kind = (enum tb_problem_kind)kind };
        char message[TB_PROBLEM_MESSAGE], *json = tb_problem_json(&p, "id");

        assert_true(tb_problem_status(&p) >= 400 && tb_problem_status(&p) < 600);
        assert_true(tb_problem_code(&p)[0]);
        tb_problem_message(&p, message);
        assert_true(message[0]);
        assert_non_null(json);
        free(json);
    }
}

static void long_and_malformed_texts_stay_utf8(void **state)
{
    struct tb_problem p = { 0 };
    char subject[600], *json;

    (void)state;
    for (size_t n = 0; n < sizeof subject - 3; n += 3)
        memcpy(subject + n, "\xe4\xbd\xa0", 4);
    for (size_t cut = 0; cut < 4; cut++) {
        tb_problem_set(&p, TB_P_NO_VOICE, subject + cut, "%s", subject + cut);
        assert_true(tb_utf8_valid(tb_str_of(p.subject)) && tb_utf8_valid(tb_str_of(p.detail)));
        assert_true(strlen(p.subject) < sizeof p.subject);
        json = tb_problem_json(&p, "id");
        assert_non_null(json);
        free(json);
    }
}

/* JSON ------------------------------------------------------------------------------------------------------------*/

static void json_is_read_strictly(void **state)
{
    static const char *const bad[] = { "", " ", "{", "[]", "1", "\"x\"", "{\"a\":1,\"a\":2}", "{\"a\":1}x", "{'a':1}",
                                       "{\"a\":NaN}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\\ud800\"}", "{\"a\":01}" };
    struct tb_error err;
    char text[256];
    json_t *json;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err = (struct tb_error){ 0 };
        assert_null(tb_json_object(tb_str_of(bad[i]), &err));
        assert_true(err.text[0]);
    }
    for (int depth = TB_MAX_JSON_DEPTH - 1; depth <= TB_MAX_JSON_DEPTH; depth++) {
        int n = snprintf(text, sizeof text, "{\"[[\\\"{\":");

        memset(text + n, '[', (size_t)depth);
        memset(text + n + depth, ']', (size_t)depth);
        snprintf(text + n + 2 * depth, 2, "}");
        json = tb_json_object(tb_str_of(text), NULL);
        assert_int_equal(json != NULL, depth < TB_MAX_JSON_DEPTH);
        json_decref(json);
    }
}

/* A body of millions of tiny values would become a gigabyte, and block the thread that frees it. */
static void json_of_too_many_values_is_refused_before_it_is_read(void **state)
{
    for (int count = TB_MAX_JSON_VALUES - 1; count <= TB_MAX_JSON_VALUES; count++) {
        struct tb_bytes text = { 0 };
        struct tb_error err = { 0 };
        json_t *json;

        (void)state;
        tb_bytes_addz(&text, "{\"a\":[0"); /* two values */
        for (int i = 2; i < count; i++)
            tb_bytes_addz(&text, ",0");
        tb_bytes_addz(&text, ",\",[{\"]}"); /* what a string holds does not count */
        json = tb_json_object(tb_bytes_str(&text), &err);
        assert_int_equal(json != NULL, count < TB_MAX_JSON_VALUES);
        assert_int_equal(strstr(err.text, "values") != NULL, json == NULL);
        json_decref(json);
        tb_bytes_free(&text);
    }
}

/* Each truncation of a request is refused, and nothing is read behind its end (exact-size copies, for ASan). */
static void json_truncations(void **state)
{
    static const char whole[] =
        "{\"model\":\"m\",\"input\":{\"text\":\"\\u4f60\xe4\xbd\xa0\",\"n\":[1,2.5e3,true,null]}}";

    (void)state;
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        char *copy = malloc(n ? n : 1);

        memcpy(copy, whole, n);
        assert_null(tb_json_object((struct tb_str){ copy, n }, NULL));
        free(copy);
    }
    json_decref(tb_json_object(tb_str_of(whole), NULL));
}

static void values_are_shown_to_people(void **state)
{
    static const char *const rows[][2] = { { "7", "7" }, { "2.5", "2.5" }, { "\"a-b\"", "\"a-b\"" },
                                           { "{}", "an object" }, { "[]", "an array" }, { "true", "true" },
                                           { "null", "nothing" } };
    char got[64];
    json_t *value;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        value = json_loads(rows[i][0], JSON_DECODE_ANY, NULL);
        tb_json_show(value, got);
        assert_string_equal(got, rows[i][1]);
        json_decref(value);
    }
    value = json_string("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xe4\xbd\xa0 and more");
    tb_json_show(value, got);
    assert_string_equal(got, "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"...");
    json_decref(value);
}

/* Options, ids, queries -------------------------------------------------------------------------------------------*/

static void options_have_ranges(void **state)
{
    static const struct {
        const char *name, *value;
        enum tb_option_result result;
    } rows[] = {
        { "sample_rate", "8000", TB_OPTION_TAKEN },   { "sample_rate", "22050", TB_OPTION_TAKEN },
        { "sample_rate", "48001", TB_OPTION_BAD },    { "speech_rate", "0.5", TB_OPTION_TAKEN },
        { "speech_rate", "2", TB_OPTION_TAKEN },      { "speech_rate", "2.0001", TB_OPTION_BAD },
        { "volume", "0", TB_OPTION_TAKEN },           { "volume", "100", TB_OPTION_TAKEN },
        { "volume", "100.0", TB_OPTION_BAD },         { "bit_rate", "6", TB_OPTION_TAKEN },
        { "bit_rate", "510", TB_OPTION_TAKEN },       { "language_type", "\"auto\"", TB_OPTION_TAKEN },
        { "language_type", "\"JAPANESE\"", TB_OPTION_TAKEN }, { "response_format", "\"wav\"", TB_OPTION_TAKEN },
        { "response_format", "\"WAVE\"", TB_OPTION_BAD }, { "rate", "1", TB_OPTION_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tb_options o, before;
        char why[TB_OPTION_WHY] = "";
        json_t *value = json_loads(rows[i].value, JSON_DECODE_ANY, NULL);

        tb_options_init(&o, TB_FORMAT_PCM);
        before = o;
        assert_int_equal(tb_options_take(&o, rows[i].name, value, why), rows[i].result);
        assert_int_equal(why[0] != 0, rows[i].result == TB_OPTION_BAD);
        if (rows[i].result != TB_OPTION_TAKEN)
            assert_memory_equal(&o, &before, sizeof o);
        json_decref(value);
    }
}

static void text_without_a_language_is_in_one_that_is_spoken(void **state)
{
    static const struct {
        const char *voice;
        uint32_t spoken;
        enum tb_lang want;
    } rows[] = { { "es", 1u << TB_LANG_EN | 1u << TB_LANG_ES, TB_LANG_ES },
                 { "zh", 1u << TB_LANG_EN | 1u << TB_LANG_ES, TB_LANG_EN },
                 { "", 1u << TB_LANG_FR | 1u << TB_LANG_RU, TB_LANG_FR },
                 { "en", 1u << TB_LANG_ZH, TB_LANG_ZH } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tb_engine_ops ops = { .name = "x", .languages = rows[i].spoken };
        struct tb_engine engine = { &ops };
        struct tb_utterance_config config = { .engine = &engine };
        struct tb_voice_info voice = { 0 };
        struct tb_options o;

        tb_options_init(&o, TB_FORMAT_PCM);
        snprintf(voice.language, sizeof voice.language, "%s", rows[i].voice);
        tb_options_apply(&o, &voice, &config);
        assert_int_equal(config.fallback, rows[i].want);
    }
}

static void what_an_engine_cannot_do_is_refused_by_name(void **state)
{
    const struct tb_engine_ops ops = { .name = "x", .languages = 1u << TB_LANG_EN,
                                       .lacks = TB_LACKS_RATE | TB_LACKS_PITCH };
    struct tb_engine engine = { &ops };
    char why[TB_OPTION_WHY];
    struct tb_options o;

    (void)state;
    tb_options_init(&o, TB_FORMAT_PCM);
    assert_null(tb_options_refused(&o, &engine, why));
    o.pitch_rate = 1.2;
    assert_string_equal(tb_options_refused(&o, &engine, why), "pitch_rate");
    o.speech_rate = 0.5;
    assert_string_equal(tb_options_refused(&o, &engine, why), "speech_rate");
    assert_non_null(strstr(why, "Got 0.5"));
    tb_options_init(&o, TB_FORMAT_PCM);
    o.language = TB_LANG_RU;
    assert_string_equal(tb_options_refused(&o, &engine, why), "language_type");
}

static void ids_look_as_documented(void **state)
{
    char a[TB_REQUEST_ID], b[TB_REQUEST_ID], event[TB_EVENT_ID];

    (void)state;
    tb_request_id(a);
    tb_request_id(b);
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), 36);
    assert_int_equal(strspn(a, "0123456789abcdef-"), 36);
    assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
    tb_event_id(event, "event_");
    assert_int_equal(strlen(event), 6 + 21);
    assert_int_equal(strncmp(event, "event_", 6), 0);
}

static void query_strings(void **state)
{
    char out[16];

    (void)state;
    assert_true(tb_query_get(TB_STR("a=1&model=x%2Dy+z&b"), "model", out, sizeof out));
    assert_string_equal(out, "x-y z");
    assert_true(tb_query_get(TB_STR("model="), "model", out, sizeof out));
    assert_string_equal(out, "");
    assert_true(tb_query_get(TB_STR("model=%zz%4"), "model", out, sizeof out));
    assert_string_equal(out, "%zz%4");
    assert_false(tb_query_get(TB_STR("amodel=x&model"), "model", out, sizeof out));
    assert_false(tb_query_get(TB_STR("model=0123456789abcdef"), "model", out, sizeof out));
    assert_false(tb_query_get(TB_STR("model=a%00b"), "model", out, sizeof out));
    assert_false(tb_query_get(TB_STR(""), "model", out, sizeof out));
}

/* Work, mail, timers ----------------------------------------------------------------------------------------------*/

struct test_loop {
    pthread_mutex_t lock;
    int posts;
    void (*fn)(void *arg);
    void *arg;
};

static void loop_post(void *ctx, void (*fn)(void *arg), void *arg)
{
    struct test_loop *loop = ctx;

    pthread_mutex_lock(&loop->lock);
    loop->posts++;
    loop->fn = fn;
    loop->arg = arg;
    pthread_mutex_unlock(&loop->lock);
}

struct count_job {
    struct tb_job job;
    bool ran, done;
};

static _Atomic int runs;
static int dones;

static void count_run(struct tb_job *job)
{
    struct timespec t = { 0, 200000 };

    nanosleep(&t, NULL);
    TB_HOLDER(job, struct count_job, job)->ran = true;
    atomic_fetch_add(&runs, 1);
}

static void count_done(struct tb_job *job)
{
    struct count_job *c = TB_HOLDER(job, struct count_job, job);

    assert_int_equal(c->ran, !job->dropped);
    assert_false(c->done);
    c->done = true;
    dones++;
}

/* Every job that was let in is done exactly once, run or dropped, closing included; vital ones always run. */
static void work_loses_nothing(void **state)
{
    enum { JOBS = 300 };
    static struct count_job jobs[JOBS];
    struct test_loop loop = { .lock = PTHREAD_MUTEX_INITIALIZER };
    struct tb_loop as_loop = { .post = loop_post, .ctx = &loop };
    struct tb_mailbox box;
    struct tb_work *work;
    int taken = 0, refused = 0;

    (void)state;
    tb_mailbox_init(&box, &as_loop);
    assert_int_equal(tb_work_open(3, 100, &box, &work, NULL), TB_OK);
    for (int i = 0; i < JOBS; i++) {
        jobs[i].job.run = count_run;
        jobs[i].job.done = count_done;
        jobs[i].job.vital = i % 3 == 0;
        if (i % 3 == 0)
            tb_work_follow(work, &jobs[i].job), taken++;
        else if (tb_work_add(work, &jobs[i].job) == TB_OK)
            taken++;
        else
            refused++;
        tb_mailbox_empty(&box);
    }
    tb_work_close(work);
    tb_mailbox_empty(&box);
    assert_int_equal(dones, taken);
    assert_true(refused > 0);
    for (int i = 0; i < JOBS; i += 3)
        assert_true(jobs[i].ran);
    tb_mailbox_free(&box);
}

/* A loop whose `after` keeps all that was asked of it. */
struct after_loop {
    int64_t due_us[64];
    size_t count, asked;
    void (*fn)(void *arg);
    void *arg;
};

static void keep_after(void *ctx, int64_t delay_ms, void (*fn)(void *arg), void *arg)
{
    struct after_loop *loop = ctx;

    assert_true(loop->count < 64);
    loop->due_us[loop->count++] = tb_mono_us() + delay_ms * 1000;
    loop->asked++;
    loop->fn = fn;
    loop->arg = arg;
}

static void run_due(struct after_loop *loop)
{
    for (size_t i = 0; i < loop->count; i++)
        if (tb_mono_us() >= loop->due_us[i]) {
            loop->due_us[i] = loop->due_us[--loop->count];
            loop->fn(loop->arg);
            return;
        }
}

static int fired[4], fire_count;

static void fire(void *arg)
{
    fired[fire_count++] = *(int *)arg;
}

static void timers_fire_in_order_and_can_be_stopped(void **state)
{
    struct after_loop loop = { .count = 0 };
    struct tb_loop as_loop = { .after = keep_after, .ctx = &loop };
    int numbers[] = { 1, 2, 3 };
    struct tb_timer t[3] = { 0 };
    struct tb_timers timers;

    (void)state;
    tb_timers_init(&timers, &as_loop);
    for (int i = 0; i < 3; i++)
        t[i] = (struct tb_timer){ .fn = fire, .arg = &numbers[i] };
    tb_timer_set(&timers, &t[0], 30);
    tb_timer_set(&timers, &t[1], 10);
    tb_timer_set(&timers, &t[2], 20);
    tb_timer_set(&timers, &t[1], 40); /* put off */
    tb_timer_stop(&timers, &t[2]);
    tb_timer_stop(&timers, &t[2]);
    while (fire_count < 2)
        run_due(&loop);
    assert_int_equal(fired[0], 1);
    assert_int_equal(fired[1], 2);
    assert_null(timers.first);
}

static void count_fire(void *arg)
{
    ++*(int *)arg;
}

/* Short timers come and go while a long one stands: the ticks under way must not become more and more. */
static void ticks_do_not_pile_up(void **state)
{
    struct after_loop loop = { .count = 0 };
    struct tb_loop as_loop = { .after = keep_after, .ctx = &loop };
    struct tb_timers timers;
    int count = 0;
    struct tb_timer slow = { .fn = count_fire, .arg = &count }, quick = slow;

    (void)state;
    tb_timers_init(&timers, &as_loop);
    tb_timer_set(&timers, &slow, 60000);
    for (int i = 0; i < 50; i++) {
        tb_timer_set(&timers, &quick, 1);
        while (count <= i)
            run_due(&loop);
    }
    assert_int_equal(loop.count, 1); /* that of the slow one */
    assert_int_equal(loop.asked, 51);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documented_text_first_then_the_detail),
        cmocka_unit_test(every_code_has_a_row_and_every_row_is_whole),
        cmocka_unit_test(long_and_malformed_texts_stay_utf8),
        cmocka_unit_test(json_is_read_strictly),
        cmocka_unit_test(json_of_too_many_values_is_refused_before_it_is_read),
        cmocka_unit_test(json_truncations),
        cmocka_unit_test(values_are_shown_to_people),
        cmocka_unit_test(options_have_ranges),
        cmocka_unit_test(text_without_a_language_is_in_one_that_is_spoken),
        cmocka_unit_test(ids_look_as_documented),
        cmocka_unit_test(what_an_engine_cannot_do_is_refused_by_name),
        cmocka_unit_test(query_strings),
        cmocka_unit_test(work_loses_nothing),
        cmocka_unit_test(timers_fire_in_order_and_can_be_stopped),
        cmocka_unit_test(ticks_do_not_pile_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
