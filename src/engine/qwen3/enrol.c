/* enrol.c - see enrol.h. */
#include "engine/qwen3/enrol.h"

#include <stdlib.h>
#include <string.h>

#include "audio/activity.h"
#include "audio/pitch.h"
#include "audio/resample.h"
#include "base/limits.h"
#include "engine/qwen3/print.h"
#include "engine/qwen3/segment.h"

static const size_t SCRATCH = (size_t)1 << 30; /* reserved; 40 kB become memory for each 11 ms of the recording */

/* The pitch, for the report; the model needs no rate, and none is reported. */
static enum tb_code measure(const struct tb_pcm *speech, struct tb_enrol_report *report, struct tb_error *err)
{
    struct tb_pcm low = { 0 };
    enum tb_code rc = tb_resample(speech, TB_PITCH_RATE_HZ, &low, err);
    float *f0_hz = rc ? NULL : calloc(tb_pitch_frames(low.len) + 1, sizeof *f0_hz);

    if (rc == TB_OK && !f0_hz)
        rc = tb_fail(err, TB_ENOMEM, "enrolment");
    if (rc == TB_OK && (rc = tb_pitch(low.data, low.len, f0_hz, err)) == TB_OK)
        report->f0_median_hz = tb_pitch_summarise(f0_hz, tb_pitch_frames(low.len)).median_hz;
    free(f0_hz);
    tb_pcm_free(&low);
    return rc;
}

/* The recording with silence behind it, as codes. */
static enum tb_code add_codes(const struct tb_q3_run *run, const struct tb_q3_model *m, const struct tb_pcm *voice,
                              const struct tb_enrol_request *req, struct tb_q3_print *print, struct tb_error *err)
{
    struct tb_pcm longer = { 0 };
    enum tb_code rc = tb_pcm_alloc(&longer, voice->len + TB_Q3_SILENCE_MS * TB_Q3_RATE_HZ / 1000, TB_Q3_RATE_HZ, err);

    if (rc)
        return rc;
    memcpy(longer.data, voice->data, voice->len * sizeof *voice->data);
    print->groups = m->config.groups;
    print->frames = tb_q3_encoder_frames(&m->encoder, longer.len);
    print->codes = malloc((size_t)print->frames * (size_t)print->groups * sizeof *print->codes);
    if (!print->codes)
        rc = tb_fail(err, TB_ENOMEM, "enrolment");
    else if ((rc = tb_q3_encoder_run(run, &m->encoder, longer.data, longer.len, req->turn, print->codes, err)) == TB_OK)
        rc = tb_bytes_add(&print->text, req->text.p, req->text.n);
    tb_pcm_free(&longer);
    return rc;
}

static enum tb_code make_print(const struct tb_q3_run *run, const struct tb_q3_model *m,
                               const struct tb_enrol_request *req, struct tb_q3_print *print, struct tb_error *err)
{
    struct tb_pcm voice = { 0 };
    enum tb_code rc = tb_resample(req->audio, TB_Q3_RATE_HZ, &voice, err);

    if (rc)
        return rc;
    print->width = m->config.talker.hidden;
    rc = tb_q3_speaker_run(run, &m->speaker, voice.data, voice.len, print->speaker, err);
    tb_turn_pause(req->turn);
    if (rc == TB_OK && tb_q3_speakable(req->text) && voice.len <= (size_t)TB_Q3_REFERENCE_SECONDS * TB_Q3_RATE_HZ)
        rc = add_codes(run, m, &voice, req, print, err);
    tb_pcm_free(&voice);
    return rc;
}

enum tb_code tb_q3_enrol(const struct tb_q3_model *model, struct tb_pool *pool, const struct tb_enrol_request *req,
                         struct tb_bytes *print, struct tb_enrol_report *report, struct tb_error *err)
{
    struct tb_q3_print *made = calloc(1, sizeof *made);
    struct tb_pcm speech = { 0 };
    struct tb_scratch scratch = { 0 };
    struct tb_q3_run run = { .pool = pool, .scratch = &scratch };
    enum tb_code rc = made ? TB_OK : tb_fail(err, TB_ENOMEM, "enrolment");

    *report = (struct tb_enrol_report){ 0 };
    if (rc || (rc = tb_activity_speech(req->audio, TB_MIN_SPEECH_MS, &speech, err)) ||
        (rc = measure(&speech, report, err)))
        goto done;
    report->speech_seconds = (float)speech.len / TB_ACTIVITY_RATE_HZ;
    tb_turn_pause(req->turn);
    if ((rc = tb_scratch_open(SCRATCH, &scratch, err)) || (rc = make_print(&run, model, req, made, err)))
        goto done;
    rc = tb_q3_print_write(made, print, err);
done:
    tb_scratch_close(&scratch);
    tb_pcm_free(&speech);
    if (made)
        tb_q3_print_free(made);
    free(made);
    return rc;
}
