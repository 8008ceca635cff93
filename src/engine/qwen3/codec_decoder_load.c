/* codec_decoder_load.c - the weights of codec_decoder.h. Convolutions have no padding: the stream holds what lies
 * before. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/qwen3/codec_decoder.h"
#include "tensor/bf16.h"
#include "tensor/pages.h"

enum {
    TAPS = 7,
    WIDER = 4,        /* ConvNeXt's inner width */
    MOST_SHARE = 128, /* input channels of a struct tb_fastconv: its weights are rounded less with fewer */
    WIDE = 384,       /* channels above which few columns are better served by the smaller weights of a tb_conv */
    PANEL = 4         /* its output channels come in such */
};

struct tb_q3_halved { /* matrices of floats in bfloat16 */
    struct tb_q3_halved *next;
    uint16_t w[];
};

static float *room(struct tb_q3_loader *l, size_t n)
{
    float *p = l->rc ? NULL : malloc(n * sizeof *p);

    if (!p && l->rc == TB_OK)
        l->rc = tb_fail(l->err, TB_ENOMEM, "qwen3: %zu floats", n);
    return p;
}

static void load_conv(struct tb_q3_loader *l, const struct tb_q3_decoder *d, struct tb_conv *conv,
                      struct tb_conv_spec spec, const char *at)
{
    (d->whole ? tb_q3_conv_whole : tb_q3_conv)(l, conv, spec, at);
}

static void load_snake(struct tb_q3_loader *l, struct tb_q3_snake *s, int n, const char *at)
{
    const float *alpha = tb_q3_vector(l, n, "%s.alpha", at), *beta = tb_q3_vector(l, n, "%s.beta", at);

    s->alpha = room(l, 2 * (size_t)n);
    if (l->rc)
        return;
    s->inverse = s->alpha + n;
    for (int i = 0; i < n; i++) {
        s->alpha[i] = expf(alpha[i]);
        s->inverse[i] = 1.0f / (expf(beta[i]) + 1e-9f);
    }
}

/* Seven taps by Toom and Cook's method, each share of the input channels by itself: w [channels][channels][TAPS] as
 * `shares` of [channels][share][TAPS]. */
static void pack_shares(struct tb_q3_loader *l, struct tb_q3_unit *u, int channels, const float *w, const float *bias)
{
    size_t share = (size_t)(channels / u->shares) * TAPS;
    float *part = room(l, (size_t)channels * share);

    for (int i = 0; l->rc == TB_OK && i < u->shares; i++) {
        for (size_t r = 0; r < (size_t)channels; r++)
            memcpy(part + r * share, w + (r * (size_t)u->shares + (size_t)i) * share, share * sizeof *part);
        l->rc = tb_fastconv_pack(channels, channels / u->shares, TAPS, u->dilation, part, NULL, i ? NULL : bias,
                                 &u->fast[i], l->err);
    }
    free(part);
}

/* The seven taps of a unit: where whole, by Toom and Cook's method, and for the widest also as they are. */
static void load_taps(struct tb_q3_loader *l, const struct tb_q3_decoder *d, struct tb_q3_unit *u, int channels,
                      const char *at)
{
    struct tb_conv_spec spec = { .out = channels, .in = channels, .taps = TAPS, .dilation = u->dilation };
    int shares = (channels + MOST_SHARE - 1) / MOST_SHARE;
    bool fast = d->whole && shares <= TB_Q3_SHARES && channels % (2 * shares) == 0 && channels % (2 * PANEL) == 0;

    if (!fast || channels > WIDE)
        load_conv(l, d, &u->conv1, spec, at);
    if (!fast)
        return;
    const float *w = tb_q3_borrow(l, channels, channels, TAPS, "%s.weight", at);
    const float *bias = tb_q3_vector(l, channels, "%s.bias", at);
    u->shares = shares;
    if (l->rc == TB_OK)
        pack_shares(l, u, channels, w, bias);
    tb_q3_release(l);
}

static void load_unit(struct tb_q3_loader *l, const struct tb_q3_decoder *d, struct tb_q3_unit *u, int channels,
                      const char *at)
{
    char name[96];

    snprintf(name, sizeof name, "%.80s.act1", at);
    load_snake(l, &u->snake1, channels, name);
    snprintf(name, sizeof name, "%.80s.conv1.conv", at);
    load_taps(l, d, u, channels, name);
    snprintf(name, sizeof name, "%.80s.act2", at);
    load_snake(l, &u->snake2, channels, name);
    snprintf(name, sizeof name, "%.80s.conv2.conv", at);
    load_conv(l, d, &u->conv2, (struct tb_conv_spec){ .out = channels, .in = channels, .taps = 1 }, name);
}

static void load_block(struct tb_q3_loader *l, const struct tb_q3_decoder *d, struct tb_q3_block *b, int index)
{
    static const int dilations[TB_Q3_UNITS] = { 1, 3, 9 };
    char name[96];

    snprintf(name, sizeof name, "decoder.decoder.%d.block.0", index);
    load_snake(l, &b->snake, b->in, name);
    snprintf(name, sizeof name, "decoder.decoder.%d.block.1.conv", index);
    load_conv(l, d, &b->up, (struct tb_conv_spec){ .out = b->out, .in = b->in, .taps = 2 * b->rate, .stride = b->rate,
                                                   .pad_left = b->rate, .pad_right = b->rate, .transposed = true },
              name);
    for (int u = 0; u < TB_Q3_UNITS; u++) {
        snprintf(name, sizeof name, "decoder.decoder.%d.block.%d", index, u + 2);
        b->units[u].dilation = dilations[u];
        load_unit(l, d, &b->units[u], b->out, name);
    }
}

/* Transposed convolution whose taps do not overlap: a linear layer that makes `rate` rows of one. */
static void load_up(struct tb_q3_loader *l, struct tb_q3_up *u, int n, int index)
{
    const float *w = tb_q3_borrow(l, n, n, u->rate, "decoder.upsample.%d.0.conv.weight", index);
    const float *bias = tb_q3_vector(l, n, "decoder.upsample.%d.0.conv.bias", index);
    size_t rows = (size_t)u->rate * (size_t)n, cols = (size_t)n;

    u->packed = room(l, rows * cols + rows);
    if (l->rc)
        return;
    for (size_t r = 0; r < rows; r++) {
        size_t tap = r / cols, out = r % cols;

        for (size_t in = 0; in < cols; in++)
            u->packed[r * cols + in] = w[(in * cols + out) * (size_t)u->rate + tap];
        u->packed[rows * cols + r] = bias[out];
    }
    tb_q3_release(l);
    u->up = (struct tb_linear){ .dtype = TB_F32, .out = (int)rows, .in = n, .w = u->packed,
                                .bias = u->packed + rows * cols };
}

static void load_convnext(struct tb_q3_loader *l, struct tb_q3_up *u, int n, int index)
{
    u->taps = tb_q3_kept(l, n, 1, TAPS, "decoder.upsample.%d.1.dwconv.conv.weight", index);
    u->bias = tb_q3_vector(l, n, "decoder.upsample.%d.1.dwconv.conv.bias", index);
    u->norm_w = tb_q3_vector(l, n, "decoder.upsample.%d.1.norm.weight", index);
    u->norm_b = tb_q3_vector(l, n, "decoder.upsample.%d.1.norm.bias", index);
    u->gamma = tb_q3_vector(l, n, "decoder.upsample.%d.1.gamma", index);
    tb_q3_linear(l, &u->wide, WIDER * n, n, true, "decoder.upsample.%d.1.pwconv1", index);
    tb_q3_linear(l, &u->narrow, n, WIDER * n, true, "decoder.upsample.%d.1.pwconv2", index);
}

static void load_codebooks(struct tb_q3_loader *l, struct tb_q3_decoder *d)
{
    int vector = d->config.decoder.vector, size = d->config.decoder.codebook, width = d->config.decoder.width;

    for (int g = 0; g < d->config.groups; g++) {
        const char *part = g ? "rest" : "first";
        int layer = g ? g - 1 : 0;

        d->sums[g] = tb_q3_kept(l, size, vector, 0, "decoder.quantizer.rvq_%s.vq.layers.%d._codebook.embedding_sum",
                                part, layer);
        d->usage[g] = tb_q3_vector(l, size, "decoder.quantizer.rvq_%s.vq.layers.%d._codebook.cluster_usage", part,
                                   layer);
    }
    tb_q3_linear(l, &d->first, width, vector, false, "decoder.quantizer.rvq_first.output_proj");
    tb_q3_linear(l, &d->rest, width, vector, false, "decoder.quantizer.rvq_rest.output_proj");
}

/* A causal convolution over frames is a linear layer on the last `taps` frames: [out][in][taps] as [out][in * taps]. */
static void load_frames_conv(struct tb_q3_loader *l, struct tb_linear *linear, int out, int in, int taps,
                             const char *at)
{
    const float *w = tb_q3_kept(l, out, in, taps, "%s.weight", at), *bias = tb_q3_vector(l, out, "%s.bias", at);

    *linear = (struct tb_linear){ .dtype = TB_F32, .out = out, .in = in * taps, .w = w, .bias = bias };
}

/* Let a layer's matrices of floats hold the nearest bfloat16, side by side: they are read from end to end for every few
 * frames. */
static void halve_layer(struct tb_q3_loader *l, struct tb_q3_decoder *d, struct tb_q3_layer *y)
{
    struct tb_linear *all[] = { &y->q, &y->k, &y->v, &y->o, &y->gate, &y->up, &y->down };
    enum { MATRICES = sizeof all / sizeof *all };
    struct tb_q3_halved *h;
    size_t len[MATRICES], n = 0;

    for (int k = 0; k < MATRICES; n += len[k++])
        len[k] = all[k]->dtype == TB_F32 ? (size_t)all[k]->out * (size_t)all[k]->in : 0;
    h = tb_pages_alloc(sizeof *h + n * sizeof *h->w);
    if (!h) {
        l->rc = tb_fail(l->err, TB_ENOMEM, "qwen3: %zu numbers", n);
        return;
    }
    h->next = d->halved;
    d->halved = h;
    n = 0;
    for (int k = 0; k < MATRICES; n += len[k++]) {
        for (size_t i = 0; i < len[k]; i++)
            h->w[n + i] = tb_to_bf16(((const float *)all[k]->w)[i]);
        if (len[k]) {
            all[k]->w = h->w + n;
            all[k]->dtype = TB_BF16;
        }
    }
    tb_q3_release(l);
}

/* A linear layer of floats as a convolution of whole numbers with one tap, which has many columns to share a weight. */
static void make_whole(struct tb_q3_loader *l, const struct tb_linear *linear, struct tb_conv *conv)
{
    struct tb_conv_spec spec = { .out = linear->out, .in = linear->in, .taps = 1 };

    if (l->rc == TB_OK)
        l->rc = tb_conv_pack_whole(&spec, linear->w, 0.0f, linear->bias, conv, l->err);
    tb_q3_release(l);
}

/* Both layers of a ConvNeXt block, or neither: one that a file has in bfloat16 is used as it lies there. */
static void make_inner_whole(struct tb_q3_loader *l, struct tb_q3_up *u)
{
    if (u->wide.dtype != TB_F32 || u->narrow.dtype != TB_F32)
        return;
    make_whole(l, &u->wide, &u->wide_whole);
    make_whole(l, &u->narrow, &u->narrow_whole);
}

void tb_q3_decoder_load(struct tb_q3_loader *l, const struct tb_q3_codec_config *config, bool whole,
                        struct tb_q3_decoder *d)
{
    int latent = config->decoder.latent, hidden = config->decoder.transformer.hidden, channels = config->decoder.hidden;
    int count = config->decoder.rate_count;
    char name[64];

    *d = (struct tb_q3_decoder){ .config = *config, .whole = whole };
    if (l->rc == TB_OK && config->decoder.ratio_count > TB_Q3_UPS)
        l->rc = tb_fail(l->err, TB_EUNSUPPORTED, "qwen3: %d upsampling_ratios, at most %d", config->decoder.ratio_count,
                        TB_Q3_UPS);
    if (l->rc)
        return;
    load_codebooks(l, d);
    load_frames_conv(l, &d->pre, latent, config->decoder.width, 3, "decoder.pre_conv.conv");
    tb_q3_linear(l, &d->in, hidden, latent, true, "decoder.pre_transformer.input_proj");
    tb_q3_stack_load(l, &config->decoder.transformer, "decoder.pre_transformer", &d->stack);
    d->norm = tb_q3_vector(l, hidden, "decoder.pre_transformer.norm.weight");
    tb_q3_linear(l, &d->out, latent, hidden, true, "decoder.pre_transformer.output_proj");
    for (int i = 0; i < config->decoder.ratio_count; i++) {
        d->ups[i].rate = config->decoder.ratios[i];
        load_up(l, &d->ups[i], latent, i);
        load_convnext(l, &d->ups[i], latent, i);
    }
    for (int i = 0; whole && l->rc == TB_OK && i < d->stack.spec.layers; i++)
        halve_layer(l, d, &d->stack.layers[i]);
    for (int i = 0; whole && i < config->decoder.ratio_count; i++)
        make_inner_whole(l, &d->ups[i]);
    load_conv(l, d, &d->head, (struct tb_conv_spec){ .out = channels, .in = latent, .taps = TAPS },
              "decoder.decoder.0.conv");
    for (int i = 0; i < count; i++, channels /= 2) {
        d->blocks[i].in = channels;
        d->blocks[i].out = channels / 2;
        d->blocks[i].rate = config->decoder.rates[i];
        load_block(l, d, &d->blocks[i], i + 1);
    }
    snprintf(name, sizeof name, "decoder.decoder.%d", count + 1);
    load_snake(l, &d->snake, channels, name);
    snprintf(name, sizeof name, "decoder.decoder.%d.conv", count + 2);
    tb_q3_conv(l, &d->tail, (struct tb_conv_spec){ .out = 1, .in = channels, .taps = TAPS }, name); /* exact: a row */
}

static void free_up(struct tb_q3_up *u)
{
    free(u->packed);
    tb_conv_free(&u->wide_whole);
    tb_conv_free(&u->narrow_whole);
}

void tb_q3_decoder_free(struct tb_q3_decoder *d)
{
    for (int i = 0; i < TB_Q3_UPS; i++)
        free_up(&d->ups[i]);
    for (int i = 0; i < d->config.decoder.rate_count; i++) {
        struct tb_q3_block *b = &d->blocks[i];

        free(b->snake.alpha);
        tb_conv_free(&b->up);
        for (int u = 0; u < TB_Q3_UNITS; u++) {
            free(b->units[u].snake1.alpha);
            free(b->units[u].snake2.alpha);
            for (int k = 0; k < TB_Q3_SHARES; k++)
                tb_fastconv_free(&b->units[u].fast[k]);
            tb_conv_free(&b->units[u].conv1);
            tb_conv_free(&b->units[u].conv2);
        }
    }
    while (d->halved) {
        struct tb_q3_halved *next = d->halved->next;

        free(d->halved);
        d->halved = next;
    }
    free(d->snake.alpha);
    tb_conv_free(&d->head);
    tb_conv_free(&d->tail);
    tb_q3_stack_free(&d->stack);
    *d = (struct tb_q3_decoder){ 0 };
}
