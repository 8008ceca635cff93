/* timers.h - things to do later on the loop's thread, which may be called off.
 *
 * The loop's own `after` cannot be called off; here one tick serves all timers of an api, and a tick that comes for
 * nothing does nothing. All calls on the loop's thread. */
#ifndef TB_API_TIMERS_H
#define TB_API_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"

struct tb_timer {
    void (*fn)(void *arg); /* may set the timer anew, or free what holds it */
    void *arg;
    int64_t due_us; /* 0: not set */
    struct tb_timer *prev, *next;
};

enum { TB_TIMER_TICKS = 16 }; /* under way at once: about one for each length of delay in use */

struct tb_timers {
    struct tb_timer *first, *last;   /* earliest first */
    int64_t tick_us[TB_TIMER_TICKS]; /* ticks asked for, the earliest last */
    int ticks;
    struct tb_loop loop;
};

void tb_timers_init(struct tb_timers *timers, const struct tb_loop *loop);
/* Run fn(arg) delay_ms from now, instead of whenever it was set for. */
void tb_timer_set(struct tb_timers *timers, struct tb_timer *timer, int64_t delay_ms);
void tb_timer_stop(struct tb_timers *timers, struct tb_timer *timer);

#endif
