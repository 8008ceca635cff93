/* ops.c - see ops.h. Sums over a row are kept in double: they are short, and their order then hardly matters. */
#include "engine/qwen3/ops.h"

#include <math.h>
#include <string.h>

#include "tensor/ops.h"

/* Four sums side by side, since each addition waits for the one before it. */
static double squares_of(const float *x, int n)
{
    double a = 0, b = 0, c = 0, d = 0;
    int i = 0;

    for (; i + 4 <= n; i += 4) {
        a += (double)x[i] * (double)x[i];
        b += (double)x[i + 1] * (double)x[i + 1];
        c += (double)x[i + 2] * (double)x[i + 2];
        d += (double)x[i + 3] * (double)x[i + 3];
    }
    for (; i < n; i++)
        a += (double)x[i] * (double)x[i];
    return (a + b) + (c + d);
}

enum { FEW = 8 }; /* elements at once, in a loop that the compiler turns into vectors */

void tb_q3_rms_norm(struct tb_mat x, const float *weight, float eps, struct tb_mat y)
{
    for (int r = 0; r < x.rows; r++) {
        const float *from = tb_mat_row(x, r);
        float *to = tb_mat_row(y, r);
        float scale = 1.0f / sqrtf((float)(squares_of(from, x.cols) / x.cols) + eps);
        int i = 0;

        for (; i + FEW <= x.cols; i += FEW) {
            float normed[FEW]; /* y may be x */

            for (int k = 0; k < FEW; k++)
                normed[k] = from[i + k] * scale * weight[i + k];
            memcpy(to + i, normed, sizeof normed);
        }
        for (; i < x.cols; i++)
            to[i] = from[i] * scale * weight[i];
    }
}

void tb_q3_layer_norm(struct tb_mat x, const float *weight, const float *bias, float eps, struct tb_mat y)
{
    for (int r = 0; r < x.rows; r++) {
        const float *from = tb_mat_row(x, r);
        float *to = tb_mat_row(y, r);
        double sum = 0, squares = 0;

        for (int i = 0; i < x.cols; i++)
            sum += (double)from[i];
        double mean = sum / x.cols;
        for (int i = 0; i < x.cols; i++)
            squares += ((double)from[i] - mean) * ((double)from[i] - mean);
        double scale = 1.0 / sqrt(squares / x.cols + (double)eps);
        for (int i = 0; i < x.cols; i++)
            to[i] = (float)(((double)from[i] - mean) * scale) * weight[i] + bias[i];
    }
}

void tb_q3_add_scaled(struct tb_mat x, struct tb_mat branch, const float *scale)
{
    if (!scale) {
        tb_add(NULL, x, branch, 1.0f, x);
        return;
    }
    for (int r = 0; r < x.rows; r++) {
        const float *from = tb_mat_row(branch, r);
        float *to = tb_mat_row(x, r);

        for (int i = 0; i < x.cols; i++)
            to[i] += scale[i] * from[i];
    }
}

enum { SLICE = 512 };

/* x * sigmoid(x) * factor; factor may be NULL. A slice at a time, since the sigmoid needs the x that it is made of. */
static void silu(float *x, const float *factor, int n)
{
    for (int from = 0; from < n; from += SLICE) {
        int m = n - from < SLICE ? n - from : SLICE;
        float s[SLICE];
        struct tb_mat in = { x + from, 1, m, m }, out = { s, 1, m, m };

        tb_map(NULL, TB_MAP_SIGMOID, 0, in, out);
        int i = 0;
        for (; factor && i + FEW <= m; i += FEW) {
            float y[FEW];

            for (int k = 0; k < FEW; k++)
                y[k] = x[from + i + k] * (s[i + k] * factor[from + i + k]);
            memcpy(x + from + i, y, sizeof y);
        }
        for (; i < m; i++)
            x[from + i] *= factor ? s[i] * factor[from + i] : s[i];
    }
}

void tb_q3_silu(struct tb_mat x)
{
    for (int r = 0; r < x.rows; r++)
        silu(tb_mat_row(x, r), NULL, x.cols);
}

void tb_q3_silu_gate(struct tb_mat gate, struct tb_mat up)
{
    for (int r = 0; r < gate.rows; r++)
        silu(tb_mat_row(gate, r), tb_mat_row(up, r), gate.cols);
}

void tb_q3_gelu(struct tb_mat x)
{
    const float half_root = 0.70710678118654752f;

    for (int r = 0; r < x.rows; r++)
        for (int i = 0; i < x.cols; i++) {
            float v = tb_mat_row(x, r)[i];

            tb_mat_row(x, r)[i] = 0.5f * v * (1.0f + erff(v * half_root));
        }
}

/* The points (a, b) [n] by the angles. */
static void turn(float *a, float *b, int n, const float *cosine, const float *sine)
{
    int i = 0;

    for (; i + FEW <= n; i += FEW) {
        float x[FEW], y[FEW];

        for (int k = 0; k < FEW; k++) {
            x[k] = a[i + k] * cosine[i + k] - b[i + k] * sine[i + k];
            y[k] = b[i + k] * cosine[i + k] + a[i + k] * sine[i + k];
        }
        memcpy(a + i, x, sizeof x);
        memcpy(b + i, y, sizeof y);
    }
    for (; i < n; i++) {
        float x = a[i], y = b[i];

        a[i] = x * cosine[i] - y * sine[i];
        b[i] = y * cosine[i] + x * sine[i];
    }
}

void tb_q3_rope(struct tb_mat x, int half, struct tb_mat cosine, struct tb_mat sine)
{
    for (int r = 0; r < x.rows; r++) {
        const float *c = tb_mat_row(cosine, r), *s = tb_mat_row(sine, r);

        for (float *head = tb_mat_row(x, r), *end = head + x.cols; head < end; head += 2 * half)
            turn(head, head + half, half, c, s);
    }
}

void tb_q3_rope_tables(const float *frequency, int first, struct tb_mat cosine, struct tb_mat sine)
{
    for (int r = 0; r < cosine.rows; r++)
        for (int i = 0; i < cosine.cols; i++) {
            float angle = (float)(first + r) * frequency[i]; /* rounded to float, as the reference's is */

            tb_mat_row(cosine, r)[i] = (float)cos((double)angle);
            tb_mat_row(sine, r)[i] = (float)sin((double)angle);
        }
}
