/* batch.h - the open sessions of an engine, and who works on which of them.
 *
 * A step of one session advances others along with it, since weights that are read for one token cost little more for
 * several. So a session may be worked on by another one's step, on another thread. Whoever touches what belongs to a
 * session holds it first; one is never held across a call of another session's sink, so nobody waits for a listener.
 *
 *     tb_q3_batch_enter(batch, &s->member);
 *     tb_q3_batch_hold(batch, &s->member);                          step of s: waits while another one's step has it
 *     n = tb_q3_batch_gather(batch, &s->member, others, most);      some that may come along, held from now on
 *     ... tb_q3_batch_let_go(batch, others[i], ready);
 *     tb_q3_batch_let_go(batch, &s->member, ready);
 *     tb_q3_batch_leave(batch, &s->member);
 *
 * All functions may be called by any thread. */
#ifndef TB_ENGINE_QWEN3_BATCH_H
#define TB_ENGINE_QWEN3_BATCH_H

#include <pthread.h>
#include <stdbool.h>

struct tb_q3_batch {
    pthread_mutex_t lock; /* of the list and of all members' flags */
    pthread_cond_t let_go;
    struct tb_q3_member *first; /* who waits longest comes first */
};

struct tb_q3_member {
    struct tb_q3_member *next;
    bool patient; /* nobody waits for its sound: it comes along with its like only */
    bool held;
    bool ready;   /* it may come along with another one's step */
};

void tb_q3_batch_init(struct tb_q3_batch *b);
void tb_q3_batch_free(struct tb_q3_batch *b); /* nobody is in it */

/* `patient` is the caller's to set before; nothing else is. */
void tb_q3_batch_enter(struct tb_q3_batch *b, struct tb_q3_member *m);
/* Waits until nobody holds it. Fine for one that has not entered. */
void tb_q3_batch_leave(struct tb_q3_batch *b, struct tb_q3_member *m);

void tb_q3_batch_hold(struct tb_q3_batch *b, struct tb_q3_member *m);
/* Up to `most` others that are ready and that nobody holds; the caller holds them now. Those who came along last are
 * asked last. */
int tb_q3_batch_gather(struct tb_q3_batch *b, const struct tb_q3_member *leader, struct tb_q3_member **others,
                       int most);
void tb_q3_batch_let_go(struct tb_q3_batch *b, struct tb_q3_member *m, bool ready);

#endif
