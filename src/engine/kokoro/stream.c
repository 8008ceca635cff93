/* stream.c - see stream.h. Time is counted in columns of the hidden signal, 12.5 ms, two for each frame. */
#include "engine/kokoro/stream.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kokoro/decoder.h"
#include "engine/kokoro/generator.h"
#include "engine/kokoro/source.h"
#include "engine/kokoro/spectrum.h"

enum {
    WHOLE = 80,      /* columns of speech up to which a pass is not cut: 1 s */
    FIRST = 20,      /* of the first window, after the first sound: 250 ms */
    LAST_LEAST = 24, /* of the last: the cut after the last sound is looked for there */
    MOST = 96,       /* of a window; each is half as long again as the one before */
    LEAD = 3,        /* kept before the first sound, */
    TAIL = 16,       /* and after the last */
    BEFORE = 4,      /* computed before the first window, where it is silent, */
    AFTER = 9,       /* and after it: what its end depends on */
    EXCERPT = 8,     /* columns of an excerpt, */
    EDGE = 2,        /* of them on each side that do not count: what lies beyond them is not what they come from */
    EXCERPTS = 5,    /* and how many there are */
    SAMPLE = BEFORE + LEAD + FIRST + AFTER + EXCERPT * (EXCERPTS + 1),
    HISS = 5,        /* columns over which the loudest sound without pitch is looked for */
    SHARED = 4,      /* columns side by side that count alike */
    CROWD = 256,     /* columns that stand for all of the pass when excerpts are chosen */
    HARMONICS = 60,  /* columns of the harmonics' spectrum for each */
    FIXED = 4 * 6 * 2 * (256 + 128) /* floats of the generator's norms: 4 blocks with 6 in each stage */
};

static const float silent = -5.0f; /* planned energy: about -9.5 in silence, 2 to 9 in speech */
static const float pitched = 10.0f; /* Hz: the source has no harmonics below */

struct tb_kokoro_stream {
    const struct tb_kokoro_model *model;
    int columns;          /* of the pass */
    int onset, end;       /* where speech begins, and where the last window ends */
    int hiss;             /* where the loudest sound without pitch is */
    int at, window;       /* what is spoken so far; length of the next window */
    bool whole, begun;    /* begun: the norms are found, and the first window is out */
    struct tb_kokoro_voicing voicing[TB_KOKORO_BLOCKS];
    float styles[TB_KOKORO_BLOCKS][TB_KOKORO_HALF];
    float fixed[FIXED], ceiling[TB_SPECTRUM_BINS];
    struct tb_mat hidden; /* [512][columns] */
    struct tb_mat f0;     /* [1][columns] */
};

/* The columns of a sample: where each comes from, and how much it counts. */
struct sample {
    int n, window; /* how many, of which `window` are the first window */
    int from[SAMPLE];
    float weight[SAMPLE];
};

/* Fixed norms, of the generator's blocks, lie in their order. */
static void lay_out_norms(struct tb_kokoro_stream *s)
{
    const struct tb_kokoro_generator *g = &s->model->generator;
    float *at = s->fixed;

    for (int i = 0; i < TB_KOKORO_BLOCKS; i++) {
        s->voicing[i] = (struct tb_kokoro_voicing){ .style = s->styles[i] };
        if (i < TB_KOKORO_BLOCKS - 8 || s->whole)
            continue;
        s->voicing[i].fixed = at;
        s->voicing[i].ceiling = s->ceiling;
        at += 6 * 2 * (i < 7 ? g->noise_res[i - 5] : g->res[i - 7]).norm1[0].channels;
    }
    assert(s->whole || at == s->fixed + FIXED);
}

/* Columns of the pass to be represented: every `step`-th, as rows. */
struct crowd {
    int n, step;
    struct tb_mat rows;   /* [n][512] */
    float *power;         /* [n]: square of the length */
    float *distance;      /* [n]: square, to the nearest column of the sample; */
    float *nearer;        /* [n]: room for the distances to one */
};

/* Squares of the distances between all of the crowd and column c of the pass. */
static void measure(const struct crowd *crowd, struct tb_mat hidden, int c, float *out)
{
    float x[TB_KOKORO_WIDTH], power = 0.0f;

    for (int i = 0; i < TB_KOKORO_WIDTH; i++) {
        x[i] = tb_mat_row(hidden, i)[c];
        power += x[i] * x[i];
    }
    tb_matvec(NULL, crowd->rows.p, NULL, crowd->n, TB_KOKORO_WIDTH, x, out);
    for (int i = 0; i < crowd->n; i++)
        out[i] = crowd->power[i] + power - 2.0f * out[i];
}

static enum tb_code assemble(const struct tb_kokoro_run *run, struct tb_mat hidden, struct crowd *crowd,
                             struct tb_error *err)
{
    enum tb_code rc;

    crowd->step = (hidden.cols + CROWD - 1) / CROWD;
    crowd->n = (hidden.cols + crowd->step - 1) / crowd->step;
    if ((rc = tb_scratch_floats(run->scratch, (size_t)crowd->n * TB_KOKORO_WIDTH, &crowd->rows.p, err)) ||
        (rc = tb_scratch_floats(run->scratch, (size_t)crowd->n, &crowd->power, err)) ||
        (rc = tb_scratch_floats(run->scratch, (size_t)crowd->n, &crowd->distance, err)) ||
        (rc = tb_scratch_floats(run->scratch, (size_t)crowd->n, &crowd->nearer, err)))
        return rc;
    for (int j = 0; j < crowd->n; j++) {
        float *row = crowd->rows.p + (size_t)j * TB_KOKORO_WIDTH;

        crowd->power[j] = 0.0f;
        crowd->distance[j] = FLT_MAX;
        for (int i = 0; i < TB_KOKORO_WIDTH; i++) {
            row[i] = tb_mat_row(hidden, i)[j * crowd->step];
            crowd->power[j] += row[i] * row[i];
        }
    }
    return TB_OK;
}

/* The columns from .. from + n - 1 join the sample. */
static void join(const struct tb_kokoro_stream *s, struct crowd *crowd, int from, int n, struct sample *sample)
{
    for (int c = from; c < from + n; c++) {
        sample->from[sample->n++] = c;
        measure(crowd, s->hidden, c, crowd->nearer);
        for (int j = 0; j < crowd->n; j++)
            crowd->distance[j] = fminf(crowd->distance[j], crowd->nearer[j]);
    }
}

/* The middle of the excerpt that brings the crowd nearest to the sample, all distances summed. */
static int best_excerpt(const struct tb_kokoro_stream *s, const struct crowd *crowd)
{
    float most = -1.0f;
    int best = 0;

    for (int j = 0; j < crowd->n; j += 2) {
        float gain = 0.0f;

        measure(crowd, s->hidden, j * crowd->step, crowd->nearer);
        for (int i = 0; i < crowd->n; i++)
            gain += fmaxf(0.0f, crowd->distance[i] - crowd->nearer[i]);
        if (gain > most) {
            most = gain;
            best = j * crowd->step;
        }
    }
    return best;
}

/* The one of the crowd that is least like anything in the sample: what is rare and loud would else be amplified by
 * norms that never met it. */
static int farthest(const struct crowd *crowd)
{
    int best = 0;

    for (int j = 1; j < crowd->n; j++)
        if (crowd->distance[j] > crowd->distance[best])
            best = j;
    return best * crowd->step;
}

static bool at_edge(const struct sample *sample, int i)
{
    int excerpt = (i - sample->window) % EXCERPT;

    if (i < sample->window)
        return i >= sample->window - EDGE;
    return excerpt < EDGE || excerpt >= EXCERPT - EDGE;
}

/* Every one of the crowd counts for the column of the sample that is most like it; columns share what they count for
 * with those of the same excerpt. */
static void weigh(const struct tb_kokoro_stream *s, struct crowd *crowd, struct sample *sample)
{
    int nearest[CROWD] = { 0 };

    for (int j = 0; j < crowd->n; j++)
        crowd->distance[j] = FLT_MAX;
    for (int i = 0; i < sample->n; i++) {
        if (at_edge(sample, i))
            continue;
        measure(crowd, s->hidden, sample->from[i], crowd->nearer);
        for (int j = 0; j < crowd->n; j++)
            if (crowd->nearer[j] < crowd->distance[j]) {
                crowd->distance[j] = crowd->nearer[j];
                nearest[j] = i;
            }
    }
    for (int j = 0; j < crowd->n; j++) {
        int first = nearest[j] / SHARED * SHARED, n = 0;

        for (int i = first; i < first + SHARED; i++)
            n += !at_edge(sample, i);
        for (int i = first; i < first + SHARED; i++)
            if (!at_edge(sample, i))
                sample->weight[i] += 1.0f / (float)n;
    }
}

/* The first window with what its end depends on, then the loudest sound without pitch, most often a sibilant, then the
 * excerpts that add most. */
static enum tb_code choose(const struct tb_kokoro_run *run, const struct tb_kokoro_stream *s, int window_end,
                           struct sample *sample, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    int from = s->onset > LEAD + BEFORE ? s->onset - LEAD - BEFORE : 0;
    struct crowd crowd;
    enum tb_code rc = assemble(run, s->hidden, &crowd, err);

    *sample = (struct sample){ 0 };
    if (rc == TB_OK) {
        join(s, &crowd, from, (window_end + AFTER - from + EXCERPT - 1) / EXCERPT * EXCERPT, sample);
        sample->window = sample->n;
        for (int i = 0; i < EXCERPTS; i++) {
            int middle = i == 0 ? s->hiss : i % 2 ? farthest(&crowd) : best_excerpt(s, &crowd);
            int at = middle - EXCERPT / 2, last = s->columns - EXCERPT;

            join(s, &crowd, at < 0 ? 0 : at > last ? last : at, EXCERPT, sample);
        }
        weigh(s, &crowd, sample);
    }
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

/* The hidden signal and the harmonics of a sample's columns. */
static enum tb_code gather(const struct tb_kokoro_run *run, const struct tb_kokoro_stream *s,
                           const struct sample *sample, struct tb_mat x, struct tb_mat harmonics, struct tb_error *err)
{
    int end;

    for (int at = 0; at < sample->n; at = end) { /* runs of columns that lie side by side */
        for (end = at + 1; end < sample->n && sample->from[end] == sample->from[end - 1] + 1; end++)
            ;
        int from = sample->from[at], n = end - at;
        enum tb_code rc = tb_kokoro_source_run(run, &s->model->generator, s->f0, HARMONICS * from,
                                               tb_mat_cols(harmonics, HARMONICS * at, HARMONICS * n + 1), err);

        if (rc)
            return rc;
        tb_copy(tb_mat_cols(s->hidden, from, n), tb_mat_cols(x, at, n));
    }
    return TB_OK;
}

/* Find the norms, and with them the first window, up to column `to`. */
static enum tb_code begin(const struct tb_kokoro_run *run, struct tb_kokoro_stream *s, int to, struct tb_mat *pcm,
                          struct tb_error *err)
{
    const int column = TB_KOKORO_FRAME / 2;
    struct tb_kokoro_voicing finding[TB_KOKORO_BLOCKS];
    struct tb_kokoro_weights weights;
    struct sample sample;
    struct tb_mat x, harmonics, made;
    enum tb_code rc;

    if ((rc = choose(run, s, to, &sample, err)))
        return rc;
    weights = (struct tb_kokoro_weights){ sample.weight, sample.n };
    for (int i = 0; i < TB_KOKORO_BLOCKS; i++) {
        finding[i] = s->voicing[i];
        finding[i].weights = &weights;
    }
    if ((rc = tb_scratch_mat(run->scratch, 1, column * sample.n, &made, err)) ||
        (rc = tb_scratch_mat(run->scratch, TB_KOKORO_WIDTH, sample.n, &x, err)) ||
        (rc = tb_scratch_mat(run->scratch, 2 * TB_SPECTRUM_BINS, HARMONICS * sample.n + 1, &harmonics, err)) ||
        (rc = gather(run, s, &sample, x, harmonics, err)) ||
        (rc = tb_kokoro_generator_sample(run, &s->model->generator, x, harmonics, finding, made, err)))
        return rc;
    s->begun = true;
    *pcm = tb_mat_cols(made, column * (s->at - sample.from[0]), column * (to - s->at));
    return TB_OK;
}

/* Where the next window ends: on a whole frame, and not so that too little is left. */
static int window_end(const struct tb_kokoro_stream *s)
{
    int to = (s->at + s->window) & ~1;

    return s->whole || s->end - to < LAST_LEAST ? s->end : to;
}

enum tb_code tb_kokoro_stream_next(const struct tb_kokoro_run *run, struct tb_kokoro_stream *s, struct tb_mat *pcm,
                                   bool *more, struct tb_error *err)
{
    int to = window_end(s);
    struct tb_kokoro_part part = { s->at / 2, to / 2, s->columns / 2 };
    enum tb_code rc;

    if (s->whole)
        part = (struct tb_kokoro_part){ 0, s->columns / 2, s->columns / 2 };
    if (!s->whole && !s->begun)
        rc = begin(run, s, to, pcm, err);
    else if ((rc = tb_scratch_mat(run->scratch, 1, (part.to - part.from) * TB_KOKORO_FRAME, pcm, err)) == TB_OK)
        rc = tb_kokoro_generator_run(run, &s->model->generator, part, s->hidden, s->f0, s->voicing, *pcm, err);
    if (rc)
        return rc;
    s->at = to;
    s->window = s->window * 3 / 2 < MOST ? s->window * 3 / 2 : MOST;
    *more = to < s->end;
    return TB_OK;
}

/* The loudest place without pitch; a column with pitch counts as silent. */
static int find_hiss(const struct tb_kokoro_plan *plan, int columns)
{
    float most = -FLT_MAX;
    int best = 0;

    for (int c = 0; c + HISS <= columns; c++) {
        float sum = 0.0f;

        for (int i = c; i < c + HISS; i++)
            sum += plan->f0.p[i] < pitched ? plan->energy.p[i] : 2.0f * silent;
        if (sum > most) {
            most = sum;
            best = c + HISS / 2;
        }
    }
    return best;
}

/* Where speech begins and ends, and hisses. */
static void survey(struct tb_kokoro_stream *s, const struct tb_kokoro_plan *plan)
{
    int last = 0;

    s->onset = s->columns;
    for (int c = 0; c < s->columns; c++)
        if (plan->energy.p[c] > silent) {
            s->onset = c < s->onset ? c : s->onset;
            last = c;
        }
    s->whole |= last - s->onset < WHOLE; /* also when all is silent */
    s->hiss = find_hiss(plan, s->columns);
    s->end = last + TAIL < s->columns ? (last + TAIL) & ~1 : s->columns;
    s->at = s->onset > LEAD ? (s->onset - LEAD) & ~1 : 0;
    if (s->whole) {
        s->at = 0;
        s->end = s->columns;
    }
    s->window = s->onset - s->at + FIRST;
}

static enum tb_code take(const struct tb_kokoro_run *run, struct tb_kokoro_stream *s,
                         const struct tb_kokoro_plan *plan, struct tb_error *err)
{
    int n = 2 * plan->frames;
    float *p = malloc(((size_t)TB_KOKORO_WIDTH + 1) * (size_t)n * sizeof *p);

    s->hidden = (struct tb_mat){ p, TB_KOKORO_WIDTH, n, n };
    if (!p)
        return tb_fail(err, TB_ENOMEM, "kokoro: a pass of %d frames", plan->frames);
    s->f0 = (struct tb_mat){ tb_mat_row(s->hidden, TB_KOKORO_WIDTH), 1, n, n };
    s->columns = n;
    tb_copy(plan->f0, s->f0);
    survey(s, plan);
    lay_out_norms(s);
    return tb_kokoro_decoder_run(run, &s->model->decoder, plan->text, plan->f0, plan->energy, s->voicing, s->hidden,
                                 err);
}

enum tb_code tb_kokoro_stream_open(const struct tb_kokoro_run *run, const struct tb_kokoro_model *model,
                                   const struct tb_kokoro_plan *plan, const float (*styles)[TB_KOKORO_HALF], bool whole,
                                   struct tb_kokoro_stream **out, struct tb_error *err)
{
    struct tb_kokoro_stream *s = calloc(1, sizeof *s);
    enum tb_code rc;

    *out = NULL;
    if (!s)
        return tb_fail(err, TB_ENOMEM, "kokoro: no memory");
    s->model = model;
    s->whole = whole;
    memcpy(s->styles, styles, sizeof s->styles);
    if ((rc = take(run, s, plan, err))) {
        tb_kokoro_stream_close(s);
        return rc;
    }
    *out = s;
    return TB_OK;
}

void tb_kokoro_stream_close(struct tb_kokoro_stream *s)
{
    if (!s)
        return;
    free(s->hidden.p);
    free(s);
}
