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

#include "tensor/kernels_priv.h"

enum {
    POINTS = 7,
    OUTPUTS = 4,           /* of a tile, and taps of a part */
    MOST_DILATION = 5,
    MOST_PARTS = 3,
    MOST_IN = 256,
    HALO = (MOST_PARTS - 1) * MOST_DILATION,
    MOST_GROUPS = 2,       /* of TB_TILE tiles, in a block */
    MOST_TILES = MOST_GROUPS * TB_TILE + HALO,
    PACK_FLOATS = POINTS * MOST_IN * (TB_TILE + HALO + 6), /* 287 kB on the stack: part of a second-level cache */
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

/* n tiles of the input at the points. e[o][j]: column o of tile j; its columns 4 to 6 are 0 to 2 of tile j + d. */
static void input_points(float e[OUTPUTS][MOST_TILES + MOST_DILATION], int d, int n,
                         float v[POINTS][MOST_TILES])
{
    for (int j = 0; j < n; j++) {
        float a0 = e[0][j], a1 = e[1][j], a2 = e[2][j], a3 = e[3][j], a4 = e[0][j + d], a5 = e[1][j + d];
        float a6 = e[2][j + d];

        v[0][j] = 0.25f * a0 - 0.125f * a1 - 1.25f * a2 + 0.625f * a3 + a4 - 0.5f * a5;
        v[1][j] = (a4 - a5 - 0.5f * a1) * (1.0f / 3.0f) + 0.75f * a3 - (1.0f / 12.0f) * a2;
        v[2][j] = (2.0f * a1 - 3.0f * a2 - 7.0f * a3 + 12.0f * a4 - 4.0f * a5) * (1.0f / 9.0f);
        v[3][j] = (4.0f * (a1 + a5) + 6.0f * (a2 - a4) - 8.0f * a3) * (1.0f / 9.0f);
        v[4][j] = (8.0f * (a5 - a1) + 20.0f * (a2 - a4)) * (1.0f / 15.0f);
        v[5][j] = (8.0f * a1 - 40.0f * a3 + 32.0f * a5) * (1.0f / 45.0f);
        v[6][j] = 0.125f * a2 - 0.25f * a1 + 1.25f * a3 - 0.625f * a4 - a5 + 0.5f * a6;
    }
}

/* Outputs of n tiles from the sums at the points, each [TB_TILE]. */
static void outputs(const float *sums, int n, float y[OUTPUTS][TB_TILE])
{
    const float *s0 = sums, *s1 = s0 + TB_PANEL * TB_TILE, *s2 = s1 + TB_PANEL * TB_TILE;
    const float *s3 = s2 + TB_PANEL * TB_TILE, *s4 = s3 + TB_PANEL * TB_TILE, *s5 = s4 + TB_PANEL * TB_TILE;
    const float *s6 = s5 + TB_PANEL * TB_TILE;

    for (int t = 0; t < n; t++) {
        float even = s1[t] + s2[t], odd = s1[t] - s2[t], half_even = s3[t] + s4[t], half_odd = s3[t] - s4[t];

        y[0][t] = s0[t] + even + half_even + s5[t];
        y[1][t] = odd + 0.5f * half_odd + 2.0f * s5[t];
        y[2][t] = even + 0.25f * half_even + 4.0f * s5[t];
        y[3][t] = odd + 0.125f * half_odd + 8.0f * s5[t] + s6[t];
    }
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
static void split_line(const float *line, int d, int tiles, float e[OUTPUTS][MOST_TILES + MOST_DILATION])
{
    for (int j = 0; j < tiles; j += d, line += OUTPUTS * d)
        for (int o = 0; o < OUTPUTS; o++)
            for (int p = 0; p < d; p++)
                e[o][j + p] = line[o * d + p];
}

/* The transformed input of `tiles` tiles from column `col` on: packed [POINTS][groups][in][ld]. */
static void pack_block(const struct job *j, int col, int tiles, float *packed)
{
    const struct tb_fastconv *c = j->conv;
    int d = c->dilation, n = tiles + (c->parts - 1) * d, lead = (c->taps - 1) * d / 2;
    float line[LINE], e[OUTPUTS][MOST_TILES + MOST_DILATION], v[POINTS][MOST_TILES];

    for (int i = 0; i < c->in; i++) {
        load_line(j, i, col - lead, OUTPUTS * (n + d), line);
        split_line(line, d, n + d, e);
        input_points(e, d, n, v);
        for (int q = 0; q < POINTS; q++)
            for (int g = 0; g * TB_TILE < tiles; g++) {
                float *to = packed + (size_t)((q * j->groups + g) * c->in + i) * (size_t)j->ld;
                int here = n - g * TB_TILE < j->ld ? n - g * TB_TILE : j->ld;

                memcpy(to, v[q] + g * TB_TILE, (size_t)here * sizeof *to);
                for (int k = here; k < j->ld; k++)
                    to[k] = 0.0f;
            }
    }
}

/* Four rows of `tiles` tiles into lines [4][LINE]. */
static void panel(const struct job *j, const float *packed, const float *w, int tiles, float lines[TB_PANEL][LINE])
{
    const struct tb_fastconv *c = j->conv;
    size_t step = (size_t)(c->in * c->parts * TB_PANEL);
    int d = c->dilation;
    _Alignas(64) float acc[POINTS * TB_PANEL * TB_TILE];
    float y[OUTPUTS][TB_TILE];

    for (int g = 0; g * TB_TILE < tiles; g++) {
        int n = tiles - g * TB_TILE < TB_TILE ? tiles - g * TB_TILE : TB_TILE;

        for (int q = 0; q < POINTS; q++)
            tb_kernels->tile(packed + (size_t)((q * j->groups + g) * c->in) * (size_t)j->ld, j->ld,
                             w + (size_t)q * step, c->in, c->parts, d, (n + TB_LANES - 1) / TB_LANES,
                             acc + q * TB_PANEL * TB_TILE);
        for (int r = 0; r < TB_PANEL; r++) {
            outputs(acc + r * TB_TILE, n, y);
            for (int t = 0, i = g * TB_TILE / d, p = g * TB_TILE % d; t < n; t++) {
                float *to = lines[r] + OUTPUTS * d * i + p;

                for (int o = 0; o < OUTPUTS; o++)
                    to[o * d] = y[o][t];
                if (++p == d) {
                    p = 0;
                    i++;
                }
            }
        }
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
