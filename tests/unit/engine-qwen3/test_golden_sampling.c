/* The sampler against the probabilities that the reference handed to its random numbers: in a real run, and on fixed
 * logits with and without history, with ties at the border of the top-k. Then the draw itself. */
#include "model.h"

/* Scores of the talker after `n` codes of history, as golden_near wants them. */
static void process(const struct model *m, const float *logits, const int32_t *history, int n, struct tb_mat scores)
{
    bool *seen = calloc((size_t)m->config.vocab, sizeof *seen);
    float *work = malloc(2 * (size_t)m->config.vocab * sizeof *work);

    assert_true(seen && work);
    memcpy(scores.p, logits, (size_t)scores.cols * sizeof *logits);
    tb_q3_penalise(history, n, m->generation.talker.penalty, seen, scores.p);
    tb_q3_suppress(n, m->config.eos, m->config.eos, scores.p, scores.cols);
    tb_q3_filter(&m->generation.talker, scores.p, scores.cols, work);
    free(seen);
    free(work);
}

static struct tb_mat matrix(int cols)
{
    struct tb_mat m = { malloc((size_t)cols * sizeof(float)), 1, cols, cols };

    assert_non_null(m.p);
    return m;
}

static void check_predictor(struct golden *g, const struct model *m)
{
    const struct tb_tensor *logits = golden_want(g, "sub_logits");
    int size = m->config.codebook, rows = (int)(logits->len / (size_t)size);
    struct tb_mat scores = matrix(size);
    float *work = malloc(2 * (size_t)size * sizeof *work);

    for (int r = 0; r < rows; r++) {
        memcpy(scores.p, (const float *)logits->data + (size_t)r * (size_t)size, (size_t)size * sizeof(float));
        tb_q3_filter(&m->generation.predictor, scores.p, size, work);
        tb_q3_softmax(scores.p, size);
        golden_near_rows(g, "sub_probs", r, scores);
    }
    free(work);
    free(scores.p);
}

static void check_fixed(struct golden *g, const struct model *m)
{
    static const struct { const char *suffix; int n; } histories[] = { { "h0", 0 }, { "h1", 1 }, { "h9", 9 } };
    static const char *const inputs[] = { "", "_ties" };
    struct tb_mat scores = matrix(m->config.vocab);
    char name[64];

    for (int i = 0; i < 2; i++)
        for (int h = 0; h < 3; h++) {
            snprintf(name, sizeof name, "logits%s", inputs[i]);
            process(m, golden_floats(g, name), golden_ints(g, "history", NULL), histories[h].n, scores);
            snprintf(name, sizeof name, "scores%s_%s", inputs[i], histories[h].suffix);
            golden_near(g, name, scores);
            tb_q3_softmax(scores.p, scores.cols);
            snprintf(name, sizeof name, "probs%s_%s", inputs[i], histories[h].suffix);
            golden_near(g, name, scores);
        }
    free(scores.p);
}

static void check_case(struct golden *g)
{
    struct model m;

    model_open(&m, golden_text(g, "model"));
    if (golden_find(g, "history")) {
        check_fixed(g, &m);
    } else {
        struct tb_mat scores = matrix(m.config.vocab);
        size_t steps = golden_want(g, "logits")->shape[0];

        for (size_t s = 0; s < steps; s++) {
            process(&m, golden_floats(g, "logits") + s * (size_t)m.config.vocab, golden_ints(g, "tokens", NULL), (int)s,
                    scores);
            tb_q3_softmax(scores.p, scores.cols);
            golden_near_rows(g, "probs", (int)s, scores);
        }
        free(scores.p);
    }
    check_predictor(g, &m);
    model_close(&m);
}

static void probabilities_are_those_of_the_reference(void **state)
{
    (void)state;
    golden_each("06_sampling", check_case);
}

static void top_p_keeps_the_likeliest_that_reach_it(void **state)
{
    struct tb_q3_sampling s = { .sample = true, .temperature = 1, .top_p = 0.75f };
    float scores[4] = { logf(0.1f), logf(0.4f), logf(0.2f), logf(0.3f) }, work[8];

    (void)state;
    tb_q3_filter(&s, scores, 4, work);
    assert_true(isinf(scores[0]) && !isinf(scores[1]) && !isinf(scores[2]) && !isinf(scores[3]));
    s.top_p = 0; /* the likeliest stays, whatever happens */
    tb_q3_filter(&s, scores, 4, work);
    assert_true(isinf(scores[0]) && !isinf(scores[1]) && isinf(scores[2]) && isinf(scores[3]));
}

static void draws_follow_the_probabilities_and_repeat_with_the_seed(void **state)
{
    enum { DRAWS = 20000 };
    struct tb_q3_sampling s = { .sample = true, .temperature = 1, .top_p = 1 };
    struct tb_q3_random a = { 7 }, b = { 7 };
    int count[4] = { 0 };
    float work[8];

    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        float scores[4] = { logf(0.1f), -INFINITY, logf(0.6f), logf(0.3f) }, same[4];

        memcpy(same, scores, sizeof same);
        int drawn = tb_q3_draw(&s, &a, scores, 4, work);
        assert_int_equal(drawn, tb_q3_draw(&s, &b, same, 4, work));
        count[drawn]++;
    }
    assert_int_equal(count[1], 0);
    assert_true(fabs(count[0] / (double)DRAWS - 0.1) < 0.015);
    assert_true(fabs(count[2] / (double)DRAWS - 0.6) < 0.015);
}

static void scores_that_are_no_numbers_are_not_drawn_from(void **state)
{
    struct tb_q3_sampling s = { .sample = true, .temperature = 1, .top_p = 1 };
    struct tb_q3_random r = { 1 };
    float nan[2] = { 1, NAN }, none[2] = { -INFINITY, -INFINITY }, work[4];

    (void)state;
    assert_int_equal(tb_q3_draw(&s, &r, nan, 2, work), -1);
    assert_int_equal(tb_q3_draw(&s, &r, none, 2, work), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_are_those_of_the_reference),
        cmocka_unit_test(top_p_keeps_the_likeliest_that_reach_it),
        cmocka_unit_test(draws_follow_the_probabilities_and_repeat_with_the_seed),
        cmocka_unit_test(scores_that_are_no_numbers_are_not_drawn_from),
    };

    return cmocka_run_group_tests_name("golden sampling", tests, NULL, NULL);
}
