/* say_styles.c - a part of a sentence in many styles, for tools/adapter: the weights are read once, one thread.
 *
 *     say_styles MODEL_DIR
 *
 * Takes from standard input, again and again, a struct request, as many bytes of phonemes and as many styles as it
 * says, each 13 x 128 f32. Gives a u32 and as many f32 to standard output: the median pitch in Hz that the prosody
 * plans by itself, then for each style the same part of the sentence at 24 kHz, without an equaliser. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "engine/kokoro/intonation.h"
#include "engine/kokoro/passes.h"
#include "engine/kokoro/print.h"
#include "engine/kokoro/synth.h"
#include "tensor/cpu.h"

enum { MOST_BYTES = 4096 };

struct request {
    float prosody[TB_KOKORO_HALF];
    float median_hz;      /* that the sentence is to have; 0: the plan's own */
    float pace;           /* divides durations */
    float part;           /* where the part begins, 0 .. 1 of what can be left out */
    uint32_t most_frames; /* of 25 ms in the part; 0: the whole sentence, silence at its ends included */
    uint32_t styles, bytes;
};

static enum tb_code plan_part(const struct tb_kokoro_run *run, const struct tb_kokoro_model *model,
                              const struct request *r, struct tb_str phonemes, struct tb_kokoro_plan *plan,
                              float *median_hz, struct tb_error *err)
{
    uint8_t padded[TB_PASS_TOKENS + 2] = { 0 };
    struct tb_bytes tokens = { .cap = TB_PASS_TOKENS };
    struct tb_intonation intonation;
    enum tb_code rc = tb_passes_tokens(phonemes, &tokens);

    if (rc == TB_OK) {
        memcpy(padded + 1, tokens.data, tokens.size);
        rc = tb_kokoro_plan(run, model, padded, (int)tokens.size + 2, r->prosody, r->pace, plan, err);
    }
    tb_bytes_free(&tokens);
    if (rc)
        return rc;
    *median_hz = tb_intonation_median(plan->f0);
    if (r->median_hz > 0) {
        tb_intonation_init(&intonation, *median_hz, r->median_hz);
        tb_intonation_apply(&intonation, plan->f0);
    }
    int n = (int)r->most_frames, left_out = plan->frames - n;
    if (n > 0 && left_out > 0) {
        int from = (int)(r->part * (float)left_out);
        plan->text = tb_mat_cols(plan->text, from, n);
        plan->f0 = tb_mat_cols(plan->f0, 2 * from, 2 * n);
        plan->energy = tb_mat_cols(plan->energy, 2 * from, 2 * n);
        plan->frames = n;
    }
    return TB_OK;
}

static bool put(const void *p, size_t floats)
{
    return fwrite(p, sizeof(float), floats, stdout) == floats;
}

/* The styles come from standard input while the plan is there. */
static bool speak(const struct tb_kokoro_run *run, const struct tb_kokoro_model *model, const struct request *r,
                  struct tb_str phonemes, struct tb_error *err)
{
    float style[TB_KOKORO_BLOCKS][TB_KOKORO_HALF], median_hz;
    struct tb_kokoro_plan plan;
    struct tb_mat made;

    if (plan_part(run, model, r, phonemes, &plan, &median_hz, err))
        return false;
    uint32_t n = 1 + r->styles * (uint32_t)(plan.frames * TB_KOKORO_FRAME);
    if (!put(&n, 1) || !put(&median_hz, 1))
        return false;
    for (uint32_t i = 0; i < r->styles; i++) {
        size_t mark = tb_scratch_mark(run->scratch);
        if (fread(style, sizeof style, 1, stdin) != 1 || tb_kokoro_render(run, model, &plan, style, &made, err) ||
            !put(made.p, (size_t)made.cols))
            return false;
        tb_scratch_reset(run->scratch, mark);
    }
    return !fflush(stdout);
}

/* False at the end of the input. */
static bool one(const struct tb_kokoro_model *model, struct tb_pool *pool, struct tb_scratch *scratch,
                struct tb_error *err)
{
    static char phonemes[MOST_BYTES];
    struct tb_kokoro_run run = { .pool = pool, .scratch = scratch };
    size_t mark = tb_scratch_mark(scratch);
    struct request r;

    if (fread(&r, sizeof r, 1, stdin) != 1 || r.bytes > MOST_BYTES || fread(phonemes, 1, r.bytes, stdin) != r.bytes)
        return false;
    bool said = speak(&run, model, &r, (struct tb_str){ phonemes, r.bytes }, err);
    tb_scratch_reset(scratch, mark);
    return said;
}

int main(int argc, char **argv)
{
    struct tb_kokoro_model *model;
    struct tb_scratch scratch = { 0 };
    struct tb_pool *pool;
    struct tb_error err = { 0 };
    char path[4096];

    if (argc != 2) {
        fprintf(stderr, "usage: say_styles MODEL_DIR\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/kokoro.safetensors", argv[1]);
    if (tb_tensor_init(NULL, &err) || tb_pool_open(1, &pool, &err) || tb_kokoro_model_open(path, &model, &err) ||
        tb_scratch_open(TB_KOKORO_SCRATCH, &scratch, &err)) {
        fprintf(stderr, "say_styles: %s\n", err.text);
        return 1;
    }
    while (one(model, pool, &scratch, &err))
        ;
    if (*err.text)
        fprintf(stderr, "say_styles: %s\n", err.text);
    tb_scratch_close(&scratch);
    tb_kokoro_model_close(model);
    tb_pool_close(pool);
    return 0;
}
