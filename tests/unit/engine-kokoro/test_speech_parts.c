/* What a session does around the network: passes, trimming, intonation. No weights needed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/kokoro/intonation.h"
#include "engine/kokoro/passes.h"
#include "engine/kokoro/trim.h"

static void phonemes_become_tokens_and_unknown_ones_vanish(void **state)
{
    struct tb_bytes tokens = { 0 }, without = { 0 };

    (void)state;
    assert_int_equal(tb_passes_tokens(TB_STR("h\xC9\x9Bl\xCB\x88O."), &tokens), TB_OK);
    assert_int_equal(tokens.size, 6);
    assert_int_equal(tb_passes_tokens(TB_STR("h\xC9\x9B\xE2\x98\x83l\xCB\x88O."), &without), TB_OK); /* a snowman */
    assert_int_equal(without.size, 6);
    assert_memory_equal(tokens.data, without.data, 6);
    assert_true(tb_passes_sounds(tokens.data, tokens.size));
    assert_false(tb_passes_sounds(tokens.data + 5, 1));
    assert_false(tb_passes_sounds(tokens.data, 0));
    tb_bytes_free(&tokens);
    tb_bytes_free(&without);
}

/* 150 sounds, a mark, a space, 150 sounds, a mark. */
static size_t long_text(const char *mark, uint8_t *tokens)
{
    struct tb_bytes b = { 0 };
    size_t n;

    for (int half = 0; half < 2; half++) {
        for (int i = 0; i < 150; i++)
            tb_bytes_addz(&b, i % 10 == 9 ? " " : "a");
        tb_bytes_addz(&b, mark);
        tb_bytes_addz(&b, half ? "" : " ");
    }
    struct tb_bytes out = { 0 };
    assert_int_equal(tb_passes_tokens(tb_bytes_str(&b), &out), TB_OK);
    n = out.size;
    memcpy(tokens, out.data, n);
    tb_bytes_free(&b);
    tb_bytes_free(&out);
    return n;
}

static void long_segments_are_cut_where_one_would_pause(void **state)
{
    uint8_t tokens[400];
    size_t n = long_text(".", tokens), first = tb_passes_next(tokens, n, TB_PASS_TOKENS);

    (void)state;
    assert_int_equal(first, 151); /* at the end of the sentence, not at the last space before 200 */
    assert_int_equal(tb_passes_pause(tokens, first), TB_PAUSE_SENTENCE);
    n = long_text(",", tokens);
    first = tb_passes_next(tokens, n, TB_PASS_TOKENS);
    assert_int_equal(first, 151);
    assert_int_equal(tb_passes_pause(tokens, first), TB_PAUSE_COMMA);
    n = long_text("", tokens);
    first = tb_passes_next(tokens, n, TB_PASS_TOKENS);
    assert_true(first > TB_PASS_TOKENS - 10 && first <= TB_PASS_TOKENS);
    assert_int_equal(tb_passes_pause(tokens, first), TB_PAUSE_NONE);
    memset(tokens, tokens[0], sizeof tokens); /* no place to cut at all */
    assert_int_equal(tb_passes_next(tokens, sizeof tokens, TB_PASS_TOKENS), TB_PASS_TOKENS);
    assert_int_equal(tb_passes_next(tokens, 7, TB_PASS_TOKENS), 7);
    assert_int_equal(tb_passes_next(tokens, sizeof tokens, 60), TB_PASS_TOKENS);
    assert_int_equal(tb_passes_next(tokens, TB_PASS_FIRST, TB_PASS_FIRST), TB_PASS_FIRST);
    assert_int_equal(tb_passes_next(tokens, sizeof tokens, TB_PASS_FIRST), TB_PASS_TOKENS); /* no mark to end at */
}

static void a_pass_that_should_be_short_ends_at_the_mark_nearest_to_the_wish(void **state)
{
    uint8_t tokens[400];
    size_t n = long_text(",", tokens); /* commas after 150 and 301 */

    (void)state;
    assert_int_equal(tb_passes_next(tokens, n, 199), 151);
    assert_int_equal(tb_passes_next(tokens, n, 60), 151); /* the next one, where there is none before */
    assert_int_equal(tb_passes_next(tokens + 100, n - 100, 60), 51);
    assert_int_equal(tb_passes_next(tokens + 151, 100, 60), 100); /* not between two words */
    assert_int_equal(tb_passes_next(tokens, 40, 60), 40);
    assert_int_equal(tb_passes_next(tokens, 0, 60), 0);
}

static void an_opening_ends_with_a_word_and_leaves_enough(void **state)
{
    uint8_t tokens[400];
    size_t n = long_text("", tokens), opening = tb_passes_opening(tokens, n); /* spaces after 9, 19, 29, 39 */

    (void)state;
    assert_int_equal(opening, 39);
    assert_int_equal(tb_passes_opening(tokens, opening + 16), opening + 16);
    assert_int_equal(tb_passes_opening(tokens, opening + 17), opening);
    assert_int_equal(tb_passes_opening(tokens, 0), 0);
    memset(tokens, tokens[0], sizeof tokens); /* one endless word */
    assert_int_equal(tb_passes_opening(tokens, 200), 200);
    assert_true(opening > 2 * TB_PASS_UNSURE);
}

static void silence_is_cut_and_the_cuts_are_soft(void **state)
{
    enum { LEN = 48000, FROM = 12000, TO = 30000 };
    static float pcm[LEN];
    size_t from, n;

    (void)state;
    for (int i = 0; i < LEN; i++)
        pcm[i] = i >= FROM && i < TO ? 0.5f * sinf(0.05f * (float)i) : 1e-4f * sinf(0.3f * (float)i);
    tb_trim(pcm, LEN, &from, &n);
    assert_in_range(from, FROM - TB_TRIM_LEAD - 240, FROM - TB_TRIM_LEAD);
    assert_in_range(from + n, TO + TB_TRIM_TAIL - 240, TO + TB_TRIM_TAIL + 240);
    assert_true(pcm[from] == 0.0f && pcm[from + n - 1] == 0.0f);
    memset(pcm, 0, sizeof pcm);
    tb_trim(pcm, LEN, &from, &n);
    assert_int_equal(n, 0);
    tb_trim(pcm, 0, &from, &n);
    assert_int_equal(n, 0);
}

static float filled(struct tb_intonation *t, float *f0, int n, float hz)
{
    for (int i = 0; i < n; i++)
        f0[i] = hz;
    tb_intonation_apply(t, (struct tb_mat){ f0, 1, n, n });
    return f0[0];
}

static void pitch_goes_to_the_target_and_short_phrases_keep_theirs(void **state)
{
    struct tb_intonation t;
    float f0[1000];

    (void)state;
    tb_intonation_init(&t, 200.0f, 100.0f);
    assert_true(fabsf(filled(&t, f0, 50, 200.0f) - 100.0f) < 1.5f);
    assert_true(fabsf(filled(&t, f0, 50, 300.0f) - 150.0f) < 2.0f); /* a high phrase stays high */
    float much = filled(&t, f0, 1000, 300.0f); /* but a voice that is always high is brought down */
    assert_true(fabsf(much - 100.0f) < 2.0f);
}

static void what_is_not_voiced_keeps_its_pitch(void **state)
{
    struct tb_intonation t;
    float f0[3] = { 2.0f, 29.0f, 45.0f };

    (void)state;
    tb_intonation_init(&t, 200.0f, 100.0f);
    tb_intonation_apply(&t, (struct tb_mat){ f0, 1, 3, 3 });
    assert_true(f0[0] == 2.0f && f0[1] == 29.0f);
    assert_true(f0[2] > 25.0f && f0[2] < 45.0f); /* in between: partly */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phonemes_become_tokens_and_unknown_ones_vanish),
        cmocka_unit_test(long_segments_are_cut_where_one_would_pause),
        cmocka_unit_test(a_pass_that_should_be_short_ends_at_the_mark_nearest_to_the_wish),
        cmocka_unit_test(an_opening_ends_with_a_word_and_leaves_enough),
        cmocka_unit_test(silence_is_cut_and_the_cuts_are_soft),
        cmocka_unit_test(pitch_goes_to_the_target_and_short_phrases_keep_theirs),
        cmocka_unit_test(what_is_not_voiced_keeps_its_pitch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
