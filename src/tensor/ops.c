/* ops.c - element-wise ops, norms and moves (ops.h). */
#include "tensor/ops.h"

#include <math.h>
#include <string.h>

#include "tensor/kernels_priv.h"

enum {
    PART_FLOATS = 8192, /* of an element-wise op: a few microseconds of work */
    NORM_COLS = 64      /* columns that a layer norm does at a time */
};

/* An element-wise job over equal parts: some whole rows, or a stretch of one long row. */
struct each {
    void (*row)(const struct each *e, int row, int col, int n);
    struct tb_mat x, b, y;
    const struct tb_pre *pre;
    const float *w, *bias;
    enum tb_map f;
    float arg;
    int rows, cols; /* of a part */
    int across;     /* parts side by side */
};

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static void each_part(void *ctx, int part)
{
    const struct each *e = ctx;
    int row = part / e->across * e->rows, col = part % e->across * e->cols;
    int end = smaller(row + e->rows, e->x.rows), n = smaller(e->cols, e->x.cols - col);

    for (; row < end; row++)
        e->row(e, row, col, n);
}

static void run_each(struct tb_pool *pool, struct each *e)
{
    if (e->x.rows == 0 || e->x.cols == 0)
        return;
    e->cols = smaller(e->x.cols, PART_FLOATS);
    e->across = (e->x.cols + e->cols - 1) / e->cols;
    e->rows = e->across > 1 ? 1 : (PART_FLOATS + e->cols - 1) / e->cols;

    int parts = e->across * ((e->x.rows + e->rows - 1) / e->rows);
    tb_pool_run(pool, each_part, e, parts);
}

static void map_row(const struct each *e, int row, int col, int n)
{
    tb_kernels->map(e->f, e->arg, tb_mat_row(e->x, row) + col, tb_mat_row(e->y, row) + col, n);
}

void tb_map(struct tb_pool *pool, enum tb_map f, float arg, struct tb_mat x, struct tb_mat y)
{
    struct each e = { .row = map_row, .x = x, .y = y, .f = f, .arg = arg };

    assert(x.rows == y.rows && x.cols == y.cols);
    run_each(pool, &e);
}

static void add_row(const struct each *e, int row, int col, int n)
{
    tb_kernels->add(tb_mat_row(e->x, row) + col, tb_mat_row(e->b, row) + col, e->arg, tb_mat_row(e->y, row) + col, n);
}

void tb_add(struct tb_pool *pool, struct tb_mat a, struct tb_mat b, float gain, struct tb_mat y)
{
    struct each e = { .row = add_row, .x = a, .b = b, .y = y, .arg = gain };

    assert(a.rows == y.rows && a.cols == y.cols && b.rows == y.rows && b.cols == y.cols);
    run_each(pool, &e);
}

/* y[2m] = w1 x[m], y[2m + 1] = w2 x[m] + w0 x[m + 1]; the column after the last is zero. */
static void up2_row(const struct each *e, int row, int col, int n)
{
    const float *w = e->w + 3 * row;
    float *y = tb_mat_row(e->y, row) + 2 * col, v[257];

    for (int from = 0; from < n; from += 256) {
        int len = smaller(256, n - from), more = smaller(len + 1, e->x.cols - col - from);

        v[len] = 0.0f;
        tb_kernels->pre(e->pre, row, tb_mat_row(e->x, row) + col + from, v, more);
        for (int i = 0; i < len; i++) {
            *y++ = w[1] * v[i] + e->bias[row];
            *y++ = w[2] * v[i] + w[0] * v[i + 1] + e->bias[row];
        }
    }
}

void tb_depthwise_up2(struct tb_pool *pool, const float *w, const float *bias, struct tb_mat x,
                      const struct tb_pre *pre, struct tb_mat y)
{
    static const struct tb_pre none;
    struct each e = { .row = up2_row, .x = x, .y = y, .pre = pre ? pre : &none, .w = w, .bias = bias };

    assert(x.rows == y.rows && 2 * x.cols == y.cols);
    run_each(pool, &e);
}

/* A matrix-vector product is an element-wise job over the rows of w, with y as a column. */
static void dot_row(const struct each *e, int row, int col, int n)
{
    (void)col;
    (void)n;
    e->y.p[row] = tb_kernels->dot(tb_mat_row(e->x, row), e->b.p, e->b.cols) + (e->bias ? e->bias[row] : 0.0f);
}

void tb_matvec(struct tb_pool *pool, const float *w, const float *bias, int out, int in, const float *x, float *y)
{
    struct each e = {
        .row = dot_row,
        .x = { (float *)w, out, in, in },
        .b = { (float *)x, 1, in, in },
        .y = { y, 1, out, out },
        .bias = bias,
    };

    assert(in <= PART_FLOATS); /* a row is one part */
    run_each(pool, &e);
}

enum { MATVEC_ROWS = 256 }; /* of a part */

struct matvec8 {
    const struct tb_q8 *w;
    const float *bias, *x;
    float *y;
};

static void matvec8_part(void *ctx, int part)
{
    const struct matvec8 *j = ctx;
    const struct tb_q8 *w = j->w;
    size_t from = (size_t)part * MATVEC_ROWS, to = from + MATVEC_ROWS < w->rows ? from + MATVEC_ROWS : w->rows;

    for (size_t o = from; o < to; o++)
        j->y[o] = w->scale[o] * tb_kernels->dot8(w->q + o * w->len, w->flip, w->zero[o], j->x, (int)w->len) +
                  (j->bias ? j->bias[o] : 0.0f);
}

void tb_matvec8(struct tb_pool *pool, const struct tb_q8 *w, const float *bias, const float *x, float *y)
{
    struct matvec8 j = { w, bias, x, y };

    tb_pool_run(pool, matvec8_part, &j, (int)((w->rows + MATVEC_ROWS - 1) / MATVEC_ROWS));
}

struct norm {
    struct tb_mat x, y;
    const float *gamma, *beta, *style;
    float *scale, *shift;
    float eps;
    int rows; /* of a part */
};

struct group_job {
    struct tb_mat x;
    const struct tb_stretch *stretches;
    int n, groups;
    float *mean, *square;
    int rows; /* of a part */
};

static void group_row(const struct group_job *j, int row)
{
    const float *x = tb_mat_row(j->x, row);
    double sum[TB_GROUPS] = { 0 }, squares[TB_GROUPS] = { 0 };
    int columns[TB_GROUPS] = { 0 };

    for (const struct tb_stretch *s = j->stretches; s < j->stretches + j->n; s++) {
        int len = s->to - s->from;
        double all = tb_kernels->sum(x + s->from, len), mean = all / len;

        sum[s->group] += all;
        squares[s->group] += tb_kernels->spread(x + s->from, len, mean) + mean * all;
        columns[s->group] += len;
    }
    for (int g = 0; g < j->groups; g++) {
        j->mean[row * j->groups + g] = columns[g] ? (float)(sum[g] / columns[g]) : 0.0f;
        j->square[row * j->groups + g] = columns[g] ? (float)(squares[g] / columns[g]) : 0.0f;
    }
}

static void group_part(void *ctx, int part)
{
    const struct group_job *j = ctx;

    for (int row = part * j->rows; row < smaller((part + 1) * j->rows, j->x.rows); row++)
        group_row(j, row);
}

void tb_group_means(struct tb_pool *pool, struct tb_mat x, const struct tb_stretch *stretches, int n, int groups,
                    float *mean, float *square)
{
    struct group_job j = { .x = x, .stretches = stretches, .n = n, .groups = groups, .mean = mean, .square = square };

    assert(x.cols > 0 && groups <= TB_GROUPS);
    j.rows = (PART_FLOATS + x.cols - 1) / x.cols;
    tb_pool_run(pool, group_part, &j, (x.rows + j.rows - 1) / j.rows);
}

static void adain_part(void *ctx, int part)
{
    const struct norm *j = ctx;
    int row = part * j->rows, end = smaller(row + j->rows, j->x.rows), n = j->x.cols;

    for (; row < end; row++) {
        const float *x = tb_mat_row(j->x, row);
        double mean = tb_kernels->sum(x, n) / n, inv = 1.0 / sqrt(tb_kernels->spread(x, n, mean) / n + (double)j->eps);
        double scale = inv * (1.0 + (double)j->style[row]);

        j->scale[row] = (float)scale;
        j->shift[row] = (float)((double)j->style[j->x.rows + row] - mean * scale);
    }
}

void tb_adain(struct tb_pool *pool, struct tb_mat x, const float *style, float eps, float *scale, float *shift)
{
    struct norm j = { .x = x, .scale = scale, .shift = shift, .eps = eps, .style = style };

    assert(x.cols > 0);
    j.rows = (PART_FLOATS + x.cols - 1) / x.cols;
    tb_pool_run(pool, adain_part, &j, (x.rows + j.rows - 1) / j.rows);
}

/* Columns stand side by side in memory, so sums run down the rows for NORM_COLS columns at once. */
static void layer_norm_part(void *ctx, int part)
{
    const struct norm *j = ctx;
    int col = part * NORM_COLS, n = smaller(NORM_COLS, j->x.cols - col), rows = j->x.rows;
    double mean[NORM_COLS] = { 0 }, spread[NORM_COLS] = { 0 };
    float shift[NORM_COLS], inv[NORM_COLS];

    for (int r = 0; r < rows; r++)
        for (int i = 0; i < n; i++)
            mean[i] += (double)tb_mat_row(j->x, r)[col + i];
    for (int i = 0; i < n; i++)
        mean[i] /= rows;
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < n; i++) {
            double d = (double)tb_mat_row(j->x, r)[col + i] - mean[i];

            spread[i] += d * d;
        }
    for (int i = 0; i < n; i++) {
        shift[i] = (float)mean[i];
        inv[i] = (float)(1.0 / sqrt(spread[i] / rows + (double)j->eps));
    }
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < n; i++)
            tb_mat_row(j->y, r)[col + i] =
                (tb_mat_row(j->x, r)[col + i] - shift[i]) * inv[i] * j->gamma[r] + j->beta[r];
}

void tb_layer_norm(struct tb_pool *pool, struct tb_mat x, const float *gamma, const float *beta, float eps,
                   struct tb_mat y)
{
    struct norm j = { .x = x, .y = y, .gamma = gamma, .beta = beta, .eps = eps };

    assert(x.rows == y.rows && x.cols == y.cols);
    tb_pool_run(pool, layer_norm_part, &j, (x.cols + NORM_COLS - 1) / NORM_COLS);
}

void tb_copy(struct tb_mat x, struct tb_mat y)
{
    assert(x.rows == y.rows && x.cols == y.cols);
    for (int r = 0; r < x.rows; r++)
        memcpy(tb_mat_row(y, r), tb_mat_row(x, r), (size_t)x.cols * sizeof(float));
}

void tb_fill_cols(const float *x, struct tb_mat y)
{
    for (int r = 0; r < y.rows; r++)
        for (int i = 0; i < y.cols; i++)
            tb_mat_row(y, r)[i] = x[r];
}

void tb_upsample2(struct tb_mat x, struct tb_mat y)
{
    assert(x.rows == y.rows && 2 * x.cols == y.cols);
    for (int r = 0; r < x.rows; r++)
        for (int i = 0; i < x.cols; i++)
            tb_mat_row(y, r)[2 * i] = tb_mat_row(y, r)[2 * i + 1] = tb_mat_row(x, r)[i];
}

void tb_repeat_cols(struct tb_mat x, const int *counts, struct tb_mat y)
{
    assert(x.rows == y.rows);
    for (int r = 0; r < x.rows; r++) {
        float *out = tb_mat_row(y, r), *end = out + y.cols;

        for (int i = 0; i < x.cols; i++) {
            assert(counts[i] >= 0 && counts[i] <= end - out);
            for (int k = 0; k < counts[i]; k++)
                *out++ = tb_mat_row(x, r)[i];
        }
        assert(out == end);
    }
}

void tb_transpose(struct tb_mat x, struct tb_mat y)
{
    enum { SIDE = 16 }; /* one cache line of floats: both matrices are walked line by line */

    assert(x.rows == y.cols && x.cols == y.rows);
    for (int r0 = 0; r0 < x.rows; r0 += SIDE)
        for (int c0 = 0; c0 < x.cols; c0 += SIDE)
            for (int c = c0; c < smaller(c0 + SIDE, x.cols); c++)
                for (int r = r0; r < smaller(r0 + SIDE, x.rows); r++)
                    tb_mat_row(y, c)[r] = tb_mat_row(x, r)[c];
}
