/* A segment of text as frames, with tiny models: the cap, the seed, another try after silence, an end after a loop;
 * several in one go. */
#include "model.h"

#include "engine/qwen3/segment.h"

static struct model m;
static struct tb_q3_bpe *bpe;
static struct tb_q3_print print;
static struct tb_q3_generator *generator;

static int setup(void **state)
{
    char folder[4096 + 64];

    (void)state;
    model_open(&m, "tiny-1b7"); /* its end is never likely: all is left to the guards */
    snprintf(folder, sizeof folder, "%s/models/tiny-1b7", golden_folder());
    print.width = m.config.talker.hidden;
    for (int i = 0; i < print.width; i++)
        print.speaker[i] = 0.5f * sinf((float)i);
    return tb_q3_bpe_open(folder, m.config.im_start, &bpe, NULL) ||
                   tb_q3_generator_open(&m.talker, NULL, tb_q3_segment_room(&print, &m.config), &generator, NULL)
               ? -1
               : 0;
}

static int teardown(void **state)
{
    (void)state;
    tb_q3_generator_close(generator);
    tb_q3_bpe_close(bpe);
    model_close(&m);
    return 0;
}

static struct tb_q3_segment segment(void)
{
    struct tb_q3_segment s = { .talker = &m.talker, .bpe = bpe, .print = &print, .generator = generator,
                               .generation = m.generation };

    return s;
}

/* Draw at most `most` codes of group 0 into out; returns how many frames there were. */
static int draw(const struct tb_q3_segment *s, int *out, int most)
{
    int codes[TB_Q3_MAX_GROUPS], n = 0;
    struct tb_q3_turn turn = { .codes = codes };

    for (; n < most; n++) {
        tb_q3_segment_next(&s, &turn, 1);
        if (turn.rc)
            fail_msg("%s", turn.err.text);
        if (turn.end != TB_Q3_GOING)
            break;
        out[n] = codes[0];
    }
    return n;
}

static void frames_are_capped_by_the_text(void **state)
{
    struct tb_q3_segment s = segment();
    int codes[400];
    struct tb_error err;

    (void)state;
    s.generation.talker.sample = false; /* greedy, the tiny model does not end */
    assert_int_equal(tb_q3_segment_start(&s, TB_STR("Hello."), TB_LANG_EN, 1, &err), TB_OK);
    int tokens = s.text.n - TB_Q3_HEAD - TB_Q3_TEXT_TAIL;
    assert_int_equal(draw(&s, codes, 400), TB_Q3_FRAMES_SPARE + TB_Q3_FRAMES_PER_TOKEN * tokens);
    tb_q3_segment_free(&s);
}

static void the_seed_repeats_a_segment(void **state)
{
    struct tb_q3_segment s = segment();
    int a[20], b[20], c[20];

    (void)state;
    assert_int_equal(tb_q3_segment_start(&s, TB_STR("Guten Tag."), TB_LANG_DE, 5, NULL), TB_OK);
    assert_int_equal(draw(&s, a, 20), 20);
    assert_int_equal(tb_q3_segment_start(&s, TB_STR(" Guten Tag.\n"), TB_LANG_DE, 5, NULL), TB_OK); /* trimmed */
    assert_int_equal(draw(&s, b, 20), 20);
    assert_int_equal(tb_q3_segment_start(&s, TB_STR("Guten Tag."), TB_LANG_DE, 6, NULL), TB_OK);
    assert_int_equal(draw(&s, c, 20), 20);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    tb_q3_segment_free(&s);
}

static void who_fails_or_ends_does_so_alone(void **state)
{
    enum { N = 3, FRAMES = 6 };
    struct tb_q3_segment s[N] = { segment(), segment(), segment() }, alone = segment();
    const struct tb_q3_segment *all[N] = { &s[0], &s[1], &s[2] };
    struct tb_q3_print broken = print;
    int codes[N][TB_Q3_MAX_GROUPS], want[FRAMES];
    struct tb_q3_turn turns[N];

    (void)state;
    assert_int_equal(tb_q3_segment_start(&alone, TB_STR("Good evening."), TB_LANG_EN, 4, NULL), TB_OK);
    assert_int_equal(draw(&alone, want, FRAMES), FRAMES);
    broken.speaker[3] = NAN;
    s[0].print = &broken;
    s[2].generation.max_frames = 2;
    for (int i = 0; i < N; i++) {
        assert_int_equal(tb_q3_generator_open(&m.talker, NULL, tb_q3_segment_room(&print, &m.config), &s[i].generator,
                                              NULL), TB_OK);
        assert_int_equal(tb_q3_segment_start(&s[i], TB_STR("Good evening."), TB_LANG_EN, 4, NULL), TB_OK);
        turns[i].codes = codes[i];
    }
    for (int f = 0; f < FRAMES; f++) {
        tb_q3_segment_next(all, turns, N);
        assert_int_equal(turns[0].rc, TB_EINTERNAL);
        assert_int_equal(turns[1].rc, TB_OK);
        assert_int_equal(codes[1][0], want[f]);
        assert_int_equal(turns[2].end, f < 2 ? TB_Q3_GOING : TB_Q3_CAP);
    }
    for (int i = 0; i < N; i++) {
        tb_q3_generator_close(s[i].generator);
        tb_q3_segment_free(&s[i]);
    }
    tb_q3_segment_free(&alone);
}

static void silence_is_tried_again_and_then_ends(void **state)
{
    static const float silence[10], sound[10] = { 0.5f };
    struct tb_q3_segment s = segment();
    bool again = false, over = false;
    int code = 0, frames = 0, tries = 0;

    (void)state;
    assert_int_equal(tb_q3_segment_start(&s, TB_STR("Hello, and good evening to all of you."), TB_LANG_AUTO, 9, NULL),
                     TB_OK);
    for (; !over && draw(&s, &code, 1) == 1; frames++) {
        assert_int_equal(tb_q3_segment_heard(&s, code, silence, 10, &again, &over, NULL), TB_OK);
        tries += again;
    }
    assert_true(over);
    assert_int_equal(tries, TB_Q3_RETRIES);
    assert_int_equal(frames, (TB_Q3_RETRIES + 1) * TB_Q3_SILENT_FRAMES);
    assert_int_equal(s.seed, 9 + TB_Q3_RETRIES);

    assert_int_equal(tb_q3_segment_start(&s, TB_STR("Hello, and good evening to all of you."), TB_LANG_AUTO, 9, NULL),
                     TB_OK);
    assert_int_equal(draw(&s, &code, 1), 1);
    assert_int_equal(tb_q3_segment_heard(&s, code, sound, 10, &again, &over, NULL), TB_OK);
    for (frames = 0; !over && draw(&s, &code, 1) == 1; frames++) {
        assert_int_equal(tb_q3_segment_heard(&s, code, silence, 10, &again, &over, NULL), TB_OK);
        assert_false(again); /* what was heard cannot be said anew */
    }
    assert_int_equal(frames, TB_Q3_SILENT_FRAMES);
    tb_q3_segment_free(&s);
}

static void in_context_reads_the_reference_first(void **state)
{
    struct tb_q3_segment s = segment();
    struct tb_q3_print with = print;
    int a[8], b[8];

    (void)state;
    assert_int_equal(tb_q3_segment_start(&s, TB_STR("Yes."), TB_LANG_EN, 3, NULL), TB_OK);
    assert_int_equal(draw(&s, a, 8), 8);
    with.groups = m.config.groups;
    with.frames = 6;
    with.codes = calloc((size_t)(with.groups * with.frames), sizeof *with.codes);
    assert_non_null(with.codes);
    assert_int_equal(tb_bytes_addz(&with.text, "One small step."), TB_OK);
    s.print = &with;
    assert_int_equal(tb_q3_segment_start(&s, TB_STR("Yes."), TB_LANG_EN, 3, NULL), TB_OK);
    assert_true(s.reference.n > 0);
    assert_int_equal(draw(&s, b, 8), 8);
    assert_memory_not_equal(a, b, sizeof a);
    free(with.codes);
    tb_bytes_free(&with.text);
    tb_q3_segment_free(&s);
}

static void text_to_speak_has_a_letter_or_a_digit(void **state)
{
    (void)state;
    assert_true(tb_q3_speakable(TB_STR("... 7")));
    assert_true(tb_q3_speakable(TB_STR("\xe5\xa5\xbd")));
    assert_false(tb_q3_speakable(TB_STR(" -- !? \xe2\x80\xa6\xf0\x9f\x98\x80")));
    assert_false(tb_q3_speakable(TB_STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_capped_by_the_text),
        cmocka_unit_test(the_seed_repeats_a_segment),
        cmocka_unit_test(who_fails_or_ends_does_so_alone),
        cmocka_unit_test(silence_is_tried_again_and_then_ends),
        cmocka_unit_test(in_context_reads_the_reference_first),
        cmocka_unit_test(text_to_speak_has_a_letter_or_a_digit),
    };

    return cmocka_run_group_tests_name("segment", tests, setup, teardown);
}
