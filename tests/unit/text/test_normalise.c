/* test_normalise.c - what holds for any text: hostile bytes, sizes, and which characters may come out. */
#include "text/normalise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/limits.h"
#include "text/clean.h"
#include "text/utf8.h"

static struct tb_normaliser *open_normaliser(enum tb_lang lang)
{
    struct tb_normaliser *n;

    assert_int_equal(tb_normaliser_open(lang, &n, NULL), TB_OK);
    return n;
}

/* No digit and no sign may be left, and spaces stand alone. */
static void assert_speakable(struct tb_str words)
{
    assert_true(tb_utf8_valid(words));
    for (size_t i = 0; i < words.n; i++) {
        unsigned char c = (unsigned char)words.p[i];

        assert_true(c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr(" '-.,;:!?()", c));
        if (c == ' ' && (i == 0 || i + 1 == words.n || words.p[i + 1] == ' '))
            fail_msg("spaces: \"%.*s\"", (int)words.n, words.p);
    }
}

static void say(const struct tb_normaliser *n, struct tb_str text)
{
    struct tb_bytes out = { 0 };
    char *copy = malloc(text.n ? text.n : 1); /* exact size, so that a read past the end is seen */

    memcpy(copy, text.p, text.n);
    if (tb_normalise(n, (struct tb_str){ copy, text.n }, &out, NULL))
        fail_msg("refused: %.*s", (int)text.n, text.p);
    assert_speakable(tb_bytes_str(&out));
    tb_bytes_free(&out);
    free(copy);
}

static const char mixed[] = "Dr. O'Neil paid $1,234.50 (about 20 %) on 12/05/2024 at 3:45 p.m., i.e. \"late\"; see "
                            "https://a.b.com/x?y=1 or me@x.org — 2 1/2 km², 10–20 °C, +1 (555) 123-4567, 1990s, "
                            "Luis XIV, 1.º, EE. UU., #5 ½ €3m naïve 你好 😀 e\xCC\x81.";

/* Those of alphabets; Chinese and Japanese have tests of their own. */
static const enum tb_lang alphabetic[] = { TB_LANG_EN, TB_LANG_ES, TB_LANG_FR, TB_LANG_IT,
                                           TB_LANG_PT, TB_LANG_DE, TB_LANG_RU, TB_LANG_KO };
enum { ALPHABETIC = sizeof alphabetic / sizeof *alphabetic };

static void every_piece_of_a_text_can_be_said(void **state)
{
    static const char *const texts[] = {
        mixed,
        "Am 3. Mai 2024 um 15.30 Uhr, z. B. 12.5. oder Ludwig XIV. für 2,5 Mio. €; „ja“, 20er, Str. 5.",
        "Le 1er mai à 15h30, XXe siècle, 3,50 €, 5 M€, 06 12 34 56 78, M. X, l'an 1 000 000, av. J.-C.",
        "Il 3° piano, XX secolo, 5 mln €, R$ 2,5 bi, 9h05min, D. Pedro II, 1.º, 3/16, s.v.p.",
        "12 мая 2024 г. А. С. Пушкин, XX век, 5-й, 20-х, 3,14, 5 млн руб. и т. д., 8 (800) 555-35-35, США.",
        "6월 10일 3시 30분, 1번째 5개를 ₩5,000에 KBS와 3.14%는 010-1234-5678 10~20 ㈜ ½",
    };

    (void)state;
    for (size_t i = 0; i < ALPHABETIC; i++) {
        struct tb_normaliser *n = open_normaliser(alphabetic[i]);

        for (size_t j = 0; j < sizeof texts / sizeof *texts; j++)
            for (size_t at = 0, size = strlen(texts[j]); at <= size; at++) {
                say(n, (struct tb_str){ texts[j], at });
                say(n, (struct tb_str){ texts[j] + at, size - at });
            }
        tb_normaliser_close(n);
    }
}

static void random_bytes_can_be_said(void **state)
{
    static const char alphabet[] = "0123456789.,:/-+%$#@&()'\"  aAbIVXsStmkghCDpPuUeErRn"
                                   "\xC2\xB0\xE2\x82\xAC\xE2\x80\x93\xC3\xB1"
                                   "\xD0\x9C\xD0\xB3\xD1\x80\xEA\xB0\x9C\xEC\x9B\x94\xFF\x80";
    unsigned seed = 11;
    char text[80];

    (void)state;
    for (size_t i = 0; i < ALPHABETIC; i++) {
        struct tb_normaliser *n = open_normaliser(alphabetic[i]);

        for (int round = 0; round < 2000; round++) {
            size_t size = (size_t)round % sizeof text;

            for (size_t j = 0; j < size; j++) {
                seed = seed * 1103515245u + 12345u;
                text[j] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
            }
            say(n, (struct tb_str){ text, size });
        }
        tb_normaliser_close(n);
    }
}

static void clean_text_is_nfc_without_what_cannot_be_seen(void **state)
{
    static const char *const cases[][2] = {
        { "e\xCC\x81", "é" },
        { "a\xE2\x80\xAE" "b\xE2\x80\x8B" "c\xC2\xAD" "d\xEF\xBB\xBF", "abcd" },
        { "x\x01\x02y\x7Fz", "xyz" },
        { "a\t\n\r b", "a b" },
        { "a\xFF\xC0\x80" "b", "ab" },
        { "👨‍👩‍👧", "" },
        { "ﬁne 𝐁𝐨𝐥𝐝", "fine Bold" },
        { "ＡＢ１！", "AB1!" },
        { "«a» „b“ \"c\"", "“a” “b” “c”" },
        { "it’s", "it's" },
        { "𒀀𒀁𒀂 ⠓⠑", "" },
        { "one สวัสดีครับ, two", "one , two" },
        { "aمرحباb नमस्ते", "a b " },
        { "2πr", "2πr" },
        { "1\xC2\xA0" "234", "1234" },
        { "1\xC2\xA0" "23", "1 23" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tb_bytes out = { 0 };

        assert_int_equal(tb_text_clean(tb_str_of(cases[i][0]), &out), TB_OK);
        assert_true(tb_str_eq(tb_bytes_str(&out), cases[i][1]));
        tb_bytes_free(&out);
    }
}

static void ten_thousand_marks_on_a_letter_are_one_letter(void **state)
{
    struct tb_normaliser *n = open_normaliser(TB_LANG_EN);
    struct tb_bytes text = { 0 }, out = { 0 };

    (void)state;
    tb_bytes_addz(&text, "He");
    for (int i = 0; i < 10000; i++)
        tb_bytes_addz(&text, "\xCC\xB5");
    tb_bytes_addz(&text, "llo");
    assert_int_equal(tb_normalise(n, tb_bytes_str(&text), &out, NULL), TB_OK);
    assert_string_equal((char *)out.data, "Hello");
    tb_bytes_free(&text);
    tb_bytes_free(&out);
    tb_normaliser_close(n);
}

static void too_much_is_refused(void **state)
{
    struct tb_normaliser *n = open_normaliser(TB_LANG_ES);
    struct tb_bytes out = { 0 };
    struct tb_error err = { 0 };
    char *text = malloc(TB_MAX_NORMALISE_IN + 1);

    (void)state;
    memset(text, 'a', TB_MAX_NORMALISE_IN + 1);
    assert_int_equal(tb_normalise(n, (struct tb_str){ text, TB_MAX_NORMALISE_IN + 1 }, &out, &err), TB_ETOOBIG);
    assert_true(err.text[0] && out.size == 0);
    for (size_t i = 0; i < TB_MAX_NORMALISE_IN; i++) /* "97 97 97": far more words than text */
        text[i] = "97 "[i % 3];
    assert_int_equal(tb_normalise(n, (struct tb_str){ text, TB_MAX_NORMALISE_IN }, &out, &err), TB_ETOOBIG);
    assert_int_equal(out.size, 0);
    memset(text, 'a', TB_MAX_NORMALISE_IN);
    assert_int_equal(tb_normalise(n, (struct tb_str){ text, TB_MAX_NORMALISE_IN }, &out, &err), TB_OK);
    tb_bytes_free(&out);
    free(text);
    tb_normaliser_close(n);
}

/* Microseconds of processor time for n bytes of a text that repeats `unit`. */
static int64_t time_of(const struct tb_normaliser *n, const char *unit, char *text, size_t size)
{
    struct tb_bytes out = { 0 };
    struct timespec from, to;

    for (size_t i = 0; i < size; i++)
        text[i] = unit[i % strlen(unit)];
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    tb_normalise(n, (struct tb_str){ text, size }, &out, NULL);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    tb_bytes_free(&out);
    return (to.tv_sec - from.tv_sec) * 1000000LL + (to.tv_nsec - from.tv_nsec) / 1000;
}

/* Each reader looks ahead only so far, so that four times the text takes four times as long, whatever it repeats. */
static void time_grows_with_the_text_and_no_faster(void **state)
{
    static const char *const units[] = { "9",  "9 ", "1-", "(1", "1/",  "1:", "1,", "A.",  "e.g", "$1 ", "’", "\"x",
                                         "a'", "ab-", "I ", "X II ", "+1 ", "@",  "w.", "http://", "#", "…", "- " };
    struct tb_normaliser *n = open_normaliser(TB_LANG_EN);
    char *text = malloc(TB_MAX_NORMALISE_IN);

    (void)state;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int64_t quarter_us = time_of(n, units[i], text, TB_MAX_NORMALISE_IN / 4);
        int64_t whole_us = time_of(n, units[i], text, TB_MAX_NORMALISE_IN);

        if (whole_us > 200000 && whole_us > 10 * quarter_us) /* 16 times would be the square */
            fail_msg("\"%s\": %lld us, a quarter of it %lld us", units[i], (long long)whole_us, (long long)quarter_us);
    }
    free(text);
    tb_normaliser_close(n);
}

static void a_language_must_be_named(void **state)
{
    struct tb_normaliser *n;

    (void)state;
    assert_int_equal(tb_normaliser_open(TB_LANG_AUTO, &n, NULL), TB_EINVAL);
    assert_null(n);
    tb_normaliser_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece_of_a_text_can_be_said),
        cmocka_unit_test(random_bytes_can_be_said),
        cmocka_unit_test(clean_text_is_nfc_without_what_cannot_be_seen),
        cmocka_unit_test(ten_thousand_marks_on_a_letter_are_one_letter),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(time_grows_with_the_text_and_no_faster),
        cmocka_unit_test(a_language_must_be_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
