/* Voice prints of the qwen3 engine: written, read back, cut, damaged, and of another model. */
#include "golden.h"

#include "base/limits.h"
#include "engine/qwen3/print.h"

enum { WIDTH = 64, GROUPS = 16, FRAMES = 3 };

static struct tb_q3_print sample(bool in_context)
{
    struct tb_q3_print p = { .width = WIDTH };

    for (int i = 0; i < WIDTH; i++)
        p.speaker[i] = 0.25f * (float)(i - 30);
    if (in_context) {
        p.groups = GROUPS;
        p.frames = FRAMES;
        p.codes = malloc(GROUPS * FRAMES * sizeof *p.codes);
        assert_non_null(p.codes);
        for (int i = 0; i < GROUPS * FRAMES; i++)
            p.codes[i] = i;
        assert_int_equal(tb_bytes_addz(&p.text, "Gr\xc3\xbc\xc3\x9f Gott."), TB_OK);
    }
    return p;
}

static struct tb_bytes written(bool in_context)
{
    struct tb_q3_print p = sample(in_context);
    struct tb_bytes b = { 0 };

    assert_int_equal(tb_q3_print_write(&p, &b, NULL), TB_OK);
    tb_q3_print_free(&p);
    return b;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    for (int in_context = 0; in_context < 2; in_context++) {
        struct tb_q3_print want = sample(in_context), got;
        struct tb_bytes b = written(in_context);

        assert_int_equal(tb_q3_print_read(tb_bytes_str(&b), &got, NULL), TB_OK);
        assert_int_equal(got.width, WIDTH);
        assert_memory_equal(got.speaker, want.speaker, sizeof want.speaker);
        assert_int_equal(got.frames, want.frames);
        assert_int_equal(got.groups, want.groups);
        for (int i = 0; i < got.frames * got.groups; i++)
            assert_int_equal(got.codes[i], want.codes[i]);
        assert_int_equal(got.text.size, want.text.size);
        if (want.text.size)
            assert_memory_equal(got.text.data, want.text.data, want.text.size);
        tb_q3_print_free(&got);
        tb_q3_print_free(&want);
        tb_bytes_free(&b);
    }
}

static void every_truncation_and_every_flipped_byte_is_refused(void **state)
{
    struct tb_bytes b = written(true);
    struct tb_q3_print p;
    struct tb_error err;

    (void)state;
    for (size_t n = 0; n < b.size; n++) {
        char *copy = malloc(n ? n : 1); /* of exactly that size */

        assert_non_null(copy);
        memcpy(copy, b.data, n);
        assert_int_equal(tb_q3_print_read((struct tb_str){ copy, n }, &p, &err), TB_EVOICE);
        assert_null(p.codes);
        free(copy);
        b.data[n] ^= 0x20;
        assert_int_equal(tb_q3_print_read(tb_bytes_str(&b), &p, &err), TB_EVOICE);
        b.data[n] ^= 0x20;
    }
    tb_bytes_free(&b);
}

static void values_out_of_range_are_not_written(void **state)
{
    struct tb_q3_print p = sample(true);
    struct tb_bytes b = { 0 };
    struct tb_error err;

    (void)state;
    p.speaker[5] = NAN;
    assert_int_equal(tb_q3_print_write(&p, &b, &err), TB_EINVAL);
    p.speaker[5] = 0;
    p.codes[7] = -1;
    assert_int_equal(tb_q3_print_write(&p, &b, &err), TB_EINVAL);
    p.codes[7] = 7;
    p.frames = TB_MAX_REFERENCE_FRAMES + 1;
    assert_int_equal(tb_q3_print_write(&p, &b, &err), TB_EINVAL);
    p.frames = FRAMES;
    p.text.size = 0; /* codes without their text are of no use */
    assert_int_equal(tb_q3_print_write(&p, &b, &err), TB_EINVAL);
    assert_int_equal(b.size, 0);
    tb_q3_print_free(&p);
}

static void a_print_of_another_model_does_not_fit(void **state)
{
    struct tb_q3_config c = { .size = "0b6", .talker.hidden = WIDTH, .groups = GROUPS, .codebook = 128 };
    struct tb_q3_print p = sample(true);
    struct tb_error err;

    (void)state;
    assert_int_equal(tb_q3_print_fits(&p, &c, &err), TB_OK);
    c.talker.hidden = 128;
    assert_int_equal(tb_q3_print_fits(&p, &c, &err), TB_EVOICE);
    assert_non_null(strstr(err.text, "64 numbers, and this model (0b6) takes 128"));
    c.talker.hidden = WIDTH;
    c.groups = 8;
    assert_int_equal(tb_q3_print_fits(&p, &c, &err), TB_EVOICE);
    c.groups = GROUPS;
    c.codebook = 40;
    assert_int_equal(tb_q3_print_fits(&p, &c, &err), TB_EVOICE);
    tb_q3_print_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(every_truncation_and_every_flipped_byte_is_refused),
        cmocka_unit_test(values_out_of_range_are_not_written),
        cmocka_unit_test(a_print_of_another_model_does_not_fit),
    };

    return cmocka_run_group_tests_name("print", tests, NULL, NULL);
}
