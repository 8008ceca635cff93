/* kernels_vnni.c - see tile16_avx512.h. */
#define TB_VNNI
#include "tensor/tile16_avx512.h"

void tb_tile16_vnni(const uint32_t *x, int ldx, const int16_t *w, int pairs, int taps, int dilation, int vecs,
                    int32_t *acc)
{
    tb_tile16_of(x, ldx, w, pairs, taps, dilation, vecs, acc);
}
