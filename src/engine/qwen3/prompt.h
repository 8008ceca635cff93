/* prompt.h - what the talker reads before it speaks: token ids of the templates, and the rows of embeddings made of
 * them (docs/MODEL-qwen3.md, "The prompt"). */
#ifndef TB_ENGINE_QWEN3_PROMPT_H
#define TB_ENGINE_QWEN3_PROMPT_H

#include "engine/qwen3/bpe.h"
#include "engine/qwen3/talker.h"

enum {
    TB_Q3_HEAD = 3,        /* <|im_start|> assistant \n, before the text in both templates */
    TB_Q3_TEXT_TAIL = 5,   /* <|im_end|> \n <|im_start|> assistant \n, behind the text to speak */
    TB_Q3_REFERENCE_TAIL = 2 /* <|im_end|> \n, behind the reference's text */
};

/* A voice and what it shall say. Arrays belong to the caller. */
struct tb_q3_request {
    const int *text;      /* ids of the text's template, as tb_q3_text_ids makes them */
    int text_len;
    const float *speaker; /* [talker hidden]: the x-vector */
    int language;         /* codec id of the language, or -1: the model decides */
    bool streaming;       /* text is fed while codes are drawn; else all of it comes first */
    /* In context, behind the reference: */
    const int *reference; /* ids of the reference text's template; NULL: x-vector only */
    int reference_len;
    const int *codes;     /* [frames][groups] of the reference recording */
    int frames;
};

/* The rows to start from, and the text that is added to the input of each frame afterwards. */
struct tb_q3_prompt {
    struct tb_mat rows;     /* [n][hidden] */
    int fixed;              /* so many of them, fewer than n, are the same for each text in this voice and language */
    struct tb_mat trailing; /* [m][hidden]: row i is added to the input that follows frame i; then `pad` is */
    struct tb_mat pad;      /* [1][hidden] */
};

/* Ids of `<|im_start|>assistant\n{text}<|im_end|>\n`, and with `answer` also `<|im_start|>assistant\n` behind it. White
 * space around the text is dropped and special tokens in it are read as plain text, so that it can neither break out
 * of the template nor merge with it. */
enum tb_code tb_q3_text_ids(const struct tb_q3_bpe *bpe, const struct tb_q3_config *config, struct tb_str text,
                            bool answer, struct tb_q3_ids *out, struct tb_error *err);

/* Build the rows in run->scratch; they live until it is reset. TB_EINVAL: ids too few or out of the vocabulary. */
enum tb_code tb_q3_prompt_make(const struct tb_q3_run *run, const struct tb_q3_talker *talker,
                               const struct tb_q3_request *request, struct tb_q3_prompt *out, struct tb_error *err);

#endif
