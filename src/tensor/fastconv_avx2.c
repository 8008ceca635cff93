/* fastconv_avx2.c - fastconv_points.h with vectors of eight. */
#include "tensor/fastconv_points.h"

void tb_input_points_avx2(const float *restrict e, int lde, int d, int n, float *restrict v, size_t step)
{
    tb_input_points(e, lde, d, n, v, step);
}

void tb_tile_outputs_avx2(const float *restrict s, size_t step, float *restrict y)
{
    tb_tile_outputs(s, step, y);
}
