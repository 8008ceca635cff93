/* The frame of voice prints: bytes as the header says, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "engine/seal.h"

static const char engine[] = "1234";

static struct tb_bytes sealed(void)
{
    struct tb_bytes b = { 0 };

    assert_int_equal(tb_seal_begin(&b, 7, engine), TB_OK);
    assert_int_equal(tb_bytes_addz(&b, "56789"), TB_OK);
    tb_seal_end(&b, 0);
    return b;
}

static void bytes_are_as_documented(void **state)
{
    struct tb_bytes b = sealed();
    struct tb_str body;

    (void)state;
    assert_int_equal(b.size, TB_SEAL_HEAD + 10);
    assert_memory_equal(b.data, "timbrevp\7\0\0\0", 12);
    assert_int_equal(tb_le32(b.data + 12), 0xC79CE584); /* zlib's crc32 of "\4" "123456789" */
    assert_memory_equal(b.data + 16, "\4" "123456789", 10);
    assert_int_equal(tb_seal_open(tb_bytes_str(&b), 7, engine, &body, NULL), TB_OK);
    assert_true(tb_str_eq(body, "56789"));
    tb_bytes_free(&b);
}

static void every_cut_and_every_flipped_byte_is_refused(void **state)
{
    struct tb_bytes b = sealed();
    struct tb_str body;
    struct tb_error err;

    (void)state;
    for (size_t n = 0; n < b.size; n++) {
        char *copy = malloc(n ? n : 1); /* of exactly that size */

        assert_non_null(copy);
        memcpy(copy, b.data, n);
        assert_int_equal(tb_seal_open((struct tb_str){ copy, n }, 7, engine, &body, &err), TB_EVOICE);
        assert_int_equal(body.n, 0);
        free(copy);
        b.data[n] ^= 0x20;
        assert_int_equal(tb_seal_open(tb_bytes_str(&b), 7, engine, &body, &err), TB_EVOICE);
        b.data[n] ^= 0x20;
    }
    tb_bytes_free(&b);
}

/* With a checksum that fits. */
static void another_version_engine_or_length_is_refused(void **state)
{
    struct tb_bytes b = sealed();
    struct tb_str body;
    struct tb_error err;

    (void)state;
    assert_int_equal(tb_seal_open(tb_bytes_str(&b), 8, engine, &body, &err), TB_EVOICE);
    assert_string_equal(err.text, "voice print: version 7, not 8");
    assert_int_equal(tb_seal_open(tb_bytes_str(&b), 7, "123", &body, &err), TB_EVOICE);
    assert_string_equal(err.text, "voice print: of another engine than 123");
    b.data[TB_SEAL_HEAD] = 0xff; /* a name longer than the bytes */
    tb_seal_end(&b, 0);
    assert_int_equal(tb_seal_open(tb_bytes_str(&b), 7, engine, &body, &err), TB_EVOICE);
    b.size = TB_SEAL_HEAD; /* no name at all */
    tb_seal_end(&b, 0);
    assert_int_equal(tb_seal_open(tb_bytes_str(&b), 7, engine, &body, &err), TB_EVOICE);
    tb_bytes_free(&b);
    assert_int_equal(tb_seal_open((struct tb_str){ "", TB_MAX_PRINT + 1 }, 7, engine, &body, &err), TB_EVOICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_as_documented),
        cmocka_unit_test(every_cut_and_every_flipped_byte_is_refused),
        cmocka_unit_test(another_version_engine_or_length_is_refused),
    };

    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
