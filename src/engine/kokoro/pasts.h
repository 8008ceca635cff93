/* pasts.h - what the norms found in the passes of the voices that have spoken (norms.h), while the program runs.
 *
 * A voice is known by its styles and its pitch. It learns until it has spoken TB_PASTS_ENOUGH frames, so that what it
 * says does not differ for ever with what it has said before. Of more than TB_MAX_PASTS voices the one that was not
 * asked for the longest is forgotten. Any thread. */
#ifndef TB_ENGINE_KOKORO_PASTS_H
#define TB_ENGINE_KOKORO_PASTS_H

#include "engine/kokoro/norms.h"
#include "engine/kokoro/print.h"

enum {
    TB_PASTS_LEAST = 160, /* frames, 4 s: less is of no use */
    TB_PASTS_ENOUGH = 400 /* 10 s */
};

struct tb_pasts;

enum tb_code tb_pasts_open(struct tb_pasts **out, struct tb_error *err);
void tb_pasts_close(struct tb_pasts *pasts); /* NULL is fine */

/* *past: a copy of what is known of a voice, if that is at least TB_PASTS_LEAST frames; *seen: room for what its next
 * pass will show, cleared, if it still learns; else NULL each. past may be NULL. hz: the median of its pitch. Release
 * both with free. */
enum tb_code tb_pasts_get(struct tb_pasts *pasts, const float (*styles)[TB_KOKORO_HALF], float hz,
                          struct tb_kokoro_past **past, struct tb_kokoro_past **seen, struct tb_error *err);
/* The voice has shown this in a whole pass. Without memory for it nothing is learnt. */
void tb_pasts_add(struct tb_pasts *pasts, const float (*styles)[TB_KOKORO_HALF], float hz,
                  const struct tb_kokoro_past *seen);

#endif
