/* watch.h - tells when a model has lost its way: it repeats itself, or makes silence, and would go on to the cap.
 *
 * Repetition is seen in the first codes of the frames: a run of TB_Q3_LOOP_FRAMES in which every code is that of p
 * frames before, for one p up to TB_Q3_LOOP_PERIOD. Speech does not do that, and silence is caught by its loudness. */
#ifndef TB_ENGINE_QWEN3_WATCH_H
#define TB_ENGINE_QWEN3_WATCH_H

#include <stdbool.h>
#include <stddef.h>

enum {
    TB_Q3_LOOP_PERIOD = 8,
    TB_Q3_LOOP_FRAMES = 50,     /* 4 s: no vowel is held as long */
    TB_Q3_SILENT_FRAMES = 38    /* 3 s: longer than any pause that punctuation makes */
};

enum tb_q3_lost { TB_Q3_ON_ITS_WAY, TB_Q3_LOOPS, TB_Q3_SILENT };

/* A zeroed one is at the beginning of an utterance. */
struct tb_q3_watch {
    int recent[TB_Q3_LOOP_PERIOD];     /* first codes of the last frames, a ring */
    int same[TB_Q3_LOOP_PERIOD];       /* for period p + 1: frames in a row that repeat */
    int frames, silent;
    bool sounded;                      /* something was louder than silence */
};

/* Take in the next frame: its first code and its samples. */
enum tb_q3_lost tb_q3_watch_frame(struct tb_q3_watch *w, int code, const float *samples, size_t len);

#endif
