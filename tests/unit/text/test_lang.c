/* test_lang.c - codes, names, and detection on short sentences. */
#include "text/lang.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void codes_and_names_go_both_ways(void **state)
{
    enum tb_lang lang;

    (void)state;
    for (int i = TB_LANG_AUTO + 1; i < TB_LANG_COUNT; i++) {
        assert_true(tb_lang_from_code(tb_str_of(tb_lang_code((enum tb_lang)i)), &lang));
        assert_int_equal(lang, i);
        assert_true(tb_lang_from_name(tb_str_of(tb_lang_name((enum tb_lang)i)), &lang));
        assert_int_equal(lang, i);
    }
    assert_true(tb_lang_from_name(TB_STR("AUTO"), &lang));
    assert_int_equal(lang, TB_LANG_AUTO);
    assert_true(tb_lang_from_name(TB_STR("german"), &lang));
    assert_int_equal(lang, TB_LANG_DE);
    assert_true(tb_lang_from_name(TB_STR("fr"), &lang));
    assert_int_equal(lang, TB_LANG_FR);
    assert_false(tb_lang_from_code(TB_STR("EN"), &lang));
    assert_false(tb_lang_from_code(TB_STR("auto"), &lang));
    assert_false(tb_lang_from_code(TB_STR("xx"), &lang));
    assert_false(tb_lang_from_name(TB_STR("Klingon"), &lang));
    assert_false(tb_lang_from_name(TB_STR(""), &lang));
}

static void short_sentences_are_told_apart(void **state)
{
    static const struct {
        enum tb_lang lang;
        const char *text;
    } cases[] = {
        { TB_LANG_EN, "Good evening, ladies and gentlemen." },
        { TB_LANG_EN, "Hello!" },
        { TB_LANG_EN, "I'm not sure what you mean." },
        { TB_LANG_EN, "The café is closed." },
        { TB_LANG_EN, "How is the weather today?" },
        { TB_LANG_EN, "A rather long sentence." },
        { TB_LANG_EN, "I saw a bird." },
        { TB_LANG_DE, "Guten Tag, wie geht es Ihnen?" },
        { TB_LANG_DE, "Das Wetter ist heute schön." },
        { TB_LANG_DE, "Ich habe keine Zeit." },
        { TB_LANG_DE, "Danke!" },
        { TB_LANG_IT, "Buongiorno, come stai?" },
        { TB_LANG_IT, "Questo è il mio amico." },
        { TB_LANG_IT, "Non lo so, ma la città è bella." },
        { TB_LANG_IT, "Ciao!" },
        { TB_LANG_PT, "Bom dia, como você está?" },
        { TB_LANG_PT, "Obrigado pela informação." },
        { TB_LANG_PT, "Não sei o que fazer." },
        { TB_LANG_ES, "Buenos días, ¿cómo está usted?" },
        { TB_LANG_ES, "El niño come una manzana." },
        { TB_LANG_ES, "Hola, me llamo Ana y vivo en Madrid." },
        { TB_LANG_ES, "Gracias." },
        { TB_LANG_FR, "Bonjour, comment allez-vous ?" },
        { TB_LANG_FR, "C'est la vie." },
        { TB_LANG_FR, "Je ne sais pas où il est." },
        { TB_LANG_FR, "Merci !" },
        { TB_LANG_ZH, "今天天气怎么样？" },
        { TB_LANG_ZH, "你好" },
        { TB_LANG_ZH, "我喜欢 Python 和 C。" },
        { TB_LANG_JA, "今日はいい天気ですね。" },
        { TB_LANG_JA, "東京都に行きます" },
        { TB_LANG_JA, "コーヒー" },
        { TB_LANG_JA, "東京駅" },
        { TB_LANG_JA, "新鮮な Python" },
        { TB_LANG_ZH, "东京站" },
        { TB_LANG_ZH, "臺灣大學的學生會說英語" },
        { TB_LANG_ZH, "2024年，GPT-4发布了。" },
        { TB_LANG_KO, "안녕하세요, 오늘 날씨가 어때요?" },
        { TB_LANG_RU, "Привет, как дела?" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum tb_lang found = tb_lang_detect(tb_str_of(cases[i].text), TB_LANG_AUTO);

        if (found != cases[i].lang)
            fail_msg("%s: %s", cases[i].text, tb_lang_code(found));
    }
}

static void silence_leaves_the_choice(void **state)
{
    (void)state;
    assert_int_equal(tb_lang_detect(TB_STR(""), TB_LANG_RU), TB_LANG_RU);
    assert_int_equal(tb_lang_detect(TB_STR("123, 45!"), TB_LANG_ES), TB_LANG_ES);
    assert_int_equal(tb_lang_detect(TB_STR("\xFF\xFE"), TB_LANG_ZH), TB_LANG_ZH);
    assert_int_equal(tb_lang_detect(TB_STR("Timbre"), TB_LANG_IT), TB_LANG_IT);
    assert_int_equal(tb_lang_detect(TB_STR("Timbre"), TB_LANG_ZH), TB_LANG_EN);
    assert_int_equal(tb_lang_detect(TB_STR("no"), TB_LANG_ES), TB_LANG_ES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_and_names_go_both_ways),
        cmocka_unit_test(short_sentences_are_told_apart),
        cmocka_unit_test(silence_leaves_the_choice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
