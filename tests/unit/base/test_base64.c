/* test_base64.c - RFC 4648 section 10 vectors, bad input, and every length there and back. */
#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void rfc_vectors(void **state)
{
    static const char *const pairs[][2] = { { "", "" },         { "f", "Zg==" },         { "fo", "Zm8=" },
                                            { "foo", "Zm9v" },  { "foob", "Zm9vYg==" },  { "fooba", "Zm9vYmE=" },
                                            { "foobar", "Zm9vYmFy" } };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct tb_bytes out = { 0 }, back = { 0 };

        assert_int_equal(tb_base64_encode(pairs[i][0], strlen(pairs[i][0]), &out), TB_OK);
        assert_string_equal((char *)out.data, pairs[i][1]);
        assert_int_equal(tb_base64_decode(tb_bytes_str(&out), &back, NULL), TB_OK);
        assert_string_equal((char *)back.data, pairs[i][0]);
        tb_bytes_free(&out);
        tb_bytes_free(&back);
    }
}

static void padding_is_optional_and_white_space_skipped(void **state)
{
    struct tb_bytes out = { 0 };

    (void)state;
    assert_int_equal(tb_base64_decode(TB_STR("Zm9\r\nvYg"), &out, NULL), TB_OK);
    assert_int_equal(out.size, 4);
    assert_memory_equal(out.data, "foob", 4);
    tb_bytes_free(&out);
}

static void bad_text_is_refused_and_leaves_nothing(void **state)
{
    static const char *const bad[] = { "Z", "Zm9vY", "Zm-v", "Zm9v=", "Zg==Zg==", "Zg===", "Zm9v\xff", "Zg=" };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tb_bytes out = { 0 };
        struct tb_error err = { 0 };

        tb_bytes_addz(&out, "kept");
        assert_int_equal(tb_base64_decode(tb_str_of(bad[i]), &out, &err), TB_EINVAL);
        assert_int_equal(out.size, 4);
        assert_true(err.text[0]);
        tb_bytes_free(&out);
    }
}

static void every_length_comes_back(void **state)
{
    uint8_t bytes[70];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        struct tb_bytes out = { 0 }, back = { 0 };

        assert_int_equal(tb_base64_encode(bytes, n, &out), TB_OK);
        assert_int_equal(tb_base64_decode(tb_bytes_str(&out), &back, NULL), TB_OK);
        assert_int_equal(back.size, n);
        assert_memory_equal(back.data, bytes, n);
        tb_bytes_free(&out);
        tb_bytes_free(&back);
    }
}

static void a_cap_is_kept(void **state)
{
    struct tb_bytes out = { .cap = 5 };

    (void)state;
    assert_int_equal(tb_bytes_add(&out, "12345", 5), TB_OK);
    assert_int_equal(tb_bytes_add(&out, "6", 1), TB_ETOOBIG);
    assert_string_equal((char *)out.data, "12345");
    tb_bytes_drop(&out, 2);
    assert_string_equal((char *)out.data, "345");
    tb_bytes_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_vectors),
        cmocka_unit_test(padding_is_optional_and_white_space_skipped),
        cmocka_unit_test(bad_text_is_refused_and_leaves_nothing),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(a_cap_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
