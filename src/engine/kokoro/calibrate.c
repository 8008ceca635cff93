/* calibrate.c - see calibrate.h. */
#include "engine/kokoro/calibrate.h"

#include <string.h>

#include "engine/kokoro/intonation.h"
#include "engine/kokoro/passes.h"
#include "engine/kokoro/synth.h"

/* "The old man walked along the river, and his dog ran ahead of him. Nobody had seen them since the morning." */
static const char statements[] = "ði ˈOld mˈæn wˈɔkt əlˈɔŋ ðə ɹˈɪvəɹ, ænd hɪz dˈɔɡ ɹˈæn əhˈɛd ʌv hˌɪm. "
                                 "nˈObˌʌdi hæd sˈin ðˌɛm sˈɪns ðə mˈɔɹnɪŋ.";

static bool pause_turn(void *turn)
{
    tb_turn_pause(turn);
    return true;
}

enum tb_code tb_kokoro_style_pitch(const struct tb_kokoro_model *model, struct tb_pool *pool, struct tb_turn *turn,
                                   const float *prosody, float *median_hz, struct tb_error *err)
{
    uint8_t padded[TB_PASS_TOKENS + 2] = { 0 };
    struct tb_bytes tokens = { .cap = TB_PASS_TOKENS };
    struct tb_scratch scratch = { 0 };
    struct tb_kokoro_plan plan;
    enum tb_code rc;

    if ((rc = tb_passes_tokens((struct tb_str){ statements, sizeof statements - 1 }, &tokens)) == TB_OK &&
        (rc = tb_scratch_open(TB_KOKORO_SCRATCH, &scratch, err)) == TB_OK) {
        const struct tb_sink sink = { .pause = pause_turn, .ctx = turn };
        struct tb_kokoro_run run = { .pool = pool, .scratch = &scratch, .sink = &sink };

        memcpy(padded + 1, tokens.data, tokens.size);
        rc = tb_kokoro_plan(&run, model, padded, (int)tokens.size + 2, prosody, 1, &plan, err);
        if (rc == TB_OK)
            *median_hz = tb_intonation_median(plan.f0);
        tb_scratch_close(&scratch);
    }
    tb_bytes_free(&tokens);
    return rc;
}
