/* conv.c - convolutions as packed matrix products (ops.h).
 *
 * The columns of the output are cut into blocks. For a block the window of the input that it needs is copied, through
 * the prologue, into a buffer that fits the second-level cache. Each panel of four output rows then runs over the block
 * in tiles of 24 columns; its taps read the same buffer at different offsets, so nothing is unrolled into columns.
 * With few taps the buffer is [tile][depth][24 + halo]: a tile is then one stream of memory, which the hardware
 * prefetches far better than a short piece of every row. With a long halo it is [depth][columns + halo], since each
 * tile would repeat the halo. Short inputs have few blocks: there the panels are cut into groups too, and every group
 * packs its block again, which costs little as long as a group has enough rows. How many groups there are depends on
 * the threads; results do not.
 *
 * Weights that are whole numbers are multiplied as such: the input of a block goes through the prologue twice, first to
 * see how large it is, then to be rounded to 16 bits; sums of 32 bits cannot overflow (ops.h). */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/kernels_priv.h"
#include "tensor/ops.h"

enum {
    PACK_FLOATS = 96 * 1024, /* on the stack of each thread: 384 kB */
    PACK_GOOD = 64 * 1024,   /* half of the smallest second-level cache in use, to leave room for weights */
    SHORT_HALO = 8,          /* columns that a tile may repeat of its neighbour */
    MOST_TILES = 8,          /* of a block */
    FEWEST_TILES = 2,        /* of a block, where the buffer lets it */
    PARTS_EACH = 2,          /* wanted for each thread, that all end together */
    WIDE_SLACK = 64,         /* what widen16 may write beyond the end */
    FEWEST_WORK = 512        /* rows x taps of a group, all for one packed input: packing stays under 5 % */
};

struct job {
    const struct tb_conv *conv;
    struct tb_mat x, y;
    const struct tb_pre *pre;
    const struct tb_post *post;
    int cols;          /* of the matrix product */
    int block, blocks; /* columns of a block; number of blocks */
    int group, groups; /* panels of a group; number of groups */
};

/* One tile of a block: columns t .. t + width, and its packed input. */
struct tile {
    int t, width, vecs;
    float *x;
    uint32_t *x16; /* where weights are whole numbers */
};

enum { ROW = (MOST_TILES + 1) * TB_TILE + SHORT_HALO };

static int round_up(int n, int to)
{
    return (n + to - 1) / to * to;
}

static int halo_of(const struct tb_conv *c)
{
    return (c->taps - 1) * c->spec.dilation;
}

static bool packs_tiles(const struct tb_conv *c)
{
    return halo_of(c) <= SHORT_HALO && (c->spec.stride == 1 || c->spec.transposed);
}

/* Row length of the packed input for a block of `cols` columns. Rows of a whole block have an odd number of cache
 * lines, so that channels spread over all cache sets. */
static int packed_ld(const struct tb_conv *c, int cols)
{
    if (packs_tiles(c))
        return round_up(TB_TILE + halo_of(c), TB_LANES);
    return 16 * ((cols + halo_of(c) + 15) / 16 | 1);
}

static bool is_whole(const struct tb_conv *c)
{
    return c->whole;
}

/* Channels in the packed input: as floats, or two by two. */
static int packed_depth(const struct tb_conv *c)
{
    return is_whole(c) ? (c->depth + 1) / 2 : c->depth;
}

static size_t packed_floats(const struct tb_conv *c, int tiles)
{
    return (size_t)packed_depth(c) * (size_t)packed_ld(c, tiles * TB_TILE) * (size_t)(packs_tiles(c) ? tiles : 1);
}

/* Zeros that stand before the first column of the input, in columns of the matrix product. */
static int lead_of(const struct tb_conv *c)
{
    return c->spec.transposed ? c->taps - 1 : c->spec.pad_left;
}

/* One packed row: columns from .. from + n of channel c, zero outside the input. */
static void pack_row(const struct job *j, int c, int from, int n, float *out)
{
    int lo = from < 0 ? -from : 0, hi = j->x.cols - from < n ? j->x.cols - from : n;

    if (lo > n)
        lo = n;
    if (hi < lo)
        hi = lo;
    for (int i = 0; i < lo; i++)
        out[i] = 0.0f;
    if (hi > lo)
        tb_kernels->pre(j->pre, c, tb_mat_row(j->x, c) + from + lo, out + lo, hi - lo);
    for (int i = hi; i < n; i++)
        out[i] = 0.0f;
}

/* Packed rows c * stride + phase of a strided convolution: every stride-th column, from `from + phase` on. */
static void pack_strided(const struct job *j, int c, int from, int n, float *out, int ld)
{
    int stride = j->conv->spec.stride;

    for (int phase = 0; phase < stride; phase++, out += ld) {
        const float *x = tb_mat_row(j->x, c);
        int lo = 0, hi = n, at = from + phase;

        while (lo < n && at + lo * stride < 0)
            out[lo++] = 0.0f;
        while (hi > lo && at + (hi - 1) * stride >= j->x.cols)
            out[--hi] = 0.0f;
        for (int i = lo; i < hi; i++)
            out[i] = x[at + i * stride];
        tb_kernels->pre(j->pre, c, out + lo, out + lo, hi - lo);
    }
}

/* A row goes through the prologue once and then into each tile that needs a piece of it. */
static void pack_into_tiles(const struct job *j, int col, int n, const struct tile *tiles, int count)
{
    const struct tb_conv *c = j->conv;
    int ld = packed_ld(c, j->block);
    float row[ROW] = { 0 };

    for (int i = 0; i < c->depth; i++) {
        pack_row(j, i, col - lead_of(c), round_up(n, TB_LANES) + halo_of(c), row);
        for (int k = 0; k < count; k++)
            for (int v = 0; v < ld; v += TB_LANES)
                memcpy(tiles[k].x + (size_t)i * (size_t)ld + v, row + tiles[k].t + v, TB_LANES * sizeof *row);
    }
}

static void pack_block(const struct job *j, int col, int n, float *out)
{
    const struct tb_conv *c = j->conv;
    int need = round_up(n, TB_LANES) + halo_of(c), stride = c->spec.stride, ld = packed_ld(c, j->block);

    for (int i = 0; i < c->spec.in; i++) {
        if (stride > 1 && !c->spec.transposed)
            pack_strided(j, i, col * stride - c->spec.pad_left, need, out + (size_t)i * (size_t)(stride * ld), ld);
        else
            pack_row(j, i, col - lead_of(c), need, out + (size_t)i * (size_t)ld);
    }
}

/* One row of a tile of a transposed convolution: product row o * stride + phase, column m is output column
 * m * stride + phase - pad. */
static void store_interleaved(const struct job *j, const float *acc, int row, int col, int n)
{
    int stride = j->conv->spec.stride, o = row / stride, at = col * stride + row % stride - j->conv->spec.pad_left;
    float *y = tb_mat_row(j->y, o), v[TB_TILE], res[TB_TILE];
    struct tb_post once = *j->post;
    int lo = 0, hi = n;

    while (lo < n && at + lo * stride < 0)
        lo++;
    while (hi > lo && at + (hi - 1) * stride >= j->y.cols)
        hi--;
    for (int i = lo; j->post->residual && i < hi; i++)
        res[i] = tb_mat_row(*j->post->residual, o)[at + i * stride];
    once.accumulate = false;
    tb_kernels->post(&once, acc + lo, j->conv->bias[row], j->post->residual ? res + lo : NULL, v + lo, hi - lo);
    for (int i = lo; i < hi; i++)
        y[at + i * stride] = j->post->accumulate ? y[at + i * stride] + v[i] : v[i];
}

static void store_tile(const struct job *j, const float *acc, int row, int col, int n)
{
    int rows = j->conv->rows - row < TB_PANEL ? j->conv->rows - row : TB_PANEL;

    for (int i = 0; i < rows; i++, row++, acc += TB_TILE) {
        if (j->conv->spec.transposed)
            store_interleaved(j, acc, row, col, n);
        else
            tb_kernels->post(j->post, acc, j->conv->bias[row],
                             j->post->residual ? tb_mat_row(*j->post->residual, row) + col : NULL,
                             tb_mat_row(j->y, row) + col, n);
    }
}

/* Vectors of the next tile when `left` are to come: three, but four are two and two, since a tile of one vector has
 * too few sums in flight to keep the FMA units busy. */
static int next_tile(int left)
{
    return left == 4 ? 2 : left < 3 ? left : 3;
}

/* Cut n columns into tiles, whose packed input lies in `packed`, or in `words`. Returns the number of tiles. */
static int cut_tiles(const struct job *j, int n, float *packed, uint32_t *words, struct tile *tiles)
{
    int count = 0, ld = packed_ld(j->conv, j->block);
    size_t size = (size_t)packed_depth(j->conv) * (size_t)ld;
    bool each = packs_tiles(j->conv);

    for (int t = 0; t < n; t += tiles[count++].width) {
        int vecs = next_tile((n - t + TB_LANES - 1) / TB_LANES), width = vecs * TB_LANES;
        size_t at = each ? (size_t)count * size : (size_t)t;

        assert(count < MOST_TILES);
        tiles[count] = (struct tile){ t, n - t < width ? n - t : width, vecs, packed ? packed + at : NULL,
                                      words ? words + at : NULL };
    }
    return count;
}

/* Which part of the job this is: columns col .. col + n of a block, panels first .. last - 1. */
struct piece {
    int col, n, first, last;
};

static struct piece piece_of(const struct job *j, int part)
{
    int panels = (j->conv->rows + TB_PANEL - 1) / TB_PANEL, col = part / j->groups * j->block;
    int first = part % j->groups * j->group;

    return (struct piece){ col, j->cols - col < j->block ? j->cols - col : j->block, first,
                           first + j->group < panels ? first + j->group : panels };
}

static void run_floats(void *ctx, int part)
{
    const struct job *j = ctx;
    const struct tb_conv *c = j->conv;
    struct piece at = piece_of(j, part);
    _Alignas(64) float packed[PACK_FLOATS];
    _Alignas(64) float acc[TB_PANEL * TB_TILE];
    struct tile tiles[MOST_TILES];
    int count = cut_tiles(j, at.n, packed, NULL, tiles), ld = packed_ld(c, j->block);

    if (packs_tiles(c))
        pack_into_tiles(j, at.col, at.n, tiles, count);
    else
        pack_block(j, at.col, at.n, packed);
    for (int p = at.first; p < at.last; p++)
        for (int i = 0; i < count; i++) {
            tb_kernels->tile(tiles[i].x, ld, c->w + (size_t)p * (size_t)(c->depth * c->taps * TB_PANEL), c->depth,
                             c->taps, c->spec.dilation, tiles[i].vecs, acc);
            store_tile(j, acc, p * TB_PANEL, at.col + tiles[i].t, tiles[i].width);
        }
}

/* The largest magnitude of a block's input, 1e-30 at least so that silence can be divided by. */
static float peak_of(const struct job *j, int col, int n)
{
    float row[ROW], peak;
    uint32_t most = 0;

    for (int i = 0; i < j->conv->depth; i++) {
        pack_row(j, i, col - lead_of(j->conv), n + halo_of(j->conv), row);
        uint32_t here = tb_kernels->fast_peak(row, n + halo_of(j->conv));
        most = here > most ? here : most;
    }
    memcpy(&peak, &most, sizeof peak);
    return peak > 1e-30f ? peak : 1e-30f;
}

/* A block's input times `gain` as whole numbers, two channels in a word. */
static void pack_words(const struct job *j, struct piece at, float gain, const struct tile *tiles, int count)
{
    const struct tb_conv *c = j->conv;
    int ld = packed_ld(c, j->block), n = at.n + halo_of(c), from = at.col - lead_of(c);
    float a[ROW] = { 0 }, b[ROW] = { 0 };
    uint32_t words[ROW];

    for (int i = 0; i < c->depth; i += 2) {
        pack_row(j, i, from, n, a);
        if (i + 1 < c->depth)
            pack_row(j, i + 1, from, n, b);
        else
            memset(b, 0, sizeof b);
        tb_kernels->pair16(a, b, gain, words, ROW);
        for (int k = 0; k < count; k++)
            for (int v = 0; v < ld; v += TB_LANES)
                memcpy(tiles[k].x16 + (size_t)(i / 2 * ld + v), words + tiles[k].t + v, TB_LANES * sizeof *words);
    }
}

/* The weights of panel p, widened into `wide` where they are in 8 bits. */
static const int16_t *panel_of(const struct tb_conv *c, int p, int16_t *wide)
{
    const struct tb_q8 *q = &c->q8;
    int row = p * TB_PANEL, rows = c->rows - row < TB_PANEL ? c->rows - row : TB_PANEL;

    if (c->w16)
        return c->w16 + (size_t)p * (size_t)(packed_depth(c) * c->taps * TB_PANEL * 2);
    tb_kernels->widen16(q->q + (size_t)row * q->len, q->len, rows, q->flip, q->zero + row, c->depth, c->taps, wide);
    return wide;
}

static void run_words(void *ctx, int part)
{
    const struct job *j = ctx;
    const struct tb_conv *c = j->conv;
    struct piece at = piece_of(j, part);
    _Alignas(64) uint32_t words[PACK_FLOATS];
    _Alignas(64) int16_t wide[TB_PANEL * (TB_Q8_LEN + TB_Q8_TAPS) + WIDE_SLACK];
    _Alignas(64) int32_t acc[TB_PANEL * TB_TILE];
    _Alignas(64) float sums[TB_PANEL * TB_TILE];
    float peak = peak_of(j, at.col, at.n), gain[TB_PANEL];
    struct tile tiles[MOST_TILES];
    int count = cut_tiles(j, at.n, NULL, words, tiles);

    pack_words(j, at, c->limit / peak, tiles, count);
    for (int p = at.first; p < at.last; p++) {
        const int16_t *w = panel_of(c, p, wide);

        for (int i = 0; i < TB_PANEL; i++)
            gain[i] = peak / c->limit * c->unit[p * TB_PANEL + i];
        for (int i = 0; i < count; i++) {
            tb_kernels->tile16(tiles[i].x16, packed_ld(c, j->block), w, packed_depth(c), c->taps, c->spec.dilation,
                               tiles[i].vecs, acc);
            tb_kernels->from32(acc, gain, sums);
            store_tile(j, sums, p * TB_PANEL, at.col + tiles[i].t, tiles[i].width);
        }
    }
}

/* Columns of a block: as many tiles as keep the packed input within half of the cache. */
static int block_of(const struct tb_conv *c)
{
    int tiles = MOST_TILES;

    while (tiles > FEWEST_TILES && packed_floats(c, tiles) > PACK_GOOD)
        tiles--;
    while (tiles > 1 && packed_floats(c, tiles) > PACK_FLOATS)
        tiles--;
    return tiles * TB_TILE;
}

static void cut(struct job *j, int threads)
{
    const struct tb_conv *c = j->conv;
    int panels = (c->rows + TB_PANEL - 1) / TB_PANEL;

    j->block = block_of(c);
    j->blocks = (j->cols + j->block - 1) / j->block;
    j->block = round_up((j->cols + j->blocks - 1) / j->blocks, TB_LANES); /* of equal size */
    j->blocks = (j->cols + j->block - 1) / j->block;
    j->groups = threads > 1 ? (PARTS_EACH * threads + j->blocks - 1) / j->blocks : 1;
    if (j->groups > c->rows * c->taps / FEWEST_WORK)
        j->groups = c->rows * c->taps / FEWEST_WORK;
    if (j->groups < 1)
        j->groups = 1;
    j->group = (panels + j->groups - 1) / j->groups;
    j->groups = (panels + j->group - 1) / j->group;
}

int tb_conv_cols(const struct tb_conv *conv, int cols)
{
    const struct tb_conv_spec *s = &conv->spec;

    if (s->transposed)
        return (cols - 1) * s->stride - s->pad_left - s->pad_right + s->taps + s->output_pad;

    int room = cols + s->pad_left + s->pad_right - (s->taps - 1) * s->dilation - 1;
    return room < 0 ? 0 : room / s->stride + 1;
}

void tb_conv_run(struct tb_pool *pool, const struct tb_conv *conv, struct tb_mat x, const struct tb_pre *pre,
                 struct tb_mat y, const struct tb_post *post)
{
    static const struct tb_pre no_pre;
    static const struct tb_post no_post;
    const struct tb_conv_spec *s = &conv->spec;
    struct job j = { .conv = conv, .x = x, .y = y, .pre = pre ? pre : &no_pre, .post = post ? post : &no_post };

    assert(x.rows == s->in && y.rows == s->out && y.cols == tb_conv_cols(conv, x.cols));
    assert(!j.post->residual || (j.post->residual->rows == y.rows && j.post->residual->cols == y.cols));
    j.cols = s->transposed ? (y.cols + s->pad_left + s->stride - 1) / s->stride : y.cols;
    cut(&j, tb_pool_threads(pool));
    tb_pool_run(pool, is_whole(conv) ? run_words : run_floats, &j, j.blocks * j.groups);
}

/* Where the product's weight for (row, depth index d, tap) comes from; -1 for a tap that only rounds up. */
static long source_of(const struct tb_conv *c, int row, int d, int tap)
{
    const struct tb_conv_spec *s = &c->spec;
    int o = row, i = d, k = tap;

    if (s->transposed) { /* column m of phase p is x[m - q] w[p + q * stride], taps stored with the oldest first */
        o = row / s->stride;
        k = row % s->stride + (c->taps - 1 - tap) * s->stride;
        return k < s->taps ? ((long)i * s->out + o) * s->taps + k : -1;
    }
    if (s->stride > 1) {
        i = d / s->stride;
        k = tap * s->stride + d % s->stride;
    }
    return k < s->taps ? ((long)o * s->in + i) * s->taps + k : -1;
}

static void pack_weights(struct tb_conv *c, const float *w)
{
    int panels = (c->rows + TB_PANEL - 1) / TB_PANEL;
    float *out = c->w;

    for (int p = 0; p < panels; p++)
        for (int d = 0; d < c->depth; d++)
            for (int tap = 0; tap < c->taps; tap++)
                for (int i = 0; i < TB_PANEL; i++) {
                    int row = p * TB_PANEL + i;
                    long from = row < c->rows ? source_of(c, row, d, tap) : -1;

                    *out++ = from < 0 ? 0.0f : w[from];
                }
}

/* The same as whole numbers of `unit`, two channels side by side. *sum: the largest sum of a row's magnitudes. False:
 * some are of more than 16 bits. */
static bool pack_whole(struct tb_conv *c, const float *w, double unit, double *sum)
{
    bool fits = true;

    *sum = 0;
    for (int row = 0; row < c->rows; row++) {
        int16_t *panel = c->w16 + (size_t)(row / TB_PANEL) * (size_t)(packed_depth(c) * c->taps * TB_PANEL * 2);
        double here = 0;

        for (int d = 0; d < c->depth; d++)
            for (int tap = 0; tap < c->taps; tap++) {
                long from = source_of(c, row, d, tap);
                double v = from < 0 ? 0.0 : rint((double)w[from] / unit);

                fits = fits && fabs(v) <= 32767;
                panel[((d / 2 * c->taps + tap) * TB_PANEL + row % TB_PANEL) * 2 + d % 2] = (int16_t)(fits ? v : 0);
                here += fabs(v);
            }
        *sum = here > *sum ? here : *sum;
    }
    return fits;
}

/* *c with the defaults of the spec filled in, its shape and room for biases and units. */
static enum tb_code shape(const struct tb_conv_spec *spec, bool whole, const float *bias, struct tb_conv *c,
                          struct tb_error *err)
{
    struct tb_conv_spec *s = &c->spec;

    *c = (struct tb_conv){ .spec = *spec, .whole = whole };
    s->dilation = s->dilation ? s->dilation : 1;
    s->stride = s->stride ? s->stride : 1;
    assert(s->out > 0 && s->in > 0 && s->taps > 0 && (s->dilation == 1 || (s->stride == 1 && !s->transposed)));
    c->rows = s->transposed ? s->out * s->stride : s->out;
    c->depth = s->transposed ? s->in : s->in * s->stride;
    c->taps = (s->stride > 1 || s->transposed) ? (s->taps + s->stride - 1) / s->stride : s->taps;
    if (packed_floats(c, 1) > PACK_FLOATS)
        return tb_fail(err, TB_EUNSUPPORTED, "convolution of %d channels, %d taps, dilation %d: too wide", s->in,
                       s->taps, s->dilation);
    if (whole && !packs_tiles(c))
        return tb_fail(err, TB_EUNSUPPORTED, "convolution of whole numbers, stride %d, %d taps, dilation %d", s->stride,
                       s->taps, s->dilation);
    c->bias = calloc((size_t)round_up(c->rows, TB_PANEL), sizeof *c->bias);
    c->unit = calloc((size_t)round_up(c->rows, TB_PANEL), sizeof *c->unit);
    if (!c->bias || !c->unit) {
        tb_conv_free(c);
        return tb_fail(err, TB_ENOMEM, "convolution biases: %d floats", 2 * c->rows);
    }
    for (int r = 0; bias && r < c->rows; r++)
        c->bias[r] = bias[s->transposed ? r / s->stride : r];
    return TB_OK;
}

enum tb_code tb_conv_pack(const struct tb_conv_spec *spec, const float *w, const float *bias, struct tb_conv *out,
                          struct tb_error *err)
{
    struct tb_conv c;
    enum tb_code rc = shape(spec, false, bias, &c, err);

    *out = (struct tb_conv){ 0 };
    if (rc)
        return rc;

    size_t size = (size_t)round_up(c.rows, TB_PANEL) * (size_t)c.depth * (size_t)c.taps * sizeof *c.w;
    c.w = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!c.w) {
        tb_conv_free(&c);
        return tb_fail(err, TB_ENOMEM, "convolution weights: %zu bytes", size);
    }
    pack_weights(&c, w);
    *out = c;
    return TB_OK;
}

/* What the input may be, that a sum of products with weights of this sum stays below 2^31; 1 is for rounding. */
static float limit_of(double sum)
{
    double limit = sum > 65536.0 ? 2147483647.0 / sum : 32767.0;

    return (float)(limit - 1.0);
}

enum tb_code tb_conv_pack_whole(const struct tb_conv_spec *spec, const float *w, float unit, const float *bias,
                                struct tb_conv *out, struct tb_error *err)
{
    struct tb_conv c;
    double sum;
    enum tb_code rc = shape(spec, true, bias, &c, err);

    *out = (struct tb_conv){ 0 };
    if (rc)
        return rc;

    size_t size = 2 * (size_t)round_up(c.rows, TB_PANEL) * (size_t)packed_depth(&c) * (size_t)c.taps * sizeof *c.w16;
    c.w16 = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!c.w16) {
        tb_conv_free(&c);
        return tb_fail(err, TB_ENOMEM, "convolution weights: %zu bytes", size);
    }
    memset(c.w16, 0, size);
    if (!pack_whole(&c, w, (double)unit, &sum)) {
        tb_conv_free(&c);
        return tb_fail(err, TB_EUNSUPPORTED, "convolution weights of more than 16 bits");
    }
    for (int r = 0; r < c.rows; r++)
        c.unit[r] = unit;
    c.limit = limit_of(sum);
    *out = c;
    return TB_OK;
}

/* Do all bytes stand for whole numbers? *sum: the largest sum of a row's magnitudes. */
static bool whole_bytes(const struct tb_q8 *q8, double *sum)
{
    *sum = 0;
    for (size_t r = 0; r < q8->rows; r++) {
        int zero = (int)q8->zero[r], here = 0;

        if (q8->zero[r] != (float)zero || zero < 0 || zero > 255)
            return false;
        for (size_t i = 0; i < q8->len; i++)
            here += abs((q8->q[r * q8->len + i] ^ q8->flip) - zero);
        *sum = here > *sum ? here : *sum;
    }
    return true;
}

enum tb_code tb_conv_map(const struct tb_conv_spec *spec, struct tb_q8 *q8, const float *bias, struct tb_conv *out,
                         struct tb_error *err)
{
    struct tb_conv c;
    double sum;
    enum tb_code rc;

    *out = (struct tb_conv){ 0 };
    assert(q8->rows == (size_t)spec->out && q8->len == (size_t)spec->in * (size_t)spec->taps);
    if (spec->transposed || spec->stride > 1 || q8->len > TB_Q8_LEN || spec->taps > TB_Q8_TAPS ||
        !whole_bytes(q8, &sum))
        return tb_fail(err, TB_EUNSUPPORTED, "convolution of this kind from 8 bits");
    if ((rc = shape(spec, true, bias, &c, err)))
        return rc;
    for (int r = 0; r < c.rows; r++)
        c.unit[r] = q8->scale[r];
    c.limit = limit_of(sum);
    c.q8 = *q8;
    *q8 = (struct tb_q8){ 0 };
    *out = c;
    return TB_OK;
}

void tb_conv_free(struct tb_conv *conv)
{
    free(conv->w);
    free(conv->w16);
    free(conv->bias);
    free(conv->unit);
    tb_q8_free(&conv->q8);
    *conv = (struct tb_conv){ 0 };
}

void tb_q8_free(struct tb_q8 *q8)
{
    free(q8->scale);
    free(q8->zero);
    *q8 = (struct tb_q8){ 0 };
}
