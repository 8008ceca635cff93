/* detect.c - takes the place of src/tensor/detect.c where levels are emulated: a CPU with AVX2 has them all. */
#include "tensor/kernels_priv.h"

bool tb_cpu_has(enum tb_cpu level)
{
    return level == TB_CPU_C || (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
}
