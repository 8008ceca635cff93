/* levels_test.h - the same cases with the kernels of two CPU levels must give the same bytes. */
#ifndef TB_LEVELS_TEST_H
#define TB_LEVELS_TEST_H

#include "tensor_test.h"

#include "tensor/kernels_priv.h"

/* The kernels that a test runs; cases are made of noise, which begins anew, so that each level sees the same. */
static inline const struct tb_kernels *kernels_of(enum tb_cpu level)
{
    assert_int_equal(tb_tensor_init(tb_cpu_name(level), NULL), TB_OK);
    noise_state = 1;
    return tb_kernels;
}

/* What `make` writes (it returns how many bytes) with each level above `base` is what it writes with that. */
static inline void check_levels(enum tb_cpu base, size_t (*make)(const struct tb_kernels *k, unsigned char *out))
{
    enum { ROOM = 1 << 20 };
    unsigned char *want = calloc(1, ROOM), *got = calloc(1, ROOM);

    assert_true(want && got);
    size_t n = tb_cpu_supported(base) ? make(kernels_of(base), want) : 0;
    assert_true(n < ROOM);
    for (int level = (int)base + 1; level < TB_CPU_COUNT; level++) {
        if (!tb_cpu_supported((enum tb_cpu)level)) {
            print_message("this machine has no %s: make test-emulated\n", tb_cpu_name((enum tb_cpu)level));
            continue;
        }
        assert_int_equal(make(kernels_of((enum tb_cpu)level), got), n);
        for (size_t i = 0; i < n; i++)
            if (want[i] != got[i])
                fail_msg("level %s differs from %s in byte %zu of %zu", tb_cpu_name((enum tb_cpu)level),
                         tb_cpu_name(base), i, n);
    }
    free(want), free(got);
}

#endif
