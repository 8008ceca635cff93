/* fastconv.c - see fastconv.h.
 *
 * Four outputs of a four-tap filter are coefficients of a product of polynomials, transposed. Evaluated at the seven
 * points 0, 1, -1, 1/2, -1/2, 2 and infinity, the product is seven numbers: filter and input are transformed to their
 * values at the points, multiplied and summed over the input channels, and the sums are transformed back.
 *
 * Tile (i, p) holds the outputs at columns 4 d i + d o + p, o = 0..3, for dilation d and phase p < d. With tiles in the
 * order i d + p, a part of a longer filter, 4 taps further on, reads the tile d places further on: so at each point the
 * work is an ordinary convolution over tiles, with `parts` taps and dilation d, which the kernels' tile does.
 * The transforms cost about 3 % of the products that they save. */
#include "tensor/fastconv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/cpu.h"
#include "tensor/fastconv_points.h"
#include "tensor/kernels_priv.h"

enum {
    POINTS = 7,
    OUTPUTS = 4,           /* of a tile, and taps of a part */
    MOST_DILATION = 5,
    MOST_PARTS = 3,
    MOST_IN = 256,
    HALO = (MOST_PARTS - 1) * MOST_DILATION,
    MOST_GROUPS = 2,       /* of TB_TILE tiles, in a block */
    MOST_LD = TB_TILE + HALO + 6, /* of a group, halo included, in whole vectors */
    MOST_TILES = (MOST_GROUPS - 1) * TB_TILE + MOST_LD + MOST_DILATION, /* that the transforms of a block look at */
    PACK_FLOATS = POINTS * MOST_IN * MOST_LD, /* 287 kB on the stack: part of a second-level cache */
    LINE = OUTPUTS * (MOST_TILES + MOST_DILATION)
};

struct job {
    const struct tb_fastconv *conv;
    struct tb_mat x, y;
    const struct tb_pre *pre;
    const struct tb_post *post;
    int groups; /* of TB_TILE tiles in a whole block */
    int block;  /* its columns */
    int ld;     /* floats of one channel of one group */
};

/* Values of a filter of four taps at the points; the factors that keep all numbers near 1 are undone by the inputs'. */
static void filter_points(const float g[OUTPUTS], double v[POINTS])
{
    double even = (double)g[0] + (double)g[2], odd = (double)g[1] + (double)g[3];

    v[0] = 4.0 * (double)g[0];
    v[1] = 2.0 * (even + odd);
    v[2] = 0.5 * (even - odd);
    v[3] = 4.0 * (double)g[0] + 2.0 * (double)g[1] + (double)g[2] + 0.5 * (double)g[3];
    v[4] = 2.0 * (double)g[0] - (double)g[1] + 0.5 * (double)g[2] - 0.25 * (double)g[3];
    v[5] = ((double)g[0] + 2.0 * (double)g[1] + 4.0 * (double)g[2] + 8.0 * (double)g[3]) / 16.0;
    v[6] = 2.0 * (double)g[3];
}

static void input_points(const float *e, int d, int n, float *v, size_t step)
{
#if defined(__x86_64__)
    if (tb_tensor_level() != TB_CPU_C) {
        tb_input_points_avx2(e, MOST_TILES, d, n, v, step);
        return;
    }
#endif
    tb_input_points(e, MOST_TILES, d, n, v, step);
}

static void tile_outputs(const float *sums, float *y)
{
#if defined(__x86_64__)
    if (tb_tensor_level() != TB_CPU_C) {
        tb_tile_outputs_avx2(sums, TB_PANEL * TB_TILE, y);
        return;
    }
#endif
    tb_tile_outputs(sums, TB_PANEL * TB_TILE, y);
}

/* n columns of channel c from column `from` on through the prologue, zero outside of the input. */
static void load_line(const struct job *j, int c, int from, int n, float *line)
{
    int lo = from < 0 ? -from : 0, hi = j->x.cols - from < n ? j->x.cols - from : n;

    lo = lo > n ? n : lo;
    hi = hi < lo ? lo : hi;
    memset(line, 0, (size_t)lo * sizeof *line);
    if (hi > lo)
        tb_kernels->pre(j->pre, c, tb_mat_row(j->x, c) + from + lo, line + lo, hi - lo);
    memset(line + hi, 0, (size_t)(n - hi) * sizeof *line);
}

/* Columns of a line to tiles in the order i d + p. */
static void split_line(const float *line, int d, int tiles, float e[OUTPUTS][MOST_TILES])
{
    if (d == 1) {
        for (int j = 0; j < tiles; j++, line += OUTPUTS) {
            e[0][j] = line[0];
            e[1][j] = line[1];
            e[2][j] = line[2];
            e[3][j] = line[3];
        }
        return;
    }
    for (int j = 0; j < tiles; j += d)
        for (int o = 0; o < OUTPUTS; o++, line += d)
            for (int p = 0; p < d; p++)
                e[o][j + p] = line[p];
}

/* The transformed input of `tiles` tiles from column `col` on: packed [POINTS][groups][in][ld]. */
static void pack_block(const struct job *j, int col, int tiles, float *packed)
{
    const struct tb_fastconv *c = j->conv;
    int d = c->dilation, n = tiles + c->parts * d, lead = (c->taps - 1) * d / 2;
    size_t group = (size_t)c->in * (size_t)j->ld;
    float line[LINE], e[OUTPUTS][MOST_TILES] = { { 0.0f } };

    for (int i = 0; i < c->in; i++) {
        load_line(j, i, col - lead, OUTPUTS * n, line);
        split_line(line, d, n, e);
        for (int g = 0; g * TB_TILE < tiles; g++)
            input_points(e[0] + g * TB_TILE, d, j->ld, packed + (size_t)g * group + (size_t)i * (size_t)j->ld,
                         (size_t)j->groups * group);
    }
}

/* Outputs y [OUTPUTS][TB_TILE] of n tiles from tile `first` on to their columns of a line. */
static void join_line(const float *y, int d, int first, int n, float *line)
{
    float *to = line + OUTPUTS * d * (first / d) + first % d;

    if (d == 1) {
        for (int t = 0; t < n; t++)
            for (int o = 0; o < OUTPUTS; o++)
                to[OUTPUTS * t + o] = y[o * TB_TILE + t];
        return;
    }
    for (int t = 0, p = first % d; t < n; t++) {
        for (int o = 0; o < OUTPUTS; o++)
            to[o * d] = y[o * TB_TILE + t];
        to++;
        if (++p == d) {
            p = 0;
            to += (OUTPUTS - 1) * d;
        }
    }
}

/* Four rows of `tiles` tiles into lines [4][LINE]: point by point, so that the weights of one, 12 kB at most, stay in
 * the first-level cache for all groups. */
static void panel(const struct job *j, const float *packed, const float *w, int tiles, float lines[TB_PANEL][LINE])
{
    const struct tb_fastconv *c = j->conv;
    size_t step = (size_t)(c->in * c->parts * TB_PANEL);
    int d = c->dilation, groups = (tiles + TB_TILE - 1) / TB_TILE;
    _Alignas(64) float acc[MOST_GROUPS][POINTS * TB_PANEL * TB_TILE] = { { 0.0f } };
    float y[OUTPUTS * TB_TILE];

    for (int q = 0; q < POINTS; q++)
        for (int g = 0; g < groups; g++) {
            int n = tiles - g * TB_TILE < TB_TILE ? tiles - g * TB_TILE : TB_TILE;

            tb_kernels->tile(packed + (size_t)((q * j->groups + g) * c->in) * (size_t)j->ld, j->ld,
                             w + (size_t)q * step, c->in, c->parts, d, (n + TB_LANES - 1) / TB_LANES,
                             acc[g] + q * TB_PANEL * TB_TILE);
        }
    for (int g = 0; g < groups; g++)
        for (int r = 0; r < TB_PANEL; r++) {
            tile_outputs(acc[g] + r * TB_TILE, y);
            join_line(y, d, g * TB_TILE, tiles - g * TB_TILE < TB_TILE ? tiles - g * TB_TILE : TB_TILE, lines[r]);
        }
}

static void run_block(void *ctx, int part)
{
    const struct job *j = ctx;
    const struct tb_fastconv *c = j->conv;
    int col = part * j->block, n = j->y.cols - col < j->block ? j->y.cols - col : j->block;
    int span = OUTPUTS * c->dilation, tiles = (n + span - 1) / span * c->dilation;
    _Alignas(64) float packed[PACK_FLOATS];
    float lines[TB_PANEL][LINE];

    pack_block(j, col, tiles, packed);
    for (int row = 0; row < c->out; row += TB_PANEL) {
        panel(j, packed, c->w + (size_t)row / TB_PANEL * (size_t)(POINTS * c->in * c->parts * TB_PANEL), tiles, lines);
        for (int r = 0; r < TB_PANEL; r++)
            tb_kernels->post(j->post, lines[r], c->bias[row + r],
                             j->post->residual ? tb_mat_row(*j->post->residual, row + r) + col : NULL,
                             tb_mat_row(j->y, row + r) + col, n);
    }
}

void tb_fastconv_run(struct tb_pool *pool, const struct tb_fastconv *conv, struct tb_mat x, const struct tb_pre *pre,
                     struct tb_mat y, const struct tb_post *post)
{
    static const struct tb_pre no_pre;
    static const struct tb_post no_post;
    struct job j = { .conv = conv, .x = x, .y = y, .pre = pre ? pre : &no_pre, .post = post ? post : &no_post };
    int halo = (conv->parts - 1) * conv->dilation;

    assert(x.rows == conv->in && y.rows == conv->out && y.cols == x.cols);
    assert(!j.post->residual || (j.post->residual->rows == y.rows && j.post->residual->cols == y.cols));
    j.ld = (TB_TILE + halo + TB_LANES - 1) / TB_LANES * TB_LANES;
    j.groups = 2 * POINTS * conv->in * j.ld <= PACK_FLOATS ? MOST_GROUPS : 1;
    j.block = OUTPUTS * (j.groups * TB_TILE / conv->dilation) * conv->dilation;
    tb_pool_run(pool, run_block, &j, (y.cols + j.block - 1) / j.block);
}

/* Transform the filters of four output rows: w [4][in][taps] to out [POINTS][in][parts][4]. */
static void pack_panel(const struct tb_fastconv *c, const float *w, float *out)
{
    for (int r = 0; r < TB_PANEL; r++)
        for (int i = 0; i < c->in; i++)
            for (int part = 0; part < c->parts; part++) {
                float g[OUTPUTS];
                double v[POINTS];

                for (int k = 0; k < OUTPUTS; k++) {
                    int tap = part * OUTPUTS + k;
                    g[k] = tap < c->taps ? w[((size_t)r * (size_t)c->in + (size_t)i) * (size_t)c->taps + (size_t)tap]
                                         : 0.0f;
                }
                filter_points(g, v);
                for (int q = 0; q < POINTS; q++)
                    out[((size_t)(q * c->in + i) * (size_t)c->parts + (size_t)part) * TB_PANEL + (size_t)r] =
                        (float)v[q];
            }
}

enum tb_code tb_fastconv_pack(int out, int in, int taps, int dilation, const float *w, const float *bias,
                              struct tb_fastconv *conv, struct tb_error *err)
{
    struct tb_fastconv c = { .out = out, .in = in, .taps = taps, .dilation = dilation,
                             .parts = (taps + OUTPUTS - 1) / OUTPUTS };
    size_t panel_size = (size_t)(POINTS * in * c.parts * TB_PANEL), size = panel_size * (size_t)(out / TB_PANEL);

    *conv = (struct tb_fastconv){ 0 };
    assert(out > 0 && out % TB_PANEL == 0 && in > 0 && in <= MOST_IN && taps % 2 == 1 && c.parts <= MOST_PARTS);
    assert(dilation > 0 && dilation <= MOST_DILATION);
    c.w = aligned_alloc(64, (size * sizeof *c.w + 63) / 64 * 64);
    c.bias = calloc((size_t)out, sizeof *c.bias);
    if (!c.w || !c.bias) {
        tb_fastconv_free(&c);
        return tb_fail(err, TB_ENOMEM, "convolution weights: %zu floats", size);
    }
    for (int p = 0; p < out / TB_PANEL; p++)
        pack_panel(&c, w + (size_t)(p * TB_PANEL * in * taps), c.w + (size_t)p * panel_size);
    if (bias)
        memcpy(c.bias, bias, (size_t)out * sizeof *bias);
    *conv = c;
    return TB_OK;
}

void tb_fastconv_free(struct tb_fastconv *conv)
{
    free(conv->w);
    free(conv->bias);
    *conv = (struct tb_fastconv){ 0 };
}
