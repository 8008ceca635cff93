/* Talker and code predictor against the reference: the prompt's rows, every layer, the logits and hidden states of each
 * step, and the codes that the greedy runs drew, from x-vector and in context, streaming and not, by every kernel.
 *
 * Each frame goes on from the golden codes, so that a near tie that falls the other way spoils nothing behind it; with
 * no such tie this is the same as a free run, which the case with another end makes. */
#include "model.h"

struct run {
    struct golden *g;
    struct model *m;
    int group;     /* of the code predictor's step; 0 outside */
    int steps;
};

/* The reference keeps the predictor's inner states of frame 0 only: row `group` - 1 of these. */
static void look_inside(struct run *r, const char *stage, int i, struct tb_mat m)
{
    struct tb_mat last = tb_mat_rows(m, m.rows - 1, 1);

    if (!golden_find(r->g, "cp_in_frame0"))
        return;
    if (!strcmp(stage, "cp_in"))
        golden_near_rows(r->g, "cp_in_frame0", i == 1 ? 0 : i, m);
    else if (!strcmp(stage, "layer") && i == 0)
        golden_near_rows(r->g, "cp_layer0_frame0", r->group - 1, last);
    else if (!strcmp(stage, "cp_norm"))
        golden_near_rows(r->g, "cp_hidden_frame0", i - 1, last);
}

static void look(void *ctx, const char *stage, int i, struct tb_mat m)
{
    struct run *r = ctx;
    char name[32];

    if (!strcmp(stage, "cp_in"))
        r->group = i;
    if (r->group > 0) {
        if (r->steps == 1)
            look_inside(r, stage, i, m);
        if (!strcmp(stage, "sub_logits")) {
            if (golden_find(r->g, "sub_logits"))
                golden_near_rows(r->g, "sub_logits", (r->steps - 1) * (r->m->config.groups - 1) + i - 1, m);
            r->group = i == r->m->config.groups - 1 ? 0 : r->group;
        }
        return;
    }
    if (!strcmp(stage, "prompt"))
        golden_near(r->g, "prefill_embeds", m);
    else if (!strcmp(stage, "trailing"))
        golden_near(r->g, "trailing_text_hidden", m);
    else if (!strcmp(stage, "pad"))
        golden_near(r->g, "tts_pad_embed", m);
    else if (!strcmp(stage, "norm") && r->steps == 0)
        golden_near(r->g, "prefill_hidden", m);
    else if (!strcmp(stage, "hidden"))
        golden_near_rows(r->g, "step_hidden", r->steps, m);
    else if (!strcmp(stage, "logits"))
        golden_near_rows(r->g, "logits", r->steps++, m);
    else if (!strcmp(stage, "embed"))
        golden_near_rows(r->g, "step_embeds", i, m);
    else if (!strcmp(stage, "layer") && r->steps == 0 && snprintf(name, sizeof name, "prefill_layer%d", i) > 0 &&
             golden_find(r->g, name))
        golden_near(r->g, name, m);
}

static int language_id(const struct golden *g, const struct tb_q3_config *c)
{
    const char *name = golden_text(g, "language");
    enum tb_lang lang;

    assert_true(tb_lang_from_name(tb_str_of(name), &lang));
    return c->language[lang];
}

/* The reference's two best scores for code number `i` were so near that rounding decides. */
static bool near_tie(const struct golden *g, int i)
{
    return golden_find(g, "margin") && golden_floats(g, "margin")[i] < 2e-4f;
}

/* Draw frames of `groups` codes, of which the first `known` are golden; after `frames` there must be no more, for the
 * reason `end`. */
static void check_codes(struct golden *g, struct tb_q3_generator *gen, const int32_t *want, int known, int frames,
                        int groups, enum tb_q3_end end)
{
    int codes[TB_Q3_MAX_GROUPS];
    enum tb_q3_end found;
    struct tb_error err;

    for (int f = 0;; f++) {
        if (tb_q3_generator_next(gen, codes, &found, &err))
            fail_msg("%s: %s", g->name, err.text);
        if (found != TB_Q3_GOING) {
            assert_int_equal(f, frames);
            assert_int_equal(found, end);
            return;
        }
        for (int i = 0; i < groups && f < known; i++)
            if (codes[i] != want[f * groups + i] && !near_tie(g, f * groups + i))
                fail_msg("%s: frame %d, group %d: code %d, golden %d", g->name, f, i, codes[i], want[f * groups + i]);
    }
}

static struct tb_q3_request request_of(struct golden *g, const struct tb_q3_config *c)
{
    struct tb_q3_request r = { .speaker = golden_floats(g, "xvector"), .language = language_id(g, c) };
    size_t n;

    r.text = golden_ints(g, "input_ids", &n);
    r.text_len = (int)n;
    r.streaming = !json_is_true(json_object_get(g->entry, "non_streaming_mode"));
    if (golden_find(g, "ref_ids")) {
        r.reference = golden_ints(g, "ref_ids", &n);
        r.reference_len = (int)n;
        r.codes = golden_ints(g, "ref_code", &n);
        r.frames = (int)n / c->groups;
    }
    return r;
}

static struct tb_q3_options greedy(const struct model *m, int eos, int frames)
{
    struct tb_q3_options o = { .generation = m->generation, .eos = eos };

    o.generation.talker.sample = o.generation.predictor.sample = false;
    o.generation.max_frames = frames;
    return o;
}

static void check_case(struct golden *g)
{
    struct model m;
    struct tb_q3_generator *gen;
    struct run run = { .g = g, .m = &m };
    struct tb_error err;
    size_t n;

    if (strstr(g->name, "_eos") && !strstr(g->name, "natural"))
        return; /* has no inputs of its own: ends_when_the_end_is_drawn */
    model_open(&m, golden_text(g, "model"));
    const int32_t *codes = golden_ints(g, "codes", &n);
    int frames = (int)n / m.config.groups;
    bool natural = strstr(g->name, "natural_eos") != NULL;
    struct tb_q3_request request = request_of(g, &m.config);
    int most = frames + 1; /* the reference's last step was computed, and only its first code drawn */
    struct tb_q3_options options = greedy(&m, m.config.eos, most);
    options.forced = codes;
    options.forced_frames = frames;
    if (tb_q3_generator_open(&m.talker, NULL, 128, &gen, &err))
        fail_msg("%s", err.text);
    tb_q3_generator_look(gen, look, &run);
    if (tb_q3_generator_start(gen, &request, &options, &err))
        fail_msg("%s: %s", g->name, err.text);
    check_codes(g, gen, codes, frames, natural ? frames : most, m.config.groups, natural ? TB_Q3_EOS : TB_Q3_CAP);
    assert_int_equal(run.steps, most);
    tb_q3_generator_close(gen);
    model_close(&m);
}

static void every_stage_is_that_of_the_reference(void **state)
{
    (void)state;
    golden_each_level("05_talker", check_case);
}

static struct golden *inputs; /* those of xvec_auto_stream, while the case below runs */

static void check_end(struct golden *g)
{
    static const char *const names[2][2] = { { "eos_late", "codes_eos_late" }, { "eos_first", "codes_eos_first" } };
    struct model m;
    struct tb_q3_generator *gen;
    struct tb_error err;

    if (strcmp(strrchr(g->name, '_'), "_eos") || strstr(g->name, "natural"))
        return;
    model_open(&m, golden_text(g, "model"));
    if (tb_q3_generator_open(&m.talker, NULL, 128, &gen, &err))
        fail_msg("%s", err.text);
    struct tb_q3_request request = request_of(inputs, &m.config);
    for (int i = 0; i < 2; i++) {
        size_t n;
        const int32_t *codes = golden_ints(g, names[i][1], &n);
        int frames = (int)n / m.config.groups;
        struct tb_q3_options options = greedy(&m, (int)json_integer_value(json_object_get(g->entry, names[i][0])), 24);

        if (tb_q3_generator_start(gen, &request, &options, &err))
            fail_msg("%s", err.text);
        check_codes(g, gen, codes, frames, frames, m.config.groups, frames < 24 ? TB_Q3_EOS : TB_Q3_CAP);
        g->compared++;
    }
    tb_q3_generator_close(gen);
    model_close(&m);
}

static void with_inputs(struct golden *g)
{
    inputs = g;
    golden_each("05_talker_tiny-1b7", check_end);
}

static void ends_when_the_end_is_drawn_but_not_at_once(void **state)
{
    (void)state;
    golden_each("05_talker_tiny-1b7_xvec_auto_stream", with_inputs);
}

static void check_whole(struct golden *g)
{
    struct model m;
    struct tb_q3_generator *gen;
    struct tb_error err;
    int codes[TB_Q3_MAX_GROUPS];
    enum tb_q3_end end = TB_Q3_GOING;
    int trailing = (int)golden_want(g, "trailing_text_hidden")->shape[0];

    model_open(&m, golden_text(g, "model"));
    struct tb_q3_request request = request_of(g, &m.config);
    struct tb_q3_options options = greedy(&m, m.config.eos, 24);
    options.whole_text = true;
    assert_true(golden_want(g, "codes")->shape[0] < (size_t)trailing); /* by itself it ends too early */
    if (tb_q3_generator_open(&m.talker, NULL, 128, &gen, &err) ||
        tb_q3_generator_start(gen, &request, &options, &err))
        fail_msg("%s", err.text);
    while (end == TB_Q3_GOING)
        assert_int_equal(tb_q3_generator_next(gen, codes, &end, &err), TB_OK);
    assert_true(tb_q3_generator_frames(gen) >= trailing);
    tb_q3_generator_close(gen);
    model_close(&m);
}

static void does_not_end_before_it_has_read_the_text(void **state)
{
    (void)state;
    golden_each("05_talker_tiny-0b6_xvec_german_natural_eos", check_whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stage_is_that_of_the_reference),
        cmocka_unit_test(ends_when_the_end_is_drawn_but_not_at_once),
        cmocka_unit_test(does_not_end_before_it_has_read_the_text),
    };

    return cmocka_run_group_tests_name("golden talker", tests, NULL, NULL);
}
