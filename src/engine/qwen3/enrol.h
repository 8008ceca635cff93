/* enrol.h - from a recording to a voice print of the qwen3 engine. */
#ifndef TB_ENGINE_QWEN3_ENROL_H
#define TB_ENGINE_QWEN3_ENROL_H

#include "engine/engine.h"
#include "engine/qwen3/model.h"

enum {
    TB_Q3_SILENCE_MS = 500,       /* put behind the reference, so that its tail does not leak into what is said */
    TB_Q3_REFERENCE_SECONDS = 30  /* longer ones are cloned by x-vector: a second costs 12.5 tokens a segment */
};

/* As engine.h's enrol. With a text, the print also holds the recording's codes, for cloning in context. report may not
 * be NULL; its rate and similarity stay 0: the one is not needed, and the other not known. */
enum tb_code tb_q3_enrol(const struct tb_q3_model *model, struct tb_pool *pool, const struct tb_enrol_request *req,
                         struct tb_bytes *print, struct tb_enrol_report *report, struct tb_error *err);

#endif
