/* mail.c - see mail.h. */
#include "api/mail.h"

static void empty_box(void *arg)
{
    tb_mailbox_empty(arg);
}

void tb_mailbox_init(struct tb_mailbox *box, const struct tb_loop *loop)
{
    pthread_mutex_init(&box->lock, NULL);
    box->first = NULL;
    box->last = &box->first;
    box->loop = *loop;
}

void tb_mail_post(struct tb_mailbox *box, struct tb_mail *mail)
{
    bool was_empty;

    mail->next = NULL;
    pthread_mutex_lock(&box->lock);
    was_empty = !box->first;
    *box->last = mail;
    box->last = &mail->next;
    pthread_mutex_unlock(&box->lock);
    if (was_empty)
        box->loop.post(box->loop.ctx, empty_box, box);
}

static struct tb_mail *take(struct tb_mailbox *box)
{
    struct tb_mail *mail;

    pthread_mutex_lock(&box->lock);
    mail = box->first;
    if (mail) {
        box->first = mail->next;
        if (!box->first)
            box->last = &box->first;
    }
    pthread_mutex_unlock(&box->lock);
    return mail;
}

void tb_mailbox_empty(struct tb_mailbox *box)
{
    struct tb_mail *mail;

    while ((mail = take(box)))
        mail->fn(mail);
}

void tb_mailbox_free(struct tb_mailbox *box)
{
    pthread_mutex_destroy(&box->lock);
}
