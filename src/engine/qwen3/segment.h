/* segment.h - one segment of text as frames of codes, with the guards that keep a model from going astray.
 *
 * The caller decodes each frame and tells what it heard; a segment that has gone astray before anything was heard
 * begins anew with another seed, at most TB_Q3_RETRIES times; one that has been heard ends there. */
#ifndef TB_ENGINE_QWEN3_SEGMENT_H
#define TB_ENGINE_QWEN3_SEGMENT_H

#include "engine/qwen3/generator.h"
#include "engine/qwen3/print.h"
#include "engine/qwen3/watch.h"

enum {
    TB_Q3_RETRIES = 2,
    TB_Q3_FRAMES_PER_TOKEN = 10, /* cap: 0.8 s for each token of text; slow speech takes 0.35 s */
    TB_Q3_FRAMES_SPARE = 38      /* and 3 s: for pauses, and for numbers that are one token and many words */
};

struct tb_q3_segment {
    const struct tb_q3_talker *talker;
    const struct tb_q3_bpe *bpe;
    const struct tb_q3_print *print;
    struct tb_q3_generator *generator;
    struct tb_q3_generation generation;
    struct tb_q3_ids text, reference;
    struct tb_q3_watch watch;
    int language;  /* codec id, or -1 */
    uint64_t seed; /* of the try under way */
    int tries;
};

/* Positions that a generator must have room for: the longest segment with this voice and its frames. */
int tb_q3_segment_room(const struct tb_q3_print *print, const struct tb_q3_config *config);

/* Read the text, and the reference's where the print has one. All parts are the caller's and outlive the segment.
 * `lang` may be TB_LANG_AUTO. TB_ETOOBIG: too long. Release with tb_q3_segment_free. */
enum tb_code tb_q3_segment_start(struct tb_q3_segment *s, struct tb_str text, enum tb_lang lang, uint64_t seed,
                                 struct tb_error *err);
/* The next frame of each of `count` segments: see tb_q3_generator_next_all. Each turn's codes are the caller's to set,
 * its generator is that of the segment. */
void tb_q3_segment_next(const struct tb_q3_segment *const *segments, struct tb_q3_turn *turns, int count);
/* What the next frame that was not told of yet sounds like, and its first code; more may have been drawn since. *again:
 * the segment has begun anew, after nothing but silence; *over: it ends here. Frames drawn beyond it are then void. */
enum tb_code tb_q3_segment_heard(struct tb_q3_segment *s, int code, const float *samples, size_t len, bool *again,
                                 bool *over, struct tb_error *err);
void tb_q3_segment_free(struct tb_q3_segment *s);

/* Does the text hold anything to be spoken: a letter or a digit? */
bool tb_q3_speakable(struct tb_str text);

#endif
