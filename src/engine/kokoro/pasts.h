/* pasts.h - the pasts (norms.h) of the voices that are prepared, while the program runs.
 *
 * A voice is known by its styles. Its past is made once, of a text that is the same for all voices (calibrate.h), so
 * what a voice says never depends on what it has said. Of more than TB_MAX_PASTS voices the one that was not asked for
 * the longest is forgotten. Any thread. */
#ifndef TB_ENGINE_KOKORO_PASTS_H
#define TB_ENGINE_KOKORO_PASTS_H

#include <stdbool.h>

#include "engine/kokoro/norms.h"
#include "engine/kokoro/print.h"

struct tb_pasts;

enum tb_code tb_pasts_open(struct tb_pasts **out, struct tb_error *err);
void tb_pasts_close(struct tb_pasts *pasts); /* NULL is fine */

bool tb_pasts_known(struct tb_pasts *pasts, const float (*styles)[TB_KOKORO_HALF]);
/* *past: a copy of the voice's, NULL where it has none. Release with free. */
enum tb_code tb_pasts_get(struct tb_pasts *pasts, const float (*styles)[TB_KOKORO_HALF], struct tb_kokoro_past **past,
                          struct tb_error *err);
/* The past of a voice; of two the first one stays. past was malloc'd, and is freed here in the end. */
void tb_pasts_put(struct tb_pasts *pasts, const float (*styles)[TB_KOKORO_HALF], struct tb_kokoro_past *past);

#endif
