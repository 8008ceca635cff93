/* admit.c - what speech costs on this machine now, and whether one more voice is let in.
 *
 * The cost is measured all the time, for each engine: computing time for a second of its speech, how much a step makes,
 * how long a slice of one takes; and for all, how long their texts become. A newcomer who listens is admitted when what
 * is then due to everybody (demand.c) fits into a part of the time (max_load). Or when all could speak for ever within
 * that part, and the machine was not busier lately: then what is due just now is soon made, and the first sound waits
 * for it (order.c). */
#include <math.h>

#include "base/limits.h"
#include "speech/speech_priv.h"

enum {
    MEMORY_US = 60 * 1000 * 1000,  /* of audio */
    PRIOR_US = 10 * 1000 * 1000,   /* of audio: what the guess before the first measurement weighs */
    LEAST = 2,                     /* voices always go together: who hangs up and calls again meets himself */
    SLOW_LETTERS = 8,              /* a second, at a guess: most voices are twice as fast */
    IDEOGRAPH = 3,                 /* letters: four of them or six syllables last a second */
    FORGETS = 256,                 /* steps, or slices, after which a long one is forgotten, about */
    BUSY_US = 15 * 1000 * 1000,    /* how long the machine remembers that it was busy, about */
    PRIOR_LETTERS = 20,            /* what the guess before the first measurement weighs */
    QUEUE_US = 120 * 1000 * 1000   /* of computing that whole files may be waiting for; clients wait for 300 s */
};

static const double PRIOR_RTF = 0.25;

/* NULL: nothing is known of it yet. */
static const struct tb_cost *find_cost(const struct tb_speech *s, const struct tb_engine *engine)
{
    for (int i = 0; i < TB_COSTS && s->costs[i].engine; i++)
        if (s->costs[i].engine == engine)
            return &s->costs[i];
    return NULL;
}

/* A place for it, which may be the first use of it. */
static struct tb_cost *cost_of(struct tb_speech *s, const struct tb_engine *engine)
{
    int i = 0;

    while (i < TB_COSTS - 1 && s->costs[i].engine && s->costs[i].engine != engine)
        i++;
    s->costs[i].engine = engine;
    return &s->costs[i];
}

/* The longest of late: it fades until a longer one comes. */
static void remember(int64_t *longest, int64_t us)
{
    *longest = us > *longest ? us : *longest - *longest / FORGETS;
}

void tb_speech_note_cost(struct tb_speech *s, const struct tb_engine *engine, int64_t busy_us, int64_t audio_us,
                         bool first)
{
    struct tb_cost *c = cost_of(s, engine);

    remember(&c->step_us, audio_us);
    if (first)
        remember(&c->first_us, audio_us);
    c->busy_us += (double)busy_us;
    c->audio_us += (double)audio_us;
    if (c->audio_us > MEMORY_US) {
        c->busy_us /= 2;
        c->audio_us /= 2;
    }
}

double tb_speech_rtf(const struct tb_speech *s, const struct tb_engine *engine)
{
    const struct tb_cost *c = find_cost(s, engine);
    double busy = PRIOR_RTF * PRIOR_US, audio = PRIOR_US;

    for (int i = 0; i < TB_COSTS; i++)
        if (!engine || c == &s->costs[i]) {
            busy += s->costs[i].busy_us;
            audio += s->costs[i].audio_us;
        }
    return busy / audio;
}

void tb_speech_note_slice(struct tb_speech *s, const struct tb_engine *engine, int64_t busy_us)
{
    remember(&cost_of(s, engine)->slice_us, busy_us);
}

int64_t tb_speech_slice_us(const struct tb_speech *s, const struct tb_engine *engine)
{
    const struct tb_cost *c = find_cost(s, engine);

    return c ? c->slice_us : 0;
}

int64_t tb_speech_step_us(const struct tb_speech *s, const struct tb_engine *engine, bool first)
{
    const struct tb_cost *c = find_cost(s, engine);

    return !c ? 0 : first ? c->first_us : c->step_us;
}

/* What is left after so long of what was busy then. */
static double faded(const struct tb_speech *s)
{
    return s->lately_us * exp((double)(s->lately_at_us - s->now_us()) / BUSY_US);
}

void tb_speech_note_busy(struct tb_speech *s, int64_t busy_us)
{
    s->lately_us = faded(s) + (double)busy_us;
    s->lately_at_us = s->now_us();
}

double tb_speech_busy(const struct tb_speech *s)
{
    return faded(s) / BUSY_US;
}

size_t tb_speech_letters(const struct tb_utterance_config *config)
{
    enum tb_lang lang = config->language == TB_LANG_AUTO ? config->fallback : config->language;

    return lang == TB_LANG_ZH || lang == TB_LANG_JA || lang == TB_LANG_KO ? IDEOGRAPH : 1;
}

void tb_speech_note_length(struct tb_speech *s, size_t letters, int64_t audio_us)
{
    s->said_letters += (double)letters;
    s->said_us += (double)audio_us;
    if (s->said_us > MEMORY_US) {
        s->said_letters /= 2;
        s->said_us /= 2;
    }
}

static double us_per_letter(const struct tb_speech *s)
{
    return (s->said_us + PRIOR_LETTERS * 1e6 / SLOW_LETTERS) / (s->said_letters + PRIOR_LETTERS);
}

int64_t tb_speech_lately_us(const struct tb_speech *s, size_t letters)
{
    return (int64_t)(us_per_letter(s) * (double)letters);
}

int64_t tb_speech_length_of_us(const struct tb_utterance *u, size_t code_points)
{
    size_t letters = tb_speech_letters(&u->config);
    double said = (double)(u->spoken * letters);
    double own = ((double)u->spoken_us + us_per_letter(u->speech) * PRIOR_LETTERS) / (said + PRIOR_LETTERS);

    return (int64_t)(own * (double)(code_points * letters));
}

static enum tb_code admit_listener(const struct tb_speech *s, const struct tb_engine *engine, size_t letters,
                                   struct tb_error *err)
{
    struct tb_demand newcomer = tb_demand_of_newcomer(s, engine, letters);
    double all = tb_speech_rtf(s, engine); /* of the time, if nobody ever fell silent */
    size_t speaking = 0;

    for (const struct tb_utterance *u = s->utterances; u; u = u->next)
        if (tb_utterance_counts(u)) {
            all += tb_speech_rtf(s, u->config.engine);
            speaking++;
        }
    bool for_ever = all <= s->max_load && tb_speech_busy(s) <= s->max_load;
    if (speaking < LEAST || for_ever || tb_demand_fits(s, &newcomer, NULL, s->max_load))
        return TB_OK;
    return tb_fail(err, TB_ELOAD, "%zu voices speak, and a second of speech takes %.2f s: one more would stutter",
                   speaking, tb_speech_rtf(s, engine));
}

static enum tb_code admit_whole(const struct tb_speech *s, struct tb_error *err)
{
    double busy = 0;

    for (const struct tb_utterance *u = s->utterances; u; u = u->next)
        if (!u->closed && !u->ended && u->config.whole)
            busy += (double)tb_utterance_left_us(u) * tb_speech_rtf(s, u->config.engine);
    if (busy <= QUEUE_US)
        return TB_OK;
    return tb_fail(err, TB_ELOAD, "%.0f s of computing wait to be done", busy / 1e6);
}

enum tb_code tb_speech_admit(const struct tb_speech *s, const struct tb_engine *engine, bool whole, size_t letters,
                             struct tb_error *err)
{
    if (s->open >= s->most)
        return tb_fail(err, TB_EBUSY, "%zu utterances are open, the most there may be", s->most);
    return whole ? admit_whole(s, err) : admit_listener(s, engine, letters, err);
}
