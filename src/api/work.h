/* work.h - worker threads with a bounded queue: all that may block (disk, enrolment, megabytes of JSON).
 *
 * A job is a struct of the caller that holds a tb_job. run is called on a worker, then done on the loop's thread,
 * always both or, when the api closes first, done alone with `dropped` set. */
#ifndef TB_API_WORK_H
#define TB_API_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "api/mail.h"

struct tb_work;

struct tb_job {
    void (*run)(struct tb_job *job);
    void (*done)(struct tb_job *job);
    bool vital;   /* set by the caller: run it even when the api closes meanwhile */
    bool dropped; /* run was not called */
    struct tb_work *work;
    struct tb_job *next;
    struct tb_mail mail;
};

/* most: jobs waiting at a time. */
enum tb_code tb_work_open(int threads, size_t most, struct tb_mailbox *box, struct tb_work **out, struct tb_error *err);
/* Finish the jobs that run, drop those that wait (their done is in the mailbox then), join. */
void tb_work_close(struct tb_work *work);

/* TB_EBUSY: the queue is full; neither run nor done will be called. */
enum tb_code tb_work_add(struct tb_work *work, struct tb_job *job);
/* For the next step of something that add has let in: never refused. */
void tb_work_follow(struct tb_work *work, struct tb_job *job);

#endif
