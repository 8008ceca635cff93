/* preparer.c - see preparer.h. */
#include "voices/preparer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

/* Nobody waits for it, so whoever wants to compute goes first (docs/ARCHITECTURE.md); but on a machine that is never
 * idle it comes at last. */
static const int64_t within_us = 3600LL * 1000 * 1000;

struct job {
    struct tb_engine *engine;
    struct tb_bytes print;
};

struct tb_preparer {
    struct tb_turns turns;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job jobs[TB_MAX_PREPARING]; /* the next one last */
    size_t count;
    atomic_bool stop;
};

struct work {
    struct tb_preparer *preparer;
    struct tb_turn *turn;
};

static bool pause_work(void *ctx)
{
    struct work *w = ctx;

    if (!atomic_load(&w->preparer->stop))
        tb_turn_pause(w->turn);
    return !atomic_load(&w->preparer->stop);
}

static void prepare(struct tb_preparer *p, const struct job *job)
{
    struct work work = { p, tb_turn_begin(&p->turns, within_us) };
    const struct tb_sink sink = { .pause = pause_work, .ctx = &work };
    struct tb_error err = { 0 };
    int64_t began = tb_mono_us();
    enum tb_code rc = TB_ECANCELLED;

    if (!atomic_load(&p->stop))
        rc = tb_engine_prepare(job->engine, tb_bytes_str(&job->print), &sink, &err);
    tb_turn_end(work.turn);
    if (rc == TB_OK)
        tb_log(TB_LOG_DEBUG, "voice-prepared", "engine=%s ms=%lld", job->engine->ops->name,
               (long long)((tb_mono_us() - began) / 1000));
    else if (rc != TB_ECANCELLED)
        tb_log(TB_LOG_WARN, "voice-not-prepared", "engine=%s detail=\"%s\"", job->engine->ops->name, err.text);
}

static void *work(void *arg)
{
    struct tb_preparer *p = arg;

    pthread_mutex_lock(&p->lock);
    while (!atomic_load(&p->stop)) {
        if (p->count == 0) {
            pthread_cond_wait(&p->wake, &p->lock);
            continue;
        }
        struct job job = p->jobs[--p->count];
        pthread_mutex_unlock(&p->lock);
        if (!tb_engine_prepared(job.engine, tb_bytes_str(&job.print)))
            prepare(p, &job);
        tb_bytes_free(&job.print);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

enum tb_code tb_preparer_open(const struct tb_turns *turns, struct tb_preparer **out, struct tb_error *err)
{
    struct tb_preparer *p = calloc(1, sizeof *p);

    *out = NULL;
    if (!p)
        return tb_fail(err, TB_ENOMEM, "preparing voices");
    p->turns = *turns;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    if (pthread_create(&p->thread, NULL, work, p)) {
        pthread_cond_destroy(&p->wake);
        pthread_mutex_destroy(&p->lock);
        free(p);
        return tb_fail(err, TB_EIO, "cannot start the thread that prepares voices");
    }
    *out = p;
    return TB_OK;
}

void tb_preparer_halt(struct tb_preparer *p)
{
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->stop, true);
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

void tb_preparer_close(struct tb_preparer *p)
{
    if (!p)
        return;
    tb_preparer_halt(p);
    pthread_join(p->thread, NULL);
    for (size_t i = 0; i < p->count; i++)
        tb_bytes_free(&p->jobs[i].print);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* Take a job that waits out of the queue. */
static void drop(struct tb_preparer *p, size_t at)
{
    tb_bytes_free(&p->jobs[at].print);
    p->count--;
    memmove(p->jobs + at, p->jobs + at + 1, (p->count - at) * sizeof *p->jobs);
}

void tb_preparer_add(struct tb_preparer *p, struct tb_engine *engine, struct tb_str print)
{
    struct job job = { .engine = engine, .print = { .cap = TB_MAX_PRINT } };

    if (!p || tb_engine_prepared(engine, print) || tb_bytes_add(&job.print, print.p, print.n))
        return;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->count; i++)
        if (p->jobs[i].engine == engine && p->jobs[i].print.size == print.n &&
            !memcmp(p->jobs[i].print.data, print.p, print.n)) {
            drop(p, i);
            break;
        }
    if (p->count == TB_MAX_PREPARING)
        drop(p, 0);
    p->jobs[p->count++] = job;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}
