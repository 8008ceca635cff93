/* api_world.h - an api for the fuzz targets: a store in a temporary folder with no voices in it, no engine that could
 * speak, and a loop that the target turns. Opened once, at the first input. */
#ifndef TB_FUZZ_API_WORLD_H
#define TB_FUZZ_API_WORLD_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/api.h"
#include "base/log.h"

static struct fuzz_world {
    struct tb_api *api;
    char key[64];
    pthread_mutex_t lock;
    void (*fn)(void *arg); /* the api posts one function at a time: its mailbox */
    void *arg;
    bool ended;
} fuzz_world = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void world_post(void *ctx, void (*fn)(void *arg), void *arg)
{
    (void)ctx;
    pthread_mutex_lock(&fuzz_world.lock);
    fuzz_world.fn = fn;
    fuzz_world.arg = arg;
    pthread_mutex_unlock(&fuzz_world.lock);
}

static void world_after(void *ctx, int64_t delay_ms, void (*fn)(void *arg), void *arg)
{
    (void)ctx; /* time stands still */
    (void)delay_ms;
    (void)fn;
    (void)arg;
}

static inline void world_turn(void)
{
    void (*fn)(void *arg);
    struct timespec t = { 0, 20000 };

    pthread_mutex_lock(&fuzz_world.lock);
    fn = fuzz_world.fn;
    fuzz_world.fn = NULL;
    pthread_mutex_unlock(&fuzz_world.lock);
    if (fn)
        fn(fuzz_world.arg);
    else
        nanosleep(&t, NULL);
}

static inline void world_open(void)
{
    static const struct tb_engine_ops ops = { .name = "none", .rate_hz = 24000, .languages = 1u << TB_LANG_EN };
    static struct tb_engine engine = { &ops };
    static const struct tb_model models[] = { { "live", true, &engine }, { "plain", false, &engine } };
    static char folder[] = "/tmp/timbre-fuzz-XXXXXX";
    struct tb_voices_config voices = { .models = models, .model_count = 2, .helper_dir = "/nonexistent" };
    struct tb_api_config config = { .loop = { world_post, world_after, NULL } };

    if (fuzz_world.api)
        return;
    tb_log_set_level(TB_LOG_NONE);
    if (!mkdtemp(folder) || tb_store_open(folder, &config.store, NULL) ||
        tb_store_key_add(config.store, "fuzz", 0, fuzz_world.key, NULL))
        abort();
    voices.store = config.store;
    if (tb_voices_open(&voices, &config.voices, NULL) ||
        tb_speech_open(&(struct tb_speech_config){ 0 }, &config.speech, NULL) ||
        tb_api_open(&config, &fuzz_world.api, NULL))
        abort();
}

static inline void world_end(void *ctx)
{
    (void)ctx;
    fuzz_world.ended = true;
}

static inline void world_head(void *ctx, int status, const char *type, int64_t length, const char *id,
                              const char *extra)
{
    (void)ctx, (void)type, (void)length, (void)id, (void)extra;
    if (status < 200 || status > 599)
        abort();
}

static inline void world_bytes(void *ctx, const void *bytes, size_t n)
{
    (void)ctx, (void)bytes, (void)n;
}

static inline void world_text(void *ctx, const char *json, size_t n)
{
    (void)ctx;
    if (n < 2 || json[0] != '{' || json[n - 1] != '}')
        abort();
}

static inline void world_close(void *ctx, int code, const char *reason)
{
    (void)ctx, (void)reason;
    fuzz_world.ended = code >= 1000;
}

#endif
