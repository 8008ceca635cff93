/* Which of a segment's silence is heard: tries that are made up, one letter a frame. */
#include "golden.h"

#include "engine/qwen3/lead.h"

enum { LEN = 3, MOST = 200 };

struct heard {
    char text[MOST + 1];
    int n, most; /* 0: no end */
};

static bool listen(void *ctx, const float *samples, size_t len)
{
    struct heard *h = ctx;

    assert_int_equal(len, LEN);
    assert_true(h->n < MOST);
    h->text[h->n++] = (char)samples[1];
    return h->most == 0 || h->n < h->most;
}

/* Tries of one segment: small letters are silence, capitals are heard. "|" ends a try that has failed, "." the segment
 * by itself. Returns false when the listener stopped. */
static bool speak(struct tb_q3_lead *l, const char *frames, struct heard *h)
{
    struct tb_sink sink = { .pcm = listen, .ctx = h };
    bool heard = false, go_on = true;

    tb_q3_lead_segment(l);
    for (; go_on && *frames; frames++) {
        float samples[LEN] = { 0, (float)*frames, 0 };

        heard |= *frames >= 'A' && *frames <= 'Z';
        if (*frames == '|')
            tb_q3_lead_again(l);
        else if (*frames == '.')
            go_on = tb_q3_lead_end(l, &sink);
        else
            go_on = tb_q3_lead_frame(l, samples, heard, &sink);
    }
    return go_on;
}

static void silence_of_failed_tries_is_not_heard(void **state)
{
    static const struct { const char *frames, *heard; } cases[] = {
        { "Ab.", "Ab" },
        { "abC.", "abC" },
        { "abcdefGhij.", "abcdefGhij" },                /* what was held back comes with what is heard */
        { "abcdefghi.", "abcdefghi" },                  /* or at the end */
        { "abcdefghijklm|nopqrstuV.", "abcdrstuV" },    /* the second try's silence is as long as it should be */
        { "abcdefgh|nO.", "abcdO" },                    /* but what has gone out cannot be taken back */
        { "ab|mnopqR.", "abopqR" },
        { "abcdefgh|ijklmnop|qrstuvwx|.", "abcd" },     /* nothing is ever heard: a pause as at the end of a sentence */
        { "abc.", "abc" },
        { ".", "" },
    };
    struct tb_q3_lead l;

    (void)state;
    assert_int_equal(tb_q3_lead_init(&l, LEN, NULL), TB_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct heard h = { .n = 0 };

        assert_true(speak(&l, cases[i].frames, &h));
        assert_string_equal(h.text, cases[i].heard);
    }
    tb_q3_lead_free(&l);
}

static void as_long_a_silence_as_there_can_be(void **state)
{
    char frames[2 * TB_Q3_SILENT_FRAMES + 2] = { 0 };
    struct heard h = { .n = 0 };
    struct tb_q3_lead l;

    (void)state;
    assert_int_equal(tb_q3_lead_init(&l, LEN, NULL), TB_OK);
    memset(frames, 'a', TB_Q3_SILENT_FRAMES - 1);
    frames[TB_Q3_SILENT_FRAMES - 1] = 'B';
    frames[TB_Q3_SILENT_FRAMES] = '.';
    assert_true(speak(&l, frames, &h));
    assert_int_equal(h.n, TB_Q3_SILENT_FRAMES);
    tb_q3_lead_free(&l);
}

static void a_listener_may_stop_anywhere(void **state)
{
    struct tb_q3_lead l;

    (void)state;
    assert_int_equal(tb_q3_lead_init(&l, LEN, NULL), TB_OK);
    for (int most = 1; most <= 8; most++) {
        struct heard h = { .most = most };

        assert_false(speak(&l, "abcdefgH.", &h));
        assert_int_equal(h.n, most);
    }
    tb_q3_lead_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_of_failed_tries_is_not_heard),
        cmocka_unit_test(as_long_a_silence_as_there_can_be),
        cmocka_unit_test(a_listener_may_stop_anywhere),
    };

    return cmocka_run_group_tests_name("lead", tests, NULL, NULL);
}
