/* source.h - the voice's source: harmonics of the pitch, as a signal and as its short-time spectrum. */
#ifndef TB_ENGINE_KOKORO_SOURCE_H
#define TB_ENGINE_KOKORO_SOURCE_H

#include "engine/kokoro/model.h"

/* y [22][60 * f0.cols + 1]: magnitudes of 11 bins, then their phases, of the source signal that f0 [1][2 * frames]
 * gives. The same f0 always gives the same y. */
enum tb_code tb_kokoro_source_run(const struct tb_kokoro_run *run, const struct tb_kokoro_generator *g,
                                  struct tb_mat f0, struct tb_mat y, struct tb_error *err);

#endif
