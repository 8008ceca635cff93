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
 * Weights that are whole numbers are multiplied as such: the input of a block goes through the prologue first, to see
 * how large it is, and is then rounded to 16 bits; sums of 32 bits cannot overflow (ops.h). */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/conv_priv.h"

enum {
    PACK_GOOD = 64 * 1024,   /* half of the smallest second-level cache in use, to leave room for weights */
    MOST_TILES = 8,          /* of a block */
    FEWEST_TILES = 2,        /* of a block, where the buffer lets it */
    PARTS_EACH = 2,          /* wanted for each thread, that all end together */
    FEWEST_WORK = 256        /* rows x taps of a group, all for one packed input: packing stays under a fifth */
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

enum { ROW = MOST_TILES * TB_TILE + TB_WHOLE_HALO + 32 }; /* what packed_ld rounds up to */

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
    int ld = tb_conv_packed_ld(c, j->block);
    float row[ROW] = { 0 };

    for (int i = 0; i < c->depth; i++) {
        pack_row(j, i, col - lead_of(c), tb_conv_round_up(n, TB_LANES) + tb_conv_halo_of(c), row);
        for (int k = 0; k < count; k++)
            for (int v = 0; v < ld; v += TB_LANES)
                memcpy(tiles[k].x + (size_t)i * (size_t)ld + v, row + tiles[k].t + v, TB_LANES * sizeof *row);
    }
}

static void pack_block(const struct job *j, int col, int n, float *out)
{
    const struct tb_conv *c = j->conv;
    int need = tb_conv_round_up(n, TB_LANES) + tb_conv_halo_of(c), stride = c->spec.stride;
    int ld = tb_conv_packed_ld(c, j->block);

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
    int count = 0, ld = tb_conv_packed_ld(j->conv, j->block);
    size_t size = (size_t)tb_conv_packed_depth(j->conv) * (size_t)ld;
    bool each = tb_conv_packs_tiles(j->conv);

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
    _Alignas(64) float packed[TB_PACK_FLOATS];
    _Alignas(64) float acc[TB_PANEL * TB_TILE];
    struct tile tiles[MOST_TILES];
    int count = cut_tiles(j, at.n, packed, NULL, tiles), ld = tb_conv_packed_ld(c, j->block);

    if (tb_conv_packs_tiles(c))
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

/* The input of a block after the prologue, in rows of n floats; those that do not fit `kept` are made again when they
 * are needed. */
struct rows {
    int from, n;   /* columns of the input */
    int kept;      /* rows that `floats` holds */
    float *floats; /* [kept][n] */
};

/* Make all rows. Returns the largest magnitude in them, 1e-30 at least so that silence can be divided by. */
static float fill_rows(const struct job *j, struct rows *r)
{
    float row[ROW], peak;
    uint32_t most = 0;

    for (int i = 0; i < j->conv->depth; i++) {
        float *at = i < r->kept ? r->floats + (size_t)i * (size_t)r->n : row;

        pack_row(j, i, r->from, r->n, at);
        uint32_t here = tb_kernels->fast_peak(at, r->n);
        most = here > most ? here : most;
    }
    memcpy(&peak, &most, sizeof peak);
    return peak > 1e-30f ? peak : 1e-30f;
}

static void take_row(const struct job *j, const struct rows *r, int i, float row[ROW])
{
    if (i < r->kept)
        memcpy(row, r->floats + (size_t)i * (size_t)r->n, (size_t)r->n * sizeof *row);
    else if (i < j->conv->depth)
        pack_row(j, i, r->from, r->n, row);
    else
        memset(row, 0, ROW * sizeof *row);
}

/* A block's input times `gain` as whole numbers, two channels in a word. */
static void pack_words(const struct job *j, const struct rows *r, float gain, const struct tile *tiles, int count)
{
    const struct tb_conv *c = j->conv;
    int ld = tb_conv_packed_ld(c, j->block);
    float a[ROW] = { 0 }, b[ROW] = { 0 };
    uint32_t words[ROW];

    for (int i = 0; i < c->depth; i += 2) {
        take_row(j, r, i, a);
        take_row(j, r, i + 1, b);
        if (!tb_conv_packs_tiles(c)) {
            tb_kernels->pair16(a, b, gain, tiles[0].x16 + (size_t)(i / 2) * (size_t)ld, ld);
            continue;
        }
        tb_kernels->pair16(a, b, gain, words, ROW);
        for (int k = 0; k < count; k++)
            for (int v = 0; v < ld; v += TB_LANES)
                memcpy(tiles[k].x16 + (size_t)(i / 2 * ld + v), words + tiles[k].t + v, TB_LANES * sizeof *words);
    }
}

/* The weights of panel p, widened into `wide` where they are in 8 bits. */
static const int16_t *panel_of(const struct tb_conv *c, int p, int16_t *wide)
{
    if (c->w16)
        return c->w16 + (size_t)p * (size_t)(tb_conv_packed_depth(c) * c->taps * TB_PANEL * 2);
    tb_conv_widen_panel(c, p, wide);
    return wide;
}

/* The sums of a tile: chunk by chunk as whole numbers, and those in floats. */
static void multiply(const struct tb_conv *c, const struct tile *tile, int ld, const int16_t *w, const float *gain,
                     float *sums)
{
    _Alignas(64) int32_t acc[TB_PANEL * TB_TILE];
    _Alignas(64) float more[TB_PANEL * TB_TILE];
    int depth = tb_conv_packed_depth(c);

    for (int from = 0; from < depth; from += c->chunk) {
        int pairs = depth - from < c->chunk ? depth - from : c->chunk;

        tb_kernels->tile16(tile->x16 + (size_t)from * (size_t)ld, ld, w + (size_t)(from * c->taps * TB_PANEL * 2),
                           pairs, c->taps, c->spec.dilation, tile->vecs, acc);
        tb_kernels->from32(acc, gain, from ? more : sums);
        if (from)
            tb_kernels->add(sums, more, 1.0f, sums, TB_PANEL * TB_TILE);
    }
}

static void run_words(void *ctx, int part)
{
    const struct job *j = ctx;
    const struct tb_conv *c = j->conv;
    struct piece at = piece_of(j, part);
    _Alignas(64) uint32_t words[TB_PACK_FLOATS];
    _Alignas(64) float floats[TB_KEPT_FLOATS];
    _Alignas(64) int16_t wide[TB_PANEL * (TB_Q8_LEN + TB_Q8_TAPS) + TB_WIDE_SLACK];
    _Alignas(64) float sums[TB_PANEL * TB_TILE];
    struct rows rows = { .from = at.col - lead_of(c), .n = at.n + tb_conv_halo_of(c), .floats = floats };
    struct tile tiles[MOST_TILES];
    int count = cut_tiles(j, at.n, NULL, words, tiles);

    rows.kept = TB_KEPT_FLOATS / rows.n < c->depth ? TB_KEPT_FLOATS / rows.n : c->depth;
    float peak = fill_rows(j, &rows), gain[TB_PANEL];
    pack_words(j, &rows, c->limit / peak, tiles, count);
    for (int p = at.first; p < at.last; p++) {
        const int16_t *w = panel_of(c, p, wide);

        for (int i = 0; i < TB_PANEL; i++)
            gain[i] = peak / c->limit * c->unit[p * TB_PANEL + i];
        for (int i = 0; i < count; i++) {
            multiply(c, tiles + i, tb_conv_packed_ld(c, j->block), w, gain, sums);
            store_tile(j, sums, p * TB_PANEL, at.col + tiles[i].t, tiles[i].width);
        }
    }
}

/* Columns of a block: as many tiles as keep the packed input within half of the cache. */
static int block_of(const struct tb_conv *c)
{
    int tiles = MOST_TILES;

    while (tiles > FEWEST_TILES && tb_conv_packed_floats(c, tiles) > PACK_GOOD)
        tiles--;
    while (tiles > 1 && tb_conv_packed_floats(c, tiles) > TB_PACK_FLOATS)
        tiles--;
    return tiles * TB_TILE;
}

static void cut(struct job *j, int threads)
{
    const struct tb_conv *c = j->conv;
    int panels = (c->rows + TB_PANEL - 1) / TB_PANEL;

    j->block = block_of(c);
    j->blocks = (j->cols + j->block - 1) / j->block;
    j->block = tb_conv_round_up((j->cols + j->blocks - 1) / j->blocks, TB_LANES); /* of equal size */
    j->blocks = (j->cols + j->block - 1) / j->block;
    j->groups = threads > 1 ? (PARTS_EACH * threads + j->blocks - 1) / j->blocks : 1;
    if (j->groups > c->rows * c->taps / FEWEST_WORK)
        j->groups = c->rows * c->taps / FEWEST_WORK;
    if (j->groups > threads)
        j->groups -= j->groups % threads;
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
    tb_pool_run(pool, conv->whole ? run_words : run_floats, &j, j.blocks * j.groups);
}
