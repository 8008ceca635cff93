/* norms.h - means and deviations for the norms of decoder and generator where the pass that they want is not there.
 *
 * A norm wants the mean and the deviation of each channel over the whole pass. Of a pass we know beforehand how it is
 * planned: how many of its frames are silent, or voiced and loud, and so on for TB_NORMS_KINDS kinds. So we keep what
 * the norms found in each kind of frame while the voice spoke whole passes (its past), and put a pass's numbers
 * together from those, each kind counting as often as it is planned. The frames that are computed have their say too:
 * those of a kind and its past are averaged, the past weighing as much as 60 frames. docs/SPEED.md has what this is
 * worth. */
#ifndef TB_ENGINE_KOKORO_NORMS_H
#define TB_ENGINE_KOKORO_NORMS_H

#include <stdint.h>

#include "tensor/ops.h"
#include "tensor/scratch.h"

enum {
    TB_NORMS_KINDS = 15,       /* silence; five levels without pitch; nine with it */
    TB_NORMS_CHANNELS = 18698, /* of all norms of decoder and generator, in the order in which they run */
    TB_NORMS_MOST = 1024 + 66  /* of one: the decoder's */
};

/* Means and mean squares of all channels over frames of each kind. */
struct tb_kokoro_past {
    float frames[TB_NORMS_KINDS]; /* how many there were; a kind with none has no numbers */
    float mean[TB_NORMS_CHANNELS][TB_NORMS_KINDS];
    float square[TB_NORMS_CHANNELS][TB_NORMS_KINDS];
};

/* One run of decoder and generator over a pass, or over a part of one. */
struct tb_kokoro_norms {
    int frames;
    const uint8_t *kinds;             /* [frames] */
    float share[TB_NORMS_KINDS];      /* how often each kind is in the whole pass; read where there is a past */
    const struct tb_kokoro_past *past; /* NULL: the frames are a whole pass, whose own numbers are taken */
    struct tb_kokoro_past *seen;      /* what is found in these frames goes there; NULL: nowhere */
    int at;                           /* channels done so far; 0 at the beginning */
};

/* The kind of each frame, by the pitch and energy that are planned, [1][2 * frames] each. kinds [frames]. */
void tb_norms_kinds(struct tb_mat f0, struct tb_mat energy, uint8_t *kinds);
/* counts [TB_NORMS_KINDS]: how often each kind is in kinds [frames]. */
void tb_norms_count(const uint8_t *kinds, int frames, float *counts);

/* The next norm of a run, whose input is x: keep what it finds, if `seen`, and, if there is a past, what it shall take
 * as its mean and variance [x.rows]. x has a multiple of n->frames as many columns, or one more than that. */
enum tb_code tb_norms_next(struct tb_pool *pool, struct tb_scratch *scratch, struct tb_kokoro_norms *n, struct tb_mat x,
                           float *mean, float *variance, struct tb_error *err);

/* past += seen. */
void tb_norms_add(struct tb_kokoro_past *past, const struct tb_kokoro_past *seen);

#endif
