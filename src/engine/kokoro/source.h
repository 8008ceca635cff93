/* source.h - the voice's source: harmonics of the pitch, as a signal and as its short-time spectrum. */
#ifndef TB_ENGINE_KOKORO_SOURCE_H
#define TB_ENGINE_KOKORO_SOURCE_H

#include "engine/kokoro/model.h"

/* y [22][any]: columns `from` and after, of 60 * f0.cols + 1 that there are, of the spectrum of the source signal that
 * f0 [1][2 * frames of the whole pass] gives: magnitudes of 11 bins, then their phases. The same f0 always gives the
 * same columns, whichever are asked for. */
enum tb_code tb_kokoro_source_run(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                                  struct tb_mat f0, int from, struct tb_mat y, struct tb_error *err);

#endif
