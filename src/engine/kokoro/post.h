/* post.h - what happens to the decoder's samples last: the voice's equaliser, then a peak limiter.
 *
 * The equaliser is a linear-phase FIR made from the print's mel-band gains; the limiter looks ahead, so peaks are
 * turned down smoothly and not clipped. State runs through the utterance, so joints between segments do not click.
 * As many samples come out as go in; they come TB_KOKORO_POST_DELAY samples late, and flush hands over the rest. */
#ifndef TB_ENGINE_KOKORO_POST_H
#define TB_ENGINE_KOKORO_POST_H

#include "engine/kokoro/print.h"

enum {
    TB_KOKORO_POST_TAPS = 383,      /* of the equaliser: 16 ms, resolves the 200 Hz that smoothed mel bands have */
    TB_KOKORO_POST_LOOKAHEAD = 120, /* samples, 5 ms */
    TB_KOKORO_POST_DELAY = (TB_KOKORO_POST_TAPS - 1) / 2 + TB_KOKORO_POST_LOOKAHEAD
};

struct tb_kokoro_post;

/* eq_db: [TB_KOKORO_EQ_BANDS]. Release with tb_kokoro_post_close. */
enum tb_code tb_kokoro_post_open(const float *eq_db, struct tb_kokoro_post **out, struct tb_error *err);
void tb_kokoro_post_close(struct tb_kokoro_post *post); /* NULL is fine */

/* Take len samples, write at most len to out (out may be in), return how many were written. */
size_t tb_kokoro_post_run(struct tb_kokoro_post *post, const float *in, size_t len, float *out);
/* Write the rest, at most TB_KOKORO_POST_DELAY samples, and begin anew. */
size_t tb_kokoro_post_flush(struct tb_kokoro_post *post, float *out);

#endif
