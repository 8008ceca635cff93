/* clock.c - see clock.h. */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t shift_ms;

static int64_t read_us(clockid_t which)
{
    struct timespec t;

    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t tb_now_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000 + atomic_load(&shift_ms);
}

int64_t tb_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

void tb_clock_shift(int64_t ms)
{
    atomic_store(&shift_ms, ms);
}
