/* calibrate.c - see calibrate.h. */
#include "engine/kokoro/calibrate.h"

#include <string.h>

#include "engine/kokoro/intonation.h"
#include "engine/kokoro/passes.h"
#include "engine/kokoro/post.h"
#include "engine/kokoro/synth.h"

/* "The old man walked along the river, and his dog ran ahead of him. Nobody had seen them since the morning." */
static const char statements[] = "ði ˈOld mˈæn wˈɔkt əlˈɔŋ ðə ɹˈɪvəɹ, ænd hɪz dˈɔɡ ɹˈæn əhˈɛd ʌv hˌɪm. "
                                 "nˈObˌʌdi hæd sˈin ðˌɛm sˈɪns ðə mˈɔɹnɪŋ.";
/* The second of them. */
static const char trial[] = "nˈObˌʌdi hæd sˈin ðˌɛm sˈɪns ðə mˈɔɹnɪŋ.";

static const float TRIAL_PACE = 1.2f; /* some 2 s in any voice: more than the 1.6 s that the encoder looks at at once */

static bool pause_turn(void *turn)
{
    tb_turn_pause(turn);
    return true;
}

static enum tb_code plan_text(const struct tb_kokoro_run *run, const struct tb_kokoro_model *model,
                              struct tb_str phonemes, const float *prosody, float pace, struct tb_kokoro_plan *plan,
                              struct tb_error *err)
{
    uint8_t padded[TB_PASS_TOKENS + 2] = { 0 };
    struct tb_bytes tokens = { .cap = TB_PASS_TOKENS };
    enum tb_code rc = tb_passes_tokens(phonemes, &tokens);

    if (rc == TB_OK) {
        memcpy(padded + 1, tokens.data, tokens.size);
        rc = tb_kokoro_plan(run, model, padded, (int)tokens.size + 2, prosody, pace, plan, err);
    }
    tb_bytes_free(&tokens);
    return rc;
}

enum tb_code tb_kokoro_style_pitch(const struct tb_kokoro_model *model, struct tb_pool *pool, struct tb_turn *turn,
                                   const float *prosody, float *median_hz, struct tb_error *err)
{
    const struct tb_sink sink = { .pause = pause_turn, .ctx = turn };
    const struct tb_str phonemes = { statements, sizeof statements - 1 };
    struct tb_scratch scratch = { 0 };
    struct tb_kokoro_plan plan;
    enum tb_code rc = tb_scratch_open(TB_KOKORO_SCRATCH, &scratch, err);

    if (rc)
        return rc;
    struct tb_kokoro_run run = { .pool = pool, .scratch = &scratch, .sink = &sink };
    if ((rc = plan_text(&run, model, phonemes, prosody, 1, &plan, err)) == TB_OK)
        *median_hz = tb_intonation_median(plan.f0);
    tb_scratch_close(&scratch);
    return rc;
}

/* Samples of the network through the print's equaliser, as a session's are. */
static enum tb_code equalise(const struct tb_kokoro_print *print, struct tb_mat made, struct tb_pcm *said,
                             struct tb_error *err)
{
    struct tb_kokoro_post *post;
    enum tb_code rc = tb_pcm_alloc(said, (size_t)made.cols, TB_KOKORO_RATE_HZ, err);

    if (rc || (rc = tb_kokoro_post_open(print->eq_db, &post, err)))
        return rc;
    size_t n = tb_kokoro_post_run(post, made.p, (size_t)made.cols, said->data);
    float rest[TB_KOKORO_POST_DELAY];
    size_t late = tb_kokoro_post_flush(post, rest);
    memcpy(said->data + n, rest, (late < said->len - n ? late : said->len - n) * sizeof *rest);
    tb_kokoro_post_close(post);
    return TB_OK;
}

enum tb_code tb_kokoro_trial(const struct tb_kokoro_model *model, struct tb_pool *pool, struct tb_turn *turn,
                             const struct tb_kokoro_print *print, const char *phonemes, struct tb_pcm *said,
                             struct tb_error *err)
{
    const struct tb_str text = phonemes ? (struct tb_str){ phonemes, strlen(phonemes) }
                                        : (struct tb_str){ trial, sizeof trial - 1 };
    const struct tb_sink sink = { .pause = pause_turn, .ctx = turn };
    struct tb_scratch scratch = { 0 };
    struct tb_intonation intonation;
    struct tb_kokoro_plan plan;
    struct tb_mat made;
    enum tb_code rc = tb_scratch_open(TB_KOKORO_SCRATCH, &scratch, err);

    *said = (struct tb_pcm){ 0 };
    if (rc)
        return rc;
    struct tb_kokoro_run run = { .pool = pool, .scratch = &scratch, .sink = &sink };
    if ((rc = plan_text(&run, model, text, print->prosody, TRIAL_PACE, &plan, err)) == TB_OK) {
        tb_intonation_init(&intonation, print->f0_style_hz, print->f0_median_hz);
        tb_intonation_apply(&intonation, plan.f0);
        rc = tb_kokoro_render(&run, model, &plan, print->style, &made, err);
    }
    if (rc == TB_OK)
        rc = equalise(print, made, said, err);
    tb_scratch_close(&scratch);
    return rc;
}
