/* model.h - a tiny model of the golden folder with its main weights, for the tests of the language models. */
#ifndef TB_QWEN3_TEST_MODEL_H
#define TB_QWEN3_TEST_MODEL_H

#include "golden.h"

#include "engine/qwen3/generator.h"

struct model {
    struct tb_q3_config config;
    struct tb_q3_codec_config codec;
    struct tb_q3_generation generation;
    struct tb_q3_weights *weights;
    struct tb_q3_talker talker;
};

static inline void model_open(struct model *m, const char *name)
{
    char folder[4096 + 64];
    struct tb_error err;

    snprintf(folder, sizeof folder, "%s/models/%s", golden_folder(), name);
    if (tb_q3_config_load(folder, &m->config, &m->codec, &m->generation, &err) ||
        tb_q3_weights_open(folder, &m->weights, &err))
        fail_msg("%s", err.text);
    struct tb_q3_loader l = { m->weights, TB_OK, &err };
    tb_q3_talker_load(&l, &m->config, &m->talker);
    if (l.rc)
        fail_msg("%s", err.text);
}

static inline void model_close(struct model *m)
{
    tb_q3_talker_free(&m->talker);
    tb_q3_weights_close(m->weights);
}

#endif
