/* config.c - see config.h. The published values are in docs/MODEL-qwen3.md. */
#include "engine/qwen3/config.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "engine/qwen3/json_reader.h"

enum {
    MAX_LAYERS = 128,
    MAX_HEADS = 128,
    MAX_INNER = 1 << 15,
    MAX_CODEBOOK = 1 << 16,
    MAX_CHANNELS = 1 << 13
};

/* The members that all transformers here have. */
static void read_spec(struct tb_q3_json *r, json_t *o, struct tb_q3_spec *s, const char *eps)
{
    s->hidden = tb_q3_json_int(r, o, "hidden_size", 2, TB_Q3_MAX_VECTOR, TB_Q3_REQUIRED);
    s->inner = tb_q3_json_int(r, o, "intermediate_size", 1, MAX_INNER, TB_Q3_REQUIRED);
    s->layers = tb_q3_json_int(r, o, "num_hidden_layers", 1, MAX_LAYERS, TB_Q3_REQUIRED);
    s->heads = tb_q3_json_int(r, o, "num_attention_heads", 1, MAX_HEADS, TB_Q3_REQUIRED);
    s->kv_heads = tb_q3_json_int(r, o, "num_key_value_heads", 1, MAX_HEADS, TB_Q3_REQUIRED);
    s->width = tb_q3_json_int(r, o, "head_dim", 2, TB_CAUSAL_WIDTH, TB_Q3_REQUIRED);
    s->theta = tb_q3_json_real(r, o, "rope_theta", 1.0, 1e9, (double)NAN);
    s->eps = (float)tb_q3_json_real(r, o, eps, 1e-12, 1e-2, (double)NAN);
    if (r->rc == TB_OK && (s->heads % s->kv_heads || s->width % 2))
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: %d heads share %d of width %d, which does not divide", r->path,
                        s->heads, s->kv_heads, s->width);
    if (tb_q3_json_bool(r, o, "attention_bias", false) && r->rc == TB_OK)
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: attention_bias is true, wanted false", r->path);
}

/* rope_scaling may be missing, null, or say "default": the sections of M-RoPE change nothing, since the three axes of a
 * spoken position are equal. */
static void check_rope(struct tb_q3_json *r, json_t *o)
{
    json_t *scaling = json_object_get(o, "rope_scaling");

    if (json_is_object(scaling))
        tb_q3_json_is(r, scaling, json_object_get(scaling, "rope_type") ? "rope_type" : "type", "default", NULL);
}

static void read_languages(struct tb_q3_json *r, json_t *talker, struct tb_q3_config *c)
{
    json_t *ids = tb_q3_json_object(r, talker, "codec_language_id");
    int found = 0;

    for (int i = 0; i < TB_LANG_COUNT; i++) {
        char name[16] = "";

        for (size_t k = 0; i != TB_LANG_AUTO && k < sizeof name - 1 && tb_lang_name((enum tb_lang)i)[k]; k++)
            name[k] = (char)tolower((unsigned char)tb_lang_name((enum tb_lang)i)[k]);
        c->language[i] = name[0] ? tb_q3_json_int(r, ids, name, 0, c->vocab - 1, -1) : -1;
        found += c->language[i] >= 0;
    }
    if (r->rc == TB_OK && found == 0)
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: codec_language_id names none of the ten languages", r->path);
}

static int codec_id(struct tb_q3_json *r, json_t *talker, const char *key, const struct tb_q3_config *c)
{
    return tb_q3_json_int(r, talker, key, 0, c->vocab - 1, TB_Q3_REQUIRED);
}

static void read_talker(struct tb_q3_json *r, json_t *root, struct tb_q3_config *c)
{
    json_t *o = tb_q3_json_object(r, root, "talker_config");

    read_spec(r, o, &c->talker, "rms_norm_eps");
    c->talker.head_norm = true;
    tb_q3_json_is(r, o, "hidden_act", "silu", NULL);
    check_rope(r, o);
    c->vocab = tb_q3_json_int(r, o, "vocab_size", TB_Q3_SUPPRESSED + 2, MAX_CODEBOOK, TB_Q3_REQUIRED);
    c->text_vocab = tb_q3_json_int(r, o, "text_vocab_size", 256, TB_MAX_VOCAB_TOKENS, 151936);
    c->text_hidden = tb_q3_json_int(r, o, "text_hidden_size", 1, TB_Q3_MAX_VECTOR, TB_Q3_REQUIRED);
    c->max_positions = tb_q3_json_int(r, o, "max_position_embeddings", 64, 1 << 20, TB_Q3_REQUIRED);
    c->groups = tb_q3_json_int(r, o, "num_code_groups", 2, TB_Q3_MAX_GROUPS, TB_Q3_REQUIRED);
    c->bos = codec_id(r, o, "codec_bos_id", c);
    c->eos = codec_id(r, o, "codec_eos_token_id", c);
    c->pad = codec_id(r, o, "codec_pad_id", c);
    c->think = codec_id(r, o, "codec_think_id", c);
    c->nothink = codec_id(r, o, "codec_nothink_id", c);
    c->think_bos = codec_id(r, o, "codec_think_bos_id", c);
    c->think_eos = codec_id(r, o, "codec_think_eos_id", c);
    read_languages(r, o, c);
}

static void read_predictor(struct tb_q3_json *r, json_t *root, struct tb_q3_config *c)
{
    json_t *o = tb_q3_json_object(r, json_object_get(root, "talker_config"), "code_predictor_config");

    read_spec(r, o, &c->predictor, "rms_norm_eps");
    c->predictor.head_norm = true;
    tb_q3_json_is(r, o, "hidden_act", "silu", NULL);
    check_rope(r, o);
    c->codebook = tb_q3_json_int(r, o, "vocab_size", 2, MAX_CODEBOOK, TB_Q3_REQUIRED);
    int groups = tb_q3_json_int(r, o, "num_code_groups", 2, TB_Q3_MAX_GROUPS, TB_Q3_REQUIRED);
    if (r->rc == TB_OK && groups != c->groups)
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: the code predictor has %d code groups, the talker %d", r->path, groups,
                        c->groups);
    if (r->rc == TB_OK && c->codebook != c->vocab - TB_Q3_SUPPRESSED)
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: %d codes in a talker's vocabulary of %d, wanted %d", r->path,
                        c->codebook, c->vocab, c->vocab - TB_Q3_SUPPRESSED);
}

static void read_speaker(struct tb_q3_json *r, json_t *root, struct tb_q3_config *c)
{
    static const struct tb_q3_speaker_config published = {
        .channels = { 512, 512, 512, 512, 1536 }, .kernels = { 5, 3, 3, 3, 1 }, .dilations = { 1, 2, 3, 4, 1 }
    };
    json_t *o = tb_q3_json_object(r, root, "speaker_encoder_config");
    struct tb_q3_speaker_config *s = &c->speaker;
    enum { N = TB_Q3_SPEAKER_BLOCKS };

    *s = published;
    s->out = tb_q3_json_int(r, o, "enc_dim", 1, TB_Q3_MAX_VECTOR, TB_Q3_REQUIRED);
    s->rate_hz = tb_q3_json_int(r, o, "sample_rate", 24000, 24000, 24000);
    s->mels = tb_q3_json_int(r, o, "mel_dim", 1, 512, 128);
    tb_q3_json_ints(r, o, "enc_channels", 1, MAX_CHANNELS, N, N, s->channels);
    tb_q3_json_ints(r, o, "enc_kernel_sizes", 1, 15, N, N, s->kernels);
    tb_q3_json_ints(r, o, "enc_dilations", 1, 8, N, N, s->dilations);
    s->attention = tb_q3_json_int(r, o, "enc_attention_channels", 1, MAX_CHANNELS, 128);
    s->scale = tb_q3_json_int(r, o, "enc_res2net_scale", 2, 64, 8);
    s->se = tb_q3_json_int(r, o, "enc_se_channels", 1, MAX_CHANNELS, 128);
    for (int i = 0; r->rc == TB_OK && i < N; i++)
        if (s->kernels[i] % 2 == 0 || (i == N - 1 && s->kernels[i] != 1))
            r->rc = tb_fail(r->err, TB_EINVAL, "%s: enc_kernel_sizes: %d of block %d, wanted %s", r->path,
                            s->kernels[i], i, i == N - 1 ? "1" : "an odd one");
    for (int i = 0; r->rc == TB_OK && i < N - 1; i++)
        if (s->channels[i] % s->scale || s->channels[i] != s->channels[0])
            r->rc = tb_fail(r->err, TB_EINVAL, "%s: enc_channels: %d of block %d, wanted %d, a multiple of %d", r->path,
                            s->channels[i], i, s->channels[0], s->scale);
    if (r->rc == TB_OK && s->channels[N - 1] != 3 * s->channels[0])
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: enc_channels: %d after the aggregation, wanted %d", r->path,
                        s->channels[N - 1], 3 * s->channels[0]);
    if (r->rc == TB_OK && s->out != c->talker.hidden)
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: enc_dim is %d, and the talker's hidden_size %d", r->path, s->out,
                        c->talker.hidden);
}

static void read_model(struct tb_q3_json *r, json_t *root, struct tb_q3_config *c)
{
    const char *size = json_string_value(json_object_get(root, "tts_model_size"));

    tb_q3_json_is(r, root, "model_type", "qwen3_tts", "this is not a Qwen3-TTS model");
    tb_q3_json_is(r, root, "tokenizer_type", "qwen3_tts_tokenizer_12hz", "only the 12 Hz models are read");
    tb_q3_json_is(r, root, "tts_model_type", "base", "only Base can clone a voice");
    snprintf(c->size, sizeof c->size, "%s", size ? size : "");
    read_talker(r, root, c);
    read_predictor(r, root, c);
    read_speaker(r, root, c);
    c->im_start = tb_q3_json_int(r, root, "im_start_token_id", 0, c->text_vocab - 1, TB_Q3_REQUIRED);
    c->im_end = tb_q3_json_int(r, root, "im_end_token_id", 0, c->text_vocab - 1, TB_Q3_REQUIRED);
    c->tts_bos = tb_q3_json_int(r, root, "tts_bos_token_id", 0, c->text_vocab - 1, TB_Q3_REQUIRED);
    c->tts_eos = tb_q3_json_int(r, root, "tts_eos_token_id", 0, c->text_vocab - 1, TB_Q3_REQUIRED);
    c->tts_pad = tb_q3_json_int(r, root, "tts_pad_token_id", 0, c->text_vocab - 1, TB_Q3_REQUIRED);
}

enum tb_code tb_q3_config_parse(struct tb_str json, const char *path, struct tb_q3_config *out, struct tb_error *err)
{
    struct tb_q3_json r = { path, TB_OK, err };
    json_t *root = tb_q3_json_parse(&r, json);

    *out = (struct tb_q3_config){ 0 };
    read_model(&r, root, out);
    json_decref(root);
    return r.rc;
}

static void read_codec_decoder(struct tb_q3_json *r, json_t *root, struct tb_q3_codec_config *c)
{
    json_t *o = tb_q3_json_object(r, root, "decoder_config");
    struct tb_q3_spec *s = &c->decoder.transformer;
    int frame = 1;

    read_spec(r, o, s, "rms_norm_eps");
    s->layer_scale = true;
    s->window = tb_q3_json_int(r, o, "sliding_window", 1, 1 << 16, TB_Q3_REQUIRED);
    c->decoder.latent = tb_q3_json_int(r, o, "latent_dim", 1, TB_Q3_MAX_VECTOR, TB_Q3_REQUIRED);
    c->decoder.width = tb_q3_json_int(r, o, "codebook_dim", 2, TB_Q3_MAX_VECTOR, 512);
    c->decoder.vector = c->decoder.width / 2;
    c->decoder.codebook = tb_q3_json_int(r, o, "codebook_size", 2, MAX_CODEBOOK, TB_Q3_REQUIRED);
    c->decoder.hidden = tb_q3_json_int(r, o, "decoder_dim", 16, MAX_CHANNELS, TB_Q3_REQUIRED);
    c->decoder.groups = tb_q3_json_int(r, o, "num_quantizers", 2, TB_Q3_MAX_GROUPS, TB_Q3_REQUIRED);
    c->decoder.rate_count = tb_q3_json_ints(r, o, "upsample_rates", 1, 64, TB_Q3_MAX_RATES, 0, c->decoder.rates);
    c->decoder.ratio_count = tb_q3_json_ints(r, o, "upsampling_ratios", 1, 64, TB_Q3_MAX_RATES, 0, c->decoder.ratios);
    for (int i = 0; r->rc == TB_OK && i < c->decoder.rate_count + c->decoder.ratio_count; i++) {
        frame *= i < c->decoder.rate_count ? c->decoder.rates[i] : c->decoder.ratios[i - c->decoder.rate_count];
        if (frame > c->frame)
            break;
    }
    if (r->rc == TB_OK && frame != c->frame)
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: the upsampling rates make %d samples a frame, wanted %d", r->path,
                        frame, c->frame);
    if (r->rc == TB_OK && (c->decoder.hidden >> c->decoder.rate_count) << c->decoder.rate_count != c->decoder.hidden)
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: decoder_dim %d cannot be halved %d times", r->path, c->decoder.hidden,
                        c->decoder.rate_count);
}

static void read_codec_encoder(struct tb_q3_json *r, json_t *root, struct tb_q3_codec_config *c)
{
    json_t *o = tb_q3_json_object(r, root, "encoder_config");
    struct tb_q3_spec *s = &c->encoder.transformer;
    int frame = 2; /* the downsampling behind SEANet */

    read_spec(r, o, s, "norm_eps");
    s->mimi = s->layer_scale = true; /* sliding_window is not applied by the reference: docs/MODEL-qwen3.md */
    tb_q3_json_is(r, o, "hidden_act", "gelu", NULL);
    c->encoder.filters = tb_q3_json_int(r, o, "num_filters", 1, MAX_CHANNELS, TB_Q3_REQUIRED);
    c->encoder.kernel = tb_q3_json_int(r, o, "kernel_size", 1, 31, TB_Q3_REQUIRED);
    c->encoder.last_kernel = tb_q3_json_int(r, o, "last_kernel_size", 1, 31, TB_Q3_REQUIRED);
    c->encoder.residual_kernel = tb_q3_json_int(r, o, "residual_kernel_size", 1, 31, TB_Q3_REQUIRED);
    c->encoder.residual_layers = tb_q3_json_int(r, o, "num_residual_layers", 1, 8, TB_Q3_REQUIRED);
    c->encoder.dilation_growth = tb_q3_json_int(r, o, "dilation_growth_rate", 1, 8, TB_Q3_REQUIRED);
    c->encoder.compress = tb_q3_json_int(r, o, "compress", 1, 8, TB_Q3_REQUIRED);
    c->encoder.codebook = tb_q3_json_int(r, o, "codebook_size", 2, MAX_CODEBOOK, TB_Q3_REQUIRED);
    c->encoder.vector = tb_q3_json_int(r, o, "codebook_dim", 1, TB_Q3_MAX_VECTOR, TB_Q3_REQUIRED);
    c->encoder.groups = tb_q3_json_int(r, o, "num_quantizers", c->groups, 256, TB_Q3_REQUIRED);
    c->encoder.ratio_count = tb_q3_json_ints(r, o, "upsampling_ratios", 1, 64, TB_Q3_MAX_RATES, 0, c->encoder.ratios);
    for (int i = 0; r->rc == TB_OK && i < c->encoder.ratio_count && frame <= c->frame; i++)
        frame *= c->encoder.ratios[i];
    if (r->rc == TB_OK && frame != c->frame)
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: the encoder takes %d samples a frame, wanted %d", r->path, frame,
                        c->frame);
    if (tb_q3_json_bool(r, o, "use_conv_shortcut", false) && r->rc == TB_OK)
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: use_conv_shortcut is true, wanted false", r->path);
}

enum tb_code tb_q3_codec_config_parse(struct tb_str json, const char *path, struct tb_q3_codec_config *out,
                                      struct tb_error *err)
{
    struct tb_q3_json r = { path, TB_OK, err };
    json_t *root = tb_q3_json_parse(&r, json);

    *out = (struct tb_q3_codec_config){ 0 };
    tb_q3_json_is(&r, root, "model_type", "qwen3_tts_tokenizer_12hz", "only the 12 Hz speech tokenizer is read");
    out->rate_hz = tb_q3_json_int(&r, root, "output_sample_rate", 24000, 24000, TB_Q3_REQUIRED);
    tb_q3_json_int(&r, root, "input_sample_rate", 24000, 24000, TB_Q3_REQUIRED);
    out->frame = tb_q3_json_int(&r, root, "decode_upsample_rate", 1, 1 << 14, TB_Q3_REQUIRED);
    tb_q3_json_int(&r, root, "encode_downsample_rate", out->frame, out->frame, TB_Q3_REQUIRED);
    out->groups = tb_q3_json_int(&r, root, "encoder_valid_num_quantizers", 2, TB_Q3_MAX_GROUPS, TB_Q3_REQUIRED);
    read_codec_decoder(&r, root, out);
    read_codec_encoder(&r, root, out);
    json_decref(root);
    return r.rc;
}

static void read_sampling(struct tb_q3_json *r, json_t *o, const char *const keys[4], struct tb_q3_sampling *s)
{
    s->sample = tb_q3_json_bool(r, o, keys[0], true);
    s->temperature = (float)tb_q3_json_real(r, o, keys[1], 1e-3, 100.0, 0.9);
    s->top_k = tb_q3_json_int(r, o, keys[2], 0, MAX_CODEBOOK, 50);
    s->top_p = (float)tb_q3_json_real(r, o, keys[3], 0.0, 1.0, 1.0);
    s->penalty = 1.0f;
}

enum tb_code tb_q3_generation_parse(struct tb_str json, const char *path, struct tb_q3_generation *out,
                                    struct tb_error *err)
{
    static const char *const talker[4] = { "do_sample", "temperature", "top_k", "top_p" };
    static const char *const predictor[4] = { "subtalker_dosample", "subtalker_temperature", "subtalker_top_k",
                                              "subtalker_top_p" };
    struct tb_q3_json r = { path, TB_OK, err };
    json_t *root = tb_q3_json_parse(&r, json);

    *out = (struct tb_q3_generation){ 0 };
    read_sampling(&r, root, talker, &out->talker);
    read_sampling(&r, root, predictor, &out->predictor);
    out->talker.penalty = (float)tb_q3_json_real(&r, root, "repetition_penalty", 0.1, 10.0, 1.05);
    out->max_frames = tb_q3_json_int(&r, root, "max_new_tokens", 1, 1 << 20, 2048);
    json_decref(root);
    return r.rc;
}

enum tb_code tb_q3_config_load(const char *folder, struct tb_q3_config *config, struct tb_q3_codec_config *codec,
                               struct tb_q3_generation *generation, struct tb_error *err)
{
    static const char *const names[3] = { "config.json", "speech_tokenizer/config.json", "generation_config.json" };
    struct tb_bytes text = { 0 };
    char path[3][4096];
    enum tb_code rc;

    for (int i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/%s", folder, names[i]);
    if ((rc = tb_q3_read_file(folder, names[0], TB_MAX_MODEL_CONFIG, &text, err)) ||
        (rc = tb_q3_config_parse(tb_bytes_str(&text), path[0], config, err)) ||
        (rc = tb_q3_read_file(folder, names[1], TB_MAX_MODEL_CONFIG, &text, err)) ||
        (rc = tb_q3_codec_config_parse(tb_bytes_str(&text), path[1], codec, err)))
        goto done;
    if (codec->groups != config->groups || codec->decoder.groups != config->groups) {
        rc = tb_fail(err, TB_EINVAL, "%s: %d code groups, and %s has %d", path[1], codec->decoder.groups, path[0],
                     config->groups);
        goto done;
    }
    if (codec->decoder.codebook != config->codebook || codec->encoder.codebook != config->codebook) {
        rc = tb_fail(err, TB_EINVAL, "%s: codebooks of %d, and %s has %d", path[1], codec->decoder.codebook, path[0],
                     config->codebook);
        goto done;
    }
    rc = tb_q3_read_file(folder, names[2], TB_MAX_MODEL_CONFIG, &text, err);
    if (rc == TB_OK)
        rc = tb_q3_generation_parse(tb_bytes_str(&text), path[2], generation, err);
    else if (rc == TB_ENOTFOUND)
        rc = tb_q3_generation_parse(TB_STR("{}"), path[2], generation, err);
done:
    tb_bytes_free(&text);
    return rc;
}
