/* lead.h - the silence that a segment begins with, and which part of it a listener gets before something is heard.
 *
 * Some tries to speak a segment make nothing but silence, and are begun anew (watch.h). So silence goes out as it is
 * made for as long as a sentence may well begin with, which costs no time; what is longer is held back until something
 * is heard or the segment ends, and is dropped with a try that fails. The next try's silence takes the place of what
 * has gone out of the one before. What is heard in the end has the silence that its own try began with. */
#ifndef TB_ENGINE_QWEN3_LEAD_H
#define TB_ENGINE_QWEN3_LEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"
#include "engine/qwen3/watch.h"

enum { TB_Q3_LEAD_FRAMES = 4 }; /* 0.32 s */

struct tb_q3_lead {
    size_t len;  /* samples of a frame */
    float *held; /* [TB_Q3_SILENT_FRAMES][len]: of frames TB_Q3_LEAD_FRAMES .. of the try */
    int made;    /* silent frames of the try */
    int sent;    /* of the segment's tries together */
    bool over;   /* something was heard */
};

/* Release with tb_q3_lead_free. */
enum tb_code tb_q3_lead_init(struct tb_q3_lead *l, size_t len, struct tb_error *err);
void tb_q3_lead_free(struct tb_q3_lead *l);

/* A segment begins; what was held back of a try is dropped, and the next one begins, if any does. */
void tb_q3_lead_segment(struct tb_q3_lead *l);
void tb_q3_lead_again(struct tb_q3_lead *l);
/* The next frame of the try, in which, or in one before it, something was heard or not; fewer than TB_Q3_SILENT_FRAMES
 * were not. False: sink->pcm says so. */
bool tb_q3_lead_frame(struct tb_q3_lead *l, const float *samples, bool heard, const struct tb_sink *sink);
/* The segment has ended by itself: its silence belongs to it. */
bool tb_q3_lead_end(struct tb_q3_lead *l, const struct tb_sink *sink);

#endif
