/* test_speech.c - the scheduler with an engine that "speaks" each character as 240 samples of its own level. */
#include "speech/speech.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/limits.h"

/* The engine -------------------------------------------------------------------------------------------------------*/

enum { RATE = 24000, SAMPLES = 240 };

struct talker {
    struct tb_session base;
    char text[4096];
    size_t n, at;
};

static _Atomic int step_delay_us, sessions_now;
static char log_of_steps[4096]; /* last letter but one of each step's text, in order */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void nap(int us)
{
    struct timespec t = { us / 1000000, us % 1000000 * 1000L };

    nanosleep(&t, NULL);
}

static const struct tb_engine_ops ops;

static enum tb_code talker_open(struct tb_engine *engine, struct tb_str print, const struct tb_speak *speak,
                                struct tb_session **out, struct tb_error *err)
{
    struct talker *t;

    (void)engine;
    (void)speak;
    if (!tb_str_eq(print, "print"))
        return tb_fail(err, TB_EVOICE, "not a print");
    t = calloc(1, sizeof *t);
    t->base.ops = &ops;
    atomic_fetch_add(&sessions_now, 1);
    *out = &t->base;
    return TB_OK;
}

static enum tb_code talker_text(struct tb_session *session, struct tb_str text, enum tb_lang lang, struct tb_error *err)
{
    struct talker *t = (struct talker *)session;

    if (lang != TB_LANG_EN)
        return tb_fail(err, TB_ELANGUAGE, "no %s", tb_lang_name(lang));
    if (memmem(text.p, text.n, "BREAK", 5))
        return tb_fail(err, TB_EINTERNAL, "told to break");
    if (t->at == t->n)
        t->at = t->n = 0;
    if (t->n + text.n >= sizeof t->text)
        return tb_fail(err, TB_ETOOBIG, "%zu bytes", text.n);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '~') /* not speakable */
            t->text[t->n++] = text.p[i];
    return TB_OK;
}

/* One step speaks up to 16 characters. */
static enum tb_code talker_step(struct tb_session *session, const struct tb_sink *sink, bool *more,
                                struct tb_error *err)
{
    struct talker *t = (struct talker *)session;

    pthread_mutex_lock(&log_lock);
    size_t steps = strlen(log_of_steps);

    if (t->n > t->at && t->n > 1 && steps + 1 < sizeof log_of_steps) {
        log_of_steps[steps] = t->text[t->n - 2];
        log_of_steps[steps + 1] = 0;
    }
    pthread_mutex_unlock(&log_lock);
    nap(atomic_load(&step_delay_us));
    for (int i = 0; i < 16 && t->at < t->n; i++, t->at++) {
        float samples[SAMPLES];

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

static const struct tb_engine_ops ops = { .name = "talker",
                                          .rate_hz = RATE,
                                          .languages = 1u << TB_LANG_EN,
                                          .session_open = talker_open,
                                          .session_text = talker_text,
                                          .session_step = talker_step,
                                          .session_close = talker_close };
static struct tb_engine engine = { &ops };

/* The listener -----------------------------------------------------------------------------------------------------*/

struct listener {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct tb_bytes heard;
    uint64_t samples;
    int drained, done;
    enum tb_code code;
    bool closed, late;
};

static void on_audio(void *ctx, const void *bytes, size_t n, uint64_t samples)
{
    struct listener *l = ctx;

    pthread_mutex_lock(&l->lock);
    l->late |= l->closed;
    tb_bytes_add(&l->heard, bytes, n);
    l->samples += samples;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static void on_drained(void *ctx)
{
    struct listener *l = ctx;

    pthread_mutex_lock(&l->lock);
    l->drained++;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static void on_done(void *ctx, enum tb_code code, const struct tb_error *err)
{
    struct listener *l = ctx;

    (void)err;
    pthread_mutex_lock(&l->lock);
    l->late |= l->closed;
    l->code = code;
    l->done++;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static void listener_init(struct listener *l)
{
    memset(l, 0, sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
}

/* Wait until *what reaches `least`, ten seconds at most. */
static void await(struct listener *l, const int *what, int least)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&l->lock);
    while (*what < least)
        if (pthread_cond_timedwait(&l->changed, &l->lock, &until))
            break;
    assert_true(*what >= least);
    pthread_mutex_unlock(&l->lock);
}

static struct tb_utterance_config config_for(struct listener *l)
{
    return (struct tb_utterance_config){ .engine = &engine,
                                         .print = TB_STR("print"),
                                         .language = TB_LANG_EN,
                                         .fallback = TB_LANG_EN,
                                         .rate = 1,
                                         .pitch = 1,
                                         .volume = 50,
                                         .format = TB_FORMAT_PCM,
                                         .sample_rate = RATE,
                                         .expected = 8,
                                         .events = { on_audio, on_drained, on_done, l } };
}

static struct tb_utterance *open_for(struct tb_speech *s, struct listener *l)
{
    struct tb_utterance_config c = config_for(l);
    struct tb_utterance *u;

    listener_init(l);
    assert_int_equal(tb_utterance_open(s, &c, &u, NULL), TB_OK);
    return u;
}

/* What was said, read back from the levels. */
static void said(const struct listener *l, char *out, size_t room)
{
    const int16_t *p = (const int16_t *)(const void *)l->heard.data;
    size_t n = l->heard.size / 2 / SAMPLES;

    assert_int_equal(l->heard.size % (2 * SAMPLES), 0);
    assert_true(n < room);
    for (size_t i = 0; i < n; i++)
        out[i] = (char)((p[i * SAMPLES + SAMPLES / 2] + 16) / 32);
    out[n] = 0;
}

static int set_up(void **state)
{
    struct tb_speech_config config = { .max_utterances = 6, .max_load_percent = 90 };

    atomic_store(&step_delay_us, 0);
    log_of_steps[0] = 0;
    return tb_speech_open(&config, (struct tb_speech **)state, NULL);
}

static int tear_down(void **state)
{
    tb_speech_close(*state);
    return atomic_load(&sessions_now); /* every session was closed */
}

/* Tests ------------------------------------------------------------------------------------------------------------*/

static void all_text_is_spoken_in_order_however_it_is_split(void **state)
{
    static const char text[] = "One two three. Four, five! Is it six? Seven eight nine ten eleven twelve";
    char heard[256];

    for (size_t piece = 1; piece <= sizeof text; piece += piece < 8 ? 1 : 29) {
        struct listener l;
        struct tb_utterance *u = open_for(*state, &l);

        for (size_t at = 0; at < sizeof text - 1; at += piece) {
            size_t n = sizeof text - 1 - at < piece ? sizeof text - 1 - at : piece;

            assert_int_equal(tb_utterance_text(u, (struct tb_str){ text + at, n }, NULL), TB_OK);
        }
        tb_utterance_finish(u);
        await(&l, &l.done, 1);
        said(&l, heard, sizeof heard);
        assert_string_equal(heard, text);
        assert_int_equal(l.code, TB_OK);
        assert_int_equal(l.samples, (sizeof text - 1) * SAMPLES);
        tb_utterance_close(u);
        tb_bytes_free(&l.heard);
    }
}

static void what_cannot_be_spoken_is_a_fifth_of_a_second_of_silence(void **state)
{
    static const struct {
        struct tb_str text;
        uint64_t samples;
    } cases[] = { { TB_STR("~~~"), RATE / 5 }, { TB_STR("~. "), SAMPLES }, { TB_STR(" \n "), 0 }, { TB_STR(""), 0 } };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct listener l;
        struct tb_utterance *u = open_for(*state, &l);

        assert_int_equal(tb_utterance_text(u, cases[i].text, NULL), TB_OK);
        tb_utterance_finish(u);
        await(&l, &l.done, 1);
        assert_int_equal(l.code, TB_OK);
        assert_int_equal(l.samples, cases[i].samples);
        for (size_t k = 0; i == 0 && k < l.heard.size; k++)
            assert_int_equal(l.heard.data[k], 0);
        tb_utterance_close(u);
        tb_bytes_free(&l.heard);
    }
}

static void speaking_begins_before_the_text_ends(void **state)
{
    struct listener l;
    struct tb_utterance *u = open_for(*state, &l);
    char heard[64];

    tb_utterance_text(u, TB_STR("A first sentence. And the sec"), NULL);
    pthread_mutex_lock(&l.lock);
    while (l.heard.size < 16 * SAMPLES * 2) /* the encoder keeps a few milliseconds back */
        pthread_cond_wait(&l.changed, &l.lock);
    pthread_mutex_unlock(&l.lock);
    assert_int_equal(l.drained, 0); /* the second sentence waits */
    tb_utterance_flush(u);
    await(&l, &l.drained, 1);
    tb_utterance_finish(u);
    await(&l, &l.done, 1);
    said(&l, heard, sizeof heard);
    assert_string_equal(heard, "A first sentence. And the sec");
    tb_utterance_close(u);
    tb_bytes_free(&l.heard);
}

static void closing_during_a_step_waits_for_nothing_and_silences(void **state)
{
    atomic_store(&step_delay_us, 300000);
    struct listener l;
    struct tb_utterance *u = open_for(*state, &l);
    struct timespec before, after;

    tb_utterance_text(u, TB_STR("This takes a while. And this too."), NULL);
    tb_utterance_finish(u);
    nap(50000);
    clock_gettime(CLOCK_MONOTONIC, &before);
    tb_utterance_close(u);
    clock_gettime(CLOCK_MONOTONIC, &after);
    pthread_mutex_lock(&l.lock);
    l.closed = true;
    pthread_mutex_unlock(&l.lock);
    assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 < 200);
    nap(400000);
    assert_false(l.late);
    assert_int_equal(l.done, 0);
    tb_bytes_free(&l.heard);
}

static void the_newcomer_goes_before_who_has_audio_left(void **state)
{
    atomic_store(&step_delay_us, 20000);
    struct listener a, b;
    struct tb_utterance *first = open_for(*state, &a), *second = open_for(*state, &b);

    for (int i = 0; i < 8; i++)
        tb_utterance_text(first, TB_STR("aaaaaaaaaaaaaa. "), NULL);
    nap(50000);
    tb_utterance_text(second, TB_STR("bbbbbbbbbbbbbb."), NULL);
    tb_utterance_finish(second);
    tb_utterance_finish(first);
    await(&b, &b.done, 1);
    assert_int_equal(a.done, 0); /* it did not have to wait for all of a */
    await(&a, &a.done, 1);
    assert_non_null(strchr(log_of_steps, 'b'));
    assert_non_null(strchr(strchr(log_of_steps, 'b'), 'a'));
    tb_utterance_close(first);
    tb_utterance_close(second);
    tb_bytes_free(&a.heard);
    tb_bytes_free(&b.heard);
}

static void a_client_that_does_not_read_is_paused(void **state)
{
    struct listener l;
    struct tb_utterance *u = open_for(*state, &l);
    size_t at_pause;

    /* 1 MiB is 2184 characters of 480 bytes. */
    for (int i = 0; i < 700; i++)
        assert_int_equal(tb_utterance_text(u, TB_STR("fifteen letters. "), NULL), TB_OK);
    tb_utterance_finish(u);
    pthread_mutex_lock(&l.lock);
    while (l.heard.size <= TB_MAX_OUTBOX)
        pthread_cond_wait(&l.changed, &l.lock);
    pthread_mutex_unlock(&l.lock);
    nap(200000);
    pthread_mutex_lock(&l.lock);
    at_pause = l.heard.size;
    pthread_mutex_unlock(&l.lock);
    assert_int_equal(l.done, 0);
    assert_true(at_pause > TB_MAX_OUTBOX && at_pause < TB_MAX_OUTBOX + 64 * 1024);
    tb_utterance_taken(u, at_pause);
    tb_utterance_taken(u, SIZE_MAX); /* more than was given: all */
    pthread_mutex_lock(&l.lock);
    while (l.heard.size <= at_pause)
        pthread_cond_wait(&l.changed, &l.lock);
    pthread_mutex_unlock(&l.lock);
    for (bool over = false; !over;) { /* from here on it reads */
        tb_utterance_taken(u, SIZE_MAX);
        nap(2000);
        pthread_mutex_lock(&l.lock);
        over = l.done > 0;
        pthread_mutex_unlock(&l.lock);
    }
    assert_int_equal(l.heard.size, (700 * 17 - 1) * SAMPLES * 2); /* the space at the end is not spoken */
    tb_utterance_close(u);
    tb_bytes_free(&l.heard);
}

static void errors_end_the_utterance_once(void **state)
{
    struct listener l;
    struct tb_utterance *u = open_for(*state, &l);

    tb_utterance_text(u, TB_STR("Good. BREAK now. More. "), NULL);
    tb_utterance_finish(u);
    await(&l, &l.done, 1);
    assert_int_equal(l.code, TB_EINTERNAL);
    nap(20000);
    assert_int_equal(l.done, 1);
    tb_utterance_close(u);
    tb_bytes_free(&l.heard);
}

static void a_language_that_is_not_spoken_is_an_error(void **state)
{
    struct listener l;
    struct tb_utterance_config c;
    struct tb_utterance *u;

    listener_init(&l);
    c = config_for(&l);
    c.language = TB_LANG_FR;
    assert_int_equal(tb_utterance_open(*state, &c, &u, NULL), TB_OK);
    tb_utterance_text(u, TB_STR("Bonjour."), NULL);
    tb_utterance_finish(u);
    await(&l, &l.done, 1);
    assert_int_equal(l.code, TB_ELANGUAGE);
    tb_utterance_close(u);
}

static void limits_are_kept(void **state)
{
    struct listener l;
    struct tb_utterance *u[6], *more;
    struct tb_utterance_config c;
    struct tb_error err;
    char *long_text = malloc(TB_MAX_PENDING_TEXT + 1);

    for (int i = 0; i < 6; i++)
        u[i] = open_for(*state, &l);
    c = config_for(&l);
    assert_int_equal(tb_utterance_open(*state, &c, &more, &err), TB_EBUSY);
    memset(long_text, 'a', TB_MAX_PENDING_TEXT + 1);
    assert_int_equal(tb_utterance_text(u[0], (struct tb_str){ long_text, TB_MAX_PENDING_TEXT + 1 }, &err), TB_ETOOBIG);
    for (int i = 0; i < 6; i++)
        tb_utterance_close(u[i]);
    c.print = TB_STR("foreign");
    assert_int_equal(tb_utterance_open(*state, &c, &more, &err), TB_EVOICE);
    assert_null(more);
    free(long_text);
}

static void volume_scales_the_level(void **state)
{
    int16_t peak[3];
    const int volume[3] = { 0, 25, 100 };

    for (int i = 0; i < 3; i++) {
        struct listener l;
        struct tb_utterance_config c;
        struct tb_utterance *u;

        listener_init(&l);
        c = config_for(&l);
        c.volume = volume[i];
        assert_int_equal(tb_utterance_open(*state, &c, &u, NULL), TB_OK);
        tb_utterance_text(u, TB_STR("@@@@."), NULL);
        tb_utterance_finish(u);
        await(&l, &l.done, 1);
        memcpy(&peak[i], l.heard.data + 200, 2);
        tb_utterance_close(u);
        tb_bytes_free(&l.heard);
    }
    assert_int_equal(peak[0], 0);
    assert_in_range(peak[1], 1020, 1028); /* '@' is 64 / 1024 */
    assert_in_range(peak[2], 4085, 4105);
}

int main(void)
{
#define WITH_SPEECH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_SPEECH(all_text_is_spoken_in_order_however_it_is_split),
        WITH_SPEECH(what_cannot_be_spoken_is_a_fifth_of_a_second_of_silence),
        WITH_SPEECH(speaking_begins_before_the_text_ends),
        WITH_SPEECH(closing_during_a_step_waits_for_nothing_and_silences),
        WITH_SPEECH(the_newcomer_goes_before_who_has_audio_left),
        WITH_SPEECH(a_client_that_does_not_read_is_paused),
        WITH_SPEECH(errors_end_the_utterance_once),
        WITH_SPEECH(a_language_that_is_not_spoken_is_an_error),
        WITH_SPEECH(limits_are_kept),
        WITH_SPEECH(volume_scales_the_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
