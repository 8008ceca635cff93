/* What must change the sound: the style of each of the 13 blocks; and what must not: the number of threads. */
#include "vowel_test.h"

static void threads_change_nothing(void **state)
{
    static float one[SAMPLES], three[SAMPLES];

    (void)state;
    render(1, one);
    render(3, three);
    assert_memory_equal(one, three, sizeof one);
}

/* Under a sanitizer one block of each kind is rendered; `make test` holds all of them to it in the release build. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const int moved[] = { 0, 4, 5, 12 };
#else
static const int moved[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
_Static_assert(sizeof moved / sizeof *moved == TB_KOKORO_BLOCKS, "all blocks");
#endif

static void every_block_listens_to_its_own_style(void **state)
{
    static float before[SAMPLES], after[SAMPLES];

    (void)state;
    render(2, before);
    for (size_t k = 0; k < sizeof moved / sizeof *moved; k++) {
        int block = moved[k];

        for (int i = 0; i < TB_KOKORO_HALF; i++)
            styles[block][i] += i & 1 ? 0.3f : -0.3f;
        render(2, after);
        for (int i = 0; i < TB_KOKORO_HALF; i++)
            styles[block][i] -= i & 1 ? 0.3f : -0.3f;
        print_message("  block %2d moves the signal by %.3f\n", block, distance(before, after));
        assert_true(distance(before, after) > 0.05);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(every_block_listens_to_its_own_style),
    };

    return RUN_WITH_MODEL(tests);
}
