/* progress.c - see progress.h. A thread draws ten times a second, so that the work itself need not come by. */
#include "main/progress.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "main/command.h"

enum { WIDTH = 24, FRAME_MS = 100, QUIET_MS = 500 };

struct tb_progress {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop, drawn;
    const char *doing;
    double part;
    int64_t began_us;
};

/* With the lock held. Where nobody knows how much is done, a short piece of bar goes to and fro. */
static void draw(struct tb_progress *p, int64_t ms)
{
    char bar[WIDTH + 1];
    int from = 0, to = (int)(p->part * WIDTH + 0.5);

    if (p->part < 0) {
        from = (int)(ms / FRAME_MS % (2 * (WIDTH - 4)));
        from = from > WIDTH - 4 ? 2 * (WIDTH - 4) - from : from;
        to = from + 4;
    }
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i >= from && i < to ? '#' : '.';
    bar[WIDTH] = 0;
    fprintf(stderr, "\r[%s] %s, %.1f s\033[K", bar, p->doing, (double)ms / 1000);
    fflush(stderr);
    p->drawn = true;
}

static void *keep_drawing(void *arg)
{
    struct tb_progress *p = arg;

    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        int64_t ms = (tb_mono_us() - p->began_us) / 1000;
        struct timespec until;

        if (ms >= QUIET_MS)
            draw(p, ms);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += FRAME_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&p->wake, &p->lock, &until);
    }
    if (p->drawn)
        fputs("\r\033[K", stderr);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct tb_progress *tb_progress_open(const char *doing)
{
    struct tb_progress *p = tb_command_on_terminal() ? calloc(1, sizeof *p) : NULL;

    if (!p)
        return NULL;
    p->doing = doing;
    p->part = -1;
    p->began_us = tb_mono_us();
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    if (pthread_create(&p->thread, NULL, keep_drawing, p)) {
        free(p);
        return NULL;
    }
    return p;
}

void tb_progress_set(struct tb_progress *p, const char *doing, double part)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->doing = doing;
    p->part = part > 1 ? 1 : part;
    pthread_mutex_unlock(&p->lock);
}

void tb_progress_close(struct tb_progress *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    free(p);
}
