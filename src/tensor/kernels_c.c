/* kernels_c.c - the inner loops in plain C: what every other level is tested against. */
#include <math.h>
#include <string.h>

#include "tensor/fastconv_points.h"
#include "tensor/linear_rows.h"
#include "tensor/qmat_rows.h"

static void tile(const float *x, int ldx, const float *w, int depth, int taps, int dilation, int vecs, float *acc)
{
    int n = vecs * TB_LANES;

    memset(acc, 0, sizeof *acc * TB_PANEL * TB_TILE);
    for (int c = 0; c < depth; c++, x += ldx)
        for (int tap = 0; tap < taps; tap++, w += TB_PANEL)
            for (int i = 0; i < TB_PANEL; i++)
                for (int t = 0; t < n; t++)
                    acc[i * TB_TILE + t] += w[i] * x[tap * dilation + t];
}

static void tile16(const uint32_t *x, int ldx, const int16_t *w, int pairs, int taps, int dilation, int vecs,
                   int32_t *acc)
{
    int n = vecs * TB_LANES;

    memset(acc, 0, sizeof *acc * TB_PANEL * TB_TILE);
    for (int c = 0; c < pairs; c++, x += ldx)
        for (int tap = 0; tap < taps; tap++, w += 2 * TB_PANEL)
            for (int i = 0; i < TB_PANEL; i++)
                for (int t = 0; t < n; t++) {
                    uint32_t both = x[tap * dilation + t];

                    acc[i * TB_TILE + t] += w[2 * i] * (int16_t)both + w[2 * i + 1] * (int16_t)(both >> 16);
                }
}

static void fast_input(const float *e, int parts, int d, const float *gain, uint32_t *out, size_t step)
{
    tb_fast_inputs(e, parts, d, gain, out, step);
}

static void fast_output(const int32_t *acc, size_t step, int parts, const float *gain, float *y)
{
    tb_fast_outputs(acc, step, parts, gain, y);
}

static void fast_turn(const float *x, size_t ldx, float *y, size_t ldy)
{
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < 8; k++)
            y[k * ldy + i] = x[i * ldx + k];
}

static uint32_t fast_peak(const float *x, int n)
{
    return tb_fast_peak(x, n);
}

static void pre(const struct tb_pre *p, int c, const float *x, float *y, int n)
{
    float scale = p->scale ? p->scale[c] : 1.0f, shift = p->scale ? p->shift[c] : 0.0f;

    for (int i = 0; i < n; i++) {
        float v = x[i] * scale + shift;

        if (p->kind == TB_PRE_LEAKY && v < 0.0f)
            v *= p->slope;
        if (p->kind == TB_PRE_SNAKE) {
            float s = sinf(p->alpha[c] * v);

            v += s * s * p->inv_alpha[c];
        }
        y[i] = v;
    }
}

static float gelu(float x)
{
    return 0.5f * x * (1.0f + tanhf(0.797884561f * (x + 0.044715f * x * x * x)));
}

static float act(enum tb_act kind, float slope, float v)
{
    if (kind == TB_ACT_RELU)
        return v > 0.0f ? v : 0.0f;
    if (kind == TB_ACT_LEAKY)
        return v < 0.0f ? slope * v : v;
    return kind == TB_ACT_GELU ? gelu(v) : v;
}

static void post(const struct tb_post *p, const float *acc, float bias, const float *residual, float *y, int n)
{
    float gain = p->gain == 0.0f ? 1.0f : p->gain;

    for (int i = 0; i < n; i++) {
        float v = act(p->act, p->slope, (acc[i] + bias + (residual ? residual[i] : 0.0f)) * gain);

        y[i] = p->accumulate ? y[i] + v : v;
    }
}

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

static float map_one(enum tb_map f, float arg, float x)
{
    switch (f) {
    case TB_MAP_SCALE: return arg * x;
    case TB_MAP_LEAKY: return x < 0.0f ? arg * x : x;
    case TB_MAP_GELU: return gelu(x);
    case TB_MAP_TANH: return tanhf(x);
    case TB_MAP_SIGMOID: return sigmoid(x);
    case TB_MAP_EXP: return expf(x);
    case TB_MAP_SIN: return sinf(x);
    case TB_MAP_COS: return cosf(x);
    }
    return x;
}

static void map(enum tb_map f, float arg, const float *x, float *y, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = map_one(f, arg, x[i]);
}

static void add(const float *a, const float *b, float gain, float *y, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = (a[i] + b[i]) * gain;
}

static double sum(const float *x, int n)
{
    double s = 0.0;

    for (int i = 0; i < n; i++)
        s += (double)x[i];
    return s;
}

static double spread(const float *x, int n, double mean)
{
    double s = 0.0;

    for (int i = 0; i < n; i++)
        s += ((double)x[i] - mean) * ((double)x[i] - mean);
    return s;
}

static void mix(const float *weights, const float *x, size_t ldx, int count, float *y, int n)
{
    for (int k = 0; k < count; k++)
        for (int i = 0; i < n; i++)
            y[i] += weights[k] * x[(size_t)k * ldx + (size_t)i];
}

static float dot(const float *a, const float *b, int n)
{
    float s = 0.0f;

    for (int i = 0; i < n; i++)
        s += a[i] * b[i];
    return s;
}

static void from32(const int32_t *acc, const float *gain, float *y)
{
    for (int i = 0; i < TB_PANEL; i++)
        for (int t = 0; t < TB_TILE; t++)
            y[i * TB_TILE + t] = (float)acc[i * TB_TILE + t] * gain[i];
}

static void pair16(const float *a, const float *b, float gain, uint32_t *words, int n)
{
    for (int i = 0; i < n; i++)
        words[i] = tb_fast_pair(a[i] * gain, b[i] * gain);
}

static void widen16(const uint8_t *q, size_t step, int rows, uint8_t flip, const float *zero, int in, int taps,
                    int16_t *w)
{
    for (int c = 0; c < in + in % 2; c++)
        for (int tap = 0; tap < taps; tap++)
            for (int i = 0; i < TB_PANEL; i++) {
                int row = i < rows ? i : 0;
                int v = c < in ? (q[(size_t)row * step + (size_t)(c * taps + tap)] ^ flip) - (int)zero[row] : 0;

                w[((c / 2 * taps + tap) * TB_PANEL + i) * 2 + c % 2] = (int16_t)v;
            }
}

static float dot8(const uint8_t *q, uint8_t flip, float zero, const float *x, int n)
{
    float s = 0.0f;

    for (int i = 0; i < n; i++)
        s += ((float)(uint8_t)(q[i] ^ flip) - zero) * x[i];
    return s;
}

static void gemv64(const float *w, const float *x, int n, float *y)
{
    memset(y, 0, 64 * sizeof *y);
    for (int i = 0; i < n; i++, w += 64)
        for (int j = 0; j < 64; j++)
            y[j] += w[j] * x[i];
}

static void gemv64_8(const int8_t *w, float scale, const float *x, int n, float *y)
{
    memset(y, 0, 64 * sizeof *y);
    for (int i = 0; i < n; i++, w += 64)
        for (int j = 0; j < 64; j++)
            y[j] += (float)w[j] * x[i];
    for (int j = 0; j < 64; j++)
        y[j] *= scale;
}

static void lstm_cell(const float *const gate[4], float *c, float *h, int n)
{
    for (int i = 0; i < n; i++) {
        c[i] = sigmoid(gate[2][i]) * c[i] + sigmoid(gate[0][i]) * tanhf(gate[3][i]);
        h[i] = sigmoid(gate[1][i]) * tanhf(c[i]);
    }
}

const struct tb_kernels tb_kernels_c = {
    .tile = tile,
    .tile16 = tile16,
    .fast_input = fast_input,
    .fast_output = fast_output,
    .fast_turn = fast_turn,
    .fast_peak = fast_peak,
    .pre = pre,
    .post = post,
    .map = map,
    .add = add,
    .sum = sum,
    .spread = spread,
    .dot = dot,
    .mix = mix,
    .from32 = from32,
    .pair16 = pair16,
    .widen16 = widen16,
    .dot8 = dot8,
    .gemv64 = gemv64,
    .gemv64_8 = gemv64_8,
    .lstm_cell = lstm_cell,
    .linear = tb_linear_rows_c,
    .qmat8 = tb_qmat_rows8_c,
    .qmat4 = tb_qmat_rows4_c,
};
