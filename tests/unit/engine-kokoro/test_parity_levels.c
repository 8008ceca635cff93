/* The CPU level must not change the sound, but for rounding, and from AVX2 up not at all. */
#include "vowel_test.h"

/* Which levels are held against which. Emulated (make test-emulated) it is just the last one, which has what those
 * before it have, against AVX2, for time's sake. */
#if defined(EMULATED)
enum { PLAIN = TB_CPU_AVX2, FIRST = TB_CPU_COUNT - 1 };
#else
enum { PLAIN = TB_CPU_C, FIRST = TB_CPU_AVX2 };
#endif

static bool choose(int level)
{
    if (tb_tensor_init(tb_cpu_name((enum tb_cpu)level), NULL) == TB_OK)
        return true;
    print_message("  this machine has no %s: make test-emulated\n", tb_cpu_name((enum tb_cpu)level));
    return false;
}

static void every_level_says_the_same(void **state)
{
    static float plain[SAMPLES], avx2[SAMPLES], fast[SAMPLES];

    (void)state;
    if (choose(PLAIN))
        render(1, plain);
    memcpy(avx2, plain, sizeof avx2);
    for (int level = FIRST; level < TB_CPU_COUNT; level++) {
        if (!choose(level))
            continue;
        render(1, fast);
        print_message("  %s: %.1e of the signal from %s\n", tb_cpu_name((enum tb_cpu)level),
                      distance(plain, fast), tb_cpu_name((enum tb_cpu)PLAIN));
        assert_true(distance(plain, fast) < 2e-2); /* phases of empty bins flip with the last bit: test_parity.c */
        if (level == TB_CPU_AVX2)
            memcpy(avx2, fast, sizeof avx2);
        assert_memory_equal(avx2, fast, sizeof avx2); /* the levels above differ in nothing but speed */
    }
    assert_int_equal(tb_tensor_init(NULL, NULL), TB_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_level_says_the_same) };

    return RUN_WITH_MODEL(tests);
}
