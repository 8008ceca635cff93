/* The CPU level must not change the sound, but for rounding, and from AVX2 up not at all. */
#include "vowel_test.h"

/* What the other levels are held against; emulated ones (make test-emulated) against AVX2 alone, for time's sake. */
#if defined(EMULATED)
enum { PLAIN = TB_CPU_AVX2 };
#else
enum { PLAIN = TB_CPU_C };
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
    for (int level = TB_CPU_AVX2; level < TB_CPU_COUNT; level++) {
        if (!choose(level))
            continue;
        render(1, fast);
        print_message("  %s: %.1e of the signal from plain C\n", tb_cpu_name((enum tb_cpu)level),
                      distance(plain, fast));
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
