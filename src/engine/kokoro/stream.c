/* stream.c - see stream.h. Time is counted in frames of 25 ms. */
#include "engine/kokoro/stream.h"

#include <stdlib.h>
#include <string.h>

#include "engine/kokoro/decoder.h"
#include "engine/kokoro/generator.h"

enum {
    WHOLE = 40,      /* frames of speech up to which a pass is not cut: 1 s */
    FIRST = 22,      /* of the first window, after the first sound: 550 ms */
    LEAD = 2,        /* kept before the first sound, */
    TAIL = 8,        /* and after the last */
    SEARCHED = 7,    /* at the end of a window for a quiet place to end it at */
    BEFORE = 8,      /* computed before what is spoken, */
    AFTER = 4,       /* and after it: what its ends depend on */
    STEADY = 2,      /* frames after what is spoken that keep their pitch when the rest of the pass is planned, */
    BLEND = 8,       /* and those in which the new plan takes over */
    FADE = 480       /* samples of a cross-fade, 20 ms */
};

static const float silent = -5.0f; /* planned energy: about -9.5 in silence, 2 to 9 in speech */

/* What is spoken when a window is out, over what was before: a window must be made while the one before it plays. The
 * last one costs the whole pass, so much of that must be spoken before it, and to get there a window may be longer. */
static const float growth = 2.5f, last_growth = 2.6f, most_growth = 3.5f;

struct tb_kokoro_stream {
    const struct tb_kokoro_model *model;
    struct tb_kokoro_plan plan;     /* ours */
    int certain;                    /* frames up to which the plan stays as it is */
    int onset, end;                 /* where speech begins, and where the last window ends */
    int at, to;                     /* what is spoken so far; where the next window may end */
    bool begun;
    const struct tb_kokoro_past *past; /* NULL: one window */
    struct tb_kokoro_past *seen;    /* may be NULL */
    uint8_t *kinds;                 /* [plan.frames] */
    float styles[TB_KOKORO_BLOCKS][TB_KOKORO_HALF];
    float faded[FADE];              /* what the last window would have gone on with */
};

/* Frames computed at once, and those of them that are spoken. */
struct window {
    int from, to;
    int spoken, end;
};

static float energy(const struct tb_kokoro_stream *s, int frame)
{
    return 0.5f * (s->plan.energy.p[2 * frame] + s->plan.energy.p[2 * frame + 1]);
}

/* The quietest border of two frames in the last SEARCHED before `to`. */
static int quiet_place(const struct tb_kokoro_stream *s, int to)
{
    int best = to;

    for (int f = to - 1; f >= to - SEARCHED && f > s->at; f--)
        if (energy(s, f - 1) + energy(s, f) < energy(s, best - 1) + energy(s, best))
            best = f;
    return best;
}

static struct window next_window(const struct tb_kokoro_stream *s)
{
    int from = s->at - (s->begun ? BEFORE : AFTER), end;

    if (s->to >= s->end && s->certain == s->plan.frames)
        return (struct window){ 0, s->plan.frames, s->at, s->end };
    if (s->to + AFTER > s->certain) /* too little is known to speak of it */
        return (struct window){ s->at, s->at, s->at, s->at };
    end = quiet_place(s, s->to);
    return (struct window){ from < 0 ? 0 : from, end + AFTER, s->at, end };
}

/* Where the window after what is spoken may end. */
static int next_end(const struct tb_kokoro_stream *s)
{
    float spoken = (float)(s->at - s->onset), all = (float)(s->end - s->onset), enough = all / last_growth;

    if (spoken + SEARCHED >= enough || s->end - s->at < FIRST)
        return s->end;
    return s->onset + (int)(enough < most_growth * spoken ? enough : growth * spoken) + 1;
}

/* Samples of the frames of a window. */
static enum tb_code render(const struct tb_kokoro_run *run, const struct tb_kokoro_stream *s, const struct window *w,
                           struct tb_mat *pcm, struct tb_error *err)
{
    int n = w->to - w->from;
    bool whole = n == s->plan.frames;
    struct tb_kokoro_voicing voicing[TB_KOKORO_BLOCKS];
    struct tb_kokoro_norms norms = { .frames = n, .kinds = s->kinds + w->from };
    struct tb_mat hidden;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, 1, TB_KOKORO_FRAME * n, pcm, err)) ||
        (rc = tb_scratch_mat(run->scratch, TB_KOKORO_WIDTH, 2 * n, &hidden, err)))
        return rc;
    norms.past = whole ? NULL : s->past;
    norms.seen = whole ? s->seen : NULL;
    tb_norms_count(s->kinds, s->plan.frames, norms.share);
    for (int i = 0; i < TB_KOKORO_BLOCKS; i++)
        voicing[i] = (struct tb_kokoro_voicing){ s->styles[i], norms.past || norms.seen ? &norms : NULL };
    rc = tb_kokoro_decoder_run(run, &s->model->decoder, tb_mat_cols(s->plan.text, w->from, n),
                               tb_mat_cols(s->plan.f0, 2 * w->from, 2 * n),
                               tb_mat_cols(s->plan.energy, 2 * w->from, 2 * n), voicing, hidden, err);
    return rc ? rc : tb_kokoro_generator_run(run, &s->model->generator, hidden, s->plan.f0, 2 * w->from, voicing, *pcm,
                                             err);
}

/* Go over from what the last window would have gone on with, and keep what this one would go on with. */
static void join(struct tb_kokoro_stream *s, const struct window *w, struct tb_mat pcm)
{
    size_t after = (size_t)(w->to - w->end) * TB_KOKORO_FRAME;

    for (int i = 0; i < FADE && s->begun && i < pcm.cols; i++)
        pcm.p[i] += (s->faded[i] - pcm.p[i]) * (1.0f - (float)i / FADE);
    memset(s->faded, 0, sizeof s->faded);
    memcpy(s->faded, pcm.p + pcm.cols, (after < FADE ? after : FADE) * sizeof *s->faded);
}

enum tb_code tb_kokoro_stream_next(const struct tb_kokoro_run *run, struct tb_kokoro_stream *s, struct tb_mat *pcm,
                                   bool *more, struct tb_error *err)
{
    struct window w = next_window(s);
    struct tb_mat made;
    enum tb_code rc;

    *more = w.end < s->end || s->certain < s->plan.frames;
    *pcm = (struct tb_mat){ 0 };
    if (w.end == w.spoken)
        return TB_OK;
    if ((rc = render(run, s, &w, &made, err)))
        return rc;
    *pcm = tb_mat_cols(made, TB_KOKORO_FRAME * (w.spoken - w.from), TB_KOKORO_FRAME * (w.end - w.spoken));
    join(s, &w, *pcm);
    s->begun = true;
    s->at = w.end;
    s->to = next_end(s);
    return TB_OK;
}

/* Where speech begins and ends, and with it the windows. */
static void survey(struct tb_kokoro_stream *s)
{
    int n = s->plan.frames, last = 0;

    s->onset = n;
    for (int c = 0; c < 2 * n; c++)
        if (s->plan.energy.p[c] > silent) {
            s->onset = c / 2 < s->onset ? c / 2 : s->onset;
            last = c / 2 + 1;
        }
    s->end = last + TAIL < n ? last + TAIL : n;
    if (s->begun) {
        s->end = s->end > s->at ? s->end : s->at;
        s->to = next_end(s);
    } else if (s->certain == n && (!s->past || last - s->onset < WHOLE)) { /* also when all is silent */
        s->at = 0;
        s->end = s->to = n;
    } else {
        s->at = s->onset > LEAD ? s->onset - LEAD : 0;
        s->to = s->onset + FIRST;
    }
}

/* A copy of a plan, in one piece of memory that begins with its text and ends with the kinds of its frames. */
static enum tb_code copy(const struct tb_kokoro_plan *plan, struct tb_kokoro_plan *out, uint8_t **kinds,
                         struct tb_error *err)
{
    int n = plan->frames;
    float *p = malloc((((size_t)TB_KOKORO_WIDTH + 4) * sizeof *p + sizeof **kinds) * (size_t)n);

    if (!p)
        return tb_fail(err, TB_ENOMEM, "kokoro: a pass of %d frames", n);
    *out = (struct tb_kokoro_plan){ .frames = n, .text = { p, TB_KOKORO_WIDTH, n, n } };
    out->f0 = (struct tb_mat){ tb_mat_row(out->text, TB_KOKORO_WIDTH), 1, 2 * n, 2 * n };
    out->energy = (struct tb_mat){ out->f0.p + 2 * n, 1, 2 * n, 2 * n };
    *kinds = (uint8_t *)(out->energy.p + 2 * n);
    tb_copy(plan->text, out->text);
    tb_copy(plan->f0, out->f0);
    tb_copy(plan->energy, out->energy);
    return TB_OK;
}

enum tb_code tb_kokoro_stream_open(const struct tb_kokoro_model *model, const struct tb_kokoro_plan *plan, int certain,
                                   const float (*styles)[TB_KOKORO_HALF], const struct tb_kokoro_past *past,
                                   struct tb_kokoro_past *seen, struct tb_kokoro_stream **out, struct tb_error *err)
{
    struct tb_kokoro_stream *s = calloc(1, sizeof *s);
    enum tb_code rc = s ? copy(plan, &s->plan, &s->kinds, err) : tb_fail(err, TB_ENOMEM, "kokoro: no memory");

    *out = s;
    if (rc) {
        free(s);
        *out = NULL;
        return rc;
    }
    s->model = model;
    s->certain = certain;
    s->past = past;
    s->seen = seen;
    memcpy(s->styles, styles, sizeof s->styles);
    tb_norms_kinds(s->plan.f0, s->plan.energy, s->kinds);
    survey(s);
    return TB_OK;
}

int tb_kokoro_stream_spoken(const struct tb_kokoro_stream *s)
{
    return s->begun ? s->at : 0;
}

int tb_kokoro_stream_frames(const struct tb_kokoro_stream *s)
{
    return s->plan.frames;
}

/* What is spoken stays as it was, and for a while the curve goes over from the old to the new. */
static void carry_over(const struct tb_kokoro_stream *s, struct tb_mat old, struct tb_mat new)
{
    int steady = 2 * (s->at + STEADY);

    for (int c = 0; c < old.cols && c < new.cols && c < steady + 2 * BLEND; c++)
        new.p[c] += (old.p[c] - new.p[c]) * (c < steady ? 1.0f : 1.0f - (float)(c - steady) / (2 * BLEND));
}

enum tb_code tb_kokoro_stream_go_on(struct tb_kokoro_stream *s, const struct tb_kokoro_plan *plan, struct tb_error *err)
{
    struct tb_kokoro_plan all;
    uint8_t *kinds;
    enum tb_code rc = copy(plan, &all, &kinds, err);

    if (rc)
        return rc;
    if (s->begun) {
        carry_over(s, s->plan.f0, all.f0);
        carry_over(s, s->plan.energy, all.energy);
    }
    free(s->plan.text.p);
    s->plan = all;
    s->kinds = kinds;
    s->certain = all.frames;
    tb_norms_kinds(all.f0, all.energy, kinds);
    survey(s);
    return TB_OK;
}

void tb_kokoro_stream_close(struct tb_kokoro_stream *s)
{
    if (!s)
        return;
    free(s->plan.text.p);
    free(s);
}
