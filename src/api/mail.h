/* mail.h - from any thread to the loop's thread, in order.
 *
 * One box per api. The sender's struct holds a tb_mail; posting it links it in and, when the box was empty, asks the
 * loop to empty it. So what is on its way is known to the api and not only to the loop, and tb_api_close can deliver
 * the rest by itself. */
#ifndef TB_API_MAIL_H
#define TB_API_MAIL_H

#include <pthread.h>
#include <stdbool.h>

#include "api/api.h"

struct tb_mail {
    void (*fn)(struct tb_mail *mail); /* on the loop's thread; may free the struct that holds mail */
    struct tb_mail *next;
};

struct tb_mailbox {
    pthread_mutex_t lock;
    struct tb_mail *first, **last;
    struct tb_loop loop;
};

void tb_mailbox_init(struct tb_mailbox *box, const struct tb_loop *loop);
/* Any thread. A mail is in the box once at most. */
void tb_mail_post(struct tb_mailbox *box, struct tb_mail *mail);
/* Deliver all that is there and what arrives meanwhile. Loop's thread only. */
void tb_mailbox_empty(struct tb_mailbox *box);
void tb_mailbox_free(struct tb_mailbox *box);

/* The struct of `type` whose `member` this points to. */
#define TB_HOLDER(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

#endif
