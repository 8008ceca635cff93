/* model.h - the weights of Kokoro-82M, packed for the kernels. docs/MODEL-kokoro.md has the layers and the names.
 *
 * Read-only after loading and shared by all sessions; what the file holds in 8 bits is used where it is mapped, which
 * all processes share. Activations are [channels][time]; a frame is 25 ms. */
#ifndef TB_ENGINE_KOKORO_MODEL_H
#define TB_ENGINE_KOKORO_MODEL_H

#include "engine/engine.h"
#include "engine/kokoro/print.h"
#include "tensor/fastconv.h"
#include "tensor/scratch.h"
#include "tensor/weights.h"

enum {
    TB_KOKORO_TOKENS = 178,       /* size of the vocabulary; 0 is the padding at both ends */
    TB_KOKORO_MAX_TOKENS = 512,   /* of one pass, with the padding: ALBERT's positions */
    TB_KOKORO_EMBED = 128,        /* ALBERT's embeddings */
    TB_KOKORO_BERT = 768,
    TB_KOKORO_HEADS = 12,
    TB_KOKORO_BERT_LAYERS = 12,   /* one layer's weights, used twelve times */
    TB_KOKORO_WIDTH = 512,        /* text features */
    TB_KOKORO_DURATIONS = 50,     /* sigmoids whose sum is a duration in frames */
    TB_KOKORO_FRAME = 600,        /* samples of a frame, 24 kHz */
    TB_KOKORO_RATE_HZ = 24000,
    TB_KOKORO_HARMONICS = 9,
    TB_KOKORO_HOP = 5             /* of the 20-point transforms at both ends of the generator */
};

/* The linear layer that turns a style into gamma and beta of an adaptive norm. */
struct tb_kokoro_style {
    struct tb_q8 w8;    /* [2 * channels][128], */
    const float *w, *b; /* or as floats where w8 is empty; [2 * channels] */
    int channels;
};

/* AdaIN residual block: norm, leaky, [twice as fast,] conv, norm, leaky, conv, plus the input, over sqrt(2). */
struct tb_kokoro_block {
    struct tb_kokoro_style norm1, norm2;
    struct tb_conv conv1, conv2;
    struct tb_conv shortcut;          /* 1x1; rows 0 where the input is added as it is */
    const float *pool_w, *pool_b;     /* [in][3], [in]: doubles the frame rate; NULL where there is none */
};

/* The generator's residual block: three times norm, snake, dilated conv, norm, snake, conv, plus the input. */
struct tb_kokoro_snake {
    struct tb_kokoro_style norm1[3], norm2[3];
    struct tb_fastconv conv1[3], conv2[3];
    const float *alpha1[3], *alpha2[3];         /* [channels] */
    const float *inv_alpha1[3], *inv_alpha2[3]; /* their reciprocals */
};

struct tb_kokoro_bert {
    const float *words, *positions, *kind; /* [178][128], [512][128], [128] */
    const float *norm_g, *norm_b;          /* [128] */
    struct tb_conv in;                     /* 128 -> 768 */
    struct tb_conv query, key, value, dense, ffn, ffn_output;
    const float *att_g, *att_b, *full_g, *full_b; /* [768] */
    struct tb_conv out;                    /* 768 -> 512 */
};

struct tb_kokoro_text {
    const float *words; /* [178][512] */
    struct tb_conv conv[3];
    const float *gamma[3], *beta[3];
    struct tb_bilstm lstm;
};

struct tb_kokoro_prosody {
    struct tb_bilstm text[3];           /* 640 -> 2 x 256 */
    struct tb_kokoro_style norm[3];
    struct tb_bilstm lstm;
    struct tb_conv duration;            /* 512 -> 50 */
    struct tb_bilstm shared;
    struct tb_kokoro_block f0[3], energy[3];
    struct tb_conv f0_out, energy_out;  /* 256 -> 1 */
};

struct tb_kokoro_decoder {
    struct tb_conv f0, energy; /* 1 -> 1, stride 2 */
    struct tb_conv text;       /* 512 -> 64 */
    struct tb_kokoro_block encode, decode[4];
};

struct tb_kokoro_generator {
    float source_w[TB_KOKORO_HARMONICS], source_b; /* harmonics to one signal */
    struct tb_conv analysis;                       /* windowed 20-point transform, hop 5: 1 -> 22 */
    struct tb_conv noise[2];                       /* 22 -> 256, stride 6; 22 -> 128 */
    struct tb_kokoro_snake noise_res[2], res[6];
    struct tb_conv up[2];                          /* 512 -> 256 by 10, 256 -> 128 by 6 */
    struct tb_conv post;                           /* 128 -> 22 */
    struct tb_conv synthesis;                      /* 22 -> 1 by 5: the inverse transform */
    const float *window_sum;                       /* [20] */
};

struct tb_kokoro_model {
    struct tb_kokoro_bert bert;
    struct tb_kokoro_text text;
    struct tb_kokoro_prosody prosody;
    struct tb_kokoro_decoder decoder;
    struct tb_kokoro_generator generator;
    struct tb_scratch floats;   /* what is kept unpacked */
    struct tb_weights *weights; /* the file: weights in 8 bits stay mapped */
};

/* What a pass through a part of the network needs. */
struct tb_kokoro_run {
    struct tb_pool *pool;       /* may be NULL */
    struct tb_scratch *scratch;
    const struct tb_sink *sink; /* whose pause is called between slices of work; may be NULL */
    /* Called with the output of each stage when set: how the tests look inside. */
    void (*look)(void *ctx, const char *stage, struct tb_mat m);
    void *ctx;
};

/* Load kokoro.safetensors (tools/convert_kokoro.py). The file stays mapped.
 * Release with tb_kokoro_model_close. */
enum tb_code tb_kokoro_model_open(const char *path, struct tb_kokoro_model **out, struct tb_error *err);
void tb_kokoro_model_close(struct tb_kokoro_model *model); /* NULL is fine */

#endif
