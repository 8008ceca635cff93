/* model.h - all of a published folder, loaded: what the engine shares among its sessions. */
#ifndef TB_ENGINE_QWEN3_MODEL_H
#define TB_ENGINE_QWEN3_MODEL_H

#include "engine/qwen3/bpe.h"
#include "engine/qwen3/codec_decoder.h"
#include "engine/qwen3/codec_encoder.h"
#include "engine/qwen3/speaker.h"
#include "engine/qwen3/talker.h"

enum { TB_Q3_RATE_HZ = 24000 };

struct tb_q3_model {
    struct tb_q3_config config;
    struct tb_q3_codec_config codec;
    struct tb_q3_generation generation;
    struct tb_q3_bpe *bpe;
    struct tb_q3_weights *weights, *codec_weights;
    struct tb_q3_talker talker;
    struct tb_q3_speaker speaker;
    struct tb_q3_encoder encoder;
    struct tb_q3_decoder decoder;
};

struct tb_q3_model_options {
    bool exact; /* the codec's decoder is that of the reference, not the faster one (codec_decoder.h) */
    /* Have just these weight files, whose stamp is tb_q3_model_stamp, been found to hold nothing but numbers before?
     * Then it is not tested again, which would read all of them. `m` has its configurations and weights. NULL: never.
     */
    bool (*known)(void *ctx, const struct tb_q3_model *m);
    void *ctx;
};

/* Load a folder. Errors say which file, what was found and what was wanted. Release with tb_q3_model_close, also after
 * a failure. */
enum tb_code tb_q3_model_open(const char *folder, const struct tb_q3_model_options *options, struct tb_q3_model *m,
                              struct tb_error *err);
void tb_q3_model_close(struct tb_q3_model *m);
/* Changes whenever one of the weight files is exchanged. */
uint64_t tb_q3_model_stamp(const struct tb_q3_model *m);

#endif
