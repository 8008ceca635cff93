/* normalise_cases.h - runs a table of texts and their words through the normaliser. */
#ifndef TB_TESTS_NORMALISE_CASES_H
#define TB_TESTS_NORMALISE_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/normalise.h"
#include "text/utf8.h"

struct normalise_case {
    const char *text, *words;
};

static inline void check_normalise_cases(enum tb_lang lang, const struct normalise_case *cases, size_t n)
{
    struct tb_normaliser *normaliser;
    int wrong = 0;

    assert_int_equal(tb_normaliser_open(lang, &normaliser, NULL), TB_OK);
    for (size_t i = 0; i < n; i++) {
        struct tb_bytes out = { 0 };

        assert_int_equal(tb_normalise(normaliser, tb_str_of(cases[i].text), &out, NULL), TB_OK);
        if (!tb_str_eq(tb_bytes_str(&out), cases[i].words)) {
            print_error("%s: said %s, wanted %s\n", cases[i].text, out.data ? (char *)out.data : "", cases[i].words);
            wrong++;
        }
        tb_bytes_free(&out);
    }
    tb_normaliser_close(normaliser);
    assert_int_equal(wrong, 0);
}

/* 4000 texts of digits, signs and these bytes of the language, whole characters or not. */
static inline void check_no_digit_is_left(enum tb_lang lang, const char *bytes)
{
    struct tb_normaliser *normaliser;
    unsigned seed = 5;
    char alphabet[80], text[80];
    size_t letters = (size_t)snprintf(alphabet, sizeof alphabet, "0123456789.,:/-+%%$~@&() aAbTm%s", bytes);

    assert_true(letters < sizeof alphabet);
    assert_int_equal(tb_normaliser_open(lang, &normaliser, NULL), TB_OK);
    for (int round = 0; round < 4000; round++) {
        size_t n = (size_t)round % sizeof text;
        struct tb_bytes out = { 0 };

        for (size_t i = 0; i < n; i++) {
            seed = seed * 1103515245u + 12345u;
            text[i] = alphabet[(seed >> 16) % letters];
        }
        assert_int_equal(tb_normalise(normaliser, (struct tb_str){ text, n }, &out, NULL), TB_OK);
        assert_true(tb_utf8_valid(tb_bytes_str(&out)));
        for (size_t i = 0; i < out.size; i++)
            assert_false(out.data[i] >= '0' && out.data[i] <= '9');
        tb_bytes_free(&out);
    }
    tb_normaliser_close(normaliser);
}

#endif
