/* qmat.c - see qmat.h. */
#include "tensor/qmat.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "tensor/bf16.h"
#include "tensor/kernels_priv.h"
#include "tensor/qmat_rows.h"

enum {
    PART = 1 << 17, /* weights of one part: some 8 us, far over the cost of handing it out, and half of a cache */
    LINE = 64
};

static int round_up(int n, int to)
{
    return (n + to - 1) / to * to;
}

int tb_qmat_panels(int out)
{
    return (out + TB_QMAT_ROWS - 1) / TB_QMAT_ROWS;
}

/* Bytes of the scales before the panels. */
static size_t scales_size(int bits, int out)
{
    size_t size = (size_t)tb_qmat_panels(out) * TB_QMAT_ROWS * sizeof(float);

    return bits == 8 ? (size + LINE - 1) / LINE * LINE : 0;
}

static size_t panel_size(int bits, int in)
{
    size_t blocks = (size_t)round_up(in, TB_QMAT_BLOCK) / TB_QMAT_BLOCK;

    return blocks * (bits == 8 ? (size_t)(TB_QMAT_ROWS * TB_QMAT_BLOCK) : (size_t)TB_QMAT_BLOCK4);
}

size_t tb_qmat_size(int bits, int out, int in)
{
    return scales_size(bits, out) + (size_t)tb_qmat_panels(out) * panel_size(bits, in);
}

static float sum8(const float *v)
{
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

/* Packing ---------------------------------------------------------------------------------------------------------*/

/* The nearest integer, halves to even: adding 1.5 * 2^23 leaves no room for a fraction. |v| < 2^22. */
static inline float nearest(float v)
{
    return (v + 0x1.8p23f) - 0x1.8p23f;
}

static inline float clamped(float v, float low, float high)
{
    return v < low ? low : v > high ? high : v;
}

static float greatest(const float *w, int n)
{
    float most[8] = { 0 };
    int i = 0;

    for (; i + 8 <= n; i += 8) /* eight at once, for the compiler to see */
        for (int k = 0; k < 8; k++)
            most[k] = fabsf(w[i + k]) > most[k] ? fabsf(w[i + k]) : most[k];
    for (; i < n; i++)
        most[0] = fabsf(w[i]) > most[0] ? fabsf(w[i]) : most[0];
    for (int k = 1; k < 8; k++)
        most[0] = most[k] > most[0] ? most[k] : most[0];
    return most[0];
}

/* A group as it would be held with some scale. */
struct coded {
    float low[16]; /* the words, as fractions of one: what is chosen last has the greatest part */
    float error;   /* squared */
    float fit;     /* the scale that is best when its q are kept */
};

/* w [TB_QMAT_GROUP]; low [16]: the words so far. */
static struct coded encode(const float *w, const float *low, float scale)
{
    float inverse = scale != 0 ? 1.0f / scale : 0, errors[8] = { 0 }, both[8] = { 0 }, squares[8] = { 0 };
    struct coded c;

    memcpy(c.low, low, sizeof c.low);
    for (int i = 0; i < TB_QMAT_GROUP; i += 8)
        for (int k = 0; k < 8; k++) {
            float *fraction = &c.low[i % 16 + k], bits = clamped(nearest(w[i + k] * inverse - *fraction), -8.0f, 7.0f);
            float q = bits + *fraction, d = q * scale - w[i + k];

            errors[k] += d * d;
            both[k] += q * w[i + k];
            squares[k] += q * q;
            *fraction = ((bits < 0 ? bits + 16.0f : bits) + *fraction) / 16.0f;
        }
    c.error = sum8(errors);
    c.fit = sum8(squares) > 0 ? sum8(both) / sum8(squares) : 0;
    return c;
}

/* The best scale of a group, a bfloat16, and with it the words, in low. */
static float best_scale(const float *w, float *low)
{
    static const float steps[] = { 8.0f, -8.0f, 7.5f, -7.5f, 7.0f, -7.0f, 6.5f, -6.5f, 6.0f, -6.0f };
    float most = greatest(w, TB_QMAT_GROUP), scale = 0;
    struct coded best = { .error = INFINITY };

    if (most < 0x1p-100f) {
        best = encode(w, low, 0);
        memcpy(low, best.low, sizeof best.low);
        return 0;
    }
    for (size_t i = 0; i <= sizeof steps / sizeof *steps; i++) {
        bool last = i == sizeof steps / sizeof *steps; /* then the one that fits what was best */
        float next = tb_from_bf16(tb_to_bf16(last ? best.fit : most / steps[i]));
        struct coded c = encode(w, low, next);

        if (c.error < best.error) {
            best = c;
            scale = next;
        }
    }
    memcpy(low, best.low, sizeof best.low);
    return scale;
}

static void pack8(const float *w, int in, int panel, int row, int out, uint8_t *data)
{
    int n = round_up(in, TB_QMAT_BLOCK);
    float most = greatest(w, in), inverse = most > 0x1p-100f ? 127.0f / most : 0;
    uint8_t *to = data + scales_size(8, out) + (size_t)panel * panel_size(8, in) + row * 16;

    ((float *)(void *)data)[panel * TB_QMAT_ROWS + row] = most > 0x1p-100f ? most / 127.0f : 0;
    for (int k = 0; k < n; k += 16, to += TB_QMAT_ROWS * 16)
        for (int i = 0; i < 16; i++)
            to[i] = (uint8_t)(int8_t)nearest(w[k + i] * inverse);
}

static void pack4(const float *w, int in, int panel, int row, uint8_t *data)
{
    int n = round_up(in, TB_QMAT_BLOCK);
    uint8_t *block = data + (size_t)panel * panel_size(4, in);

    for (int k = 0; k < n; k += TB_QMAT_BLOCK, block += TB_QMAT_BLOCK4) {
        uint16_t *scales = (uint16_t *)(void *)block + row * 2;
        uint16_t *words = (uint16_t *)(void *)(block + TB_QMAT_SCALES) + row * 16;

        float low[16] = { 0 };

        for (int g = 0; g < 2; g++)
            scales[g] = tb_to_bf16(best_scale(w + k + g * TB_QMAT_GROUP, low));
        for (int i = 0; i < 16; i++)
            words[i] = (uint16_t)(low[i] * 65536.0f); /* exact: 16 bits */
    }
}

void tb_qmat_pack(const struct tb_linear *from, int bits, int first, int n, uint8_t *data)
{
    float w[TB_QMAT_MOST];
    int wide = round_up(from->in, TB_QMAT_BLOCK);

    assert((bits == 8 || bits == 4) && from->in <= TB_QMAT_MOST);
    assert(first >= 0 && first + n <= tb_qmat_panels(from->out));
    for (int row = first * TB_QMAT_ROWS; row < (first + n) * TB_QMAT_ROWS; row++) {
        if (row < from->out)
            tb_table_get(from, row, w);
        memset(w + (row < from->out ? from->in : 0), 0,
               (size_t)(row < from->out ? wide - from->in : wide) * sizeof *w);
        if (bits == 8)
            pack8(w, from->in, row / TB_QMAT_ROWS, row % TB_QMAT_ROWS, from->out, data);
        else
            pack4(w, from->in, row / TB_QMAT_ROWS, row % TB_QMAT_ROWS, data);
    }
}

/* 4096 q of input k (of its block). */
static int shifted(const uint16_t *words, int k)
{
    return (int16_t)(uint16_t)(words[k % 16] << (12 - 4 * (k / 16)));
}

void tb_qmat_row(const struct tb_qmat *m, int row, float *y)
{
    int panel = row / TB_QMAT_ROWS, r = row % TB_QMAT_ROWS;
    const uint8_t *p = m->data + scales_size(m->bits, m->out) + (size_t)panel * panel_size(m->bits, m->in);

    assert(row >= 0 && row < m->out);
    for (int k = 0; k < m->in; k++) {
        if (m->bits == 8) {
            y[k] = (float)(int8_t)p[(size_t)(k / 16) * TB_QMAT_ROWS * 16 + (size_t)(r * 16 + k % 16)] *
                   ((const float *)(const void *)m->data)[row];
        } else {
            const uint8_t *block = p + (size_t)(k / TB_QMAT_BLOCK) * TB_QMAT_BLOCK4;
            const uint16_t *scales = (const uint16_t *)(const void *)block + r * 2;
            const uint16_t *words = (const uint16_t *)(const void *)(block + TB_QMAT_SCALES) + r * 16;

            y[k] = (float)shifted(words, k % TB_QMAT_BLOCK) * 0x1p-12f *
                   tb_from_bf16(scales[k % TB_QMAT_BLOCK / TB_QMAT_GROUP]);
        }
    }
}

/* Inputs ----------------------------------------------------------------------------------------------------------*/

size_t tb_qinput_floats(int tokens, int in)
{
    size_t wide = (size_t)round_up(in, TB_QMAT_BLOCK);

    return (size_t)tokens * wide / 2 + (size_t)round_up(tokens, 16);
}

struct tb_qinput tb_qinput_of(struct tb_mat x, float *memory)
{
    int wide = round_up(x.cols, TB_QMAT_BLOCK);
    struct tb_qinput out = { .tokens = x.rows, .in = x.cols, .scale = memory };

    out.q = (int16_t *)(void *)(memory + round_up(x.rows, 16));
    for (int t = 0; t < x.rows; t++) {
        const float *from = tb_mat_row(x, t);
        int16_t *to = out.q + (size_t)t * (size_t)wide;
        float most = greatest(from, x.cols), inverse = most > 0x1p-100f ? TB_QMAT_RANGE / most : 0;

        out.scale[t] = most > 0x1p-100f ? most / TB_QMAT_RANGE : 0;
        for (int i = 0; i < x.cols; i++)
            to[i] = (int16_t)(int)nearest(from[i] * inverse);
        memset(to + x.cols, 0, (size_t)(wide - x.cols) * sizeof *to);
    }
    return out;
}

/* Products --------------------------------------------------------------------------------------------------------*/

void tb_qmat_rows8_c(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y)
{
    for (int r = 0; r < TB_QMAT_ROWS; r++)
        for (int t = 0; t < tokens; t++) {
            int32_t part[8] = { 0 };
            float parts[8];

            for (int k = 0; k < n; k++)
                part[k % 16 / 2] += (int8_t)w[k / 16 * TB_QMAT_ROWS * 16 + r * 16 + k % 16] * x[(size_t)t * ldx + k];
            for (int i = 0; i < 8; i++)
                parts[i] = (float)part[i];
            y[t * TB_QMAT_ROWS + r] = sum8(parts);
        }
}

void tb_qmat_rows4_c(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y)
{
    for (int r = 0; r < TB_QMAT_ROWS; r++)
        for (int t = 0; t < tokens; t++) {
            const int16_t *in = x + (size_t)t * ldx;
            const uint8_t *block = w;
            float parts[8] = { 0 };

            for (int k = 0; k < n; k += TB_QMAT_GROUP, block += k % TB_QMAT_BLOCK ? 0 : TB_QMAT_BLOCK4) {
                const uint16_t *words = (const uint16_t *)(const void *)(block + TB_QMAT_SCALES) + r * 16;
                const uint16_t *scales = (const uint16_t *)(const void *)block + r * 2;
                float scale = tb_from_bf16(scales[k % TB_QMAT_BLOCK / TB_QMAT_GROUP]);
                int32_t part[8] = { 0 };

                for (int i = 0; i < TB_QMAT_GROUP; i++)
                    part[i % 16 / 2] += shifted(words, k % TB_QMAT_BLOCK + i) * in[k + i];
                for (int i = 0; i < 8; i++)
                    parts[i] = fmaf(scale, (float)part[i], parts[i]);
            }
            y[t * TB_QMAT_ROWS + r] = sum8(parts) * 0x1p-12f;
        }
}

struct job {
    const struct tb_qproduct *products;
    int count;
    const struct tb_qinput *x;
    int step; /* panels of one part */
};

/* Up to TB_QMAT_TOKENS tokens from t on with one panel. */
static void run_panel(const struct tb_qproduct *p, const struct tb_qinput *x, int t, int tokens, int panel)
{
    const struct tb_qmat *m = p->m;
    int wide = round_up(m->in, TB_QMAT_BLOCK), first = panel * TB_QMAT_ROWS;
    int rows = m->out - first < TB_QMAT_ROWS ? m->out - first : TB_QMAT_ROWS;
    const uint8_t *w = m->data + scales_size(m->bits, m->out) + (size_t)panel * panel_size(m->bits, m->in);
    float scale[TB_QMAT_ROWS] = { 1, 1, 1, 1 }, sums[TB_QMAT_TOKENS * TB_QMAT_ROWS];

    if (m->bits == 8)
        memcpy(scale, m->data + (size_t)first * sizeof *scale, sizeof scale);
    (m->bits == 8 ? tb_kernels->qmat8 : tb_kernels->qmat4)(w, x->q + (size_t)t * (size_t)wide, (size_t)wide, tokens,
                                                           wide, sums);
    for (int i = 0; i < tokens; i++)
        for (int r = 0; r < rows; r++)
            tb_mat_row(p->y, t + i)[first + r] = sums[i * TB_QMAT_ROWS + r] * (scale[r] * x->scale[t + i]) +
                                                 (m->bias ? m->bias[first + r] : 0.0f);
}

/* All tokens with panels first .. end, which stay in the second-level cache while the tokens pass. */
static void run_panels(const struct tb_qproduct *p, const struct tb_qinput *x, int first, int end)
{
    for (int t = 0, tokens; t < x->tokens; t += tokens) {
        tokens = x->tokens - t < TB_QMAT_TOKENS ? x->tokens - t : TB_QMAT_TOKENS;
        for (int panel = first; panel < end; panel++)
            run_panel(p, x, t, tokens, panel);
    }
}

static int parts_of(const struct job *job, const struct tb_qmat *m)
{
    return (tb_qmat_panels(m->out) + job->step - 1) / job->step;
}

static void run_part(void *ctx, int part)
{
    const struct job *job = ctx;
    const struct tb_qproduct *p = job->products;

    while (part >= parts_of(job, p->m))
        part -= parts_of(job, p++->m);
    int end = (part + 1) * job->step, panels = tb_qmat_panels(p->m->out);
    run_panels(p, job->x, part * job->step, end < panels ? end : panels);
}

void tb_qmat_run(struct tb_pool *pool, const struct tb_qproduct *products, int count, const struct tb_qinput *x)
{
    size_t panel = (size_t)round_up(x->in, TB_QMAT_BLOCK) * TB_QMAT_ROWS;
    struct job job = { products, count, x, (int)((PART + panel - 1) / panel) };
    int parts = 0;

    for (int i = 0; i < count; i++) {
        const struct tb_qproduct *p = &products[i];

        assert(p->m->in == x->in && p->y.cols == p->m->out && p->y.rows == x->tokens && p->m->in <= TB_QMAT_MOST);
        parts += parts_of(&job, p->m);
    }
    tb_pool_run(pool, run_part, &job, parts);
}
