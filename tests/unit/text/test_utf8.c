/* test_utf8.c - valid and malformed UTF-8 both ways, and the weights of usage. */
#include "text/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_code_point_comes_back(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x110000; c += c < 0x3000 ? 1 : 37) {
        char bytes[4];
        size_t n = tb_utf8_put(bytes, c), at = 0, back = n;
        struct tb_str s = { bytes, n };
        uint32_t want = c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ? TB_UTF8_BAD : c;

        assert_true(tb_utf8_valid(s));
        assert_int_equal(tb_utf8_next(s, &at), want);
        assert_int_equal(at, n);
        assert_int_equal(tb_utf8_previous(s, &back), want);
        assert_int_equal(back, 0);
    }
}

static void malformed_text_is_seen_and_walked_byte_by_byte(void **state)
{
    static const char *const bad[] = {
        "\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x80\x80\x80",
        "\xF4\x90\x80\x80", "\xF8\x88", "\xFF", "a\xC3", "\xE4\xBD", "\xF0\x9F\x98", "\xC3(",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t n = strlen(bad[i]), at = 0;
        char *copy = malloc(n); /* exact size, so that a read past the end is seen */
        struct tb_str s = { memcpy(copy, bad[i], n), n };

        assert_false(tb_utf8_valid(s));
        while (at < n)
            tb_utf8_next(s, &at);
        assert_int_equal(at, n);
        while (at > 0)
            tb_utf8_previous(s, &at);
        free(copy);
    }
    assert_true(tb_utf8_valid(TB_STR("")));
    assert_int_equal(tb_utf8_count(TB_STR("a\xFF\xFEz")), 4);
}

static void walking_back_is_walking_forth(void **state)
{
    struct tb_str s = TB_STR("aé你😀\xFFz\xE4\xBD");
    uint32_t forth[16], back[16];
    size_t n = 0, m = 0;

    (void)state;
    for (size_t at = 0; at < s.n;)
        forth[n++] = tb_utf8_next(s, &at);
    for (size_t at = s.n; at > 0;)
        back[m++] = tb_utf8_previous(s, &at);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(forth[i], back[n - 1 - i]);
}

static void usage_counts_ideographs_twice(void **state)
{
    static const struct {
        const char *text;
        size_t weight;
    } cases[] = { { "", 0 },        { "Hello.", 6 },      { "你好", 4 },         { "你好。", 5 },  { "漢字かな", 6 },
                  { "안녕", 2 },    { " a\n", 3 },        { "\u3400\u4DBF", 4 }, { "\u4E00\u9FFF", 4 },
                  { "\uF900\uFAFF", 4 }, { "\u33FF\u4DC0\uA000", 3 }, { "😀", 1 },    { "\U00020000", 1 } };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(tb_text_weight(tb_str_of(cases[i].text)), cases[i].weight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_comes_back),
        cmocka_unit_test(malformed_text_is_seen_and_walked_byte_by_byte),
        cmocka_unit_test(walking_back_is_walking_forth),
        cmocka_unit_test(usage_counts_ideographs_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
