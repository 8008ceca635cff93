/* world.h - all that an api needs, for the tests of this folder: a store in a temporary folder, the real voices and
 * speech on an engine that "speaks" each character as 10 ms of its own level, and a loop that the test itself turns. */
#ifndef TB_TESTS_API_WORLD_H
#define TB_TESTS_API_WORLD_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/api.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

#define REALTIME "qwen3-tts-vc-realtime-2026-01-15"
#define REALTIME_OLD "qwen3-tts-vc-realtime-2025-11-27"
#define PLAIN "qwen3-tts-vc-2026-01-22"
#define PATH_A "/api/v1/services/audio/tts/customization"
#define PATH_C "/api/v1/services/aigc/multimodal-generation/generation"

#ifndef HELPER_DIR /* only tests that decode recordings need it */
#define HELPER_DIR "/nonexistent"
#endif

enum { RATE = 24000, SAMPLES = 240 };

static inline void nap(int us)
{
    struct timespec t = { us / 1000000, us % 1000000 * 1000L };

    nanosleep(&t, NULL);
}

/* The engine --------------------------------------------------------------------------------------------------------*/

struct talker {
    struct tb_session base;
    char text[65536];
    size_t n, at;
};

static _Atomic int step_delay_us;
static _Atomic int sessions_now;
static const struct tb_engine_ops talker_ops;

static enum tb_code talker_open(struct tb_engine *engine, struct tb_str print, const struct tb_speak *speak,
                                struct tb_session **out, struct tb_error *err)
{
    struct talker *t;

    (void)engine;
    (void)speak;
    if (!tb_str_eq(print, "print"))
        return tb_fail(err, TB_EVOICE, "not a print");
    t = calloc(1, sizeof *t);
    t->base.ops = &talker_ops;
    atomic_fetch_add(&sessions_now, 1);
    *out = &t->base;
    return TB_OK;
}

static enum tb_code talker_text(struct tb_session *session, struct tb_str text, enum tb_lang lang, struct tb_error *err)
{
    struct talker *t = (struct talker *)session;

    if (lang == TB_LANG_RU)
        return tb_fail(err, TB_ELANGUAGE, "Russian is not spoken here.");
    if (memmem(text.p, text.n, "BREAK", 5))
        return tb_fail(err, TB_EINTERNAL, "told to break");
    if (t->n + text.n > sizeof t->text)
        return tb_fail(err, TB_ETOOBIG, "too much for this engine");
    memcpy(t->text + t->n, text.p, text.n);
    t->n += text.n;
    return TB_OK;
}

/* One step speaks up to 16 characters; '_' is slow: 20 ms more. */
static enum tb_code talker_step(struct tb_session *session, const struct tb_sink *sink, bool *more,
                                struct tb_error *err)
{
    struct talker *t = (struct talker *)session;

    nap(atomic_load(&step_delay_us));
    for (int i = 0; i < 16 && t->at < t->n; i++, t->at++) {
        float samples[SAMPLES];

        if (t->text[t->at] == '_')
            nap(20000);
        for (int k = 0; k < SAMPLES; k++)
            samples[k] = (float)(unsigned char)t->text[t->at] / 1024.0f;
        if (!sink->pcm(sink->ctx, samples, SAMPLES))
            return tb_fail(err, TB_ECANCELLED, "stopped");
    }
    *more = t->at < t->n;
    return TB_OK;
}

static void talker_close(struct tb_session *session)
{
    atomic_fetch_sub(&sessions_now, 1);
    free(session);
}

static enum tb_code talker_enrol(struct tb_engine *engine, const struct tb_enrol_request *req, struct tb_bytes *print,
                                 struct tb_enrol_report *report, struct tb_error *err)
{
    (void)engine;
    (void)req;
    (void)err;
    *report = (struct tb_enrol_report){ 0 };
    return tb_bytes_addz(print, "print");
}

static const struct tb_engine_ops talker_ops = { .name = "talker",
                                                 .rate_hz = RATE,
                                                 .languages = 1u << TB_LANG_EN | 1u << TB_LANG_ZH | 1u << TB_LANG_ES,
                                                 .enrol = talker_enrol,
                                                 .session_open = talker_open,
                                                 .session_text = talker_text,
                                                 .session_step = talker_step,
                                                 .session_close = talker_close };
static struct tb_engine talker = { &talker_ops };

/* The loop: the test's thread turns it ------------------------------------------------------------------------------*/

struct post {
    void (*fn)(void *arg);
    void *arg;
    int64_t due_us;
};

struct loop {
    pthread_mutex_t lock;
    struct post posts[65536];
    size_t first, last; /* of posts, as a ring */
    struct post later[1024];
    size_t later_count;
};

static inline void loop_post(void *ctx, void (*fn)(void *arg), void *arg)
{
    struct loop *loop = ctx;

    pthread_mutex_lock(&loop->lock);
    loop->posts[loop->last++ % 65536] = (struct post){ fn, arg, 0 };
    pthread_mutex_unlock(&loop->lock);
}

static inline void loop_after(void *ctx, int64_t delay_ms, void (*fn)(void *arg), void *arg)
{
    struct loop *loop = ctx;

    assert_true(loop->later_count < 1024);
    loop->later[loop->later_count++] = (struct post){ fn, arg, tb_mono_us() + delay_ms * 1000 };
}

/* Everything that is due, once. */
static inline void loop_turn(struct loop *loop)
{
    for (;;) {
        struct post p = { 0 };

        pthread_mutex_lock(&loop->lock);
        if (loop->first < loop->last)
            p = loop->posts[loop->first++ % 65536];
        pthread_mutex_unlock(&loop->lock);
        if (!p.fn)
            break;
        p.fn(p.arg);
    }
    for (size_t i = 0; i < loop->later_count; i++)
        if (loop->later[i].due_us <= tb_mono_us()) {
            struct post p = loop->later[i];

            loop->later[i--] = loop->later[--loop->later_count];
            p.fn(p.arg);
        }
}

/* The world ---------------------------------------------------------------------------------------------------------*/

struct world {
    char dir[64];
    struct tb_store *store;
    struct tb_voices *voices;
    struct tb_speech *speech;
    struct tb_api *api;
    struct tb_api_config config;
    struct loop loop;
    int64_t account;
    char key[64], other_key[64];
    char plain[TB_MAX_VOICE_ID], realtime[TB_MAX_VOICE_ID], old[TB_MAX_VOICE_ID];
};

static const struct tb_model world_models[] = { { REALTIME, true, &talker },
                                                { REALTIME_OLD, true, &talker },
                                                { PLAIN, false, &talker } };

static inline void add_voice(struct world *w, const char *model, const char *name, char id[TB_MAX_VOICE_ID])
{
    struct tb_voice_info v = { .created_ms = tb_now_ms(), .modified_ms = tb_now_ms(), .used_ms = tb_now_ms() };
    static int serial;

    snprintf(v.id, sizeof v.id, "qwen-tts-vc-%s-voice-20261122231507482-%04x", name, serial++ & 0xffff);
    snprintf(v.target_model, sizeof v.target_model, "%s", model);
    snprintf(v.language, sizeof v.language, "en");
    snprintf(v.engine, sizeof v.engine, "talker");
    assert_int_equal(tb_store_voice_add(w->store, w->account, &v, TB_STR("print"), NULL, 5000, NULL), TB_OK);
    memcpy(id, v.id, sizeof v.id);
}

/* change may alter the configuration before the api opens; NULL: none. */
static inline struct world *world_open(void (*change)(struct tb_api_config *config))
{
    struct world *w = calloc(1, sizeof *w);
    struct tb_voices_config voices = { .models = world_models, .model_count = 3, .helper_dir = HELPER_DIR,
                                       .max_voices = 6 };
    struct tb_error err = { 0 };
    int64_t other;

    tb_log_set_level(TB_LOG_NONE);
    atomic_store(&step_delay_us, 0);
    snprintf(w->dir, sizeof w->dir, "/tmp/timbre-api-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    pthread_mutex_init(&w->loop.lock, NULL);
    assert_int_equal(tb_store_open(w->dir, &w->store, &err), TB_OK);
    assert_int_equal(tb_store_key_add(w->store, "one", 0, w->key, &err), TB_OK);
    assert_int_equal(tb_store_key_add(w->store, "two", 0, w->other_key, &err), TB_OK);
    assert_int_equal(tb_store_key_find(w->store, tb_str_of(w->key), &w->account, &err), TB_OK);
    assert_int_equal(tb_store_key_find(w->store, tb_str_of(w->other_key), &other, &err), TB_OK);
    assert_int_not_equal(w->account, other);
    voices.store = w->store;
    assert_int_equal(tb_voices_open(&voices, &w->voices, &err), TB_OK);
    assert_int_equal(tb_speech_open(&(struct tb_speech_config){ 0 }, &w->speech, &err), TB_OK);
    add_voice(w, PLAIN, "plain", w->plain);
    add_voice(w, REALTIME, "live", w->realtime);
    add_voice(w, REALTIME_OLD, "old", w->old);
    w->config = (struct tb_api_config){ .store = w->store, .voices = w->voices, .speech = w->speech,
                                        .loop = { loop_post, loop_after, &w->loop } };
    if (change)
        change(&w->config);
    assert_int_equal(tb_api_open(&w->config, &w->api, &err), TB_OK);
    return w;
}

static inline void world_close(struct world *w)
{
    char command[96];

    tb_api_close(w->api);
    tb_speech_close(w->speech);
    tb_voices_close(w->voices);
    tb_store_close(w->store);
    assert_int_equal(atomic_load(&sessions_now), 0);
    snprintf(command, sizeof command, "rm -rf %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
}

#define WAIT_UNTIL(w, condition)                                                                     \
    do {                                                                                             \
        int64_t wait_end = tb_mono_us() + 20000000;                                                  \
        while (loop_turn(&(w)->loop), !(condition)) {                                                \
            assert_true(tb_mono_us() < wait_end);                                                    \
            nap(500);                                                                                \
        }                                                                                            \
    } while (0)

/* Turn the loop for a while. */
static inline void turn_for(struct world *w, int ms)
{
    for (int64_t end = tb_mono_us() + ms * 1000; tb_mono_us() < end; nap(500))
        loop_turn(&w->loop);
}

/* HTTP --------------------------------------------------------------------------------------------------------------*/

struct answer {
    int status;
    char type[64], request_id[64], headers[1024], file[256];
    int64_t length, file_offset, file_length;
    struct tb_bytes body;
    size_t writes;
    bool ended;
    struct tb_exchange *x;
    json_t *json; /* of the body, when it is JSON */
};

static inline void answer_head(void *ctx, int status, const char *type, int64_t length, const char *request_id,
                               const char *headers)
{
    struct answer *a = ctx;

    assert_int_equal(a->status, 0); /* one head */
    a->status = status;
    a->length = length;
    snprintf(a->type, sizeof a->type, "%s", type);
    snprintf(a->request_id, sizeof a->request_id, "%s", request_id);
    snprintf(a->headers, sizeof a->headers, "%s", headers ? headers : "");
}

static inline void answer_write(void *ctx, const void *bytes, size_t n)
{
    struct answer *a = ctx;

    assert_true(a->status && !a->ended);
    a->writes++;
    assert_int_equal(tb_bytes_add(&a->body, bytes, n), TB_OK);
}

static inline void answer_file(void *ctx, const char *path, int64_t offset, int64_t length)
{
    struct answer *a = ctx;
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    snprintf(a->file, sizeof a->file, "%s", path);
    a->file_offset = offset;
    a->file_length = length;
    assert_int_equal(tb_bytes_reserve(&a->body, (size_t)length), TB_OK);
    assert_int_equal(fseek(f, (long)offset, SEEK_SET), 0);
    assert_int_equal(fread(a->body.data, 1, (size_t)length, f), length);
    a->body.size = (size_t)length;
    fclose(f);
}

static inline void answer_end(void *ctx)
{
    struct answer *a = ctx;

    assert_false(a->ended);
    a->ended = true;
}

static inline void answer_open(struct world *w, const struct tb_http_request *req, struct answer *a)
{
    const struct tb_http_reply reply = { answer_head, answer_write, answer_file, answer_end, a };

    *a = (struct answer){ 0 };
    a->x = tb_exchange_open(w->api, req, &reply);
    assert_non_null(a->x);
}

static inline void answer_free(struct answer *a)
{
    json_decref(a->json);
    tb_bytes_free(&a->body);
    *a = (struct answer){ 0 };
}

/* Wait for the end; check what every answer must have. */
static inline void answer_wait(struct world *w, struct answer *a)
{
    WAIT_UNTIL(w, a->ended);
    tb_exchange_gone(a->x);
    a->x = NULL;
    assert_int_equal(strlen(a->request_id), 36);
    if (strcmp(a->type, "application/json") == 0) {
        assert_int_equal(a->length, a->body.size);
        a->json = json_loadb((char *)a->body.data, a->body.size, 0, NULL);
        assert_non_null(a->json);
        assert_string_equal(json_string_value(json_object_get(a->json, "request_id")), a->request_id);
    }
}

static inline struct tb_http_request request_of(const char *method, const char *path, const char *authorization,
                                                const char *body)
{
    return (struct tb_http_request){ .method = tb_str_of(method), .path = tb_str_of(path),
                                     .authorization = tb_str_of(authorization), .host = TB_STR("tts.example:8080"),
                                     .body = tb_str_of(body) };
}

/* POST with the world's key. body is printf-like. */
__attribute__((format(printf, 4, 5))) static inline void post(struct world *w, const char *path, struct answer *a,
                                                              const char *format, ...)
{
    struct tb_http_request req;
    char authorization[96], *body;
    va_list ap;

    va_start(ap, format);
    assert_true(vasprintf(&body, format, ap) >= 0);
    va_end(ap);
    snprintf(authorization, sizeof authorization, "Bearer %s", w->key);
    req = request_of("POST", path, authorization, body);
    answer_open(w, &req, a);
    free(body); /* nothing is read after open */
    answer_wait(w, a);
}

/* Check status, code, and how the message begins. Frees the answer. */
static inline void expect_error(struct answer *a, int status, const char *code, const char *message)
{
    const char *got;
    void *at;

    assert_string_equal(a->type, "application/json");
    assert_non_null(a->json);
    assert_int_equal(json_object_size(a->json), 3);
    at = json_object_iter(a->json); /* the order of the keys is part of the wire */
    assert_string_equal(json_object_iter_key(at), "request_id");
    at = json_object_iter_next(a->json, at);
    assert_string_equal(json_object_iter_key(at), "code");
    assert_string_equal(json_string_value(json_object_get(a->json, "code")), code);
    got = json_string_value(json_object_get(a->json, "message"));
    if (strncmp(got, message, strlen(message)) != 0)
        assert_string_equal(got, message);
    assert_int_equal(a->status, status);
    answer_free(a);
}

/* "output.audio.url" of a JSON value. */
static inline json_t *at(json_t *value, const char *path)
{
    char name[64];

    while (value && *path) {
        size_t n = strcspn(path, ".");

        snprintf(name, sizeof name, "%.*s", (int)n, path);
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(name)) : json_object_get(value, name);
        path += n + (path[n] == '.');
    }
    return value;
}

#define STR_AT(value, path) json_string_value(at(value, path))
#define INT_AT(value, path) ((int64_t)json_integer_value(at(value, path)))

#endif
