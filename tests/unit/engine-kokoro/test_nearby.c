/* test_nearby.c - the second map against the vectors of tools/adapter/invert.py, its coordinates, and files that are
 * none. */
#include "engine/kokoro/nearby.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter_test.h"

enum { Q = TB_NEARBY_Q, EMBEDDING = TB_KOKORO_EMBEDDING, BANDS = TB_KOKORO_EQ_BANDS, KEPT = 1 << 16 };

/* A voice, and what the reference expects at a start and reaches from it (see test_surrogate.c for the first two). */
struct fixture {
    struct tb_sound target;
    float z[TB_SURROGATE_Z], start[Q], value, embedding[EMBEDDING], bands[BANDS], reached;
};

static struct fixture golden(void)
{
    float target[EMBEDDING + BANDS], answer[1 + TB_SURROGATE_Z], all[Q + 1 + EMBEDDING + BANDS + 1];
    struct fixture f = { .value = 0 };

    read_golden("tests/golden/adapter/target.f32", target, EMBEDDING + BANDS);
    read_golden("tests/golden/adapter/answer.f32", answer, 1 + TB_SURROGATE_Z);
    read_golden("tests/golden/adapter/nearby.f32", all, sizeof all / sizeof *all);
    memcpy(f.target.embedding, target, sizeof f.target.embedding);
    memcpy(f.target.spectrum, target + EMBEDDING, sizeof f.target.spectrum);
    memcpy(f.z, answer + 1, sizeof f.z);
    memcpy(f.start, all, sizeof f.start);
    f.value = all[Q];
    memcpy(f.embedding, all + Q + 1, sizeof f.embedding);
    memcpy(f.bands, all + Q + 1 + EMBEDDING, sizeof f.bands);
    f.reached = all[Q + 1 + EMBEDDING + BANDS];
    return f;
}

static struct tb_nearby *open_adapter(void)
{
    struct tb_nearby *n;
    struct tb_error err = { 0 };

    if (tb_nearby_open(adapter, &n, &err))
        fail_msg("%s", err.text);
    assert_non_null(n);
    return n;
}

static void widen(const float *from, double *to)
{
    for (int i = 0; i < Q; i++)
        to[i] = from[i];
}

/* Tolerance: sums of some thousand single-precision terms against double precision. */
static void it_expects_what_the_reference_expects(void **state)
{
    struct tb_nearby *n = open_adapter();
    struct fixture f = golden();
    struct tb_sound own;
    double at[Q];

    (void)state;
    widen(f.start, at);
    assert_true(fabs(tb_nearby_objective(n, &f.target, f.z, at, NULL, &own) - f.value) < 1e-3);
    for (int i = 0; i < EMBEDDING; i++)
        assert_true(fabsf(own.embedding[i] - f.embedding[i]) < 1e-3f);
    for (int b = 0; b < BANDS; b++)
        assert_true(fabsf(own.spectrum[b] - f.bands[b]) < 1e-2f);
    tb_nearby_close(n);
}

static void it_finds_what_is_as_good_as_the_references(void **state)
{
    struct tb_nearby *n = open_adapter();
    struct fixture f = golden();
    struct tb_sound own = { .log_pitch = 5 };
    double at[Q], length = 0;

    (void)state;
    assert_int_equal(tb_nearby_find(n, &f.target, f.z, f.start, &own, NULL), TB_OK);
    widen(f.start, at);
    double value = tb_nearby_objective(n, &f.target, f.z, at, NULL, NULL);
    assert_true(fabs(value - f.reached) < 2e-3);
    assert_true(value < f.value - 0.05);
    for (int i = 0; i < EMBEDDING; i++)
        length += (double)own.embedding[i] * own.embedding[i];
    assert_true(fabs(length - 1) < 1e-4);
    assert_true(own.log_pitch == 5);
    tb_nearby_close(n);
}

static void gradient_is_the_slope(void **state)
{
    struct tb_nearby *n = open_adapter();
    struct fixture f = golden();
    double at[Q], gradient[Q];

    (void)state;
    widen(f.start, at);
    tb_nearby_objective(n, &f.target, f.z, at, gradient, NULL);
    for (int i = 0; i < Q; i++) {
        const double h = 0.02; /* wide: values are single precision */
        double was = at[i];
        at[i] = was + h;
        double up = tb_nearby_objective(n, &f.target, f.z, at, NULL, NULL);
        at[i] = was - h;
        double down = tb_nearby_objective(n, &f.target, f.z, at, NULL, NULL);
        at[i] = was;
        assert_true(fabs((up - down) / (2 * h) - gradient[i]) < 5e-4);
    }
    tb_nearby_close(n);
}

/* What a move adds to styles is found again as coordinates. */
static void moves_are_located(void **state)
{
    static float styles[TB_KOKORO_BLOCKS][TB_KOKORO_HALF];
    struct tb_nearby *n = open_adapter();
    struct fixture f = golden();
    float from[Q], to[Q], got[Q];

    (void)state;
    for (int b = 0; b < TB_KOKORO_BLOCKS; b++)
        for (int i = 0; i < TB_KOKORO_HALF; i++)
            styles[b][i] = 0.1f * sinf((float)(b + 3 * i));
    tb_nearby_locate(n, (const float (*)[TB_KOKORO_HALF])styles, from);
    for (int i = 0; i < Q; i++)
        to[i] = from[i] + f.start[i];
    tb_nearby_move(n, from, to, styles);
    tb_nearby_locate(n, (const float (*)[TB_KOKORO_HALF])styles, got);
    for (int i = 0; i < Q; i++)
        assert_true(fabsf(got[i] - to[i]) < 0.02f); /* half-precision matrices */
    tb_nearby_close(n);
}

/* Copy the adapter's first `kept` bytes, the tensor `hidden` renamed. */
static void write_copy(const char *path, const char *hidden, size_t kept)
{
    static char bytes[8 << 20];
    FILE *from = fopen(adapter, "rb"), *to = fopen(path, "wb");

    assert_non_null(from);
    assert_non_null(to);
    size_t n = fread(bytes, 1, sizeof bytes, from);
    assert_true(n > KEPT && n < sizeof bytes);
    char *name = hidden ? memmem(bytes, KEPT, hidden, strlen(hidden)) : NULL;
    assert_true(!hidden || name);
    if (name)
        name[1] = 'x';
    n = kept < n ? kept : n;
    assert_int_equal(fwrite(bytes, 1, n, to), n);
    fclose(from);
    assert_int_equal(fclose(to), 0);
}

static void files_that_are_wrong_say_so(void **state)
{
    static const struct {
        const char *hidden;
        size_t kept;
    } cases[] = { { "near.centres\"", SIZE_MAX }, { "near.embedding\"", SIZE_MAX },
                  { "near.locate_bias\"", SIZE_MAX }, { "near.numbers\"", SIZE_MAX },
                  { NULL, 3 << 20 }, { NULL, 100 } };
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "/tmp/timbre-nearby-%d.safetensors", (int)getpid());
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct tb_nearby *n = (struct tb_nearby *)1;
        struct tb_error err = { 0 };
        write_copy(path, cases[c].hidden, cases[c].kept);
        assert_int_not_equal(tb_nearby_open(path, &n, &err), TB_OK);
        assert_null(n);
        assert_non_null(strstr(err.text, "timbre-nearby-"));
        const char *name = cases[c].hidden ? strstr(err.text, "near.") : NULL;
        assert_true(!cases[c].hidden || (name && !strncmp(name, cases[c].hidden, strlen(cases[c].hidden) - 1)));
    }
    unlink(path);
}

static void an_adapter_without_second_map_is_fine(void **state)
{
    static const char header[] = "{\"map.mean\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}       ";
    struct tb_nearby *n = (struct tb_nearby *)1;
    uint64_t size = sizeof header / 8 * 8;
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "/tmp/timbre-nearby-%d.safetensors", (int)getpid());
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(&size, 8, 1, f), 1);
    assert_int_equal(fwrite(header, 1, size, f), size);
    assert_int_equal(fwrite("\0\0\0\0", 1, 4, f), 4);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(tb_nearby_open(path, &n, NULL), TB_OK);
    assert_null(n);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_expects_what_the_reference_expects),
        cmocka_unit_test(it_finds_what_is_as_good_as_the_references),
        cmocka_unit_test(gradient_is_the_slope),
        cmocka_unit_test(moves_are_located),
        cmocka_unit_test(files_that_are_wrong_say_so),
        cmocka_unit_test(an_adapter_without_second_map_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
