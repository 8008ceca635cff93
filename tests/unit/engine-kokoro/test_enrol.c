/* test_enrol.c - from samples to a print, and what is no recording of a voice.
 *
 * The encoder's weights are not committed; without them (before `make setup`) these tests are skipped. */
#include "engine/kokoro/enrol.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "engine/kokoro/print.h"
#include "tensor/cpu.h"

static const char model_dir[] = "var/models/kokoro";

/* Opened once: packing the weights takes a while under a sanitizer. NULL when there are none. */
static struct tb_kokoro_enroller *enroller;

static int open_enroller(void **state)
{
    (void)state;
    if (tb_kokoro_enroller_open(model_dir, NULL, NULL, &enroller, NULL))
        enroller = NULL;
    return tb_tensor_init(NULL, NULL);
}

static int close_enroller(void **state)
{
    (void)state;
    tb_kokoro_enroller_close(enroller);
    return 0;
}

#define NEED_WEIGHTS()                \
    do {                              \
        (void)state;                  \
        if (!enroller)                \
            skip();                   \
    } while (0)

static double resonance(double hz, double at, double width)
{
    return 1 / (1 + (hz - at) * (hz - at) / (width * width));
}

/* Something like speech: a buzz of about `hz` with moving formants, four syllables a second, a pause now and then. */
static struct tb_pcm speech(double hz, double seconds, uint32_t rate, double size)
{
    struct tb_pcm pcm;
    double phase = 0;
    unsigned noise = 9;

    assert_int_equal(tb_pcm_alloc(&pcm, (size_t)(seconds * rate), rate, NULL), TB_OK);
    for (size_t i = 0; i < pcm.len; i++) {
        double t = (double)i / rate, v = 0, f0 = hz * (1 + 0.1 * sin(2 * M_PI * 0.6 * t));
        phase += f0 / rate;
        noise = noise * 1664525u + 1013904223u;
        if (fmod(t, 2) < 1.7)
            for (int k = 1; k * f0 < 5000; k++)
                v += sin(2 * M_PI * k * phase) * (resonance(k * f0, 500 + 250 * sin(5 * t), 90) +
                                                  0.5 * resonance(k * f0, 1500 + 500 * sin(7 * t), 140) +
                                                  0.2 * resonance(k * f0, 2700, 200));
        v *= 0.3 * (0.55 - 0.45 * cos(2 * M_PI * 4 * t));
        pcm.data[i] = (float)(size * (v + 0.001 * (noise / 2147483648.0 - 1)));
    }
    return pcm;
}

static enum tb_code enrol(const struct tb_pcm *pcm, struct tb_kokoro_print *print, struct tb_enrol_report *report,
                          struct tb_error *err)
{
    const struct tb_enrol_request req = { .audio = pcm, .lang = TB_LANG_AUTO };
    struct tb_bytes bytes = { 0 };
    enum tb_code rc = tb_kokoro_enrol(enroller, &req, &bytes, report, err);

    if (!rc)
        assert_int_equal(tb_print_read(tb_bytes_str(&bytes), print, NULL), TB_OK);
    tb_bytes_free(&bytes);
    return rc;
}

static double dot(const float *a, const float *b)
{
    double sum = 0;

    for (int i = 0; i < TB_KOKORO_EMBEDDING; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static void measures_a_voice(void **state)
{
    static const double voices[] = { 95, 190 };
    struct tb_kokoro_print print[2];
    struct tb_enrol_report report;

    NEED_WEIGHTS();
    for (int i = 0; i < 2; i++) {
        struct tb_pcm pcm = speech(voices[i], 8, 24000, 1);
        assert_int_equal(enrol(&pcm, &print[i], &report, NULL), TB_OK);
        assert_true(fabs(report.f0_median_hz / voices[i] - 1) < 0.03);
        assert_true(print[i].f0_median_hz == report.f0_median_hz);
        assert_true(report.rate > 3 && report.rate < 5);
        assert_true(report.speech_seconds > 6 && report.speech_seconds <= 8);
        assert_true(report.similarity > 0.3f && report.similarity <= 1);
        assert_true(fabs(dot(print[i].embedding, print[i].embedding) - 1) < 1e-4);
        assert_true(fabs(print[i].speed - report.rate / 5.7) < 0.01); /* what the network says in a second */
        tb_pcm_free(&pcm);
    }
    assert_memory_not_equal(print[0].style, print[1].style, sizeof print[0].style);
    assert_true(print[0].f0_style_hz < print[1].f0_style_hz); /* the style goes a part of the way */
}

static void the_same_recording_gives_the_same_print(void **state)
{
    struct tb_kokoro_print a, b;

    NEED_WEIGHTS();
    struct tb_pcm pcm = speech(140, 4.5, 24000, 1);
    assert_int_equal(enrol(&pcm, &a, NULL, NULL), TB_OK);
    assert_int_equal(enrol(&pcm, &b, NULL, NULL), TB_OK);
    assert_memory_equal(&a, &b, sizeof a);
    tb_pcm_free(&pcm);
}

static void rate_and_level_of_the_recording_matter_little(void **state)
{
    struct tb_kokoro_print a, b, c;

    NEED_WEIGHTS();
    struct tb_pcm loud = speech(140, 4.5, 24000, 0.1), fast = speech(140, 4.5, 48000, 0.1);
    struct tb_pcm quiet = speech(140, 4.5, 24000, 0.003);
    assert_int_equal(enrol(&loud, &a, NULL, NULL), TB_OK);
    assert_int_equal(enrol(&fast, &b, NULL, NULL), TB_OK);
    assert_int_equal(enrol(&quiet, &c, NULL, NULL), TB_OK);
    assert_true(dot(a.embedding, b.embedding) > 0.97);
    assert_true(dot(a.embedding, c.embedding) > 0.99);
    tb_pcm_free(&loud);
    tb_pcm_free(&fast);
    tb_pcm_free(&quiet);
}

static void refuse(struct tb_pcm pcm, const char *text)
{
    struct tb_kokoro_print print;
    struct tb_error err = { 0 };

    assert_int_equal(enrol(&pcm, &print, NULL, &err), TB_EAUDIO_SPEECH);
    if (!strstr(err.text, text))
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
    tb_pcm_free(&pcm);
}

static void what_is_no_voice_is_refused(void **state)
{
    struct tb_pcm pcm;
    unsigned noise = 5;

    NEED_WEIGHTS();
    refuse(speech(140, 2, 24000, 1), "of clear speech, at least 3.0 s");
    assert_int_equal(tb_pcm_alloc(&pcm, 24000 * 6, 24000, NULL), TB_OK);
    refuse(pcm, "0.0 s of clear speech");
    assert_int_equal(tb_pcm_alloc(&pcm, 0, 24000, NULL), TB_OK);
    refuse(pcm, "0.0 s of clear speech");

    assert_int_equal(tb_pcm_alloc(&pcm, 24000 * 6, 24000, NULL), TB_OK);
    for (size_t i = 0; i < pcm.len; i++) {
        noise = noise * 1664525u + 1013904223u;
        pcm.data[i] = (float)(0.1 * (noise / 2147483648.0 - 1));
    }
    refuse(pcm, "of the sound has a voice's pitch");

    assert_int_equal(tb_pcm_alloc(&pcm, 24000 * 6, 24000, NULL), TB_OK);
    for (size_t i = 0; i < pcm.len; i++)
        pcm.data[i] = (float)(0.1 * sin(2 * M_PI * 220 * (double)i / 24000));
    refuse(pcm, "syllables a second");
}

static void wild_samples_do_no_harm(void **state)
{
    struct tb_kokoro_print print;

    NEED_WEIGHTS();
    struct tb_pcm pcm = speech(140, 4.5, 24000, 1);
    pcm.data[5000] = NAN;
    pcm.data[70000] = INFINITY;
    pcm.data[90000] = 1e30f;
    enum tb_code rc = enrol(&pcm, &print, NULL, NULL);
    assert_true(rc == TB_OK || rc == TB_EAUDIO_SPEECH);
    tb_pcm_free(&pcm);
}

static void a_missing_folder_is_named(void **state)
{
    struct tb_kokoro_enroller *e;
    struct tb_error err = { 0 };

    (void)state;
    assert_int_not_equal(tb_kokoro_enroller_open("no/such/folder", NULL, NULL, &e, &err), TB_OK);
    assert_null(e);
    assert_non_null(strstr(err.text, "no/such/folder"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_a_voice),
        cmocka_unit_test(the_same_recording_gives_the_same_print),
        cmocka_unit_test(rate_and_level_of_the_recording_matter_little),
        cmocka_unit_test(what_is_no_voice_is_refused),
        cmocka_unit_test(wild_samples_do_no_harm),
        cmocka_unit_test(a_missing_folder_is_named),
    };
    return cmocka_run_group_tests(tests, open_enroller, close_enroller);
}
