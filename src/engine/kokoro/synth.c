/* synth.c - see synth.h. */
#include "engine/kokoro/synth.h"

#include <math.h>

#include "engine/kokoro/blocks.h"
#include "engine/kokoro/decoder.h"
#include "engine/kokoro/generator.h"
#include "engine/kokoro/prosody.h"
#include "engine/kokoro/text_encoder.h"

/* Whole frames nearest to durations [n] / pace, ties to even as the graph rounds them, at least one each; their sum. */
static int rounded(const float *durations, int n, float pace, int *frames)
{
    int sum = 0;

    for (int i = 0; i < n; i++) {
        frames[i] = (int)rintf(durations[i] / pace);
        frames[i] = frames[i] < 1 ? 1 : frames[i];
        sum += frames[i];
    }
    return sum;
}

/* The sum is to be what it is at pace 1, divided by the pace: tokens of two or three frames are rounded by so much, and
 * so many to the one frame that each must have, that fast speech would else come out a tenth too long. What is missing
 * or too much goes, frame by frame, to the token that rounding took most from or gave most to. */
static int whole_frames(const float *durations, int n, float pace, int *frames)
{
    int wanted = (int)rintf((float)rounded(durations, n, 1.0f, frames) / pace);
    int sum = rounded(durations, n, pace, frames);

    while (sum != wanted && (sum < wanted || sum > n)) {
        int sign = sum < wanted ? 1 : -1, best = -1;
        float most = 0.0f;

        for (int i = 0; i < n; i++) {
            float off = (float)sign * (durations[i] / pace - (float)frames[i]);

            if (frames[i] + sign >= 1 && (best < 0 || off > most)) {
                best = i;
                most = off;
            }
        }
        frames[best] += sign;
        sum += sign;
    }
    return sum;
}

/* counts [n] of all tokens, and their sum. The two paddings never last longer than at pace 1: the network lets speech
 * run into a long padding, and a slow sentence would become slower still. */
static int spread(const float *durations, int n, float pace, int *counts)
{
    float padding = pace > 1.0f ? pace : 1.0f;

    return rounded(durations, 1, padding, counts) + whole_frames(durations + 1, n - 2, pace, counts + 1) +
           rounded(durations + n - 1, 1, padding, counts + n - 1);
}

/* Pitch and energy, from the tokens' features spread over time. */
static enum tb_code curves(const struct tb_kokoro_run *run, const struct tb_kokoro_model *model, struct tb_mat features,
                           const float *prosody, struct tb_kokoro_plan *plan, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat aligned;
    enum tb_code rc = tb_scratch_mat(run->scratch, features.rows, plan->frames, &aligned, err);

    if (rc == TB_OK) {
        tb_repeat_cols(features, plan->counts, aligned);
        rc = tb_kokoro_pitch(run, &model->prosody, aligned, prosody, plan->f0, plan->energy, err);
    }
    tb_scratch_reset(run->scratch, mark);
    return rc;
}

enum tb_code tb_kokoro_plan_after(const struct tb_kokoro_run *run, const struct tb_kokoro_model *model,
                                  const uint8_t *tokens, int n, const float *prosody, float pace, const int *counts,
                                  int said, struct tb_kokoro_plan *plan, struct tb_error *err)
{
    float durations[TB_KOKORO_MAX_TOKENS];
    struct tb_mat bert, features, text;
    enum tb_code rc;

    assert(said >= 0 && said < n && n >= 2 && n <= TB_KOKORO_MAX_TOKENS);
    if ((rc = tb_scratch_mat(run->scratch, TB_KOKORO_WIDTH, n, &bert, err)) ||
        (rc = tb_scratch_mat(run->scratch, TB_KOKORO_WIDTH, n, &text, err)) ||
        (rc = tb_scratch_mat(run->scratch, TB_KOKORO_WIDTH + TB_KOKORO_HALF, n, &features, err)) ||
        (rc = tb_kokoro_bert_run(run, &model->bert, tokens, n, bert, err)) || (rc = tb_kokoro_pause(run)) ||
        (rc = tb_kokoro_prosody_text(run, &model->prosody, bert, prosody, features, err)) ||
        (rc = tb_kokoro_durations(run, &model->prosody, features, durations, err)) || (rc = tb_kokoro_pause(run)) ||
        (rc = tb_kokoro_text_run(run, &model->text, tokens, n, text, err)))
        return rc;
    plan->frames = spread(durations, n, pace, plan->counts);
    for (int i = 0; i < said; i++) {
        plan->frames += counts[i] - plan->counts[i];
        plan->counts[i] = counts[i];
    }
    if (plan->frames > TB_KOKORO_MAX_FRAMES)
        return tb_fail(err, TB_ETOOBIG, "kokoro: %d tokens last %d frames, at most %d", n, plan->frames,
                       TB_KOKORO_MAX_FRAMES);
    if ((rc = tb_scratch_mat(run->scratch, TB_KOKORO_WIDTH, plan->frames, &plan->text, err)) ||
        (rc = tb_scratch_mat(run->scratch, 1, 2 * plan->frames, &plan->f0, err)) ||
        (rc = tb_scratch_mat(run->scratch, 1, 2 * plan->frames, &plan->energy, err)))
        return rc;
    tb_repeat_cols(text, plan->counts, plan->text);
    tb_kokoro_look(run, "aligned", plan->text);
    return curves(run, model, features, prosody, plan, err);
}

enum tb_code tb_kokoro_plan(const struct tb_kokoro_run *run, const struct tb_kokoro_model *model,
                            const uint8_t *tokens, int n, const float *prosody, float pace,
                            struct tb_kokoro_plan *plan, struct tb_error *err)
{
    return tb_kokoro_plan_after(run, model, tokens, n, prosody, pace, NULL, 0, plan, err);
}

enum tb_code tb_kokoro_render(const struct tb_kokoro_run *run, const struct tb_kokoro_model *model,
                              const struct tb_kokoro_plan *plan, const float (*styles)[TB_KOKORO_HALF],
                              struct tb_mat *pcm, struct tb_error *err)
{
    struct tb_kokoro_voicing voicing[TB_KOKORO_BLOCKS];
    struct tb_mat hidden;
    size_t mark;
    enum tb_code rc;

    for (int i = 0; i < TB_KOKORO_BLOCKS; i++)
        voicing[i] = (struct tb_kokoro_voicing){ .style = styles[i] };
    if ((rc = tb_scratch_mat(run->scratch, 1, plan->frames * TB_KOKORO_FRAME, pcm, err)))
        return rc;
    mark = tb_scratch_mark(run->scratch);
    if ((rc = tb_scratch_mat(run->scratch, TB_KOKORO_WIDTH, 2 * plan->frames, &hidden, err)) == TB_OK &&
        (rc = tb_kokoro_decoder_run(run, &model->decoder, plan->text, plan->f0, plan->energy, voicing, hidden,
                                    err)) == TB_OK)
        rc = tb_kokoro_generator_run(run, &model->generator, hidden, plan->f0, 0, voicing, *pcm, err);
    tb_scratch_reset(run->scratch, mark);
    return rc;
}
