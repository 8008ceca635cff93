/* voices_test.h - what the tests of voices share: an engine that only notes what it was given, recordings, a store. */
#ifndef TB_TESTS_VOICES_TEST_H
#define TB_TESTS_VOICES_TEST_H

#include "../store/store_test.h"

#include <math.h>

#include "audio/encode.h"
#include "base/base64.h"
#include "base/log.h"
#include "voices/voices.h"

/* The engine: its print says how long the recording was. */
static struct {
    int enrolments;
    enum tb_lang lang;     /* of the last request */
    enum tb_code fails_with;
    float speech_seconds;  /* 0: all of the recording */
    float one_voice;       /* 0: 1 */
} test_engine_seen;

static inline enum tb_code test_enrol(struct tb_engine *engine, const struct tb_enrol_request *req,
                                      struct tb_bytes *print, struct tb_enrol_report *report, struct tb_error *err)
{
    float seconds = (float)req->audio->len / (float)req->audio->rate;

    (void)engine;
    __atomic_add_fetch(&test_engine_seen.enrolments, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&test_engine_seen.lang, req->lang, __ATOMIC_SEQ_CST);
    if (test_engine_seen.fails_with)
        return tb_fail(err, test_engine_seen.fails_with, "only 1.2 s of speech");
    report->speech_seconds = test_engine_seen.speech_seconds > 0 ? test_engine_seen.speech_seconds : seconds;
    report->similarity = 0.7f;
    report->one_voice = test_engine_seen.one_voice > 0 ? test_engine_seen.one_voice : 1;
    return tb_bytes_addf(print, "print of %zu samples at %u", req->audio->len, req->audio->rate);
}

static const struct tb_engine_ops test_ops = { .name = "test", .rate_hz = 24000, .enrol = test_enrol };
static struct tb_engine test_engine = { &test_ops };

static const struct tb_model models[] = {
    { "qwen3-tts-vc-2026-01-22", false, &test_engine },
    { "qwen3-tts-vc-realtime-2026-01-15", true, &test_engine },
};

struct fixture {
    char dir[64];
    struct tb_store *store;
    struct tb_voices *voices;
    int64_t account, other;
};

/* With the configuration changed by `change` where it is not NULL. */
static inline void reopen(struct fixture *f, const struct tb_voices_config *change)
{
    struct tb_voices_config config = { 0 };

    tb_voices_close(f->voices);
    if (change)
        config = *change;
    config.store = f->store;
    config.models = models;
    config.model_count = sizeof models / sizeof *models;
#ifdef HELPER_DIR
    config.helper_dir = HELPER_DIR;
#endif
    assert_int_equal(tb_voices_open(&config, &f->voices, NULL), TB_OK);
}

static inline int set_up(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof f);
    memset(&test_engine_seen, 0, sizeof test_engine_seen);
    tb_log_set_level(TB_LOG_NONE);
    make_dir(f.dir);
    f.store = open_store(f.dir);
    f.account = new_account(f.store);
    f.other = new_account(f.store);
    reopen(&f, NULL);
    *state = &f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;

    tb_clock_shift(0);
    tb_voices_close(f->voices);
    tb_store_close(f->store);
    remove_dir(f->dir);
    return 0;
}

/* A WAV file of hiss in four syllables a second, as loud as speech, over hiss of this part of its size. Release with
 * tb_bytes_free. */
static inline struct tb_bytes noisy_wav(uint32_t rate, double seconds, double noise)
{
    size_t len = (size_t)(rate * seconds + 0.5);
    struct tb_bytes out = { 0 };
    uint8_t head[44];
    unsigned seed = 3;

    tb_wav_header(head, rate, (uint32_t)(2 * len));
    assert_int_equal(tb_bytes_add(&out, head, sizeof head), TB_OK);
    assert_int_equal(tb_bytes_reserve(&out, 2 * len), TB_OK);
    for (size_t i = 0; i < len; i++) {
        double loud = fmax(0, sin(8 * M_PI * (double)i / rate)) + noise;

        seed = seed * 1664525u + 1013904223u;
        int sample = (int)(loud / (1 + noise) * (int16_t)(seed >> 16) / 3);
        out.data[out.size++] = (uint8_t)sample;
        out.data[out.size++] = (uint8_t)(sample >> 8);
    }
    return out;
}

static inline struct tb_bytes wav(uint32_t rate, double seconds)
{
    return noisy_wav(rate, seconds, 0);
}

/* file as a data URL; file is released. */
static inline struct tb_bytes data_url(struct tb_bytes file)
{
    struct tb_bytes url = { 0 };

    tb_bytes_addz(&url, "data:audio/mpeg;base64,");
    assert_int_equal(tb_base64_encode(file.data, file.size, &url), TB_OK);
    tb_bytes_free(&file);
    return url;
}

static inline struct tb_create_request request_of(struct tb_str audio)
{
    return (struct tb_create_request){ .target_model = tb_str_of(models[0].name),
                                       .preferred_name = TB_STR("guanyu"),
                                       .audio = audio };
}

/* Create from a file (released); for what a test wants to look at. */
static inline enum tb_code create_from(struct fixture *f, struct tb_bytes file, struct tb_voice_info *out,
                                       struct tb_error *err)
{
    struct tb_bytes url = data_url(file);
    struct tb_create_request req = request_of(tb_bytes_str(&url));
    enum tb_code rc;

    *err = (struct tb_error){ 0 };
    rc = tb_voices_create(f->voices, f->account, &req, out, NULL, NULL, err);
    tb_bytes_free(&url);
    return rc;
}

static inline int64_t voice_count(struct fixture *f)
{
    int64_t count = -1;

    assert_int_equal(tb_store_voice_count(f->store, f->account, &count, NULL), TB_OK);
    return count;
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
