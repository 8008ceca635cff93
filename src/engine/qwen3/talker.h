/* talker.h - the two language models of Qwen3-TTS: the talker, which draws the first code of each frame, and the code
 * predictor, which draws the other fifteen.
 *
 * Weights are read-only and shared. Activations are [tokens][hidden]. */
#ifndef TB_ENGINE_QWEN3_TALKER_H
#define TB_ENGINE_QWEN3_TALKER_H

#include "engine/qwen3/config.h"

struct tb_q3_talker {
    struct tb_q3_config config;
    struct tb_linear text;           /* table [text_vocab][text_hidden] */
    struct tb_linear text1, text2;   /* text_hidden -> text_hidden, SiLU, -> hidden */
    struct tb_linear codec;          /* table [vocab][hidden]: group 0, and the special codec ids */
    struct tb_linear groups[TB_Q3_MAX_GROUPS - 1]; /* tables [codebook][hidden] of groups 1 .. */
    struct tb_q3_stack stack;
    const float *norm;               /* [hidden] */
    struct tb_linear head;           /* hidden -> vocab */
    struct tb_linear narrow;         /* talker's hidden -> predictor's; out is 0 where both are equal */
    struct tb_q3_stack predictor;
    const float *predictor_norm;     /* [predictor hidden] */
    struct tb_linear heads[TB_Q3_MAX_GROUPS - 1];  /* predictor hidden -> codebook: head i draws group i + 1 */
};

/* Load from the folder's main weights. Release with tb_q3_talker_free, also after a failure. */
void tb_q3_talker_load(struct tb_q3_loader *l, const struct tb_q3_config *config, struct tb_q3_talker *out);
void tb_q3_talker_free(struct tb_q3_talker *t);

/* Text ids through embedding and projection: y [n][hidden]. */
enum tb_code tb_q3_text_rows(const struct tb_q3_run *run, const struct tb_q3_talker *t, const int *ids, int n,
                             struct tb_mat y, struct tb_error *err);
/* The sum of the embeddings of a frame's codes [groups], added to y [hidden]. */
void tb_q3_frame_add(const struct tb_q3_talker *t, const int *codes, float *y);

/* Utterances that are run together, each with its cache; see tb_q3_stack_run_all. */
struct tb_q3_caches {
    struct tb_q3_cache *each[TB_Q3_MOST_TOGETHER];
    int count;
};

/* Run rows x [count * n][hidden], n of each utterance, which are overwritten with the residual stream; hidden
 * [count][hidden] becomes the last row of each after the final norm, and logits [count][vocab] what the head makes of
 * it. look: "layer", then "norm" for all rows. */
enum tb_code tb_q3_talker_run(const struct tb_q3_run *run, const struct tb_q3_talker *t,
                              const struct tb_q3_caches *caches, struct tb_mat x, struct tb_mat hidden,
                              struct tb_mat logits, struct tb_error *err);

/* One step of the code predictor on x [count * n][talker hidden]: for group 1 of a frame two rows of each utterance,
 * the talker's last hidden state and the embedding of code 0; for group g > 1 one, the embedding of code g - 1
 * (tb_q3_talker.groups[g - 2]). The caches are rewound to 0 before a frame. logits [count][codebook] are those of group
 * g. look: "cp_in", "layer", "cp_norm". */
enum tb_code tb_q3_predictor_run(const struct tb_q3_run *run, const struct tb_q3_talker *t,
                                 const struct tb_q3_caches *caches, struct tb_mat x, int group, struct tb_mat logits,
                                 struct tb_error *err);

#endif
