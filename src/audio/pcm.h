/* pcm.h - mono samples in memory. */
#ifndef TB_AUDIO_PCM_H
#define TB_AUDIO_PCM_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Samples in [-1, 1]. Owns data; release with tb_pcm_free(). */
struct tb_pcm {
    float *data;
    size_t len;    /* samples */
    uint32_t rate; /* Hz */
};

/* Room for len samples, zeroed. */
enum tb_code tb_pcm_alloc(struct tb_pcm *p, size_t len, uint32_t rate, struct tb_error *err);
/* Free what *p owns and leave it empty. An empty *p is fine. */
void tb_pcm_free(struct tb_pcm *p);

#endif
