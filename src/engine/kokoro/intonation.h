/* intonation.h - bring the pitch that the network plans to where the voice has it. */
#ifndef TB_ENGINE_KOKORO_INTONATION_H
#define TB_ENGINE_KOKORO_INTONATION_H

#include "tensor/mat.h"

enum {
    TB_INTONATION_STEPS = 100,   /* an octave */
    TB_INTONATION_OCTAVES = 5,   /* from 40 Hz */
    TB_INTONATION_BINS = TB_INTONATION_STEPS * TB_INTONATION_OCTAVES
};

/* What is heard is higher than what is planned: the plan's median counts the low pitch of endings that a tracker, which
 * measured the recording, finds too weak to count (docs/CLONING.md, Rate and pitch). */
#define TB_INTONATION_HEARD 1.04f

/* The median of the pitch planned so far in an utterance. It starts from what the style is known to give, with the
 * weight of 2.5 seconds of voiced speech: a question of two words keeps its high pitch and is not flattened. */
struct tb_intonation {
    float target_hz; /* where the median should be */
    unsigned counts[TB_INTONATION_BINS];
};

void tb_intonation_init(struct tb_intonation *t, float style_hz, float target_hz);
/* Count the voiced values of f0 [1][n], then scale them by target over median. */
void tb_intonation_apply(struct tb_intonation *t, struct tb_mat f0);
/* The median of the voiced values of f0 [1][n], to a hundredth of an octave; 40 Hz when there are none. */
float tb_intonation_median(struct tb_mat f0);

#endif
