/* stream.h - one pass of the network spoken in windows, so that its sound need not wait for its end.
 *
 * The generator's norms want means and deviations over the whole pass. They are estimated from a sample of it: the
 * first window and a few excerpts, chosen so that the hidden signal of every part of the pass is near that of some
 * column of the sample, which counts for the parts that are nearest to it; the loudest sound without pitch is always
 * in it. From then on norms are fixed, so windows join without a seam, whatever their lengths, and no bin of the
 * spectrum becomes more than 3 dB louder than in the sample. A pass of a second or less is spoken whole, with its own
 * statistics. The same plan gives the same samples and the same windows, for any number of threads. */
#ifndef TB_ENGINE_KOKORO_STREAM_H
#define TB_ENGINE_KOKORO_STREAM_H

#include "engine/kokoro/synth.h"

struct tb_kokoro_stream;

/* Takes over what it needs of the plan. whole: in one window, with the pass's own statistics.
 * Release with tb_kokoro_stream_close. */
enum tb_code tb_kokoro_stream_open(const struct tb_kokoro_run *run, const struct tb_kokoro_model *model,
                                   const struct tb_kokoro_plan *plan, const float (*styles)[TB_KOKORO_HALF], bool whole,
                                   struct tb_kokoro_stream **out, struct tb_error *err);
void tb_kokoro_stream_close(struct tb_kokoro_stream *stream); /* NULL is fine */

/* The samples of the next window, pcm [1][any], in run->scratch. *more is false after the last one. Silence before and
 * after the speech may be left out, but never more than is silent in the planned energy. */
enum tb_code tb_kokoro_stream_next(const struct tb_kokoro_run *run, struct tb_kokoro_stream *stream,
                                   struct tb_mat *pcm, bool *more, struct tb_error *err);

#endif
