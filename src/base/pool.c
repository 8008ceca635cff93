/* pool.c - see pool.h.
 *
 * A job is published by storing its fields and then raising `generation`; workers claim part numbers from one
 * counter. The counter carries the generation in its upper half, so a worker that wakes late cannot take a part of
 * a newer job with an older function. */
#include "base/pool.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

enum { SPIN_US = 20, MOST_THREADS = 64 };

typedef void (*part_fn)(void *ctx, int part);

struct tb_pool {
    pthread_mutex_t taken; /* held while a job runs */
    pthread_t thread[MOST_THREADS];
    int threads; /* the caller included */
    _Atomic(part_fn) fn; /* atomic because a late worker may look at them while the next job is written; */
    _Atomic(void *) ctx; /* it then fails to claim a part */
    _Atomic uint32_t generation; /* futex: raised once per job */
    _Atomic uint64_t next;       /* generation << 32 | parts left to claim */
    _Atomic uint32_t left;       /* futex: parts not yet finished */
    _Atomic bool stop;
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void futex_wait(_Atomic uint32_t *word, uint32_t seen)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Wait until *word is no longer `seen`: first spinning, then asleep. */
static uint32_t await_change(_Atomic uint32_t *word, uint32_t seen)
{
    int64_t until = tb_mono_us() + SPIN_US;
    uint32_t now;

    while ((now = atomic_load_explicit(word, memory_order_acquire)) == seen) {
        if (tb_mono_us() < until)
            relax();
        else
            futex_wait(word, seen);
    }
    return now;
}

/* Do parts of job `generation` until none is left to claim. */
static void work(struct tb_pool *p, uint32_t generation)
{
    for (;;) {
        uint64_t at = atomic_load_explicit(&p->next, memory_order_acquire);

        if ((uint32_t)(at >> 32) != generation || (uint32_t)at == 0)
            return;

        part_fn fn = atomic_load_explicit(&p->fn, memory_order_relaxed);
        void *ctx = atomic_load_explicit(&p->ctx, memory_order_relaxed);
        if (!atomic_compare_exchange_weak_explicit(&p->next, &at, at - 1, memory_order_acq_rel, memory_order_acquire))
            continue;
        fn(ctx, (int)(uint32_t)at - 1);
        if (atomic_fetch_sub_explicit(&p->left, 1, memory_order_acq_rel) == 1)
            futex_wake(&p->left);
    }
}

static void *worker(void *arg)
{
    struct tb_pool *p = arg;
    uint32_t seen = 0;

    for (;;) {
        seen = await_change(&p->generation, seen);
        if (atomic_load(&p->stop))
            return NULL;
        work(p, seen);
    }
}

enum tb_code tb_pool_open(int threads, struct tb_pool **out, struct tb_error *err)
{
    struct tb_pool *p = calloc(1, sizeof *p);

    *out = NULL;
    if (!p)
        return tb_fail(err, TB_ENOMEM, "thread pool");
    if (threads <= 0) {
        cpu_set_t set;

        threads = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    }
    if (threads > MOST_THREADS)
        threads = MOST_THREADS;
    pthread_mutex_init(&p->taken, NULL);
    p->threads = 1;
    while (p->threads < threads) {
        if (pthread_create(&p->thread[p->threads], NULL, worker, p)) {
            tb_pool_close(p);
            return tb_fail(err, TB_EIO, "cannot start thread %d of %d", p->threads + 1, threads);
        }
        p->threads++;
    }
    *out = p;
    return TB_OK;
}

void tb_pool_close(struct tb_pool *p)
{
    if (!p)
        return;
    atomic_store(&p->stop, true);
    atomic_fetch_add(&p->generation, 1);
    futex_wake(&p->generation);
    for (int i = 1; i < p->threads; i++)
        pthread_join(p->thread[i], NULL);
    pthread_mutex_destroy(&p->taken);
    free(p);
}

int tb_pool_threads(const struct tb_pool *p)
{
    return p ? p->threads : 1;
}

void tb_pool_run(struct tb_pool *p, void (*fn)(void *ctx, int part), void *ctx, int parts)
{
    if (!p || p->threads == 1 || parts <= 1 || pthread_mutex_trylock(&p->taken)) {
        for (int i = 0; i < parts; i++)
            fn(ctx, i);
        return;
    }

    uint32_t generation = atomic_load(&p->generation) + 1, left;
    atomic_store_explicit(&p->fn, fn, memory_order_relaxed);
    atomic_store_explicit(&p->ctx, ctx, memory_order_relaxed);
    atomic_store_explicit(&p->left, (uint32_t)parts, memory_order_release);
    atomic_store_explicit(&p->next, (uint64_t)generation << 32 | (uint32_t)parts, memory_order_release);
    atomic_store_explicit(&p->generation, generation, memory_order_release);
    futex_wake(&p->generation);
    work(p, generation);
    while ((left = atomic_load_explicit(&p->left, memory_order_acquire)) != 0)
        await_change(&p->left, left);
    pthread_mutex_unlock(&p->taken);
}
