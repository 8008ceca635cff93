/* ops.h - what the transformers of Qwen3-TTS and of its codec share beside matrix products. All on one thread.
 *
 * Activations are [tokens][width], one token a row. y may be x everywhere. */
#ifndef TB_ENGINE_QWEN3_OPS_H
#define TB_ENGINE_QWEN3_OPS_H

#include "tensor/mat.h"

/* Each row: x / sqrt(mean of squares + eps) * weight. weight [cols]. */
void tb_q3_rms_norm(struct tb_mat x, const float *weight, float eps, struct tb_mat y);
/* Each row: (x - mean) / sqrt(variance + eps) * weight + bias. */
void tb_q3_layer_norm(struct tb_mat x, const float *weight, const float *bias, float eps, struct tb_mat y);
/* x += scale * branch; scale [cols], NULL: one. */
void tb_q3_add_scaled(struct tb_mat x, struct tb_mat branch, const float *scale);
/* x / (1 + e^-x) */
void tb_q3_silu(struct tb_mat x);
/* gate = silu(gate) * up */
void tb_q3_silu_gate(struct tb_mat gate, struct tb_mat up);
/* x / 2 * (1 + erf(x / sqrt 2)): the exact form, not the one by tanh. */
void tb_q3_gelu(struct tb_mat x);

/* Turn the heads [tokens][heads * 2 * half] of consecutive positions: element i of a head pairs with i + half.
 * cosine, sine [tokens][half]. */
void tb_q3_rope(struct tb_mat x, int half, struct tb_mat cosine, struct tb_mat sine);
/* The tables for tb_q3_rope: angles of positions first .. first + cosine.rows. frequency [cosine.cols]. */
void tb_q3_rope_tables(const float *frequency, int first, struct tb_mat cosine, struct tb_mat sine);

#endif
