/* generator.c - see generator.h.
 *
 * Two stages, each: the harmonics' spectrum at this stage's rate through a residual block, plus the upsampled signal,
 * then the mean of three residual blocks side by side. At the end 22 rows are magnitudes and phases of a short-time
 * spectrum, whose inverse transform is a transposed convolution. This is 85 % of the engine's time. */
#include "engine/kokoro/generator.h"

#include "engine/kokoro/source.h"
#include "engine/kokoro/spectrum.h"

enum {
    NOISE_STYLE = 5,
    RES_STYLE = 7,
    B = TB_SPECTRUM_BINS,
    UP_SLOW = 10, UP_FAST = 6 /* columns that the stages make of one; the second has one more at the end */
};

static const int ups[2] = { UP_SLOW, UP_FAST };

/* What the harmonics add to a stage. */
static enum tb_code add_noise(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g, int i,
                              struct tb_mat harmonics, const struct tb_kokoro_voicing *voicing, struct tb_mat y,
                              struct tb_error *err)
{
    tb_conv_run(run->pool, &g->noise[i], harmonics, NULL, y, NULL);
    return tb_kokoro_snake_run(run, &g->noise_res[i], y, voicing[NOISE_STYLE + i], 1.0f, false, y, err);
}

/* The upsampled signal x, whose columns end where those of `to` do, into `to`. */
static void raise(const struct tb_kokoro_run *run, const struct tb_conv *up, struct tb_mat x, struct tb_mat to)
{
    struct tb_pre leaky = { .kind = TB_PRE_LEAKY, .slope = 0.1f };
    int made = tb_conv_cols(up, x.cols), first = to.cols - made; /* one column later, in the second stage */

    tb_conv_run(run->pool, up, x, &leaky, tb_mat_cols(to, first, made), NULL);
    for (int row = 0; row < to.rows && first; row++) /* the first column mirrors the third */
        tb_mat_row(to, row)[0] = tb_mat_row(to, row)[2];
}

/* *out = mean of three blocks of (up(leaky(x)) + noise), in run->scratch. */
static enum tb_code stage(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g, int i, struct tb_mat x,
                          struct tb_mat harmonics, const struct tb_kokoro_voicing *voicing, struct tb_mat *out,
                          struct tb_error *err)
{
    int rows = g->up[i].spec.out;
    struct tb_mat sum;
    size_t mark;
    enum tb_code rc = tb_scratch_mat(run->scratch, rows, x.cols * ups[i] + i, out, err);

    if (rc)
        return rc;
    mark = tb_scratch_mark(run->scratch);
    if ((rc = tb_scratch_mat(run->scratch, rows, out->cols, &sum, err)) ||
        (rc = add_noise(run, g, i, harmonics, voicing, sum, err)))
        goto done;
    raise(run, &g->up[i], x, *out);
    tb_add(run->pool, sum, *out, 1.0f, sum);
    for (int j = 0; j < 3 && rc == TB_OK; j++)
        rc = tb_kokoro_snake_run(run, &g->res[3 * i + j], sum, voicing[RES_STYLE + 3 * i + j], 1.0f / 3.0f, j > 0, *out,
                                 err);
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

/* 22 rows of log magnitudes and of what the phases are the sine of, to samples; they are overwritten. */
static enum tb_code synthesise(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                               struct tb_mat spectrum, struct tb_mat pcm, struct tb_error *err)
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
    for (int i = 0; i < TB_SPECTRUM_POINTS / 2; i++)
        pcm.p[i] /= g->window_sum[TB_SPECTRUM_POINTS / 2 + i];
    tb_scratch_reset(run->scratch, mark);
    return TB_OK;
}

/* The second stage's output to samples. spectrum [22][as many columns]: room. */
static enum tb_code finish(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g, struct tb_mat fast,
                           struct tb_mat spectrum, struct tb_mat pcm, struct tb_error *err)
{
    struct tb_pre leaky = { .kind = TB_PRE_LEAKY, .slope = 0.01f };
    struct tb_mat made;
    enum tb_code rc;

    tb_conv_run(run->pool, &g->post, fast, &leaky, spectrum, NULL);
    tb_kokoro_look(run, "conv_post", spectrum);
    if ((rc = tb_scratch_mat(run->scratch, 1, tb_conv_cols(&g->synthesis, spectrum.cols), &made, err)) ||
        (rc = synthesise(run, g, spectrum, made, err)))
        return rc;
    tb_copy(tb_mat_cols(made, 0, pcm.cols), pcm);
    tb_kokoro_look(run, "waveform", pcm);
    return TB_OK;
}

enum tb_code tb_kokoro_generator_run(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                                     struct tb_mat x, struct tb_mat f0, int from,
                                     const struct tb_kokoro_voicing *voicing, struct tb_mat pcm, struct tb_error *err)
{
    const int fast_column = UP_SLOW * UP_FAST;
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat harmonics, slow, fast;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, 2 * B, fast_column * x.cols + 1, &harmonics, err)) ||
        (rc = tb_kokoro_source_run(run, g, f0, fast_column * from, harmonics, err)) ||
        (rc = stage(run, g, 0, x, harmonics, voicing, &slow, err)))
        goto done;
    tb_kokoro_look(run, "stage0", slow);
    if ((rc = stage(run, g, 1, slow, harmonics, voicing, &fast, err)))
        goto done;
    tb_kokoro_look(run, "stage1", fast);
    rc = finish(run, g, fast, harmonics, pcm, err);
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}
