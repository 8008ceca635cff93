/* speech.c - see speech.h: the scheduler.
 *
 * One worker gives the cores, again and again, to who is due first (order.c): to the step of an utterance (runner.c) or
 * to other work (turn.c). A step may take seconds, so between slices of it the engine asks whether somebody is more
 * urgent; then it stands still, and goes on when it is the most urgent again. Computing is spread over all cores by the
 * engine's thread pool: two steps at once would only slow each other. */
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

    while (*at != u)
        at = &(*at)->next;
    *at = u->next;
    s->open--;
}

void tb_speech_bury(struct tb_speech *s, struct tb_utterance *u)
{
    unlink_utterance(s, u);
    u->next = s->buried;
    s->buried = u;
    pthread_cond_signal(&s->work);
}

void tb_speech_free_buried(struct tb_speech *s)
{
    while (s->buried) {
        struct tb_utterance *u = s->buried;

        s->buried = u->next;
        pthread_mutex_unlock(&s->lock);
        tb_utterance_destroy(u);
        pthread_mutex_lock(&s->lock);
    }
}

/* Let go on what is due first: other work, or a step. False: nothing is due. */
static bool serve(struct tb_speech *s)
{
    struct tb_guest *g = tb_speech_next_guest(s);
    struct tb_utterance *u = tb_speech_next(s);

    if (g && !(u && u->closed) && tb_speech_guest_may(s, g))
        tb_speech_lend(s, g);
    else if (u)
        tb_speech_go_on(s, u);
    else
        return false;
    return true;
}

static void *work(void *arg)
{
    struct tb_speech *s = arg;

    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        tb_speech_free_buried(s);
        if (!s->stop && !serve(s))
            pthread_cond_wait(&s->work, &s->lock);
    }
    for (int i = 0; i < s->threads; i++) /* each hears at its next pause that it is over */
        if (s->runners[i].u)
            tb_speech_go_on(s, s->runners[i].u);
    tb_speech_free_buried(s);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void free_parts(struct tb_speech *s)
{
    tb_speech_end_runners(s);
    pthread_cond_destroy(&s->turn);
    pthread_cond_destroy(&s->work);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

enum tb_code tb_speech_open(const struct tb_speech_config *config, struct tb_speech **out, struct tb_error *err)
{
    struct tb_speech *s = calloc(1, sizeof *s);
    pthread_condattr_t monotonic;
    enum tb_code rc;

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
    rc = tb_speech_start_runners(s, err);
    if (!rc && pthread_create(&s->worker, NULL, work, s))
        rc = tb_fail(err, TB_EIO, "cannot start the thread that schedules speech");
    if (rc) {
        free_parts(s);
        return rc;
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
    free_parts(s);
}

bool tb_speech_full(struct tb_speech *s, const struct tb_engine *engine)
{
    enum { SHORT = 24 }; /* letters: three seconds at most */
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
