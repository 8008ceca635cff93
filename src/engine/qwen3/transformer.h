/* transformer.h - the one kind of transformer that Qwen3-TTS is made of, four times: the talker, the code predictor,
 * and the two inside the codec. Pre-norm layers, causal attention with rotated keys that are kept in a cache, and a
 * feed-forward part:
 *
 *     x += scale1 * o(attention(norm1(x)));  x += scale2 * mlp(norm2(x))
 *
 * Activations are [tokens][hidden], one token a row. A stack is read-only and shared; a cache belongs to one
 * sequence. */
#ifndef TB_ENGINE_QWEN3_TRANSFORMER_H
#define TB_ENGINE_QWEN3_TRANSFORMER_H

#include "engine/engine.h"
#include "engine/qwen3/weights.h"
#include "tensor/causal.h"
#include "tensor/scratch.h"

enum { TB_Q3_MOST_TOGETHER = 8 }; /* sequences in one pass */

/* Shape of a stack, from config.json. */
struct tb_q3_spec {
    int hidden, inner, layers;
    int heads, kv_heads, width; /* width of one head; heads * width may differ from hidden */
    int window;                 /* keys that a token sees, itself included; 0: all */
    float eps;                  /* of the norms */
    double theta;               /* base of the rotation */
    bool head_norm;             /* RMSNorm of each query and key before they are rotated */
    bool layer_scale;
    bool mimi;                  /* LayerNorm and fc1, GELU, fc2 instead of RMSNorm and a SiLU-gated unit */
};

struct tb_q3_layer {
    const float *norm1, *bias1, *norm2, *bias2; /* [hidden]; biases with mimi only, else NULL */
    const float *q_norm, *k_norm;               /* [width], or NULL */
    const float *scale1, *scale2;               /* [hidden], or NULL */
    struct tb_linear q, k, v, o;
    struct tb_linear gate, up, down;            /* with mimi: up is fc1, down is fc2, gate is empty */
};

struct tb_q3_stack {
    struct tb_q3_spec spec;
    struct tb_q3_layer *layers; /* [spec.layers] */
    float *frequency;           /* [width / 2] */
};

/* Keys and values of the tokens so far. */
struct tb_q3_cache {
    struct tb_scratch memory;
    struct tb_mat *keys, *values; /* [layers]: [room][kv_heads * width]; keys are rotated */
    int layers, room, window;
    int position; /* of the next token */
    int held;     /* rows in use; the last is that of position - 1 */
};

/* What a pass through any part of the model needs. */
struct tb_q3_run {
    struct tb_pool *pool;       /* may be NULL */
    struct tb_scratch *scratch; /* taken from and given back */
    const struct tb_sink *sink; /* asked between the layers of a long prompt and stages of the codec; may be NULL */
    /* Called with the output of each stage when set: how the tests look inside. i is the layer or step. */
    void (*look)(void *ctx, const char *stage, int i, struct tb_mat m);
    void *ctx;
};

/* Let in what is more urgent. TB_ECANCELLED: the listener has stopped. */
enum tb_code tb_q3_pause(const struct tb_q3_run *run, struct tb_error *err);

static inline void tb_q3_look(const struct tb_q3_run *run, const char *stage, int i, struct tb_mat m)
{
    if (run->look)
        run->look(run->ctx, stage, i, m);
}

/* Load PREFIX.layers.N.*. Names are the published ones. Release with tb_q3_stack_free, also after a failure. */
void tb_q3_stack_load(struct tb_q3_loader *l, const struct tb_q3_spec *spec, const char *prefix,
                      struct tb_q3_stack *out);
void tb_q3_stack_free(struct tb_q3_stack *s);

/* A cache for `room` tokens at once; with a window it slides, and room must be at least the window less one plus the
 * tokens of one run. Memory is reserved and becomes real when first written. Release with tb_q3_cache_close. */
enum tb_code tb_q3_cache_open(const struct tb_q3_stack *s, int room, struct tb_q3_cache *out, struct tb_error *err);
void tb_q3_cache_close(struct tb_q3_cache *c);
/* Forget all tokens from position `to` on (0 .. position); with a window only to 0. */
void tb_q3_cache_rewind(struct tb_q3_cache *c, int to);

/* Run x.rows new tokens through all layers; x [n][hidden] becomes the residual stream after the last one, before any
 * final norm. look: "layer". TB_ETOOBIG: the cache is full. */
enum tb_code tb_q3_stack_run(const struct tb_q3_run *run, const struct tb_q3_stack *s, struct tb_q3_cache *cache,
                             struct tb_mat x, struct tb_error *err);
/* The same for `count` (1 .. TB_Q3_MOST_TOGETHER) sequences in one pass over the weights: x [count * n][hidden], n new
 * tokens of each, one sequence after the other. A token gets the bits that it gets alone. TB_ETOOBIG: a cache is full;
 * then none has changed. */
enum tb_code tb_q3_stack_run_all(const struct tb_q3_run *run, const struct tb_q3_stack *s,
                                 struct tb_q3_cache *const *caches, int count, struct tb_mat x, struct tb_error *err);

#endif
