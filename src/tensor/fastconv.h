/* fastconv.h - convolutions of whole numbers with a quarter to a half of the multiplications, for those that keep the
 * length, or have their surroundings in the input, and have many columns.
 *
 * What tb_conv does with floats is done here by Toom and Cook's method (known as Winograd's in networks), in two
 * levels: four outputs of a filter of four taps from seven products instead of sixteen, and two such filters, or three,
 * over two groups of four outputs from three products, or four, instead of four and six. So filters of 3, 7 and 11 taps
 * take 1.75, 2.6 and 3.5 products for each output.
 *
 * The products are of 16-bit whole numbers. Filters that hold bytes times a factor, as quantised models do, stay whole
 * when transformed and are exact. The input is rounded once, after its transform: each block of some 200 columns has a
 * scale of its own, such that neither its values nor any sum of products can overflow: |value| <= limit, and
 * limit * (sum of the weights' magnitudes of a row at a point) < 2^31. Errors are at 50 to 60 dB below the output.
 * Weights take 2 * 7, 21 or 28 bytes for 3, 7 or 11 taps. */
#ifndef TB_TENSOR_FASTCONV_H
#define TB_TENSOR_FASTCONV_H

#include "tensor/ops.h"

/* Packed weights, read-only and shared by threads. */
struct tb_fastconv {
    int out, in, taps, dilation;
    int parts;   /* filters of four taps that make up one of `taps` */
    float limit; /* of the transformed input's magnitude */
    int16_t *w;  /* [out / 4][7 points, or 7 * (parts + 1) where parts > 1][in / 2][4][2] */
    float *bias; /* [out] */
    float *unit; /* [out]: what 1 in w stands for */
};

/* Pack w [out][in][taps] and bias [out] (NULL: zero); taps odd, at most 11, dilation at most 9, or 5 where taps > 8, in
 * even and at most 256, out a multiple of 4. unit [out]: each row of w is whole numbers times this; NULL, or where such
 * numbers are too large for 16 bits: they are rounded to units chosen here, which costs more accuracy than the input's
 * rounding. TB_EUNSUPPORTED: weights that are no numbers. Release with tb_fastconv_free, which accepts an empty one. */
enum tb_code tb_fastconv_pack(int out, int in, int taps, int dilation, const float *w, const float *unit,
                              const float *bias, struct tb_fastconv *conv, struct tb_error *err);
void tb_fastconv_free(struct tb_fastconv *conv);
/* y [out][x.cols] of x [in][any], with zeros around it; or [out][x.cols - dilation * (taps - 1)] without. pre, post and
 * the rules are those of tb_conv_run. */
void tb_fastconv_run(struct tb_pool *pool, const struct tb_fastconv *conv, struct tb_mat x, const struct tb_pre *pre,
                     struct tb_mat y, const struct tb_post *post);

#endif
