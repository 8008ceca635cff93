/* listen.h - is a text what is said in a recording?
 *
 * The ear (ear.h) gives the probability of each sound in each 20 ms. The text's sounds are laid along the recording as
 * well as they go (align.h), and so is any sequence of sounds, which shows what there is to gain. Per frame the
 * difference of the two is what the text costs: near 0 where it is what is said, several where it is not. From its
 * mean, its largest parts and a few counts a logistic function makes the match; its weights lie in ear.safetensors and
 * were fitted on speakers that the ear was not trained on (docs/ENROLMENT.md). */
#ifndef TB_ENGINE_KOKORO_LISTEN_H
#define TB_ENGINE_KOKORO_LISTEN_H

#include "engine/engine.h"
#include "engine/kokoro/ear.h"
#include "text/g2p/g2p.h"

/* What is measured of the best path of a text. Costs are parts of what wrong texts cost in the same recording (the same
 * sounds backwards, and the second half before the first). */
enum {
    TB_FIT_MEAN,   /* cost per frame of speech */
    TB_FIT_HIGH,   /* 90th percentile of the cost over 200 ms */
    TB_FIT_WORST,  /* over the worst second */
    TB_FIT_WORDS,  /* part of the words that cost more than 0.6 */
    TB_FIT_POOR,   /* the cost that a quarter of the words exceed */
    TB_FIT_HASTY,  /* part of the sounds that have but one frame */
    TB_FIT_UNSAID, /* part of the speech that is silence by the text */
    TB_FIT_USUAL,  /* what wrong texts cost, per frame of speech */
    TB_FIT_COUNT
};

struct tb_listener {
    struct tb_ear *ear;
    float weight[TB_FIT_COUNT], bias; /* of the match */
};

/* Reads model_dir/ear.safetensors. Release with tb_listener_close. */
enum tb_code tb_listener_open(const char *model_dir, struct tb_listener *out, struct tb_error *err);
void tb_listener_close(struct tb_listener *l); /* an empty one is fine */

/* Append the phonemes of a text of any length, read sentence by sentence. Errors as tb_g2p_phonemes. */
enum tb_code tb_listener_phonemes(struct tb_g2p *g2p, struct tb_str text, enum tb_lang lang, struct tb_bytes *out,
                                  struct tb_error *err);
/* logs [frames][TB_SOUNDS] as tb_ear_hear gives them -> fit [TB_FIT_COUNT]. TB_EINVAL: more sounds than frames. */
enum tb_code tb_listener_fit(const struct tb_listener *l, const float *logs, size_t frames,
                             const struct tb_chain *chain, float *fit, struct tb_error *err);
/* 0..1 */
float tb_listener_match(const struct tb_listener *l, const float *fit);

/* The whole of it, for engine.h. */
enum tb_code tb_listener_compare(const struct tb_listener *l, struct tb_g2p *g2p, struct tb_pool *pool,
                                 const struct tb_listen_request *req, struct tb_listen_report *report,
                                 struct tb_error *err);

#endif
