/* test_leaving.c - who leaves, waits for text or does not read is not in the way of others. */
#include "sayer.h"

static _Atomic int sessions;

static enum tb_code counted_open(struct tb_engine *of, struct tb_str print, const struct tb_speak *speak,
                                 struct tb_session **out, struct tb_error *err)
{
    enum tb_code rc = sayer_open(of, print, speak, out, err);

    (*out)->ops = of->ops;
    atomic_fetch_add(&sessions, 1);
    return rc;
}

static void counted_close(struct tb_session *session)
{
    atomic_fetch_sub(&sessions, 1);
    sayer_close(session);
}

static const struct tb_engine_ops counted_ops = { .name = "counted",
                                                  .rate_hz = RATE,
                                                  .languages = 1u << TB_LANG_EN,
                                                  .session_open = counted_open,
                                                  .session_text = sayer_text,
                                                  .session_step = sayer_step,
                                                  .session_close = counted_close };
static struct tb_engine counted = { &counted_ops };

/* Newcomers ---------------------------------------------------------------------------------------------------------*/

/* Two who were heard to their ends and whose next text has not come yet; it may come at any time. */
static void who_waits_for_text_keeps_nobody_out(void **state)
{
    struct tb_utterance *u[3];

    for (int i = 0; i < 2; i++) {
        assert_int_equal(try_open(*state, "a", false, 0, NULL, &u[i]), TB_OK);
        say(u[i], 5);
    }
    let(10);
    atomic_fetch_add(&clock_us, 10000 * MS);
    assert_int_equal(try_open(*state, "c", false, 24, NULL, &u[2]), TB_OK);
    close_all(u, 3);
}

static void who_does_not_read_keeps_nobody_out(void **state)
{
    struct tb_utterance *u[3];

    atomic_store(&audio_ms, 1000);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(try_open(*state, "a", false, 1000, NULL, &u[i]), TB_OK);
        say(u[i], 60);
    }
    let(2 * (TB_MAX_OUTBOX / (2 * RATE) + 1));
    atomic_fetch_add(&clock_us, 100 * 1000 * MS);
    assert_int_equal(try_open(*state, "c", false, 24, NULL, &u[2]), TB_OK);
    close_all(u, 3);
}

static void what_was_broken_off_is_no_dearer(void **state)
{
    struct tb_utterance *u = open_as(*state, "a");
    struct tb_speech_stats before, after;

    tb_speech_stats(*state, &before);
    atomic_store(&cost_us, 10 * 1000 * MS);
    atomic_store(&slices, 10);
    say(u, 1);
    let(5);
    tb_utterance_close(u);
    let(1);
    tb_speech_stats(*state, &after);
    assert_int_equal(after.open_now, 0);
    assert_int_equal(after.busy_us, 6 * 1000 * MS); /* it was work, */
    assert_true(after.rtf == before.rtf);           /* but not for any speech */
}

/* Other work --------------------------------------------------------------------------------------------------------*/

struct worker {
    struct tb_turns turns;
    sem_t next, paused; /* one slice; a pause is over */
    pthread_t thread;
};

static void *work_in_turns(void *arg)
{
    struct worker *w = arg;
    struct tb_turn *turn = tb_turn_begin(&w->turns, 0);

    sem_wait(&w->next);
    tb_turn_pause(turn);
    sem_post(&w->paused);
    sem_wait(&w->next);
    tb_turn_end(turn);
    return NULL;
}

/* One stands still in a step, the other has begun none; all that they hold is given back between two slices of the
 * work that goes before them. */
static void who_leaves_while_other_work_goes_on_is_gone_at_its_next_pause(void **state)
{
    struct worker w = { .turns = tb_speech_turns(*state) };
    struct tb_utterance *u[2];
    struct tb_speech_stats stats;

    atomic_store(&slices, 10);
    for (int i = 0; i < 2; i++)
        assert_int_equal(try_open_of(*state, &counted, "a", false, 8, NULL, &u[i]), TB_OK);
    say(u[0], 1);
    sem_init(&w.next, 0, 0);
    sem_init(&w.paused, 0, 0);
    pthread_create(&w.thread, NULL, work_in_turns, &w);
    settle();
    let(1); /* now the step stands still, and it is the work's turn */
    close_all(u, 2);
    sem_post(&go); /* where the turn took too long, the step has gone on */
    sem_post(&w.next);
    sem_wait(&w.paused);
    tb_speech_stats(*state, &stats);
    assert_int_equal(stats.open_now, 0);
    assert_int_equal(atomic_load(&sessions), 0);
    sem_post(&w.next);
    pthread_join(w.thread, NULL);
}

int main(void)
{
#define WITH_SPEECH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_SPEECH(who_waits_for_text_keeps_nobody_out),
        WITH_SPEECH(who_does_not_read_keeps_nobody_out),
        WITH_SPEECH(what_was_broken_off_is_no_dearer),
        WITH_SPEECH(who_leaves_while_other_work_goes_on_is_gone_at_its_next_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
