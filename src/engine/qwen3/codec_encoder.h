/* codec_encoder.h - sound to frames of codes: the encoder of the 12 Hz speech tokenizer, as cloning in context needs it
 * of a recording. SEANet's convolutions, a causal transformer at 25 Hz, half as many frames, and residual quantisers.
 *
 * SEANet runs over the recording in pieces and keeps between them what its convolutions look back at, so its memory
 * does not grow with the recording. */
#ifndef TB_ENGINE_QWEN3_CODEC_ENCODER_H
#define TB_ENGINE_QWEN3_CODEC_ENCODER_H

#include "base/turn.h"
#include "engine/qwen3/config.h"
#include "tensor/ops.h"

/* Residual unit: x + conv2(elu(conv1(elu(x)))); then elu, and a convolution that is as long as two of its steps. */
struct tb_q3_stage {
    int channels, rate;
    struct tb_conv conv1, conv2;
    struct tb_linear down; /* [2 * channels][channels * 2 * rate] */
};

struct tb_q3_encoder {
    struct tb_q3_codec_config config;
    struct tb_conv head, tail;
    struct tb_q3_stage stages[TB_Q3_MAX_RATES];
    struct tb_q3_stack stack;
    struct tb_linear half;            /* [hidden][hidden * 4]: every other frame */
    struct tb_linear semantic, acoustic; /* hidden -> vector: of code 0, and of the others */
    float *books;                     /* [groups][codebook][vector] */
    float *squares;                   /* [groups][codebook]: minus half of each vector's square */
};

/* Load from the weights of speech_tokenizer/. Release with tb_q3_encoder_free, also after a failure. */
void tb_q3_encoder_load(struct tb_q3_loader *l, const struct tb_q3_codec_config *config, struct tb_q3_encoder *out);
void tb_q3_encoder_free(struct tb_q3_encoder *e);

/* Frames that len samples give; the last may be filled up with silence. */
static inline int tb_q3_encoder_frames(const struct tb_q3_encoder *e, size_t len)
{
    return (int)((len + (size_t)e->config.frame - 1) / (size_t)e->config.frame);
}

/* samples [len > 0] at 24 kHz -> codes [tb_q3_encoder_frames][groups]. Memory comes from run->scratch. turn, which may
 * be NULL, is paused between pieces. look: "seanet" with the layer (of the piece), "seanet_out", "layer", "downsample",
 * "semantic_in", "acoustic_in", "residual" with the group. */
enum tb_code tb_q3_encoder_run(const struct tb_q3_run *run, const struct tb_q3_encoder *e, const float *samples,
                               size_t len, struct tb_turn *turn, int *codes, struct tb_error *err);

#endif
