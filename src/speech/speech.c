/* speech.c - see speech.h: the scheduler.
 *
 * One worker picks, again and again, who is due first (order.c) and lets it go on: an utterance for one step, other
 * work (turn.c) for a slice. A step may take seconds, so the engine asks in between whether something is more urgent,
 * and that is then done inside the step. Computing is spread over all cores by the engine's thread pool: two steps at
 * once would only slow each other. */
#include "speech/speech.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "speech/speech_priv.h"

static void unlink_utterance(struct tb_speech *s, struct tb_utterance *u)
{
    struct tb_utterance **at = &s->utterances;

    while (*at && *at != u)
        at = &(*at)->next;
    if (*at) {
        *at = u->next;
        s->open--;
    }
}

/* One step of u. Called and returns with the lock held. */
static void step(struct tb_speech *s, struct tb_utterance *u)
{
    int64_t made = u->made_us, took;

    u->began_us = s->now_us();
    u->done_us = 0;
    u->busy = true;
    u->below = s->top;
    s->top = u;
    pthread_mutex_unlock(&s->lock);
    tb_utterance_step(u);
    pthread_mutex_lock(&s->lock);
    s->top = u->below;
    took = s->now_us() - u->began_us;
    s->stats.busy_us += (uint64_t)took;
    tb_speech_note_cost(s, u->config.engine, took, u->made_us - made);
    u->busy = false;
    if (u->closed) {
        unlink_utterance(s, u);
        pthread_mutex_unlock(&s->lock);
        tb_utterance_destroy(u);
        pthread_mutex_lock(&s->lock);
    }
}

/* Do a piece of what is due first: other work, or an utterance that `next` picks. False: nothing is due. */
static bool serve(struct tb_speech *s, struct tb_utterance *(*next)(const struct tb_speech *))
{
    struct tb_guest *g = tb_speech_next_guest(s);
    struct tb_utterance *u;

    if (g && tb_speech_guest_may(s, g))
        tb_speech_lend(s, g);
    else if ((u = next(s)))
        step(s, u);
    else
        return false;
    return true;
}

bool tb_speech_pause(struct tb_utterance *u)
{
    struct tb_speech *s = u->speech;
    int64_t paused;
    bool go_on;

    pthread_mutex_lock(&s->lock);
    paused = s->now_us();
    u->done_us = paused - u->began_us;
    while (!s->stop && !u->closed && serve(s, tb_speech_intruder))
        ; /* this step stands still meanwhile */
    u->began_us += s->now_us() - paused;
    go_on = !s->stop && !u->closed;
    pthread_mutex_unlock(&s->lock);
    return go_on;
}

static void *work(void *arg)
{
    struct tb_speech *s = arg;

    pthread_mutex_lock(&s->lock);
    while (!s->stop)
        if (!serve(s, tb_speech_next))
            pthread_cond_wait(&s->work, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

enum tb_code tb_speech_open(const struct tb_speech_config *config, struct tb_speech **out, struct tb_error *err)
{
    struct tb_speech *s = calloc(1, sizeof *s);
    pthread_condattr_t monotonic;

    *out = NULL;
    if (!s)
        return tb_fail(err, TB_ENOMEM, "speech");
    s->most = config->max_utterances ? config->max_utterances : TB_MAX_SESSIONS;
    s->max_load = (config->max_load_percent ? config->max_load_percent : TB_LOAD_PERCENT) / 100.0;
    s->now_us = config->now_us ? config->now_us : tb_mono_us;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->work, &monotonic);
    pthread_cond_init(&s->turn, NULL);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&s->worker, NULL, work, s)) {
        free(s);
        return tb_fail(err, TB_EIO, "cannot start the synthesis thread");
    }
    *out = s;
    return TB_OK;
}

void tb_speech_halt(struct tb_speech *s)
{
    pthread_mutex_lock(&s->lock);
    s->halted = true;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
}

void tb_speech_close(struct tb_speech *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    for (struct tb_utterance *u = s->utterances; u; u = u->next)
        atomic_store(&u->muted, true);
    pthread_cond_broadcast(&s->work);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->worker, NULL);
    while (s->utterances) {
        struct tb_utterance *u = s->utterances;

        if (!u->closed)
            tb_log(TB_LOG_WARN, "utterance-left-open", "pending=%zu", u->pending);
        unlink_utterance(s, u);
        tb_utterance_destroy(u);
    }
    pthread_cond_destroy(&s->turn);
    pthread_cond_destroy(&s->work);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

bool tb_speech_full(struct tb_speech *s, const struct tb_engine *engine)
{
    enum { SHORT = 24 }; /* code points: three seconds */
    bool full;

    pthread_mutex_lock(&s->lock);
    full = tb_speech_admit(s, engine, false, SHORT, NULL) != TB_OK;
    pthread_mutex_unlock(&s->lock);
    return full;
}

void tb_speech_stats(struct tb_speech *s, struct tb_speech_stats *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->stats;
    out->open_now = s->open;
    out->rtf = tb_speech_rtf(s, NULL);
    pthread_mutex_unlock(&s->lock);
}
