/* The codec's encoder against the reference: SEANet layer by layer, the transformer, every quantiser's input and the
 * codes of four recordings; the longest take several pieces. */
#include "golden.h"

#include "engine/qwen3/codec_encoder.h"

static struct tb_q3_codec_config config;
static struct tb_q3_weights *weights;
static struct tb_q3_encoder encoder;
static struct tb_scratch scratch;
static struct tb_safetensors *audio;

static int setup(void **state)
{
    char folder[4096 + 64], path[4096];
    struct tb_q3_config model;
    struct tb_q3_generation generation;
    struct tb_error err;

    (void)state;
    snprintf(folder, sizeof folder, "%s/models/tiny-1b7", golden_folder());
    if (tb_q3_config_load(folder, &model, &config, &generation, &err) || tb_scratch_open(1 << 28, &scratch, &err) ||
        tb_safetensors_open(golden_path(path, "vectors/audio.safetensors"), &audio, &err))
        fail_msg("%s", err.text);
    strcat(folder, "/speech_tokenizer");
    if (tb_q3_weights_open(folder, &weights, &err))
        fail_msg("%s", err.text);
    struct tb_q3_loader l = { weights, TB_OK, &err };
    tb_q3_encoder_load(&l, &config, &encoder);
    if (l.rc)
        fail_msg("%s", err.text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tb_q3_encoder_free(&encoder);
    tb_q3_weights_close(weights);
    tb_scratch_close(&scratch);
    tb_safetensors_close(audio);
    return 0;
}

/* Rows of a matrix as columns: the golden form of what we keep as rows of frames. */
static void near_turned(struct golden *g, const char *name, struct tb_mat m)
{
    struct tb_mat t = { malloc((size_t)m.rows * (size_t)m.cols * sizeof(float)), m.cols, m.rows, m.rows };

    assert_non_null(t.p);
    tb_transpose(m, t);
    golden_near(g, name, t);
    free(t.p);
}

static void look(void *ctx, const char *stage, int i, struct tb_mat m)
{
    struct golden *g = ctx;
    char name[40];

    snprintf(name, sizeof name, "%s", stage);
    if (!strcmp(stage, "seanet"))
        snprintf(name, sizeof name, "seanet_%02d", i);
    else if (!strcmp(stage, "layer"))
        snprintf(name, sizeof name, "transformer_layer%d", i);
    if (!golden_find(g, name))
        return;
    if (!strcmp(stage, "residual"))
        golden_near_rows(g, name, i * m.rows, m);
    else if (!strcmp(stage, "seanet") || !strcmp(stage, "layer"))
        golden_near(g, name, m);
    else
        near_turned(g, name, m);
}

/* A code may differ where the two nearest entries are as good as equal; what follows in its frame is then excused. */
static void check_codes(struct golden *g, const int *codes, int frames)
{
    const int32_t *want = golden_ints(g, "codes", NULL);
    const float *margin = golden_floats(g, "margin");

    for (int f = 0; f < frames; f++)
        for (int i = 0; i < config.groups; i++) {
            int at = f * config.groups + i;

            if (codes[at] == want[at])
                continue;
            if (margin[at] < 2e-4f)
                break;
            fail_msg("%s: frame %d, group %d: code %d, golden %d", g->name, f, i, codes[at], want[at]);
        }
    g->compared++;
}

static void check_case(struct golden *g)
{
    const struct tb_tensor *t = tb_safetensors_find(audio, golden_text(g, "audio"));
    size_t start = (size_t)json_integer_value(json_object_get(g->entry, "start"));
    size_t len = (size_t)json_integer_value(json_object_get(g->entry, "samples"));
    struct tb_q3_run run = { .scratch = &scratch, .look = look, .ctx = g };
    int frames = tb_q3_encoder_frames(&encoder, len), *codes = calloc((size_t)(frames * config.groups), sizeof *codes);
    struct tb_error err;

    assert_true(t && codes && start + len <= t->len);
    assert_int_equal(frames, golden_want(g, "codes")->shape[0]);
    if (tb_q3_encoder_run(&run, &encoder, (const float *)t->data + start, len, NULL, codes, &err))
        fail_msg("%s", err.text);
    assert_int_equal(scratch.used, 0);
    check_codes(g, codes, frames);
    free(codes);
}

static void every_stage_is_that_of_the_reference(void **state)
{
    (void)state;
    golden_each_level("03_encoder", check_case);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_stage_is_that_of_the_reference) };

    return cmocka_run_group_tests_name("golden encoder", tests, setup, teardown);
}
