/* generator.c - see generator.h.
 *
 * Two stages, each: the harmonics' spectrum at this stage's rate through a residual block, plus the upsampled signal,
 * then the mean of three residual blocks side by side. At the end 22 rows are magnitudes and phases of a short-time
 * spectrum, whose inverse transform is a transposed convolution. This is 85 % of the engine's time.
 *
 * For a part of a pass each stage computes as many more columns on both sides as the blocks after it look at. There
 * convolutions take the input that is missing for zeros, and what that spoils is dropped. Where the pass itself ends
 * zeros are what they must see, so ranges stop there. */
#include "engine/kokoro/generator.h"

#include <float.h>
#include <math.h>

#include "engine/kokoro/source.h"
#include "engine/kokoro/spectrum.h"

enum {
    NOISE_STYLE = 5,
    RES_STYLE = 7,
    B = TB_SPECTRUM_BINS,
    SLOW = 20, FAST = 120, /* columns of the stages' outputs per frame; the second has one more at the end */
    HALO = 60,             /* columns that a residual block of 11 taps sees on each side */
    POST_HALO = 3
};

static const int ups[2] = { SLOW / 2, FAST / SLOW };
static const float headroom = 0.345f; /* over what a sample reaches: 3 dB, as a natural log */

/* Columns from .. to - 1 of a signal. */
struct range {
    int from, to;
};

/* What is computed for a part, each in columns of its own signal. */
struct ranges {
    struct range hidden;
    struct range in[2], out[2]; /* of the two stages: what enters the residual blocks, what is wanted of them */
    struct range harmonics, spectrum;
};

static int length(struct range r)
{
    return r.to - r.from;
}

static struct range widen(struct range r, int by, int of)
{
    return (struct range){ r.from > by ? r.from - by : 0, r.to + by < of ? r.to + by : of };
}

/* Columns r of m, whose first column is number `origin`. */
static struct tb_mat within(struct tb_mat m, int origin, struct range r)
{
    return tb_mat_cols(m, r.from - origin, length(r));
}

/* The columns that `up` times as many are made of: one more on each side for the ends of the filter. */
static struct range before(struct range r, int up, int of)
{
    return widen((struct range){ r.from / up, (r.to + up - 1) / up }, 1, of);
}

/* The columns that the residual block of the harmonics runs on; its convolution may spoil the outermost. */
static struct range noise_range(struct range in, int of)
{
    return widen(in, HALO + 1, of);
}

static int columns(int stage, int frames)
{
    return stage == 0 ? SLOW * frames : FAST * frames + 1;
}

static struct ranges ranges_of(struct tb_kokoro_part part)
{
    int fast = columns(1, part.of), slow = columns(0, part.of);
    struct range noise, raised;
    struct ranges r;

    /* A window of 20 samples ends in the second column before a sample and begins in the second after it. */
    r.spectrum = widen((struct range){ FAST * part.from, FAST * part.to + 1 }, 2, fast);
    r.out[1] = widen(r.spectrum, POST_HALO, fast);
    r.in[1] = widen(r.out[1], HALO, fast);
    raised = (struct range){ r.in[1].from > 0 ? r.in[1].from - 1 : 0, r.in[1].to - 1 };
    r.out[0] = before(raised, ups[1], slow);
    r.in[0] = widen(r.out[0], HALO, slow);
    r.hidden = before(r.in[0], ups[0], 2 * part.of);
    noise = noise_range(r.in[0], slow);
    r.harmonics = (struct range){ noise.from * ups[1], noise.to * ups[1] + 1 };
    return r;
}

/* What the harmonics add to a stage, on the columns `noise` of it. */
static enum tb_code add_noise(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g, int i,
                              struct tb_mat harmonics, const struct ranges *r, struct range noise,
                              const struct tb_kokoro_voicing *voicing, struct tb_mat y, struct tb_error *err)
{
    struct range seen = noise;

    if (i == 0)
        seen = (struct range){ noise.from * ups[1], noise.to * ups[1] + 1 };
    tb_conv_run(run->pool, &g->noise[i], within(harmonics, r->harmonics.from, seen), NULL, y, NULL);
    return tb_kokoro_snake_run(run, &g->noise_res[i], y, voicing[NOISE_STYLE + i], 1.0f, false, y, err);
}

/* The upsampled signal x, whose columns end where those of `to` do, into `to`. */
static void raise(const struct tb_kokoro_run *run, const struct tb_conv *up, struct tb_mat x, bool mirrored,
                  struct tb_mat to)
{
    struct tb_pre leaky = { .kind = TB_PRE_LEAKY, .slope = 0.1f };
    int made = tb_conv_cols(up, x.cols), first = to.cols - made; /* one column later, in the second stage */

    tb_conv_run(run->pool, up, x, &leaky, tb_mat_cols(to, first, made), NULL);
    for (int row = 0; row < to.rows && mirrored; row++) /* the first column mirrors the third */
        tb_mat_row(to, row)[0] = tb_mat_row(to, row)[2];
}

/* *out = columns r->out[i] of the mean of three blocks of (up(leaky(x)) + noise), in run->scratch. x_from: number of
 * x's first column. */
static enum tb_code stage(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g, int i,
                          struct tb_kokoro_part part, const struct ranges *r, struct tb_mat x, int x_from,
                          struct tb_mat harmonics, const struct tb_kokoro_voicing *voicing, struct tb_mat *out,
                          struct tb_error *err)
{
    int of = columns(i, part.of), rows = g->up[i].spec.out, origin = x_from * ups[i];
    struct range noise = noise_range(r->in[i], of);
    struct tb_mat to, sum, in;
    size_t mark;
    enum tb_code rc = tb_scratch_mat(run->scratch, rows, x.cols * ups[i] + i, &to, err);

    if (rc)
        return rc;
    mark = tb_scratch_mark(run->scratch);
    if ((rc = tb_scratch_mat(run->scratch, rows, length(noise), &sum, err)) ||
        (rc = add_noise(run, g, i, harmonics, r, noise, voicing, sum, err)))
        goto done;
    raise(run, &g->up[i], x, i == 1 && origin == 0, to);
    in = within(sum, noise.from, r->in[i]);
    tb_add(run->pool, in, within(to, origin, r->in[i]), 1.0f, in);
    for (int j = 2; j >= 0; j--) { /* the one that sees farthest first, for it writes all columns */
        const struct tb_kokoro_snake *res = &g->res[3 * i + j];
        struct range seen = widen(r->out[i], 6 * (res->conv1[0].taps - 1), of);

        if ((rc = tb_kokoro_snake_run(run, res, within(sum, noise.from, seen), voicing[RES_STYLE + 3 * i + j],
                                      1.0f / 3.0f, j < 2, within(to, origin, seen), err)))
            goto done;
    }
    *out = within(to, origin, r->out[i]);
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

/* 22 rows of log magnitudes and of what the phases are the sine of, to samples; they are overwritten. `from`: number of
 * the first column. */
static enum tb_code synthesise(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                               struct tb_mat spectrum, int from, struct tb_mat pcm, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat level = tb_mat_rows(spectrum, 0, B), phase = tb_mat_rows(spectrum, B, B), cosine;
    enum tb_code rc = tb_scratch_mat(run->scratch, B, spectrum.cols, &cosine, err);

    if (rc)
        return rc;
    tb_map(run->pool, TB_MAP_EXP, 0.0f, level, level);
    tb_map(run->pool, TB_MAP_SIN, 0.0f, phase, phase);
    tb_map(run->pool, TB_MAP_COS, 0.0f, phase, cosine);
    tb_map(run->pool, TB_MAP_SIN, 0.0f, phase, phase);
    for (int k = 0; k < B; k++) {
        float *re = tb_mat_row(level, k), *im = tb_mat_row(phase, k), *c = tb_mat_row(cosine, k);

        for (int i = 0; i < spectrum.cols; i++) {
            im[i] *= re[i];
            re[i] *= c[i];
        }
    }
    tb_conv_run(run->pool, &g->synthesis, spectrum, NULL, pcm, NULL);
    /* The export divides by the window's sum in the first window only, of which half is cut off. */
    for (int i = 0; i < TB_SPECTRUM_POINTS / 2 && from == 0; i++)
        pcm.p[i] /= g->window_sum[TB_SPECTRUM_POINTS / 2 + i];
    tb_scratch_reset(run->scratch, mark);
    return TB_OK;
}

/* How loud each bin may become: a little more than it is where the sample counts. level: log magnitudes. */
static void find_ceiling(struct tb_mat level, const struct tb_kokoro_weights *weights, float *ceiling)
{
    int ratio = level.cols / weights->columns;

    for (int k = 0; k < B; k++) {
        const float *row = tb_mat_row(level, k);
        float most = -FLT_MAX;

        for (int i = 0; i < weights->columns * ratio; i++)
            if (weights->w[i / ratio] > 0.0f)
                most = fmaxf(most, row[i]);
        ceiling[k] = most + headroom;
    }
}

static void keep_below(const float *ceiling, struct tb_mat level)
{
    for (int k = 0; k < B; k++) {
        float *row = tb_mat_row(level, k);

        for (int i = 0; i < level.cols; i++)
            row[i] = fminf(row[i], ceiling[k]);
    }
}

/* The second stage's output, columns r->out[1], to the samples of the part. voicing: of the last block. spectrum: room
 * for it. */
static enum tb_code finish(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                           struct tb_kokoro_part part, const struct ranges *r, struct tb_mat fast,
                           const struct tb_kokoro_voicing *voicing, struct tb_mat spectrum, struct tb_mat pcm,
                           struct tb_error *err)
{
    struct tb_pre leaky = { .kind = TB_PRE_LEAKY, .slope = 0.01f };
    struct tb_mat made;
    enum tb_code rc;

    tb_conv_run(run->pool, &g->post, fast, &leaky, spectrum, NULL);
    spectrum = within(spectrum, r->out[1].from, r->spectrum);
    tb_kokoro_look(run, "conv_post", spectrum);
    if (voicing->fixed && voicing->weights)
        find_ceiling(tb_mat_rows(spectrum, 0, B), voicing->weights, voicing->ceiling);
    if (voicing->fixed)
        keep_below(voicing->ceiling, tb_mat_rows(spectrum, 0, B));
    if ((rc = tb_scratch_mat(run->scratch, 1, tb_conv_cols(&g->synthesis, spectrum.cols), &made, err)) ||
        (rc = synthesise(run, g, spectrum, r->spectrum.from, made, err)))
        return rc;
    tb_copy(tb_mat_cols(made, part.from * TB_KOKORO_FRAME - r->spectrum.from * TB_KOKORO_HOP, pcm.cols), pcm);
    tb_kokoro_look(run, "waveform", pcm);
    return TB_OK;
}

/* harmonics: columns r->harmonics; overwritten. */
static enum tb_code both_stages(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                                struct tb_kokoro_part part, const struct ranges *r, struct tb_mat x,
                                struct tb_mat harmonics, const struct tb_kokoro_voicing *voicing, struct tb_mat pcm,
                                struct tb_error *err)
{
    struct tb_mat slow, fast;
    enum tb_code rc;

    if ((rc = stage(run, g, 0, part, r, within(x, 0, r->hidden), r->hidden.from, harmonics, voicing, &slow, err)))
        return rc;
    tb_kokoro_look(run, "stage0", slow);
    if ((rc = stage(run, g, 1, part, r, slow, r->out[0].from, harmonics, voicing, &fast, err)))
        return rc;
    tb_kokoro_look(run, "stage1", fast);
    return finish(run, g, part, r, fast, &voicing[TB_KOKORO_BLOCKS - 1], tb_mat_cols(harmonics, 0, fast.cols), pcm,
                  err);
}

enum tb_code tb_kokoro_generator_run(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                                     struct tb_kokoro_part part, struct tb_mat x, struct tb_mat f0,
                                     const struct tb_kokoro_voicing *voicing, struct tb_mat pcm, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct ranges r = ranges_of(part);
    struct tb_mat harmonics;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, 2 * B, length(r.harmonics), &harmonics, err)) == TB_OK &&
        (rc = tb_kokoro_source_run(run, g, f0, r.harmonics.from, harmonics, err)) == TB_OK)
        rc = both_stages(run, g, part, &r, x, harmonics, voicing, pcm, err);
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

enum tb_code tb_kokoro_generator_sample(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                                        struct tb_mat x, struct tb_mat harmonics,
                                        const struct tb_kokoro_voicing *voicing, struct tb_mat pcm,
                                        struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_kokoro_part whole = { 0, x.cols / 2, x.cols / 2 };
    struct ranges r = ranges_of(whole);
    enum tb_code rc = both_stages(run, g, whole, &r, x, harmonics, voicing, pcm, err);

    tb_scratch_reset(run->scratch, mark);
    return rc;
}
