/* pcm.c - see pcm.h. */
#include "audio/pcm.h"

#include <stdlib.h>

enum tb_code tb_pcm_alloc(struct tb_pcm *p, size_t len, uint32_t rate, struct tb_error *err)
{
    *p = (struct tb_pcm){ 0 };
    p->data = calloc(len ? len : 1, sizeof *p->data);
    if (!p->data)
        return tb_fail(err, TB_ENOMEM, "%zu samples", len);
    p->len = len;
    p->rate = rate;
    return TB_OK;
}

void tb_pcm_free(struct tb_pcm *p)
{
    free(p->data);
    *p = (struct tb_pcm){ 0 };
}
