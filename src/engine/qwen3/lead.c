/* lead.c - see lead.h. */
#include "engine/qwen3/lead.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum tb_code tb_q3_lead_init(struct tb_q3_lead *l, size_t len, struct tb_error *err)
{
    *l = (struct tb_q3_lead){ .len = len, .held = malloc(TB_Q3_SILENT_FRAMES * len * sizeof *l->held) };
    return l->held ? TB_OK : tb_fail(err, TB_ENOMEM, "qwen3: no memory");
}

void tb_q3_lead_free(struct tb_q3_lead *l)
{
    free(l->held);
    *l = (struct tb_q3_lead){ 0 };
}

void tb_q3_lead_segment(struct tb_q3_lead *l)
{
    l->made = l->sent = 0;
    l->over = false;
}

void tb_q3_lead_again(struct tb_q3_lead *l)
{
    l->made = 0;
}

/* What was held back. */
static bool send_held(struct tb_q3_lead *l, const struct tb_sink *sink)
{
    l->over = true;
    for (int i = TB_Q3_LEAD_FRAMES; i < l->made; i++)
        if (!sink->pcm(sink->ctx, l->held + (size_t)i * l->len, l->len))
            return false;
    return true;
}

bool tb_q3_lead_frame(struct tb_q3_lead *l, const float *samples, bool heard, const struct tb_sink *sink)
{
    if (l->over || heard)
        return (l->over || send_held(l, sink)) && sink->pcm(sink->ctx, samples, l->len);
    assert(l->made < TB_Q3_SILENT_FRAMES);
    int at = l->made++;
    if (at >= TB_Q3_LEAD_FRAMES)
        memcpy(l->held + (size_t)at * l->len, samples, l->len * sizeof *samples);
    if (at >= TB_Q3_LEAD_FRAMES || at < l->sent)
        return true;
    l->sent++;
    return sink->pcm(sink->ctx, samples, l->len);
}

bool tb_q3_lead_end(struct tb_q3_lead *l, const struct tb_sink *sink)
{
    return l->over || send_held(l, sink);
}
