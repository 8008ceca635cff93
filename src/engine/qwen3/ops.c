/* ops.c - see ops.h. Sums over a row are kept in double: they are short, and their order then hardly matters. */
#include "engine/qwen3/ops.h"

#include <math.h>

void tb_q3_rms_norm(struct tb_mat x, const float *weight, float eps, struct tb_mat y)
{
    for (int r = 0; r < x.rows; r++) {
        const float *from = tb_mat_row(x, r);
        float *to = tb_mat_row(y, r);
        double squares = 0;

        for (int i = 0; i < x.cols; i++)
            squares += (double)from[i] * (double)from[i];
        float scale = 1.0f / sqrtf((float)(squares / x.cols) + eps);
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

static float silu(float x)
{
    return x / (1.0f + expf(-x));
}

void tb_q3_silu(struct tb_mat x)
{
    for (int r = 0; r < x.rows; r++)
        for (int i = 0; i < x.cols; i++)
            tb_mat_row(x, r)[i] = silu(tb_mat_row(x, r)[i]);
}

void tb_q3_silu_gate(struct tb_mat gate, struct tb_mat up)
{
    for (int r = 0; r < gate.rows; r++)
        for (int i = 0; i < gate.cols; i++)
            tb_mat_row(gate, r)[i] = silu(tb_mat_row(gate, r)[i]) * tb_mat_row(up, r)[i];
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
