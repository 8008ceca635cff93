/* blocks.h - the residual blocks that the predictor, the decoder and the generator are built of. */
#ifndef TB_ENGINE_KOKORO_BLOCKS_H
#define TB_ENGINE_KOKORO_BLOCKS_H

#include "engine/kokoro/model.h"
#include "engine/kokoro/norms.h"

/* What the adaptive norms of a block do: normalise their input by its mean and deviation, and colour it by a style. */
struct tb_kokoro_voicing {
    const float *style;            /* [128] */
    struct tb_kokoro_norms *norms; /* of the run, one for all blocks; NULL: a whole pass, of which nothing is learnt */
};

/* y [out][x.cols], or [out][2 * x.cols] when the block doubles the rate. y may be rows of x when it does not double:
 * x is read for the last time before y is written. */
enum tb_code tb_kokoro_block_run(const struct tb_kokoro_run *run, const struct tb_kokoro_block *b, struct tb_mat x,
                                 struct tb_kokoro_voicing voicing, struct tb_mat y, struct tb_error *err);

/* y = gain * the block's output, or y += that. Unless adding, y may be x. */
enum tb_code tb_kokoro_snake_run(const struct tb_kokoro_run *run, const struct tb_kokoro_snake *s, struct tb_mat x,
                                 struct tb_kokoro_voicing voicing, float gain, bool add, struct tb_mat y,
                                 struct tb_error *err);

/* gamma and beta of an adaptive norm: h [2 * channels]. */
void tb_kokoro_style_run(const struct tb_kokoro_run *run, const struct tb_kokoro_style *s, const float *style,
                         float *h);

/* Between slices of work: what is more urgent goes first. TB_ECANCELLED: nobody listens any more. */
static inline enum tb_code tb_kokoro_pause(const struct tb_kokoro_run *run)
{
    return !run->sink || !run->sink->pause || run->sink->pause(run->sink->ctx) ? TB_OK : TB_ECANCELLED;
}

static inline void tb_kokoro_look(const struct tb_kokoro_run *run, const char *stage, struct tb_mat m)
{
    if (run->look)
        run->look(run->ctx, stage, m);
}

#endif
