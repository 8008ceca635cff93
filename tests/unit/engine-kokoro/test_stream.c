/* A pass in windows against the same pass whole. Needs the converted weights; skips loudly without them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/kokoro/decoder.h"
#include "engine/kokoro/generator.h"
#include "engine/kokoro/stream.h"
#include "tensor/cpu.h"
#include "tensor/safetensors.h"

#define MODEL "var/models/kokoro/kokoro.safetensors"
#define CASE "tests/golden/kokoro/sentence.safetensors"

enum { FRAMES = 30 /* of the short pass */ };

static struct tb_kokoro_model *model;
static struct tb_scratch scratch;
static struct tb_safetensors *golden;
static const float (*styles)[TB_KOKORO_HALF];

static void plan_case(const struct tb_kokoro_run *run, struct tb_kokoro_plan *plan)
{
    const struct tb_tensor *t = tb_safetensors_find(golden, "tokens");
    uint8_t tokens[TB_KOKORO_MAX_TOKENS];

    for (size_t i = 0; i < t->len; i++)
        tokens[i] = (uint8_t)((const float *)t->data)[i];
    tb_scratch_reset(&scratch, 0);
    assert_int_equal(tb_kokoro_plan(run, model, tokens, (int)t->len, tb_safetensors_find(golden, "prosody")->data, 1.0f,
                                    plan, NULL), TB_OK);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* All windows of the case, with `threads`; *pcm is for the caller to free, *last of its samples are the last one's. */
static size_t speak(int threads, float **pcm, int *windows, size_t *last)
{
    struct tb_kokoro_run run = { .scratch = &scratch };
    struct tb_kokoro_stream *stream;
    struct tb_kokoro_plan plan;
    struct tb_mat window;
    bool more = true;
    size_t n = 0, mark;

    assert_int_equal(tb_pool_open(threads, &run.pool, NULL), TB_OK);
    plan_case(&run, &plan);
    assert_int_equal(tb_kokoro_stream_open(model, &plan, styles, false, &stream, NULL), TB_OK);
    *pcm = malloc((size_t)plan.frames * TB_KOKORO_FRAME * sizeof **pcm);
    assert_non_null(*pcm);
    mark = tb_scratch_mark(&scratch);
    for (*windows = 0; more; ++*windows) {
        assert_int_equal(tb_kokoro_stream_next(&run, stream, &window, &more, NULL), TB_OK);
        memcpy(*pcm + n, window.p, (size_t)window.cols * sizeof **pcm);
        n += *last = (size_t)window.cols;
        tb_scratch_reset(&scratch, mark);
    }
    assert_true(n <= (size_t)plan.frames * TB_KOKORO_FRAME);
    tb_kokoro_stream_close(stream);
    tb_pool_close(run.pool);
    return n;
}
#endif

static double rms(const float *pcm, size_t n)
{
    double power = 0;

    for (size_t i = 0; i < n; i++)
        power += (double)pcm[i] * (double)pcm[i];
    return sqrt(power / (double)n);
}

/* Decoder and generator on the short pass, its norms with `weights`; *pcm is in the scratch. */
static void render(const struct tb_kokoro_run *run, const struct tb_kokoro_plan *plan,
                   const struct tb_kokoro_weights *weights, struct tb_mat *pcm)
{
    struct tb_kokoro_voicing voicing[TB_KOKORO_BLOCKS];
    struct tb_mat hidden;

    for (int i = 0; i < TB_KOKORO_BLOCKS; i++)
        voicing[i] = (struct tb_kokoro_voicing){ styles[i], weights };
    assert_int_equal(tb_scratch_mat(&scratch, TB_KOKORO_WIDTH, 2 * FRAMES, &hidden, NULL), TB_OK);
    assert_int_equal(tb_scratch_mat(&scratch, 1, FRAMES * TB_KOKORO_FRAME, pcm, NULL), TB_OK);
    assert_int_equal(tb_kokoro_decoder_run(run, &model->decoder, tb_mat_cols(plan->text, 10, FRAMES),
                                           tb_mat_cols(plan->f0, 20, 2 * FRAMES),
                                           tb_mat_cols(plan->energy, 20, 2 * FRAMES), voicing, hidden, NULL), TB_OK);
    assert_int_equal(tb_kokoro_generator_run(run, &model->generator, hidden, plan->f0, 20, voicing, *pcm, NULL), TB_OK);
}

static double noise_db(struct tb_mat a, const float *b)
{
    double noise = 0;

    for (int i = 0; i < a.cols; i++)
        noise += (double)(a.p[i] - b[i]) * (double)(a.p[i] - b[i]);
    return 20 * log10(rms(a.p, (size_t)a.cols) / sqrt(noise / a.cols));
}

/* Frames that all count the same give the norms of a whole pass; frames that do not give others. */
static void weights_are_counts(void **state)
{
    static float ones[FRAMES], half[FRAMES];
    struct tb_kokoro_run run = { .scratch = &scratch };
    struct tb_kokoro_plan plan;
    struct tb_mat whole, same, other;

    (void)state;
    for (int i = 0; i < FRAMES; i++) {
        ones[i] = 1.0f + 1e-6f * (float)(i % 2); /* not one run */
        half[i] = i < FRAMES / 2 ? 1.0f : 0.0f;
    }
    plan_case(&run, &plan);
    render(&run, &plan, NULL, &whole);
    render(&run, &plan, &(struct tb_kokoro_weights){ ones, FRAMES }, &same);
    render(&run, &plan, &(struct tb_kokoro_weights){ half, FRAMES }, &other);
    print_message("  alike %.0f dB, unlike %.0f dB\n", noise_db(whole, same.p), noise_db(whole, other.p));
    assert_true(noise_db(whole, same.p) > 40);
    assert_true(noise_db(whole, other.p) < 10);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* slow there */
/* Where in the whole render the samples pcm [len] are, `after` the border of two frames; -1: nowhere. */
static int found_at(struct tb_mat whole, const float *pcm, int len, int after)
{
    for (int at = after; at + len <= whole.cols; at += TB_KOKORO_FRAME)
        if (!memcmp(whole.p + at, pcm, (size_t)len * sizeof *pcm))
            return at;
    return -1;
}

static void windows_join_and_threads_do_not_matter(void **state)
{
    enum { FADE = 480, PART = 12000 };
    struct tb_kokoro_run run = { .scratch = &scratch };
    struct tb_kokoro_plan plan;
    struct tb_mat whole;
    float *one, *two, step = 0, own_step = 0;
    int windows, again;
    size_t last, n = speak(1, &one, &windows, &last);

    (void)state;
    assert_int_equal(speak(2, &two, &again, &last), n);
    assert_memory_equal(one, two, n * sizeof *one);
    assert_int_equal(again, windows);
    assert_true(windows > 1);
    plan_case(&run, &plan);
    assert_int_equal(tb_kokoro_render(&run, model, &plan, styles, &whole, NULL), TB_OK);
    assert_true(last > FADE + PART); /* the last window is that part of the whole */
    int at = found_at(whole, one + n - last + FADE, PART, FADE);
    assert_true(at >= 0);
    int begin = at - (int)(n - last + FADE); /* of the first window in the whole */
    assert_true(begin >= 0);
    for (size_t i = 1; i < n; i++) {
        step = fmaxf(step, fabsf(one[i] - one[i - 1]));
        own_step = fmaxf(own_step, fabsf(whole.p[begin + (int)i] - whole.p[begin + (int)i - 1]));
    }
    double level = 20 * log10(rms(one, n - last) / rms(whole.p + begin, n - last));
    print_message("  %d windows, all but the last %.1f dB louder, largest step %.2f of %.2f\n", windows, level,
                  (double)step, (double)own_step);
    assert_true(fabs(level) < 4);
    assert_true(step < 1.5f * own_step);
    free(one);
    free(two);
}

/* A first window that had no memory leaves nothing behind: the next try makes what the first would have made. */
static void a_window_that_failed_comes_again(void **state)
{
    struct tb_kokoro_run run = { .scratch = &scratch }, poor = { 0 };
    struct tb_kokoro_stream *stream[2];
    struct tb_mat window[2];
    struct tb_kokoro_plan plan;
    struct tb_scratch little;
    bool more[2];

    (void)state;
    assert_int_equal(tb_scratch_open(4 << 20, &little, NULL), TB_OK); /* not enough to speak */
    poor.scratch = &little;
    plan_case(&run, &plan);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tb_kokoro_stream_open(model, &plan, styles, false, &stream[i], NULL), TB_OK);
        if (i == 1)
            assert_int_equal(tb_kokoro_stream_next(&poor, stream[i], &window[i], &more[i], NULL), TB_ENOMEM);
        assert_int_equal(tb_kokoro_stream_next(&run, stream[i], &window[i], &more[i], NULL), TB_OK);
    }
    assert_true(more[0] && more[1]);
    assert_int_equal(window[1].cols, window[0].cols);
    assert_memory_equal(window[1].p, window[0].p, (size_t)window[0].cols * sizeof *window[0].p);
    for (int i = 0; i < 2; i++)
        tb_kokoro_stream_close(stream[i]);
    tb_scratch_close(&little);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_counts),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(windows_join_and_threads_do_not_matter),
        cmocka_unit_test(a_window_that_failed_comes_again),
#endif
    };
    struct tb_error err = { 0 };
    int failed;

    if (access(MODEL, R_OK)) {
        print_message("SKIPPED: %s is missing; run make setup\n", MODEL);
        return 0;
    }
    if (tb_tensor_init(NULL, &err) || tb_scratch_open(TB_KOKORO_SCRATCH, &scratch, &err) ||
        tb_kokoro_model_open(MODEL, &model, &err) || tb_safetensors_open(CASE, &golden, &err)) {
        print_error("%s\n", err.text);
        return 1;
    }
    styles = (const float(*)[TB_KOKORO_HALF])tb_safetensors_find(golden, "styles")->data;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    tb_safetensors_close(golden);
    tb_kokoro_model_close(model);
    tb_scratch_close(&scratch);
    return failed;
}
