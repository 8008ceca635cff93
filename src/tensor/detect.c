/* detect.c - what this CPU can run. Apart from cpu.c, so that tests can emulate levels that it cannot. */
#include "tensor/kernels_priv.h"

#if defined(__x86_64__)
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

bool tb_cpu_has(enum tb_cpu level)
{
    switch (level) {
    case TB_CPU_C:
        return true;
#if defined(__x86_64__)
    case TB_CPU_AVX2:
        return has_avx2();
    case TB_CPU_AVX512:
        return has_avx512();
    case TB_CPU_VNNI:
        return has_avx512() && __builtin_cpu_supports("avx512vnni");
    case TB_CPU_BF16:
        return has_avx512() && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16");
#endif
    default:
        return false;
    }
}
