/* fft.c - see fft.h.
 *
 * A real frame of N samples is read as N / 2 complex numbers, transformed by decimation in time with the smallest prime
 * factor at each level, and taken apart into the N / 2 + 1 bins of the real signal. */
#include "audio/fft.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_SIZE = 65536, MAX_RADIX = 5 };

struct tb_fft {
    int size;     /* of the real frame */
    float *turn;  /* [size][2]: exp(-2 pi i k / size) */
};

static int smallest_factor(int n)
{
    return n % 2 == 0 ? 2 : n % 3 == 0 ? 3 : 5;
}

enum tb_code tb_fft_open(int size, struct tb_fft **out, struct tb_error *err)
{
    int rest = size;

    *out = NULL;
    for (int p = 2; p <= MAX_RADIX; p++)
        while (rest > 1 && rest % p == 0)
            rest /= p;
    if (size < 4 || size > MAX_SIZE || size % 2 || rest != 1)
        return tb_fail(err, TB_EINVAL, "fft of %d points", size);

    struct tb_fft *fft = malloc(sizeof *fft);
    float *turn = malloc((size_t)size * 2 * sizeof *turn);
    if (!fft || !turn) {
        free(fft);
        free(turn);
        return tb_fail(err, TB_ENOMEM, "fft of %d points", size);
    }
    for (int k = 0; k < size; k++) {
        double a = -2 * M_PI * k / size;
        turn[2 * k] = (float)cos(a);
        turn[2 * k + 1] = (float)sin(a);
    }
    *fft = (struct tb_fft){ size, turn };
    *out = fft;
    return TB_OK;
}

void tb_fft_close(struct tb_fft *fft)
{
    if (fft)
        free(fft->turn);
    free(fft);
}

size_t tb_fft_work(const struct tb_fft *fft)
{
    return (size_t)fft->size;
}

/* out [n][2] of in[0], in[stride], ...: n / p sub-transforms of length n / p, then one butterfly of p points for each
 * of their bins. */
static void transform(const struct tb_fft *fft, const float *in, int stride, int n, float *out)
{
    if (n == 1) {
        out[0] = in[0];
        out[1] = in[1];
        return;
    }
    int p = smallest_factor(n), m = n / p;
    int step = fft->size / n; /* of the table, for one n-th of a turn */

    for (int r = 0; r < p; r++)
        transform(fft, in + 2 * (ptrdiff_t)r * stride, stride * p, m, out + 2 * (ptrdiff_t)r * m);
    for (int k = 0; k < m; k++) {
        float part[MAX_RADIX][2];
        for (int r = 0; r < p; r++) {
            const float *v = out + 2 * (r * m + k), *w = fft->turn + 2 * (ptrdiff_t)(r * k * step);
            part[r][0] = v[0] * w[0] - v[1] * w[1];
            part[r][1] = v[0] * w[1] + v[1] * w[0];
        }
        for (int q = 0; q < p; q++) {
            float re = part[0][0], im = part[0][1];
            for (int r = 1; r < p; r++) {
                const float *w = fft->turn + 2 * (ptrdiff_t)(r * q % p * (fft->size / p));
                re += part[r][0] * w[0] - part[r][1] * w[1];
                im += part[r][0] * w[1] + part[r][1] * w[0];
            }
            out[2 * (q * m + k)] = re;
            out[2 * (q * m + k) + 1] = im;
        }
    }
}

void tb_fft_real(const struct tb_fft *fft, const float *in, float *out, float *work)
{
    int half = fft->size / 2;

    transform(fft, in, 1, half, work);
    for (int k = 0; k <= half; k++) {
        const float *a = work + 2 * (k % half), *b = work + 2 * ((half - k) % half), *w = fft->turn + 2 * k;
        float even_re = 0.5f * (a[0] + b[0]), even_im = 0.5f * (a[1] - b[1]);
        float odd_re = 0.5f * (a[1] + b[1]), odd_im = -0.5f * (a[0] - b[0]);
        out[2 * k] = even_re + odd_re * w[0] - odd_im * w[1];
        out[2 * k + 1] = even_im + odd_re * w[1] + odd_im * w[0];
    }
}
