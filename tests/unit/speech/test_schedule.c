/* test_schedule.c - who goes first. */
#include "sayer.h"

static struct tb_engine slow_engine = { &ops };

/* Tests -------------------------------------------------------------------------------------------------------------*/

static void who_runs_out_first_goes_first(void **state)
{
    struct tb_utterance *u[2] = { open_as(*state, "a"), open_as(*state, "b") };

    say(u[0], 30);
    let(4); /* a: 400 ms made in 40 ms. It stands in its fifth step */
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

    atomic_store(&cost_us, 15 * MS); /* five of them need 75 % */
    learn(*state); /* else first sounds would wait, as at the first guess the five need 125 % */
    for (int i = 0; i < 5; i++)
        u[i] = open_as(*state, names[i]);
    for (int i = 0; i < 5; i++)
        say(u[i], 100);
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
    tb_speech_stats(*state, &stats);
    assert_int_equal(stats.underruns, 5);
    tb_utterance_close(u);
}

static void a_pause_of_the_text_gives_no_advantage(void **state)
{
    struct tb_utterance *u[2] = { open_as(*state, "a"), open_as(*state, "b") };

    say(u[0], 5);
    let(5);
    atomic_fetch_add(&clock_us, 10000 * MS); /* a's listener has long heard all */
    say(u[1], 10);
    let(1); /* b has 100 ms left and stands in its second step */
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

/* a and b have 0.1 and 0.6 s left to hear and need 0.5 s of computing each: now there is no time for anybody else. But
 * each needs a quarter of the time in the long run, so that a third will find some, and a fourth would not. */
static void as_many_as_there_is_time_for_in_the_long_run_are_let_in(void **state)
{
    struct tb_utterance *u[4];

    atomic_store(&audio_ms, 2000);
    atomic_store(&cost_us, 500 * MS);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(try_open(*state, i ? "b" : "a", false, 0, NULL, &u[i]), TB_OK);
        say(u[i], 10);
    }
    let(2);
    atomic_fetch_add(&clock_us, 1400 * MS);
    assert_int_equal(try_open(*state, "c", false, 0, NULL, &u[2]), TB_OK);
    assert_int_equal(try_open(*state, "d", false, 0, NULL, &u[3]), TB_ELOAD);
    close_all(u, 3);
}

/* Two engines: what one costs is not held against the other, and what each is speaking counts for both. */
static void each_engine_has_its_own_cost(void **state)
{
    struct tb_utterance *u[12] = { NULL };
    struct tb_speech_stats stats;
    int n = 2;

    for (int i = 0; i < 2; i++) { /* 20 s of sound of each: at 0.05 of real time, and at 4 */
        assert_int_equal(try_open_of(*state, i ? &slow_engine : &engine, "m", true, 0, NULL, &u[i]), TB_OK);
        atomic_store(&cost_us, (i ? 400 : 5) * MS);
        say(u[i], 200);
        let(200);
    }
    close_all(u, 2);
    assert_int_equal(try_open(*state, "a", false, 80, NULL, &u[0]), TB_OK);
    assert_int_equal(try_open(*state, "b", false, 80, NULL, &u[1]), TB_OK);
    assert_false(tb_speech_full(*state, &engine));
    assert_true(tb_speech_full(*state, &slow_engine));
    assert_int_equal(try_open_of(*state, &slow_engine, "s", false, 80, NULL, &u[2]), TB_ELOAD);
    while (n < 12 && try_open(*state, "c", false, 80, NULL, &u[n]) == TB_OK)
        n++;
    assert_int_equal(n, 9); /* 6.3 s each, at (0.05 * 20 s + 0.25 * 10 s) / 30 s of cost, within 90 % of 7.7 s */
    tb_speech_stats(*state, &stats);
    assert_true(stats.rtf > 1.6 && stats.rtf < 1.7); /* of both together */
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
    say(u[1], 5);
    tb_utterance_close(u[0]); /* it stands in its first step */
    let(6);
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
    atomic_store(&slices, 10); /* from the third step on: a stands in the second */
    let(1);
    return u;
}

static void a_step_stands_still_for_a_first_sound(void **state)
{
    struct tb_utterance *u[2] = { in_a_long_step(*state, false, 1000), NULL };

    u[1] = open_as(*state, "b");
    say(u[1], 1);
    let(20);
    expect_order(0, "aa" "a" "bbbbbbbbbb" "aaaaaaaaa");
    close_all(u, 2);
}

/* First a stands still, then b: who stood still last need not go on first. */
static void a_first_sound_stands_still_for_who_would_run_dry(void **state)
{
    struct tb_utterance *u[2] = { in_a_long_step(*state, false, 1000), NULL };
    struct tb_speech_stats stats;
    size_t b = 0;

    atomic_store(&cost_us, 2000 * MS); /* slices of 200 ms; a has 2 s left, and should need a quarter of it */
    u[1] = open_as(*state, "b");
    say(u[1], 1);
    for (let(2); order[atomic_load(&steps) - 1] == 'b' && b < 10; b++)
        let(1);
    assert_in_range(b, 3, 8);
    atomic_store(&cost_us, 100 * MS);
    let(18 - (int)b); /* a has made one more of its nine slices */
    assert_memory_equal(order + 3 + b, "aaaaaaaaa", 9);
    expect_order(3 + b + 9, &"bbbbbbb"[b - 3]);
    tb_speech_stats(*state, &stats);
    assert_int_equal(stats.underruns, 0);
    close_all(u, 2);
}

/* One that nobody hears any more ends at once, also where it stands still below others. */
static void closing_ends_a_step_that_stands_still(void **state)
{
    struct tb_utterance *u[2] = { in_a_long_step(*state, false, 1000), NULL };
    struct tb_speech_stats stats;

    u[1] = open_as(*state, "b");
    say(u[1], 1);
    let(3); /* a stands still, b has made two slices of ten */
    tb_utterance_close(u[0]);
    let(1);
    tb_speech_stats(*state, &stats);
    assert_int_equal(stats.open_now, 1);
    let(7);
    expect_order(0, "aa" "a" "bbbbbbbbbb");
    tb_utterance_close(u[1]);
}

static void speech_closes_while_steps_stand_still(void **state)
{
    const struct tb_speech_config config = { .max_utterances = 16, .max_load_percent = 90, .now_us = now_us };
    struct tb_utterance *u[2] = { in_a_long_step(*state, false, 1000), NULL };

    u[1] = open_as(*state, "b");
    say(u[1], 1);
    let(2);
    tb_speech_halt(*state);
    close_all(u, 2);
    sem_post(&go); /* b stands in a slice */
    tb_speech_close(*state);
    assert_int_equal(tb_speech_open(&config, (struct tb_speech **)state, NULL), TB_OK); /* for tear_down */
    expect_order(0, "aa" "a" "bb");
}

static void a_first_sound_waits_for_two_seconds_where_another_would_stutter(void **state)
{
    struct tb_utterance *u[2] = { open_as(*state, "a"), open_as(*state, "b") };

    atomic_store(&audio_ms, 1000);
    atomic_store(&cost_us, 1000 * MS);
    say(u[0], 100);
    let(10); /* a has 1 s left, stands in its eleventh step, and each should cost 0.6 s */
    say(u[1], 10);
    let(4);
    expect_order(10, "aaa" "b");
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
    tb_speech_stats(*state, &stats);
    assert_int_equal(stats.busy_us, 4 * 10 * MS); /* three steps of a, one of b */
    close_all(u, 2);
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
        WITH_SPEECH(as_many_as_there_is_time_for_in_the_long_run_are_let_in),
        WITH_SPEECH(each_engine_has_its_own_cost),
        WITH_SPEECH(files_for_minutes_of_computing_are_enough),
        WITH_SPEECH(who_does_not_read_holds_nobody_up),
        WITH_SPEECH(who_leaves_is_dropped_at_its_next_sound),
        WITH_SPEECH(a_step_stands_still_for_a_first_sound),
        WITH_SPEECH(a_first_sound_stands_still_for_who_would_run_dry),
        WITH_SPEECH(a_first_sound_waits_for_two_seconds_where_another_would_stutter),
        WITH_SPEECH(a_file_is_interrupted_by_any_listener),
        WITH_SPEECH(closing_ends_a_step_at_its_next_pause),
        WITH_SPEECH(closing_ends_a_step_that_stands_still),
        WITH_SPEECH(speech_closes_while_steps_stand_still),
        WITH_SPEECH(what_interrupts_is_not_counted_as_cost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
