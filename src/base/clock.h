/* clock.h - the two clocks. Wall time can be shifted, so that tests can look a year ahead. */
#ifndef TB_BASE_CLOCK_H
#define TB_BASE_CLOCK_H

#include <stdint.h>

int64_t tb_now_ms(void);      /* Unix time in ms, plus the shift */
int64_t tb_mono_us(void);     /* monotonic, for durations */
void tb_clock_shift(int64_t ms); /* set the shift of tb_now_ms */

#endif
