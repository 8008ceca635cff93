/* stream.h - one pass of the network spoken in windows, so that its sound need not wait for its end.
 *
 * The norms of decoder and generator want means and deviations over the whole pass. Each window but the last is spoken
 * with those of the pass from its first sound to the window's end, frames counting so that planned energy and voicing
 * occur as they do in the whole pass; the last one is cut out of the whole pass. So a pass is computed nearly twice.
 * Windows end where the pass is planned to be quiet, and a short cross-fade joins them: all have their harmonics from
 * the pitch of the whole pass, so they are in phase. A pass of a second or less is spoken whole. The same plan gives
 * the same samples and the same windows, for any number of threads. */
#ifndef TB_ENGINE_KOKORO_STREAM_H
#define TB_ENGINE_KOKORO_STREAM_H

#include "engine/kokoro/synth.h"

struct tb_kokoro_stream;

/* Takes over what it needs of the plan. whole: in one window, as tb_kokoro_render speaks it.
 * Release with tb_kokoro_stream_close. */
enum tb_code tb_kokoro_stream_open(const struct tb_kokoro_model *model, const struct tb_kokoro_plan *plan,
                                   const float (*styles)[TB_KOKORO_HALF], bool whole, struct tb_kokoro_stream **out,
                                   struct tb_error *err);
void tb_kokoro_stream_close(struct tb_kokoro_stream *stream); /* NULL is fine */

/* The samples of the next window, pcm [1][any], in run->scratch. *more is false after the last one. Silence before and
 * after the speech may be left out, but never more than is silent in the planned energy. After a failure the same
 * window can be tried again. */
enum tb_code tb_kokoro_stream_next(const struct tb_kokoro_run *run, struct tb_kokoro_stream *stream,
                                   struct tb_mat *pcm, bool *more, struct tb_error *err);

#endif
