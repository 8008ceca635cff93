/* sayer.h - an engine that does one step when the test lets it, and whose step moves the clock by what it is said to
 * cost: so the order of the steps is known whatever the machine does. */
#ifndef SAYER_H
#define SAYER_H

#include "speech/speech.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "asleep.h"
#include "base/limits.h"

enum { RATE = 24000, STEP_MS = 100, MS = 1000, MOST_STEPS = 20000 };

static _Atomic int64_t clock_us, cost_us;
static _Atomic int audio_ms; /* of a step */
static _Atomic int slices;   /* of a step: it may be interrupted between them, and each costs the same */
static sem_t go, done;
static char order[MOST_STEPS]; /* who made each slice: written by the worker, read between slices */
static _Atomic size_t steps;

static int64_t now_us(void)
{
    return atomic_load(&clock_us);
}

/* The engine: a session says its name, 100 ms of sound for each full stop of its text. */
struct sayer {
    struct tb_session base;
    char name;
    size_t left;
};

static const struct tb_engine_ops ops;

static enum tb_code sayer_open(struct tb_engine *engine, struct tb_str print, const struct tb_speak *speak,
                               struct tb_session **out, struct tb_error *err)
{
    struct sayer *s = calloc(1, sizeof *s);

    (void)engine;
    (void)speak;
    (void)err;
    s->base.ops = &ops;
    s->name = print.p[0];
    *out = &s->base;
    return TB_OK;
}

static enum tb_code sayer_text(struct tb_session *session, struct tb_str text, enum tb_lang lang, struct tb_error *err)
{
    struct sayer *s = (struct sayer *)session;

    (void)lang;
    (void)err;
    for (size_t i = 0; i < text.n; i++)
        s->left += text.p[i] == '.';
    return TB_OK;
}

static inline void slice(const struct sayer *s, int of)
{
    sem_wait(&go);
    atomic_fetch_add(&clock_us, atomic_load(&cost_us) / of);
    order[atomic_fetch_add(&steps, 1)] = s->name;
}

static enum tb_code sayer_step(struct tb_session *session, const struct tb_sink *sink, bool *more, struct tb_error *err)
{
    struct sayer *s = (struct sayer *)session;
    static const float silence[RATE * 2];
    size_t len = (size_t)atomic_load(&audio_ms) * RATE / 1000;
    bool listening;

    int of = atomic_load(&slices);
    for (int i = 1; i < of; i++) {
        slice(s, of);
        sem_post(&done);
        if (!sink->pause(sink->ctx))
            return tb_fail(err, TB_ECANCELLED, "stopped");
    }
    slice(s, of);
    listening = sink->pcm(sink->ctx, silence, len);
    if (s->left)
        s->left--;
    *more = s->left > 0;
    sem_post(&done);
    return listening ? TB_OK : tb_fail(err, TB_ECANCELLED, "stopped");
}

static void sayer_close(struct tb_session *session)
{
    free(session);
}

static const struct tb_engine_ops ops = { .name = "sayer",
                                          .rate_hz = RATE,
                                          .languages = 1u << TB_LANG_EN,
                                          .session_open = sayer_open,
                                          .session_text = sayer_text,
                                          .session_step = sayer_step,
                                          .session_close = sayer_close };
static struct tb_engine engine = { &ops };

static void on_audio(void *ctx, const void *bytes, size_t n, uint64_t samples)
{
    (void)bytes;
    (void)samples;
    if (ctx)
        atomic_fetch_add((_Atomic size_t *)ctx, n);
}

static void on_drained(void *ctx)
{
    (void)ctx;
}

static void on_done(void *ctx, enum tb_code code, const struct tb_error *err)
{
    (void)ctx;
    (void)code;
    (void)err;
}

static inline enum tb_code try_open_of(struct tb_speech *s, struct tb_engine *of, const char *name, bool whole,
                                size_t expected, void *ctx, struct tb_utterance **u)
{
    const struct tb_utterance_config c = { .engine = of, .print = { name, 1 }, .language = TB_LANG_EN,
                                           .fallback = TB_LANG_EN, .rate = 1, .pitch = 1, .volume = 50,
                                           .format = TB_FORMAT_PCM, .sample_rate = RATE, .whole = whole,
                                           .expected = expected,
                                           .events = { on_audio, on_drained, on_done, ctx } };
    struct tb_error err;

    return tb_utterance_open(s, &c, u, &err);
}

static inline enum tb_code try_open(struct tb_speech *s, const char *name, bool whole, size_t expected, void *ctx,
                             struct tb_utterance **u)
{
    return try_open_of(s, &engine, name, whole, expected, ctx, u);
}

static inline struct tb_utterance *open_as(struct tb_speech *s, const char *name)
{
    struct tb_utterance *u;

    assert_int_equal(try_open(s, name, false, 8, NULL, &u), TB_OK);
    return u;
}

/* So many steps' worth of text, in segments of ten. The worker, if it had nothing to do, stands in the first. */
static inline void say(struct tb_utterance *u, int count)
{
    static const char text[] = "one..........";

    for (; count > 0; count -= 10)
        assert_int_equal(tb_utterance_text(u, (struct tb_str){ text, (size_t)(count < 10 ? count : 10) + 3 }, NULL),
                         TB_OK);
    tb_utterance_flush(u);
    settle();
}

/* Let n slices happen. When this returns the worker stands in the next one, or has nothing to do. */
static inline void let(int n)
{
    while (n-- > 0) {
        sem_post(&go);
        sem_wait(&done);
    }
    settle();
}

static inline void expect_order(size_t from, const char *wanted)
{
    order[atomic_load(&steps)] = 0;
    assert_string_equal(order + from, wanted);
}

static inline size_t count_of(char name, size_t from)
{
    size_t n = 0;

    for (size_t i = from; i < atomic_load(&steps); i++)
        n += order[i] == name;
    return n;
}

static inline int set_up(void **state)
{
    const struct tb_speech_config config = { .max_utterances = 16, .max_load_percent = 90, .now_us = now_us };

    atomic_store(&clock_us, 1000 * 1000 * MS);
    atomic_store(&cost_us, 10 * MS);
    atomic_store(&audio_ms, STEP_MS);
    atomic_store(&slices, 1);
    atomic_store(&steps, 0);
    sem_init(&go, 0, 0);
    sem_init(&done, 0, 0);
    return tb_speech_open(&config, (struct tb_speech **)state, NULL);
}

static inline int tear_down(void **state)
{
    for (int i = 0; i < 64; i++) /* whoever stands in a step may finish it */
        sem_post(&go);
    tb_speech_close(*state);
    return 0;
}

static inline void close_all(struct tb_utterance **u, int n)
{
    for (int i = 0; i < n; i++)
        tb_utterance_close(u[i]);
}

/* A minute of speech, so that its cost is known. */
static inline void learn(struct tb_speech *s)
{
    struct tb_utterance *u;

    assert_int_equal(try_open(s, "m", true, 0, NULL, &u), TB_OK);
    say(u, 600);
    for (int i = 0; i < 6; i++) {
        let(100);
        tb_utterance_taken(u, SIZE_MAX);
    }
    tb_utterance_close(u);
}

#endif
