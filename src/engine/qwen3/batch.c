/* batch.c - see batch.h. */
#include "engine/qwen3/batch.h"

#include <assert.h>
#include <stddef.h>

void tb_q3_batch_init(struct tb_q3_batch *b)
{
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->let_go, NULL);
    b->first = NULL;
}

void tb_q3_batch_free(struct tb_q3_batch *b)
{
    assert(!b->first);
    pthread_cond_destroy(&b->let_go);
    pthread_mutex_destroy(&b->lock);
}

/* Take m out of the list; false: it is not in it. */
static bool unlink_member(struct tb_q3_batch *b, struct tb_q3_member *m)
{
    struct tb_q3_member **at = &b->first;

    while (*at && *at != m)
        at = &(*at)->next;
    if (!*at)
        return false;
    *at = m->next;
    m->next = NULL;
    return true;
}

static void append(struct tb_q3_batch *b, struct tb_q3_member *m)
{
    struct tb_q3_member **at = &b->first;

    while (*at)
        at = &(*at)->next;
    *at = m;
}

void tb_q3_batch_enter(struct tb_q3_batch *b, struct tb_q3_member *m)
{
    pthread_mutex_lock(&b->lock);
    append(b, m);
    pthread_mutex_unlock(&b->lock);
}

void tb_q3_batch_hold(struct tb_q3_batch *b, struct tb_q3_member *m)
{
    pthread_mutex_lock(&b->lock);
    while (m->held)
        pthread_cond_wait(&b->let_go, &b->lock);
    m->held = true;
    pthread_mutex_unlock(&b->lock);
}

void tb_q3_batch_leave(struct tb_q3_batch *b, struct tb_q3_member *m)
{
    pthread_mutex_lock(&b->lock);
    while (m->held)
        pthread_cond_wait(&b->let_go, &b->lock);
    unlink_member(b, m);
    pthread_mutex_unlock(&b->lock);
}

int tb_q3_batch_gather(struct tb_q3_batch *b, const struct tb_q3_member *leader, struct tb_q3_member **others, int most)
{
    int n = 0;

    pthread_mutex_lock(&b->lock);
    for (struct tb_q3_member *m = b->first; m && n < most; m = m->next)
        if (m->ready && !m->held && m != leader && (leader->patient || !m->patient)) {
            m->held = true;
            others[n++] = m;
        }
    for (int i = 0; i < n; i++) {
        unlink_member(b, others[i]);
        append(b, others[i]);
    }
    pthread_mutex_unlock(&b->lock);
    return n;
}

void tb_q3_batch_let_go(struct tb_q3_batch *b, struct tb_q3_member *m, bool ready)
{
    pthread_mutex_lock(&b->lock);
    assert(m->held);
    m->held = false;
    m->ready = ready;
    pthread_cond_broadcast(&b->let_go);
    pthread_mutex_unlock(&b->lock);
}
