/* speech.c - see speech.h: the scheduler.
 *
 * One worker picks, again and again, what is due first and lets it go on for one step: an utterance is due when its
 * listener has heard all, a turn (turn.c) when it was asked for. So a new session waits for at most one step of another
 * before its first sound. Files that are late, as many at once must be, would all be due before any listener: they wait
 * until every listener has some sound left. Computing inside a step is spread over all cores by the engine's thread
 * pool: two steps at once would only slow each other. */
#include "speech/speech.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "speech/speech_priv.h"

/* Whole files, however late, leave those alone who have less left to hear: a step of theirs makes up to 15 s of speech,
 * at a quarter of the time or so. */
enum { SPARED_US = 4 * 1000 * 1000 };

static struct tb_utterance *most_urgent(const struct tb_speech *s)
{
    struct tb_utterance *best[2] = { NULL, NULL }, *listener, *file;

    for (struct tb_utterance *u = s->utterances; u; u = u->next) {
        struct tb_utterance **of_kind = &best[u->config.whole];

        if (tb_utterance_ready(u) && (!*of_kind || tb_utterance_deadline(u) < tb_utterance_deadline(*of_kind)))
            *of_kind = u;
    }
    listener = best[false];
    file = best[true];
    if (!listener || !file)
        return listener ? listener : file;
    int64_t heard = tb_utterance_deadline(listener);
    return heard < s->now_us() + SPARED_US || heard <= tb_utterance_deadline(file) ? listener : file;
}

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
    int64_t began = s->now_us(), made = u->made_us, took;

    u->busy = true;
    pthread_mutex_unlock(&s->lock);
    tb_utterance_step(u);
    pthread_mutex_lock(&s->lock);
    took = s->now_us() - began;
    s->stats.busy_us += (uint64_t)took;
    tb_speech_note_cost(s, took, u->made_us - made);
    u->busy = false;
    if (u->closed) {
        unlink_utterance(s, u);
        pthread_mutex_unlock(&s->lock);
        tb_utterance_destroy(u);
        pthread_mutex_lock(&s->lock);
    }
}

static void *work(void *arg)
{
    struct tb_speech *s = arg;

    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        struct tb_utterance *u = most_urgent(s);
        struct tb_guest *g = tb_speech_next_guest(s);

        if (g && (!u || tb_speech_guest_due(s, g) < tb_utterance_deadline(u)))
            tb_speech_lend(s, g);
        else if (u)
            step(s, u);
        else
            pthread_cond_wait(&s->work, &s->lock);
    }
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

bool tb_speech_full(struct tb_speech *s)
{
    enum { SHORT = 24 }; /* code points: three seconds */
    bool full;

    pthread_mutex_lock(&s->lock);
    full = tb_speech_admit(s, false, SHORT, NULL) != TB_OK;
    pthread_mutex_unlock(&s->lock);
    return full;
}

void tb_speech_stats(struct tb_speech *s, struct tb_speech_stats *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->stats;
    out->open_now = s->open;
    out->rtf = tb_speech_rtf(s);
    pthread_mutex_unlock(&s->lock);
}
