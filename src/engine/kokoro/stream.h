/* stream.h - one pass of the network spoken in windows, so that its sound need not wait for its end.
 *
 * The norms of decoder and generator want means and deviations over the whole pass. Each window but the last is spoken
 * with those that the past of the voice lets expect (norms.h); the last one is cut out of the whole pass. Windows end
 * where the pass is planned to be quiet, and a short cross-fade joins them: all have their harmonics from the pitch of
 * the whole pass, so they are in phase. A pass of a second or less is spoken whole.
 *
 * The first window needs no plan of the whole pass: a stream can be opened with a plan of its first words, and is told
 * the rest when that is spoken. What is spoken then keeps its pitch, so harmonics go on in phase.
 * The same plans and past give the same samples and windows, for any number of threads. */
#ifndef TB_ENGINE_KOKORO_STREAM_H
#define TB_ENGINE_KOKORO_STREAM_H

#include "engine/kokoro/norms.h"
#include "engine/kokoro/synth.h"

struct tb_kokoro_stream;

/* Copies what it needs of the plan, of which the frames from `certain` on may change later, if that is not all of them.
 * past: of the voice; NULL: the pass is spoken in one window, as tb_kokoro_render
 * speaks it. seen: what the norms find in the whole pass goes there, with the last window; may be NULL. Both are the
 * caller's until the stream is closed. Release with tb_kokoro_stream_close. */
enum tb_code tb_kokoro_stream_open(const struct tb_kokoro_model *model, const struct tb_kokoro_plan *plan, int certain,
                                   const float (*styles)[TB_KOKORO_HALF], const struct tb_kokoro_past *past,
                                   struct tb_kokoro_past *seen, struct tb_kokoro_stream **out, struct tb_error *err);
void tb_kokoro_stream_close(struct tb_kokoro_stream *stream); /* NULL is fine */

/* Frames from the pass's beginning to the end of what is spoken. */
int tb_kokoro_stream_spoken(const struct tb_kokoro_stream *stream);
/* Frames of the plan. */
int tb_kokoro_stream_frames(const struct tb_kokoro_stream *stream);
/* The plan of the whole pass, to be told after the first window where the stream was opened with less. Its frames up to
 * those that are spoken are of the same tokens as before. After a failure it can be told again. */
enum tb_code tb_kokoro_stream_go_on(struct tb_kokoro_stream *stream, const struct tb_kokoro_plan *plan,
                                    struct tb_error *err);

/* The samples of the next window, pcm [1][any], in run->scratch; none where the first words are too few for one. *more
 * is false after the last one. Silence before and after the speech may be left out, but never more than is silent in
 * the planned energy. After a failure the same window can be tried again. */
enum tb_code tb_kokoro_stream_next(const struct tb_kokoro_run *run, struct tb_kokoro_stream *stream,
                                   struct tb_mat *pcm, bool *more, struct tb_error *err);

#endif
