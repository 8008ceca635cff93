/* order.c - who computes next (speech_priv.h).
 *
 * Everybody is due at some time: a listener when all audio made for him has been heard, or 150 ms after he asked where
 * he hears nothing; other work (turn.c) when it was promised. The earliest goes first, with two exceptions.
 *
 * Nothing that could as well begin a little later makes a listener stutter: neither a first sound nor other work goes
 * before the next sounds of those who hear something, unless all of these should still come in time; each is guessed
 * from its text and from what a second of speech costs here. Between the two, a first sound gives way to other work
 * that was due within a second of it.
 *
 * And whole files take what listeners can spare: late files, as many at once must be, would all be due before any
 * listener. The step of a file is interrupted by any listener; that of a listener by other work alone, as a first sound
 * that came early would be heard to its end while the other step is still to be finished. */
#include "speech/speech_priv.h"

enum {
    SPARED_US = 4 * 1000 * 1000, /* whole files leave listeners alone who have less left to hear */
    SLICE_US = 150 * 1000,       /* the most that a slice of other work should take, and some reserve */
    PATIENCE_US = 1000 * 1000,   /* so long a first sound is put off for others */
    RUDE_US = 10 * 1000 * 1000   /* so late, other work no longer spares who has little left to hear */
};

/* Is it in the middle of something that must not break off? */
static bool hears(const struct tb_utterance *u)
{
    return u->heard_us && u->asked_us < u->heard_us;
}

static bool wants_cores(const struct tb_utterance *u)
{
    return !u->config.whole && !u->closed && (u->busy || tb_utterance_ready(u));
}

/* Computing time of its step under way, or of the next one; at a guess. */
static int64_t cost_us(const struct tb_speech *s, const struct tb_utterance *u)
{
    double step = tb_speech_rtf(s, u->config.engine) * (double)tb_utterance_next_us(u);
    int64_t cost = (int64_t)step - (u->busy ? u->done_us : 0);

    return cost > 0 ? cost : 0;
}

/* Do all who hear something get their next sounds in time, the earliest first, when other work comes before? */
static bool all_in_time(const struct tb_speech *s, int64_t now, int64_t other_us)
{
    for (const struct tb_utterance *u = s->utterances; u; u = u->next) {
        int64_t deadline = tb_utterance_deadline(u), end = now + other_us;

        if (!wants_cores(u) || !hears(u))
            continue;
        for (const struct tb_utterance *v = s->utterances; v; v = v->next)
            if (wants_cores(v) && hears(v) && tb_utterance_deadline(v) <= deadline)
                end += cost_us(s, v);
        if (end > deadline)
            return false;
    }
    return true;
}

/* The one that is due first, of those that are ready and `heard` is so of. */
static struct tb_utterance *first_due(const struct tb_speech *s, bool whole, bool heard)
{
    struct tb_utterance *best = NULL;

    for (struct tb_utterance *u = s->utterances; u; u = u->next)
        if (u->config.whole == whole && (whole || hears(u) == heard) && tb_utterance_ready(u) &&
            (!best || tb_utterance_deadline(u) < tb_utterance_deadline(best)))
            best = u;
    return best;
}

static struct tb_utterance *next_listener(const struct tb_speech *s, int64_t now)
{
    struct tb_utterance *hearing = first_due(s, false, true), *first = first_due(s, false, false);

    if (!hearing || !first)
        return hearing ? hearing : first;
    if (tb_utterance_deadline(hearing) <= tb_utterance_deadline(first))
        return hearing;
    return now > tb_utterance_deadline(first) + PATIENCE_US || all_in_time(s, now, cost_us(s, first)) ? first : hearing;
}

struct tb_utterance *tb_speech_next(const struct tb_speech *s)
{
    int64_t now = s->now_us();
    struct tb_utterance *listener = next_listener(s, now), *file = first_due(s, true, false);

    if (s->halted)
        return NULL;
    if (!listener || !file)
        return listener ? listener : file;
    int64_t heard = tb_utterance_deadline(listener);
    return heard < now + SPARED_US || heard <= tb_utterance_deadline(file) ? listener : file;
}

struct tb_utterance *tb_speech_intruder(const struct tb_speech *s)
{
    int64_t now = s->now_us();
    struct tb_utterance *u = s->top->config.whole && !s->halted ? next_listener(s, now) : NULL;

    return u && tb_utterance_deadline(u) < now + SPARED_US ? u : NULL;
}

bool tb_speech_guest_may(const struct tb_speech *s, const struct tb_guest *g)
{
    int64_t now = s->now_us();

    if (s->halted || now > g->due_us + RUDE_US)
        return true;
    for (const struct tb_utterance *u = s->utterances; u; u = u->next)
        if (wants_cores(u) && !hears(u) && tb_utterance_deadline(u) + PATIENCE_US <= g->due_us)
            return false;
    return all_in_time(s, now, SLICE_US);
}
