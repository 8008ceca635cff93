/* speaker.h - from a recording to the x-vector that the talker is told to speak as: an ECAPA-TDNN on log-mel frames.
 *
 * Activations are [channels][time]; a frame is 256 samples of 24 kHz. */
#ifndef TB_ENGINE_QWEN3_SPEAKER_H
#define TB_ENGINE_QWEN3_SPEAKER_H

#include "engine/qwen3/config.h"
#include "tensor/ops.h"

enum { TB_Q3_SE_BLOCKS = 3, TB_Q3_MAX_SCALE = 64 };

/* x + SE(tdnn2(res2net(tdnn1(x)))) */
struct tb_q3_se_block {
    int kernel, dilation;
    struct tb_conv tdnn1, tdnn2;
    struct tb_conv parts[TB_Q3_MAX_SCALE - 1]; /* of Res2Net: part i hears part i - 1 */
    struct tb_linear squeeze, excite;
};

struct tb_q3_speaker {
    struct tb_q3_speaker_config config;
    struct tb_conv first;
    struct tb_q3_se_block blocks[TB_Q3_SE_BLOCKS];
    struct tb_conv mfa;               /* all three blocks' outputs */
    struct tb_conv heard;             /* of the pooling's attention: its part for each frame */
    struct tb_linear whole;           /* and that for mean and deviation, the same in all frames */
    struct tb_conv logits;
    float *packed;                    /* of whole */
    struct tb_linear out;
};

/* Load from the folder's main weights. Release with tb_q3_speaker_free, also after a failure. */
void tb_q3_speaker_load(struct tb_q3_loader *l, const struct tb_q3_speaker_config *config, struct tb_q3_speaker *out);
void tb_q3_speaker_free(struct tb_q3_speaker *s);

/* samples [len] at 24 kHz -> xvector [config.out]. TB_EAUDIO_SPEECH: too short. Memory comes from run->scratch, some
 * 40 kB for each frame. */
enum tb_code tb_q3_speaker_run(const struct tb_q3_run *run, const struct tb_q3_speaker *s, const float *samples,
                               size_t len, float *xvector, struct tb_error *err);
/* The same from the spectrum mel [config.mels][frames] (mel.h). look: "block" 0 .. 3 and, with the number of the block,
 * "tdnn1", "res2net_block", "tdnn2", "se_block"; "mfa", "asp_logits", "asp". */
enum tb_code tb_q3_speaker_mel(const struct tb_q3_run *run, const struct tb_q3_speaker *s, struct tb_mat mel,
                               float *xvector, struct tb_error *err);

#endif
