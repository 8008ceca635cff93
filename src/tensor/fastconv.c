/* fastconv.c - see fastconv.h.
 *
 * Four outputs of a four-tap filter are coefficients of a product of polynomials, transposed. Evaluated at the seven
 * points 0, 1, -1, 1/2, -1/2, 2 and infinity, the product is seven numbers: filter and input are transformed to their
 * values at the points, multiplied and summed over the input channels, and the sums are transformed back. A longer
 * filter is a short one over such halves of four columns, so the same is done again to what the points hold: at 0, 1
 * and infinity for two parts, at 0, 1, -1 and infinity for three.
 *
 * A tile is two halves, eight outputs: tile (i, p) holds those at columns 8 d i + d o + p, o = 0..7, for dilation d and
 * phase p < d. With tiles in the order i d + p, the columns after a tile's are those of the tile d places on. What is
 * left at each point is a plain matrix product over the input channels. */
#include "tensor/fastconv.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/fastconv_points.h"
#include "tensor/pages.h"

enum {
    COLS = TB_FAST_COLS,
    INNER = TB_FAST_INNER,
    OUTPUTS = 4,           /* of a half, and taps of a part */
    MOST_DILATION = 9,     /* 5 with three parts, whose tiles see further */
    LONG_DILATION = 5,
    MOST_PARTS = 3,
    MOST_POINTS = INNER * (MOST_PARTS + 1),
    MOST_IN = 256,
    PANELS = 2,            /* that share one look at the input of a point, which stays in the first-level cache */
    SLACK = 16,            /* floats that copies of whole vectors may reach beyond the end */
    AHEAD = 3,             /* channels to foresee */
    INPUT_FLOATS = MOST_IN * COLS * TB_FAST_LD + SLACK, /* 328 kB on the stack, */
    PACK_WORDS = MOST_POINTS * MOST_IN / 2 * TB_TILE,   /* and 344 kB */
    LINE = COLS * TB_FAST_LD + SLACK
};

static const float bounds[INNER] = TB_FAST_BOUNDS, factors[INNER] = TB_FAST_FACTORS;

struct job {
    const struct tb_fastconv *conv;
    struct tb_mat x, y;
    const struct tb_pre *pre;
    const struct tb_post *post;
    int block; /* columns of a block */
    int lead;  /* columns of x before that of the same number of y */
};

static int filters_of(const struct tb_fastconv *c)
{
    return c->parts == 1 ? INNER : INNER * (c->parts + 1);
}

static int points_of(const struct tb_fastconv *c)
{
    return INNER * (c->parts + 1);
}

/* Have columns from .. from + n - 1 of a row on their way: a block takes a short piece of every row, which the hardware
 * does not foresee. */
static void foresee(const float *row, int from, int n, int cols)
{
    enum { LINE_FLOATS = 16 };
    int end = from + n < cols ? from + n : cols;

    for (int i = from < 0 ? 0 : from; i < end; i += LINE_FLOATS)
        __builtin_prefetch(row + i);
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

/* d floats, as whole vectors. */
static inline void move(const float *from, int d, float *to)
{
    if (d <= 8)
        memcpy(to, from, 8 * sizeof *to);
    else
        memcpy(to, from, 16 * sizeof *to);
}

/* Columns of a line to e [COLS][TB_FAST_LD], tiles in the order i d + p. Whole vectors are moved: what is too much is
 * overwritten by the next ones. */
static void split_line(const float *line, int d, int tiles, float *e)
{
    for (int o = 0; o < COLS; o++) /* what is behind the last tile is transformed too, and dropped */
        memset(e + o * TB_FAST_LD + TB_TILE, 0, (TB_FAST_LD - TB_TILE) * sizeof *e);
    if (d == 1) {
        for (int t = 0; t < tiles; t += 8)
            tb_kernels->fast_turn(line + COLS * t, COLS, e + t, TB_FAST_LD);
        return;
    }
    for (int o = 0; o < COLS; o++, e += TB_FAST_LD)
        for (int t = 0; t < tiles; t += d)
            move(line + COLS * t + d * o, d, e + t);
}

/* Outputs y [COLS][TB_TILE] of `tiles` tiles to a line. */
static void join_line(const float *y, int d, int tiles, float *line)
{
    if (d == 1) {
        for (int t = 0; t < tiles; t += 8)
            tb_kernels->fast_turn(y + t, TB_TILE, line + COLS * t, COLS);
        return;
    }
    for (int t = 0; t < tiles; t += d)
        for (int o = 0; o < COLS; o++)
            move(y + o * TB_TILE + t, d, line + COLS * t + d * o);
}

/* The input of `tiles` tiles from column `col` on, e [in][COLS][TB_FAST_LD]. Returns its largest magnitude. */
static float load_block(const struct job *j, int col, int tiles, float *e)
{
    const struct tb_fastconv *c = j->conv;
    int d = c->dilation, seen = tiles + (c->parts > 1 ? 2 : 1) * d, from = col - j->lead;
    uint32_t most = 0;
    float line[LINE] = { 0 }, peak;

    for (int i = 0; i < c->in; i++) {
        if (i + AHEAD < c->in)
            foresee(tb_mat_row(j->x, i + AHEAD), from, COLS * seen, j->x.cols);
        load_line(j, i, from, COLS * seen, line);
        uint32_t here = tb_kernels->fast_peak(line, COLS * seen);
        most = here > most ? here : most;
        split_line(line, d, seen, e + (size_t)i * COLS * TB_FAST_LD);
    }
    memcpy(&peak, &most, sizeof peak);
    return peak > 1e-30f ? peak : 1e-30f; /* silence: no division by zero */
}

/* One block's input as whole numbers, [points][in / 2][TB_TILE] words of two channels. Returns their unit. */
static float pack_block(const struct job *j, int col, int tiles, uint32_t *packed)
{
    const struct tb_fastconv *c = j->conv;
    _Alignas(64) float e[INPUT_FLOATS];
    float peak = load_block(j, col, tiles, e), gain[INNER];
    size_t pairs = (size_t)c->in / 2;

    for (int q = 0; q < INNER; q++)
        gain[q] = 0.5f * c->limit / (bounds[q] * peak);
    for (size_t i = 0; i < pairs; i++)
        tb_kernels->fast_input(e + i * 2 * COLS * TB_FAST_LD, c->parts, c->dilation, gain, packed + i * TB_TILE,
                               pairs * TB_TILE);
    return peak / c->limit;
}

/* Sums at all points of some panels of four rows: acc [panels][points][TB_PANEL][TB_TILE]. */
static void multiply(const struct tb_fastconv *c, const uint32_t *packed, int first, int panels, int vecs, int32_t *acc)
{
    int points = points_of(c), filters = filters_of(c), pairs = c->in / 2;
    size_t filter = (size_t)pairs * TB_PANEL * 2;

    for (int q = 0; q < points; q++, packed += pairs * TB_TILE)
        for (int p = 0; p < panels; p++)
            tb_kernels->tile16(packed, TB_TILE, c->w + ((size_t)(first + p) * (size_t)filters + (size_t)(q % filters)) *
                               filter, pairs, 1, 1, vecs, acc + (p * points + q) * TB_PANEL * TB_TILE);
}

static void run_block(void *ctx, int part)
{
    const struct job *j = ctx;
    const struct tb_fastconv *c = j->conv;
    int col = part * j->block, n = j->y.cols - col < j->block ? j->y.cols - col : j->block;
    int span = COLS * c->dilation, tiles = (n + span - 1) / span * c->dilation, points = points_of(c);
    _Alignas(64) uint32_t packed[PACK_WORDS];
    _Alignas(64) int32_t acc[PANELS * MOST_POINTS * TB_PANEL * TB_TILE];
    float y[COLS * TB_TILE + SLACK] = { 0 }, line[COLS * TB_TILE + MOST_DILATION * COLS + SLACK];
    float unit = pack_block(j, col, tiles, packed), all[INNER], gain[INNER];

    for (int q = 0; q < INNER; q++)
        all[q] = unit * (bounds[q] / factors[q]);
    for (int row = 0; row < c->out; row += PANELS * TB_PANEL) {
        int rows = c->out - row < PANELS * TB_PANEL ? c->out - row : PANELS * TB_PANEL;

        for (int r = row; r < row + rows; r++) {
            foresee(tb_mat_row(j->y, r), col, n, j->y.cols);
            if (j->post->residual)
                foresee(tb_mat_row(*j->post->residual, r), col, n, j->y.cols);
        }
        multiply(c, packed, row / TB_PANEL, rows / TB_PANEL, (tiles + TB_LANES - 1) / TB_LANES, acc);
        for (int r = 0; r < rows; r++) {
            for (int q = 0; q < INNER; q++)
                gain[q] = all[q] * c->unit[row + r];
            tb_kernels->fast_output(acc + (r / TB_PANEL * points * TB_PANEL + r % TB_PANEL) * TB_TILE,
                                    TB_PANEL * TB_TILE, c->parts, gain, y);
            join_line(y, c->dilation, tiles, line);
            tb_kernels->post(j->post, line, c->bias[row + r],
                             j->post->residual ? tb_mat_row(*j->post->residual, row + r) + col : NULL,
                             tb_mat_row(j->y, row + r) + col, n);
        }
    }
}

void tb_fastconv_run(struct tb_pool *pool, const struct tb_fastconv *conv, struct tb_mat x, const struct tb_pre *pre,
                     struct tb_mat y, const struct tb_post *post)
{
    static const struct tb_pre no_pre;
    static const struct tb_post no_post;
    struct job j = { .conv = conv, .x = x, .y = y, .pre = pre ? pre : &no_pre, .post = post ? post : &no_post };

    int halo = (conv->taps - 1) * conv->dilation;

    assert(x.rows == conv->in && y.rows == conv->out && (y.cols == x.cols || y.cols == x.cols - halo));
    assert(!j.post->residual || (j.post->residual->rows == y.rows && j.post->residual->cols == y.cols));
    j.lead = y.cols == x.cols ? halo / 2 : 0;
    j.block = COLS * (TB_TILE / conv->dilation) * conv->dilation;
    tb_pool_run(pool, run_block, &j, (y.cols + j.block - 1) / j.block);
}

/* Values of a filter of four taps at the inner points. */
static void inner_points(const int32_t g[OUTPUTS], int32_t v[INNER])
{
    int32_t even = g[0] + g[2], odd = g[1] + g[3], low = 8 * g[0] + 2 * g[2], high = 4 * g[1] + g[3];

    v[0] = g[0];
    v[1] = even + odd;
    v[2] = even - odd;
    v[3] = low + high;
    v[4] = low - high;
    v[5] = g[0] + 2 * g[1] + 4 * g[2] + 8 * g[3];
    v[6] = g[3];
}

/* A filter g, zeros behind its taps, at all points. */
static void filter_points(int parts, const int32_t g[MOST_PARTS * OUTPUTS], int32_t v[MOST_POINTS])
{
    int32_t part[MOST_PARTS][INNER] = { { 0 } };

    for (int p = 0; p < parts; p++)
        inner_points(g + p * OUTPUTS, part[p]);
    for (int q = 0; q < INNER; q++) {
        int32_t a = part[0][q], b = part[parts > 1 ? 1 : 0][q], z = part[parts - 1][q];

        v[q] = parts == 1 ? a : 2 * a;
        v[INNER + q] = parts == 2 ? a + z : a + b + z;
        v[2 * INNER + q] = parts == 2 ? 2 * z : a - b + z;
        v[3 * INNER + q] = 2 * z;
    }
}

/* Taps whose values at any point fit 16 bits, even if they all are so large: 15 times as much at 1/2, -1/2 and 2, three
 * times that at 1 and -1. WANTED_SUM is what leaves the input 14 of its 15 bits. */
enum { SAFE_TAP = 32767 / 45, MOST_WEIGHT = 32767, WANTED_SUM = 2 * 65536 };

/* Pack row `row`, w [in][taps], as whole numbers of c->unit[row]. Returns the largest sum of weights at a point, or
 * infinity where one does not fit. */
static double pack_row(const struct tb_fastconv *c, int row, const float *w)
{
    int filters = filters_of(c);
    size_t pairs = (size_t)c->in / 2;
    int16_t *panel = c->w + (size_t)(row / TB_PANEL * filters) * pairs * TB_PANEL * 2;
    int32_t v[MOST_POINTS], sum[MOST_POINTS] = { 0 }, most = 0;
    float scale = 1.0f / c->unit[row];

    for (size_t i = 0; i < (size_t)c->in; i++) {
        int32_t g[MOST_PARTS * OUTPUTS] = { 0 };

        for (int k = 0; k < c->taps; k++) {
            float tap = rintf(w[i * (size_t)c->taps + (size_t)k] * scale);

            if (!(fabsf(tap) <= MOST_WEIGHT))
                return INFINITY;
            g[k] = (int32_t)tap;
        }
        filter_points(c->parts, g, v);
        for (int q = 0; q < filters; q++) {
            int32_t size = v[q] < 0 ? -v[q] : v[q];

            most = size > most ? size : most;
            sum[q] += size > MOST_WEIGHT ? MOST_WEIGHT : size;
            panel[(((size_t)q * pairs + i / 2) * TB_PANEL + (size_t)(row % TB_PANEL)) * 2 + i % 2] = (int16_t)v[q];
        }
    }
    for (int q = 1; q < filters; q++)
        sum[0] = sum[q] > sum[0] ? sum[q] : sum[0];
    return most > MOST_WEIGHT ? INFINITY : sum[0];
}

/* The unit of one row, that which is given if the weights fit. Returns what sums of products let the input be. */
static double choose_unit(struct tb_fastconv *c, int row, const float *w, float given)
{
    size_t n = (size_t)c->in * (size_t)c->taps;
    double sum = INFINITY;
    float most = 1e-30f;

    c->unit[row] = given;
    if (given > 0.0f)
        sum = pack_row(c, row, w);
    if (sum > 2 * WANTED_SUM) {
        for (size_t i = 0; i < n; i++)
            most = fmaxf(most, fabsf(w[i]));
        c->unit[row] = most / SAFE_TAP;
        sum = pack_row(c, row, w);
        if (sum > WANTED_SUM) {
            c->unit[row] *= (float)(sum / WANTED_SUM);
            sum = pack_row(c, row, w);
        }
    }
    return 2147483647.0 / fmax(sum, 65536.0) - 1.0; /* 1 for rounding */
}

enum tb_code tb_fastconv_pack(int out, int in, int taps, int dilation, const float *w, const float *unit,
                              const float *bias, struct tb_fastconv *conv, struct tb_error *err)
{
    struct tb_fastconv c = { .out = out, .in = in, .taps = taps, .dilation = dilation,
                             .parts = (taps + OUTPUTS - 1) / OUTPUTS };
    size_t row = (size_t)in * (size_t)taps, size = (size_t)out * (size_t)in * (size_t)filters_of(&c) * sizeof *c.w;
    double limit = MOST_WEIGHT - 1;

    *conv = (struct tb_fastconv){ 0 };
    assert(out > 0 && out % TB_PANEL == 0 && in > 0 && in % 2 == 0 && in <= MOST_IN);
    assert(taps % 2 == 1 && c.parts <= MOST_PARTS && dilation > 0);
    assert(dilation <= (c.parts == MOST_PARTS ? LONG_DILATION : MOST_DILATION));
    c.w = tb_pages_alloc(size);
    c.bias = calloc((size_t)out, sizeof *c.bias);
    c.unit = calloc((size_t)out, sizeof *c.unit);
    if (!c.w || !c.bias || !c.unit) {
        tb_fastconv_free(&c);
        return tb_fail(err, TB_ENOMEM, "convolution weights: %zu bytes", size);
    }
    for (int r = 0; r < out; r++) {
        limit = fmin(limit, choose_unit(&c, r, w + (size_t)r * row, unit ? unit[r] : 0.0f));
    }
    if (limit < 1.0) {
        tb_fastconv_free(&c);
        return tb_fail(err, TB_EUNSUPPORTED, "convolution weights that are no numbers");
    }
    c.limit = (float)limit;
    if (bias)
        memcpy(c.bias, bias, (size_t)out * sizeof *bias);
    *conv = c;
    return TB_OK;
}

void tb_fastconv_free(struct tb_fastconv *conv)
{
    free(conv->w);
    free(conv->bias);
    free(conv->unit);
    *conv = (struct tb_fastconv){ 0 };
}
