/* spectrum.c - see spectrum.h.
 *
 * The network is fed with the phases of all bins, and in many frames most bins hold nothing but the transform's own
 * errors. ONNX Runtime, which defines the numbers that this engine is held to, transforms 20 points by Bluestein's
 * method in single precision: a product with a chirp, a circular convolution with the conjugate chirp by way of
 * 64-point radix-2 transforms, the chirp again. We do the same steps once when the model is loaded, on impulses, and so
 * get a matrix with the same errors, which is far cheaper to use than the steps. */
#include "engine/kokoro/spectrum.h"

#include <math.h>
#include <string.h>

enum { N = TB_SPECTRUM_POINTS, B = TB_SPECTRUM_BINS, M = 64, LOG_M = 6 };

struct complex {
    float re, im;
};

static const float pi = 3.14159265f;

static struct complex times(struct complex a, struct complex b)
{
    return (struct complex){ a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re };
}

static struct complex plus(struct complex a, struct complex b)
{
    return (struct complex){ a.re + b.re, a.im + b.im };
}

static struct complex unit(float angle)
{
    return (struct complex){ cosf(angle), sinf(angle) };
}

static int reversed(int i)
{
    int r = 0;

    for (int bit = 0; bit < LOG_M; bit++)
        r |= (i >> bit & 1) << (LOG_M - 1 - bit);
    return r;
}

/* y = transform of x. Both halves of a butterfly have a root of their own, whose rounding differs. */
static void transform(const struct complex x[M], struct complex y[M])
{
    struct complex root[M];
    const float step = -2.0f * pi / (float)M;

    for (int i = 0; i < M; i++) {
        root[i] = unit((float)i * step);
        y[i] = x[reversed(i)];
    }
    for (int len = 2; len <= M; len *= 2)
        for (int k = 0; k < len / 2; k++)
            for (int j = k; j < M; j += len) {
                struct complex even = y[j], odd = y[j + len / 2];

                y[j] = plus(even, times(root[k * (M / len)], odd));
                y[j + len / 2] = plus(even, times(root[(k + len / 2) * (M / len)], odd));
            }
}

static void bluestein(const float x[N], float y[2 * B])
{
    struct complex chirp[N], a[M] = { { 0.0f, 0.0f } }, b[M] = { { 0.0f, 0.0f } }, ta[M], tb[M];

    for (int n = 0; n < N; n++) {
        chirp[n] = unit(-pi * (float)n * (float)n / (float)N);
        a[n] = (struct complex){ x[n] * chirp[n].re, x[n] * chirp[n].im };
        b[n] = (struct complex){ chirp[n].re, -chirp[n].im };
        b[(M - n) % M] = b[n];
    }
    transform(a, ta);
    transform(b, tb);
    for (int i = 0; i < M; i++)
        a[i] = times(ta[i], tb[i]);
    transform(a, ta); /* forward once more: the inverse, with its output reversed and M times too large */
    for (int k = 0; k < B; k++) {
        struct complex back = ta[(M - k) % M];
        struct complex out = times((struct complex){ back.re / M, back.im / M }, chirp[k]);

        y[k] = out.re;
        y[B + k] = out.im;
    }
}

static float hann(int n)
{
    return (float)(0.5 - 0.5 * cos(2.0 * M_PI * n / N));
}

void tb_spectrum_matrix(float *w)
{
    for (int n = 0; n < N; n++) {
        float impulse[N] = { 0.0f }, y[2 * B];

        impulse[n] = 1.0f;
        bluestein(impulse, y);
        for (int k = 0; k < 2 * B; k++)
            w[k * N + n] = y[k] * hann(n);
    }
}
