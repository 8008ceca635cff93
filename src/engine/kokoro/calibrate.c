/* calibrate.c - see calibrate.h. */
#include "engine/kokoro/calibrate.h"

#include <stdlib.h>
#include <string.h>

#include "engine/kokoro/intonation.h"
#include "engine/kokoro/passes.h"
#include "engine/kokoro/post.h"
#include "engine/kokoro/stream.h"
#include "engine/kokoro/synth.h"

/* "The old man walked along the river, and his dog ran ahead of him. Nobody had seen them since the morning." */
static const char statements[] = "ði ˈOld mˈæn wˈɔkt əlˈɔŋ ðə ɹˈɪvəɹ, ænd hɪz dˈɔɡ ɹˈæn əhˈɛd ʌv hˌɪm. "
                                 "nˈObˌʌdi hæd sˈin ðˌɛm sˈɪns ðə mˈɔɹnɪŋ.";
/* The second of them. */
static const char trial[] = "nˈObˌʌdi hæd sˈin ðˌɛm sˈɪns ðə mˈɔɹnɪŋ.";

/* "We went down to the market before the rain came." "Los barcos pequeños volvieron al puerto antes de la tormenta."
 * "The boat reached the harbour before the storm began, and nobody was hurt." */
static const char *const recited[] = {
    "wˌi wˈɛnt dˌWn tə ðə mˈɑɹkət bəfˈɔɹ ðə ɹˈAn kˈAm.",
    "los βˈaɾkos pekˈeɲos βolβjˈeɾon al pwˈeɾto ˈantes ðe la toɾmˈɛnta.",
    "ðə bˈOt ɹˈiʧt ðə hˈɑɹbəɹ bəfˈɔɹ ðə stˈɔɹm bəɡˈæn, ænd nˈObˌɑdi wʌz hˈɜɹt.",
};

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

/* Speak one sentence, unheard. */
static enum tb_code recite(const struct tb_kokoro_run *run, const struct tb_kokoro_model *model, const char *phonemes,
                           const struct tb_kokoro_print *print, struct tb_intonation *intonation,
                           struct tb_kokoro_past *seen, struct tb_error *err)
{
    struct tb_kokoro_stream *pass = NULL;
    struct tb_kokoro_plan plan;
    struct tb_mat unheard;
    bool more;
    enum tb_code rc = plan_text(run, model, tb_str_of(phonemes), print->prosody, print->speed, &plan, err);

    if (rc)
        return rc;
    tb_intonation_apply(intonation, plan.f0);
    if ((rc = tb_kokoro_stream_open(model, &plan, plan.frames, print->style, NULL, seen, &pass, err)) == TB_OK)
        rc = tb_kokoro_stream_next(run, pass, &unheard, &more, err);
    tb_kokoro_stream_close(pass);
    return rc;
}

enum tb_code tb_kokoro_recite(const struct tb_kokoro_model *model, struct tb_pool *pool, const struct tb_sink *sink,
                              const struct tb_kokoro_print *print, struct tb_kokoro_past **past, struct tb_error *err)
{
    struct tb_kokoro_past *seen = calloc(1, sizeof *seen);
    struct tb_scratch scratch = { 0 };
    struct tb_kokoro_run run = { .pool = pool, .scratch = &scratch, .sink = sink };
    struct tb_intonation intonation;
    enum tb_code rc;

    *past = calloc(1, sizeof **past);
    rc = seen && *past ? tb_scratch_open(TB_KOKORO_SCRATCH, &scratch, err)
                       : tb_fail(err, TB_ENOMEM, "kokoro: no memory for a voice's past");
    tb_intonation_init(&intonation, print->f0_style_hz, print->f0_median_hz / TB_INTONATION_HEARD);
    for (size_t i = 0; rc == TB_OK && i < sizeof recited / sizeof *recited; i++) {
        rc = recite(&run, model, recited[i], print, &intonation, seen, err);
        if (rc == TB_OK)
            tb_norms_add(*past, seen);
        tb_scratch_reset(&scratch, 0);
    }
    tb_scratch_close(&scratch);
    free(seen);
    if (rc) {
        free(*past);
        *past = NULL;
    }
    return rc;
}
