/* blocks.c - see blocks.h.
 *
 * An adaptive norm is a scale and a shift per channel, and with the activation after it becomes the prologue of the
 * next convolution; the sums that follow a convolution are its epilogue. So a block is four passes over its data. */
#include "engine/kokoro/blocks.h"

#include <math.h>

static const float half_root = 0.70710678f; /* the sum of two equally loud signals, as loud as one */
static const float norm_eps = 1e-5f;

struct affine {
    float *style, *scale, *shift; /* [2 * channels], [channels], [channels] */
};

static enum tb_code take_affine(const struct tb_kokoro_run *run, int channels, struct affine *a, struct tb_error *err)
{
    size_t n = (size_t)channels;
    enum tb_code rc;

    if ((rc = tb_scratch_floats(run->scratch, 2 * n, &a->style, err)) ||
        (rc = tb_scratch_floats(run->scratch, n, &a->scale, err)))
        return rc;
    return tb_scratch_floats(run->scratch, n, &a->shift, err);
}

void tb_kokoro_style_run(const struct tb_kokoro_run *run, const struct tb_kokoro_style *s, const float *style, float *h)
{
    if (s->w)
        tb_matvec(run->pool, s->w, s->b, 2 * s->channels, TB_KOKORO_HALF, style, h);
    else
        tb_matvec8(run->pool, &s->w8, s->b, style, h);
}

/* The next norm of a block, of x, as a prologue without its activation. */
static enum tb_code norm(const struct tb_kokoro_run *run, const struct tb_kokoro_style *s, struct tb_mat x,
                         const struct tb_kokoro_voicing *voicing, const struct affine *a, struct tb_pre *pre,
                         struct tb_error *err)
{
    float mean[TB_NORMS_MOST], variance[TB_NORMS_MOST];
    const float *h = a->style;
    enum tb_code rc;

    tb_kokoro_style_run(run, s, voicing->style, a->style);
    if (voicing->norms && (rc = tb_norms_next(run->pool, run->scratch, voicing->norms, x, mean, variance, err)))
        return rc;
    if (voicing->norms && voicing->norms->past)
        for (int i = 0; i < x.rows; i++) {
            a->scale[i] = (1.0f + h[i]) / sqrtf(variance[i] + norm_eps);
            a->shift[i] = h[x.rows + i] - mean[i] * a->scale[i];
        }
    else
        tb_adain(run->pool, x, h, norm_eps, a->scale, a->shift);
    *pre = (struct tb_pre){ .scale = a->scale, .shift = a->shift };
    return TB_OK;
}

static struct tb_pre leaky(struct tb_pre pre)
{
    pre.kind = TB_PRE_LEAKY;
    pre.slope = 0.2f;
    return pre;
}

static struct tb_pre snake(struct tb_pre pre, const float *alpha, const float *inv_alpha)
{
    pre.kind = TB_PRE_SNAKE;
    pre.alpha = alpha;
    pre.inv_alpha = inv_alpha;
    return pre;
}

/* What the block adds to its result: the input, changed to the output's channels and rate. */
static enum tb_code shortcut(const struct tb_kokoro_run *run, const struct tb_kokoro_block *b, struct tb_mat x,
                             int cols, struct tb_mat *out, struct tb_error *err)
{
    struct tb_mat narrow;
    enum tb_code rc;

    *out = x;
    if (!b->shortcut.rows)
        return TB_OK;
    if ((rc = tb_scratch_mat(run->scratch, b->shortcut.spec.out, cols, out, err)))
        return rc;
    if (cols == x.cols) {
        tb_conv_run(run->pool, &b->shortcut, x, NULL, *out, NULL);
        return TB_OK;
    }
    if ((rc = tb_scratch_mat(run->scratch, b->shortcut.spec.out, x.cols, &narrow, err)))
        return rc;
    tb_conv_run(run->pool, &b->shortcut, x, NULL, narrow, NULL);
    tb_upsample2(narrow, *out);
    return TB_OK;
}

enum tb_code tb_kokoro_block_run(const struct tb_kokoro_run *run, const struct tb_kokoro_block *b, struct tb_mat x,
                                 struct tb_kokoro_voicing voicing, struct tb_mat y, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat residual, wide, hidden;
    struct tb_pre pre;
    struct affine a;
    enum tb_code rc;

    if ((rc = tb_kokoro_pause(run)) ||
        (rc = take_affine(run, x.rows > y.rows ? x.rows : y.rows, &a, err)) ||
        (rc = shortcut(run, b, x, y.cols, &residual, err)) ||
        (rc = tb_scratch_mat(run->scratch, y.rows, y.cols, &hidden, err)))
        goto done;
    if ((rc = norm(run, &b->norm1, x, &voicing, &a, &pre, err)))
        goto done;
    pre = leaky(pre);
    if (b->pool_w) {
        if ((rc = tb_scratch_mat(run->scratch, x.rows, y.cols, &wide, err)))
            goto done;
        tb_depthwise_up2(run->pool, b->pool_w, b->pool_b, x, &pre, wide);
        tb_conv_run(run->pool, &b->conv1, wide, NULL, hidden, NULL);
    } else {
        tb_conv_run(run->pool, &b->conv1, x, &pre, hidden, NULL);
    }
    if ((rc = norm(run, &b->norm2, hidden, &voicing, &a, &pre, err)))
        goto done;
    pre = leaky(pre);
    tb_conv_run(run->pool, &b->conv2, hidden, &pre, y, &(struct tb_post){ .residual = &residual, .gain = half_root });
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

enum tb_code tb_kokoro_snake_run(const struct tb_kokoro_run *run, const struct tb_kokoro_snake *s, struct tb_mat x,
                                 struct tb_kokoro_voicing voicing, float gain, bool add, struct tb_mat y,
                                 struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat hidden, sum;
    struct affine a;
    enum tb_code rc;

    if ((rc = take_affine(run, x.rows, &a, err)) ||
        (rc = tb_scratch_mat(run->scratch, x.rows, x.cols, &hidden, err)) ||
        (rc = tb_scratch_mat(run->scratch, x.rows, x.cols, &sum, err)))
        goto done;
    for (int j = 0; j < 3; j++) {
        struct tb_mat from = j == 0 ? x : sum;
        struct tb_post post = { .residual = &from };
        struct tb_pre pre;

        if ((rc = norm(run, &s->norm1[j], from, &voicing, &a, &pre, err)) || (rc = tb_kokoro_pause(run)))
            goto done;
        pre = snake(pre, s->alpha1[j], s->inv_alpha1[j]);
        tb_fastconv_run(run->pool, &s->conv1[j], from, &pre, hidden, NULL);
        if ((rc = tb_kokoro_pause(run)) || (rc = norm(run, &s->norm2[j], hidden, &voicing, &a, &pre, err)))
            goto done;
        pre = snake(pre, s->alpha2[j], s->inv_alpha2[j]);
        if (j == 2) {
            post.gain = gain;
            post.accumulate = add;
        }
        tb_fastconv_run(run->pool, &s->conv2[j], hidden, &pre, j == 2 ? y : sum, &post);
    }
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}
