/* fastconv_avx512.c - fastconv_points.h with vectors of sixteen, where the compiler makes them. */
#include "tensor/fastconv_points.h"

void tb_fast_input_avx512(const float *e, int parts, int d, const float *gain, uint32_t *out, size_t step)
{
    tb_fast_inputs(e, parts, d, gain, out, step);
}

void tb_fast_output_avx512(const int32_t *acc, size_t step, int parts, const float *gain, float *y)
{
    tb_fast_outputs(acc, step, parts, gain, y);
}
