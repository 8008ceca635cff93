/* stream.c - see stream.h. Time is counted in frames of 25 ms. */
#include "engine/kokoro/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kokoro/decoder.h"
#include "engine/kokoro/generator.h"

enum {
    WHOLE = 40,      /* frames of speech up to which a pass is not cut: 1 s */
    FIRST = 22,      /* of the first window, after the first sound: 550 ms */
    LAST_LEAST = 24, /* of the last: less is spoken with the window before */
    LEAD = 2,        /* kept before the first sound, */
    TAIL = 8,        /* and after the last */
    SEARCHED = 7,    /* at the end of a window for a quiet place to end it at */
    AROUND = 4,      /* computed before and after what is spoken: what its ends depend on */
    FADE = 480,      /* samples of a cross-fade, 20 ms */
    LEVELS = 32,     /* classes of planned energy, */
    CLASSES = 2 * LEVELS, /* without pitch and with it */
    KIN = 4          /* classes so near count for each other */
};

static const float silent = -5.0f;  /* planned energy: about -9.5 in silence, 2 to 9 in speech */
static const float pitched = 30.0f; /* Hz: planned pitch is 12 to 20 in silence */
static const float first_level = -10.0f, level_step = 0.6f;
static const float kinship[KIN] = { 1.0f, 0.3f, 0.01f, 1e-4f };

/* What is spoken when a window is out, over what was before: a window must be made while the one before it plays. */
static const float growth = 2.2f;

struct tb_kokoro_stream {
    const struct tb_kokoro_model *model;
    struct tb_kokoro_plan plan;     /* ours */
    int onset, end;                 /* where speech begins, and where the last window ends */
    int at, to;                     /* what is spoken so far; where the next window may end */
    bool begun;
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

static int class_of(const struct tb_kokoro_stream *s, int frame)
{
    int level = (int)((energy(s, frame) - first_level) / level_step);
    bool voiced = s->plan.f0.p[2 * frame] + s->plan.f0.p[2 * frame + 1] > 2.0f * pitched;

    return (voiced ? LEVELS : 0) + (level < 0 ? 0 : level >= LEVELS ? LEVELS - 1 : level);
}

static void count(const struct tb_kokoro_stream *s, int from, int to, float *classes)
{
    memset(classes, 0, CLASSES * sizeof *classes);
    for (int f = from; f < to; f++)
        classes[class_of(s, f)] += 1.0f;
}

/* Near classes are those of about the same level, on the same side of voicing. */
static float nearness(int a, int b)
{
    int far = abs(a - b);

    return far < KIN && a / LEVELS == b / LEVELS ? kinship[far] : 0.0f;
}

/* How much each frame of a window counts, w [to - from]: each frame of the pass counts for those of the window that are
 * planned most like it, if there are any. */
static void weigh(const struct tb_kokoro_stream *s, const struct window *win, float *w)
{
    float all[CLASSES], here[CLASSES], share[CLASSES] = { 0 };

    count(s, 0, s->plan.frames, all);
    count(s, win->from, win->to, here);
    for (int i = 0; i < CLASSES; i++) {
        float kin = 0.0f;

        for (int j = 0; j < CLASSES; j++)
            kin += nearness(i, j) * here[j];
        for (int j = 0; j < CLASSES && kin > 0.0f; j++)
            share[j] += all[i] * nearness(i, j) / kin;
    }
    for (int f = win->from; f < win->to; f++)
        w[f - win->from] = share[class_of(s, f)];
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
    int from = s->onset - LEAD - AROUND, end;

    if (s->end - s->to < LAST_LEAST)
        return (struct window){ 0, s->plan.frames, s->at, s->end };
    end = quiet_place(s, s->to);
    return (struct window){ from < 0 ? 0 : from, end + AROUND, s->at, end };
}

/* Samples of the frames of a window. */
static enum tb_code render(const struct tb_kokoro_run *run, const struct tb_kokoro_stream *s, const struct window *w,
                           struct tb_mat *pcm, struct tb_error *err)
{
    int n = w->to - w->from;
    struct tb_kokoro_voicing voicing[TB_KOKORO_BLOCKS];
    struct tb_kokoro_weights weights = { .frames = n };
    struct tb_mat hidden;
    float *counts;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, 1, TB_KOKORO_FRAME * n, pcm, err)) ||
        (rc = tb_scratch_mat(run->scratch, TB_KOKORO_WIDTH, 2 * n, &hidden, err)) ||
        (rc = tb_scratch_floats(run->scratch, (size_t)n, &counts, err)))
        return rc;
    weigh(s, w, counts);
    weights.w = counts;
    for (int i = 0; i < TB_KOKORO_BLOCKS; i++)
        voicing[i] = (struct tb_kokoro_voicing){ s->styles[i], n < s->plan.frames ? &weights : NULL };
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
    enum tb_code rc = render(run, s, &w, &made, err);

    if (rc)
        return rc;
    *pcm = tb_mat_cols(made, TB_KOKORO_FRAME * (w.spoken - w.from), TB_KOKORO_FRAME * (w.end - w.spoken));
    join(s, &w, *pcm);
    s->begun = true;
    s->at = w.end;
    s->to = s->onset + (int)(growth * (float)(w.end - s->onset));
    s->to = s->to < s->end ? s->to : s->end;
    *more = w.end < s->end;
    return TB_OK;
}

/* Where speech begins and ends, and with it the windows. */
static void survey(struct tb_kokoro_stream *s, bool whole)
{
    int n = s->plan.frames, last = 0;

    s->onset = n;
    for (int c = 0; c < 2 * n; c++)
        if (s->plan.energy.p[c] > silent) {
            s->onset = c / 2 < s->onset ? c / 2 : s->onset;
            last = c / 2 + 1;
        }
    s->end = s->to = n;
    if (whole || last - s->onset < WHOLE) /* also when all is silent */
        return;
    s->end = last + TAIL < n ? last + TAIL : n;
    s->at = s->onset > LEAD ? s->onset - LEAD : 0;
    s->to = s->onset + FIRST;
}

enum tb_code tb_kokoro_stream_open(const struct tb_kokoro_model *model, const struct tb_kokoro_plan *plan,
                                   const float (*styles)[TB_KOKORO_HALF], bool whole, struct tb_kokoro_stream **out,
                                   struct tb_error *err)
{
    struct tb_kokoro_stream *s = calloc(1, sizeof *s);
    int n = plan->frames;
    float *p = malloc(((size_t)TB_KOKORO_WIDTH + 4) * (size_t)n * sizeof *p);

    *out = s;
    if (!s || !p) {
        free(p);
        free(s);
        *out = NULL;
        return tb_fail(err, TB_ENOMEM, "kokoro: a pass of %d frames", n);
    }
    s->model = model;
    s->plan = (struct tb_kokoro_plan){ .frames = n, .text = { p, TB_KOKORO_WIDTH, n, n } };
    s->plan.f0 = (struct tb_mat){ tb_mat_row(s->plan.text, TB_KOKORO_WIDTH), 1, 2 * n, 2 * n };
    s->plan.energy = (struct tb_mat){ s->plan.f0.p + 2 * n, 1, 2 * n, 2 * n };
    tb_copy(plan->text, s->plan.text);
    tb_copy(plan->f0, s->plan.f0);
    tb_copy(plan->energy, s->plan.energy);
    memcpy(s->styles, styles, sizeof s->styles);
    survey(s, whole);
    return TB_OK;
}

void tb_kokoro_stream_close(struct tb_kokoro_stream *s)
{
    if (!s)
        return;
    free(s->plan.text.p);
    free(s);
}
