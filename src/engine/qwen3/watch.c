/* watch.c - see watch.h. */
#include "engine/qwen3/watch.h"

static const float SILENCE = 0.003f; /* peak, -50 dBFS: under the room noise of most recordings */

static bool loops(struct tb_q3_watch *w, int code)
{
    bool found = false;

    for (int p = 1; p <= TB_Q3_LOOP_PERIOD; p++) {
        bool repeats = w->frames >= p && w->recent[(w->frames - p) % TB_Q3_LOOP_PERIOD] == code;

        w->same[p - 1] = repeats ? w->same[p - 1] + 1 : 0;
        found |= w->same[p - 1] >= TB_Q3_LOOP_FRAMES;
    }
    w->recent[w->frames % TB_Q3_LOOP_PERIOD] = code;
    w->frames++;
    return found;
}

static bool silent(const float *samples, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (samples[i] > SILENCE || samples[i] < -SILENCE)
            return false;
    return true;
}

enum tb_q3_lost tb_q3_watch_frame(struct tb_q3_watch *w, int code, const float *samples, size_t len)
{
    bool quiet = silent(samples, len);

    w->silent = quiet ? w->silent + 1 : 0;
    w->sounded |= !quiet;
    if (loops(w, code))
        return TB_Q3_LOOPS;
    return w->silent >= TB_Q3_SILENT_FRAMES ? TB_Q3_SILENT : TB_Q3_ON_ITS_WAY;
}
