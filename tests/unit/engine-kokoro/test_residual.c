/* test_residual.c - the network that adds to the styles: against the vectors of tools/adapter/invert.py, and files that
 * are none. */
#include "engine/kokoro/residual.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter_test.h"

enum { STYLES = TB_KOKORO_BLOCKS * TB_KOKORO_HALF, BANDS = TB_KOKORO_EQ_BANDS };

/* The voice, z and prediction of the golden vectors (see test_surrogate.c for their order). */
struct fixture {
    struct tb_sound voice, own;
    float z[TB_SURROGATE_Z];
};

static struct fixture golden(void)
{
    enum { SOUND = TB_KOKORO_EMBEDDING + BANDS + 1 };
    float target[SOUND], answer[1 + TB_SURROGATE_Z + SOUND + 1];
    struct fixture f = { 0 };

    read_golden("tests/golden/adapter/target.f32", target, SOUND);
    read_golden("tests/golden/adapter/answer.f32", answer, sizeof answer / sizeof *answer);
    memcpy(f.voice.embedding, target, sizeof f.voice.embedding);
    memcpy(f.voice.spectrum, target + TB_KOKORO_EMBEDDING, sizeof f.voice.spectrum);
    f.voice.log_pitch = target[SOUND - 1];
    memcpy(f.z, answer + 1, sizeof f.z);
    const float *own = answer + 1 + TB_SURROGATE_Z;
    memcpy(f.own.embedding, own, sizeof f.own.embedding);
    memcpy(f.own.spectrum, own + TB_KOKORO_EMBEDDING, sizeof f.own.spectrum);
    f.own.log_pitch = own[SOUND - 1];
    return f;
}

static void adds_what_the_reference_adds(void **state)
{
    struct fixture f = golden();
    struct tb_residual *r;
    struct tb_error err = { 0 };
    static float styles[TB_KOKORO_BLOCKS][TB_KOKORO_HALF], spectrum[BANDS], expected[STYLES + BANDS];

    (void)state;
    if (tb_residual_open(adapter, &r, &err))
        fail_msg("%s", err.text);
    assert_non_null(r);
    read_golden("tests/golden/adapter/residual.f32", expected, STYLES + BANDS);
    for (int i = 0; i < STYLES; i++)
        styles[i / TB_KOKORO_HALF][i % TB_KOKORO_HALF] = 1;
    tb_residual_add(r, &f.voice, f.z, &f.own, styles, spectrum);
    double size = 0;
    for (int i = 0; i < STYLES; i++) {
        assert_true(fabsf(styles[i / TB_KOKORO_HALF][i % TB_KOKORO_HALF] - 1 - expected[i]) < 1e-4f);
        size += (double)expected[i] * expected[i];
    }
    for (int b = 0; b < BANDS; b++)
        assert_true(fabsf(spectrum[b] - expected[STYLES + b]) < 1e-3f);
    assert_true(sqrt(size / STYLES) > 0.005); /* it was trained */
    tb_residual_close(r);
}

static void no_residual_adds_nothing(void **state)
{
    struct fixture f = golden();
    float styles[TB_KOKORO_BLOCKS][TB_KOKORO_HALF] = { { 0 } }, spectrum[BANDS] = { 0 };

    (void)state;
    tb_residual_add(NULL, &f.voice, f.z, &f.own, styles, spectrum);
    for (int i = 0; i < STYLES; i++)
        assert_true(styles[i / TB_KOKORO_HALF][i % TB_KOKORO_HALF] == 0);
}

/* A safetensors file of zeros. shapes: rows and columns of each tensor, 0 columns where it has one dimension. */
static void write_file(const char *path, const char *const *names, const size_t (*shapes)[2], size_t count, size_t cut)
{
    char header[2048];
    size_t n = 1, at = 0;
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    header[0] = '{';
    for (size_t i = 0; i < count; i++) {
        size_t rows = shapes[i][0], cols = shapes[i][1], bytes = 4 * rows * (cols ? cols : 1);
        char dims[64];
        snprintf(dims, sizeof dims, cols ? "%zu,%zu" : "%zu", rows, cols);
        n += (size_t)snprintf(header + n, sizeof header - n,
                              "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}", i ? "," : "",
                              names[i], dims, at, at + bytes);
        at += bytes;
    }
    n += (size_t)snprintf(header + n, sizeof header - n, "}");
    while (n % 8)
        header[n++] = ' ';
    uint64_t size = n;
    assert_int_equal(fwrite(&size, 8, 1, f), 1);
    assert_int_equal(fwrite(header, 1, n, f), n);
    for (size_t i = 0; i + cut < at; i++)
        fputc(0, f);
    assert_int_equal(fclose(f), 0);
}

static const char *const names[] = { "residual.in",       "residual.in_bias", "residual.out",
                                     "residual.out_bias", "residual.bands",   "residual.bands_bias" };
static const size_t shapes[][2] = { { 64, 624 },   { 64, 0 },     { STYLES, 64 },
                                    { STYLES, 0 }, { BANDS, 70 }, { BANDS, 0 } };
enum { TENSORS = sizeof names / sizeof *names };

static void files_that_are_wrong_say_so(void **state)
{
    static const struct {
        const char *name; /* tensor left out or given one row more; NULL: none */
        size_t cut;       /* bytes missing at the end */
        bool wider;
    } cases[] = { { "residual.in", 0, false },  { "residual.bands_bias", 0, false }, { "residual.out", 0, true },
                  { "residual.in", 0, true },   { NULL, 1, false },                  { NULL, 100000, false } };
    char path[64];
    struct tb_residual *r;

    (void)state;
    snprintf(path, sizeof path, "/tmp/timbre-residual-%d.safetensors", (int)getpid());
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const char *kept[TENSORS];
        size_t sizes[TENSORS][2], n = 0;
        struct tb_error err = { 0 };
        for (size_t i = 0; i < TENSORS; i++) {
            bool named = cases[c].name && !strcmp(cases[c].name, names[i]);
            if (named && !cases[c].wider)
                continue;
            kept[n] = names[i];
            sizes[n][0] = shapes[i][0] + (named ? 1 : 0);
            sizes[n++][1] = shapes[i][1];
        }
        write_file(path, kept, (const size_t(*)[2])sizes, n, cases[c].cut);
        assert_int_not_equal(tb_residual_open(path, &r, &err), TB_OK);
        assert_null(r);
        assert_non_null(strstr(err.text, "timbre-residual-"));
        assert_true(!cases[c].name || strstr(err.text, cases[c].name));
    }
    unlink(path);
}

static void an_adapter_without_residual_is_fine(void **state)
{
    char path[64];
    struct tb_residual *r = (struct tb_residual *)1;

    (void)state;
    snprintf(path, sizeof path, "/tmp/timbre-residual-%d.safetensors", (int)getpid());
    write_file(path, (const char *const[]){ "map.mean" }, (const size_t[][2]){ { 3, 0 } }, 1, 0);
    assert_int_equal(tb_residual_open(path, &r, NULL), TB_OK);
    assert_null(r);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_what_the_reference_adds),
        cmocka_unit_test(no_residual_adds_nothing),
        cmocka_unit_test(files_that_are_wrong_say_so),
        cmocka_unit_test(an_adapter_without_residual_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
