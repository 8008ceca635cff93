/* fastconv.h - convolutions with half of the multiplications, for those that keep the length and have many columns.
 *
 * What tb_conv does exactly is done here by Toom and Cook's method (known as Winograd's in networks): four outputs of a
 * filter of four taps from seven products instead of sixteen, so 3, 7 or 11 taps cost as much as 1.75, 3.5 or 5.25.
 * Rounding errors are about 2e-6 of the output's size. Weights take 7 / 4 of the memory (of 4, 8 or 12 taps). */
#ifndef TB_TENSOR_FASTCONV_H
#define TB_TENSOR_FASTCONV_H

#include "tensor/ops.h"

/* Packed weights, read-only and shared by threads. */
struct tb_fastconv {
    int out, in, taps, dilation;
    int parts;   /* filters of four taps that make up one of `taps` */
    float *w;    /* [ceil(out / 4)][7][in][parts][4] */
    float *bias; /* [out] */
};

/* Pack w [out][in][taps] and bias [out] (NULL: zero); taps odd, at most 12, dilation at most 5, in at most 256, out a
 * multiple of 4. Release with tb_fastconv_free, which accepts an empty one. */
enum tb_code tb_fastconv_pack(int out, int in, int taps, int dilation, const float *w, const float *bias,
                              struct tb_fastconv *conv, struct tb_error *err);
void tb_fastconv_free(struct tb_fastconv *conv);
/* y [out][x.cols] of x [in][any], with zeros around it. pre, post and the rules are those of tb_conv_run. */
void tb_fastconv_run(struct tb_pool *pool, const struct tb_fastconv *conv, struct tb_mat x, const struct tb_pre *pre,
                     struct tb_mat y, const struct tb_post *post);

#endif
