/* generator.c - see generator.h.
 *
 * Two stages, each: the harmonics' spectrum at this stage's rate through a residual block, plus the upsampled signal,
 * then the mean of three residual blocks side by side. At the end 22 rows are magnitudes and phases of a short-time
 * spectrum, whose inverse transform is a transposed convolution. This is 85 % of the engine's time. */
#include "engine/kokoro/generator.h"

#include "engine/kokoro/blocks.h"
#include "engine/kokoro/source.h"
#include "engine/kokoro/spectrum.h"

enum { NOISE_STYLE = 5, RES_STYLE = 7, B = TB_SPECTRUM_BINS };

/* to = mean of three blocks of (up(leaky(x)) + noise). */
static enum tb_code stage(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g, int i, struct tb_mat x,
                          struct tb_mat harmonics, const float (*styles)[TB_KOKORO_HALF], struct tb_mat to,
                          struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_pre leaky = { .kind = TB_PRE_LEAKY, .slope = 0.1f };
    int made = tb_conv_cols(&g->up[i], x.cols), missing = to.cols - made; /* one column, in the second stage */
    struct tb_mat sum;
    enum tb_code rc = tb_scratch_mat(run->scratch, to.rows, to.cols, &sum, err);

    if (rc)
        goto done;
    tb_conv_run(run->pool, &g->noise[i], harmonics, NULL, sum, NULL);
    if ((rc = tb_kokoro_snake_run(run, &g->noise_res[i], sum, styles[NOISE_STYLE + i], 1.0f, false, sum, err)))
        goto done;
    tb_conv_run(run->pool, &g->up[i], x, &leaky, tb_mat_cols(to, missing, made), NULL);
    for (int r = 0; r < to.rows && missing; r++) /* the first column mirrors the third */
        tb_mat_row(to, r)[0] = tb_mat_row(to, r)[2];
    tb_add(run->pool, sum, to, 1.0f, sum);
    for (int j = 0; j < 3; j++)
        if ((rc = tb_kokoro_snake_run(run, &g->res[3 * i + j], sum, styles[RES_STYLE + 3 * i + j], 1.0f / 3.0f, j > 0,
                                      to, err)))
            goto done;
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

/* 22 rows of log magnitudes and of what the phases are the sine of, to samples. spectrum is overwritten. */
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

enum tb_code tb_kokoro_generator_run(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                                     struct tb_mat x, struct tb_mat f0, const float (*styles)[TB_KOKORO_HALF],
                                     struct tb_mat pcm, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_pre leaky = { .kind = TB_PRE_LEAKY, .slope = 0.01f };
    int columns = 60 * x.cols + 1; /* of the spectra: one every 5 samples */
    struct tb_mat harmonics, slow, fast, spectrum;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, 2 * B, columns, &harmonics, err)) ||
        (rc = tb_scratch_mat(run->scratch, g->up[0].spec.out, 10 * x.cols, &slow, err)) ||
        (rc = tb_scratch_mat(run->scratch, g->up[1].spec.out, columns, &fast, err)) ||
        (rc = tb_kokoro_source_run(run, g, f0, harmonics, err)) ||
        (rc = stage(run, g, 0, x, harmonics, styles, slow, err)))
        goto done;
    tb_kokoro_look(run, "stage0", slow);
    if ((rc = stage(run, g, 1, slow, harmonics, styles, fast, err)))
        goto done;
    tb_kokoro_look(run, "stage1", fast);
    spectrum = harmonics; /* no longer needed */
    tb_conv_run(run->pool, &g->post, fast, &leaky, spectrum, NULL);
    tb_kokoro_look(run, "conv_post", spectrum);
    rc = synthesise(run, g, spectrum, pcm, err);
    if (rc == TB_OK)
        tb_kokoro_look(run, "waveform", pcm);
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}
