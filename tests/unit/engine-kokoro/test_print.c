/* test_print.c - a print there and back, each truncation, each kind of damage. */
#include "engine/kokoro/print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

static struct tb_kokoro_print sample(void)
{
    struct tb_kokoro_print p = { .f0_median_hz = 123, .f0_style_hz = 140, .speed = 1.1f };

    for (int i = 0; i < TB_KOKORO_HALF; i++) {
        for (int b = 0; b < TB_KOKORO_BLOCKS; b++)
            p.style[b][i] = (float)i * 0.01f;
        p.prosody[i] = -(float)i * 0.02f;
    }
    for (int i = 0; i < TB_KOKORO_EQ_BANDS; i++)
        p.eq_db[i] = (float)i * 0.1f - 2;
    for (int i = 0; i < TB_KOKORO_EMBEDDING; i++)
        p.embedding[i] = 1 / 16.0f;
    return p;
}

static void there_and_back(void **state)
{
    struct tb_kokoro_print p = sample(), q;
    struct tb_bytes b = { 0 };

    (void)state;
    assert_int_equal(tb_print_write(&p, &b, NULL), TB_OK);
    assert_int_equal(tb_print_read(tb_bytes_str(&b), &q, NULL), TB_OK);
    assert_memory_equal(&p, &q, sizeof p);
    size_t small = b.size;
    tb_bytes_free(&b);

    p.style[12][127] += 1;
    assert_int_equal(tb_print_write(&p, &b, NULL), TB_OK);
    assert_int_equal(tb_print_read(tb_bytes_str(&b), &q, NULL), TB_OK);
    assert_memory_equal(&p, &q, sizeof p);
    assert_int_equal(b.size - small, 12 * TB_KOKORO_HALF * 4); /* one style for all blocks is stored once */
    tb_bytes_free(&b);
}

static void refuses_each_truncation(void **state)
{
    struct tb_kokoro_print p = sample(), q;
    struct tb_bytes b = { 0 };

    (void)state;
    assert_int_equal(tb_print_write(&p, &b, NULL), TB_OK);
    for (size_t n = 0; n < b.size; n++) {
        char *copy = malloc(n ? n : 1); /* exact size, so that ASan sees a read past the end */
        struct tb_error err = { 0 };

        memcpy(copy, b.data, n);
        assert_int_equal(tb_print_read((struct tb_str){ copy, n }, &q, &err), TB_EVOICE);
        assert_true(err.text[0]);
        free(copy);
    }
    tb_bytes_free(&b);
}

static void refuses_each_flipped_byte(void **state)
{
    struct tb_kokoro_print p = sample(), q;
    struct tb_bytes b = { 0 };

    (void)state;
    assert_int_equal(tb_print_write(&p, &b, NULL), TB_OK);
    for (size_t i = 0; i < b.size; i += i < 64 ? 1 : 37) {
        b.data[i] ^= 0x41;
        assert_int_equal(tb_print_read(tb_bytes_str(&b), &q, NULL), TB_EVOICE);
        b.data[i] ^= 0x41;
    }
    tb_bytes_free(&b);
}

/* Damage with a checksum that fits: what somebody would do on purpose. */
static void fix_checksum(struct tb_bytes *b)
{
    uint32_t crc = ~0u;

    for (size_t i = 16; i < b->size; i++) {
        crc ^= b->data[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (0xEDB88320u & -(crc & 1));
    }
    crc = ~crc;
    for (int i = 0; i < 4; i++)
        b->data[12 + i] = (uint8_t)(crc >> 8 * i);
}

static void never_reads_past_forged_bytes(void **state)
{
    struct tb_kokoro_print p = sample(), q;
    struct tb_bytes b = { 0 };

    (void)state;
    assert_int_equal(tb_print_write(&p, &b, NULL), TB_OK);
    for (size_t i = 16; i < b.size; i += i < 80 ? 1 : 3) {
        uint8_t was = b.data[i];
        b.data[i] = 0xff;
        fix_checksum(&b);
        if (tb_print_read(tb_bytes_str(&b), &q, NULL) == TB_OK)
            assert_true(isfinite(q.style[0][0]) && isfinite(q.speed) && q.speed <= 2);
        b.data[i] = was;
    }
    for (size_t n = 16; n < b.size; n += 5) { /* cut, yet with the right checksum */
        struct tb_bytes cut = { 0 };
        assert_int_equal(tb_bytes_add(&cut, b.data, n), TB_OK);
        fix_checksum(&cut);
        assert_int_equal(tb_print_read(tb_bytes_str(&cut), &q, NULL), TB_EVOICE);
        tb_bytes_free(&cut);
    }
    tb_bytes_free(&b);
}

static void names_the_value_out_of_range(void **state)
{
    struct tb_kokoro_print p = sample();
    struct tb_bytes b = { 0 };
    struct tb_error err = { 0 };

    (void)state;
    p.eq_db[3] = NAN;
    assert_int_equal(tb_print_write(&p, &b, &err), TB_EINVAL);
    assert_non_null(strstr(err.text, "eq_db[3]"));
    tb_bytes_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(refuses_each_truncation),
        cmocka_unit_test(refuses_each_flipped_byte),
        cmocka_unit_test(never_reads_past_forged_bytes),
        cmocka_unit_test(names_the_value_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
