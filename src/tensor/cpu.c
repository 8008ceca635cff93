/* cpu.c - see cpu.h. */
#include "tensor/cpu.h"

#include <string.h>

#include "tensor/kernels_priv.h"

const struct tb_kernels *tb_kernels = &tb_kernels_c;

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

static const struct tb_kernels *table_of(enum tb_cpu level)
{
    switch (level) {
    case TB_CPU_C:
        return &tb_kernels_c;
#if defined(__x86_64__)
    case TB_CPU_AVX2:
        return has_avx2() ? &tb_kernels_avx2 : NULL;
    case TB_CPU_AVX512:
        return has_avx512() ? &tb_kernels_avx512 : NULL;
    case TB_CPU_VNNI:
        return has_avx512() && __builtin_cpu_supports("avx512vnni") ? &tb_kernels_vnni : NULL;
#endif
    default:
        return NULL;
    }
}

const char *tb_cpu_name(enum tb_cpu level)
{
    static const char *const names[TB_CPU_COUNT] = {
        [TB_CPU_C] = "c", [TB_CPU_AVX2] = "avx2", [TB_CPU_AVX512] = "avx512", [TB_CPU_VNNI] = "vnni"
    };

    return (unsigned)level < TB_CPU_COUNT ? names[level] : "unknown";
}

bool tb_cpu_supported(enum tb_cpu level)
{
    return table_of(level) != NULL;
}

/* "c avx2": what a message about a wrong choice lists. */
static void list_supported(char *text, size_t room)
{
    text[0] = '\0';
    for (int i = 0; i < TB_CPU_COUNT; i++) {
        if (!table_of((enum tb_cpu)i))
            continue;
        if (text[0])
            strncat(text, " ", room - strlen(text) - 1);
        strncat(text, tb_cpu_name((enum tb_cpu)i), room - strlen(text) - 1);
    }
}

enum tb_code tb_tensor_init(const char *force, struct tb_error *err)
{
    char have[64];

    for (int i = TB_CPU_COUNT - 1; i >= 0; i--) {
        const struct tb_kernels *table = table_of((enum tb_cpu)i);

        if (table && (!force || !force[0] || !strcmp(force, tb_cpu_name((enum tb_cpu)i)))) {
            tb_kernels = table;
            return TB_OK;
        }
    }
    list_supported(have, sizeof have);
    return tb_fail(err, TB_EUNSUPPORTED, "TB_CPU=%s: this CPU and build have: %s", force, have);
}

enum tb_cpu tb_tensor_level(void)
{
    for (int i = 0; i < TB_CPU_COUNT; i++)
        if (table_of((enum tb_cpu)i) == tb_kernels)
            return (enum tb_cpu)i;
    return TB_CPU_C;
}
