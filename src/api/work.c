/* work.c - see work.h. */
#include "api/work.h"

#include <pthread.h>
#include <stdlib.h>

struct tb_work {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct tb_job *first, **last;
    size_t waiting, most;
    bool stop;
    struct tb_mailbox *box;
    int threads;
    pthread_t thread[];
};

static void report(struct tb_mail *mail)
{
    struct tb_job *job = TB_HOLDER(mail, struct tb_job, mail);

    job->done(job);
}

static void *work_thread(void *arg)
{
    struct tb_work *work = arg;

    pthread_mutex_lock(&work->lock);
    for (;;) {
        struct tb_job *job = work->first;

        if (!job && work->stop)
            break;
        if (!job) {
            pthread_cond_wait(&work->more, &work->lock);
            continue;
        }
        work->first = job->next;
        if (!work->first)
            work->last = &work->first;
        work->waiting--;
        job->dropped = work->stop && !job->vital;
        pthread_mutex_unlock(&work->lock);
        if (!job->dropped)
            job->run(job);
        tb_mail_post(work->box, &job->mail);
        pthread_mutex_lock(&work->lock);
    }
    pthread_mutex_unlock(&work->lock);
    return NULL;
}

enum tb_code tb_work_open(int threads, size_t most, struct tb_mailbox *box, struct tb_work **out, struct tb_error *err)
{
    struct tb_work *work = calloc(1, sizeof *work + (size_t)threads * sizeof *work->thread);

    *out = NULL;
    if (!work)
        return tb_fail(err, TB_ENOMEM, "%d workers", threads);
    work->last = &work->first;
    work->most = most;
    work->box = box;
    pthread_mutex_init(&work->lock, NULL);
    pthread_cond_init(&work->more, NULL);
    for (; work->threads < threads; work->threads++)
        if (pthread_create(&work->thread[work->threads], NULL, work_thread, work)) {
            tb_work_close(work);
            return tb_fail(err, TB_EIO, "cannot start %d worker threads", threads);
        }
    *out = work;
    return TB_OK;
}

void tb_work_close(struct tb_work *work)
{
    if (!work)
        return;
    pthread_mutex_lock(&work->lock);
    work->stop = true;
    pthread_cond_broadcast(&work->more);
    pthread_mutex_unlock(&work->lock);
    for (int i = 0; i < work->threads; i++)
        pthread_join(work->thread[i], NULL);
    pthread_cond_destroy(&work->more);
    pthread_mutex_destroy(&work->lock);
    free(work);
}

/* With the lock held. */
static void append(struct tb_work *work, struct tb_job *job)
{
    job->work = work;
    job->dropped = false;
    job->next = NULL;
    job->mail.fn = report;
    *work->last = job;
    work->last = &job->next;
    work->waiting++;
    pthread_cond_signal(&work->more);
}

enum tb_code tb_work_add(struct tb_work *work, struct tb_job *job)
{
    enum tb_code rc = TB_OK;

    pthread_mutex_lock(&work->lock);
    if (work->waiting >= work->most)
        rc = TB_EBUSY;
    else
        append(work, job);
    pthread_mutex_unlock(&work->lock);
    return rc;
}

void tb_work_follow(struct tb_work *work, struct tb_job *job)
{
    pthread_mutex_lock(&work->lock);
    append(work, job);
    pthread_mutex_unlock(&work->lock);
}
