/* test_surrogate.c - the map and its inversion against the vectors of tools/adapter/invert.py; L-BFGS on its own. */
#include "engine/kokoro/surrogate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/kokoro/lbfgs.h"

static const char adapter[] = "assets/kokoro/adapter.safetensors";

static void read_floats(FILE *f, float *out, size_t n)
{
    assert_int_equal(fread(out, sizeof *out, n, f), n);
}

static struct tb_sound golden_target(void)
{
    struct tb_sound t = { 0 };
    FILE *f = fopen("tests/golden/adapter/target.f32", "rb");

    assert_non_null(f);
    read_floats(f, t.embedding, TB_KOKORO_EMBEDDING);
    read_floats(f, t.spectrum, TB_KOKORO_EQ_BANDS);
    read_floats(f, &t.log_pitch, 1);
    fclose(f);
    return t;
}

struct answer {
    float value, z[TB_SURROGATE_Z];
    struct tb_sound sound;
    float style[2 * TB_KOKORO_HALF];
};

static struct answer golden_answer(void)
{
    struct answer a;
    FILE *f = fopen("tests/golden/adapter/answer.f32", "rb");

    assert_non_null(f);
    read_floats(f, &a.value, 1);
    read_floats(f, a.z, TB_SURROGATE_Z);
    read_floats(f, a.sound.embedding, TB_KOKORO_EMBEDDING);
    read_floats(f, a.sound.spectrum, TB_KOKORO_EQ_BANDS);
    read_floats(f, &a.sound.log_pitch, 1);
    read_floats(f, &a.sound.log_rate, 1);
    read_floats(f, a.style, 2 * TB_KOKORO_HALF);
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
    return a;
}

static struct tb_surrogate *open_adapter(void)
{
    struct tb_surrogate *s;
    struct tb_error err = { 0 };

    if (tb_surrogate_open(adapter, &s, &err))
        fail_msg("%s", err.text);
    return s;
}

static void assert_near(const float *a, const float *b, int n, float tolerance)
{
    for (int i = 0; i < n; i++)
        if (!(fabsf(a[i] - b[i]) <= tolerance))
            fail_msg("[%d]: %g, not %g", i, (double)a[i], (double)b[i]);
}

/* Tolerance: sums of 1500 single-precision terms against double precision. */
static void map_is_the_reference(void **state)
{
    struct tb_surrogate *s = open_adapter();
    struct answer a = golden_answer();
    struct tb_sound got;
    float style[2 * TB_KOKORO_HALF];

    (void)state;
    tb_surrogate_predict(s, a.z, &got);
    assert_near(got.embedding, a.sound.embedding, TB_KOKORO_EMBEDDING, 1e-4f);
    assert_near(got.spectrum, a.sound.spectrum, TB_KOKORO_EQ_BANDS, 2e-3f);
    assert_near(&got.log_pitch, &a.sound.log_pitch, 1, 1e-3f);
    assert_near(&got.log_rate, &a.sound.log_rate, 1, 1e-3f);
    tb_surrogate_style(s, a.z, style, style + TB_KOKORO_HALF);
    assert_near(style, a.style, 2 * TB_KOKORO_HALF, 1e-5f);
    tb_surrogate_close(s);
}

/* The bottom of the objective is flat in some directions, so the answer is judged by its value and its sound. */
static void inversion_is_as_good_as_the_reference(void **state)
{
    struct tb_surrogate *s = open_adapter();
    struct tb_sound target = golden_target(), got;
    struct answer a = golden_answer();
    float z[TB_SURROGATE_Z];
    double at[TB_SURROGATE_Z], dot = 0, mine = 0, theirs = 0;

    (void)state;
    assert_int_equal(tb_surrogate_invert(s, &target, z, NULL), TB_OK);
    for (int i = 0; i < TB_SURROGATE_Z; i++)
        at[i] = z[i];
    assert_true(fabs(tb_surrogate_objective(s, &target, at, NULL) - a.value) < 1e-3);
    tb_surrogate_predict(s, z, &got);
    for (int i = 0; i < TB_KOKORO_EMBEDDING; i++) {
        dot += (double)got.embedding[i] * a.sound.embedding[i];
        mine += (double)got.embedding[i] * got.embedding[i];
        theirs += (double)a.sound.embedding[i] * a.sound.embedding[i];
    }
    assert_true(dot / sqrt(mine * theirs) > 0.995);
    tb_surrogate_close(s);
}

/* As after a trial: the target lies elsewhere, and only the acoustic half follows. */
static void refining_follows_the_target_and_keeps_the_prosody(void **state)
{
    struct tb_surrogate *s = open_adapter();
    struct tb_sound target = golden_target();
    float z[TB_SURROGATE_Z], was[TB_SURROGATE_Z];
    double before[TB_SURROGATE_Z], after[TB_SURROGATE_Z];

    (void)state;
    assert_int_equal(tb_surrogate_invert(s, &target, z, NULL), TB_OK);
    memcpy(was, z, sizeof z);
    for (int i = 0; i < TB_KOKORO_EMBEDDING; i++)
        target.embedding[i] += 0.03f * (float)sin(i * 2.1);
    assert_int_equal(tb_surrogate_refine(s, &target, z, NULL), TB_OK);
    for (int i = 0; i < TB_SURROGATE_Z; i++) {
        before[i] = (double)was[i];
        after[i] = (double)z[i];
    }
    assert_true(tb_surrogate_objective(s, &target, after, NULL) <
                tb_surrogate_objective(s, &target, before, NULL) - 0.005);
    assert_memory_not_equal(z, was, 40 * sizeof *z);
    assert_memory_equal(z + 40, was + 40, 30 * sizeof *z);
    tb_surrogate_close(s);
}

static void the_trials_text_is_known(void **state)
{
    struct tb_surrogate *s = open_adapter();
    const float *off = tb_surrogate_trial(s);
    double square = 0;

    (void)state;
    assert_non_null(off);
    for (int i = 0; i < TB_KOKORO_EMBEDDING; i++)
        square += (double)off[i] * off[i];
    assert_true(square > 0.02 && square < 0.3); /* of what differs between vectors of length 1 */
    tb_surrogate_close(s);
}

static void gradient_is_the_slope(void **state)
{
    struct tb_surrogate *s = open_adapter();
    struct tb_sound target = golden_target();
    double z[TB_SURROGATE_Z], gradient[TB_SURROGATE_Z];

    (void)state;
    for (int i = 0; i < TB_SURROGATE_Z; i++)
        z[i] = 0.7 * sin(i * 1.3);
    double here = tb_surrogate_objective(s, &target, z, gradient);
    assert_true(here > 0.05);
    for (int i = 0; i < TB_SURROGATE_Z; i++) {
        const double h = 0.02; /* wide: values are single precision */
        double was = z[i];
        z[i] = was + h;
        double up = tb_surrogate_objective(s, &target, z, NULL);
        z[i] = was - h;
        double down = tb_surrogate_objective(s, &target, z, NULL);
        z[i] = was;
        assert_true(fabs((up - down) / (2 * h) - gradient[i]) < 2e-4);
    }
    tb_surrogate_close(s);
}

/* Rosenbrock's valley in pairs: least value 0 at (1, 1, ...). */
static double valley(const void *ctx, const double *x, double *gradient)
{
    int n = *(const int *)ctx;
    double value = 0;

    for (int i = 0; i < n; i += 2) {
        double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
        value += 100 * a * a + b * b;
        gradient[i] = -400 * a * x[i] - 2 * b;
        gradient[i + 1] = 200 * a;
    }
    return value;
}

static void lbfgs_finds_the_end_of_a_curved_valley(void **state)
{
    double x[TB_LBFGS_MAX];
    int n = 20;

    (void)state;
    for (int i = 0; i < n; i++)
        x[i] = i % 2 ? 1 : -1.2;
    assert_true(tb_lbfgs(valley, &n, n, x, 200) < 1e-6);
    for (int i = 0; i < n; i++)
        assert_true(fabs(x[i] - 1) < 1e-2);
}

static double nowhere(const void *ctx, const double *x, double *gradient)
{
    (void)ctx;
    gradient[0] = 1;
    return x[0] < 3 ? (double)NAN : x[0];
}

static void lbfgs_does_not_follow_a_function_into_nothing(void **state)
{
    double x[1] = { 3.5 };

    (void)state;
    assert_true(tb_lbfgs(nowhere, NULL, 1, x, 50) <= 3.5);
    assert_true(x[0] >= 3 && x[0] <= 3.5);
}

static void a_file_of_another_shape_is_refused(void **state)
{
    struct tb_surrogate *s;
    struct tb_error err = { 0 };

    (void)state;
    assert_int_not_equal(tb_surrogate_open("tests/golden/adapter/answer.f32", &s, &err), TB_OK);
    assert_null(s);
    assert_non_null(strstr(err.text, "answer.f32"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_is_the_reference),
        cmocka_unit_test(inversion_is_as_good_as_the_reference),
        cmocka_unit_test(refining_follows_the_target_and_keeps_the_prosody),
        cmocka_unit_test(the_trials_text_is_known),
        cmocka_unit_test(gradient_is_the_slope),
        cmocka_unit_test(lbfgs_finds_the_end_of_a_curved_valley),
        cmocka_unit_test(lbfgs_does_not_follow_a_function_into_nothing),
        cmocka_unit_test(a_file_of_another_shape_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
