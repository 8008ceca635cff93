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

enum { FROM = 30, FRAMES = 30 /* of the part of the pass that is spoken by itself */ };

static struct tb_kokoro_model *model;
static struct tb_scratch scratch;
static struct tb_safetensors *golden;
static const float (*styles)[TB_KOKORO_HALF];
static const float *prosody;
static uint8_t tokens[TB_KOKORO_MAX_TOKENS];
static int ntokens;
static struct tb_kokoro_past *past; /* of the voice: it has said something else */

/* Plan the first `some` tokens, which are followed by a padding, and forget all that was in the scratch. */
static void plan_some(const struct tb_kokoro_run *run, int some, struct tb_kokoro_plan *plan)
{
    uint8_t said[TB_KOKORO_MAX_TOKENS] = { 0 };

    memcpy(said, tokens, (size_t)some);
    tb_scratch_reset(&scratch, 0);
    assert_int_equal(tb_kokoro_plan(run, model, said, some + (some < ntokens), prosody, 1.0f, plan, NULL), TB_OK);
}

static void plan_case(const struct tb_kokoro_run *run, struct tb_kokoro_plan *plan)
{
    plan_some(run, ntokens, plan);
}

/* What the norms find in a whole pass. */
static void look_back(const struct tb_kokoro_plan *plan, struct tb_kokoro_past *seen, struct tb_mat *pcm)
{
    struct tb_kokoro_run run = { .scratch = &scratch };
    struct tb_kokoro_stream *stream;
    bool more;

    assert_int_equal(tb_kokoro_stream_open(model, plan, plan->frames, styles, NULL, seen, &stream, NULL), TB_OK);
    assert_int_equal(tb_kokoro_stream_next(&run, stream, pcm, &more, NULL), TB_OK);
    assert_false(more);
    tb_kokoro_stream_close(stream);
}

/* The golden sentence with its halves the other way round. */
static int learn(void **state)
{
    struct tb_kokoro_run run = { .scratch = &scratch };
    struct tb_kokoro_plan plan;
    struct tb_mat pcm;
    uint8_t other[TB_KOKORO_MAX_TOKENS] = { 0 };
    int half = ntokens / 2, rest = ntokens - half, n = ntokens;

    (void)state;
    memcpy(other + 1, tokens + half, (size_t)rest - 1);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* slow there: the second half will do */
    n = rest + 1;
#else
    memcpy(other + rest, tokens + 1, (size_t)half - 1);
#endif
    past = calloc(1, sizeof *past);
    assert_non_null(past);
    assert_int_equal(tb_kokoro_plan(&run, model, other, n, prosody, 1.0f, &plan, NULL), TB_OK);
    look_back(&plan, past, &pcm);
    return 0;
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* All windows of the case, with `threads`; *pcm is for the caller to free, *last of its samples are the last one's.
 * opening: tokens that are planned alone for the first window, the last four of them unsure; 0: all are planned. */
static size_t speak(int threads, int opening, float **pcm, int *windows, size_t *last)
{
    struct tb_kokoro_run run = { .scratch = &scratch };
    struct tb_kokoro_stream *stream;
    struct tb_kokoro_plan plan;
    struct tb_mat window;
    bool more = true;
    int certain = 0;
    size_t n = 0;

    assert_int_equal(tb_pool_open(threads, &run.pool, NULL), TB_OK);
    plan_some(&run, opening ? opening : ntokens, &plan);
    for (int i = 0; i < opening - 4; i++)
        certain += plan.counts[i];
    assert_int_equal(tb_kokoro_stream_open(model, &plan, opening ? certain : plan.frames, styles, past, NULL, &stream,
                                           NULL), TB_OK);
    *pcm = malloc(TB_KOKORO_MAX_FRAMES * TB_KOKORO_FRAME * sizeof **pcm);
    assert_non_null(*pcm);
    for (*windows = 0; more; ++*windows) {
        assert_int_equal(tb_kokoro_stream_next(&run, stream, &window, &more, NULL), TB_OK);
        memcpy(*pcm + n, window.p, (size_t)window.cols * sizeof **pcm);
        n += *last = (size_t)window.cols;
        tb_scratch_reset(&scratch, 0);
        if (*windows == 0 && opening) {
            int counts[TB_KOKORO_MAX_TOKENS];

            assert_true(more && tb_kokoro_stream_spoken(stream) > 0);
            memcpy(counts, plan.counts, sizeof counts);
            assert_int_equal(tb_kokoro_plan_after(&run, model, tokens, ntokens, prosody, 1.0f, counts, opening - 4,
                                                  &plan, NULL), TB_OK);
            assert_memory_equal(plan.counts, counts, (size_t)(opening - 4) * sizeof *counts);
            assert_int_equal(tb_kokoro_stream_go_on(stream, &plan, NULL), TB_OK);
        }
    }
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

/* Decoder and generator on a part of the pass, its norms with a past; *pcm is in the scratch. */
static void render(const struct tb_kokoro_run *run, const struct tb_kokoro_plan *plan,
                   const struct tb_kokoro_past *known, struct tb_mat *pcm)
{
    struct tb_kokoro_voicing voicing[TB_KOKORO_BLOCKS];
    uint8_t kinds[TB_KOKORO_MAX_FRAMES];
    struct tb_kokoro_norms norms = { .frames = FRAMES, .kinds = kinds + FROM, .past = known };
    struct tb_mat hidden;

    tb_norms_kinds(plan->f0, plan->energy, kinds);
    tb_norms_count(kinds, plan->frames, norms.share);
    for (int i = 0; i < TB_KOKORO_BLOCKS; i++)
        voicing[i] = (struct tb_kokoro_voicing){ styles[i], known ? &norms : NULL };
    assert_int_equal(tb_scratch_mat(&scratch, TB_KOKORO_WIDTH, 2 * FRAMES, &hidden, NULL), TB_OK);
    assert_int_equal(tb_scratch_mat(&scratch, 1, FRAMES * TB_KOKORO_FRAME, pcm, NULL), TB_OK);
    assert_int_equal(tb_kokoro_decoder_run(run, &model->decoder, tb_mat_cols(plan->text, FROM, FRAMES),
                                           tb_mat_cols(plan->f0, 2 * FROM, 2 * FRAMES),
                                           tb_mat_cols(plan->energy, 2 * FROM, 2 * FRAMES), voicing, hidden, NULL),
                     TB_OK);
    assert_int_equal(tb_kokoro_generator_run(run, &model->generator, hidden, plan->f0, 2 * FROM, voicing, *pcm, NULL),
                     TB_OK);
    assert_int_equal(norms.at, known ? TB_NORMS_CHANNELS : 0);
}

/* A part of a pass can be spoken with a past. Under a sanitizer this is all: the rest takes half a minute there. */
static void a_part_is_spoken(void **state)
{
    struct tb_kokoro_run run = { .scratch = &scratch };
    struct tb_kokoro_plan plan;
    struct tb_mat part;

    (void)state;
    plan_case(&run, &plan);
    render(&run, &plan, past, &part);
    assert_true(rms(part.p, (size_t)part.cols) > 0.01);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static double noise_db(struct tb_mat a, const float *b)
{
    double noise = 0;

    for (int i = 0; i < a.cols; i++)
        noise += (double)(a.p[i] - b[i]) * (double)(a.p[i] - b[i]);
    return 20 * log10(rms(a.p, (size_t)a.cols) / sqrt(noise / a.cols));
}

/* A part of a pass sounds as it does in the whole pass where the norms know what that has been, much like it where they
 * know what another pass was, and otherwise where they see the part alone. Looking does not change what is heard. */
static void the_past_stands_for_the_pass(void **state)
{
    enum { EDGE = 6 * TB_KOKORO_FRAME };
    static struct tb_kokoro_past seen;
    struct tb_kokoro_run run = { .scratch = &scratch };
    struct tb_kokoro_plan plan;
    struct tb_mat whole, looked, same, other, alone;

    (void)state;
    plan_case(&run, &plan);
    assert_int_equal(tb_kokoro_render(&run, model, &plan, styles, &whole, NULL), TB_OK);
    look_back(&plan, &seen, &looked);
    assert_memory_equal(looked.p, whole.p, (size_t)whole.cols * sizeof *whole.p);
    render(&run, &plan, &seen, &same);
    render(&run, &plan, past, &other);
    render(&run, &plan, NULL, &alone);
    struct tb_mat part = tb_mat_cols(whole, FROM * TB_KOKORO_FRAME + EDGE, FRAMES * TB_KOKORO_FRAME - 2 * EDGE);
    double db[3] = { noise_db(part, same.p + EDGE), noise_db(part, other.p + EDGE), noise_db(part, alone.p + EDGE) };
    print_message("  own past %.1f dB, another %.1f dB, none %.1f dB\n", db[0], db[1], db[2]);
    assert_true(db[0] > db[1] && db[1] > db[2]);
}

/* Where in the whole render the samples pcm [len] are, `after` the border of two frames; -1: nowhere. */
static int found_at(struct tb_mat whole, const float *pcm, int len, int after)
{
    for (int at = after; at + len <= whole.cols; at += TB_KOKORO_FRAME)
        if (!memcmp(whole.p + at, pcm, (size_t)len * sizeof *pcm))
            return at;
    return -1;
}

/* Windows of a pass, all of which is planned at first or not: one after another they have no larger steps than the
 * whole pass, of which the last one is a part. */
static void windows_join_and_threads_do_not_matter(void **state)
{
    enum { FADE = 480, PART = 12000 };
    struct tb_kokoro_run run = { .scratch = &scratch };
    struct tb_kokoro_plan plan;
    struct tb_mat whole;
    float *one, *two, step = 0, own_step = 0;
    int windows, again;
    size_t last, n = speak(1, 0, &one, &windows, &last);

    (void)state;
    assert_int_equal(speak(2, 0, &two, &again, &last), n);
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

/* Of a pass whose first words were planned alone, the second window goes on where the first ends. */
static void what_was_begun_goes_on(void **state)
{
    float *all, *begun, step = 0, own_step = 0;
    int windows, more;
    size_t last, n = speak(1, 0, &all, &windows, &last), m = speak(1, 24, &begun, &more, &last);

    (void)state;
    for (size_t i = 1; i < n; i++)
        own_step = fmaxf(own_step, fabsf(all[i] - all[i - 1]));
    for (size_t i = 1; i < m; i++)
        step = fmaxf(step, fabsf(begun[i] - begun[i - 1]));
    double level = 20 * log10(rms(begun, m) / rms(all, n));
    print_message("  %.2f and %.2f s, %.1f dB louder, largest step %.2f of %.2f\n", (double)m / TB_KOKORO_RATE_HZ,
                  (double)n / TB_KOKORO_RATE_HZ, level, (double)step, (double)own_step);
    assert_true(fabs((double)m / (double)n - 1) < 0.1 && fabs(level) < 2 && step < 1.5f * own_step);
    free(all);
    free(begun);
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
        assert_int_equal(tb_kokoro_stream_open(model, &plan, plan.frames, styles, past, NULL, &stream[i], NULL), TB_OK);
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
        cmocka_unit_test(a_part_is_spoken),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(the_past_stands_for_the_pass),
        cmocka_unit_test(windows_join_and_threads_do_not_matter),
        cmocka_unit_test(what_was_begun_goes_on),
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
    prosody = tb_safetensors_find(golden, "prosody")->data;
    ntokens = (int)tb_safetensors_find(golden, "tokens")->len;
    for (int i = 0; i < ntokens; i++)
        tokens[i] = (uint8_t)((const float *)tb_safetensors_find(golden, "tokens")->data)[i];
    failed = cmocka_run_group_tests(tests, learn, NULL);
    free(past);
    tb_safetensors_close(golden);
    tb_kokoro_model_close(model);
    tb_scratch_close(&scratch);
    return failed;
}
