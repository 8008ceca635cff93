/* timers.c - see timers.h: a list in order of time. Timers are set for seconds and looked at then (api/realtime.c sets
 * no new one for each event), so the walk on insertion, from the late end, is short.
 *
 * A tick cannot be called off, so the ticks under way are remembered: each was asked for because it is earlier than all
 * before it, so they are a stack and the one that comes is its top. Else each tick that comes would ask for one more
 * while a later one is still under way, and their number would only ever grow. */
#include "api/timers.h"

#include <stddef.h>

#include "base/clock.h"

static void tick(void *arg);

static void ask_for_tick(struct tb_timers *t)
{
    int64_t now = tb_mono_us(), due = t->first ? t->first->due_us : 0;

    if (!t->first || (t->ticks && t->tick_us[t->ticks - 1] <= due))
        return;
    if (t->ticks == TB_TIMER_TICKS)
        t->ticks--; /* one too many will come, and find nothing to do */
    t->tick_us[t->ticks++] = due;
    t->loop.after(t->loop.ctx, due > now ? (due - now + 999) / 1000 : 0, tick, t);
}

static void tick(void *arg)
{
    struct tb_timers *t = arg;
    int64_t now = tb_mono_us();

    if (t->ticks)
        t->ticks--;
    while (t->first && t->first->due_us <= now) {
        struct tb_timer *timer = t->first;

        tb_timer_stop(t, timer);
        timer->fn(timer->arg);
    }
    ask_for_tick(t);
}

void tb_timers_init(struct tb_timers *timers, const struct tb_loop *loop)
{
    *timers = (struct tb_timers){ .loop = *loop };
}

void tb_timer_set(struct tb_timers *t, struct tb_timer *timer, int64_t delay_ms)
{
    struct tb_timer *before;

    tb_timer_stop(t, timer);
    timer->due_us = tb_mono_us() + delay_ms * 1000;
    for (before = t->last; before && before->due_us > timer->due_us;)
        before = before->prev;
    timer->prev = before;
    timer->next = before ? before->next : t->first;
    *(timer->prev ? &timer->prev->next : &t->first) = timer;
    *(timer->next ? &timer->next->prev : &t->last) = timer;
    ask_for_tick(t);
}

void tb_timer_stop(struct tb_timers *t, struct tb_timer *timer)
{
    if (!timer->due_us)
        return;
    *(timer->prev ? &timer->prev->next : &t->first) = timer->next;
    *(timer->next ? &timer->next->prev : &t->last) = timer->prev;
    timer->prev = timer->next = NULL;
    timer->due_us = 0;
}
