/* preparer.h - prepares voices in the background, one at a time (tb_engine_prepare).
 *
 * The voice asked for last comes first: somebody is about to speak with it. Of more than TB_MAX_PREPARING that wait the
 * first one is given up. All calls are thread-safe. */
#ifndef TB_VOICES_PREPARER_H
#define TB_VOICES_PREPARER_H

#include "base/turn.h"
#include "engine/engine.h"

struct tb_preparer;

/* turns must outlive the preparer. Release with tb_preparer_close. */
enum tb_code tb_preparer_open(const struct tb_turns *turns, struct tb_preparer **out, struct tb_error *err);
/* What waits is given up, and what is under way at its next pause; waits for neither. */
void tb_preparer_halt(struct tb_preparer *preparer);
/* The same, and waits for what is under way. NULL is fine. */
void tb_preparer_close(struct tb_preparer *preparer);
/* Prepare a voice, if that is not done; soon. print is copied. NULL is fine: nothing happens. Without memory for it
 * nothing happens either. */
void tb_preparer_add(struct tb_preparer *preparer, struct tb_engine *engine, struct tb_str print);

#endif
