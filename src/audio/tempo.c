/* tempo.c - see tempo.h. */
#include "audio/tempo.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    WINDOW = TB_TEMPO_WINDOW,
    HOP = WINDOW / 2,
    SEEK = TB_TEMPO_SEEK,
    COARSE = 4 /* samples between the places that are tried first: speech is smooth enough for that */
};

size_t tb_tempo_len(size_t len, double faster)
{
    return (size_t)lround((double)len / faster);
}

/* in [len] from `at` on, which may lie before it or behind it, where there is silence; out [n]. */
static void copy(const float *in, size_t len, long at, float *out, long n)
{
    for (long i = 0; i < n; i++)
        out[i] = at + i >= 0 && (size_t)(at + i) < len ? in[at + i] : 0;
}

/* How well b [WINDOW] goes on like a [WINDOW]: their product over the size of b. */
static float match(const float *a, const float *b)
{
    float product[8] = { 0 }, size[8] = { 0 }, sum = 0, square = 1e-4f; /* silence matches nothing well */

    for (int i = 0; i < WINDOW; i += 8)
        for (int k = 0; k < 8; k++) {
            product[k] += a[i + k] * b[i + k];
            size[k] += b[i + k] * b[i + k];
        }
    for (int k = 0; k < 8; k++) {
        sum += product[k];
        square += size[k];
    }
    return sum / sqrtf(square);
}

/* Where in near [2 * SEEK + WINDOW] the piece begins that goes on like wanted [WINDOW]. The middle wins a draw. */
static int best_place(const float *wanted, const float *near)
{
    int best = SEEK;
    float most = match(wanted, near + SEEK);

    for (int step = COARSE; step; step = step == 1 ? 0 : 1) {
        int from = step > 1 ? 0 : best - COARSE + 1, to = step > 1 ? 2 * SEEK : best + COARSE - 1;

        for (int i = from < 0 ? 0 : from; i <= to && i <= 2 * SEEK; i += step) {
            float m = match(wanted, near + i);

            if (m > most) {
                most = m;
                best = i;
            }
        }
    }
    return best;
}

void tb_tempo(const float *in, size_t len, double faster, float *out)
{
    size_t n = tb_tempo_len(len, faster);
    float wanted[WINDOW], near[2 * SEEK + WINDOW], rise[HOP];

    assert(faster >= 0.25 && faster <= 4);
    if (n == len) {
        memcpy(out, in, n * sizeof *out);
        return;
    }
    for (int i = 0; i < HOP; i++)
        rise[i] = (float)(0.5 - 0.5 * cos(M_PI * (i + 0.5) / HOP));
    copy(in, len, 0, wanted, WINDOW);
    for (size_t at = 0; at < n; at += HOP) {
        long middle = lround((double)at * faster), from;

        copy(in, len, middle - SEEK, near, 2 * SEEK + WINDOW);
        from = at ? best_place(wanted, near) : SEEK;
        for (size_t i = 0; i < HOP && at + i < n; i++)
            out[at + i] = wanted[i] + rise[i] * (near[(size_t)from + i] - wanted[i]);
        copy(in, len, middle - SEEK + from + HOP, wanted, WINDOW);
    }
}
