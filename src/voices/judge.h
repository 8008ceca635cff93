/* judge.h - is a recording good enough to clone from? The limits stand in judge.c, with what they were measured on;
 * docs/ENROLMENT.md has the tables. What is below a limit is refused with the measured value and the limit. What is
 * accepted but could be better is said as advice, for the server's log and for `timbre clone`. */
#ifndef TB_VOICES_JUDGE_H
#define TB_VOICES_JUDGE_H

#include <stddef.h>

#include "audio/quality.h"
#include "base/error.h"
#include "engine/engine.h"

enum { TB_MAX_ADVICE = 8, TB_ADVICE_TEXT = 200 };

/* A zeroed struct is no advice. */
struct tb_advice {
    size_t count;
    struct {
        const char *kind; /* one word, for logs and programs: "noise" */
        char text[TB_ADVICE_TEXT]; /* one sentence, with the measured value */
    } item[TB_MAX_ADVICE];
};

/* Add one piece of advice; beyond TB_MAX_ADVICE it is dropped. `kind` is kept as it is. */
void tb_advise(struct tb_advice *advice, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* By the samples alone, before the engine looks. Says nothing of a recording with under TB_MIN_SPEECH_MS of speech:
 * that is for the engine to refuse, which measures more. TB_EAUDIO_RATE: a narrow band; TB_EAUDIO_QUALITY: all else. */
enum tb_code tb_judge_sound(const struct tb_quality *q, struct tb_advice *advice, struct tb_error *err);

/* By what the engine found: one speaker or several. TB_EAUDIO_QUALITY: certainly several. */
enum tb_code tb_judge_voice(const struct tb_enrol_report *report, struct tb_advice *advice, struct tb_error *err);

#endif
