/* test_ge2e.c - the speaker encoder against the vectors of tools/speaker.py, from samples to embedding.
 *
 * The weights are not committed (5.6 MB); what needs them is skipped until `make setup` has converted them. */
#include "engine/kokoro/ge2e.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "audio/activity.h"
#include "audio/mel.h"
#include "tensor/cpu.h"

static const char weights[] = "var/models/kokoro/ge2e.safetensors";

/* The signal of test_signal() in tools/speaker.py. */
static float *test_signal(size_t *len)
{
    size_t n = 4 * TB_MEL_RATE_HZ;
    float *wave = malloc(n * sizeof *wave);
    unsigned state = 12345;
    double phase = 0;

    assert_non_null(wave);
    for (size_t i = 0; i < n; i++) {
        double t = (double)i / TB_MEL_RATE_HZ, buzz = 0;
        phase += (120 + 40 * sin(2 * M_PI * 0.7 * t)) / TB_MEL_RATE_HZ;
        state = state * 1664525u + 1013904223u;
        for (int k = 1; k < 16; k++)
            buzz += sin(2 * M_PI * k * phase) / k;
        double gate = fmod(t, 1.5) > 1.1 ? 0 : 0.5 - 0.5 * cos(2 * M_PI * 4 * t);
        wave[i] = (float)(0.1 * gate * buzz + 0.002 * (state / 2147483648.0 - 1));
    }
    *len = n;
    return wave;
}

static void read_vector(const char *path, float *out, size_t n)
{
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    assert_int_equal(fread(out, sizeof *out, n, f), n);
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
}

/* Mel frames of the signal without its pauses; *frames is set. */
static float *test_mel(size_t *frames)
{
    size_t len;
    float *wave = test_signal(&len);
    bool *active = calloc(len / TB_ACTIVITY_FRAME, sizeof *active);

    assert_non_null(active);
    assert_int_equal(tb_activity(wave, len, active, NULL), TB_OK);
    len = tb_activity_keep(wave, len, active);
    assert_int_equal(len, 57600); /* what speaker.py prints */
    *frames = tb_mel_frames(len);
    float *mel = malloc(*frames * TB_MEL_BANDS * sizeof *mel);
    assert_non_null(mel);
    assert_int_equal(tb_mel(wave, len, mel, NULL), TB_OK);
    free(active);
    free(wave);
    return mel;
}

/* Tolerance: 1e-5 of the largest value; both sum in single precision. */
static void mel_is_the_reference(void **state)
{
    enum { EVERY = 25, ROWS = 15 };
    float wanted[ROWS * TB_MEL_BANDS], largest = 0;
    size_t frames;
    float *mel = test_mel(&frames);

    (void)state;
    assert_int_equal((frames + EVERY - 1) / EVERY, ROWS);
    read_vector("tests/golden/ge2e/mel.f32", wanted, ROWS * TB_MEL_BANDS);
    for (int i = 0; i < ROWS * TB_MEL_BANDS; i++)
        largest = fmaxf(largest, wanted[i]);
    assert_true(largest > 1);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t b = 0; b < TB_MEL_BANDS; b++)
            assert_true(fabsf(mel[r * EVERY * TB_MEL_BANDS + b] - wanted[r * TB_MEL_BANDS + b]) < 1e-5f * largest);
    free(mel);
}

/* Tolerance: 1e-4 in each number, cosine .9999. */
static void embedding_is_the_reference(void **state)
{
    float wanted[TB_GE2E_SIZE], got[TB_GE2E_SIZE], dot = 0;
    struct tb_ge2e *ge2e;
    size_t frames;

    (void)state;
    if (access(weights, R_OK))
        skip();
    assert_int_equal(tb_ge2e_open(weights, &ge2e, NULL), TB_OK);
    float *mel = test_mel(&frames);
    assert_int_equal(tb_ge2e_embed(ge2e, NULL, NULL, mel, frames, got, NULL, NULL), TB_OK);
    read_vector("tests/golden/ge2e/embedding.f32", wanted, TB_GE2E_SIZE);
    for (int i = 0; i < TB_GE2E_SIZE; i++) {
        assert_true(fabsf(got[i] - wanted[i]) < 1e-4f);
        dot += got[i] * wanted[i];
    }
    assert_true(dot > 0.9999f);
    free(mel);
    tb_ge2e_close(ge2e);
}

static void takes_any_length(void **state)
{
    float *mel = calloc(240 * TB_MEL_BANDS, sizeof *mel), e[TB_GE2E_SIZE];
    struct tb_ge2e *ge2e;

    (void)state;
    assert_non_null(mel);
    if (access(weights, R_OK)) {
        free(mel);
        skip();
    }
    assert_int_equal(tb_ge2e_open(weights, &ge2e, NULL), TB_OK);
    for (int i = 0; i < 240 * TB_MEL_BANDS; i++)
        mel[i] = 1e-3f * (float)(i % 37);
    for (int i = 0; i < 5; i++) {
        static const size_t lengths[5] = { 1, 159, 161, 186, 237 };
        size_t frames = lengths[i];
        double length = 0;
        float *exact = malloc(frames * TB_MEL_BANDS * sizeof *exact); /* so that ASan sees a read past the end */
        assert_non_null(exact);
        memcpy(exact, mel, frames * TB_MEL_BANDS * sizeof *exact);
        assert_int_equal(tb_ge2e_embed(ge2e, NULL, NULL, exact, frames, e, NULL, NULL), TB_OK);
        for (int k = 0; k < TB_GE2E_SIZE; k++)
            length += (double)e[k] * e[k];
        assert_true(fabs(length - 1) < 1e-4);
        free(exact);
    }
    free(mel);
    tb_ge2e_close(ge2e);
}

static void a_missing_file_is_named(void **state)
{
    struct tb_error err = { 0 };
    struct tb_ge2e *ge2e;

    (void)state;
    assert_int_not_equal(tb_ge2e_open("no/such.safetensors", &ge2e, &err), TB_OK);
    assert_null(ge2e);
    assert_non_null(strstr(err.text, "no/such.safetensors"));
}

/* The fastest kernels: under a sanitizer the plain ones take minutes. Parity of the levels is the tensor folder's. */
static int choose_kernels(void **state)
{
    (void)state;
    return tb_tensor_init(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mel_is_the_reference),
        cmocka_unit_test(embedding_is_the_reference),
        cmocka_unit_test(takes_any_length),
        cmocka_unit_test(a_missing_file_is_named),
    };
    return cmocka_run_group_tests(tests, choose_kernels, NULL);
}
