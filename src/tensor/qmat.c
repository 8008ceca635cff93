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
    LINE = 64,
    IN_GROUP = TB_QMAT_WIDE / TB_QMAT_GROUPS
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
    if (bits == 8)
        return (size_t)round_up(in, TB_QMAT_BLOCK) * TB_QMAT_ROWS;
    return (size_t)round_up(in, TB_QMAT_WIDE) / TB_QMAT_WIDE * TB_QMAT_BLOCK4 * TB_QMAT_ROWS;
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
    float q[IN_GROUP];
    float error; /* squared */
    float fit;   /* the scale that is best when its q are kept */
};

static struct coded encode(const float *w, float scale)
{
    float inverse = scale != 0 ? 1.0f / scale : 0, errors[8] = { 0 }, both[8] = { 0 }, squares[8] = { 0 };
    struct coded c;

    for (int i = 0; i < IN_GROUP; i += 8)
        for (int k = 0; k < 8; k++) {
            float q = clamped(nearest(w[i + k] * inverse), -8.0f, 7.0f), d = q * scale - w[i + k];

            errors[k] += d * d;
            both[k] += q * w[i + k];
            squares[k] += q * q;
            c.q[i + k] = q;
        }
    c.error = sum8(errors);
    c.fit = sum8(squares) > 0 ? sum8(both) / sum8(squares) : 0;
    return c;
}

/* The best scale of a group w [IN_GROUP], a bfloat16, and with it the q. */
static float best_scale(const float *w, float *q)
{
    static const float steps[] = { 8.0f, -8.0f, 7.5f, -7.5f, 7.0f, -7.0f, 6.5f, -6.5f, 6.0f, -6.0f };
    float most = greatest(w, IN_GROUP), scale = 0;
    struct coded best = { .error = INFINITY };

    if (most < 0x1p-100f) {
        memset(q, 0, IN_GROUP * sizeof *q);
        return 0;
    }
    for (size_t i = 0; i <= sizeof steps / sizeof *steps; i++) {
        bool last = i == sizeof steps / sizeof *steps; /* then the one that fits what was best */
        float next = tb_from_bf16(tb_to_bf16(last ? best.fit : most / steps[i]));
        struct coded c = encode(w, next);

        if (c.error < best.error) {
            best = c;
            scale = next;
        }
    }
    memcpy(q, best.q, sizeof best.q);
    return scale;
}

/* Input number i (0 .. IN_GROUP - 1) of a group of a block. */
static int member(int group, int i)
{
    return i / 4 * 32 + group * 4 + i % 4;
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
    int n = round_up(in, TB_QMAT_WIDE);
    uint8_t *block = data + ((size_t)panel * TB_QMAT_ROWS + (size_t)row) * (panel_size(4, in) / TB_QMAT_ROWS);

    for (int k = 0; k < n; k += TB_QMAT_WIDE, block += TB_QMAT_BLOCK4) {
        uint16_t *scales = (uint16_t *)(void *)block;

        memset(block, 0, TB_QMAT_BLOCK4);
        for (int g = 0; g < TB_QMAT_GROUPS; g++) {
            float group[IN_GROUP], q[IN_GROUP];

            for (int i = 0; i < IN_GROUP; i++)
                group[i] = w[k + member(g, i)];
            scales[g] = tb_to_bf16(best_scale(group, q));
            for (int i = 0; i < IN_GROUP; i++) {
                int at = member(g, i);

                block[TB_QMAT_SCALES + at / 64 * 32 + at % 32] |= (uint8_t)((int)q[i] + 8) << (at % 64 < 32 ? 0 : 4);
            }
        }
    }
}

void tb_qmat_pack(const struct tb_linear *from, int bits, int first, int n, uint8_t *data)
{
    float w[TB_QMAT_MOST];
    int wide = round_up(from->in, bits == 8 ? TB_QMAT_BLOCK : TB_QMAT_WIDE);

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

/* q of input k of a block. */
static int held4(const uint8_t *block, int k)
{
    return (block[TB_QMAT_SCALES + k / 64 * 32 + k % 32] >> (k % 64 < 32 ? 0 : 4) & 15) - 8;
}

void tb_qmat_row(const struct tb_qmat *m, int row, float *y)
{
    const uint8_t *p = m->data + scales_size(m->bits, m->out);
    int panel = row / TB_QMAT_ROWS, r = row % TB_QMAT_ROWS;

    assert(row >= 0 && row < m->out);
    p += (size_t)panel * panel_size(m->bits, m->in);
    if (m->bits == 4)
        p += (size_t)r * (panel_size(4, m->in) / TB_QMAT_ROWS);
    for (int k = 0; k < m->in; k++) {
        if (m->bits == 8) {
            y[k] = (float)(int8_t)p[(size_t)(k / 16) * TB_QMAT_ROWS * 16 + (size_t)(r * 16 + k % 16)] *
                   ((const float *)(const void *)m->data)[row];
        } else {
            const uint8_t *block = p + (size_t)(k / TB_QMAT_WIDE) * TB_QMAT_BLOCK4;
            const uint16_t *scales = (const uint16_t *)(const void *)block;

            y[k] = (float)held4(block, k % TB_QMAT_WIDE) * tb_from_bf16(scales[k % 32 / 4]);
        }
    }
}

/* Inputs ----------------------------------------------------------------------------------------------------------*/

size_t tb_qinput_floats(int tokens, int in)
{
    size_t words = (size_t)tokens * (size_t)round_up(in, TB_QMAT_BLOCK) / 2 + (size_t)round_up(tokens, 16);
    size_t blocks = (size_t)tokens * (size_t)(round_up(in, TB_QMAT_WIDE) / TB_QMAT_WIDE);

    blocks *= sizeof(struct tb_qblock) / sizeof(float);
    return words > blocks ? words : blocks;
}

static void round_words(const float *from, int n, int wide, int16_t *to, float *scale)
{
    float most = greatest(from, n), inverse = most > 0x1p-100f ? TB_QMAT_RANGE / most : 0;

    *scale = most > 0x1p-100f ? most / TB_QMAT_RANGE : 0;
    int i = 0;
    for (; i + 8 <= n; i += 8) /* eight at once, for the compiler to see */
        for (int k = 0; k < 8; k++)
            to[i + k] = (int16_t)(int)nearest(from[i + k] * inverse);
    for (; i < n; i++)
        to[i] = (int16_t)(int)nearest(from[i] * inverse);
    memset(to + n, 0, (size_t)(wide - n) * sizeof *to);
}

/* x [TB_QMAT_WIDE]. The loops over the inputs go along them, for the compiler to see. */
static void round_block(const float *x, struct tb_qblock *to)
{
    float most[32] = { 0 }, inverse[32];
    int32_t sums[32] = { 0 };

    for (int k = 0; k < TB_QMAT_WIDE; k += 32)
        for (int i = 0; i < 32; i++)
            most[i] = fabsf(x[k + i]) > most[i] ? fabsf(x[k + i]) : most[i];
    for (int g = 0; g < TB_QMAT_GROUPS; g++) {
        float top = greatest(most + 4 * g, 4);

        to->scale[g] = top > 0x1p-100f ? top / TB_QMAT_NARROW : 0;
        for (int i = 0; i < 4; i++)
            inverse[4 * g + i] = top > 0x1p-100f ? TB_QMAT_NARROW / top : 0;
    }
    for (int k = 0; k < TB_QMAT_WIDE; k += 32)
        for (int i = 0; i < 32; i++) {
            int q = (int)nearest(x[k + i] * inverse[i]);

            to->q[k + i] = (int8_t)q;
            sums[i] += q;
        }
    for (int g = 0; g < TB_QMAT_GROUPS; g++)
        to->eights[g] = 8 * ((sums[4 * g] + sums[4 * g + 1]) + (sums[4 * g + 2] + sums[4 * g + 3]));
}

struct tb_qinput tb_qinput_of(struct tb_mat x, int bits, float *memory)
{
    int wide = round_up(x.cols, TB_QMAT_BLOCK), blocks = round_up(x.cols, TB_QMAT_WIDE) / TB_QMAT_WIDE;
    struct tb_qinput out = { .bits = bits, .tokens = x.rows, .in = x.cols };

    if (bits == 8) {
        out.scale = memory;
        out.q = (int16_t *)(void *)(memory + round_up(x.rows, 16));
    } else {
        out.blocks = (struct tb_qblock *)(void *)memory;
    }
    for (int t = 0; t < x.rows; t++) {
        const float *from = tb_mat_row(x, t);

        if (bits == 8)
            round_words(from, x.cols, wide, out.q + (size_t)t * (size_t)wide, &out.scale[t]);
        for (int b = 0; bits == 4 && b < blocks; b++) {
            int left = x.cols - b * TB_QMAT_WIDE;
            float part[TB_QMAT_WIDE] = { 0 };

            if (left < TB_QMAT_WIDE)
                memcpy(part, from + b * TB_QMAT_WIDE, (size_t)left * sizeof *part);
            round_block(left < TB_QMAT_WIDE ? part : from + b * TB_QMAT_WIDE, &out.blocks[t * blocks + b]);
        }
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

void tb_qmat_rows4_c(const uint8_t *w, const struct tb_qblock *x, size_t ldx, int tokens, int n, float *y)
{
    int blocks = n / TB_QMAT_WIDE;

    for (int r = 0; r < TB_QMAT_ROWS; r++)
        for (int t = 0; t < tokens; t++) {
            float parts[TB_QMAT_GROUPS] = { 0 };

            for (int b = 0; b < blocks; b++) {
                const uint8_t *block = w + (size_t)(r * blocks + b) * TB_QMAT_BLOCK4;
                const uint16_t *scales = (const uint16_t *)(const void *)block;
                const struct tb_qblock *in = &x[(size_t)t * ldx + (size_t)b];
                int32_t sums[TB_QMAT_GROUPS] = { 0 };

                for (int k = 0; k < TB_QMAT_WIDE; k++)
                    sums[k % 32 / 4] += held4(block, k) * in->q[k];
                for (int g = 0; g < TB_QMAT_GROUPS; g++)
                    parts[g] = fmaf(tb_from_bf16(scales[g]) * in->scale[g], (float)sums[g], parts[g]);
            }
            y[t * TB_QMAT_ROWS + r] = sum8(parts);
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
    int wide = round_up(m->in, TB_QMAT_BLOCK), widest = round_up(m->in, TB_QMAT_WIDE), first = panel * TB_QMAT_ROWS;
    int rows = m->out - first < TB_QMAT_ROWS ? m->out - first : TB_QMAT_ROWS;
    const uint8_t *w = m->data + scales_size(m->bits, m->out) + (size_t)panel * panel_size(m->bits, m->in);
    float scale[TB_QMAT_ROWS], sums[TB_QMAT_TOKENS * TB_QMAT_ROWS];
    size_t blocks = (size_t)(widest / TB_QMAT_WIDE);

    if (m->bits == 8) {
        memcpy(scale, m->data + (size_t)first * sizeof *scale, sizeof scale);
        tb_kernels->qmat8(w, x->q + (size_t)t * (size_t)wide, (size_t)wide, tokens, wide, sums);
    } else {
        tb_kernels->qmat4(w, x->blocks + (size_t)t * blocks, blocks, tokens, widest, sums);
    }
    for (int i = 0; i < tokens; i++)
        for (int r = 0; r < rows; r++)
            tb_mat_row(p->y, t + i)[first + r] = sums[i * TB_QMAT_ROWS + r] *
                                                     (m->bits == 8 ? scale[r] * x->scale[t + i] : 1.0f) +
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

        assert(p->m->bits == x->bits && p->m->in == x->in && p->m->in <= TB_QMAT_MOST);
        assert(p->y.cols == p->m->out && p->y.rows == x->tokens);
        parts += parts_of(&job, p->m);
    }
    tb_pool_run(pool, run_part, &job, parts);
}
