/* generator.h - one utterance: from a prompt to frames of codes, one after another.
 *
 *     tb_q3_generator_open(talker, pool, room, &g, err);
 *     tb_q3_generator_start(g, &request, &options, err);
 *     while (!(rc = tb_q3_generator_next(g, codes, &end, err)) && end == TB_Q3_GOING) ...
 *     tb_q3_generator_close(g);
 *
 * All memory is taken at open: a step neither allocates nor frees. For one thread at a time. */
#ifndef TB_ENGINE_QWEN3_GENERATOR_H
#define TB_ENGINE_QWEN3_GENERATOR_H

#include "engine/qwen3/prefix.h"
#include "engine/qwen3/prompt.h"
#include "engine/qwen3/sampler.h"

struct tb_q3_generator;

struct tb_q3_options {
    struct tb_q3_generation generation; /* max_frames: no more frames than these */
    uint64_t seed;                      /* of the draws: the same seed gives the same codes */
    int eos;                            /* the id that ends it: config.eos */
    bool whole_text;                    /* it may not end before the model has read the end of a text that streams */
    /* To measure against a known run: the model goes on from these codes [forced_frames][groups] whatever it draws, and
     * does not end before their end. NULL: it goes on from what it draws. */
    const int *forced;
    int forced_frames;
};

enum tb_q3_end {
    TB_Q3_GOING,
    TB_Q3_EOS,  /* the model ended it */
    TB_Q3_CAP   /* max_frames are reached */
};

/* `room`: tokens of prompt and frames together, at most. pool may be NULL. Release with tb_q3_generator_close. */
enum tb_code tb_q3_generator_open(const struct tb_q3_talker *talker, struct tb_pool *pool, int room,
                                  struct tb_q3_generator **out, struct tb_error *err);
void tb_q3_generator_close(struct tb_q3_generator *g); /* NULL is fine */

/* Who shares the work from now on; NULL: the caller alone. sink, if any, is asked while a long prompt is read. */
void tb_q3_generator_share(struct tb_q3_generator *g, struct tb_pool *pool, const struct tb_sink *sink);

/* Share how prompts begin with other generators of the talker; outlives this one. NULL: with none. */
void tb_q3_generator_prefixes(struct tb_q3_generator *g, struct tb_q3_prefixes *prefixes);

/* How the tests look inside: the stages of struct tb_q3_run, and "prompt", "trailing", "pad", "hidden", "logits",
 * "embed" with the frame, "sub_logits" with the group. */
void tb_q3_generator_look(struct tb_q3_generator *g, void (*look)(void *ctx, const char *stage, int i, struct tb_mat m),
                          void *ctx);

/* Begin an utterance: reads the prompt. Arrays of the request are not kept; forced codes must
 * outlive the utterance. */
enum tb_code tb_q3_generator_start(struct tb_q3_generator *g, const struct tb_q3_request *request,
                                   const struct tb_q3_options *options, struct tb_error *err);
/* Draw the next frame: codes [groups], written when *end is TB_Q3_GOING. With forced codes, what would have been
 * drawn. */
enum tb_code tb_q3_generator_next(struct tb_q3_generator *g, int *codes, enum tb_q3_end *end, struct tb_error *err);
/* A generator in a step of several. */
struct tb_q3_turn {
    struct tb_q3_generator *generator;
    int *codes; /* [groups] */
    /* What came of it, as from tb_q3_generator_next: */
    enum tb_q3_end end;
    enum tb_code rc;
    struct tb_error err;
};

/* The next frame of `count` (1 .. TB_Q3_MOST_TOGETHER) generators of one talker, in one pass over its weights. Each
 * draws what it draws alone, bit for bit; one that fails or ends does not concern the others. The first one's threads
 * are used. Nobody may look inside when there are several. */
void tb_q3_generator_next_all(struct tb_q3_turn *turns, int count);
/* Frames drawn since the start. */
int tb_q3_generator_frames(const struct tb_q3_generator *g);

#endif
