/* vowel_test.h - a short vowel in made-up surroundings, so that many renderings are quick, for the tests of what may
 * change a sound. Needs the converted weights; skips loudly without them. */
#ifndef TB_VOWEL_TEST_H
#define TB_VOWEL_TEST_H

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

static inline void render(int threads, float *out)
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

static inline double distance(const float *a, const float *b)
{
    double diff = 0, all = 0;

    for (int i = 0; i < SAMPLES; i++) {
        diff += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        all += (double)a[i] * (double)a[i];
    }
    return sqrt(diff / (all + 1e-30));
}

static inline int open_model(void **state)
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

static inline int close_model(void **state)
{
    (void)state;
    tb_kokoro_model_close(model);
    tb_safetensors_close(golden);
    tb_scratch_close(&scratch);
    free(styles);
    return 0;
}

/* Run a group of tests with the model open. */
#define RUN_WITH_MODEL(tests) \
    (access(MODEL, R_OK) ? (print_message("skipped: " MODEL " is missing; `make setup` makes it\n"), 0) \
                         : cmocka_run_group_tests(tests, open_model, close_model))

#endif
