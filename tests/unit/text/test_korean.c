/* test_korean.c - how syllables change where they meet, and what is no Hangul. */
#include "text/g2p/korean.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "text/utf8.h"

static void words_are_said_by_the_standard(void **state)
{
    static const char *const cases[][2] = {
        { "안녕하세요", "ˈannjʌŋhasejo" },
        { "국물", "ɡˈuŋmul" },       /* a stop before a nasal */
        { "먹는", "mˈʌŋnɯn" },
        { "백만", "bˈɛŋman" },
        { "좋습니다", "ʥˈosɯmnida" },
        { "독립", "dˈoŋnip" },       /* r behind a stop */
        { "종로", "ʥˈoŋno" },        /* r behind a nasal */
        { "신라", "ɕˈilla" },        /* n and r */
        { "설날", "sˈʌllal" },
        { "같이", "ɡˈaʨʰi" },        /* t before i */
        { "굳이", "ɡˈuʥi" },
        { "닫히다", "dˈaʨʰida" },
        { "좋다", "ʥˈotʰa" },        /* h and stops */
        { "축하", "ʨʰˈukʰa" },
        { "못하다", "mˈotʰada" },
        { "많이", "mˈani" },
        { "싫어", "ɕˈiɾʌ" },
        { "학교", "hˈakkjo" },       /* tense behind a stop */
        { "넓다", "nˈʌlta" },
        { "앉다", "ˈanta" },
        { "음악을", "ˈɯmaɡɯl" },     /* liaison */
        { "꽃이", "kˈoʨʰi" },
        { "값이", "ɡˈapɕi" },
        { "읽어요", "ˈilɡʌjo" },
        { "없어요", "ˈʌpsʌjo" },
        { "강아지", "ɡˈaŋaʥi" },     /* ng stays */
        { "꽃", "kˈot" },            /* codas at the end */
        { "부엌", "bˈuʌk" },
        { "앞", "ˈap" },
        { "닭", "dˈak" },
        { "여덟", "jˈʌdʌl" },
        { "의사", "ɰˈisa" },
        { "희망", "hˈimaŋ" },
        { "우리의", "ˈuɾie" },
        { "가져", "ɡˈaʥʌ" },
        { "시계", "ɕˈiɡe" },
        { "ㅋㅋ", "kʰˈɯkʰɯ" },
        { "ㅏ", "ˈa" },
        { "나는  간다", "nˈanɯn ɡˈanda" },
        { " abc 1 ", "" },
        { "", "" },
        { "\xFF\xEA\xB0", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tb_bytes out = { 0 };

        assert_int_equal(tb_korean_phonemes(tb_str_of(cases[i][0]), &out), TB_OK);
        if (!tb_str_eq(tb_bytes_str(&out), cases[i][1]))
            fail_msg("%s: %.*s, wanted %s", cases[i][0], (int)out.size, (char *)out.data, cases[i][1]);
        tb_bytes_free(&out);
    }
}

/* Longer than any word that is: it is cut, and nothing is lost. */
static void a_word_without_end_is_said(void **state)
{
    struct tb_bytes text = { 0 }, out = { 0 };

    (void)state;
    for (int i = 0; i < 1000; i++)
        tb_bytes_addz(&text, "가");
    assert_int_equal(tb_korean_phonemes(tb_bytes_str(&text), &out), TB_OK);
    assert_int_equal(out.size, 1000 * 3 + 1000 / 64 * 3 + 2); /* a stress and a space for each word of 64 */
    tb_bytes_free(&text);
    tb_bytes_free(&out);
}

/* Every syllable beside every coda: the tables have no holes. */
static void all_syllables_give_symbols(void **state)
{
    (void)state;
    for (uint32_t a = 0xAC00; a <= 0xD7A3; a += 7)
        for (uint32_t b = 0xAC00; b <= 0xD7A3; b += 588) {
            struct tb_bytes text = { 0 }, out = { 0 };

            tb_utf8_add(&text, a);
            tb_utf8_add(&text, b);
            assert_int_equal(tb_korean_phonemes(tb_bytes_str(&text), &out), TB_OK);
            assert_true(out.size >= 3);
            tb_bytes_free(&text);
            tb_bytes_free(&out);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_said_by_the_standard),
        cmocka_unit_test(a_word_without_end_is_said),
        cmocka_unit_test(all_syllables_give_symbols),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
