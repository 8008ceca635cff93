/* source.c - see source.h.
 *
 * Nine sines at multiples of the pitch, silent where it is unvoiced, are weighted, summed and squashed. Their phase is
 * kept at the pitch's own 80 values a second and drawn as straight lines between the middles of these.
 *
 * Then comes the spectrum, 20 samples every 5. The network sees the phase of every bin, also of those that hold nothing
 * but rounding, so the rounding is part of the model and is kept as the exported graph has it (docs/MODEL-kokoro.md,
 * quirks): single precision with its order of operations up to the sines; a transform with the errors of its transform
 * (spectrum.h); and the phases that this gives to a constant signal, which is what unvoiced stretches are. */
#include "engine/kokoro/source.h"

#include <math.h>

#include "engine/kokoro/blocks.h"
#include "engine/kokoro/spectrum.h"

enum { STEP = TB_KOKORO_FRAME / 2, PAD = TB_SPECTRUM_POINTS / 2, H = TB_KOKORO_HARMONICS, B = TB_SPECTRUM_BINS };

static const float voiced_hz = 10.0f, amplitude = 0.1f;
static const float constant_phase[B] = {
    3.1415923f, -1.0628594e-06f, 2.4903617f, -2.1253965f, 0.79346722f, -2.12916f,
    0.17297465f, 2.9267988f, -1.3449425f, 2.7359736f, -1.5468425f };

/* Linear interpolation as a general three-dimensional resize does it: the other two axes have one row each, or two
 * equal ones, whose shares are added one after the other. d1, d2: distances to x1 and x2. */
static float between(float x1, float x2, float d1, float d2, int shares)
{
    float a = d2 / (float)shares * x1, b = d1 / (float)shares * x2, sum = a + b;

    for (int i = 1; i < shares; i++)
        sum = sum + a + b;
    return sum;
}

static int shares_of(int harmonic)
{
    return harmonic < H - 1 ? 2 : 4;
}

/* Phases in radians at each pitch value, phase [H][f0.cols]. */
static void pitch_phases(struct tb_mat f0, struct tb_mat phase)
{
    const float shrink = 1.0f / STEP;

    for (int h = 0; h < H; h++) {
        float *p = tb_mat_row(phase, h), sum = 0.0f;

        for (int j = 0; j < f0.cols; j++) {
            float r = f0.p[j] * (float)(h + 1) / (float)TB_KOKORO_RATE_HZ;
            float x = ((float)j + 0.5f) / shrink - 0.5f, d1 = x - floorf(x), d2 = floorf(x) + 1.0f - x;

            r -= floorf(r); /* turns in one sample: each pitch value is held for STEP of them, */
            sum += between(r, r, d1, d2, shares_of(h)); /* of which the middle two are averaged */
            p[j] = sum * 2.0f * (float)M_PI * (float)STEP;
        }
    }
}

/* The first pitch value that samples from `from` on, which may be before the first one, need: one more to the left, for
 * what is mirrored at the end. */
static int made_from(int from)
{
    int j = from / STEP - 1;

    return j < 0 ? 0 : j;
}

/* STEP samples of the summed harmonics from sample `from` on. */
static void harmonics(struct tb_mat phase, int from, const float *weight, float *out)
{
    float buf[H * STEP];
    struct tb_mat sines = { buf, H, STEP, STEP };

    for (int i = 0; i < STEP; i++) {
        float x = ((float)(from + i) + 0.5f) / (float)STEP - 0.5f, last = (float)(phase.cols - 1);
        x = x < 0.0f ? 0.0f : x > last ? last : x;
        int x1 = (int)x, x2 = x1 + 1 < phase.cols ? x1 + 1 : x1;
        float d1 = x1 == x2 ? 0.5f : x - (float)x1, d2 = x1 == x2 ? 0.5f : (float)x2 - x;

        for (int h = 0; h < H; h++) {
            const float *p = tb_mat_row(phase, h);
            buf[h * STEP + i] = between(p[x1], p[x2], d1, d2, shares_of(h));
        }
    }
    tb_map(NULL, TB_MAP_SIN, 0.0f, sines, sines);
    for (int i = 0; i < STEP; i++) {
        out[i] = 0.0f;
        for (int h = 0; h < H; h++)
            out[i] += weight[h] * (amplitude * buf[h * STEP + i]);
    }
}

/* Samples `from` and after of the source signal, which has 300 * f0.cols, mirrored where they lie beyond its ends.
 * phase: room for [H][f0.cols]; made: room for the signal of the pitch values that are needed. */
static void signal(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g, struct tb_mat f0, int from,
                   struct tb_mat phase, struct tb_mat made, struct tb_mat out)
{
    int n = f0.cols * STEP, first = made_from(from), values = made.cols / STEP;

    pitch_phases(f0, phase);
    for (int j = first; j < first + values; j++) {
        float *s = made.p + (size_t)(j - first) * STEP;

        harmonics(phase, j * STEP, g->source_w, s);
        for (int i = 0; i < STEP; i++)
            s[i] = (f0.p[j] > voiced_hz ? s[i] : 0.0f) + g->source_b;
    }
    tb_map(run->pool, TB_MAP_TANH, 0.0f, made, made);
    for (int i = 0; i < out.cols; i++) {
        int at = from + i;

        at = at < 0 ? -at : at >= n ? 2 * n - 2 - at : at;
        out.p[i] = made.p[at - first * STEP];
    }
}

/* One column from real and imaginary parts to magnitudes and phases. */
static void polar(struct tb_mat y, int col)
{
    for (int k = 0; k < B; k++) {
        float *a = &tb_mat_row(y, k)[col], *b = &tb_mat_row(y, B + k)[col];
        float re = *a, im = *b;

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
                                  struct tb_mat f0, int from, struct tb_mat y, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    int sample = from * TB_KOKORO_HOP - PAD, samples = (y.cols - 1) * TB_KOKORO_HOP + TB_SPECTRUM_POINTS;
    int end = (sample + samples + STEP - 1) / STEP, first = made_from(sample);
    struct tb_mat padded, phase, made;
    int same = 1; /* how many samples up to here are equal */
    enum tb_code rc;

    end = end < f0.cols ? end : f0.cols;
    if ((rc = tb_scratch_mat(run->scratch, 1, samples, &padded, err)) ||
        (rc = tb_scratch_mat(run->scratch, 1, (end - first) * STEP, &made, err)) ||
        (rc = tb_scratch_mat(run->scratch, H, f0.cols, &phase, err)))
        goto done;
    signal(run, g, f0, sample, phase, made, padded);
    tb_conv_run(run->pool, &g->analysis, padded, NULL, y, NULL);
    for (int col = 0, i = 1; col < y.cols; col++) {
        for (; i < col * TB_KOKORO_HOP + TB_SPECTRUM_POINTS; i++)
            same = padded.p[i] == padded.p[i - 1] ? same + 1 : 1;
        if (same >= TB_SPECTRUM_POINTS)
            constant(y, col);
        else
            polar(y, col);
    }
    tb_kokoro_look(run, "harmonics", y);
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}
