/* admit.c - what speech costs on this machine now, and whether one more voice still fits.
 *
 * Everybody who listens needs, from the moment when the audio made so far ends, one second of audio in every second,
 * each of which takes `rtf` seconds of computing, more with one engine than with another. A newcomer is admitted when
 * for every moment to come the computing that is due by then fits into a part of the time till then (max_load). What is
 * due is a sum of ramps, so it is enough to look at the ends of the ramps. The cost includes whatever else the machine
 * does: it is measured by the wall clock. */
#include "base/limits.h"
#include "speech/speech_priv.h"

enum {
    HORIZON_US = 10 * 1000 * 1000, /* text goes on for so long where its end is not known; and nobody looks further */
    PATIENCE_US = 1000 * 1000,     /* who has heard nothing yet may begin so late */
    MEMORY_US = 60 * 1000 * 1000,  /* of audio */
    PRIOR_US = 10 * 1000 * 1000,   /* of audio: what the guess before the first measurement weighs */
    LEAST = 2,                     /* voices always go together: who hangs up and calls again meets himself */
    SLOW_CHARACTERS = 8,           /* a second: letters are twice as fast, ideographs half */
    FORGETS = 32,                  /* steps after which a long one is forgotten, about */
    PRIOR_POINTS = 20,             /* code points: what the guess before the first measurement weighs */
    QUEUE_US = 120 * 1000 * 1000   /* of computing that whole files may be waiting for; clients wait for 300 s */
};

static const double PRIOR_RTF = 0.25;

/* From when to when someone listens to what is still to be made. */
struct ramp {
    int64_t from_us, to_us;
};

/* NULL: nothing is known of it yet. */
static const struct tb_cost *find_cost(const struct tb_speech *s, const struct tb_engine *engine)
{
    for (int i = 0; i < TB_COSTS && s->costs[i].engine; i++)
        if (s->costs[i].engine == engine)
            return &s->costs[i];
    return NULL;
}

void tb_speech_note_cost(struct tb_speech *s, const struct tb_engine *engine, int64_t busy_us, int64_t audio_us)
{
    int i = 0;

    while (i < TB_COSTS - 1 && s->costs[i].engine && s->costs[i].engine != engine)
        i++;
    struct tb_cost *c = &s->costs[i];
    c->engine = engine;
    c->step_us = audio_us > c->step_us ? audio_us : c->step_us - c->step_us / FORGETS;
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

int64_t tb_speech_step_us(const struct tb_speech *s, const struct tb_engine *engine)
{
    const struct tb_cost *c = find_cost(s, engine);

    return c ? c->step_us : 0;
}

void tb_speech_note_length(struct tb_speech *s, size_t code_points, int64_t audio_us)
{
    s->said_points += (double)code_points;
    s->said_us += (double)audio_us;
    if (s->said_us > MEMORY_US) {
        s->said_points /= 2;
        s->said_us /= 2;
    }
}

int64_t tb_speech_length_of_us(const struct tb_utterance *u, size_t code_points)
{
    const struct tb_speech *s = u->speech;
    double prior = (s->said_us + (double)tb_speech_length_us(PRIOR_POINTS)) / (s->said_points + PRIOR_POINTS);
    double own = ((double)u->spoken_us + prior * PRIOR_POINTS) / (double)(u->spoken + PRIOR_POINTS);

    return (int64_t)(own * (double)code_points);
}

int64_t tb_speech_length_us(size_t code_points)
{
    return (int64_t)code_points * 1000000 / SLOW_CHARACTERS;
}

static int64_t within_horizon(int64_t us)
{
    return us < HORIZON_US ? us : HORIZON_US;
}

static struct ramp ramp_of(const struct tb_utterance *u, int64_t now)
{
    int64_t from = u->heard_us ? tb_utterance_deadline(u) : (u->asked_us ? u->asked_us : now) + PATIENCE_US;
    bool known = u->finishing || u->config.expected;

    from = from > now ? from : now;
    return (struct ramp){ from, from + within_horizon(known ? tb_utterance_left_us(u) : HORIZON_US) };
}

static bool counts(const struct tb_utterance *u)
{
    return !u->closed && !u->ended && !u->config.whole;
}

/* Audio due by `at`. */
static double due(const struct ramp *r, int64_t at)
{
    int64_t end = at < r->to_us ? at : r->to_us;

    return end > r->from_us ? (double)(end - r->from_us) : 0.0;
}

static bool fits_at(const struct tb_speech *s, const struct tb_engine *engine, const struct ramp *newcomer, int64_t now,
                    int64_t at)
{
    double busy = due(newcomer, at) * tb_speech_rtf(s, engine);

    for (const struct tb_utterance *u = s->utterances; u; u = u->next)
        if (counts(u)) {
            struct ramp r = ramp_of(u, now);
            busy += due(&r, at) * tb_speech_rtf(s, u->config.engine);
        }
    return busy <= s->max_load * (double)(at - now);
}

static enum tb_code admit_listener(const struct tb_speech *s, const struct tb_engine *engine, size_t expected,
                                   struct tb_error *err)
{
    int64_t now = s->now_us(), from = now + PATIENCE_US;
    struct ramp newcomer = { from, from + (expected ? within_horizon(tb_speech_length_us(expected)) : HORIZON_US) };
    bool fits = fits_at(s, engine, &newcomer, now, newcomer.to_us);
    size_t speaking = 0;

    for (const struct tb_utterance *u = s->utterances; u; u = u->next)
        if (counts(u)) {
            speaking++;
            fits = fits && fits_at(s, engine, &newcomer, now, ramp_of(u, now).to_us);
        }
    if (fits || speaking < LEAST)
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

enum tb_code tb_speech_admit(const struct tb_speech *s, const struct tb_engine *engine, bool whole, size_t expected,
                             struct tb_error *err)
{
    if (s->open >= s->most)
        return tb_fail(err, TB_EBUSY, "%zu utterances are open, the most there may be", s->most);
    return whole ? admit_whole(s, err) : admit_listener(s, engine, expected, err);
}
