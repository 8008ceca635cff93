/* How prompts begin, shared by generators: what is said has the same bits with and without, another voice finds
 * nothing of it, what was not used for longest goes first, and what is too long is cut. */
#include "model.h"

#include "engine/qwen3/prefix.h"

enum { FRAMES = 5, ROOM = 128, REFERENCE = 6, TEXT = 14 };

static struct model m;

static int setup(void **state)
{
    (void)state;
    if (tb_tensor_init(NULL, NULL))
        return -1;
    model_open(&m, "tiny-0b6");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    model_close(&m);
    return 0;
}

/* Codes that a new generator draws for a voice and a text; both are numbers. */
static void draw(struct tb_q3_prefixes *prefixes, int voice, int text, bool reference, int *codes)
{
    int ids[TEXT], groups = m.config.groups, spoken[REFERENCE * TB_Q3_MAX_GROUPS];
    float speaker[TB_Q3_MAX_VECTOR];
    struct tb_q3_request request = { .text = ids, .text_len = TEXT, .speaker = speaker, .language = -1,
                                     .streaming = true };
    struct tb_q3_options options = { .generation = m.generation, .seed = 3, .eos = m.config.eos, .whole_text = true };
    enum tb_q3_end end = TB_Q3_GOING;
    struct tb_q3_generator *g;
    struct tb_error err;

    for (int i = 0; i < TEXT; i++)
        ids[i] = i < TB_Q3_HEAD || i >= TEXT - TB_Q3_TEXT_TAIL ? 20 + i : 50 + (7 * i + text) % 100;
    for (int i = 0; i < m.config.talker.hidden; i++)
        speaker[i] = sinf((float)(i + 10 * voice));
    for (int i = 0; i < REFERENCE * groups; i++)
        spoken[i] = i * 13 % m.config.codebook;
    if (reference) {
        request.reference = ids;
        request.reference_len = TB_Q3_HEAD + 3 + TB_Q3_REFERENCE_TAIL;
        request.codes = spoken;
        request.frames = REFERENCE;
        ids[TB_Q3_HEAD] = ids[TB_Q3_HEAD + 1] = ids[TB_Q3_HEAD + 2] = 33; /* texts begin alike: the reference must */
    }
    if (tb_q3_generator_open(&m.talker, NULL, ROOM, &g, &err))
        fail_msg("%s", err.text);
    tb_q3_generator_prefixes(g, prefixes);
    for (int twice = 0; twice < 2; twice++) { /* the second time it knows its own prompt */
        if (tb_q3_generator_start(g, &request, &options, &err))
            fail_msg("%s", err.text);
        for (int f = 0; f < FRAMES; f++)
            assert_int_equal(tb_q3_generator_next(g, codes + f * groups, &end, NULL), TB_OK);
        assert_int_equal(end, TB_Q3_GOING);
    }
    tb_q3_generator_close(g);
}

static void what_is_said_is_the_same(void **state)
{
    int alone[FRAMES * TB_Q3_MAX_GROUPS], shared[FRAMES * TB_Q3_MAX_GROUPS], last[FRAMES * TB_Q3_MAX_GROUPS] = { 0 };
    size_t codes = (size_t)(FRAMES * m.config.groups) * sizeof *alone;

    (void)state;
    for (int reference = 0; reference < 2; reference++) {
        struct tb_q3_prefixes *p;
        size_t size = 0;

        assert_int_equal(tb_q3_prefixes_open(1 << 20, &p, NULL), TB_OK);
        for (int i = 0; i < 6; i++) {
            int voice = i / 3, text = i % 3;

            draw(NULL, voice, text, reference, alone);
            draw(p, voice, text, reference, shared);
            assert_memory_equal(alone, shared, codes);
            assert_memory_not_equal(alone, last, codes);
            memcpy(last, alone, codes);
            assert_true(text == 0 ? tb_q3_prefixes_size(p) > size : tb_q3_prefixes_size(p) == size);
            size = tb_q3_prefixes_size(p);
        }
        tb_q3_prefixes_close(p);
    }
}

/* A cache of some tokens whose keys and values are all v. */
static struct tb_q3_cache filled(int rows, float v)
{
    struct tb_q3_cache c;

    assert_int_equal(tb_q3_cache_open(&m.talker.stack, ROOM, &c, NULL), TB_OK);
    c.position = c.held = rows;
    for (int i = 0; i < 2 * c.layers; i++)
        for (int r = 0; r < rows; r++)
            for (int k = 0; k < c.keys[i].cols; k++)
                tb_mat_row(c.keys[i], r)[k] = v + (float)r;
    return c;
}

static int known(struct tb_q3_prefixes *p, struct tb_mat rows, float first)
{
    struct tb_q3_cache c = filled(0, 0);

    rows.p[0] = first;
    int n = tb_q3_prefixes_find(p, rows, &c);
    assert_int_equal(n, c.held);
    for (int r = 0; r < n; r++)
        assert_true(tb_mat_row(c.keys[2 * c.layers - 1], r)[1] == first + (float)r);
    tb_q3_cache_close(&c);
    return n;
}

static void what_was_not_used_for_longest_goes(void **state)
{
    enum { ROWS = 10, VOICES = 6 };
    int hidden = m.config.talker.hidden;
    struct tb_mat rows = { calloc((size_t)(ROWS * hidden), sizeof(float)), ROWS, hidden, hidden };
    struct tb_q3_prefixes *p;
    size_t one;

    (void)state;
    assert_non_null(rows.p);
    assert_int_equal(tb_q3_prefixes_open(1 << 24, &p, NULL), TB_OK);
    for (int again = 0; again < 2; again++) {
        struct tb_q3_cache c = filled(ROWS, 1);

        rows.p[0] = 1;
        tb_q3_prefixes_keep(p, tb_mat_rows(rows, 0, ROWS - 1), &c); /* what is there is not there twice */
        one = tb_q3_prefixes_size(p);
        tb_q3_cache_close(&c);
    }
    assert_int_equal(known(p, rows, 1), ROWS - 1);
    assert_int_equal(known(p, tb_mat_rows(rows, 0, ROWS - 1), 1), 0); /* never all of a prompt */
    tb_q3_prefixes_close(p);

    assert_int_equal(tb_q3_prefixes_open(5 * one - 1, &p, NULL), TB_OK); /* four */
    for (int v = 1; v <= VOICES; v++) {
        struct tb_q3_cache c = filled(ROWS, (float)v);

        rows.p[0] = (float)v;
        tb_q3_prefixes_keep(p, tb_mat_rows(rows, 0, ROWS - 1), &c);
        assert_true(tb_q3_prefixes_size(p) <= 5 * one - 1);
        assert_int_equal(known(p, rows, 1), ROWS - 1); /* used all the time */
        tb_q3_cache_close(&c);
    }
    assert_int_equal(known(p, rows, 2), 0);
    assert_int_equal(known(p, rows, 3), 0);
    assert_int_equal(known(p, rows, 4), ROWS - 1);
    assert_int_equal(known(p, rows, VOICES), ROWS - 1);
    tb_q3_prefixes_close(p);

    assert_int_equal(tb_q3_prefixes_open(2 * one, &p, NULL), TB_OK); /* a quarter is half of one */
    struct tb_q3_cache c = filled(ROWS, 7);
    rows.p[0] = 7;
    tb_q3_prefixes_keep(p, tb_mat_rows(rows, 0, ROWS - 1), &c);
    assert_int_equal(known(p, rows, 7), (ROWS - 1) / 2);
    tb_q3_cache_close(&c);
    tb_q3_prefixes_close(p);
    free(rows.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_is_the_same),
        cmocka_unit_test(what_was_not_used_for_longest_goes),
    };

    return cmocka_run_group_tests_name("prefix", tests, setup, teardown);
}
