/* codec_decoder.h - frames of codes to sound: the decoder of the 12 Hz speech tokenizer, 1920 samples of 24 kHz a
 * frame.
 *
 * Every layer is causal, so a stream keeps what each will look back at and nothing is computed twice: the samples are
 * those of a decode of the whole, however the frames were cut.
 *
 * Codebooks and the transformer work on rows of one frame, the rest on [channels][time] with the packed convolutions of
 * tensor/ops.h. */
#ifndef TB_ENGINE_QWEN3_CODEC_DECODER_H
#define TB_ENGINE_QWEN3_CODEC_DECODER_H

#include "engine/qwen3/config.h"
#include "tensor/fastconv.h"

enum {
    TB_Q3_UNITS = 3,          /* residual units of a block */
    TB_Q3_SHARES = 6,         /* of the input channels of a convolution that is too wide for one struct tb_fastconv */
    TB_Q3_UPS = 4             /* most ratios before the blocks */
};

/* x + sin^2(x e^alpha) / (e^beta + 1e-9) as the packed convolutions want it. */
struct tb_q3_snake {
    float *alpha, *inverse; /* [channels] each: e^alpha, 1 / (e^beta + 1e-9) */
};

struct tb_q3_unit {
    struct tb_q3_snake snake1, snake2;
    int dilation;                          /* of conv1: 1, 3, 9 */
    struct tb_conv conv1, conv2;           /* 7 taps, empty where `fast` always takes its place; 1 tap */
    int shares;                            /* 0, or so many of */
    struct tb_fastconv fast[TB_Q3_SHARES]; /* have an equal part of its input channels each */
};

struct tb_q3_block {
    int in, out, rate;
    struct tb_q3_snake snake;
    struct tb_conv up; /* transposed, 2 * rate taps */
    struct tb_q3_unit units[TB_Q3_UNITS];
};

/* Twice as many frames, then a ConvNeXt block. */
struct tb_q3_up {
    int rate;
    float *packed;              /* of `up` */
    struct tb_linear up;        /* [rate * latent][latent] */
    struct tb_conv wide_whole, narrow_whole; /* where decoder.whole in place of wide and narrow: one tap */
    const float *taps, *bias;   /* [latent][7], [latent]: each channel by itself */
    const float *norm_w, *norm_b, *gamma; /* [latent] */
    struct tb_linear wide, narrow;
};

struct tb_q3_decoder {
    struct tb_q3_codec_config config;
    bool whole;                     /* not exact, but of whole numbers */
    struct tb_q3_halved *halved;    /* where it is: the transformer's matrices in bfloat16 */
    const float *sums[TB_Q3_MAX_GROUPS], *usage[TB_Q3_MAX_GROUPS]; /* [codebook][vector], [codebook] */
    struct tb_linear first, rest;   /* vector -> width */
    struct tb_linear pre;           /* [latent][width * 3]: three taps */
    struct tb_linear in, out;       /* latent -> transformer -> latent */
    struct tb_q3_stack stack;
    const float *norm;
    struct tb_q3_up ups[TB_Q3_UPS];
    struct tb_conv head;            /* 7 taps, latent -> hidden */
    struct tb_q3_block blocks[TB_Q3_MAX_RATES];
    struct tb_q3_snake snake;
    struct tb_conv tail;            /* 7 taps -> 1 */
};

/* Load from the weights of speech_tokenizer/. whole: convolutions and ConvNeXt's layers multiply 16-bit whole numbers
 * (tensor/fastconv.h, tb_conv_pack_whole) and the transformer holds bfloat16: twice as fast, and the waveform stands at
 * 47 to 49 dB from the exact one (docs/MODEL-qwen3.md); how it is cut into pieces then changes its rounding. Release
 * with tb_q3_decoder_free, also after a failure. */
void tb_q3_decoder_load(struct tb_q3_loader *l, const struct tb_q3_codec_config *config, bool whole,
                        struct tb_q3_decoder *out);
void tb_q3_decoder_free(struct tb_q3_decoder *d);

/* A stream, for one thread at a time, that computes at most `chunk` frames at once: more are faster and take more
 * memory. Release with tb_q3_decoding_close. */
struct tb_q3_decoding;
enum tb_code tb_q3_decoding_open(const struct tb_q3_decoder *d, int chunk, struct tb_q3_decoding **out,
                                 struct tb_error *err);
void tb_q3_decoding_close(struct tb_q3_decoding *s); /* NULL is fine */
/* Forget all that was decoded. */
void tb_q3_decoding_reset(struct tb_q3_decoding *s);
/* The next frames, with run->sink asked five times or so a chunk; after TB_ECANCELLED the stream is good for a reset
 * only. codes [frames][groups] -> samples [frames * config.frame], within +-1. Takes its memory from
 * run->scratch. look: "rvq", "pre_conv", "pre_input_proj", "pre_layer", "pre_norm", "pre_transformer" (rows of frames),
 * "upsample_conv", "upsample" (rows), "decoder", "block_up", "unit"
 * (of block 0) (channels). TB_EINVAL: a code out of range. */
enum tb_code tb_q3_decoding_run(const struct tb_q3_run *run, struct tb_q3_decoding *s, const int *codes, int frames,
                                float *samples, struct tb_error *err);

#endif
