/* test_storm.c - many who speak, stop reading and leave by chance, with other work between them, and the end of speech
 * in the middle of it: nothing hangs, who has left is not called back, and no two steps compute at once. */
#include "speech/speech.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { RATE = 24000, CLIENTS = 3, SLOTS = 4, GUESTS = 2, CHOICES = 120, TURNS = 40, GIVE_UP_S = 60 };

static _Atomic int sessions, computing;
static _Atomic int together, late, twice; /* what must not be: steps at once, calls after closing, second ends */
static _Atomic bool halted;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all listeners */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static unsigned roll(unsigned *dice, unsigned below)
{
    *dice = *dice * 1103515245u + 12345u;
    return (*dice >> 8) % below;
}

/* The engine: each letter is a step of one to six slices and 20 ms of sound. Of few sessions, 4 s: they are put aside
 * when their client does not read. ----------------------------------------------------------------------------------*/

struct sayer {
    struct tb_session base;
    unsigned dice;
    size_t left, samples; /* letters; of a step */
};

static const struct tb_engine_ops ops;

static enum tb_code sayer_open(struct tb_engine *engine, struct tb_str print, const struct tb_speak *speak,
                               struct tb_session **out, struct tb_error *err)
{
    struct sayer *s = calloc(1, sizeof *s);

    (void)engine, (void)speak, (void)err;
    s->base.ops = &ops;
    s->dice = (unsigned char)print.p[0];
    s->samples = s->dice < 8 ? 4 * RATE : RATE / 50;
    atomic_fetch_add(&sessions, 1);
    *out = &s->base;
    return TB_OK;
}

static enum tb_code sayer_text(struct tb_session *session, struct tb_str text, enum tb_lang lang, struct tb_error *err)
{
    (void)lang, (void)err;
    ((struct sayer *)session)->left += text.n;
    return TB_OK;
}

static void slice(struct sayer *s)
{
    if (atomic_fetch_add(&computing, 1))
        atomic_store(&together, 1);
    for (volatile unsigned i = roll(&s->dice, 4000); i > 0; i--)
        ;
    atomic_fetch_sub(&computing, 1);
}

static enum tb_code sayer_step(struct tb_session *session, const struct tb_sink *sink, bool *more, struct tb_error *err)
{
    static const float silence[4 * RATE];
    struct sayer *s = (struct sayer *)session;
    bool listening = true;

    for (unsigned n = roll(&s->dice, 6); n > 0 && listening; n--) {
        slice(s);
        listening = sink->pause(sink->ctx);
    }
    slice(s);
    s->left -= s->left > 0;
    *more = s->left > 0;
    listening = listening && sink->pcm(sink->ctx, silence, s->samples);
    return listening ? TB_OK : tb_fail(err, TB_ECANCELLED, "stopped");
}

static void sayer_close(struct tb_session *session)
{
    atomic_fetch_sub(&sessions, 1);
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

/* Who listens -------------------------------------------------------------------------------------------------------*/

struct listener {
    struct tb_utterance *u; /* NULL: has left */
    bool finished, closed;
    int waiting, done;      /* bytes not taken, and ends; under lock */
};

struct client {
    struct tb_speech *speech;
    unsigned dice;
    struct listener listeners[SLOTS];
    pthread_t thread;
};

/* One event of l. */
static void note(struct listener *l, int bytes, int done)
{
    pthread_mutex_lock(&lock);
    l->waiting += bytes;
    l->done += done;
    if (l->closed)
        atomic_store(&late, 1);
    if (l->done > 1)
        atomic_store(&twice, 1);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void on_audio(void *ctx, const void *bytes, size_t n, uint64_t samples)
{
    (void)bytes, (void)samples;
    note(ctx, (int)n, 0);
}

static void on_drained(void *ctx)
{
    note(ctx, 0, 0);
}

static void on_done(void *ctx, enum tb_code code, const struct tb_error *err)
{
    (void)code, (void)err;
    note(ctx, 0, 1);
}

static void open_one(struct client *c, struct listener *l)
{
    const char print[1] = { (char)roll(&c->dice, 128) };
    const struct tb_utterance_config config = { .engine = &engine, .print = { print, 1 }, .language = TB_LANG_EN,
                                                .fallback = TB_LANG_EN, .rate = 1, .pitch = 1, .volume = 50,
                                                .format = TB_FORMAT_PCM, .sample_rate = RATE,
                                                .whole = roll(&c->dice, 4) == 0, .expected = roll(&c->dice, 40),
                                                .events = { on_audio, on_drained, on_done, l } };

    *l = (struct listener){ 0 };
    tb_utterance_open(c->speech, &config, &l->u, NULL);
}

static void leave(struct listener *l)
{
    tb_utterance_close(l->u);
    pthread_mutex_lock(&lock);
    l->closed = true;
    pthread_mutex_unlock(&lock);
    l->u = NULL;
}

static void take(struct listener *l)
{
    pthread_mutex_lock(&lock);
    int n = l->waiting;
    l->waiting = 0;
    pthread_mutex_unlock(&lock);
    tb_utterance_taken(l->u, (size_t)n);
}

/* Hear all of it, unless speech is halted meanwhile. */
static void hear_out(struct listener *l)
{
    bool over = false;

    tb_utterance_finish(l->u);
    l->finished = true;
    while (!over) {
        take(l);
        pthread_mutex_lock(&lock);
        while (!l->waiting && !l->done && !atomic_load(&halted))
            pthread_cond_wait(&changed, &lock);
        over = l->done || atomic_load(&halted);
        pthread_mutex_unlock(&lock);
    }
    leave(l);
}

static void choose(struct client *c, struct listener *l)
{
    static const char text[] = "One. Two, three. Four";

    switch (l->u ? roll(&c->dice, 8) : 0) {
    case 0:
        if (l->u)
            leave(l);
        else
            open_one(c, l);
        break;
    case 1:
        hear_out(l);
        break;
    case 2:
        tb_utterance_flush(l->u);
        break;
    case 3:
        take(l);
        break;
    default:
        if (!l->finished)
            tb_utterance_text(l->u, (struct tb_str){ text, 1 + roll(&c->dice, sizeof text - 1) }, NULL);
    }
}

static void *listen(void *arg)
{
    struct client *c = arg;

    for (int i = 0; i < CHOICES; i++)
        choose(c, &c->listeners[roll(&c->dice, SLOTS)]);
    return NULL;
}

/* Other work, and all of it together --------------------------------------------------------------------------------*/

static void *work_in_turns(void *arg)
{
    struct client *c = arg;
    const struct tb_turns turns = tb_speech_turns(c->speech);

    for (int i = 0; i < TURNS; i++) {
        struct tb_turn *turn = tb_turn_begin(&turns, roll(&c->dice, 2000000));

        for (unsigned n = roll(&c->dice, 8); n > 0; n--) {
            for (volatile unsigned k = roll(&c->dice, 4000); k > 0; k--)
                ;
            tb_turn_pause(turn);
        }
        tb_turn_end(turn);
    }
    return NULL;
}

static void halt(struct tb_speech *s)
{
    tb_speech_halt(s);
    pthread_mutex_lock(&lock);
    atomic_store(&halted, true);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* One life of speech; it is halted while all go on, or closed as soon as they have gone. */
static void storm(unsigned seed, bool halts)
{
    const struct tb_speech_config config = { .max_utterances = CLIENTS * SLOTS - 2, .max_load_percent = 100 };
    struct client clients[CLIENTS + GUESTS] = { 0 };
    struct tb_speech *s;

    atomic_store(&halted, false);
    assert_int_equal(tb_speech_open(&config, &s, NULL), TB_OK);
    for (int i = 0; i < CLIENTS + GUESTS; i++) {
        struct client *c = &clients[i];

        c->speech = s;
        c->dice = seed + 7919u * (unsigned)i;
        assert_int_equal(pthread_create(&c->thread, NULL, i < CLIENTS ? listen : work_in_turns, c), 0);
    }
    if (halts) {
        pthread_join(clients[CLIENTS].thread, NULL);
        halt(s);
    }
    for (int i = 0; i < CLIENTS + GUESTS; i++)
        if (!halts || i != CLIENTS)
            pthread_join(clients[i].thread, NULL);
    for (int i = 0; i < CLIENTS; i++)
        for (int k = 0; k < SLOTS; k++)
            if (clients[i].listeners[k].u)
                leave(&clients[i].listeners[k]);
    tb_speech_close(s);
    assert_int_equal(atomic_load(&sessions), 0);
}

static void nothing_hangs_and_nobody_is_called_back(void **state)
{
    (void)state;
    alarm(GIVE_UP_S); /* instead of a test that never ends */
    for (unsigned seed = 1; seed <= 4; seed++)
        storm(seed, seed % 2);
    alarm(0);
    assert_int_equal(atomic_load(&together), 0);
    assert_int_equal(atomic_load(&late), 0);
    assert_int_equal(atomic_load(&twice), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_hangs_and_nobody_is_called_back) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
