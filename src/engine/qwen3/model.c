/* model.c - see model.h. */
#include "engine/qwen3/model.h"

#include <stdio.h>
#include <sys/stat.h>

static enum tb_code load(struct tb_q3_model *m, bool exact, struct tb_error *err)
{
    struct tb_q3_loader main = { m->weights, TB_OK, err }, codec = { m->codec_weights, TB_OK, err };

    tb_q3_talker_load(&main, &m->config, &m->talker);
    tb_q3_speaker_load(&main, &m->config.speaker, &m->speaker);
    if (main.rc)
        return main.rc;
    tb_q3_encoder_load(&codec, &m->codec, &m->encoder);
    tb_q3_decoder_load(&codec, &m->codec, !exact, &m->decoder);
    return codec.rc;
}

/* The ids that config.json and the tokeniser both name must agree, and all must have a row in the table. */
static enum tb_code check_ids(const struct tb_q3_model *m, const char *folder, struct tb_error *err)
{
    const struct tb_q3_config *c = &m->config;
    const struct { const char *text; int id; } ids[] = {
        { "<|im_start|>", c->im_start }, { "<|im_end|>", c->im_end }, { "<tts_pad>", c->tts_pad },
        { "<tts_text_bos>", c->tts_bos }, { "<tts_text_eod>", c->tts_eos },
    };

    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        int found = tb_q3_bpe_special(m->bpe, tb_str_of(ids[i].text));

        if (found != ids[i].id)
            return tb_fail(err, TB_EINVAL, "%s: %s is %d in the tokeniser and %d in config.json", folder, ids[i].text,
                           found, ids[i].id);
    }
    if (tb_q3_bpe_size(m->bpe) > c->text_vocab)
        return tb_fail(err, TB_EINVAL, "%s: %d tokens of text, and text_vocab_size is %d", folder,
                       tb_q3_bpe_size(m->bpe), c->text_vocab);
    return TB_OK;
}

uint64_t tb_q3_model_stamp(const struct tb_q3_model *m)
{
    return tb_q3_weights_stamp(m->weights) * 0x9E3779B97F4A7C15ULL + tb_q3_weights_stamp(m->codec_weights);
}

/* A damaged file is not to be trusted, even where nobody asks for its wild values. */
static enum tb_code check_values(const struct tb_q3_model_options *o, const struct tb_q3_model *m, struct tb_error *err)
{
    enum tb_code rc;

    if (o->known && o->known(o->ctx, m))
        return TB_OK;
    rc = tb_q3_weights_check(m->weights, err);
    return rc ? rc : tb_q3_weights_check(m->codec_weights, err);
}

enum tb_code tb_q3_model_open(const char *folder, const struct tb_q3_model_options *options, struct tb_q3_model *m,
                              struct tb_error *err)
{
    char path[4096];
    struct stat info;
    enum tb_code rc;

    *m = (struct tb_q3_model){ 0 };
    if (snprintf(path, sizeof path, "%s/speech_tokenizer", folder) >= (int)sizeof path)
        return tb_fail(err, TB_EINVAL, "qwen3: the name of the model folder is too long");
    if (stat(folder, &info) || !S_ISDIR(info.st_mode))
        return tb_fail(err, TB_ENOTFOUND, "%s: no such folder; --model names that of Qwen3-TTS-12Hz-0.6B-Base or "
                       "-1.7B-Base", folder);
    if ((rc = tb_q3_config_load(folder, &m->config, &m->codec, &m->generation, err)) ||
        (rc = tb_q3_bpe_open(folder, m->config.im_start, &m->bpe, err)) || (rc = check_ids(m, folder, err)) ||
        (rc = tb_q3_weights_open(folder, &m->weights, err)) ||
        (rc = tb_q3_weights_open(path, &m->codec_weights, err)) || (rc = check_values(options, m, err)) ||
        (rc = load(m, options->exact, err)))
        tb_q3_model_close(m);
    return rc;
}

void tb_q3_model_close(struct tb_q3_model *m)
{
    tb_q3_talker_free(&m->talker);
    tb_q3_speaker_free(&m->speaker);
    tb_q3_encoder_free(&m->encoder);
    tb_q3_decoder_free(&m->decoder);
    tb_q3_bpe_close(m->bpe);
    tb_q3_weights_close(m->weights);
    tb_q3_weights_close(m->codec_weights);
    *m = (struct tb_q3_model){ 0 };
}
