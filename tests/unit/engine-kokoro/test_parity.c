/* Parity of each stage of the kokoro engine with ONNX Runtime (tools/make_kokoro_golden.py). Needs the converted
 * weights, which `make setup` makes; skips loudly without them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/kokoro/synth.h"
#include "tensor/cpu.h"
#include "tensor/safetensors.h"

#define MODEL "var/models/kokoro/kokoro.safetensors"

/* The largest error that an element may have, as a part of the stage's largest magnitude. Convolutions and linear
 * layers round their input to 16 bits (tensor/ops.h): 2e-5 to 2e-4 rms of the largest. After the harmonics it depends
 * on whose these are: many of their phases are those of bins that hold only rounding, and where such a phase lies near
 * pi it may come out near minus pi. A few such flips are let through, and what they do to the stages after. */
static const struct { const char *stage; float golden, own, outliers; } limits[] = {
    { "bert", 3e-3f, 3e-3f, 0 },      { "text", 2e-4f, 2e-4f, 0 },     { "prosody_text", 2e-3f, 2e-3f, 0 },
    { "durations", 2e-4f, 2e-4f, 0 }, { "aligned", 2e-4f, 2e-4f, 0 },  { "f0", 5e-4f, 5e-4f, 0 },
    { "energy", 5e-4f, 5e-4f, 0 },    { "encode", 5e-4f, 5e-4f, 0 },   { "decode3", 5e-4f, 5e-4f, 0 },
    { "harmonics", 1e-3f, 1e-3f, 0.04f },
    { "stage0", 2e-3f, 1e-3f, 0.08f }, { "stage1", 1e-3f, 1e-3f, 0.08f }, { "conv_post", 1e-3f, 1e-3f, 0.08f },
};

struct fixture {
    struct tb_kokoro_model *model;
    struct tb_scratch scratch;
    struct tb_pool *pool;
};

struct look {
    struct tb_safetensors *golden;
    bool golden_harmonics; /* put them in place of ours once ours are compared */
    int seen;
};

static const float *find(struct tb_safetensors *golden, const char *stage, const char *what, size_t *len)
{
    char name[64];
    const struct tb_tensor *t;

    snprintf(name, sizeof name, "%s.%s", stage, what);
    t = tb_safetensors_find(golden, name);
    if (len)
        *len = t ? t->len : 0;
    return t ? t->data : NULL;
}

static void compare(void *ctx, const char *stage, struct tb_mat m)
{
    struct look *look = ctx;
    size_t n, missed = 0;
    const float *want = find(look->golden, stage, "values", &n), *at = find(look->golden, stage, "at", NULL);
    const float *stats = find(look->golden, stage, "stats", NULL);
    float scale;
    double sum = 0;

    if (!strcmp(stage, "waveform"))
        return;
    assert_non_null(want);
    assert_int_equal(m.rows, (int)stats[0]);
    assert_int_equal(m.cols, (int)stats[1]);
    scale = stats[4];
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (strcmp(limits[i].stage, stage))
            continue;
        bool exact = look->golden_harmonics && strcmp(stage, "harmonics");
        float limit = exact ? limits[i].golden : limits[i].own, outliers = exact ? 0 : limits[i].outliers;

        for (size_t k = 0; k < n; k++) {
            size_t place = at ? (size_t)at[k] : k;
            float got = tb_mat_row(m, (int)(place / (size_t)m.cols))[place % (size_t)m.cols];
            float error = fabsf(got - want[k]) / scale;

            missed += !(error <= limit); /* also NaN */
            sum += (double)error * (double)error;
        }
        print_message("  %-13s rms error %.1e of the largest, %zu of %zu over %.0e\n", stage, sqrt(sum / (double)n),
                      missed, n, (double)limit);
        assert_true((float)missed <= outliers * (float)n);
        look->seen++;
    }
    if (look->golden_harmonics && !strcmp(stage, "harmonics") && !at)
        for (size_t k = 0; k < n; k++)
            tb_mat_row(m, (int)(k / (size_t)m.cols))[k % (size_t)m.cols] = want[k];
}

static double snr_db(const float *got, const float *want, size_t n)
{
    double signal = 0, noise = 0;

    for (size_t i = 0; i < n; i++) {
        signal += (double)want[i] * (double)want[i];
        noise += ((double)got[i] - (double)want[i]) * ((double)got[i] - (double)want[i]);
    }
    return 10 * log10(signal / (noise + 1e-30));
}

/* The whole pass stage by stage. After the first half, pitch and energy are replaced by the golden ones: an error of
 * 1e-5 in the pitch moves the phase of the ninth harmonic by a radian within seconds, which nobody hears. */
static void check_case(struct fixture *f, const char *name, bool golden_harmonics, double least_db)
{
    char path[128];
    struct tb_error err = { 0 };
    struct look look = { .golden_harmonics = golden_harmonics };
    struct tb_kokoro_run run = { .pool = f->pool, .scratch = &f->scratch, .look = compare, .ctx = &look };
    struct tb_kokoro_plan plan;
    struct tb_mat pcm;
    uint8_t tokens[TB_KOKORO_MAX_TOKENS];
    size_t n;

    snprintf(path, sizeof path, "tests/golden/kokoro/%s.safetensors", name);
    assert_int_equal(tb_safetensors_open(path, &look.golden, &err), TB_OK);
    const struct tb_tensor *t = tb_safetensors_find(look.golden, "tokens");
    const float *styles = tb_safetensors_find(look.golden, "styles")->data;
    const float *prosody = tb_safetensors_find(look.golden, "prosody")->data;
    for (size_t i = 0; i < t->len; i++)
        tokens[i] = (uint8_t)((const float *)t->data)[i];
    tb_scratch_reset(&f->scratch, 0);
    assert_int_equal(tb_kokoro_plan(&run, f->model, tokens, (int)t->len, prosody, 1.0f, &plan, &err), TB_OK);
    memcpy(plan.f0.p, find(look.golden, "f0", "values", &n), (size_t)plan.f0.cols * sizeof(float));
    memcpy(plan.energy.p, find(look.golden, "energy", "values", &n), (size_t)plan.energy.cols * sizeof(float));
    assert_int_equal(tb_kokoro_render(&run, f->model, &plan, (const float(*)[TB_KOKORO_HALF])(const void *)styles, &pcm,
                                      &err), TB_OK);
    const float *want = find(look.golden, "waveform", "values", &n);
    assert_int_equal(pcm.cols, (int)n);
    double db = snr_db(pcm.p, want, n);
    print_message("  %s: %d stages, waveform at %.1f dB (at least %.0f)\n", name, look.seen, db, least_db);
    assert_true(db >= least_db);
    assert_int_equal(look.seen, (int)(sizeof limits / sizeof *limits));
    tb_safetensors_close(look.golden);
}

static void word_matches_at_every_stage(void **state)
{
    check_case(*state, "word", false, 30);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* longer ones find nothing more there */
static void sentence_matches_at_every_stage(void **state)
{
    check_case(*state, "sentence", false, 30);
}

static void word_matches_with_golden_harmonics(void **state)
{
    check_case(*state, "word", true, 50);
}

static void a_style_per_block_matches(void **state)
{
    check_case(*state, "blocks", false, 30);
}
#endif

static int open_model(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct tb_error err = { 0 };

    if (!f || tb_tensor_init(NULL, &err) || tb_pool_open(2, &f->pool, &err) ||
        tb_scratch_open(TB_KOKORO_SCRATCH, &f->scratch, &err) || tb_kokoro_model_open(MODEL, &f->model, &err)) {
        print_error("%s\n", err.text);
        return 1;
    }
    *state = f;
    return 0;
}

static int close_model(void **state)
{
    struct fixture *f = *state;

    tb_kokoro_model_close(f->model);
    tb_scratch_close(&f->scratch);
    tb_pool_close(f->pool);
    free(f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(word_matches_at_every_stage),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(sentence_matches_at_every_stage),
        cmocka_unit_test(word_matches_with_golden_harmonics),
        cmocka_unit_test(a_style_per_block_matches),
#endif
    };

    if (access(MODEL, R_OK)) {
        print_message("skipped: " MODEL " is missing; `make setup` makes it\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, open_model, close_model);
}
