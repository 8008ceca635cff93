/* A session from text to samples, through the engine's table as the callers use it. Needs the converted weights, the
 * lexicon and build/timbre-phonemes; skips loudly without them. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/pitch.h"
#include "base/limits.h"
#include "engine/kokoro/kokoro.h"
#include "engine/kokoro/print.h"
#include "tensor/cpu.h"
#include "tensor/safetensors.h"

#define MODEL_DIR "var/models/kokoro"
#define HELPER_DIR "build"

static struct tb_engine *engine;
static struct tb_pool *pool;
static struct tb_bytes print;

struct heard {
    size_t samples, calls, most_calls; /* the listener stops after most_calls */
    float largest, step;               /* of a sample; between neighbours */
    double power;
    float last;
};

static bool listen(void *ctx, const float *pcm, size_t len)
{
    struct heard *h = ctx;

    for (size_t i = 0; i < len; i++) {
        assert_true(isfinite(pcm[i]));
        h->largest = fmaxf(h->largest, fabsf(pcm[i]));
        h->step = fmaxf(h->step, fabsf(pcm[i] - h->last));
        h->power += (double)pcm[i] * (double)pcm[i];
        h->last = pcm[i];
    }
    h->samples += len;
    return ++h->calls < h->most_calls;
}

static struct heard speak(const char *const *segments, struct tb_speak how, size_t most_calls, enum tb_code wanted)
{
    struct heard h = { .most_calls = most_calls };
    struct tb_sink sink = { .pcm = listen, .ctx = &h };
    struct tb_error err = { 0 };
    struct tb_session *s;
    enum tb_code rc = TB_OK;
    bool more = true;

    assert_int_equal(tb_session_open(engine, tb_bytes_str(&print), &how, &s, &err), TB_OK);
    for (; *segments; segments++)
        assert_int_equal(tb_session_text(s, tb_str_of(*segments), TB_LANG_EN, &err), TB_OK);
    while (rc == TB_OK && more)
        rc = tb_session_step(s, &sink, &more, &err);
    assert_int_equal(rc, wanted);
    tb_session_close(s);
    return h;
}

static const struct tb_speak plain = { .rate = 1.0f, .pitch = 1.0f };

static void a_sentence_sounds(void **state)
{
    struct heard h = speak((const char *[]){ "Good evening.", NULL }, plain, 1000, TB_OK);
    double seconds = (double)h.samples / tb_kokoro_ops.rate_hz;

    (void)state;
    print_message("  %.2f s, peak %.2f, rms %.3f\n", seconds, (double)h.largest, sqrt(h.power / (double)h.samples));
    assert_true(seconds > 0.4 && seconds < 2.0);
    assert_true(h.largest > 0.05f && h.largest <= 1.0f);
    assert_true(sqrt(h.power / (double)h.samples) > 0.01);
}

static void two_segments_take_longer_than_one_and_pause(void **state)
{
    struct heard one = speak((const char *[]){ "Yes.", NULL }, plain, 1000, TB_OK);
    struct heard two = speak((const char *[]){ "Yes.", "Yes.", NULL }, plain, 1000, TB_OK);

    (void)state;
    assert_true(two.samples > 2 * one.samples + 3600); /* a pause of a quarter second, but for a few ms of trimming */
}

/* Under a sanitizer a sentence takes half a minute: what pitches do, and whether the ear understands, is measured in
 * the release build, which `make test` runs too. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const char *const timed[] = { "Yes.", NULL };
#else
#define AT_LENGTH
static const char *const timed[] = { "She had a dark suit.", "Where did she go?", NULL };
#endif

static void the_rate_divides_durations(void **state)
{
    double usual = (double)speak(timed, plain, 1000, TB_OK).samples;

    (void)state;
    for (float rate = 0.5f; rate <= 2.0f; rate *= 4.0f) {
        struct tb_speak how = { .rate = rate, .pitch = 1.0f };
        double part = (double)speak(timed, how, 1000, TB_OK).samples * (double)rate / usual;

        print_message("  at rate %.1f: %.3f of the duration that it should be\n", (double)rate, part);
        assert_true(part > 0.95 && part < 1.05);
    }
}

#ifdef AT_LENGTH
/* Thirds of samples at 24 kHz, for the pitch tracker at 8 kHz. */
struct taken {
    float wave[TB_PITCH_RATE_HZ * 4];
    size_t n;      /* samples taken in, up to three for each of wave */
};

static bool take(void *ctx, const float *pcm, size_t len)
{
    struct taken *t = ctx;

    for (size_t i = 0; i < len; i++, t->n++) {
        assert_true(t->n / 3 < sizeof t->wave / sizeof *t->wave);
        t->wave[t->n / 3] += pcm[i] / 3;
    }
    return true;
}

/* f0_hz [frames] of a sentence at a pitch; gives the frames. */
static size_t pitch_of(float pitch, float *f0_hz)
{
    struct taken t = { .n = 0 };
    struct tb_sink sink = { .pcm = take, .ctx = &t };
    struct tb_speak how = { .rate = 1.0f, .pitch = pitch };
    struct tb_error err = { 0 };
    struct tb_session *s;
    bool more = true;

    assert_int_equal(tb_session_open(engine, tb_bytes_str(&print), &how, &s, &err), TB_OK);
    assert_int_equal(tb_session_text(s, TB_STR("We were away a year ago."), TB_LANG_EN, &err), TB_OK);
    while (more)
        assert_int_equal(tb_session_step(s, &sink, &more, &err), TB_OK);
    tb_session_close(s);
    assert_int_equal(tb_pitch(t.wave, t.n / 3, f0_hz, &err), TB_OK);
    return tb_pitch_frames(t.n / 3);
}

static void pitch_is_scaled(void **state)
{
    static const float pitches[3] = { 1.4f, 0.7f, 2.0f };
    float usual[400], f0[400], quotients[400];
    size_t n = pitch_of(1.0f, usual);

    (void)state;
    for (int k = 0; k < 3; k++) {
        size_t m = pitch_of(pitches[k], f0), both = 0;

        for (size_t i = 0; i < m && i < n; i++)
            if (f0[i] > 0 && usual[i] > 0)
                quotients[both++] = f0[i] / usual[i] / pitches[k];
        assert_true(both > 40);
        float median = tb_pitch_summarise(quotients, both).median_hz;
        print_message("  pitch %.1f: %.3f of what it should be, in %zu frames\n", (double)pitches[k], (double)median,
                      both);
        assert_true(median > 0.97f && median < 1.03f);
    }
}
#endif

#ifdef AT_LENGTH
static bool keep(void *ctx, const float *pcm, size_t len)
{
    struct tb_pcm *kept = ctx;

    assert_true(kept->len + len <= 8 * tb_kokoro_ops.rate_hz);
    memcpy(kept->data + kept->len, pcm, len * sizeof *pcm);
    kept->len += len;
    return true;
}
#endif

static float match_with(const struct tb_pcm *pcm, const char *text, size_t *words)
{
    const struct tb_listen_request req = { .audio = pcm, .text = tb_str_of(text), .lang = TB_LANG_EN };
    struct tb_listen_report report;

    assert_int_equal(tb_engine_listen(engine, &req, &report, NULL), TB_OK);
    *words = report.words;
    return report.match;
}

#ifdef AT_LENGTH
static void it_hears_what_it_says(void **state)
{
    const char *text = "She sells 3 sea shells by the shore, and then she goes home again.";
    struct tb_pcm pcm;
    struct tb_sink sink = { .pcm = keep, .ctx = &pcm };
    struct tb_session *s;
    size_t words;
    bool more = true;

    (void)state;
    assert_int_equal(tb_pcm_alloc(&pcm, 8 * tb_kokoro_ops.rate_hz, tb_kokoro_ops.rate_hz, NULL), TB_OK);
    pcm.len = 0;
    assert_int_equal(tb_session_open(engine, tb_bytes_str(&print), &plain, &s, NULL), TB_OK);
    assert_int_equal(tb_session_text(s, tb_str_of(text), TB_LANG_EN, NULL), TB_OK);
    while (more)
        assert_int_equal(tb_session_step(s, &sink, &more, NULL), TB_OK);
    tb_session_close(s);
    assert_true(match_with(&pcm, text, &words) > 0.5f);
    assert_int_equal(words, 14);
    assert_true(match_with(&pcm, "It was the best of times, it was the worst of times, he said to me.", &words) <
                0.15f);
    assert_true(match_with(&pcm, "!!!", &words) <= 0.0f);
    assert_int_equal(words, 0);
    pcm.data[100] = NAN;
    pcm.data[200] = 1e30f;
    assert_true(match_with(&pcm, text, &words) >= 0);
    tb_pcm_free(&pcm);
}
#endif

static void odd_recordings_match_nothing_and_do_no_harm(void **state)
{
    struct tb_pcm pcm;
    size_t words;

    (void)state;
    assert_int_equal(tb_pcm_alloc(&pcm, 2 * tb_kokoro_ops.rate_hz, tb_kokoro_ops.rate_hz, NULL), TB_OK);
    for (size_t i = 0; i < pcm.len; i++)
        pcm.data[i] = 0.3f * sinf(0.05f * (float)i); /* a hum */
    pcm.data[100] = NAN;
    pcm.data[200] = 1e30f;
    assert_true(match_with(&pcm, "She goes home again.", &words) < 0.15f);
    assert_int_equal(words, 4);
    assert_true(match_with(&pcm, "!!!", &words) <= 0.0f);
    assert_int_equal(words, 0);
    pcm.len = 1;
    assert_true(match_with(&pcm, "She goes home again.", &words) <= 0.0f); /* nobody speaks so fast */
    tb_pcm_free(&pcm);
}

static void the_listener_may_stop(void **state)
{
    struct heard h = speak((const char *[]){ "Good evening to all of you.", NULL }, plain, 2, TB_ECANCELLED);

    (void)state;
    assert_int_equal(h.calls, 2);
}

static void nothing_to_say_is_fine(void **state)
{
    struct heard h = speak((const char *[]){ "", "...", NULL }, plain, 1000, TB_OK);

    (void)state;
    assert_int_equal(h.samples, 0);
}

static void what_it_cannot_say_is_refused(void **state)
{
    char text[TB_MAX_SEGMENT + 2];
    struct tb_error err = { 0 };
    struct tb_session *s;

    (void)state;
    memset(text, 'a', sizeof text);
    assert_int_equal(tb_session_open(engine, tb_bytes_str(&print), &plain, &s, &err), TB_OK);
    assert_int_equal(tb_session_text(s, TB_STR("hallo"), TB_LANG_AUTO, &err), TB_ELANGUAGE); /* to be detected before */
    assert_int_equal(tb_session_text(s, (struct tb_str){ text, TB_MAX_SEGMENT + 1 }, TB_LANG_EN, &err), TB_ETOOBIG);
    tb_session_close(s);
    assert_int_equal(tb_session_open(engine, TB_STR("no print"), &plain, &s, &err), TB_EVOICE);
}

#ifdef AT_LENGTH
/* Two who speak, each on a thread, and take turns at every pause: so the scheduler of speech lets steps stand still. */
struct duo {
    pthread_mutex_t lock;
    pthread_cond_t passed;
    int turn;     /* 0 or 1 */
    bool over[2];
};

struct voice {
    struct heard h; /* first: the sink's context for listen */
    struct duo *duo;
    int me;
    struct tb_session *session;
    int turns;
    enum tb_code rc;
    pthread_t thread;
};

static void pass_on(struct voice *v)
{
    struct duo *d = v->duo;

    d->turn = d->over[!v->me] ? v->me : !v->me;
    pthread_cond_broadcast(&d->passed);
    while (d->turn != v->me && !d->over[v->me])
        pthread_cond_wait(&d->passed, &d->lock);
}

static bool stand_still(void *ctx)
{
    struct voice *v = ctx;

    pthread_mutex_lock(&v->duo->lock);
    v->turns++;
    pass_on(v);
    pthread_mutex_unlock(&v->duo->lock);
    return true;
}

static void *say_in_turns(void *arg)
{
    struct voice *v = arg;
    struct tb_sink sink = { .pcm = listen, .pause = stand_still, .ctx = v };
    struct tb_error err;
    bool more = true;

    pthread_mutex_lock(&v->duo->lock);
    while (v->duo->turn != v->me)
        pthread_cond_wait(&v->duo->passed, &v->duo->lock);
    pthread_mutex_unlock(&v->duo->lock);
    while (v->rc == TB_OK && more)
        v->rc = tb_session_step(v->session, &sink, &more, &err);
    pthread_mutex_lock(&v->duo->lock);
    v->duo->over[v->me] = true;
    pass_on(v);
    pthread_mutex_unlock(&v->duo->lock);
    return NULL;
}

static void steps_that_stand_still_for_each_other_sound_as_alone(void **state)
{
    static const char *const texts[2] = { "She had a dark suit.", "Where did she go?" };
    static const struct tb_speak whole = { .rate = 1.0f, .pitch = 1.0f, .whole = true };
    struct duo duo = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, { false, false } };
    struct voice v[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        v[i] = (struct voice){ .h.most_calls = 1000, .duo = &duo, .me = i };
        assert_int_equal(tb_session_open(engine, tb_bytes_str(&print), &whole, &v[i].session, NULL), TB_OK);
        assert_int_equal(tb_session_text(v[i].session, tb_str_of(texts[i]), TB_LANG_EN, NULL), TB_OK);
        assert_int_equal(pthread_create(&v[i].thread, NULL, say_in_turns, &v[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(v[i].thread, NULL);
        tb_session_close(v[i].session);
    }
    for (int i = 0; i < 2; i++) {
        struct heard alone = speak((const char *[]){ texts[i], NULL }, whole, 1000, TB_OK);

        assert_int_equal(v[i].rc, TB_OK);
        assert_true(v[i].turns > 40);
        assert_int_equal(v[i].h.samples, alone.samples);
        assert_memory_equal(&v[i].h.power, &alone.power, sizeof alone.power); /* a sum over all: bit by bit */
    }
}
#endif

/* A print with the golden style: no enrolment here. */
static void make_print(void)
{
    struct tb_kokoro_print p = { .f0_median_hz = 150, .f0_style_hz = 150, .speed = 1 };
    struct tb_safetensors *st;
    struct tb_error err = { 0 };

    assert_int_equal(tb_safetensors_open("tests/golden/kokoro/word.safetensors", &st, &err), TB_OK);
    memcpy(p.style, tb_safetensors_find(st, "styles")->data, sizeof p.style);
    memcpy(p.prosody, tb_safetensors_find(st, "prosody")->data, sizeof p.prosody);
    tb_safetensors_close(st);
    p.embedding[0] = 1;
    assert_int_equal(tb_print_write(&p, &print, &err), TB_OK);
}

static bool stop_at_once(void *ctx)
{
    ++*(int *)ctx;
    return false;
}

static void preparing_a_voice_can_be_stopped(void **state)
{
    int pauses = 0;
    struct tb_sink sink = { .pause = stop_at_once, .ctx = &pauses };

    (void)state;
    assert_true(tb_engine_prepared(engine, TB_STR("not a print")));
    assert_false(tb_engine_prepared(engine, tb_bytes_str(&print)));
    assert_int_equal(tb_engine_prepare(engine, tb_bytes_str(&print), &sink, NULL), TB_ECANCELLED);
    assert_int_equal(pauses, 1);
    assert_false(tb_engine_prepared(engine, tb_bytes_str(&print)));
}

#ifdef AT_LENGTH
struct windows {
    struct tb_pcm kept;
    size_t first; /* samples of the first step */
};

/* What an engine that was just opened makes of a sentence after another one, in a voice that is prepared. At its
 * first sentence an engine does not know yet that a machine is too slow for windows. */
static void speak_freshly(const char *before, struct windows *out)
{
    struct tb_engine_config config = { .model_dir = MODEL_DIR, .helper_dir = HELPER_DIR, .pool = pool, .windows = true };
    const char *texts[] = { before, "She put three green apples and a loaf of bread into the wicker basket." };
    const struct tb_sink idle = { 0 };
    struct tb_engine *own;

    assert_int_equal(tb_engine_open(&tb_kokoro_ops, &config, &own, NULL), TB_OK);
    assert_int_equal(tb_engine_prepare(own, tb_bytes_str(&print), &idle, NULL), TB_OK);
    assert_true(tb_engine_prepared(own, tb_bytes_str(&print)));
    for (int i = before ? 0 : 1; i < 2; i++) {
        struct tb_sink sink = { .pcm = keep, .ctx = &out->kept };
        struct tb_session *s;
        bool more = true;

        out->kept.len = out->first = 0;
        assert_int_equal(tb_session_open(own, tb_bytes_str(&print), &plain, &s, NULL), TB_OK);
        assert_int_equal(tb_session_text(s, tb_str_of(texts[i]), TB_LANG_EN, NULL), TB_OK);
        while (more) {
            assert_int_equal(tb_session_step(s, &sink, &more, NULL), TB_OK);
            out->first = out->first ? out->first : out->kept.len;
        }
        tb_session_close(s);
    }
    tb_engine_close(own);
}

static void a_prepared_voice_begins_at_once_and_says_the_same_whatever_it_has_said(void **state)
{
    struct windows one, other;

    (void)state;
    for (struct windows **w = (struct windows *[]){ &one, &other, NULL }; *w; w++)
        assert_int_equal(tb_pcm_alloc(&(*w)->kept, 8 * tb_kokoro_ops.rate_hz, tb_kokoro_ops.rate_hz, NULL), TB_OK);
    speak_freshly(NULL, &one);
    speak_freshly("Yes.", &other);
    print_message("  first %.2f s of %.2f\n", (double)one.first / tb_kokoro_ops.rate_hz,
                  (double)one.kept.len / tb_kokoro_ops.rate_hz);
    assert_true(one.first > 0 && one.first < tb_kokoro_ops.rate_hz);
    if (other.first == other.kept.len) { /* "Yes." took so long here that windows do not pay */
        print_message("  after another sentence it is spoken whole: the machine is slow or busy\n");
        other.kept.len = 0;
        speak_freshly(NULL, &other);
    }
    assert_int_equal(one.kept.len, other.kept.len);
    assert_int_equal(one.first, other.first);
    assert_memory_equal(one.kept.data, other.kept.data, one.kept.len * sizeof *one.kept.data);
    tb_pcm_free(&one.kept);
    tb_pcm_free(&other.kept);
}
#endif

static int open_engine(void **state)
{
    struct tb_engine_config config = { .model_dir = MODEL_DIR, .helper_dir = HELPER_DIR, .windows = true };
    struct tb_error err = { 0 };

    (void)state;
    if (tb_tensor_init(NULL, &err) || tb_pool_open(2, &pool, &err)) {
        print_error("%s\n", err.text);
        return 1;
    }
    config.pool = pool;
    if (tb_engine_open(&tb_kokoro_ops, &config, &engine, &err)) {
        print_error("%s\n", err.text);
        return 1;
    }
    make_print();
    return 0;
}

static int close_engine(void **state)
{
    (void)state;
    tb_engine_close(engine);
    tb_pool_close(pool);
    tb_bytes_free(&print);
    return 0;
}

int main(void)
{
    static const char *const needed[] = { MODEL_DIR "/kokoro.safetensors", MODEL_DIR "/ge2e.safetensors",
                                          MODEL_DIR "/adapter.safetensors", MODEL_DIR "/ear.safetensors",
                                          MODEL_DIR "/lexicon-en.bin",
                                          HELPER_DIR "/timbre-phonemes" };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_sounds),
        cmocka_unit_test(two_segments_take_longer_than_one_and_pause),
        cmocka_unit_test(the_rate_divides_durations),
        cmocka_unit_test(preparing_a_voice_can_be_stopped),
#ifdef AT_LENGTH
        cmocka_unit_test(a_prepared_voice_begins_at_once_and_says_the_same_whatever_it_has_said),
        cmocka_unit_test(pitch_is_scaled),
        cmocka_unit_test(it_hears_what_it_says),
        cmocka_unit_test(steps_that_stand_still_for_each_other_sound_as_alone),
#endif
        cmocka_unit_test(odd_recordings_match_nothing_and_do_no_harm),
        cmocka_unit_test(the_listener_may_stop),
        cmocka_unit_test(nothing_to_say_is_fine),
        cmocka_unit_test(what_it_cannot_say_is_refused),
    };

    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (access(needed[i], R_OK)) {
            print_message("skipped: %s is missing; `make setup build` makes it\n", needed[i]);
            return 0;
        }
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
