/* groups.h - do the windows of a recording come from one speaker or from two? */
#ifndef TB_ENGINE_KOKORO_GROUPS_H
#define TB_ENGINE_KOKORO_GROUPS_H

#include <stddef.h>

#include "engine/kokoro/ge2e.h"

enum { TB_GROUPS_MOST = 64 /* windows that are looked at: 50 s */ };

/* vectors [n][TB_GE2E_SIZE], each of length 1 -> the cosine between the means of the two groups into which they fall
 * best (two-means on the sphere, from the pair that is least alike). 1 when there are fewer than five, or when the
 * smaller group has under a fifth of them: a cough or a laugh is no second speaker. */
float tb_groups_likeness(const float *vectors, size_t n);

#endif
