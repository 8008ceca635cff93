/* mel.h - the log-mel spectrum that the speaker encoder hears: 24 kHz, windows of 1024 samples every 256, magnitudes
 * through Slaney's filters from 0 to 12 kHz, natural logarithm of what is over 1e-5. */
#ifndef TB_ENGINE_QWEN3_MEL_H
#define TB_ENGINE_QWEN3_MEL_H

#include "base/error.h"
#include "tensor/mat.h"

enum {
    TB_Q3_MEL_HOP = 256,
    TB_Q3_MEL_WINDOW = 1024,
    TB_Q3_MEL_BINS = TB_Q3_MEL_WINDOW / 2 + 1,
    TB_Q3_MEL_LEAST = 385 /* samples: the edges are mirrored by 384 */
};

/* Columns that len samples give. */
static inline int tb_q3_mel_frames(size_t len)
{
    return (int)(len / TB_Q3_MEL_HOP);
}

/* samples [len], at least TB_Q3_MEL_LEAST, -> y [mels][tb_q3_mel_frames(len)]. TB_ENOMEM. */
enum tb_code tb_q3_mel(const float *samples, size_t len, struct tb_mat y, struct tb_error *err);
/* The filters: y [mels][TB_Q3_MEL_BINS]. */
void tb_q3_mel_filters(struct tb_mat y);

#endif
