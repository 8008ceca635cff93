/* source.c - see source.h.
 *
 * Nine sines at multiples of the pitch, silent where it is unvoiced, are weighted, summed and squashed. Their phase is
 * kept at the pitch's own 80 values a second and drawn as straight lines between the middles of these. We sum phases as
 * turns in double; the exported graph does it in single precision and drifts by some milliradians in a long sentence.
 *
 * Then comes the spectrum, 20 samples every 5. The network sees phases, also of bins whose magnitude is nothing but
 * rounding, so two conventions of the exported graph are kept (docs/MODEL-kokoro.md, quirks): the phases that its
 * transform gives to a constant signal, which is what unvoiced stretches are, and the side on which a negative Nyquist
 * bin falls, plus or minus pi. */
#include "engine/kokoro/source.h"

#include <math.h>

#include "engine/kokoro/blocks.h"

enum { STEP = TB_KOKORO_FRAME / 2, PAD = TB_KOKORO_WINDOW / 2, H = TB_KOKORO_HARMONICS, B = TB_KOKORO_BINS };

static const float voiced_hz = 10.0f, amplitude = 0.1f;
static const float nyquist_leak = 4.4e-7f; /* of the constant bin, into the imaginary part of the Nyquist bin */
static const float constant_phase[B] = {
    3.1415923f, -1.0628594e-06f, 2.4903617f, -2.1253965f, 0.79346722f, -2.12916f,
    0.17297465f, 2.9267988f, -1.3449425f, 2.7359736f, -1.5468425f };

/* Turns that harmonic h makes in one sample at a pitch, as the graph rounds them. */
static double turns(float f0, int h)
{
    float r = f0 * (float)(h + 1) / (float)TB_KOKORO_RATE_HZ;

    return (double)(r - floorf(r));
}

/* STEP samples of the summed harmonics around pitch value j. at: turns of each harmonic at the middle of value j - 1,
 * moved on to the middle of j. */
static void harmonics(const float *f0, int count, int j, const float *weight, double at[H], float *out)
{
    float buf[H * STEP];
    struct tb_mat sines = { buf, H, STEP, STEP };

    for (int h = 0; h < H; h++) {
        double here = at[h] + STEP * turns(f0[j], h);
        double before = j > 0 ? at[h] : here;
        double after = j + 1 < count ? here + STEP * turns(f0[j + 1], h) : here;

        for (int i = 0; i < STEP; i++) {
            double d = (i + 0.5) / STEP - 0.5;
            double t = d < 0 ? here + d * (here - before) : here + d * (after - here);
            buf[h * STEP + i] = (float)(6.283185307179586 * (t - floor(t)));
        }
        at[h] = here;
    }
    tb_map(NULL, TB_MAP_SIN, 0.0f, sines, sines);
    for (int i = 0; i < STEP; i++) {
        out[i] = 0.0f;
        for (int h = 0; h < H; h++)
            out[i] += weight[h] * (amplitude * buf[h * STEP + i]);
    }
}

/* The source signal [300 * f0.cols], mirrored by half a window at both ends. */
static void signal(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g, struct tb_mat f0,
                   struct tb_mat padded)
{
    float *s = padded.p + PAD;
    int n = f0.cols * STEP;
    double at[H] = { 0 };
    struct tb_mat middle = tb_mat_cols(padded, PAD, n);

    for (int j = 0; j < f0.cols; j++) {
        float *out = s + (size_t)j * STEP;

        harmonics(f0.p, f0.cols, j, g->source_w, at, out);
        for (int i = 0; i < STEP; i++)
            out[i] = (f0.p[j] > voiced_hz ? out[i] : 0.0f) + g->source_b;
    }
    tb_map(run->pool, TB_MAP_TANH, 0.0f, middle, middle);
    for (int i = 0; i < PAD; i++) {
        padded.p[i] = s[PAD - i];
        padded.p[PAD + n + i] = s[n - 2 - i];
    }
}

/* One column from real and imaginary parts to magnitudes and phases. */
static void polar(struct tb_mat y, int col)
{
    float constant_part = tb_mat_row(y, 0)[col];

    for (int k = 0; k < B; k++) {
        float *a = &tb_mat_row(y, k)[col], *b = &tb_mat_row(y, B + k)[col];
        float re = *a, im = k == 0 ? 0.0f : k == B - 1 ? nyquist_leak * constant_part : *b;

        *a = sqrtf(re * re + im * im);
        *b = atan2f(im, re);
    }
}

static void constant(struct tb_mat y, int col)
{
    for (int k = 0; k < B; k++) {
        float *a = &tb_mat_row(y, k)[col];

        *a = k < 2 ? fabsf(*a) : 0.0f;
        tb_mat_row(y, B + k)[col] = constant_phase[k];
    }
}

enum tb_code tb_kokoro_source_run(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                                  struct tb_mat f0, struct tb_mat y, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat padded;
    enum tb_code rc = tb_scratch_mat(run->scratch, 1, f0.cols * STEP + 2 * PAD, &padded, err);
    int same = 1; /* how many samples up to here are equal */

    if (rc)
        goto done;
    signal(run, g, f0, padded);
    tb_conv_run(run->pool, &g->analysis, padded, NULL, y, NULL);
    for (int col = 0, i = 1; col < y.cols; col++) {
        for (; i < col * TB_KOKORO_HOP + TB_KOKORO_WINDOW; i++)
            same = padded.p[i] == padded.p[i - 1] ? same + 1 : 1;
        if (same >= TB_KOKORO_WINDOW)
            constant(y, col);
        else
            polar(y, col);
    }
    tb_kokoro_look(run, "harmonics", y);
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}
