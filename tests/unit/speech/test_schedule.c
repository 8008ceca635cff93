/* test_schedule.c - who goes first. The engine does one step when the test lets it, and a step moves the clock by what
 * it is said to cost; so the order of the steps is known whatever the machine does. */
#include "speech/speech.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/limits.h"

enum { RATE = 24000, STEP_MS = 100, MS = 1000, MOST_STEPS = 20000 };

static _Atomic int64_t clock_us, cost_us;
static _Atomic int clock_reads;
static _Atomic int audio_ms; /* of a step */
static _Atomic int slices;   /* of a step: it may be interrupted between them, and each costs the same */
static sem_t go, done;
static char order[MOST_STEPS]; /* who made each slice: written by the worker, read between slices */
static _Atomic size_t steps;

static int64_t now_us(void)
{
    atomic_fetch_add(&clock_reads, 1);
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

static void slice(const struct sayer *s, int of)
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
static struct tb_engine engine = { &ops }, slow_engine = { &ops };

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

static enum tb_code try_open_of(struct tb_speech *s, struct tb_engine *of, const char *name, bool whole,
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

static enum tb_code try_open(struct tb_speech *s, const char *name, bool whole, size_t expected, void *ctx,
                             struct tb_utterance **u)
{
    return try_open_of(s, &engine, name, whole, expected, ctx, u);
}

static struct tb_utterance *open_as(struct tb_speech *s, const char *name)
{
    struct tb_utterance *u;

    assert_int_equal(try_open(s, name, false, 8, NULL, &u), TB_OK);
    return u;
}

/* So many steps' worth of text, in segments of ten. */
static void say(struct tb_utterance *u, int count)
{
    static const char text[] = "one..........";

    for (; count > 0; count -= 10)
        assert_int_equal(tb_utterance_text(u, (struct tb_str){ text, (size_t)(count < 10 ? count : 10) + 3 }, NULL),
                         TB_OK);
    tb_utterance_flush(u);
}

static void nap_ms(int ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

    nanosleep(&t, NULL);
}

/* Let n steps happen and wait for them. A moment afterwards lets the worker take up the next. */
static void let(int n)
{
    while (n-- > 0) {
        sem_post(&go);
        sem_wait(&done);
    }
}

static void expect_order(size_t from, const char *wanted)
{
    order[atomic_load(&steps)] = 0;
    assert_string_equal(order + from, wanted);
}

/* The worker has chosen its next step and stands in it. */
static void settle(void)
{
    nap_ms(30);
}

static size_t count_of(char name, size_t from)
{
    size_t n = 0;

    for (size_t i = from; i < atomic_load(&steps); i++)
        n += order[i] == name;
    return n;
}

static int set_up(void **state)
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

static int tear_down(void **state)
{
    for (int i = 0; i < 64; i++) /* whoever stands in a step may finish it */
        sem_post(&go);
    tb_speech_close(*state);
    return 0;
}

static void close_all(struct tb_utterance **u, int n)
{
    for (int i = 0; i < n; i++)
        tb_utterance_close(u[i]);
}

/* Tests -------------------------------------------------------------------------------------------------------------*/

static void who_runs_out_first_goes_first(void **state)
{
    struct tb_utterance *u[2] = { open_as(*state, "a"), open_as(*state, "b") };

    say(u[0], 30);
    let(4); /* a: 400 ms made in 40 ms */
    settle(); /* a stands in its fifth step */
    say(u[1], 30);
    let(5);
    /* a has 490 - 50 left; b is wanted within 150 ms, and then has 100, 190, 280, 370 and 460 ms left */
    expect_order(0, "aaaaa" "bbbb");
    let(4);
    expect_order(9, "baba"); /* both have 400 or so: turn by turn from here */
    close_all(u, 2);
}

static void equal_listeners_get_equal_shares_and_none_stutters(void **state)
{
    struct tb_utterance *u[5];
    static const char *const names[5] = { "a", "b", "c", "d", "e" };
    struct tb_speech_stats stats;

    for (int i = 0; i < 5; i++)
        u[i] = open_as(*state, names[i]);
    for (int i = 0; i < 5; i++)
        say(u[i], 100);
    atomic_store(&cost_us, 15 * MS); /* five of them need 75 % */
    let(200);
    for (int i = 0; i < 5; i++)
        assert_in_range(count_of(names[i][0], 0), 38, 42);
    tb_speech_stats(*state, &stats);
    assert_int_equal(stats.underruns, 0);
    close_all(u, 5);
}

static void running_out_is_counted(void **state)
{
    struct tb_utterance *u = open_as(*state, "a");
    struct tb_speech_stats stats;

    atomic_store(&cost_us, 150 * MS); /* of 100 ms of sound */
    say(u, 10);
    let(6);
    settle();
    tb_speech_stats(*state, &stats);
    assert_int_equal(stats.underruns, 5);
    tb_utterance_close(u);
}

static void a_pause_of_the_text_gives_no_advantage(void **state)
{
    struct tb_utterance *u[2] = { open_as(*state, "a"), open_as(*state, "b") };

    say(u[0], 5);
    let(5);
    settle();
    atomic_fetch_add(&clock_us, 10000 * MS); /* a's listener has long heard all */
    say(u[1], 10);
    let(1);
    settle(); /* b has 100 ms left and stands in its second step */
    say(u[0], 5);
    let(3);
    /* b goes on to 190, which is more than a's 150 */
    expect_order(5, "bbaa");
    close_all(u, 2);
}

static void whole_files_wait_while_listeners_have_little_left(void **state)
{
    struct tb_utterance *u[2] = { open_as(*state, "a"), NULL };
    size_t before;

    say(u[0], 200);
    let(1);
    settle();
    assert_int_equal(try_open(*state, "w", true, 0, NULL, &u[1]), TB_OK);
    say(u[1], 200);
    let(40);
    assert_int_equal(count_of('w', 0), 0); /* a has 3.6 s by now */
    let(40);
    before = count_of('w', 0);
    assert_in_range(before, 25, 35); /* from 4 s on the file gets what a can spare */
    close_all(u, 2);
}

static void late_files_do_not_make_listeners_stutter(void **state)
{
    struct tb_utterance *u[8] = { open_as(*state, "a"), open_as(*state, "b") };
    struct tb_speech_stats stats;

    atomic_store(&cost_us, 25 * MS); /* the listeners need half of the time */
    say(u[0], 400);
    say(u[1], 400);
    for (int i = 2; i < 8; i++) { /* six files, each at a sixth of the other half, fall behind at once */
        assert_int_equal(try_open(*state, "w", true, 250, NULL, &u[i]), TB_OK);
        say(u[i], 300);
    }
    for (int i = 0; i < 8; i++) {
        let(100);
        for (int k = 0; k < 8; k++)
            tb_utterance_taken(u[k], SIZE_MAX);
    }
    assert_in_range(count_of('w', 0), 300, 400); /* what is left of the time is theirs */
    tb_speech_stats(*state, &stats);
    assert_int_equal(stats.underruns, 0);
    close_all(u, 8);
}

static void what_would_stutter_is_refused(void **state)
{
    struct tb_utterance *u[3] = { open_as(*state, "a"), NULL, NULL };
    struct tb_speech_stats stats;

    atomic_store(&cost_us, 50 * MS);
    assert_false(tb_speech_full(*state, &engine));
    say(u[0], 1000);
    for (int i = 0; i < 6; i++) { /* 60 s of sound: half the machine for each voice, and a's listener is 30 s behind */
        let(100);
        tb_utterance_taken(u[0], SIZE_MAX);
    }
    settle();
    tb_speech_stats(*state, &stats);
    assert_true(stats.rtf > 0.45 && stats.rtf < 0.51);
    assert_int_equal(try_open(*state, "b", false, 0, NULL, &u[1]), TB_OK); /* for there is time to make it */
    atomic_fetch_add(&clock_us, 40000 * MS); /* now a is late, and two and three would be too much */
    assert_int_equal(try_open(*state, "c", false, 0, NULL, &u[2]), TB_ELOAD);
    assert_null(u[2]);
    assert_true(tb_speech_full(*state, &engine));
    tb_speech_stats(*state, &stats);
    assert_int_equal(stats.refused, 1);
    assert_int_equal(try_open(*state, "w", true, 0, NULL, &u[2]), TB_OK); /* a file may wait */
    tb_utterance_close(u[2]);
    tb_utterance_close(u[0]);
    tb_utterance_close(u[1]);
    sem_post(&go); /* a's last step */
    settle();
    assert_false(tb_speech_full(*state, &engine));
    assert_int_equal(try_open(*state, "c", false, 0, NULL, &u[2]), TB_OK);
    tb_utterance_close(u[2]);
}

/* Two engines: what one costs is not held against the other, and what each is speaking counts for both. */
static void each_engine_has_its_own_cost(void **state)
{
    struct tb_utterance *u[12] = { NULL };
    struct tb_speech_stats stats;
    int n = 2;

    for (int i = 0; i < 2; i++) { /* 20 s of sound of each: at 0.05 of real time, and at 1.5 */
        assert_int_equal(try_open_of(*state, i ? &slow_engine : &engine, "m", true, 0, NULL, &u[i]), TB_OK);
        atomic_store(&cost_us, (i ? 150 : 5) * MS);
        say(u[i], 200);
        let(200);
        settle();
    }
    close_all(u, 2);
    assert_int_equal(try_open(*state, "a", false, 80, NULL, &u[0]), TB_OK);
    assert_int_equal(try_open(*state, "b", false, 80, NULL, &u[1]), TB_OK);
    assert_false(tb_speech_full(*state, &engine));
    assert_true(tb_speech_full(*state, &slow_engine));
    assert_int_equal(try_open_of(*state, &slow_engine, "s", false, 80, NULL, &u[2]), TB_ELOAD);
    while (n < 12 && try_open(*state, "c", false, 80, NULL, &u[n]) == TB_OK)
        n++;
    assert_int_equal(n, 8); /* 10 s each, at (0.05 * 20 s + 0.25 * 10 s) / 30 s of cost, within 90 % of 11 s */
    tb_speech_stats(*state, &stats);
    assert_true(stats.rtf > 0.6 && stats.rtf < 0.7); /* of both together */
    close_all(u, n);

    n = 0; /* a slow voice that speaks leaves no room for quick ones but the two that always go */
    assert_int_equal(try_open_of(*state, &slow_engine, "s", false, 80, NULL, &u[n++]), TB_OK);
    assert_int_equal(try_open(*state, "a", false, 80, NULL, &u[n++]), TB_OK);
    assert_true(tb_speech_full(*state, &engine));
    close_all(u, n);
}

static void files_for_minutes_of_computing_are_enough(void **state)
{
    struct tb_utterance *u[16];
    int n = 0;

    /* At 8 characters a second, 600 are 75 s of sound and, at the first guess of 0.25, 19 s of computing. */
    while (n < 16 && try_open(*state, "w", true, 600, NULL, &u[n]) == TB_OK)
        n++;
    assert_int_equal(n, 7);
    close_all(u, n);
}

static void who_does_not_read_holds_nobody_up(void **state)
{
    _Atomic size_t bytes[2] = { 0, 0 };
    struct tb_utterance *u[2];
    size_t stalled;

    atomic_store(&audio_ms, 1000);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(try_open(*state, i ? "b" : "a", false, 8, &bytes[i], &u[i]), TB_OK);
        say(u[i], 60);
    }
    for (int i = 0; i < 60; i++) { /* b reads, a does not */
        let(1);
        settle();
        tb_utterance_taken(u[1], atomic_exchange(&bytes[1], 0));
    }
    stalled = count_of('a', 0);
    assert_in_range(stalled * 2 * RATE, TB_MAX_OUTBOX, TB_MAX_OUTBOX + 2 * 2 * RATE);
    assert_int_equal(count_of('b', 0), 60 - stalled);
    tb_utterance_taken(u[0], atomic_exchange(&bytes[0], 0));
    let(4);
    assert_true(count_of('a', 0) > stalled);
    close_all(u, 2);
}

static void who_leaves_is_dropped_at_its_next_sound(void **state)
{
    struct tb_utterance *u[2] = { open_as(*state, "a"), open_as(*state, "b") };
    struct tb_speech_stats stats;

    say(u[0], 100);
    settle();
    say(u[1], 5);
    tb_utterance_close(u[0]); /* it stands in its first step */
    let(6);
    settle();
    expect_order(0, "abbbbb");
    tb_speech_stats(*state, &stats);
    assert_int_equal(stats.open_now, 1);
    tb_utterance_close(u[1]);
}

/* Interrupted steps -------------------------------------------------------------------------------------------------*/

/* a has made two steps and stands in the third, in the first of ten slices. */
static struct tb_utterance *in_a_long_step(struct tb_speech *s, bool whole, int audio)
{
    struct tb_utterance *u;

    atomic_store(&audio_ms, audio);
    assert_int_equal(try_open(s, "a", whole, 13, NULL, &u), TB_OK);
    say(u, 10);
    let(1);
    settle();
    atomic_store(&slices, 10); /* from the third step on: a stands in the second */
    let(1);
    settle();
    return u;
}

static void the_step_of_a_listener_is_made_to_its_end(void **state)
{
    struct tb_utterance *u[2] = { in_a_long_step(*state, false, 1000), NULL };

    u[1] = open_as(*state, "b");
    say(u[1], 1);
    let(20);
    expect_order(0, "aa" "aaaaaaaaaa" "bbbbbbbbbb");
    close_all(u, 2);
}

static void a_first_sound_waits_for_a_second_where_another_would_stutter(void **state)
{
    struct tb_utterance *u[2] = { open_as(*state, "a"), open_as(*state, "b") };

    atomic_store(&audio_ms, 1000);
    atomic_store(&cost_us, 1000 * MS);
    say(u[0], 100);
    let(10);
    settle(); /* a has 1 s left, stands in its eleventh step, and each should cost 0.6 s */
    say(u[1], 10);
    let(3);
    expect_order(10, "aa" "b");
    close_all(u, 2);
}

static void a_file_is_interrupted_by_any_listener(void **state)
{
    struct tb_utterance *u[2] = { in_a_long_step(*state, true, 1000), NULL };

    u[1] = open_as(*state, "b");
    say(u[1], 10); /* 10 s of sound: from 4 s on there is time for the file */
    let(1 + 50);
    expect_order(0, "aa" "a" "bbbbbbbbbb" "bbbbbbbbbb" "bbbbbbbbbb" "bbbbbbbbbb" "bbbbbbbbbb");
    let(9);
    assert_int_equal(count_of('a', 3), 9);
    close_all(u, 2);
}

static void closing_ends_a_step_at_its_next_pause(void **state)
{
    struct tb_utterance *u[2] = { in_a_long_step(*state, false, 1000), NULL };

    tb_utterance_close(u[0]);
    u[1] = open_as(*state, "b");
    say(u[1], 1);
    let(11);
    expect_order(0, "aa" "a" "bbbbbbbbbb");
    tb_utterance_close(u[1]);
}

static void what_interrupts_is_not_counted_as_cost(void **state)
{
    struct tb_utterance *u[2] = { in_a_long_step(*state, true, 1000), NULL };
    struct tb_speech_stats stats;

    u[1] = open_as(*state, "b");
    say(u[1], 1);
    let(1 + 10 + 9);
    settle();
    tb_speech_stats(*state, &stats);
    assert_int_equal(stats.busy_us, 4 * 10 * MS); /* three steps of a, one of b */
    close_all(u, 2);
}

/* Turns -------------------------------------------------------------------------------------------------------------*/

struct worker {
    struct tb_turns turns;
    _Atomic int slices;
    sem_t next; /* one slice */
    int wanted;
    pthread_t thread;
};

static void *work_in_turns(void *arg)
{
    struct worker *w = arg;
    struct tb_turn *turn = tb_turn_begin(&w->turns, 0);

    for (int i = 0; i < w->wanted; i++) {
        sem_wait(&w->next);
        atomic_fetch_add(&w->slices, 1);
        tb_turn_pause(turn);
    }
    tb_turn_end(turn);
    return NULL;
}

/* When this returns the work has asked for its turn. */
static void begin_work(struct worker *w, struct tb_speech *s, int wanted)
{
    int reads = atomic_load(&clock_reads);

    *w = (struct worker){ .turns = tb_speech_turns(s), .wanted = wanted };
    sem_init(&w->next, 0, 0);
    pthread_create(&w->thread, NULL, work_in_turns, w);
    while (atomic_load(&clock_reads) == reads)
        nap_ms(1);
}

static void other_work_has_an_idle_machine_at_once(void **state)
{
    struct worker w;

    begin_work(&w, *state, 3);
    for (int i = 0; i < 3; i++)
        sem_post(&w.next);
    pthread_join(w.thread, NULL);
    assert_int_equal(atomic_load(&w.slices), 3);
}

static void other_work_waits_for_who_has_little_left_to_hear(void **state)
{
    struct tb_utterance *u = open_as(*state, "a");
    struct worker w;

    atomic_store(&cost_us, 70 * MS);
    say(u, 100);
    settle(); /* a stands in its first step */
    begin_work(&w, *state, 4);
    for (int i = 0; i < 4; i++)
        sem_post(&w.next);
    let(3);
    settle(); /* a has 160 ms left, and its next sound costs some 30 */
    assert_int_equal(atomic_load(&w.slices), 0);
    let(2); /* now 190 */
    pthread_join(w.thread, NULL);
    assert_int_equal(atomic_load(&w.slices), 4);
    assert_in_range(count_of('a', 0), 4, 5);
    tb_utterance_close(u);
}

/* a's first sound takes ten slices of 200 ms, of which `before` are over when the work comes. Returns how many of its
 * slices were done after two more. */
static int beside_a_first_sound(struct tb_speech *s, int before)
{
    struct tb_utterance *u = open_as(s, "a");
    struct worker w;
    int slices_done;

    atomic_store(&cost_us, 2000 * MS);
    atomic_store(&slices, 10);
    say(u, 1);
    let(before);
    settle();
    begin_work(&w, s, 3);
    for (int i = 0; i < 3; i++)
        sem_post(&w.next);
    let(2);
    settle();
    slices_done = atomic_load(&w.slices);
    let(10 - before - 2);
    pthread_join(w.thread, NULL);
    assert_int_equal(atomic_load(&w.slices), 3);
    tb_utterance_close(u);
    return slices_done;
}

static void other_work_goes_before_a_first_sound_that_was_asked_for_just_now(void **state)
{
    assert_int_equal(beside_a_first_sound(*state, 5), 3);
}

static void a_first_sound_that_was_asked_for_long_ago_goes_before_other_work(void **state)
{
    assert_int_equal(beside_a_first_sound(*state, 6), 0);
}

static void other_work_interrupts_a_long_step_where_there_is_time(void **state)
{
    struct tb_utterance *u = open_as(*state, "a");
    struct worker w;

    say(u, 100);
    let(8);
    atomic_store(&cost_us, 1000 * MS); /* a has 730 ms left. Its ninth step has begun and costs 10, the next 1000 */
    atomic_store(&slices, 10);
    let(1);
    begin_work(&w, *state, 3);
    settle();
    for (int i = 0; i < 3; i++)
        sem_post(&w.next);
    let(1); /* the first slice of ten */
    pthread_join(w.thread, NULL);
    assert_int_equal(atomic_load(&w.slices), 3);
    assert_int_equal(count_of('a', 0), 10);
    tb_utterance_close(u);
}

static void a_slice_that_takes_too_long_does_not_stop_speech(void **state)
{
    struct tb_utterance *u = open_as(*state, "a");
    struct worker w;

    begin_work(&w, *state, 1);
    settle(); /* it has its turn and does not come back */
    say(u, 3);
    let(3);
    assert_int_equal(count_of('a', 0), 3);
    sem_post(&w.next);
    settle();
    pthread_join(w.thread, NULL);
    assert_int_equal(atomic_load(&w.slices), 1);
    tb_utterance_close(u);
}

static void other_work_waits_for_nobody_once_speech_is_halted(void **state)
{
    struct tb_utterance *u[2] = { open_as(*state, "a"), open_as(*state, "b") };
    struct worker w;

    for (int i = 0; i < 2; i++)
        say(u[i], 10);
    settle(); /* a stands in its first step, and nobody hears anything */
    begin_work(&w, *state, 2);
    for (int i = 0; i < 2; i++)
        sem_post(&w.next);
    settle();
    assert_int_equal(atomic_load(&w.slices), 0);
    tb_speech_halt(*state);
    let(1);
    pthread_join(w.thread, NULL);
    settle();
    assert_int_equal(atomic_load(&steps), 1);
    close_all(u, 2);
}

static void several_workers_take_turns_in_order(void **state)
{
    struct worker w[3];

    for (int i = 0; i < 3; i++)
        begin_work(&w[i], *state, 20);
    for (int k = 0; k < 20; k++)
        for (int i = 0; i < 3; i++)
            sem_post(&w[i].next);
    for (int i = 0; i < 3; i++) {
        pthread_join(w[i].thread, NULL);
        assert_int_equal(atomic_load(&w[i].slices), 20);
    }
}

int main(void)
{
#define WITH_SPEECH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_SPEECH(who_runs_out_first_goes_first),
        WITH_SPEECH(equal_listeners_get_equal_shares_and_none_stutters),
        WITH_SPEECH(running_out_is_counted),
        WITH_SPEECH(a_pause_of_the_text_gives_no_advantage),
        WITH_SPEECH(whole_files_wait_while_listeners_have_little_left),
        WITH_SPEECH(late_files_do_not_make_listeners_stutter),
        WITH_SPEECH(what_would_stutter_is_refused),
        WITH_SPEECH(each_engine_has_its_own_cost),
        WITH_SPEECH(files_for_minutes_of_computing_are_enough),
        WITH_SPEECH(who_does_not_read_holds_nobody_up),
        WITH_SPEECH(who_leaves_is_dropped_at_its_next_sound),
        WITH_SPEECH(the_step_of_a_listener_is_made_to_its_end),
        WITH_SPEECH(a_first_sound_waits_for_a_second_where_another_would_stutter),
        WITH_SPEECH(a_file_is_interrupted_by_any_listener),
        WITH_SPEECH(closing_ends_a_step_at_its_next_pause),
        WITH_SPEECH(what_interrupts_is_not_counted_as_cost),
        WITH_SPEECH(other_work_has_an_idle_machine_at_once),
        WITH_SPEECH(other_work_waits_for_who_has_little_left_to_hear),
        WITH_SPEECH(other_work_goes_before_a_first_sound_that_was_asked_for_just_now),
        WITH_SPEECH(a_first_sound_that_was_asked_for_long_ago_goes_before_other_work),
        WITH_SPEECH(other_work_interrupts_a_long_step_where_there_is_time),
        WITH_SPEECH(a_slice_that_takes_too_long_does_not_stop_speech),
        WITH_SPEECH(other_work_waits_for_nobody_once_speech_is_halted),
        WITH_SPEECH(several_workers_take_turns_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
