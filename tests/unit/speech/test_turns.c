/* test_turns.c - when other work beside speech gets the cores. */
#include "sayer.h"

struct worker {
    struct tb_turns turns;
    _Atomic int slices;
    sem_t next; /* one slice */
    int wanted;
    int64_t within_us;
    pthread_t thread;
};

static void *work_in_turns(void *arg)
{
    struct worker *w = arg;
    struct tb_turn *turn = tb_turn_begin(&w->turns, w->within_us);

    for (int i = 0; i < w->wanted; i++) {
        sem_wait(&w->next);
        atomic_fetch_add(&w->slices, 1);
        tb_turn_pause(turn);
    }
    tb_turn_end(turn);
    return NULL;
}

/* When this returns the work has asked for its turn. */
static void begin_work_within(struct worker *w, struct tb_speech *s, int wanted, int64_t within_us)
{
    *w = (struct worker){ .turns = tb_speech_turns(s), .wanted = wanted, .within_us = within_us };
    sem_init(&w->next, 0, 0);
    pthread_create(&w->thread, NULL, work_in_turns, w);
    settle();
}

static void begin_work(struct worker *w, struct tb_speech *s, int wanted)
{
    begin_work_within(w, s, wanted, 0);
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
    say(u, 100); /* a stands in its first step */
    begin_work(&w, *state, 4);
    for (int i = 0; i < 4; i++)
        sem_post(&w.next);
    let(3); /* a has 160 ms left, and its next sound costs some 30 */
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
    begin_work(&w, s, 3);
    for (int i = 0; i < 3; i++)
        sem_post(&w.next);
    let(2);
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
    let(7);
    atomic_store(&slices, 10); /* from the ninth step on: a stands in the eighth */
    let(1);
    atomic_store(&cost_us, 1000 * MS); /* a has 730 ms left, and stands in the first slice of ten */
    let(1);
    begin_work(&w, *state, 3);
    for (int i = 0; i < 3; i++)
        sem_post(&w.next);
    let(1); /* the second slice of ten */
    pthread_join(w.thread, NULL);
    assert_int_equal(atomic_load(&w.slices), 3);
    assert_int_equal(count_of('a', 0), 10);
    tb_utterance_close(u);
}

static void work_that_is_due_in_an_hour_waits_for_an_idle_machine(void **state)
{
    struct tb_utterance *u = open_as(*state, "a");
    struct worker w;

    say(u, 100);
    let(7); /* a has much left to hear: other work would go on */
    begin_work_within(&w, *state, 3, 3600LL * 1000 * MS);
    for (int i = 0; i < 3; i++)
        sem_post(&w.next);
    let(2);
    assert_int_equal(atomic_load(&w.slices), 0);
    let(91); /* all that a has to say */
    pthread_join(w.thread, NULL);
    assert_int_equal(atomic_load(&w.slices), 3);
    assert_int_equal(count_of('a', 0), 100);
    tb_utterance_close(u);
}

static void a_slice_that_takes_too_long_does_not_stop_speech(void **state)
{
    struct tb_utterance *u = open_as(*state, "a");
    struct worker w;

    begin_work(&w, *state, 1); /* it has its turn and does not come back */
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
        say(u[i], 10); /* a stands in its first step, and nobody hears anything */
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
        WITH_SPEECH(other_work_has_an_idle_machine_at_once),
        WITH_SPEECH(other_work_waits_for_who_has_little_left_to_hear),
        WITH_SPEECH(other_work_goes_before_a_first_sound_that_was_asked_for_just_now),
        WITH_SPEECH(a_first_sound_that_was_asked_for_long_ago_goes_before_other_work),
        WITH_SPEECH(other_work_interrupts_a_long_step_where_there_is_time),
        WITH_SPEECH(work_that_is_due_in_an_hour_waits_for_an_idle_machine),
        WITH_SPEECH(a_slice_that_takes_too_long_does_not_stop_speech),
        WITH_SPEECH(other_work_waits_for_nobody_once_speech_is_halted),
        WITH_SPEECH(several_workers_take_turns_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
