/* What the norms take for the numbers of a pass of which they see a part, and which pasts are kept. No weights needed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "engine/kokoro/pasts.h"
#include "tensor/cpu.h"

enum { FRAMES = 8, ROWS = 3 };

static struct tb_scratch scratch;
static struct tb_kokoro_past seen, past;

static void kinds_go_by_energy_and_pitch(void **state)
{
    float f0[2 * 5] = { 0, 0, 120, 120, 120, 120, 12, 15, 12, 15 };
    float energy[2 * 5] = { -9, -9.5f, -8, -8, 9, 20, -9, 3, 9, 9 };
    uint8_t kinds[5];
    float counts[TB_NORMS_KINDS];

    (void)state;
    tb_norms_kinds((struct tb_mat){ f0, 1, 10, 10 }, (struct tb_mat){ energy, 1, 10, 10 }, kinds);
    assert_int_equal(kinds[0], 0);
    assert_int_equal(kinds[1], 6);  /* the softest with pitch */
    assert_int_equal(kinds[2], 14); /* the loudest */
    assert_int_equal(kinds[3], 1);
    assert_int_equal(kinds[4], 5);
    kinds[4] = 0;
    tb_norms_count(kinds, 5, counts);
    assert_true(counts[0] > 1.5f && counts[14] > 0.5f && counts[5] < 0.5f);
}

/* x [ROWS][2 * FRAMES + 1]: in row r, frames of kind 1 hold r + 1 and -r - 1, those of kind 2 five times as much. */
static struct tb_mat signal(const uint8_t *kinds)
{
    static float values[ROWS][2 * FRAMES + 1];

    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c <= 2 * FRAMES; c++) {
            int frame = c / 2 < FRAMES ? c / 2 : FRAMES - 1;

            values[r][c] = (float)(c % 2 ? -r - 1 : r + 1) * (kinds[frame] == 2 ? 5.0f : 1.0f);
        }
    return (struct tb_mat){ values[0], ROWS, 2 * FRAMES + 1, 2 * FRAMES + 1 };
}

/* A past with mean 0 and the squares of kind 1 and 2 that signal() has. */
static void fill(struct tb_kokoro_past *p, float frames)
{
    memset(p, 0, sizeof *p);
    p->frames[1] = p->frames[2] = frames;
    for (int r = 0; r < ROWS; r++) {
        p->square[r][1] = (float)((r + 1) * (r + 1));
        p->square[r][2] = 25.0f * p->square[r][1];
    }
}

static void kinds_count_as_often_as_the_pass_has_them(void **state)
{
    uint8_t kinds[FRAMES] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    struct tb_kokoro_norms n = { .frames = FRAMES, .kinds = kinds, .past = &past, .share = { 0, 0.25f, 0.75f } };
    float mean[ROWS], variance[ROWS];

    (void)state;
    fill(&past, 100);
    assert_int_equal(tb_norms_next(NULL, &scratch, &n, signal(kinds), mean, variance, NULL), TB_OK);
    assert_int_equal(n.at, ROWS);
    for (int r = 0; r < ROWS; r++) {
        float want = 19.0f * (float)((r + 1) * (r + 1)); /* a quarter of 1 and three quarters of 25 */

        assert_true(fabsf(variance[r] - want) < 0.02f * want && fabsf(mean[r]) < 0.02f * (float)(r + 1));
    }
    memset(past.frames, 0, sizeof past.frames); /* of a kind that nobody has seen nothing is known */
    n.at = 0;
    assert_int_equal(tb_norms_next(NULL, &scratch, &n, signal(kinds), mean, variance, NULL), TB_OK);
    assert_true(fabsf(variance[0] - 1.0f) < 0.02f);
}

static void what_is_seen_and_the_past_are_averaged(void **state)
{
    uint8_t kinds[FRAMES] = { 2, 2, 2, 2, 2, 2, 2, 2 };
    struct tb_kokoro_norms n = { .frames = FRAMES, .kinds = kinds, .past = &past, .share = { 0, 0, 1 } };
    float mean[ROWS], variance[ROWS];

    (void)state;
    fill(&past, 100);
    past.square[0][2] = 100.0f; /* and the frames have 25 */
    assert_int_equal(tb_norms_next(NULL, &scratch, &n, signal(kinds), mean, variance, NULL), TB_OK);
    float want = (60.0f * 100.0f + FRAMES * 25.0f) / (60.0f + FRAMES);
    assert_true(fabsf(variance[0] - want) < 0.3f);
}

static void a_pass_is_remembered_by_its_kinds(void **state)
{
    uint8_t kinds[FRAMES] = { 1, 2, 2, 1, 1, 2, 1, 1 };
    struct tb_kokoro_norms n = { .frames = FRAMES, .kinds = kinds, .seen = &seen };
    float mean[ROWS], variance[ROWS];

    (void)state;
    memset(&past, 0, sizeof past);
    assert_int_equal(tb_norms_next(NULL, &scratch, &n, signal(kinds), mean, variance, NULL), TB_OK);
    assert_true(seen.frames[1] > 4.5f && seen.frames[2] < 3.5f && seen.frames[0] < 0.5f);
    assert_true(fabsf(seen.square[1][1] - 4.0f) < 1e-4f && fabsf(seen.square[1][2] - 100.0f) < 1e-3f);
    tb_norms_add(&past, &seen);
    seen.square[1][2] = 200.0f;
    tb_norms_add(&past, &seen);
    assert_true(fabsf(past.square[1][2] - 150.0f) < 1e-3f && past.frames[2] > 5.5f);
}

static float styles[TB_MAX_PASTS + 1][TB_KOKORO_BLOCKS][TB_KOKORO_HALF];

static const float (*style(int voice))[TB_KOKORO_HALF]
{
    return (const float(*)[TB_KOKORO_HALF])styles[voice];
}

/* A past with so many silent frames. */
static void put(struct tb_pasts *pasts, int voice, float frames)
{
    struct tb_kokoro_past *made = calloc(1, sizeof *made);

    assert_non_null(made);
    made->frames[0] = frames;
    tb_pasts_put(pasts, style(voice), made);
}

/* How many frames are silent in the past of a voice; -1: it has none. */
static float silent_frames(struct tb_pasts *pasts, int voice)
{
    struct tb_kokoro_past *known;

    assert_int_equal(tb_pasts_get(pasts, style(voice), &known, NULL), TB_OK);
    float frames = known ? known->frames[0] : -1;
    free(known);
    return frames;
}

static void voices_are_kept_and_forgotten(void **state)
{
    struct tb_pasts *pasts;

    (void)state;
    assert_int_equal(tb_pasts_open(&pasts, NULL), TB_OK);
    for (int v = 0; v <= TB_MAX_PASTS; v++)
        styles[v][12][127] = (float)v;
    assert_false(tb_pasts_known(pasts, style(0)));
    assert_true(silent_frames(pasts, 0) < 0);
    for (int v = 0; v < TB_MAX_PASTS; v++)
        put(pasts, v, (float)v);
    for (int v = 0; v < TB_MAX_PASTS; v++)
        assert_true(fabsf(silent_frames(pasts, v) - (float)v) < 0.5f);
    put(pasts, 1, 100);
    assert_true(silent_frames(pasts, 1) < 50); /* the first one stays */
    assert_true(tb_pasts_known(pasts, style(0))); /* and is asked for later than voice 2 */
    put(pasts, TB_MAX_PASTS, 100);
    assert_false(tb_pasts_known(pasts, style(2)));
    assert_true(tb_pasts_known(pasts, style(0)) && tb_pasts_known(pasts, style(1)));
    assert_true(silent_frames(pasts, TB_MAX_PASTS) > 50);
    tb_pasts_close(pasts);
}

static int open_scratch(void **state)
{
    (void)state;
    return tb_tensor_init(NULL, NULL) || tb_scratch_open(1 << 20, &scratch, NULL);
}

static int close_scratch(void **state)
{
    (void)state;
    tb_scratch_close(&scratch);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_go_by_energy_and_pitch),
        cmocka_unit_test(kinds_count_as_often_as_the_pass_has_them),
        cmocka_unit_test(what_is_seen_and_the_past_are_averaged),
        cmocka_unit_test(a_pass_is_remembered_by_its_kinds),
        cmocka_unit_test(voices_are_kept_and_forgotten),
    };

    return cmocka_run_group_tests(tests, open_scratch, close_scratch);
}
