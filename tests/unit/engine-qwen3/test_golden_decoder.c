/* The codec's decoder against the reference: every stage of a short decode, the waveform, decodes in stateless chunks,
 * that a stream cut anywhere gives the same samples; and how near its whole numbers come. */
#include "golden.h"

#include "engine/qwen3/codec_decoder.h"
#include "tensor/bf16.h"

enum { SCRATCH = 1 << 28, CHUNK = 8 };

static struct tb_q3_codec_config config;
static struct tb_q3_weights *weights;
static struct tb_q3_decoder decoder;
static struct tb_q3_decoding *stream;
static struct tb_scratch scratch;
static struct tb_pool *pool;

static int setup(void **state)
{
    char folder[4096 + 64];
    struct tb_q3_config model;
    struct tb_q3_generation generation;
    struct tb_error err;

    (void)state;
    snprintf(folder, sizeof folder, "%s/models/tiny-1b7", golden_folder());
    if (tb_q3_config_load(folder, &model, &config, &generation, &err) || tb_scratch_open(SCRATCH, &scratch, &err) ||
        tb_pool_open(2, &pool, &err))
        fail_msg("%s", err.text);
    strcat(folder, "/speech_tokenizer");
    if (tb_q3_weights_open(folder, &weights, &err))
        fail_msg("%s", err.text);
    struct tb_q3_loader l = { weights, TB_OK, &err };
    tb_q3_decoder_load(&l, &config, false, &decoder);
    if (l.rc || tb_q3_decoding_open(&decoder, CHUNK, &stream, &err))
        fail_msg("%s", err.text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tb_q3_decoding_close(stream);
    tb_q3_decoder_free(&decoder);
    tb_q3_weights_close(weights);
    tb_scratch_close(&scratch);
    tb_pool_close(pool);
    return 0;
}

static void compare(struct golden *g, const char *name, struct tb_mat m, bool turn)
{
    struct tb_mat t = { NULL, m.cols, m.rows, m.rows };

    if (!golden_find(g, name))
        return;
    if (!turn) {
        golden_near(g, name, m);
        return;
    }
    t.p = malloc((size_t)m.rows * (size_t)m.cols * sizeof *t.p);
    assert_non_null(t.p);
    tb_transpose(m, t);
    golden_near(g, name, t);
    free(t.p);
}

/* Golden stages are [channels][time] but for the transformer's. */
static void look(void *ctx, const char *stage, int i, struct tb_mat m)
{
    static const char *const rows_of_frames[] = { "rvq", "pre_conv", "upsample_conv", "upsample" };
    char name[32];
    bool turn = false;

    for (size_t k = 0; k < sizeof rows_of_frames / sizeof *rows_of_frames; k++)
        turn |= !strcmp(stage, rows_of_frames[k]);
    snprintf(name, sizeof name, "%s", stage);
    if (!strcmp(stage, "layer"))
        snprintf(name, sizeof name, "pre_layer%d", i);
    else if (!strcmp(stage, "decoder") || !strcmp(stage, "upsample"))
        snprintf(name, sizeof name, "%s%d", stage, i);
    else if (!strcmp(stage, "upsample_conv"))
        snprintf(name, sizeof name, "upsample%d_conv", i);
    else if (!strcmp(stage, "block_up"))
        snprintf(name, sizeof name, "decoder%d_tconv", i);
    else if (!strcmp(stage, "unit"))
        snprintf(name, sizeof name, "decoder1_res%d", i + 2);
    compare(ctx, name, m, turn);
}

static float *floats(size_t n)
{
    float *p = malloc(n * sizeof *p);

    assert_non_null(p);
    return p;
}

/* Frames from .. to into samples, `step` at a time. */
static void decode(const int32_t *codes, int from, int to, int step, float *samples, struct golden *g)
{
    struct tb_q3_run run = { .pool = step % 2 ? pool : NULL, .scratch = &scratch, .look = g ? look : NULL, .ctx = g };
    struct tb_error err;

    for (int f = from; f < to; f += step)
        if (tb_q3_decoding_run(&run, stream, codes + f * config.groups, to - f < step ? to - f : step,
                               samples + (f - from) * config.frame, &err))
            fail_msg("%s", err.text);
}

/* As the reference's chunked_decode: each chunk begins anew, with `context` frames before it that are cut off. */
static void decode_chunks(const int32_t *codes, int frames, int chunk, int context, float *samples)
{
    float *part = floats((size_t)(chunk + context) * (size_t)config.frame);

    for (int start = 0; start < frames; start += chunk) {
        int end = start + chunk < frames ? start + chunk : frames, before = start > context ? context : start;

        tb_q3_decoding_reset(stream);
        decode(codes, start - before, end, 4, part, NULL);
        memcpy(samples + (size_t)start * (size_t)config.frame, part + before * config.frame,
               (size_t)(end - start) * (size_t)config.frame * sizeof *part);
    }
    free(part);
}

static void check_chunks(struct golden *g, const int32_t *codes, int frames, float *samples)
{
    static const int sizes[][2] = { { 8, 3 }, { 10, 25 } };
    char name[64];

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        snprintf(name, sizeof name, "wav_chunk%d_ctx%d", sizes[i][0], sizes[i][1]);
        if (!golden_find(g, name))
            continue;
        decode_chunks(codes, frames, sizes[i][0], sizes[i][1], samples);
        golden_near_row(g, name, samples, frames * config.frame);
    }
}

static void check_case(struct golden *g)
{
    size_t n;
    const int32_t *codes = golden_ints(g, "codes", &n);
    int frames = (int)n / config.groups;
    float *samples = floats((size_t)frames * (size_t)config.frame);

    if (golden_find(g, "wav_head")) { /* the default: chunks of 300 with 25 before */
        decode_chunks(codes, frames, 300, 25, samples);
        golden_near_row(g, "wav_head", samples, config.frame);
        golden_near_row(g, "wav_298_303", samples + 298 * config.frame, 5 * config.frame);
        golden_near_row(g, "wav_tail", samples + (frames - 1) * config.frame, config.frame);
    } else {
        for (int all = 1; all >= 0; all--) { /* stages, where one run makes them all; then frame by frame */
            tb_q3_decoding_reset(stream);
            decode(codes, 0, frames, all ? frames : 1, samples, all && frames <= CHUNK ? g : NULL);
            golden_near_row(g, "wav", samples, frames * config.frame);
        }
        check_chunks(g, codes, frames, samples);
    }
    free(samples);
}

static void every_stage_is_that_of_the_reference(void **state)
{
    (void)state;
    golden_each_level("04_decoder", check_case);
}

/* What generate_voice_clone returned: in context the reference is decoded, too, and cut off. */
static void check_voice(struct golden *g)
{
    size_t n, before = 0;

    if (!golden_find(g, "wav"))
        return;
    const int32_t *codes = golden_ints(g, "codes", &n), *reference = NULL;
    if (golden_find(g, "ref_code"))
        reference = golden_ints(g, "ref_code", &before);
    int frames = (int)(n + before) / config.groups, first = (int)before / config.groups;
    int32_t *all = malloc((n + before) * sizeof *all);
    float *samples = floats((size_t)frames * (size_t)config.frame);

    assert_non_null(all);
    if (reference)
        memcpy(all, reference, before * sizeof *all);
    memcpy(all + before, codes, n * sizeof *all);
    tb_q3_decoding_reset(stream);
    decode(all, 0, frames, 3, samples, NULL);
    int cut = (int)((double)first / (double)frames * (double)(frames * config.frame));
    golden_near_row(g, "wav", samples + cut, frames * config.frame - cut);
    free(samples);
    free(all);
}

static void voices_sound_as_those_of_the_reference(void **state)
{
    (void)state;
    golden_each("05_talker", check_voice);
}

static void check_cuts(struct golden *g)
{
    static const int steps[] = { 1, 2, 3, 4, 5, 24 };
    size_t n;
    const int32_t *codes = golden_ints(g, "codes", &n);
    int frames = (int)n / config.groups;
    size_t len = (size_t)frames * (size_t)config.frame;
    float *whole = floats(len), *cut = floats(len);

    tb_q3_decoding_reset(stream);
    decode(codes, 0, frames, frames, whole, NULL);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        float most = 0;

        tb_q3_decoding_reset(stream);
        decode(codes, 0, frames, steps[i], cut, NULL);
        for (size_t k = 0; k < len; k++)
            most = fabsf(whole[k] - cut[k]) > most ? fabsf(whole[k] - cut[k]) : most;
        assert_true(most <= 1e-6f); /* other tiles may round the last bit otherwise */
    }
    free(whole);
    free(cut);
}

static void a_stream_cut_anywhere_is_the_whole(void **state)
{
    (void)state;
    golden_each("04_decoder_t24", check_cuts);
}

/* How far b is below a, in dB. */
static double below(const float *a, const float *b, size_t len)
{
    double signal = 0, error = 1e-30;

    for (size_t i = 0; i < len; i++) {
        double d = (double)b[i] - (double)a[i];

        signal += (double)a[i] * (double)a[i];
        error += d * d;
    }
    return 10 * log10(signal / error);
}

static struct tb_q3_decoding *whole_stream;

/* 3 dB less than what was measured. A piece begins other blocks, which are rounded to other scales. */
static void check_whole_numbers(struct golden *g)
{
    static const int steps[] = { 1, 3, 4, 24 };
    size_t n;
    const int32_t *codes = golden_ints(g, "codes", &n);
    int frames = (int)n / config.groups;
    size_t len = (size_t)frames * (size_t)config.frame;
    float *exact = floats(len), *whole = floats(len), *cut = floats(len);
    struct tb_q3_decoding *exact_stream = stream;

    tb_q3_decoding_reset(stream);
    decode(codes, 0, frames, frames, exact, NULL);
    stream = whole_stream;
    tb_q3_decoding_reset(stream);
    decode(codes, 0, frames, frames, whole, NULL);
    assert_true(below(exact, whole, len) > 45.0);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        tb_q3_decoding_reset(stream);
        decode(codes, 0, frames, steps[i], cut, NULL);
        print_message("  %d frames at a time: %.1f dB from the exact sound, %.1f dB from that cut otherwise\n",
                      steps[i], below(exact, cut, len), below(whole, cut, len));
        assert_true(below(exact, cut, len) > 45.0 && below(whole, cut, len) > 49.0);
    }
    stream = exact_stream;
    free(exact), free(whole), free(cut);
}

/* A check with whole_stream of these weights, with all levels or that in use. */
static void with_whole_numbers(struct tb_q3_weights *w, bool levels, void (*check)(struct golden *g))
{
    struct tb_error err = { 0 };
    struct tb_q3_loader l = { w, TB_OK, &err };
    struct tb_q3_decoder d;

    tb_q3_decoder_load(&l, &config, true, &d);
    if (l.rc || tb_q3_decoding_open(&d, CHUNK, &whole_stream, &err))
        fail_msg("%s", err.text);
    (levels ? golden_each_level : golden_each)("04_decoder_t24", check);
    tb_q3_decoding_close(whole_stream);
    tb_q3_decoder_free(&d);
}

static void whole_numbers_come_near(void **state)
{
    (void)state;
    with_whole_numbers(weights, true, check_whole_numbers);
}

/* A folder of two files: one matrix in bfloat16, found first, and all of the codec. */
static void write_mixed(char *folder, const char *name)
{
    char path[4096 + 64], real[4096], header[256];
    const struct tb_tensor *t;
    struct tb_safetensors *all;
    uint64_t size = sizeof header;
    FILE *f;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/models/tiny-1b7/speech_tokenizer/model.safetensors", golden_folder());
    assert_non_null(realpath(path, real));
    snprintf(path, sizeof path, "%s/b.safetensors", folder);
    assert_int_equal(symlink(real, path), 0);
    assert_int_equal(tb_safetensors_open(real, &all, NULL), TB_OK);
    assert_non_null(t = tb_safetensors_find(all, name));
    assert_int_equal(t->dtype, TB_F32);
    memset(header, ' ', sizeof header);
    int n = snprintf(header, sizeof header,
                     "{\"%s\":{\"dtype\":\"BF16\",\"shape\":[%zu,%zu],\"data_offsets\":[0,%zu]}}", name, t->shape[0],
                     t->shape[1], 2 * t->len);
    header[n] = ' ';
    snprintf(path, sizeof path, "%s/a.safetensors", folder);
    assert_non_null(f = fopen(path, "wb"));
    assert_int_equal(fwrite(&size, sizeof size, 1, f) + fwrite(header, sizeof header, 1, f), 2);
    for (size_t i = 0; i < t->len; i++) {
        uint16_t half = tb_to_bf16(((const float *)t->data)[i]);

        assert_int_equal(fwrite(&half, sizeof half, 1, f), 1);
    }
    assert_int_equal(fclose(f), 0);
    tb_safetensors_close(all);
    snprintf(path, sizeof path, "%s/model.safetensors.index.json", folder);
    assert_non_null(f = fopen(path, "w"));
    fprintf(f, "{\"weight_map\":{\"%s\":\"a.safetensors\",\"all else\":\"b.safetensors\"}}", name);
    assert_int_equal(fclose(f), 0);
}

static void check_first_frames(struct golden *g)
{
    enum { N = 4 };
    size_t n, len = N * (size_t)config.frame;
    const int32_t *codes = golden_ints(g, "codes", &n);
    float *exact = floats(len), *whole = floats(len);
    struct tb_q3_decoding *exact_stream = stream;

    tb_q3_decoding_reset(stream);
    decode(codes, 0, N, N, exact, NULL);
    stream = whole_stream;
    decode(codes, 0, N, N, whole, NULL);
    stream = exact_stream;
    assert_true(below(exact, whole, len) > 45.0);
    free(exact), free(whole);
}

static void layers_of_a_block_may_be_of_two_kinds(void **state)
{
    char folder[] = "/tmp/timbre-decoder-XXXXXX", command[64];
    struct tb_q3_weights *mixed;
    struct tb_error err;

    (void)state;
    write_mixed(folder, "decoder.upsample.0.1.pwconv2.weight");
    if (tb_q3_weights_open(folder, &mixed, &err))
        fail_msg("%s", err.text);
    with_whole_numbers(mixed, false, check_first_frames);
    tb_q3_weights_close(mixed);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void codes_out_of_range_are_refused(void **state)
{
    struct tb_q3_run run = { .scratch = &scratch };
    int codes[TB_Q3_MAX_GROUPS] = { 0 };
    float *samples = floats((size_t)config.frame);
    struct tb_error err;

    (void)state;
    tb_q3_decoding_reset(stream);
    codes[3] = config.decoder.codebook;
    assert_int_equal(tb_q3_decoding_run(&run, stream, codes, 1, samples, &err), TB_EINVAL);
    codes[3] = -1;
    assert_int_equal(tb_q3_decoding_run(&run, stream, codes, 1, samples, &err), TB_EINVAL);
    free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stage_is_that_of_the_reference),
        cmocka_unit_test(voices_sound_as_those_of_the_reference),
        cmocka_unit_test(a_stream_cut_anywhere_is_the_whole),
        cmocka_unit_test(whole_numbers_come_near),
        cmocka_unit_test(layers_of_a_block_may_be_of_two_kinds),
        cmocka_unit_test(codes_out_of_range_are_refused),
    };

    return cmocka_run_group_tests_name("golden decoder", tests, setup, teardown);
}
