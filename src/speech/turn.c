/* turn.c - turns for other work beside speech (base/turn.h).
 *
 * The worker of speech.c lends the cores to a guest between two steps, or slices of one: when no utterance is more
 * urgent (order.c). It waits until the guest pauses or ends; a guest whose slice takes too long is left to compute
 * beside speech, and has to wait for its next turn as soon as it pauses. */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "speech/speech_priv.h"

struct tb_guest *tb_speech_next_guest(const struct tb_speech *s)
{
    struct tb_guest *best = s->guests;

    for (struct tb_guest *g = best; g; g = g->next)
        if (g->due_us < best->due_us)
            best = g;
    return best;
}

static struct timespec at_us(int64_t us)
{
    return (struct timespec){ .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
}

void tb_speech_lend(struct tb_speech *s, struct tb_guest *g)
{
    struct tb_guest **at = &s->guests;

    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    s->guest = g;
    s->lent_us = tb_mono_us();
    g->running = true;
    pthread_cond_broadcast(&s->turn);
    while (s->guest == g && tb_mono_us() < s->lent_us + TB_TURN_MS * 1000) {
        struct timespec until = at_us(s->lent_us + TB_TURN_MS * 1000);

        pthread_cond_timedwait(&s->work, &s->lock, &until);
    }
    if (s->guest == g)
        s->guest = NULL;
}

/* Is something more urgent than g? Also to end the steps of those who have left, and to free what is theirs. */
static bool must_wait(const struct tb_speech *s, const struct tb_guest *g)
{
    const struct tb_guest *other = tb_speech_next_guest(s);

    return s->buried || tb_speech_left_alone(s) || (other && other->due_us < g->due_us) || !tb_speech_guest_may(s, g);
}

/* Wait until the worker lends the cores. */
static void wait_for_turn(struct tb_speech *s, struct tb_guest *g)
{
    if (s->guest == g)
        s->guest = NULL;
    g->running = false;
    g->next = s->guests;
    s->guests = g;
    pthread_cond_signal(&s->work);
    while (!g->running)
        pthread_cond_wait(&s->turn, &s->lock);
}

static void guest_pause(struct tb_turn *turn)
{
    struct tb_guest *g = (struct tb_guest *)turn;
    struct tb_speech *s = g->speech;

    pthread_mutex_lock(&s->lock);
    if (s->guest == g && !must_wait(s, g))
        s->lent_us = tb_mono_us();
    else
        wait_for_turn(s, g);
    pthread_mutex_unlock(&s->lock);
}

static void guest_end(struct tb_turn *turn)
{
    struct tb_guest *g = (struct tb_guest *)turn;
    struct tb_speech *s = g->speech;

    pthread_mutex_lock(&s->lock);
    if (s->guest == g)
        s->guest = NULL;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
    free(g);
}

static struct tb_turn *guest_begin(void *ctx, int64_t within_us)
{
    struct tb_speech *s = ctx;
    struct tb_guest *g = calloc(1, sizeof *g);

    if (!g)
        return NULL;
    g->turn = (struct tb_turn){ guest_pause, guest_end };
    g->speech = s;
    pthread_mutex_lock(&s->lock);
    g->due_us = s->now_us() + within_us;
    wait_for_turn(s, g);
    pthread_mutex_unlock(&s->lock);
    return &g->turn;
}

struct tb_turns tb_speech_turns(struct tb_speech *speech)
{
    return (struct tb_turns){ guest_begin, speech };
}
