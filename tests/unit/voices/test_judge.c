/* test_judge.c - what is refused, with which code and words, and what is only advised. */
#include "voices/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct tb_quality good = { .speech_s = 12, .pause_s = 0.5F, .level_db = -24, .clipped = 0.0001F,
                                        .snr_db = 35, .band_hz = 11850 };

static void good_sound_has_no_advice(void **state)
{
    struct tb_advice advice = { 0 };

    (void)state;
    assert_int_equal(tb_judge_sound(&good, &advice, NULL), TB_OK);
    assert_int_equal(advice.count, 0);
}

/* Just inside each limit, and just outside; the words name value and limit. */
static void each_limit_is_kept_and_named(void **state)
{
    static const struct {
        size_t at;
        float refused, advised, fine;
        enum tb_code code;
        const char *kind, *value, *limit;
    } cases[] = {
        { offsetof(struct tb_quality, snr_db), 3.9F, 4.1F, 18.1F, TB_EAUDIO_QUALITY, "noise", "3.9 dB",
          "4 dB is the least" },
        { offsetof(struct tb_quality, level_db), -60.4F, -59.6F, -44.9F, TB_EAUDIO_QUALITY, "level", "-60.4 dBFS",
          "-60 dBFS is the least" },
        { offsetof(struct tb_quality, clipped), 0.31F, 0.29F, 0.004F, TB_EAUDIO_QUALITY, "clipping", "31.0 %",
          "30 % is the most" },
        { offsetof(struct tb_quality, band_hz), 4100, 4700, 7100, TB_EAUDIO_RATE, "band", "4100 Hz",
          "4600 Hz is the least" },
        { offsetof(struct tb_quality, pause_s), 0, 2.1F, 1.9F, TB_OK, "pause", "2.1 s", "2 s" },
        { offsetof(struct tb_quality, speech_s), 0, 3.1F, 6.1F, TB_OK, "short", "3.1 s", "6 s" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tb_advice advice = { 0 };
        struct tb_error err = { 0 };
        struct tb_quality q = good;
        float *value = (float *)(void *)((char *)&q + cases[i].at);

        *value = cases[i].fine;
        assert_int_equal(tb_judge_sound(&q, &advice, &err), TB_OK);
        assert_int_equal(advice.count, 0);
        *value = cases[i].advised;
        assert_int_equal(tb_judge_sound(&q, &advice, &err), TB_OK);
        assert_int_equal(advice.count, 1);
        assert_string_equal(advice.item[0].kind, cases[i].kind);
        if (cases[i].code) {
            *value = cases[i].refused;
            assert_int_equal(tb_judge_sound(&q, &advice, &err), cases[i].code);
        } else {
            strcpy(err.text, advice.item[0].text);
        }
        if (!strstr(err.text, cases[i].value) || !strstr(err.text, cases[i].limit))
            fail_msg("'%s' lacks '%s' or '%s'", err.text, cases[i].value, cases[i].limit);
    }
}

static void too_little_speech_is_left_to_the_engine(void **state)
{
    struct tb_quality q = { .speech_s = 2.9F, .level_db = -120 };
    struct tb_advice advice = { 0 };

    (void)state;
    assert_int_equal(tb_judge_sound(&q, &advice, NULL), TB_OK);
    assert_int_equal(advice.count, 0);
}

static void all_faults_at_once_are_all_said(void **state)
{
    const struct tb_quality q = { 4, 3, -50, 0.1F, 10, 5000 };
    struct tb_advice advice = { 0 };

    (void)state;
    assert_int_equal(tb_judge_sound(&q, &advice, NULL), TB_OK);
    assert_int_equal(advice.count, 6);
    for (size_t i = 0; i < advice.count; i++)
        assert_in_range(strlen(advice.item[i].text), 20, TB_ADVICE_TEXT - 2); /* none is cut off */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_sound_has_no_advice),
        cmocka_unit_test(each_limit_is_kept_and_named),
        cmocka_unit_test(too_little_speech_is_left_to_the_engine),
        cmocka_unit_test(all_faults_at_once_are_all_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
