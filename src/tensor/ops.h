/* ops.h - what neural networks are made of, on activations [channels][time].
 *
 * Rules for all ops:
 * - `pool` shares the work among its threads and may be NULL. Whatever sums and roundings depend on is cut in the same
 *   way for any number of threads, so results are bit-identical.
 * - Nothing here allocates or fails while computing; packing weights does. Wrong shapes are errors of the program and
 *   are asserted.
 * - A thread that computes needs 1 MB of stack (blocks of input are packed there).
 * - Outputs must not overlap inputs, unless an op says that it works in place. */
#ifndef TB_TENSOR_OPS_H
#define TB_TENSOR_OPS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/pool.h"
#include "tensor/mat.h"
#include "tensor/q8.h"

/* Convolutions ----------------------------------------------------------------------------------------------------
 * All are matrix products of packed weights with shifted windows of the input: a linear layer on tokens is a
 * convolution of one tap, a strided one runs on `stride` interleaved channels, and a transposed one makes `stride`
 * interleaved outputs. */

/* What is done to the input before it is convolved: x * scale[c] + shift[c], then an activation. Padding is zero after
 * it. {0} does nothing. */
struct tb_pre {
    const float *scale, *shift; /* [in] each, or both NULL */
    enum { TB_PRE_NONE, TB_PRE_LEAKY, TB_PRE_SNAKE } kind;
    float slope;                     /* leaky: x < 0 becomes slope * x */
    const float *alpha, *inv_alpha;  /* snake: x + sin^2(alpha x) * inv_alpha; [in] each */
};

enum tb_act { TB_ACT_NONE, TB_ACT_RELU, TB_ACT_LEAKY, TB_ACT_GELU };

/* What is done to the output: v = act((sum + bias + residual) * gain); y = v, or y += v. {0} does nothing. */
struct tb_post {
    const struct tb_mat *residual; /* [out][columns of y], or NULL; may be y itself */
    float gain;                    /* 0 counts as 1 */
    bool accumulate;
    enum tb_act act;
    float slope; /* of TB_ACT_LEAKY */
};

enum { TB_Q8_LEN = 4096, TB_Q8_TAPS = 8 }; /* weights of one output, and taps, of a convolution in 8 bits */

struct tb_conv_spec {
    int out, in;              /* channels */
    int taps;                 /* kernel size */
    int dilation;             /* 0 counts as 1; with a stride, and when transposed, only 1 */
    int stride;               /* 0 counts as 1 */
    int pad_left, pad_right;  /* zeros before and after the input; when transposed: outputs cut off */
    bool transposed;
    int output_pad;           /* transposed only: outputs added at the end */
};

/* Packed weights, read-only and shared by threads. */
struct tb_conv {
    struct tb_conv_spec spec;
    int rows, depth, taps; /* of the matrix product: outputs (x stride if transposed), inputs (x stride), taps */
    float *w;              /* [ceil(rows / 4)][depth][taps][4]; NULL: */
    bool whole;            /* weights are whole numbers, in w16 or, if that is NULL, q8 */
    int16_t *w16;          /* [ceil(rows / 4)][ceil(depth / 2)][taps][4][2] */
    struct tb_q8 q8;       /* [out][in * taps] */
    float *unit;           /* [rows rounded up to 4]: what 1 in w16 or q8 stands for */
    float limit;           /* of the input as whole numbers */
    int chunk;             /* channels, two by two, whose products are summed as whole numbers; then in floats */
    float *bias;           /* [rows rounded up to 4] */
};

/* Pack w [out][in][taps], or [in][out][taps] when transposed, and bias [out] (NULL: zero). The arrays may be freed
 * afterwards. The input that 24 columns need must fit a block: in * stride * (56 + dilation * (taps - 1)) <= 98304
 * always does; beyond it TB_EUNSUPPORTED. Release with tb_conv_free, which accepts an empty one. */
enum tb_code tb_conv_pack(const struct tb_conv_spec *spec, const float *w, const float *bias, struct tb_conv *out,
                          struct tb_error *err);
/* The same with weights that are whole numbers times `unit`, of 16 bits; unit 0: floats, which are rounded, and
 * that costs as much accuracy as the input's rounding does. Products and sums are of whole numbers then:
 * each block of columns of the input is rounded to 16 bits with a scale of its own. |input| <= limit, and limit times
 * the largest sum of a row's weights is below 2^31, so no sum can overflow; rows of many floats are summed in chunks of
 * some 1000, which leaves more bits to both. Errors are at 60 to 70 dB below the output.
 * TB_EUNSUPPORTED: larger weights, a stride, or dilation * (taps - 1) > 64. */
enum tb_code tb_conv_pack_whole(const struct tb_conv_spec *spec, const float *w, float unit, const float *bias,
                                struct tb_conv *out, struct tb_error *err);
/* The same from 8 bits: q8 is [out][in * taps], and the bytes that it points to must outlive the convolution. On TB_OK
 * *q8 is taken over and left empty. TB_EUNSUPPORTED: transposed or with a stride, in * taps > TB_Q8_LEN, more than
 * TB_Q8_TAPS taps, dilation * (taps - 1) > 64, or a zero that is no byte. */
enum tb_code tb_conv_map(const struct tb_conv_spec *spec, struct tb_q8 *q8, const float *bias, struct tb_conv *out,
                         struct tb_error *err);
/* Keep the weights of a mapped one in memory of its own, as 16-bit numbers: for one that runs many times in a pass. */
enum tb_code tb_conv_widen(struct tb_conv *conv, struct tb_error *err);
void tb_conv_free(struct tb_conv *conv);
/* Columns that an input of `cols` columns gives; may be <= 0 for a short input, which must then not be run. */
int tb_conv_cols(const struct tb_conv *conv, int cols);
/* y [out][tb_conv_cols(x.cols)] of x [in][any]. pre and post may be NULL. y must not overlap x. */
void tb_conv_run(struct tb_pool *pool, const struct tb_conv *conv, struct tb_mat x, const struct tb_pre *pre,
                 struct tb_mat y, const struct tb_post *post);

/* Transposed convolution of each channel by itself: 3 taps, stride 2, padding 1, output padding 1.
 * w [rows][3], bias [rows]; y [rows][2 * x.cols]. pre may be NULL. */
void tb_depthwise_up2(struct tb_pool *pool, const float *w, const float *bias, struct tb_mat x,
                      const struct tb_pre *pre, struct tb_mat y);

/* y[o] = bias[o] + sum w[o][i] x[i]; w [out][in], bias may be NULL. */
void tb_matvec(struct tb_pool *pool, const float *w, const float *bias, int out, int in, const float *x, float *y);
/* The same with w in 8 bits. */
void tb_matvec8(struct tb_pool *pool, const struct tb_q8 *w, const float *bias, const float *x, float *y);

/* Norms -----------------------------------------------------------------------------------------------------------*/

/* Columns from .. to - 1, which belong to a group. */
struct tb_stretch {
    int from, to, group;
};
/* Per row and group: the mean of the values in the group's stretches, and that of their squares, [x.rows][groups] each;
 * 0 where a group has no columns. At most TB_GROUPS groups. */
enum { TB_GROUPS = 32 };
void tb_group_means(struct tb_pool *pool, struct tb_mat x, const struct tb_stretch *stretches, int n, int groups,
                    float *mean, float *square);
/* Adaptive instance norm as a scale and a shift for struct tb_pre: the rows of x are normalised, times 1 + gamma, plus
 * beta. style [2 * x.rows]: gamma, then beta (the output of the style's linear layer). scale, shift: [x.rows].
 * In double inside. */
void tb_adain(struct tb_pool *pool, struct tb_mat x, const float *style, float eps, float *scale, float *shift);
/* Layer norm of each column over its rows: y = (x - mean) / sqrt(var + eps) * gamma[row] + beta[row]. y may be x.
 * For AdaLayerNorm the caller adds the 1 to gamma. */
void tb_layer_norm(struct tb_pool *pool, struct tb_mat x, const float *gamma, const float *beta, float eps,
                   struct tb_mat y);

/* Recurrence ------------------------------------------------------------------------------------------------------
 * Gates in ONNX order: input, output, forget, cell. bias is [8 * hidden] per direction: of the input, then of the
 * recurrence. */

struct tb_bilstm {
    int in, hidden;
    struct tb_conv input[2]; /* x -> gates, one for each direction; holds both biases */
    float *r[2];             /* [4 * hidden / 64][hidden][64] */
    int8_t *r8[2];           /* the same over scale, where r is NULL */
    float scale[2];
    int gate[4];             /* where input, output, forget, cell stand among the gates */
};

/* w [2][4 * hidden][in], r [2][4 * hidden][hidden], bias [2][8 * hidden]; direction 0 runs forward. hidden must be a
 * multiple of 16, at most 1024. Release with tb_bilstm_free. */
enum tb_code tb_bilstm_pack(int in, int hidden, const float *w, const float *r, const float *bias,
                            struct tb_bilstm *out, struct tb_error *err);
/* The same from 8 bits: w [2] is [4 * hidden][in] and is taken over when it succeeds, r [2] is [4 * hidden][hidden] and
 * is copied; bytes that w points to must outlive the layer. gate: where input, output, forget and cell stand among the
 * four, {0, 1, 2, 3} in ONNX and {0, 3, 1, 2} in PyTorch order. TB_EUNSUPPORTED: r has several scales, or is not
 * symmetric. */
enum tb_code tb_bilstm_map(int in, int hidden, struct tb_q8 *w, const struct tb_q8 *r, const float *bias,
                           const int *gate, struct tb_bilstm *out, struct tb_error *err);
void tb_bilstm_free(struct tb_bilstm *l);
/* Floats of `work` for an input of `cols` columns. */
size_t tb_bilstm_work(const struct tb_bilstm *l, int cols);
/* y [2 * hidden][x.cols] of x [in][any]: forward states, then backward ones. work: tb_bilstm_work floats. */
void tb_bilstm_run(struct tb_pool *pool, const struct tb_bilstm *l, struct tb_mat x, struct tb_mat y, float *work);

/* A forward LSTM layer that runs many sequences of one length side by side. */
struct tb_lstm {
    int in, hidden;
    float *w;    /* [hidden][in + hidden][4]: four rows, i o f c, of one hidden unit */
    float *bias; /* [hidden][4]: both biases */
};

/* w [4 * hidden][in], r [4 * hidden][hidden], bias [8 * hidden]. hidden <= 512, in + hidden <= 2048.
 * Release with tb_lstm_free. */
enum tb_code tb_lstm_pack(int in, int hidden, const float *w, const float *r, const float *bias, struct tb_lstm *out,
                          struct tb_error *err);
void tb_lstm_free(struct tb_lstm *l);
/* x [in][steps * batch], y [hidden][steps * batch]; step t of sequence b is column t * batch + b. */
void tb_lstm_run(struct tb_pool *pool, const struct tb_lstm *l, struct tb_mat x, int batch, struct tb_mat y);

/* Attention -------------------------------------------------------------------------------------------------------*/

enum { TB_ATTENTION_COLS = 512, TB_ATTENTION_WIDTH = 64 };

/* Self-attention without a mask: q, k, v, y are [heads * width][tokens], rows of one head together;
 * y = v softmax(q k / sqrt(width)). width a multiple of 4, at most TB_ATTENTION_WIDTH; tokens <= TB_ATTENTION_COLS. */
void tb_attention(struct tb_pool *pool, int heads, struct tb_mat q, struct tb_mat k, struct tb_mat v, struct tb_mat y);

/* Element by element, all in place if wanted ----------------------------------------------------------------------*/

/* Errors against exact values: sin, cos, tanh, sigmoid 2e-7 absolute (sin and cos for |x| up to 1e5; larger ones
 * go to libm), exp 3e-7 relative. gelu is the tanh form. */
enum tb_map {
    TB_MAP_SCALE,
    TB_MAP_LEAKY,
    TB_MAP_GELU,
    TB_MAP_TANH,
    TB_MAP_SIGMOID,
    TB_MAP_EXP,
    TB_MAP_SIN,
    TB_MAP_COS
};

/* y = f(x); arg is the factor of TB_MAP_SCALE and the slope of TB_MAP_LEAKY, else unused. y may be x. */
void tb_map(struct tb_pool *pool, enum tb_map f, float arg, struct tb_mat x, struct tb_mat y);
/* y = (a + b) * gain; y may be a or b. */
void tb_add(struct tb_pool *pool, struct tb_mat a, struct tb_mat b, float gain, struct tb_mat y);

/* Moves -----------------------------------------------------------------------------------------------------------*/

/* y = x; with tb_mat_rows of y this concatenates channels. */
void tb_copy(struct tb_mat x, struct tb_mat y);
/* Every value of x in all columns of y: x [rows]. */
void tb_fill_cols(const float *x, struct tb_mat y);
/* Each column twice: y [rows][2 * x.cols]. */
void tb_upsample2(struct tb_mat x, struct tb_mat y);
/* Column i of x counts[i] times (>= 0); y.cols is the sum of counts. */
void tb_repeat_cols(struct tb_mat x, const int *counts, struct tb_mat y);
/* y [x.cols][x.rows]. */
void tb_transpose(struct tb_mat x, struct tb_mat y);

#endif
