/* What must not change the sound: the CPU level (but for rounding), the number of threads (not at all); and what must:
 * the style of each of the 13 blocks. Needs the converted weights; skips loudly without them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/kokoro/synth.h"
#include "tensor/cpu.h"
#include "tensor/safetensors.h"

#define MODEL "var/models/kokoro/kokoro.safetensors"
#define CASE "tests/golden/kokoro/blocks.safetensors"

enum { FRAMES = 12, SAMPLES = FRAMES * TB_KOKORO_FRAME };

static struct tb_kokoro_model *model;
static struct tb_scratch scratch;
static struct tb_safetensors *golden;
static float (*styles)[TB_KOKORO_HALF]; /* of the 13 blocks, all different */

/* A short vowel in made-up surroundings, so that 15 renderings are quick. */
static void render(int threads, float *out)
{
    struct tb_error err = { 0 };
    struct tb_kokoro_run run = { .scratch = &scratch };
    struct tb_kokoro_plan plan = { .frames = FRAMES };
    struct tb_mat pcm;

    tb_scratch_reset(&scratch, 0);
    if (threads > 1)
        assert_int_equal(tb_pool_open(threads, &run.pool, &err), TB_OK);
    assert_int_equal(tb_scratch_mat(&scratch, TB_KOKORO_WIDTH, FRAMES, &plan.text, &err), TB_OK);
    assert_int_equal(tb_scratch_mat(&scratch, 1, 2 * FRAMES, &plan.f0, &err), TB_OK);
    assert_int_equal(tb_scratch_mat(&scratch, 1, 2 * FRAMES, &plan.energy, &err), TB_OK);
    for (int r = 0; r < TB_KOKORO_WIDTH; r++)
        for (int i = 0; i < FRAMES; i++)
            tb_mat_row(plan.text, r)[i] = 0.3f * sinf(0.7f * (float)r + 0.2f * (float)i);
    for (int i = 0; i < 2 * FRAMES; i++) {
        plan.f0.p[i] = i < 4 ? 0.0f : 150.0f + (float)i;
        plan.energy.p[i] = i < 4 ? -5.0f : 5.0f;
    }
    assert_int_equal(tb_kokoro_render(&run, model, &plan, (const float(*)[TB_KOKORO_HALF])styles, &pcm, &err), TB_OK);
    assert_int_equal(pcm.cols, SAMPLES);
    memcpy(out, pcm.p, SAMPLES * sizeof *out);
    tb_pool_close(run.pool);
}

static double distance(const float *a, const float *b)
{
    double diff = 0, all = 0;

    for (int i = 0; i < SAMPLES; i++) {
        diff += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        all += (double)a[i] * (double)a[i];
    }
    return sqrt(diff / (all + 1e-30));
}

static void threads_change_nothing(void **state)
{
    static float one[SAMPLES], three[SAMPLES];

    (void)state;
    render(1, one);
    render(3, three);
    assert_memory_equal(one, three, sizeof one);
}

static void every_level_says_the_same(void **state)
{
    static float plain[SAMPLES], fast[SAMPLES];
    struct tb_error err;

    (void)state;
    assert_int_equal(tb_tensor_init("c", &err), TB_OK);
    render(1, plain);
    for (int level = TB_CPU_C + 1; level < TB_CPU_COUNT; level++) {
        if (!tb_cpu_supported((enum tb_cpu)level)) {
            print_message("skipped: this machine has no %s\n", tb_cpu_name((enum tb_cpu)level));
            continue;
        }
        assert_int_equal(tb_tensor_init(tb_cpu_name((enum tb_cpu)level), &err), TB_OK);
        render(1, fast);
        print_message("  %s: %.1e of the signal from plain C\n", tb_cpu_name((enum tb_cpu)level),
                      distance(plain, fast));
        assert_true(distance(plain, fast) < 2e-2); /* phases of empty bins flip with the last bit: test_parity.c */
    }
    assert_int_equal(tb_tensor_init(NULL, &err), TB_OK);
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

static int open_model(void **state)
{
    struct tb_error err = { 0 };
    const struct tb_tensor *t;

    (void)state;
    styles = malloc(TB_KOKORO_BLOCKS * sizeof *styles);
    if (!styles || tb_tensor_init(NULL, &err) || tb_scratch_open(TB_KOKORO_SCRATCH, &scratch, &err) ||
        tb_safetensors_open(CASE, &golden, &err) || tb_kokoro_model_open(MODEL, &model, &err)) {
        print_error("%s\n", err.text);
        return 1;
    }
    t = tb_safetensors_find(golden, "styles");
    assert_int_equal(t->len, TB_KOKORO_BLOCKS * TB_KOKORO_HALF);
    memcpy(styles, t->data, TB_KOKORO_BLOCKS * sizeof *styles);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    tb_kokoro_model_close(model);
    tb_safetensors_close(golden);
    tb_scratch_close(&scratch);
    free(styles);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(every_level_says_the_same),
        cmocka_unit_test(every_block_listens_to_its_own_style),
    };

    if (access(MODEL, R_OK)) {
        print_message("skipped: " MODEL " is missing; `make setup` makes it\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, open_model, close_model);
}
