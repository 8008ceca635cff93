/* limiter.h - keep peaks under full scale without bending the wave.
 *
 * Each sample asks for the gain that keeps it under the ceiling. The gain in use is the least that any sample of the
 * look-ahead asks for, let go slowly, averaged over the look-ahead: it is never over what the sample that leaves asked
 * for, and it has no corners. What is never loud comes out as it went in. The state is all in the struct: how samples
 * were cut into calls changes nothing. */
#ifndef TB_AUDIO_LIMITER_H
#define TB_AUDIO_LIMITER_H

#include <stdint.h>

enum {
    TB_LIMITER_PART = 200,        /* the look-ahead is this part of a second: 5 ms */
    TB_LIMITER_MOST_HZ = 48000
};

struct tb_limiter {
    float ceiling, release;       /* the second: of the way back to 1, per sample */
    float gain;                   /* last of held */
    double held_sum;
    int span, at;                 /* places in use in the rings, next of them */
    int asking;                   /* how many of asked are under 1: hardly ever any */
    float late[TB_LIMITER_MOST_HZ / TB_LIMITER_PART + 1]; /* samples waiting, and what gain each asks for: rings */
    float asked[TB_LIMITER_MOST_HZ / TB_LIMITER_PART + 1];
    float held[TB_LIMITER_MOST_HZ / TB_LIMITER_PART + 1]; /* gains whose mean is used */
};

/* Samples that come out later than they go in. */
static inline int tb_limiter_delay(uint32_t rate_hz)
{
    return (int)(rate_hz / TB_LIMITER_PART);
}

/* Begin, or begin anew. rate_hz: 200 .. TB_LIMITER_MOST_HZ. ceiling: over 0. */
void tb_limiter_begin(struct tb_limiter *limiter, uint32_t rate_hz, float ceiling);
/* One sample, which is a number, in; the one of tb_limiter_delay samples ago out, at first zeros. */
float tb_limiter_run(struct tb_limiter *limiter, float sample);

#endif
