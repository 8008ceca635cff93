/* model.c - see model.h.
 *
 * A loader with a sticky error reads one layer after another. Weights in 8 bits stay where the file is mapped, but for
 * the residual blocks and transposed convolutions: they are packed as 16-bit numbers, and the floats that these were
 * made of freed, so that the model is never held twice. */
#include "engine/kokoro/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kokoro/spectrum.h"
#include "tensor/weights.h"

enum { FLOATS = 48 << 20, NAME = 128 }; /* bytes reserved for what is kept unpacked: 4 MB are used */

struct loader {
    struct tb_weights *weights;
    struct tb_scratch *floats;
    enum tb_code rc;
    struct tb_error *err;
};

static const char *name_of(char *buf, const char *prefix, const char *rest)
{
    size_t n = strlen(prefix), more = strlen(rest) + 1;

    assert(n + more <= NAME);
    memcpy(buf, prefix, n);
    memcpy(buf + n, rest, more);
    return buf;
}

/* Floats in the map or in the loader's memory; gone after the next release. */
static const float *borrow(struct loader *l, const char *name, int rank, const size_t *shape)
{
    const float *p = NULL;

    if (l->rc == TB_OK)
        l->rc = tb_weights_floats(l->weights, name, rank, shape, &p, l->err);
    return l->rc == TB_OK ? p : NULL;
}

/* A copy that lives as long as the model. */
static const float *keep(struct loader *l, const char *name, int rank, const size_t *shape)
{
    const float *from = borrow(l, name, rank, shape);
    size_t n = 1;
    float *copy;

    for (int i = 0; i < rank; i++)
        n *= shape[i];
    if (l->rc || (l->rc = tb_scratch_floats(l->floats, n, &copy, l->err)))
        return NULL;
    memcpy(copy, from, n * sizeof *copy);
    tb_weights_release(l->weights);
    return copy;
}

static const float *keep1(struct loader *l, const char *prefix, const char *rest, int n)
{
    char name[NAME];

    return keep(l, name_of(name, prefix, rest), 1, (size_t[]){ (size_t)n });
}

static const float *keep2(struct loader *l, const char *name, int rows, int cols)
{
    return keep(l, name, 2, (size_t[]){ (size_t)rows, (size_t)cols });
}

/* NAME.weight in 8 bits as it is stored. False: it is stored in another way, or something went wrong before. */
static bool in_bytes(struct loader *l, const char *name, int rank, const size_t *shape, struct tb_q8 *q8)
{
    struct tb_error unused;

    return l->rc == TB_OK && tb_weights_q8(l->weights, name, rank, shape, q8, &unused) == TB_OK;
}

/* Pack prefix.weight, a matrix when it has one tap and is a linear layer, and prefix.bias when there is one. */
static void conv(struct loader *l, const char *prefix, bool linear, struct tb_conv_spec spec, struct tb_conv *out)
{
    char name[NAME];
    size_t o = (size_t)spec.out, i = (size_t)spec.in;
    size_t shape[3] = { spec.transposed ? i : o, spec.transposed ? o : i, (size_t)spec.taps };
    struct tb_q8 q8 = { 0 };
    const float *w, *b = NULL;
    bool mapped = !spec.transposed && spec.stride <= 1 && (long)spec.in * spec.taps <= TB_Q8_LEN;

    mapped = mapped && in_bytes(l, name_of(name, prefix, ".weight"), linear ? 2 : 3, shape, &q8);
    w = mapped ? NULL : borrow(l, name_of(name, prefix, ".weight"), linear ? 2 : 3, shape);
    if (l->rc == TB_OK && tb_weights_has(l->weights, name_of(name, prefix, ".bias")))
        b = borrow(l, name, 1, &o);
    if (l->rc == TB_OK && mapped)
        l->rc = tb_conv_map(&spec, &q8, b, out, l->err);
    else if (l->rc == TB_OK)
        l->rc = spec.transposed ? tb_conv_pack_whole(&spec, w, 0.0f, b, out, l->err)
                                : tb_conv_pack(&spec, w, b, out, l->err);
    tb_q8_free(&q8);
    tb_weights_release(l->weights);
}

static void linear(struct loader *l, const char *prefix, int out, int in, struct tb_conv *c)
{
    conv(l, prefix, true, (struct tb_conv_spec){ .out = out, .in = in, .taps = 1 }, c);
}

/* Out of the map, where its weights are in 8 bits there. */
static void widen(struct loader *l, struct tb_conv *const *convs, int n)
{
    for (int i = 0; i < n && l->rc == TB_OK; i++)
        if (convs[i]->q8.q)
            l->rc = tb_conv_widen(convs[i], l->err);
}

/* A convolution that keeps the length. */
static void same(struct loader *l, const char *prefix, int out, int in, int taps, int dilation, struct tb_conv *c)
{
    int pad = (taps - 1) * dilation / 2;

    conv(l, prefix, false,
         (struct tb_conv_spec){ .out = out, .in = in, .taps = taps, .dilation = dilation, .pad_left = pad,
                                .pad_right = pad }, c);
}

/* A convolution that keeps the length, of many columns. */
static void fast(struct loader *l, const char *prefix, int channels, int taps, int dilation, struct tb_fastconv *out)
{
    char name[NAME];
    size_t n = (size_t)channels, shape[] = { n, n, (size_t)taps };
    struct tb_q8 q8 = { 0 };
    const float *unit = in_bytes(l, name_of(name, prefix, ".weight"), 3, shape, &q8) ? q8.scale : NULL;
    const float *w = borrow(l, name, 3, shape), *b = borrow(l, name_of(name, prefix, ".bias"), 1, &n);

    if (l->rc == TB_OK)
        l->rc = tb_fastconv_pack(channels, channels, taps, dilation, w, unit, b, out, l->err);
    tb_q8_free(&q8);
    tb_weights_release(l->weights);
}

static void style(struct loader *l, const char *prefix, int channels, struct tb_kokoro_style *s)
{
    size_t shape[] = { 2 * (size_t)channels, TB_KOKORO_HALF };
    char name[NAME];

    s->channels = channels;
    if (!in_bytes(l, name_of(name, prefix, ".fc.weight"), 2, shape, &s->w8))
        s->w = keep2(l, name, 2 * channels, TB_KOKORO_HALF);
    s->b = keep1(l, prefix, ".fc.bias", 2 * channels);
}

enum { HIDDEN = 256, GATES = 4 * HIDDEN };

static const int pytorch_gates[4] = { 0, 3, 1, 2 }; /* where its i f g o has input, output, forget, cell */

/* Copy rows [GATES][n] from PyTorch's order to that of the kernels. */
static void gates(const float *from, size_t n, float *to)
{
    for (size_t g = 0; g < 4; g++)
        memcpy(to + g * HIDDEN * n, from + (size_t)pytorch_gates[g] * HIDDEN * n, HIDDEN * n * sizeof *to);
}

static const char *direction_of(char *buf, const char *prefix, const char *stem, int d)
{
    snprintf(buf, NAME, "%s%s%s", prefix, stem, d ? "_reverse" : "");
    return buf;
}

/* As floats. bias [2][2 * GATES] in PyTorch's order. */
static void bilstm_floats(struct loader *l, const char *prefix, int in, const float *bias, struct tb_bilstm *out)
{
    size_t ni = (size_t)GATES * (size_t)in, nh = (size_t)GATES * HIDDEN;
    float *w = malloc((2 * (ni + nh) + 4 * GATES) * sizeof *w), *r = w + 2 * ni, *b = r + 2 * nh;
    char name[NAME];

    if (!w) {
        l->rc = tb_fail(l->err, TB_ENOMEM, "kokoro: %s", prefix);
        return;
    }
    for (int d = 0; d < 2; d++) {
        const float *wi = borrow(l, direction_of(name, prefix, ".weight_ih_l0", d), 2, (size_t[]){ GATES, (size_t)in });
        const float *wh = borrow(l, direction_of(name, prefix, ".weight_hh_l0", d), 2, (size_t[]){ GATES, HIDDEN });

        if (l->rc)
            break;
        gates(wi, (size_t)in, w + (size_t)d * ni);
        gates(wh, HIDDEN, r + (size_t)d * nh);
        for (int k = 0; k < 2; k++)
            gates(bias + (2 * d + k) * GATES, 1, b + (2 * d + k) * GATES);
        tb_weights_release(l->weights);
    }
    if (l->rc == TB_OK)
        l->rc = tb_bilstm_pack(in, HIDDEN, w, r, b, out, l->err);
    free(w);
}

static void bilstm(struct loader *l, const char *prefix, int in, struct tb_bilstm *out)
{
    struct tb_q8 w[2] = { { 0 } }, r[2] = { { 0 } };
    float bias[4 * GATES];
    bool bytes = true;
    char name[NAME];

    for (int k = 0; k < 4 && l->rc == TB_OK; k++) {
        direction_of(name, prefix, k % 2 ? ".bias_hh_l0" : ".bias_ih_l0", k / 2);
        const float *b = borrow(l, name, 1, (size_t[]){ GATES });

        if (b)
            memcpy(bias + k * GATES, b, GATES * sizeof *b);
    }
    for (int d = 0; d < 2; d++) {
        size_t wi[] = { GATES, (size_t)in }, wh[] = { GATES, HIDDEN };

        bytes = bytes && in_bytes(l, direction_of(name, prefix, ".weight_ih_l0", d), 2, wi, &w[d]) &&
                in_bytes(l, direction_of(name, prefix, ".weight_hh_l0", d), 2, wh, &r[d]);
    }
    if (l->rc == TB_OK)
        bytes = bytes && tb_bilstm_map(in, HIDDEN, w, r, bias, pytorch_gates, out, l->err) == TB_OK;
    if (l->rc == TB_OK && !bytes)
        bilstm_floats(l, prefix, in, bias, out);
    for (int d = 0; d < 2; d++) {
        tb_q8_free(&w[d]);
        tb_q8_free(&r[d]);
    }
    tb_weights_release(l->weights);
}

static void block(struct loader *l, const char *prefix, int in, int out, bool up, struct tb_kokoro_block *b)
{
    char name[NAME];

    style(l, name_of(name, prefix, ".norm1"), in, &b->norm1);
    style(l, name_of(name, prefix, ".norm2"), out, &b->norm2);
    same(l, name_of(name, prefix, ".conv1"), out, in, 3, 1, &b->conv1);
    same(l, name_of(name, prefix, ".conv2"), out, out, 3, 1, &b->conv2);
    if (in != out)
        same(l, name_of(name, prefix, ".conv1x1"), out, in, 1, 1, &b->shortcut);
    if (up) {
        b->pool_w = keep(l, name_of(name, prefix, ".pool.weight"), 3, (size_t[]){ (size_t)in, 1, 3 });
        b->pool_b = keep1(l, prefix, ".pool.bias", in);
    }
}

static void snake_alpha(struct loader *l, const char *name, int channels, const float **alpha, const float **inverse)
{
    float *inv;

    *alpha = keep(l, name, 3, (size_t[]){ 1, (size_t)channels, 1 });
    if (l->rc || (l->rc = tb_scratch_floats(l->floats, (size_t)channels, &inv, l->err)))
        return;
    for (int i = 0; i < channels; i++)
        inv[i] = 1.0f / (*alpha)[i];
    *inverse = inv;
}

static void snake(struct loader *l, const char *prefix, int channels, int taps, struct tb_kokoro_snake *s)
{
    static const int dilations[3] = { 1, 3, 5 };
    char name[NAME];

    for (int j = 0; j < 3; j++) {
        snprintf(name, sizeof name, "%s.adain1.%d", prefix, j);
        style(l, name, channels, &s->norm1[j]);
        snprintf(name, sizeof name, "%s.adain2.%d", prefix, j);
        style(l, name, channels, &s->norm2[j]);
        snprintf(name, sizeof name, "%s.convs1.%d", prefix, j);
        fast(l, name, channels, taps, dilations[j], &s->conv1[j]);
        snprintf(name, sizeof name, "%s.convs2.%d", prefix, j);
        fast(l, name, channels, taps, 1, &s->conv2[j]);
        snprintf(name, sizeof name, "%s.alpha1.%d", prefix, j);
        snake_alpha(l, name, channels, &s->alpha1[j], &s->inv_alpha1[j]);
        snprintf(name, sizeof name, "%s.alpha2.%d", prefix, j);
        snake_alpha(l, name, channels, &s->alpha2[j], &s->inv_alpha2[j]);
    }
}

#define ALBERT "bert.encoder.albert_layer_groups.0.albert_layers.0."

static void load_bert(struct loader *l, struct tb_kokoro_bert *b)
{
    enum { E = TB_KOKORO_EMBED, W = TB_KOKORO_BERT };

    b->words = keep2(l, "bert.embeddings.word_embeddings.weight", TB_KOKORO_TOKENS, E);
    b->positions = keep2(l, "bert.embeddings.position_embeddings.weight", TB_KOKORO_MAX_TOKENS, E);
    b->kind = keep2(l, "bert.embeddings.token_type_embeddings.weight", 2, E);
    b->norm_g = keep1(l, "bert.embeddings.LayerNorm", ".weight", E);
    b->norm_b = keep1(l, "bert.embeddings.LayerNorm", ".bias", E);
    linear(l, "bert.encoder.embedding_hidden_mapping_in", W, E, &b->in);
    linear(l, ALBERT "attention.query", W, W, &b->query);
    linear(l, ALBERT "attention.key", W, W, &b->key);
    linear(l, ALBERT "attention.value", W, W, &b->value);
    linear(l, ALBERT "attention.dense", W, W, &b->dense);
    linear(l, ALBERT "ffn", 2048, W, &b->ffn);
    linear(l, ALBERT "ffn_output", W, 2048, &b->ffn_output);
    b->att_g = keep1(l, ALBERT "attention.LayerNorm", ".weight", W);
    b->att_b = keep1(l, ALBERT "attention.LayerNorm", ".bias", W);
    b->full_g = keep1(l, ALBERT "full_layer_layer_norm", ".weight", W);
    b->full_b = keep1(l, ALBERT "full_layer_layer_norm", ".bias", W);
    linear(l, "bert_encoder", TB_KOKORO_WIDTH, W, &b->out);
    widen(l, (struct tb_conv *const[]){ &b->query, &b->key, &b->value, &b->dense, &b->ffn, &b->ffn_output }, 6);
}

static void load_text(struct loader *l, struct tb_kokoro_text *t)
{
    char name[NAME];

    t->words = keep2(l, "text_encoder.embedding.weight", TB_KOKORO_TOKENS, TB_KOKORO_WIDTH);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "text_encoder.cnn.%d.0", i);
        same(l, name, TB_KOKORO_WIDTH, TB_KOKORO_WIDTH, 5, 1, &t->conv[i]);
        snprintf(name, sizeof name, "text_encoder.cnn.%d.1", i);
        t->gamma[i] = keep1(l, name, ".gamma", TB_KOKORO_WIDTH);
        t->beta[i] = keep1(l, name, ".beta", TB_KOKORO_WIDTH);
    }
    bilstm(l, "text_encoder.lstm", TB_KOKORO_WIDTH, &t->lstm);
}

static void load_prosody(struct loader *l, struct tb_kokoro_prosody *p)
{
    enum { IN = TB_KOKORO_WIDTH + TB_KOKORO_HALF };
    char name[NAME];

    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "predictor.text_encoder.lstms.%d", 2 * i);
        bilstm(l, name, IN, &p->text[i]);
        snprintf(name, sizeof name, "predictor.text_encoder.lstms.%d", 2 * i + 1);
        style(l, name, TB_KOKORO_WIDTH, &p->norm[i]);
    }
    bilstm(l, "predictor.lstm", IN, &p->lstm);
    linear(l, "predictor.duration_proj.linear_layer", TB_KOKORO_DURATIONS, TB_KOKORO_WIDTH, &p->duration);
    bilstm(l, "predictor.shared", IN, &p->shared);
    block(l, "predictor.F0.0", 512, 512, false, &p->f0[0]);
    block(l, "predictor.F0.1", 512, 256, true, &p->f0[1]);
    block(l, "predictor.F0.2", 256, 256, false, &p->f0[2]);
    block(l, "predictor.N.0", 512, 512, false, &p->energy[0]);
    block(l, "predictor.N.1", 512, 256, true, &p->energy[1]);
    block(l, "predictor.N.2", 256, 256, false, &p->energy[2]);
    same(l, "predictor.F0_proj", 1, 256, 1, 1, &p->f0_out);
    same(l, "predictor.N_proj", 1, 256, 1, 1, &p->energy_out);
}

static void load_decoder(struct loader *l, struct tb_kokoro_decoder *d)
{
    struct tb_conv_spec half = { .out = 1, .in = 1, .taps = 3, .stride = 2, .pad_left = 1, .pad_right = 1 };

    conv(l, "decoder.F0_conv", false, half, &d->f0);
    conv(l, "decoder.N_conv", false, half, &d->energy);
    same(l, "decoder.asr_res.0", 64, TB_KOKORO_WIDTH, 1, 1, &d->text);
    block(l, "decoder.encode", 514, 1024, false, &d->encode);
    block(l, "decoder.decode.0", 1090, 1024, false, &d->decode[0]);
    block(l, "decoder.decode.1", 1090, 1024, false, &d->decode[1]);
    block(l, "decoder.decode.2", 1090, 1024, false, &d->decode[2]);
    block(l, "decoder.decode.3", 1090, 512, true, &d->decode[3]);
}

static void make_analysis(struct loader *l, struct tb_conv *out)
{
    struct tb_conv_spec spec = { .out = 2 * TB_SPECTRUM_BINS, .in = 1, .taps = TB_SPECTRUM_POINTS,
                                 .stride = TB_KOKORO_HOP };
    float w[2 * TB_SPECTRUM_BINS * TB_SPECTRUM_POINTS];

    tb_spectrum_matrix(w);
    if (l->rc == TB_OK)
        l->rc = tb_conv_pack(&spec, w, NULL, out, l->err);
}

/* The export's inverse transform multiplies by 4 after the overlapping sums, and drops half a window at both ends. */
static void make_synthesis(struct loader *l, struct tb_kokoro_generator *g)
{
    enum { N = TB_SPECTRUM_POINTS, ROWS = 2 * TB_SPECTRUM_BINS };
    struct tb_conv_spec spec = { .out = 1, .in = ROWS, .taps = N, .stride = TB_KOKORO_HOP, .pad_left = N / 2,
                                 .pad_right = N / 2, .transposed = true };
    const float *basis = borrow(l, "decoder.generator.stft.inverse_basis", 3, (size_t[]){ ROWS, 1, N });
    float w[ROWS * N];

    if (!basis)
        return;
    for (int i = 0; i < ROWS * N; i++)
        w[i] = 4.0f * basis[i];
    l->rc = tb_conv_pack(&spec, w, NULL, &g->synthesis, l->err);
    g->window_sum = keep1(l, "decoder.generator.stft", ".window_sum", N);
}

static void load_generator(struct loader *l, struct tb_kokoro_generator *g)
{
    static const int taps[3] = { 3, 7, 11 };
    const float *w = borrow(l, "decoder.generator.m_source.l_linear.weight", 2, (size_t[]){ 1, TB_KOKORO_HARMONICS });
    const float *b = borrow(l, "decoder.generator.m_source.l_linear.bias", 1, (size_t[]){ 1 });
    char name[NAME];

    if (l->rc)
        return;
    memcpy(g->source_w, w, sizeof g->source_w);
    g->source_b = b[0];
    make_analysis(l, &g->analysis);
    conv(l, "decoder.generator.noise_convs.0", false,
         (struct tb_conv_spec){ .out = 256, .in = 22, .taps = 12, .stride = 6, .pad_left = 3, .pad_right = 3 },
         &g->noise[0]);
    same(l, "decoder.generator.noise_convs.1", 128, 22, 1, 1, &g->noise[1]);
    snake(l, "decoder.generator.noise_res.0", 256, 7, &g->noise_res[0]);
    snake(l, "decoder.generator.noise_res.1", 128, 11, &g->noise_res[1]);
    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "decoder.generator.resblocks.%d", i);
        snake(l, name, i < 3 ? 256 : 128, taps[i % 3], &g->res[i]);
    }
    conv(l, "decoder.generator.ups.0", false,
         (struct tb_conv_spec){ .out = 256, .in = 512, .taps = 20, .stride = 10, .pad_left = 5, .pad_right = 5,
                                .transposed = true }, &g->up[0]);
    conv(l, "decoder.generator.ups.1", false,
         (struct tb_conv_spec){ .out = 128, .in = 256, .taps = 12, .stride = 6, .pad_left = 3, .pad_right = 3,
                                .transposed = true }, &g->up[1]);
    same(l, "decoder.generator.conv_post", 22, 128, 7, 1, &g->post);
    make_synthesis(l, g);
}

static void free_block(struct tb_kokoro_block *b)
{
    tb_q8_free(&b->norm1.w8);
    tb_q8_free(&b->norm2.w8);
    tb_conv_free(&b->conv1);
    tb_conv_free(&b->conv2);
    tb_conv_free(&b->shortcut);
}

static void free_snake(struct tb_kokoro_snake *s)
{
    for (int j = 0; j < 3; j++) {
        tb_q8_free(&s->norm1[j].w8);
        tb_q8_free(&s->norm2[j].w8);
        tb_fastconv_free(&s->conv1[j]);
        tb_fastconv_free(&s->conv2[j]);
    }
}

static void free_text(struct tb_kokoro_model *m)
{
    struct tb_kokoro_bert *b = &m->bert;
    struct tb_conv *const convs[] = { &b->in, &b->query, &b->key, &b->value, &b->dense, &b->ffn, &b->ffn_output,
                                      &b->out, &m->prosody.duration, &m->prosody.f0_out, &m->prosody.energy_out };

    for (size_t i = 0; i < sizeof convs / sizeof *convs; i++)
        tb_conv_free(convs[i]);
    for (int i = 0; i < 3; i++) {
        tb_conv_free(&m->text.conv[i]);
        tb_q8_free(&m->prosody.norm[i].w8);
        tb_bilstm_free(&m->prosody.text[i]);
        free_block(&m->prosody.f0[i]);
        free_block(&m->prosody.energy[i]);
    }
    tb_bilstm_free(&m->text.lstm);
    tb_bilstm_free(&m->prosody.lstm);
    tb_bilstm_free(&m->prosody.shared);
}

void tb_kokoro_model_close(struct tb_kokoro_model *m)
{
    if (!m)
        return;
    struct tb_kokoro_decoder *d = &m->decoder;
    struct tb_kokoro_generator *g = &m->generator;
    struct tb_conv *const convs[] = { &d->f0, &d->energy, &d->text, &g->analysis, &g->noise[0], &g->noise[1],
                                      &g->up[0], &g->up[1], &g->post, &g->synthesis };

    free_text(m);
    for (size_t i = 0; i < sizeof convs / sizeof *convs; i++)
        tb_conv_free(convs[i]);
    free_block(&d->encode);
    for (int i = 0; i < 4; i++)
        free_block(&d->decode[i]);
    for (int i = 0; i < 2; i++)
        free_snake(&g->noise_res[i]);
    for (int i = 0; i < 6; i++)
        free_snake(&g->res[i]);
    tb_scratch_close(&m->floats);
    tb_weights_close(m->weights);
    free(m);
}

enum tb_code tb_kokoro_model_open(const char *path, struct tb_kokoro_model **out, struct tb_error *err)
{
    struct tb_kokoro_model *m = calloc(1, sizeof *m);
    struct loader l = { .rc = TB_OK, .err = err };

    *out = NULL;
    if (!m)
        return tb_fail(err, TB_ENOMEM, "kokoro: no memory");
    l.floats = &m->floats;
    if ((l.rc = tb_scratch_open(FLOATS, &m->floats, err)) == TB_OK)
        l.rc = tb_weights_open(path, &l.weights, err);
    if (l.rc == TB_OK) {
        load_bert(&l, &m->bert);
        load_text(&l, &m->text);
        load_prosody(&l, &m->prosody);
        load_decoder(&l, &m->decoder);
        load_generator(&l, &m->generator);
    }
    m->weights = l.weights;
    if (l.rc) {
        tb_kokoro_model_close(m);
        return l.rc;
    }
    *out = m;
    return TB_OK;
}
