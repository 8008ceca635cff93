/* test_calibrate.c - a style's pitch and a sentence on trial. Skipped without the weights (before `make setup`). */
#include "engine/kokoro/calibrate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/kokoro/surrogate.h"
#include "tensor/cpu.h"

static struct tb_kokoro_model *model;
static struct tb_kokoro_print print;

/* The mean of all stock voices, as a print. */
static int open_model(void **state)
{
    struct tb_surrogate *s;
    float z[TB_SURROGATE_Z] = { 0 };

    (void)state;
    if (tb_kokoro_model_open("var/models/kokoro/kokoro.safetensors", &model, NULL))
        model = NULL;
    if (tb_surrogate_open("assets/kokoro/adapter.safetensors", &s, NULL))
        return -1;
    tb_surrogate_style(s, z, print.style[0], print.prosody);
    tb_surrogate_close(s);
    for (int b = 1; b < TB_KOKORO_BLOCKS; b++)
        memcpy(print.style[b], print.style[0], sizeof print.style[0]);
    print.f0_median_hz = print.f0_style_hz = 180;
    print.speed = 1;
    return tb_tensor_init(NULL, NULL);
}

static int close_model(void **state)
{
    (void)state;
    tb_kokoro_model_close(model);
    return 0;
}

struct counted {
    struct tb_turn turn;
    int pauses;
};

static void count(struct tb_turn *turn)
{
    ((struct counted *)turn)->pauses++;
}

static double power(const struct tb_pcm *pcm)
{
    double sum = 0;

    for (size_t i = 0; i < pcm->len; i++)
        sum += (double)pcm->data[i] * pcm->data[i];
    return sum / (double)pcm->len;
}

static void a_trial_speaks_in_slices_through_the_equaliser(void **state)
{
    struct counted turn = { .turn = { .pause = count } };
    struct tb_pcm loud, quiet;
    struct tb_kokoro_print turned_down = print;

    (void)state;
    if (!model)
        skip();
    assert_int_equal(tb_kokoro_trial(model, NULL, &turn.turn, &print, "ˈA.", &loud, NULL), TB_OK);
    assert_int_equal(loud.rate, 24000);
    assert_true(power(&loud) > 1e-5);
    assert_true(turn.pauses > 40); /* 48 convolutions in the generator */
    for (int b = 0; b < TB_KOKORO_EQ_BANDS; b++)
        turned_down.eq_db[b] = -12;
    assert_int_equal(tb_kokoro_trial(model, NULL, NULL, &turned_down, "ˈA.", &quiet, NULL), TB_OK);
    assert_int_equal(quiet.len, loud.len);
    assert_true(fabs(10 * log10(power(&quiet) / power(&loud)) + 12) < 0.5);
    tb_pcm_free(&loud);
    tb_pcm_free(&quiet);
}

static void pitch_of_a_style_is_a_voices(void **state)
{
    float hz = 0;

    (void)state;
    if (!model)
        skip();
    assert_int_equal(tb_kokoro_style_pitch(model, NULL, NULL, print.prosody, &hz, NULL), TB_OK);
    assert_true(hz > 90 && hz < 260);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_speaks_in_slices_through_the_equaliser),
        cmocka_unit_test(pitch_of_a_style_is_a_voices),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
