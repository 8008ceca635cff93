/* order.c - who computes next (speech_priv.h).
 *
 * Everybody is due at some time: a listener when all audio made for him has been heard, or 150 ms after he asked where
 * he hears nothing; other work (turn.c) when it was promised. The earliest goes first, whether its step begins or goes
 * on where it stood still, with two exceptions.
 *
 * Nothing that could as well be done a little later makes a listener stutter: neither a first sound nor other work
 * takes a slice before the next sounds of those who hear something, unless all of these should still come in time; each
 * is guessed from its text and from what a second of speech costs here. And a first sound is let out only where there
 * is time for all that is due later (demand.c): from then on its listener, too, must not run dry. It has waited long
 * enough after 2.25 s, and gives way to other work that was due within a second of it.
 *
 * And whole files take what listeners can spare: late files, as many at once must be, would all be due before any
 * listener. Other work that is due in ten minutes or later (a voice is prepared) waits for files, too. One file at a
 * time is under way. Where no runner is free, the steps that are under way go on first. */
#include "speech/speech_priv.h"

enum {
    RESERVE = 2,                 /* slices, for what was guessed too low */
    SPARED_US = 4 * 1000 * 1000, /* whole files leave listeners alone who have less left to hear */
    SLICE_US = 150 * 1000,       /* the most that a slice of other work should take, and some reserve */
    PATIENCE_US = 1000 * 1000,   /* so long a first sound is put off for other work */
    LATE_US = 2250 * 1000,       /* and so long for listeners: admission promises 1.75 s (demand.c) */
    IDLE_US = 600 * 1000 * 1000, /* what is due so much later waits for everybody */
    RUDE_US = 10 * 1000 * 1000   /* so late, other work no longer spares who has little left to hear */
};

static const double TOO_LOW = 1.3;    /* guesses of what a step costs are rarely further off than by this factor */
static const double FIRST_LOAD = 0.9; /* of the time, that may be due to listeners when a first sound is let out */

static bool wants_cores(const struct tb_utterance *u)
{
    return !u->config.whole && !u->closed && (u->runner || tb_utterance_ready(u));
}

/* Computing time of its step under way, or of the next one; at a guess that is rather too high. */
static int64_t cost_us(const struct tb_speech *s, const struct tb_utterance *u)
{
    double step = TOO_LOW * tb_speech_rtf(s, u->config.engine) * (double)tb_utterance_next_us(u);
    int64_t cost = (int64_t)step - (u->runner ? u->done_us : 0);

    return cost > 0 ? cost : 0;
}

/* Do all who hear something get their next sounds in time, the earliest first, when other work comes before? */
static bool all_in_time(const struct tb_speech *s, int64_t now, int64_t other_us)
{
    for (const struct tb_utterance *u = s->utterances; u; u = u->next) {
        int64_t deadline = tb_utterance_deadline(u), end = now + other_us;

        if (!wants_cores(u) || !tb_utterance_hears(u))
            continue;
        for (const struct tb_utterance *v = s->utterances; v; v = v->next)
            if (wants_cores(v) && tb_utterance_hears(v) && tb_utterance_deadline(v) <= deadline)
                end += cost_us(s, v);
        if (end > deadline)
            return false;
    }
    return true;
}

static bool runner_free(const struct tb_speech *s)
{
    for (int i = 0; i < TB_RUNNERS; i++)
        if (!s->runners[i].u)
            return true;
    return false;
}

static bool sooner(const struct tb_utterance *u, const struct tb_utterance *best)
{
    return !best || tb_utterance_deadline(u) < tb_utterance_deadline(best);
}

/* The listener that is due first, of those that can go on and hear something, or do not. */
static struct tb_utterance *first_due(const struct tb_speech *s, bool heard)
{
    bool may_begin = runner_free(s);
    struct tb_utterance *best = NULL;

    for (struct tb_utterance *u = s->utterances; u; u = u->next)
        if (!u->config.whole && tb_utterance_hears(u) == heard && (u->runner || (may_begin && tb_utterance_ready(u))) &&
            sooner(u, best))
            best = u;
    return best;
}

/* May `first`, which is not heard yet, take a slice before those who hear something? They should get their next sounds
 * in time, and all sounds after these: also `first`, who from then on is one of them. */
static bool first_may(const struct tb_speech *s, const struct tb_utterance *first, int64_t now)
{
    int64_t slice = tb_speech_slice_us(s, first->config.engine), cost = cost_us(s, first);
    int64_t until_pause = first->runner || slice < cost ? slice : cost;
    struct tb_demand then = tb_demand_after_first(first, cost);

    return now > tb_utterance_deadline(first) + LATE_US ||
           (all_in_time(s, now, until_pause + RESERVE * slice) && tb_demand_fits(s, &then, first, FIRST_LOAD));
}

static struct tb_utterance *next_listener(const struct tb_speech *s, int64_t now)
{
    struct tb_utterance *hearing = first_due(s, true), *first = first_due(s, false);

    if (!hearing || !first)
        return hearing ? hearing : first;
    return tb_utterance_deadline(first) < tb_utterance_deadline(hearing) && first_may(s, first, now) ? first : hearing;
}

/* The file that is under way, or else the one that is due first. */
static struct tb_utterance *next_file(const struct tb_speech *s)
{
    bool may_begin = runner_free(s);
    struct tb_utterance *best = NULL;

    for (struct tb_utterance *u = s->utterances; u; u = u->next) {
        if (u->config.whole && u->runner)
            return u;
        if (u->config.whole && may_begin && tb_utterance_ready(u) && sooner(u, best))
            best = u;
    }
    return best;
}

struct tb_utterance *tb_speech_left_alone(const struct tb_speech *s)
{
    for (int i = 0; i < TB_RUNNERS; i++)
        if (s->runners[i].u && s->runners[i].u->closed)
            return s->runners[i].u;
    return NULL;
}

struct tb_utterance *tb_speech_next(const struct tb_speech *s)
{
    int64_t now = s->now_us();
    struct tb_utterance *listener, *file, *closed = tb_speech_left_alone(s);

    if (closed || s->halted)
        return closed;
    listener = next_listener(s, now);
    file = next_file(s);
    if (!listener || !file)
        return listener ? listener : file;
    int64_t heard = tb_utterance_deadline(listener);
    return heard < now + SPARED_US || heard <= tb_utterance_deadline(file) ? listener : file;
}

bool tb_speech_guest_may(const struct tb_speech *s, const struct tb_guest *g)
{
    int64_t now = s->now_us();

    if (s->halted || now > g->due_us + RUDE_US)
        return true;
    if (g->due_us > now + IDLE_US)
        return !tb_speech_next(s);
    for (const struct tb_utterance *u = s->utterances; u; u = u->next)
        if (wants_cores(u) && !tb_utterance_hears(u) && tb_utterance_deadline(u) + PATIENCE_US <= g->due_us)
            return false;
    return all_in_time(s, now, SLICE_US);
}
