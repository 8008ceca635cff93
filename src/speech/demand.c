/* demand.c - what is due to those who listen, and whether one more fits beside it.
 *
 * Sound comes in steps: when the audio made so far ends, all of the next step has to be there, and when that ends all
 * of the one after it. How long the later ones are nobody knows, but no longer than the longest of late; so what is due
 * jumps by a step, and then grows with what is heard, always such a step ahead, until all is made. One second of it
 * takes `rtf` seconds of computing, by the wall clock: the cost includes whatever else the machine does.
 *
 * All fits when for every moment to come the computing that is due by then fits into the time till then, or a part of
 * it. With steps that can stand still, earliest deadline first, that is enough for nobody to run dry. What is due grows
 * no faster than time but where it jumps, and ends at a kink, so it is enough to look there. */
#include "base/limits.h"
#include "speech/speech_priv.h"

enum {
    HORIZON_US = 10 * 1000 * 1000, /* text goes on for so long where its end is not known; and nobody looks further */
    PATIENCE_US = 1750 * 1000      /* who has heard nothing yet may begin so late */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

bool tb_utterance_counts(const struct tb_utterance *u)
{
    bool reads = u->runner || u->waiting_bytes <= TB_MAX_OUTBOX; /* who does not has 22 s to hear when he does again */

    return !u->closed && !u->ended && !u->config.whole && reads;
}

/* When the audio made so far ends. Who has heard nothing yet, or all there was and no text waits, may begin later. */
static int64_t due_from(const struct tb_utterance *u, int64_t now)
{
    int64_t heard = tb_utterance_deadline(u);

    if (tb_utterance_hears(u) && (u->asked_us || heard > now))
        return heard;
    return (u->asked_us ? u->asked_us : now) + PATIENCE_US;
}

static struct tb_demand demand_of(const struct tb_utterance *u, int64_t now)
{
    int64_t from = due_from(u, now);
    bool known = u->finishing || u->config.expected;
    int64_t left = least(known ? tb_utterance_left_us(u) : HORIZON_US, HORIZON_US);

    return (struct tb_demand){ .from_us = from > now ? from : now,
                               .first_us = least(left, tb_utterance_next_us(u)),
                               .step_us = tb_speech_step_us(u->speech, u->config.engine, false),
                               .left_us = left,
                               .rtf = tb_speech_rtf(u->speech, u->config.engine),
                               .done_us = u->runner ? u->done_us : 0 };
}

struct tb_demand tb_demand_of_newcomer(const struct tb_speech *s, const struct tb_engine *engine, size_t letters)
{
    int64_t left = letters ? least(tb_speech_lately_us(s, letters), HORIZON_US) : HORIZON_US;

    return (struct tb_demand){ .from_us = s->now_us() + PATIENCE_US,
                               .first_us = least(left, tb_speech_step_us(s, engine, true)),
                               .step_us = tb_speech_step_us(s, engine, false),
                               .left_us = left,
                               .rtf = tb_speech_rtf(s, engine) };
}

struct tb_demand tb_demand_after_first(const struct tb_utterance *u, int64_t cost_us)
{
    int64_t now = u->speech->now_us(), first = tb_utterance_next_us(u);
    struct tb_demand d = demand_of(u, now);

    d.left_us = d.left_us > first ? d.left_us - first : 0;
    d.first_us = least(d.left_us, d.step_us);
    d.from_us = now + cost_us + first;
    d.done_us = -cost_us;
    return d;
}

/* Computing time due by `at`. */
static double due(const struct tb_demand *d, int64_t at)
{
    int64_t heard = at - d->from_us, audio = heard < d->first_us ? d->first_us : heard + d->step_us;
    double busy = d->rtf * (double)least(audio, d->left_us) - (double)d->done_us;

    return heard < 0 || busy < 0 ? 0 : busy;
}

static bool fits_at(const struct tb_speech *s, const struct tb_demand *more, const struct tb_utterance *but,
                    double load, int64_t now, int64_t at)
{
    double busy = due(more, at);

    for (const struct tb_utterance *u = s->utterances; u; u = u->next)
        if (u != but && tb_utterance_counts(u)) {
            struct tb_demand d = demand_of(u, now);

            busy += due(&d, at);
        }
    return busy <= load * (double)(at - now);
}

bool tb_demand_fits(const struct tb_speech *s, const struct tb_demand *more, const struct tb_utterance *but,
                    double load)
{
    const struct tb_utterance *u = s->utterances;
    struct tb_demand d = *more;
    int64_t now = s->now_us();

    for (;;) {
        int64_t jump = d.from_us + d.first_us, end = d.from_us + d.left_us - d.step_us;

        if (!fits_at(s, more, but, load, now, d.from_us) || !fits_at(s, more, but, load, now, jump) ||
            (end > jump && !fits_at(s, more, but, load, now, end)))
            return false;
        while (u && (u == but || !tb_utterance_counts(u)))
            u = u->next;
        if (!u)
            return true;
        d = demand_of(u, now);
        u = u->next;
    }
}
