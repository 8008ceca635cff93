/* normalise_cases.h - runs a table of texts and their words through the normaliser. */
#ifndef TB_TESTS_NORMALISE_CASES_H
#define TB_TESTS_NORMALISE_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/normalise.h"

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

#endif
