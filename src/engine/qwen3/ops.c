/* ops.c - see ops.h. Sums over a row are kept in double: they are short, and their order then hardly matters. */
#include "engine/qwen3/ops.h"

#include <math.h>

#include "tensor/ops.h"

/* Two sums side by side, since each addition waits for the one before it. */
static double squares_of(const float *x, int n)
{
    double even = 0, odd = 0;
    int i = 0;

    for (; i + 1 < n; i += 2) {
        even += (double)x[i] * (double)x[i];
        odd += (double)x[i + 1] * (double)x[i + 1];
    }
    return even + odd + (i < n ? (double)x[i] * (double)x[i] : 0);
}

void tb_q3_rms_norm(struct tb_mat x, const float *weight, float eps, struct tb_mat y)
{
    for (int r = 0; r < x.rows; r++) {
        const float *from = tb_mat_row(x, r);
        float *to = tb_mat_row(y, r);
        float scale = 1.0f / sqrtf((float)(squares_of(from, x.cols) / x.cols) + eps);

        for (int i = 0; i < x.cols; i++)
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
    for (int r = 0; r < x.rows; r++) {
        const float *from = tb_mat_row(branch, r);
        float *to = tb_mat_row(x, r);

        for (int i = 0; i < x.cols; i++)
            to[i] += scale ? scale[i] * from[i] : from[i];
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
        for (int i = 0; i < m; i++)
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

void tb_q3_rope(struct tb_mat x, int half, struct tb_mat cosine, struct tb_mat sine)
{
    for (int r = 0; r < x.rows; r++) {
        const float *c = tb_mat_row(cosine, r), *s = tb_mat_row(sine, r);

        for (float *head = tb_mat_row(x, r), *end = head + x.cols; head < end; head += 2 * half)
            for (int i = 0; i < half; i++) {
                float a = head[i], b = head[i + half];

                head[i] = a * c[i] - b * s[i];
                head[i + half] = b * c[i] + a * s[i];
            }
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
