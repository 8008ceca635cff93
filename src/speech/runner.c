/* runner.c - steps that can stand still.
 *
 * Each step runs on a thread of its own, of which there are a few, so that it can stand still in the middle and others
 * go on, in any order. Still only one thread computes: the cores go from the worker to a runner and back (`running`),
 * and who does not have them waits. */
#include "speech/speech_priv.h"

/* Wait until the cores are r's. False: it ends. */
static bool wait_for_cores(struct tb_runner *r)
{
    struct tb_speech *s = r->speech;

    while (s->running != r && !s->over)
        pthread_cond_wait(&r->go, &s->lock);
    return s->running == r;
}

/* A slice of u's step is over. */
static void count_slice(struct tb_speech *s, struct tb_utterance *u)
{
    int64_t now = s->now_us(), took = now - u->since_us;

    u->done_us += took;
    u->since_us = now;
    tb_speech_note_slice(s, u->config.engine, took);
    tb_speech_note_busy(s, took);
}

static void give_back(struct tb_speech *s)
{
    s->running = NULL;
    pthread_cond_signal(&s->work);
}

/* r's step has ended: count what it took. */
static void end_step(struct tb_runner *r, int64_t made_before_us)
{
    struct tb_speech *s = r->speech;
    struct tb_utterance *u = r->u;

    count_slice(s, u);
    s->stats.busy_us += (uint64_t)u->done_us;
    if (!u->closed) /* what was broken off made no speech */
        tb_speech_note_cost(s, u->config.engine, u->done_us, u->made_us - made_before_us, !made_before_us);
    u->runner = NULL;
    r->u = NULL;
    if (u->closed)
        tb_speech_bury(s, u);
}

static void *run(void *arg)
{
    struct tb_runner *r = arg;
    struct tb_speech *s = r->speech;

    pthread_mutex_lock(&s->lock);
    while (wait_for_cores(r)) {
        int64_t made_us = r->u->made_us;

        pthread_mutex_unlock(&s->lock);
        tb_utterance_step(r->u);
        pthread_mutex_lock(&s->lock);
        end_step(r, made_us);
        give_back(s);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

enum tb_code tb_speech_start_runners(struct tb_speech *s, struct tb_error *err)
{
    for (; s->threads < TB_RUNNERS; s->threads++) {
        struct tb_runner *r = &s->runners[s->threads];

        r->speech = s;
        pthread_cond_init(&r->go, NULL);
        if (pthread_create(&r->thread, NULL, run, r)) {
            pthread_cond_destroy(&r->go);
            return tb_fail(err, TB_EIO, "cannot start thread %d of %d for speech", s->threads + 1, TB_RUNNERS);
        }
    }
    return TB_OK;
}

void tb_speech_end_runners(struct tb_speech *s)
{
    pthread_mutex_lock(&s->lock);
    s->over = true;
    for (int i = 0; i < s->threads; i++)
        pthread_cond_signal(&s->runners[i].go);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < s->threads; i++) {
        pthread_join(s->runners[i].thread, NULL);
        pthread_cond_destroy(&s->runners[i].go);
    }
}

static void take_runner(struct tb_speech *s, struct tb_utterance *u)
{
    struct tb_runner *r = s->runners;

    while (r->u)
        r++;
    r->u = u;
    u->runner = r;
    u->done_us = 0;
}

void tb_speech_go_on(struct tb_speech *s, struct tb_utterance *u)
{
    if (!u->runner)
        take_runner(s, u);
    u->since_us = s->now_us();
    s->running = u->runner;
    pthread_cond_signal(&u->runner->go);
    while (s->running) {
        pthread_cond_wait(&s->work, &s->lock);
        tb_speech_free_buried(s);
    }
}

/* Is somebody more urgent than u, whose step is under way? */
static bool must_wait(const struct tb_speech *s, const struct tb_utterance *u)
{
    const struct tb_guest *g = tb_speech_next_guest(s);

    return (g && tb_speech_guest_may(s, g)) || tb_speech_next(s) != u;
}

bool tb_speech_pause(struct tb_utterance *u)
{
    struct tb_speech *s = u->speech;
    bool go_on;

    pthread_mutex_lock(&s->lock);
    count_slice(s, u);
    if (!s->stop && !u->closed && must_wait(s, u)) {
        give_back(s);
        wait_for_cores(u->runner);
    }
    go_on = !s->stop && !u->closed;
    pthread_mutex_unlock(&s->lock);
    return go_on;
}
