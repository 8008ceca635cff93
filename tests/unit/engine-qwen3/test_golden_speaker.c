/* The log-mel spectrum and the speaker encoder against the reference: filters, spectra of three recordings, every stage
 * of the first, the x-vectors of both models. */
#include "model.h"

#include "engine/qwen3/mel.h"
#include "engine/qwen3/speaker.h"

static struct tb_safetensors *audio;

static const float *recording(const char *name, size_t *len)
{
    const struct tb_tensor *t = tb_safetensors_find(audio, name);

    assert_non_null(t);
    *len = t->len;
    return t->data;
}

static struct tb_mat matrix(int rows, int cols)
{
    struct tb_mat m = { malloc((size_t)rows * (size_t)cols * sizeof(float)), rows, cols, cols };

    assert_non_null(m.p);
    return m;
}

static void check_spectrum(struct golden *g, const char *name, const float *samples, size_t len)
{
    struct tb_mat mel = matrix(128, tb_q3_mel_frames(len)), turned = matrix(mel.cols, mel.rows);
    struct tb_error err;

    if (tb_q3_mel(samples, len, mel, &err))
        fail_msg("%s", err.text);
    tb_transpose(mel, turned);
    golden_near(g, name, turned);
    free(mel.p);
    free(turned.p);
}

static void check_mel(struct golden *g)
{
    struct tb_mat filters = matrix(128, TB_Q3_MEL_BINS);
    size_t len;
    const float *samples = recording("chirp", &len);

    tb_q3_mel_filters(filters);
    golden_near(g, "mel_basis", filters);
    free(filters.p);
    check_spectrum(g, "mel_chirp", samples, len);
    samples = recording("speech", &len);
    check_spectrum(g, "mel_speech", samples, len);
    check_spectrum(g, "mel_speech_5001", samples, 5001);
}

static void look(void *ctx, const char *stage, int i, struct tb_mat m)
{
    struct golden *g = ctx;
    char name[40];

    if (!strcmp(stage, "block"))
        snprintf(name, sizeof name, "block%d", i);
    else if (i > 0)
        snprintf(name, sizeof name, "block%d_%s", i, stage);
    else
        snprintf(name, sizeof name, "%s", stage);
    if (golden_find(g, name))
        golden_near(g, name, m);
}

/* The golden spectrum that a case begins with, [mels][frames]. */
static struct tb_mat golden_mel(const char *input)
{
    char path[4096], file[128];
    struct tb_safetensors *st;

    snprintf(file, sizeof file, "vectors/%.*s", (int)strcspn(input, ":"), input);
    assert_int_equal(tb_safetensors_open(golden_path(path, file), &st, NULL), TB_OK);
    const struct tb_tensor *t = tb_safetensors_find(st, strchr(input, ':') + 1);
    assert_non_null(t);
    struct tb_mat rows = { (float *)(uintptr_t)t->data, (int)t->shape[0], (int)t->shape[1], (int)t->shape[1] };
    struct tb_mat mel = matrix(rows.cols, rows.rows);
    tb_transpose(rows, mel);
    tb_safetensors_close(st);
    return mel;
}

static void check_speaker(struct golden *g)
{
    struct model m;
    struct tb_scratch scratch;
    struct tb_q3_speaker speaker;
    struct tb_q3_run run = { .scratch = &scratch, .look = look, .ctx = g };
    struct tb_error err;
    const char *input = golden_text(g, "input"); /* "01_mel.safetensors:mel_speech" */
    size_t len;
    const float *samples = recording(strstr(input, "mel_") + strlen("mel_"), &len);
    float xvector[TB_Q3_MAX_VECTOR], whole[TB_Q3_MAX_VECTOR];
    struct tb_mat mel = golden_mel(input);

    model_open(&m, golden_text(g, "model"));
    struct tb_q3_loader l = { m.weights, TB_OK, &err };
    tb_q3_speaker_load(&l, &m.config.speaker, &speaker);
    if (l.rc || tb_scratch_open(1 << 26, &scratch, &err) ||
        tb_q3_speaker_mel(&run, &speaker, mel, xvector, &err))
        fail_msg("%s", err.text);
    golden_near_row(g, "xvector", xvector, m.config.speaker.out);
    run.look = NULL; /* from the recording on, the spectrum's own noise is heard */
    assert_int_equal(tb_q3_speaker_run(&run, &speaker, samples, len, whole, &err), TB_OK);
    for (int i = 0; i < m.config.speaker.out; i++)
        assert_true(fabsf(whole[i] - xvector[i]) < 1e-3f);
    assert_int_equal(tb_q3_speaker_run(&run, &speaker, samples, 1000, xvector, &err), TB_EAUDIO_SPEECH);
    assert_int_equal(scratch.used, 0);
    tb_scratch_close(&scratch);
    tb_q3_speaker_free(&speaker);
    free(mel.p);
    model_close(&m);
}

static void spectra_are_those_of_the_reference(void **state)
{
    (void)state;
    golden_each_level("01_mel", check_mel);
}

static void voices_are_heard_as_the_reference_does(void **state)
{
    (void)state;
    golden_each_level("02_speaker", check_speaker);
}

static int setup(void **state)
{
    char path[4096];

    (void)state;
    return tb_safetensors_open(golden_path(path, "vectors/audio.safetensors"), &audio, NULL) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    tb_safetensors_close(audio);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spectra_are_those_of_the_reference),
        cmocka_unit_test(voices_are_heard_as_the_reference_does),
    };

    return cmocka_run_group_tests_name("golden speaker", tests, setup, teardown);
}
