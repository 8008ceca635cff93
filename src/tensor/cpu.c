/* cpu.c - see cpu.h. */
#include "tensor/cpu.h"

#include <string.h>

#include "tensor/kernels_priv.h"

const struct tb_kernels *tb_kernels = &tb_kernels_c;

static enum tb_cpu level_in_use = TB_CPU_C;

/* The table of a level that this CPU has. */
static void choose(enum tb_cpu level)
{
#if defined(__x86_64__)
    static struct tb_kernels table;

    table = tb_kernels_avx2;
    if (level >= TB_CPU_AVX512)
        tb_kernels_add_avx512(&table);
    if (level >= TB_CPU_VNNI)
        tb_kernels_add_vnni(&table);
    if (level >= TB_CPU_BF16)
        tb_kernels_add_bf16(&table);
    tb_kernels = level == TB_CPU_C ? &tb_kernels_c : &table;
#endif
    level_in_use = level;
}

const char *tb_cpu_name(enum tb_cpu level)
{
    static const char *const names[TB_CPU_COUNT] = {
        [TB_CPU_C] = "c",       [TB_CPU_AVX2] = "avx2", [TB_CPU_AVX512] = "avx512",
        [TB_CPU_VNNI] = "vnni", [TB_CPU_BF16] = "bf16",
    };

    return (unsigned)level < TB_CPU_COUNT ? names[level] : "unknown";
}

bool tb_cpu_supported(enum tb_cpu level)
{
    return level < TB_CPU_COUNT && tb_cpu_has(level);
}

/* "c avx2": what a message about a wrong choice lists. */
static void list_supported(char *text, size_t room)
{
    text[0] = '\0';
    for (int i = 0; i < TB_CPU_COUNT; i++) {
        if (!tb_cpu_has((enum tb_cpu)i))
            continue;
        if (text[0])
            strncat(text, " ", room - strlen(text) - 1);
        strncat(text, tb_cpu_name((enum tb_cpu)i), room - strlen(text) - 1);
    }
}

enum tb_code tb_tensor_init(const char *force, struct tb_error *err)
{
    char have[64];

    for (int i = TB_CPU_COUNT - 1; i >= 0; i--)
        if (tb_cpu_has((enum tb_cpu)i) && (!force || !force[0] || !strcmp(force, tb_cpu_name((enum tb_cpu)i)))) {
            choose((enum tb_cpu)i);
            return TB_OK;
        }
    list_supported(have, sizeof have);
    return tb_fail(err, TB_EUNSUPPORTED, "TB_CPU=%s: this CPU and build have: %s", force, have);
}

enum tb_cpu tb_tensor_level(void)
{
    return level_in_use;
}
