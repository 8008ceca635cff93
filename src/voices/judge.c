/* judge.c - see judge.h. One table of limits; a limit that nothing may miss is +-INFINITY. */
#include "voices/judge.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/limits.h"

/* Likeness of the two groups of stretches that are least alike (docs/ENROLMENT.md). */
static const double two_speakers = 0.60, maybe_two_speakers = 0.80;

/* Measured on 166 real recordings and on degraded copies (docs/ENROLMENT.md): each refusal lies well outside what any
 * of the real ones has. */
static const struct rule {
    const char *kind;
    size_t at;            /* of the value in struct tb_quality */
    bool least;           /* the limits are the least, else the most */
    float refuse, advise; /* limits, in the unit that is shown */
    float scale;          /* from the value to that unit */
    enum tb_code code;
    const char *found;    /* one number */
    const char *limit;    /* one number */
    const char *remedy;
} rules[] = {
    { "noise", offsetof(struct tb_quality, snr_db), true, 4, 18, 1, TB_EAUDIO_QUALITY,
      "the voice is %.1f dB louder than the background", "%g dB",
      "record where it is quieter, nearer to the microphone" },
    { "level", offsetof(struct tb_quality, level_db), true, -60, -45, 1, TB_EAUDIO_QUALITY,
      "the voice has a level of %.1f dBFS", "%g dBFS", "turn the recording level up" },
    { "clipping", offsetof(struct tb_quality, clipped), false, 30, 0.5F, 100, TB_EAUDIO_QUALITY,
      "%.1f %% of the speech is cut off at its peaks", "%g %%", "turn the recording level down" },
    { "band", offsetof(struct tb_quality, band_hz), true, 4600, 7000, 1, TB_EAUDIO_RATE,
      "the sound ends at %.0f Hz, as that of a recording at a lower sample rate does", "%g Hz",
      "record at 24000 Hz or more, without a telephone in between" },
    { "pause", offsetof(struct tb_quality, pause_s), false, INFINITY, 2, 1, TB_OK,
      "there is a pause of %.1f s", "%g s", "speak on without long pauses" },
    { "short", offsetof(struct tb_quality, speech_s), true, -INFINITY, 6, 1, TB_OK,
      "there are %.1f s of speech", "%g s", "10 to 20 s give the most alike voice" },
};

void tb_advise(struct tb_advice *advice, const char *kind, const char *format, ...)
{
    va_list ap;

    if (advice->count == TB_MAX_ADVICE)
        return;
    va_start(ap, format);
    vsnprintf(advice->item[advice->count].text, TB_ADVICE_TEXT, format, ap);
    va_end(ap);
    advice->item[advice->count++].kind = kind;
}

static enum tb_code apply(const struct rule *r, const struct tb_quality *q, struct tb_advice *advice,
                          struct tb_error *err)
{
    float value = *(const float *)(const void *)((const char *)q + r->at) * r->scale;
    bool refused = r->least ? value < r->refuse : value > r->refuse;
    bool poor = r->least ? value < r->advise : value > r->advise;
    char found[100], limit[20];

    if (!refused && !poor)
        return TB_OK;
    snprintf(found, sizeof found, r->found, (double)value);
    snprintf(limit, sizeof limit, r->limit, (double)(refused ? r->refuse : r->advise));
    if (refused)
        return tb_fail(err, r->code, "%s; %s is the %s: %s", found, limit, r->least ? "least" : "most", r->remedy);
    tb_advise(advice, r->kind, "%s; %s or %s is better: %s", found, limit, r->least ? "more" : "less", r->remedy);
    return TB_OK;
}

enum tb_code tb_judge_sound(const struct tb_quality *q, struct tb_advice *advice, struct tb_error *err)
{
    enum tb_code rc = TB_OK;

    if (q->speech_s * 1000 < TB_MIN_SPEECH_MS)
        return TB_OK;
    for (size_t i = 0; !rc && i < sizeof rules / sizeof *rules; i++)
        rc = apply(&rules[i], q, advice, err);
    return rc;
}

enum tb_code tb_judge_voice(const struct tb_enrol_report *report, struct tb_advice *advice, struct tb_error *err)
{
    double like = (double)report->one_voice;

    if (like <= 0)
        return TB_OK; /* the engine does not tell */
    if (like < two_speakers)
        return tb_fail(err, TB_EAUDIO_QUALITY, "two groups of stretches have a likeness of %.2f, as those of different "
                       "speakers have; %.2f is the least: one speaker alone is needed, without music", like,
                       two_speakers);
    if (like < maybe_two_speakers)
        tb_advise(advice, "speakers", "two groups of stretches have a likeness of %.2f; those of one speaker have %.2f "
                  "or more, as a rule: let one person speak alone, without music", like, maybe_two_speakers);
    return TB_OK;
}
