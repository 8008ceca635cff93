/* test_listen.c - phonemes to sounds, sounds along frames, the ear against tools/transcript, and the match of a right
 * and of wrong texts on what the ear heard of a sentence. */
#include "engine/kokoro/listen.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "engine/kokoro/align.h"
#include "tensor/cpu.h"

enum { WAVE = 8000, HEARD = 400 /* more frames than the golden sentence has */ };

static struct tb_listener listener;

static int open_listener(void **state)
{
    (void)state;
    struct tb_error err = { 0 };
    int rc = tb_tensor_init(NULL, NULL) || tb_listener_open("assets/kokoro", &listener, &err);

    if (rc)
        print_error("%s\n", err.text);
    return rc;
}

static int close_listener(void **state)
{
    (void)state;
    tb_listener_close(&listener);
    return 0;
}

static size_t read_floats(const char *name, float *out, size_t most)
{
    char path[100];
    snprintf(path, sizeof path, "tests/golden/ear/%s", name);
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    size_t n = fread(out, sizeof *out, most, f);
    fclose(f);
    return n;
}

static struct tb_chain chain_of(const char *phonemes)
{
    struct tb_chain c;

    assert_int_equal(tb_chain_make(tb_str_of(phonemes), &c, NULL), TB_OK);
    return c;
}

static void expect_chain(const char *phonemes, const char *wanted)
{
    struct tb_chain c = chain_of(phonemes);
    char got[200] = "";

    for (size_t i = 0; i < c.count; i++)
        strcat(got, tb_sound_name(c.sound[i]));
    assert_string_equal(got, wanted);
    tb_chain_free(&c);
}

static void phonemes_become_sounds(void **state)
{
    (void)state;
    expect_chain("hˈɛlO wˈɜɹld.", "_hɛloʊ_wɜɹld_");
    expect_chain("ni↗ xau↓", "_ni_xau_");
    expect_chain("ka→ma", "_kama_");
    expect_chain("bɔ̃ʒˈuʁ — ", "_bɔʒuʁ_");
    expect_chain("kʲeː “rːa”", "_ke_ɾa_");
    expect_chain("", "_");
    expect_chain(" ., !", "_");
    expect_chain("12 \xff\xc3", "_");
    for (int i = 0; i < TB_SOUNDS; i++)
        assert_true(strlen(tb_sound_name(i)) > 0);
    assert_string_equal(tb_sound_name(TB_SOUNDS), "");
}

static void words_are_counted(void **state)
{
    (void)state;
    struct tb_chain c = chain_of("ðə kˈæt, sˈæt.");

    assert_int_equal(c.words, 3);
    assert_int_equal(c.sounds, 8);
    assert_int_equal(c.word[1], 0);
    assert_int_equal(c.word[c.count - 2], 2);
    tb_chain_free(&c);
}

static void a_text_without_end_is_refused(void **state)
{
    (void)state;
    char *text = malloc(TB_MAX_CHAIN + 1);
    struct tb_chain c;

    memset(text, 'a', TB_MAX_CHAIN);
    text[TB_MAX_CHAIN] = 0;
    assert_int_equal(tb_chain_make(tb_str_of(text), &c, NULL), TB_ETOOBIG);
    assert_null(c.sound);
    free(text);
}

/* Scores of frames that clearly sound like the letters of `heard`, one letter a frame. */
static size_t scores_of(const char *heard, float (*out)[TB_SOUNDS])
{
    struct tb_str s = tb_str_of(heard);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++, n++)
        for (int k = 0; k < TB_SOUNDS; k++)
            out[n][k] = tb_sound_name(k)[0] == heard[i] && !tb_sound_name(k)[1] ? 0 : -5;
    return n;
}

static void a_text_is_laid_along_the_frames(void **state)
{
    (void)state;
    float scores[20][TB_SOUNDS];
    struct tb_chain c = chain_of("ba ti");
    size_t n = scores_of("__bbaa_tiii", scores);
    const uint16_t wanted[] = { 0, 0, 1, 1, 2, 2, 3, 4, 5, 5, 5 };
    uint16_t path[20];

    assert_int_equal(tb_align(scores[0], n, &c, path, NULL), TB_OK);
    assert_memory_equal(path, wanted, sizeof wanted);
    n = scores_of("bati", scores); /* the silences are passed over */
    assert_int_equal(tb_align(scores[0], n, &c, path, NULL), TB_OK);
    assert_int_equal(path[1], 2);
    assert_int_equal(path[2], 4);
    assert_int_equal(tb_align(scores[0], 3, &c, path, NULL), TB_EINVAL);
    assert_int_equal(tb_align(scores[0], 0, &c, path, NULL), TB_EINVAL);
    tb_chain_free(&c);
    c = chain_of("");
    assert_int_equal(tb_align(scores[0], n, &c, path, NULL), TB_OK);
    assert_int_equal(path[n - 1], 0);
    tb_chain_free(&c);
}

static void without_a_text_the_best_sounds_are_found(void **state)
{
    (void)state;
    float scores[20][TB_SOUNDS];
    size_t n = scores_of("__bbataa_ti", scores);
    uint8_t path[20];

    assert_int_equal(tb_align_free(scores[0], n, 1, path, NULL), TB_OK);
    for (size_t t = 0; t < n; t++)
        assert_int_equal(tb_sound_name(path[t])[0], "__bbataa_ti"[t]);
    /* changes are dear: one frame is not worth two */
    assert_int_equal(tb_align_free(scores[0], n, 4, path, NULL), TB_OK);
    assert_string_equal(tb_sound_name(path[5]), "a");
}

static void the_ear_hears_what_the_trainer_heard(void **state)
{
    (void)state;
    float *wave = malloc(WAVE * sizeof *wave), *wanted = malloc(100 * TB_SOUNDS * sizeof *wanted);
    float *got = malloc(100 * TB_SOUNDS * sizeof *got), worst = 0;
    size_t len = read_floats("wave.f32", wave, WAVE), n = read_floats("logs.f32", wanted, 100 * TB_SOUNDS);

    assert_int_equal(n, tb_ear_frames(len) * TB_SOUNDS);
    assert_int_equal(tb_ear_hear(listener.ear, NULL, wave, len, got, NULL), TB_OK);
    for (size_t i = 0; i < n; i++)
        worst = fmaxf(worst, fabsf(got[i] - wanted[i]));
    if (worst > 2e-3f)
        fail_msg("%g off", (double)worst);
    for (size_t i = 0; i < len; i++)
        wave[i] *= 0.01f; /* gain drops out */
    assert_int_equal(tb_ear_hear(listener.ear, NULL, wave, len, got, NULL), TB_OK);
    for (size_t i = 0; i < n; i++)
        assert_true(fabsf(got[i] - wanted[i]) < 0.01f);
    free(wave);
    free(wanted);
    free(got);
}

static void any_samples_give_probabilities(void **state)
{
    (void)state;
    static float wave[1600], logs[20 * TB_SOUNDS];

    for (int kind = 0; kind < 3; kind++)
        for (size_t len = 0; len <= 1600; len += 400) {
            for (size_t i = 0; i < len; i++)
                wave[i] = kind == 0 ? 0 : kind == 1 ? 16 : (float)((i * 7919) % 33) - 16;
            assert_int_equal(tb_ear_hear(listener.ear, NULL, wave, len, logs, NULL), TB_OK);
            for (size_t t = 0; t < tb_ear_frames(len); t++) {
                double sum = 0;
                for (int k = 0; k < TB_SOUNDS; k++)
                    sum += exp((double)logs[t * TB_SOUNDS + (size_t)k]);
                assert_true(fabs(sum - 1) < 1e-4);
            }
        }
}

static float match_of(const float *logs, size_t frames, const char *phonemes)
{
    struct tb_chain c = chain_of(phonemes);
    float fit[TB_FIT_COUNT];

    assert_int_equal(tb_listener_fit(&listener, logs, frames, &c, fit, NULL), TB_OK);
    for (int i = 0; i < TB_FIT_COUNT; i++)
        assert_true(isfinite(fit[i]));
    tb_chain_free(&c);
    return tb_listener_match(&listener, fit);
}

/* "The quick brown fox jumps over the lazy dog near the river bank." */
static void the_right_text_matches_and_others_do_not(void **state)
{
    (void)state;
    static float logs[HEARD * TB_SOUNDS];
    size_t frames = read_floats("sentence.f32", logs, HEARD * TB_SOUNDS) / TB_SOUNDS;
    float right = match_of(logs, frames, "ðə kwˈɪk bɹˈWn fˈɑks ʤˈʌmps ˈOvəɹ ðə lˈAzi dˈɔɡ nˌɪɹ ðə ɹˈɪvəɹ bˈæŋk.");
    float words = match_of(logs, frames, "ðə kwˈɪk ɡɹˈin hˈWs ʤˈʌmps ˈOvəɹ ə mˈʌnθ dˈɔɡ fɹʌm ðə sˈɛntəɹ bˈæŋk.");
    float wrong = match_of(logs, frames, "wi hæv sˈin hˌW kwˈIətli ðə mˈɔɹnɪŋ kˈAm ənd wˈɛnt əwˈA əɡˈɛn.");

    assert_true(frames > 100);
    assert_true(right > 0.5f);
    assert_true(words < right - 0.2f);
    assert_true(wrong < 0.05f);
    assert_true(match_of(logs, frames, "") < right);
    assert_true(match_of(logs, frames, "a") < 0.5f);
}

static void files_that_are_no_ear_are_refused(void **state)
{
    (void)state;
    struct tb_weights *weights;
    struct tb_listener l;
    struct tb_ear *ear;
    struct tb_error err;

    assert_int_not_equal(tb_listener_open("tests/golden/ear", &l, &err), TB_OK);
    assert_null(l.ear);
    assert_int_equal(tb_weights_open("assets/kokoro/adapter.safetensors", &weights, NULL), TB_OK);
    assert_int_not_equal(tb_ear_open(weights, &ear, &err), TB_OK);
    assert_non_null(strstr(err.text, "input.weight"));
    assert_null(ear);
    tb_weights_close(weights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phonemes_become_sounds),
        cmocka_unit_test(words_are_counted),
        cmocka_unit_test(a_text_without_end_is_refused),
        cmocka_unit_test(a_text_is_laid_along_the_frames),
        cmocka_unit_test(without_a_text_the_best_sounds_are_found),
        cmocka_unit_test(the_ear_hears_what_the_trainer_heard),
        cmocka_unit_test(any_samples_give_probabilities),
        cmocka_unit_test(the_right_text_matches_and_others_do_not),
        cmocka_unit_test(files_that_are_no_ear_are_refused),
    };
    return cmocka_run_group_tests(tests, open_listener, close_listener);
}
