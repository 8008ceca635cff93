/* config.h - what the JSON files of a published Qwen3-TTS folder say: sizes, ids, languages and how to sample.
 *
 * Nothing is taken on trust: every number has a range, sizes that depend on each other are compared, and a folder of
 * another model of the family (CustomVoice, VoiceDesign, 25 Hz) is refused with what was found and what was wanted.
 * Unknown members are skipped. */
#ifndef TB_ENGINE_QWEN3_CONFIG_H
#define TB_ENGINE_QWEN3_CONFIG_H

#include "engine/qwen3/transformer.h"
#include "text/lang.h"

enum {
    TB_Q3_MAX_GROUPS = 32,  /* codes of one frame; published: 16 */
    TB_Q3_MAX_RATES = 8,    /* stages of up- or downsampling; published: 4 */
    TB_Q3_MAX_VECTOR = 4096, /* widest hidden state; published: 2048 */
    TB_Q3_SUPPRESSED = 1024, /* special ids behind the codes in the talker's vocabulary: never drawn, but for the end */
    TB_Q3_SPEAKER_BLOCKS = 5
};

/* speaker_encoder_config; published files hold enc_dim and sample_rate only, the rest are the reference's defaults. */
struct tb_q3_speaker_config {
    int rate_hz, mels, out;     /* 24000, 128; width of the x-vector */
    int channels[TB_Q3_SPEAKER_BLOCKS], kernels[TB_Q3_SPEAKER_BLOCKS], dilations[TB_Q3_SPEAKER_BLOCKS];
    int attention, se, scale;   /* channels of the pooling's attention and of squeeze-excitation; Res2Net parts */
};

/* config.json */
struct tb_q3_config {
    char size[16]; /* tts_model_size: "0b6", "1b7" */
    int im_start, im_end, tts_bos, tts_eos, tts_pad;                /* text ids */
    struct tb_q3_spec talker, predictor;
    int vocab, text_vocab, text_hidden;                             /* of the talker */
    int max_positions;                                              /* of the talker */
    int groups;                                                     /* codes of one frame */
    int codebook;                                                   /* codes of the other groups: 0 .. codebook - 1 */
    int bos, eos, pad, think, nothink, think_bos, think_eos;        /* codec ids */
    int language[TB_LANG_COUNT];                                    /* codec id, or -1 where the model has none */
    struct tb_q3_speaker_config speaker;
};

/* speech_tokenizer/config.json */
struct tb_q3_codec_config {
    int rate_hz, frame;            /* 24000; samples of one frame: 1920 */
    int groups;                    /* codes of one frame that the model uses */
    struct {
        int latent, width, hidden; /* latent_dim, codebook_dim (output_proj), decoder_dim */
        int codebook, vector;      /* entries; numbers in one: half of codebook_dim */
        int groups;
        struct tb_q3_spec transformer;
        int rates[TB_Q3_MAX_RATES], rate_count;   /* upsample_rates */
        int ratios[TB_Q3_MAX_RATES], ratio_count; /* upsampling_ratios, before them */
    } decoder;
    struct {
        int filters, kernel, last_kernel, residual_kernel, residual_layers, dilation_growth, compress;
        int codebook, vector, groups;
        struct tb_q3_spec transformer;            /* its hidden is the width of SEANet's output */
        int ratios[TB_Q3_MAX_RATES], ratio_count; /* as in the file; applied from the last to the first */
    } encoder;
};

/* How codes are drawn. */
struct tb_q3_sampling {
    bool sample;       /* else the likeliest */
    float temperature; /* > 0 */
    int top_k;         /* 0: all */
    float top_p;       /* 0 .. 1 */
    float penalty;     /* of group-0 codes drawn before; 1 is none */
};

/* generation_config.json */
struct tb_q3_generation {
    struct tb_q3_sampling talker, predictor;
    int max_frames; /* max_new_tokens */
};

/* Parse the bytes of one file; `path` is for errors. */
enum tb_code tb_q3_config_parse(struct tb_str json, const char *path, struct tb_q3_config *out, struct tb_error *err);
enum tb_code tb_q3_codec_config_parse(struct tb_str json, const char *path, struct tb_q3_codec_config *out,
                                      struct tb_error *err);
enum tb_code tb_q3_generation_parse(struct tb_str json, const char *path, struct tb_q3_generation *out,
                                    struct tb_error *err);

/* Read the three files of a folder and check that they fit each other. generation_config.json may be missing: then
 * *generation holds the published values. */
enum tb_code tb_q3_config_load(const char *folder, struct tb_q3_config *config, struct tb_q3_codec_config *codec,
                               struct tb_q3_generation *generation, struct tb_error *err);

#endif
