/* transformer.c - see transformer.h. */
#include "engine/qwen3/transformer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/qwen3/ops.h"
#include "engine/qwen3/product.h"
#include "tensor/causal.h"
#include "tensor/ops.h"

enum {
    LONG_PROMPT = 32, /* rows: a layer of it is a slice of work that others need not wait for */
    GATES = 1024      /* of a part: some 2 us, so that threads that wait for the next product do not fall asleep */
};

static void load_mlp(struct tb_q3_loader *l, const struct tb_q3_spec *spec, const char *at, struct tb_q3_layer *y)
{
    if (spec->mimi) {
        tb_q3_linear(l, &y->up, spec->inner, spec->hidden, false, "%s.mlp.fc1", at);
        tb_q3_linear(l, &y->down, spec->hidden, spec->inner, false, "%s.mlp.fc2", at);
        y->bias1 = tb_q3_vector(l, spec->hidden, "%s.input_layernorm.bias", at);
        y->bias2 = tb_q3_vector(l, spec->hidden, "%s.post_attention_layernorm.bias", at);
    } else {
        tb_q3_linear(l, &y->gate, spec->inner, spec->hidden, false, "%s.mlp.gate_proj", at);
        tb_q3_linear(l, &y->up, spec->inner, spec->hidden, false, "%s.mlp.up_proj", at);
        tb_q3_linear(l, &y->down, spec->hidden, spec->inner, false, "%s.mlp.down_proj", at);
    }
}

static void load_layer(struct tb_q3_loader *l, const struct tb_q3_spec *spec, const char *at, struct tb_q3_layer *y)
{
    int wide = spec->heads * spec->width, kept = spec->kv_heads * spec->width;

    y->norm1 = tb_q3_vector(l, spec->hidden, "%s.input_layernorm.weight", at);
    y->norm2 = tb_q3_vector(l, spec->hidden, "%s.post_attention_layernorm.weight", at);
    tb_q3_linear(l, &y->q, wide, spec->hidden, false, "%s.self_attn.q_proj", at);
    tb_q3_linear(l, &y->k, kept, spec->hidden, false, "%s.self_attn.k_proj", at);
    tb_q3_linear(l, &y->v, kept, spec->hidden, false, "%s.self_attn.v_proj", at);
    tb_q3_linear(l, &y->o, spec->hidden, wide, false, "%s.self_attn.o_proj", at);
    if (spec->head_norm) {
        y->q_norm = tb_q3_vector(l, spec->width, "%s.self_attn.q_norm.weight", at);
        y->k_norm = tb_q3_vector(l, spec->width, "%s.self_attn.k_norm.weight", at);
    }
    if (spec->layer_scale) {
        y->scale1 = tb_q3_vector(l, spec->hidden, "%s.self_attn_layer_scale.scale", at);
        y->scale2 = tb_q3_vector(l, spec->hidden, "%s.mlp_layer_scale.scale", at);
    }
    load_mlp(l, spec, at, y);
}

void tb_q3_stack_load(struct tb_q3_loader *l, const struct tb_q3_spec *spec, const char *prefix,
                      struct tb_q3_stack *out)
{
    int half = spec->width / 2;
    char at[96];

    *out = (struct tb_q3_stack){ .spec = *spec };
    if (l->rc)
        return;
    out->layers = calloc((size_t)spec->layers, sizeof *out->layers);
    out->frequency = malloc((size_t)half * sizeof *out->frequency);
    if (!out->layers || !out->frequency) {
        l->rc = tb_fail(l->err, TB_ENOMEM, "%s: %d layers", prefix, spec->layers);
        return;
    }
    for (int i = 0; i < half; i++) /* the exponent and the power are floats in the reference */
        out->frequency[i] = 1.0f / (float)pow(spec->theta, (double)((float)(2 * i) / (float)spec->width));
    for (int i = 0; i < spec->layers; i++) {
        snprintf(at, sizeof at, "%.60s.layers.%d", prefix, i);
        load_layer(l, spec, at, &out->layers[i]);
    }
}

void tb_q3_stack_free(struct tb_q3_stack *s)
{
    free(s->layers);
    free(s->frequency);
    *s = (struct tb_q3_stack){ 0 };
}

enum tb_code tb_q3_cache_open(const struct tb_q3_stack *s, int room, struct tb_q3_cache *out, struct tb_error *err)
{
    int layers = s->spec.layers, width = s->spec.kv_heads * s->spec.width;
    size_t row = ((size_t)width + 64) * sizeof(float), size; /* rows may be padded */
    enum tb_code rc;

    *out = (struct tb_q3_cache){ .layers = layers, .room = room, .window = s->spec.window };
    if (tb_mul_overflow(row, (size_t)room, &size) || tb_add_overflow(size, 4096, &size) ||
        tb_mul_overflow(size, 2 * (size_t)layers, &size))
        return tb_fail(err, TB_ETOOBIG, "a cache of %d tokens", room);
    out->keys = calloc(2 * (size_t)layers, sizeof *out->keys);
    if (!out->keys)
        return tb_fail(err, TB_ENOMEM, "a cache of %d layers", layers);
    out->values = out->keys + layers;
    rc = tb_scratch_open(size, &out->memory, err);
    if (rc == TB_OK) /* layers lie far apart and begin with few rows: huge pages would be empty but for them */
        madvise(out->memory.base, out->memory.size, MADV_NOHUGEPAGE);
    for (int i = 0; rc == TB_OK && i < 2 * layers; i++)
        rc = tb_scratch_mat(&out->memory, room, width, &out->keys[i], err);
    if (rc)
        tb_q3_cache_close(out);
    return rc;
}

void tb_q3_cache_close(struct tb_q3_cache *c)
{
    free(c->keys);
    tb_scratch_close(&c->memory);
    *c = (struct tb_q3_cache){ 0 };
}

void tb_q3_cache_rewind(struct tb_q3_cache *c, int to)
{
    assert(to >= 0 && to <= c->position && (to == 0 || c->window == 0));
    c->position = to;
    c->held = to;
}

/* Make sure that n more rows fit, dropping those that no later token sees. */
static enum tb_code make_room(struct tb_q3_cache *c, int n, struct tb_error *err)
{
    int keep = c->window > 0 && c->held > c->window - 1 ? c->window - 1 : c->held;

    if (c->held + n <= c->room)
        return TB_OK;
    if (keep + n > c->room)
        return tb_fail(err, TB_ETOOBIG, "qwen3: %d tokens, and no room for %d more", c->position, n);
    for (int i = 0; i < 2 * c->layers; i++) {
        struct tb_mat m = c->keys[i];

        memmove(m.p, tb_mat_row(m, c->held - keep), (size_t)keep * (size_t)m.ld * sizeof *m.p);
    }
    c->held = keep;
    return TB_OK;
}

/* Memory of one run, for all layers. */
struct work {
    struct tb_mat normed, q, k, v, attended, gate, up, cosine, sine;
    float *rounded; /* inputs of quantised layers */
};

static enum tb_code take_work(struct tb_scratch *scratch, const struct tb_q3_spec *spec, int n, struct work *w,
                              struct tb_error *err)
{
    int wide = spec->heads * spec->width, widest = wide > spec->hidden ? wide : spec->hidden;
    int kept = spec->kv_heads * spec->width;
    enum tb_code rc;

    widest = spec->inner > widest ? spec->inner : widest;
    if ((rc = tb_scratch_floats(scratch, tb_qinput_floats(n, widest), &w->rounded, err)) ||
        (rc = tb_scratch_mat(scratch, n, spec->hidden, &w->normed, err)) ||
        (rc = tb_scratch_mat(scratch, n, wide, &w->q, err)) ||
        (rc = tb_scratch_mat(scratch, n, kept, &w->k, err)) ||
        (rc = tb_scratch_mat(scratch, n, kept, &w->v, err)) ||
        (rc = tb_scratch_mat(scratch, n, wide, &w->attended, err)) ||
        (rc = tb_scratch_mat(scratch, n, spec->inner, &w->gate, err)) ||
        (rc = tb_scratch_mat(scratch, n, spec->inner, &w->up, err)) ||
        (rc = tb_scratch_mat(scratch, n, spec->width / 2, &w->cosine, err)))
        return rc;
    return tb_scratch_mat(scratch, n, spec->width / 2, &w->sine, err);
}

static void norm(const struct tb_q3_spec *spec, struct tb_mat x, const float *weight, const float *bias,
                 struct tb_mat y)
{
    if (bias)
        tb_q3_layer_norm(x, weight, bias, spec->eps, y);
    else
        tb_q3_rms_norm(x, weight, spec->eps, y);
}

/* A layer's attention behind its products, as parts: one sequence and one head of keys each, with the queries that read
 * it. A part has all rows of its own columns, so it waits for no other. */
struct attending {
    const struct tb_q3_spec *spec;
    const struct tb_q3_layer *y;
    const struct work *w;
    struct tb_q3_cache *const *caches;
    int count, layer;
};

/* Heads x [n][heads * width] as attention wants them: normed, if need be, and turned. */
static void prepare(const struct tb_q3_spec *spec, struct tb_mat x, const float *weight, struct tb_mat cosine,
                    struct tb_mat sine)
{
    for (int r = 0; weight && r < x.rows; r++) {
        struct tb_mat heads = { tb_mat_row(x, r), x.cols / spec->width, spec->width, spec->width };

        tb_q3_rms_norm(heads, weight, spec->eps, heads);
    }
    tb_q3_rope(x, spec->width / 2, cosine, sine);
}

static void attend(void *ctx, int part)
{
    const struct attending *a = ctx;
    const struct tb_q3_spec *spec = a->spec;
    const struct work *w = a->w;
    int n = w->normed.rows / a->count, i = part / spec->kv_heads, head = part % spec->kv_heads, width = spec->width;
    int group = spec->heads / spec->kv_heads;
    const struct tb_q3_cache *c = a->caches[i];
    struct tb_causal causal = { group, 1, width, spec->window };
    struct tb_mat cosine = tb_mat_rows(w->cosine, i * n, n), sine = tb_mat_rows(w->sine, i * n, n);
    struct tb_mat q = tb_mat_cols(tb_mat_rows(w->q, i * n, n), head * group * width, group * width);
    struct tb_mat k = tb_mat_cols(tb_mat_rows(w->k, i * n, n), head * width, width);
    struct tb_mat v = tb_mat_cols(tb_mat_rows(w->v, i * n, n), head * width, width);
    struct tb_mat keys = tb_mat_cols(tb_mat_rows(c->keys[a->layer], 0, c->held + n), head * width, width);
    struct tb_mat values = tb_mat_cols(tb_mat_rows(c->values[a->layer], 0, c->held + n), head * width, width);
    struct tb_mat to = tb_mat_cols(tb_mat_rows(w->attended, i * n, n), head * group * width, group * width);

    prepare(spec, q, a->y->q_norm, cosine, sine);
    prepare(spec, k, a->y->k_norm, cosine, sine);
    tb_copy(k, tb_mat_rows(keys, c->held, n));
    tb_copy(v, tb_mat_rows(values, c->held, n));
    tb_causal_run(NULL, &causal, &(struct tb_causal_tokens){ q, keys, values, to }, 1);
}

/* `layer` of the caches, which keep the new rows of keys and values. */
static void attention(const struct tb_q3_run *run, const struct tb_q3_spec *spec, const struct tb_q3_layer *y,
                      const struct work *w, struct tb_q3_cache *const *caches, int count, int layer)
{
    struct attending a = { spec, y, w, caches, count, layer };

    tb_q3_products(run->pool, w->normed, w->rounded, 3,
                   (struct tb_q3_product[]){ { &y->q, w->q }, { &y->k, w->k }, { &y->v, w->v } });
    tb_pool_run(run->pool, attend, &a, count * spec->kv_heads);
    tb_q3_products(run->pool, w->attended, w->rounded, 1, &(struct tb_q3_product){ &y->o, w->normed });
}

/* A part of the gates: up to GATES columns of a row. */
static void gate(void *ctx, int part)
{
    const struct work *w = ctx;
    int slices = (w->gate.cols + GATES - 1) / GATES, from = part % slices * GATES;
    int n = w->gate.cols - from < GATES ? w->gate.cols - from : GATES;

    tb_q3_silu_gate(tb_mat_cols(tb_mat_rows(w->gate, part / slices, 1), from, n),
                    tb_mat_cols(tb_mat_rows(w->up, part / slices, 1), from, n));
}

static void mlp(const struct tb_q3_run *run, const struct tb_q3_layer *y, struct work *w)
{
    struct tb_q3_product inner[] = { { &y->up, w->up }, { &y->gate, w->gate } };
    bool gated = y->gate.out > 0;

    tb_q3_products(run->pool, w->normed, w->rounded, gated ? 2 : 1, inner);
    if (gated)
        tb_pool_run(run->pool, gate, w, w->gate.rows * ((w->gate.cols + GATES - 1) / GATES));
    else
        tb_q3_gelu(w->up);
    tb_q3_products(run->pool, gated ? w->gate : w->up, w->rounded, 1, &(struct tb_q3_product){ &y->down, w->normed });
}

enum tb_code tb_q3_pause(const struct tb_q3_run *run, struct tb_error *err)
{
    if (!run->sink || !run->sink->pause || run->sink->pause(run->sink->ctx))
        return TB_OK;
    return tb_fail(err, TB_ECANCELLED, "qwen3: the listener has stopped");
}

enum tb_code tb_q3_stack_run_all(const struct tb_q3_run *run, const struct tb_q3_stack *s,
                                 struct tb_q3_cache *const *caches, int count, struct tb_mat x, struct tb_error *err)
{
    const struct tb_q3_spec *spec = &s->spec;
    size_t mark = tb_scratch_mark(run->scratch);
    int n = x.rows / count;
    struct work w;
    enum tb_code rc;

    assert(count >= 1 && count <= TB_Q3_MOST_TOGETHER && x.rows == count * n && x.cols == spec->hidden);
    if ((rc = take_work(run->scratch, spec, x.rows, &w, err)))
        goto done;
    for (int i = 0; i < count; i++) {
        assert(caches[i]->layers == spec->layers);
        if ((rc = make_room(caches[i], n, err)))
            goto done;
        tb_q3_rope_tables(s->frequency, caches[i]->position, tb_mat_rows(w.cosine, i * n, n),
                          tb_mat_rows(w.sine, i * n, n));
    }
    for (int i = 0; i < spec->layers; i++) {
        const struct tb_q3_layer *y = &s->layers[i];

        if (n >= LONG_PROMPT && (rc = tb_q3_pause(run, err)))
            goto done;
        norm(spec, x, y->norm1, y->bias1, w.normed);
        attention(run, spec, y, &w, caches, count, i);
        tb_q3_add_scaled(x, w.normed, y->scale1);
        norm(spec, x, y->norm2, y->bias2, w.normed);
        mlp(run, y, &w);
        tb_q3_add_scaled(x, w.normed, y->scale2);
        tb_q3_look(run, "layer", i, x);
    }
    for (int i = 0; i < count; i++) {
        caches[i]->position += n;
        caches[i]->held += n;
    }
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

enum tb_code tb_q3_stack_run(const struct tb_q3_run *run, const struct tb_q3_stack *s, struct tb_q3_cache *cache,
                             struct tb_mat x, struct tb_error *err)
{
    return tb_q3_stack_run_all(run, s, &cache, 1, x, err);
}
