/* test_transcript.c - what enrolment makes of how well a text fits, with an engine that says what it is told to. */
#include "voices/transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "voices/language.h"

static struct {
    float match[TB_LANG_COUNT];
    enum tb_code fails_with;
    size_t words;
    int asked;
} ear;

static enum tb_code listen(struct tb_engine *engine, const struct tb_listen_request *req,
                           struct tb_listen_report *report, struct tb_error *err)
{
    (void)engine;
    ear.asked++;
    if (ear.fails_with)
        return tb_fail(err, ear.fails_with, "the ear is deaf");
    *report = (struct tb_listen_report){ .match = ear.match[req->lang], .strange = 0.25f, .words = ear.words };
    return TB_OK;
}

static const struct tb_engine_ops ops = { .name = "test", .languages = ~0u, .listen = listen };
static const struct tb_engine_ops deaf_ops = { .name = "deaf", .languages = ~0u };
static struct tb_engine engine = { &ops }, deaf = { &deaf_ops };

static const char english[] = "We have seen how quietly the morning came and went away again.";
static const char french[] = "Nous avons vu comment le matin est venu et puis il est parti.";
static const char russian[] = "Мы видели, как тихо наступило утро.";

static struct tb_transcript out;
static struct tb_advice advice;
static struct tb_error err;

static enum tb_code check_with(struct tb_engine *e, const char *text, enum tb_lang declared)
{
    const struct tb_transcript_request req = { .engine = e, .text = tb_str_of(text), .declared = declared,
                                               .speech_s = 5 };
    advice.count = 0;
    err = (struct tb_error){ 0 };
    ear.asked = 0;
    return tb_transcript_check(&req, &out, &advice, &err);
}

static enum tb_code check(const char *text, enum tb_lang declared)
{
    return check_with(&engine, text, declared);
}

static int set_up(void **state)
{
    (void)state;
    memset(&ear, 0, sizeof ear);
    ear.words = 12;
    tb_log_set_level(TB_LOG_NONE);
    return 0;
}

static void a_text_that_fits_is_taken(void **state)
{
    (void)state;
    ear.match[TB_LANG_EN] = 0.9f;
    assert_int_equal(check(english, TB_LANG_EN), TB_OK);
    assert_true(out.match == 0.9f && out.lang == TB_LANG_EN);
    assert_string_equal(out.reason, "agreed");
    assert_int_equal(advice.count, 0);
    assert_int_equal(ear.asked, 1);
}

static void one_that_does_not_is_refused_with_the_numbers(void **state)
{
    (void)state;
    ear.match[TB_LANG_EN] = 0.01f;
    assert_int_equal(check(english, TB_LANG_EN), TB_EAUDIO_TEXT);
    assert_non_null(strstr(err.text, "match 0.010, at least 0.1 "));
    assert_non_null(strstr(err.text, "25 % of its 12 words"));
}

static void a_doubtful_one_is_taken_with_advice(void **state)
{
    (void)state;
    ear.match[TB_LANG_EN] = 0.3f;
    assert_int_equal(check(english, TB_LANG_AUTO), TB_OK);
    assert_int_equal(advice.count, 1);
    assert_string_equal(advice.item[0].kind, "transcript");
    assert_non_null(strstr(advice.item[0].text, "0.30"));
    assert_string_equal(out.reason, "transcript");
}

static void the_limit_is_the_same_in_all_languages(void **state)
{
    static const struct {
        enum tb_lang lang;
        const char *text;
    } of[] = { { TB_LANG_EN, english },
               { TB_LANG_FR, french },
               { TB_LANG_ZH, "我们使用这个操作系统已经很多年了。" },
               { TB_LANG_JA, "これはとても長い文章です。" } };

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        ear.match[of[i].lang] = 0.11f;
        assert_int_equal(check(of[i].text, of[i].lang), TB_OK);
        assert_int_equal(advice.count, 1);
        ear.match[of[i].lang] = 0.09f;
        assert_int_equal(check(of[i].text, of[i].lang), TB_EAUDIO_TEXT);
    }
}

static void an_engine_that_cannot_tell_accepts(void **state)
{
    (void)state;
    assert_int_equal(check_with(&deaf, english, TB_LANG_EN), TB_OK);
    assert_true(out.match < 0);
    ear.fails_with = TB_EIO;
    assert_int_equal(check(english, TB_LANG_EN), TB_OK);
    assert_true(out.match < 0 && advice.count == 0);
    ear.fails_with = TB_ENOMEM;
    assert_int_equal(check(english, TB_LANG_EN), TB_ENOMEM);
}

static void impossible_lengths_and_texts_without_words(void **state)
{
    (void)state;
    assert_int_equal(check("Hi", TB_LANG_EN), TB_EAUDIO_TEXT);
    assert_int_equal(ear.asked, 0);
    ear.words = 0;
    assert_int_equal(check("... --- !!! ***", TB_LANG_EN), TB_EAUDIO_TEXT);
    assert_non_null(strstr(err.text, "no words"));
    assert_int_equal(check("... --- !!! ***", TB_LANG_AUTO), TB_OK); /* nothing says which language to read it in */
    assert_int_equal(out.lang, TB_LANG_AUTO);
}

static void another_language_is_refused_when_the_recording_says_so_too(void **state)
{
    (void)state;
    ear.match[TB_LANG_FR] = 0.9f;
    ear.match[TB_LANG_EN] = 0.02f;
    assert_int_equal(check(french, TB_LANG_EN), TB_EAUDIO_TEXT);
    assert_non_null(strstr(err.text, "French is spoken, not English"));
    ear.match[TB_LANG_EN] = 0.2f; /* it might be either */
    assert_int_equal(check(french, TB_LANG_EN), TB_OK);
    assert_string_equal(out.reason, "undecided");
    assert_int_equal(out.lang, TB_LANG_EN);
    ear.match[TB_LANG_FR] = ear.match[TB_LANG_EN] = 0.02f; /* it is neither: the text is wrong */
    assert_int_equal(check(french, TB_LANG_EN), TB_EAUDIO_TEXT);
    assert_non_null(strstr(err.text, "not what is said"));
}

static void another_script_is_another_language(void **state)
{
    (void)state;
    ear.match[TB_LANG_EN] = ear.match[TB_LANG_ZH] = ear.match[TB_LANG_RU] = 0.9f;
    assert_int_equal(check(english, TB_LANG_ZH), TB_EAUDIO_TEXT);
    assert_non_null(strstr(err.text, "English is spoken, not Chinese"));
    assert_int_equal(check("我们使用 Windows 和 Linux 操作系统。", TB_LANG_ZH), TB_OK);
    ear.match[TB_LANG_EN] = 0;
    assert_int_equal(check(russian, TB_LANG_EN), TB_EAUDIO_TEXT);
    assert_int_equal(check(russian, TB_LANG_RU), TB_OK);
    assert_int_equal(check(russian, TB_LANG_AUTO), TB_OK);
    assert_int_equal(out.lang, TB_LANG_RU);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_text_that_fits_is_taken, set_up),
        cmocka_unit_test_setup(one_that_does_not_is_refused_with_the_numbers, set_up),
        cmocka_unit_test_setup(a_doubtful_one_is_taken_with_advice, set_up),
        cmocka_unit_test_setup(the_limit_is_the_same_in_all_languages, set_up),
        cmocka_unit_test_setup(an_engine_that_cannot_tell_accepts, set_up),
        cmocka_unit_test_setup(impossible_lengths_and_texts_without_words, set_up),
        cmocka_unit_test_setup(another_language_is_refused_when_the_recording_says_so_too, set_up),
        cmocka_unit_test_setup(another_script_is_another_language, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
