/* speech.c - see speech.h: the scheduler.
 *
 * One worker picks, again and again, the ready utterance with the nearest deadline and runs one step of it. A step is
 * as long as the engine makes it (about one sentence of speech at most), so a new session waits for at most one step
 * of another before its first sound. Computing inside a step is spread over all cores by the engine's thread pool:
 * two steps at once would only slow each other. */
#include "speech/speech.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "speech/speech_priv.h"

static struct tb_utterance *most_urgent(const struct tb_speech *s)
{
    struct tb_utterance *best = NULL;

    for (struct tb_utterance *u = s->utterances; u; u = u->next)
        if (tb_utterance_ready(u) && (!best || tb_utterance_deadline(u) < tb_utterance_deadline(best)))
            best = u;
    return best;
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

static void *work(void *arg)
{
    struct tb_speech *s = arg;

    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        struct tb_utterance *u = most_urgent(s);

        if (!u) {
            pthread_cond_wait(&s->work, &s->lock);
            continue;
        }
        u->busy = true;
        pthread_mutex_unlock(&s->lock);

        int64_t began = tb_mono_us();
        tb_utterance_step(u);

        pthread_mutex_lock(&s->lock);
        s->stats.busy_us += (uint64_t)(tb_mono_us() - began);
        u->busy = false;
        if (u->closed) {
            unlink_utterance(s, u);
            pthread_mutex_unlock(&s->lock);
            tb_utterance_destroy(u);
            pthread_mutex_lock(&s->lock);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

enum tb_code tb_speech_open(const struct tb_speech_config *config, struct tb_speech **out, struct tb_error *err)
{
    struct tb_speech *s = calloc(1, sizeof *s);

    *out = NULL;
    if (!s)
        return tb_fail(err, TB_ENOMEM, "speech");
    s->most = config->max_utterances ? config->max_utterances : TB_MAX_SESSIONS;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work, NULL);
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
    pthread_cond_destroy(&s->work);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void tb_speech_stats(struct tb_speech *s, struct tb_speech_stats *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->stats;
    out->open_now = s->open;
    pthread_mutex_unlock(&s->lock);
}
