/* test_str.c - spans: comparing, ends, blanks, numbers as bytes. */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void spans_are_compared_by_their_bytes(void **state)
{
    (void)state;
    assert_true(tb_str_eq(TB_STR("abc"), "abc") && !tb_str_eq(TB_STR("abc"), "ab") && tb_str_eq(tb_str_of(NULL), ""));
    assert_true(tb_str_eq_nocase(TB_STR("Bearer"), "bEARER") && !tb_str_eq_nocase(TB_STR("Bearer"), "Bear"));
    assert_int_equal(tb_str_compare(TB_STR("abc"), TB_STR("abc")), 0);
    assert_true(tb_str_compare(TB_STR("ab"), TB_STR("abc")) < 0 && tb_str_compare(TB_STR("abc"), TB_STR("ab")) > 0);
    assert_true(tb_str_compare(TB_STR("\xC3\xA9"), TB_STR("z")) > 0);
}

static void an_end_is_shorter_than_the_word(void **state)
{
    (void)state;
    assert_true(tb_str_ends_with(TB_STR("cats"), "s") && tb_str_ends_with(TB_STR("cats"), "ats"));
    assert_false(tb_str_ends_with(TB_STR("cats"), "cats") || tb_str_ends_with(TB_STR("s"), "cats"));
    assert_false(tb_str_ends_with(TB_STR("cats"), "t"));
}

static void white_space_alone_is_blank(void **state)
{
    (void)state;
    assert_true(tb_str_blank(TB_STR("")) && tb_str_blank(TB_STR(" \t\r\n")));
    assert_false(tb_str_blank(TB_STR(" a ")));
}

static void numbers_are_little_endian(void **state)
{
    uint8_t bytes[4];

    (void)state;
    tb_put_le32(bytes, 0x12345678u);
    assert_memory_equal(bytes, "\x78\x56\x34\x12", 4);
    assert_int_equal(tb_le32(bytes), 0x12345678u);
    assert_true(tb_hex_value('a') == 10 && tb_hex_value('F') == 15 && tb_hex_value('g') == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_compared_by_their_bytes),
        cmocka_unit_test(an_end_is_shorter_than_the_word),
        cmocka_unit_test(white_space_alone_is_blank),
        cmocka_unit_test(numbers_are_little_endian),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
