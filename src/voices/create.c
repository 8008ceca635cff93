/* create.c - enrolment: get the file, decode it, check it, make the print, name it, store it. The order of the checks
 * is that of docs/API.md, cheap before dear: a full account learns so before anything is fetched. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "audio/decode.h"
#include "base/clock.h"
#include "base/log.h"
#include "text/utf8.h"
#include "voices/data_url.h"
#include "voices/fetch.h"
#include "voices/voices_priv.h"

enum { ID_TRIES = 64 }; /* of 65536 tails in the same millisecond under the same name */

/* Codecs pad the end of a recording: MP3 by up to two frames and its decoder's delay, AAC by as much. WAV does not. */
static const double padding_s = 0.1;

static enum tb_code check_request(const struct tb_voices *v, const struct tb_create_request *req,
                                  const struct tb_model **model, struct tb_error *err)
{
    size_t points = tb_utf8_count(req->text);

    *model = tb_voices_model(v, req->target_model);
    if (!*model)
        return tb_fail(err, TB_EINVAL, "target_model: no model '%.*s' here",
                       req->target_model.n > 100 ? 100 : (int)req->target_model.n, req->target_model.p);
    if (!tb_voices_name_ok(req->preferred_name))
        return tb_fail(err, TB_EINVAL, "preferred_name: '%.*s' is not 1 to %d of A-Z a-z 0-9 _",
                       req->preferred_name.n > 40 ? 40 : (int)req->preferred_name.n, req->preferred_name.p,
                       TB_MAX_NAME);
    if (points > TB_MAX_TRANSCRIPT)
        return tb_fail(err, TB_EINVAL, "text: %zu characters, at most %d", points, TB_MAX_TRANSCRIPT);
    return TB_OK;
}

static enum tb_code check_quota(const struct tb_voices *v, int64_t account, struct tb_error *err)
{
    int64_t count;
    enum tb_code rc = tb_store_voice_count(v->config.store, account, &count, err);

    if (!rc && (uint64_t)count >= v->config.max_voices)
        rc = tb_fail(err, TB_EQUOTA, "the account holds %lld voices, at most %zu are allowed", (long long)count,
                     v->config.max_voices);
    return rc;
}

static enum tb_code read_source(const struct tb_voices *v, struct tb_str audio, struct tb_bytes *file,
                                struct tb_error *err)
{
    const struct tb_fetch_options options = { .allow_private = v->config.allow_private_urls,
                                              .allowed = v->allowed };
    enum tb_code rc = tb_data_url_is(audio) ? tb_data_url_decode(audio, file, err)
                                            : tb_fetch(audio, &options, file, err);

    return rc || file->size ? rc : tb_fail(err, TB_EAUDIO_DECODE, "the file is empty");
}

static enum tb_code check_sound(const struct tb_decode_info *info, struct tb_error *err)
{
    double most = TB_MAX_AUDIO_SECONDS + (strcmp(info->container, "WAV") == 0 ? 0 : padding_s);

    if (info->rate < TB_MIN_AUDIO_RATE)
        return tb_fail(err, TB_EAUDIO_RATE, "%u Hz, at least %d Hz is needed", info->rate, TB_MIN_AUDIO_RATE);
    if (info->cut)
        return tb_fail(err, TB_EAUDIO_LONG, "over %d s, at most %d s", TB_MAX_AUDIO_SECONDS, TB_MAX_AUDIO_SECONDS);
    if (info->seconds > most)
        return tb_fail(err, TB_EAUDIO_LONG, "%.2f s, at most %d s", info->seconds, TB_MAX_AUDIO_SECONDS);
    return TB_OK;
}

/* Who can hold a text against the sound: the model's own engine, else another one that is loaded. */
static struct tb_engine *listener(const struct tb_voices *v, struct tb_engine *own)
{
    for (size_t i = 0; !own->ops->listen && i < v->config.model_count; i++)
        if (v->config.models[i].engine->ops->listen)
            return v->config.models[i].engine;
    return own;
}

/* The transcript and the language, where there is a transcript. *lang becomes what the recording is in. */
static enum tb_code check_transcript(const struct tb_create_request *req, const struct tb_enrol_request *enrol,
                                     struct tb_engine *engine, enum tb_lang *lang,
                                     struct tb_create_report *report, struct tb_error *err)
{
    const struct tb_transcript_request check = { .engine = engine, .audio = enrol->audio, .text = req->text,
                                                 .declared = req->language, .turn = enrol->turn,
                                                 .speech_s = report->enrol.speech_seconds };

    report->transcript = (struct tb_transcript){ .match = -1, .lang = *lang, .reason = "declared" };
    if (req->text.n == 0)
        return TB_OK;
    enum tb_code rc = tb_transcript_check(&check, &report->transcript, &report->advice, err);
    if (!rc && report->transcript.lang != TB_LANG_AUTO)
        *lang = report->transcript.lang;
    return rc;
}

static enum tb_code make_id(struct tb_str name, int64_t now_ms, char id[TB_MAX_VOICE_ID], struct tb_error *err)
{
    time_t seconds = (time_t)(now_ms / 1000);
    uint16_t tail;
    char when[16];
    struct tm tm;

    if (getrandom(&tail, sizeof tail, 0) != sizeof tail)
        return tb_fail(err, TB_EIO, "no random bytes");
    gmtime_r(&seconds, &tm);
    strftime(when, sizeof when, "%Y%m%d%H%M%S", &tm);
    snprintf(id, TB_MAX_VOICE_ID, "qwen-tts-vc-%.*s-voice-%s%03d-%04x", (int)name.n, name.p, when,
             (int)(now_ms % 1000), tail);
    return TB_OK;
}

/* Draw ids until one is free. */
static enum tb_code store_voice(struct tb_voices *v, int64_t account, struct tb_str name, struct tb_voice_info *info,
                                struct tb_str print, const struct tb_recording *recording, struct tb_error *err)
{
    enum tb_code rc = TB_EINVAL;

    for (int i = 0; rc == TB_EINVAL && i < ID_TRIES; i++) {
        info->created_ms = info->modified_ms = info->used_ms = tb_now_ms();
        if ((rc = make_id(name, info->created_ms, info->id, err)))
            return rc;
        rc = tb_store_voice_add(v->config.store, account, info, print, recording, v->config.max_voices, err);
    }
    return rc == TB_EINVAL ? tb_fail(err, TB_EINTERNAL, "no free voice id in %d draws", ID_TRIES) : rc;
}

/* From the file to the print: decoding, checks, the engine. */
static enum tb_code make_print(struct tb_voices *v, const struct tb_model *model, const struct tb_create_request *req,
                               enum tb_lang *lang, struct tb_str file, struct tb_bytes *print,
                               struct tb_create_report *report, struct tb_create_times *times, struct tb_error *err)
{
    struct tb_enrol_request enrol = { .text = req->text, .lang = *lang };
    struct tb_decode_info info;
    struct tb_pcm pcm = { 0 };
    int64_t began = tb_mono_us();
    enum tb_code rc = tb_decode(v->config.helper_dir, file, &pcm, &info, err);

    times->decode_us = tb_mono_us() - began;
    if (!rc)
        rc = check_sound(&info, err);
    if (!rc) {
        enrol.turn = tb_turn_begin(&v->config.turns, TB_ENROL_TURN_US); /* 60 s of sound take 0.2 s to check */
        if (!(rc = tb_quality_measure(&pcm, &report->sound, err)))
            rc = tb_judge_sound(&report->sound, &report->advice, err);
    }
    times->check_us = tb_mono_us() - began - times->decode_us;
    if (!rc) {
        began = tb_mono_us();
        enrol.audio = &pcm;
        tb_turn_pause(enrol.turn);
        rc = tb_engine_enrol(model->engine, &enrol, print, &report->enrol, err);
        times->enrol_us = tb_mono_us() - began;
    }
    if (!rc)
        rc = tb_judge_voice(&report->enrol, &report->advice, err);
    if (!rc) {
        began = tb_mono_us();
        rc = check_transcript(req, &enrol, listener(v, model->engine), lang, report, err);
        times->listen_us = tb_mono_us() - began;
    }
    tb_turn_end(enrol.turn);
    tb_pcm_free(&pcm);
    return rc;
}

/* The language as given, else as the transcript shows. */
static enum tb_lang language_of(const struct tb_create_request *req)
{
    return req->language != TB_LANG_AUTO || req->text.n == 0 ? req->language : tb_lang_detect(req->text, TB_LANG_AUTO);
}

static void fill_info(struct tb_voice_info *info, const struct tb_model *model)
{
    *info = (struct tb_voice_info){ 0 };
    snprintf(info->target_model, sizeof info->target_model, "%s", model->name);
    snprintf(info->engine, sizeof info->engine, "%s", model->engine->ops->name);
}

/* What of the report outlives the request. */
static void keep_report(const struct tb_create_report *report, struct tb_voice_info *info)
{
    size_t n = 0;

    info->likeness_permille = report->enrol.similarity > 0 ? lround(1000.0 * (double)report->enrol.similarity) : 0;
    for (size_t i = 0; i < report->advice.count && n < sizeof info->advice; i++)
        n += (size_t)snprintf(info->advice + n, sizeof info->advice - n, "%s%s", i ? "," : "",
                              report->advice.item[i].kind);
}

static void log_created(int64_t account, const struct tb_voice_info *info, const struct tb_create_report *report,
                        const struct tb_create_times *times)
{
    const struct tb_quality *q = &report->sound;
    const struct tb_transcript *t = &report->transcript;

    tb_log(TB_LOG_INFO, "voice-created",
           "account=%lld voice=%s model=%s language=%s speech_s=%.1f likeness=%.2f one_voice=%.2f snr_db=%.1f "
           "level_db=%.1f clipped=%.4f band_hz=%.0f pause_s=%.1f match=%.2f language_by=%s fetch_ms=%lld "
           "decode_ms=%lld check_ms=%lld enrol_ms=%lld listen_ms=%lld store_ms=%lld",
           (long long)account, info->id, info->target_model, info->language, (double)report->enrol.speech_seconds,
           (double)report->enrol.similarity, (double)report->enrol.one_voice, (double)q->snr_db, (double)q->level_db,
           (double)q->clipped, (double)q->band_hz, (double)q->pause_s, (double)t->match, t->reason,
           (long long)times->fetch_us / 1000, (long long)times->decode_us / 1000, (long long)times->check_us / 1000,
           (long long)times->enrol_us / 1000, (long long)times->listen_us / 1000, (long long)times->store_us / 1000);
    for (size_t i = 0; i < report->advice.count; i++)
        tb_log(TB_LOG_INFO, "voice-advice", "account=%lld voice=%s kind=%s detail=\"%s\"", (long long)account,
               info->id, report->advice.item[i].kind, report->advice.item[i].text);
}

/* What was wrong with a recording; other failures are the api's to log. */
static void log_refused(int64_t account, enum tb_code rc, const struct tb_create_report *report,
                        const struct tb_error *err)
{
    const struct tb_quality *q = &report->sound;

    if (!(tb_code_is_audio(rc) || rc == TB_EFETCH) || !err)
        return;
    tb_log(TB_LOG_INFO, "voice-refused",
           "account=%lld code=%s speech_s=%.1f snr_db=%.1f level_db=%.1f clipped=%.4f band_hz=%.0f detail=\"%s\"",
           (long long)account, tb_code_name(rc), (double)q->speech_s, (double)q->snr_db, (double)q->level_db,
           (double)q->clipped, (double)q->band_hz, err->text);
}

enum tb_code tb_voices_create(struct tb_voices *v, int64_t account, const struct tb_create_request *req,
                              struct tb_voice_info *out, struct tb_create_report *report, struct tb_create_times *times,
                              struct tb_error *err)
{
    struct tb_bytes file = { .cap = TB_MAX_AUDIO_FILE }, print = { .cap = TB_MAX_PRINT };
    struct tb_create_report own_report;
    struct tb_create_times own_times;
    const struct tb_model *model;
    struct tb_voice_info info;
    enum tb_lang lang = language_of(req); /* that the voice is listed under; not known: the documented default */
    int64_t began = tb_mono_us();
    enum tb_code rc;

    report = report ? report : &own_report;
    times = times ? times : &own_times;
    *out = (struct tb_voice_info){ 0 };
    *report = (struct tb_create_report){ 0 };
    *times = (struct tb_create_times){ 0 };
    if ((rc = check_request(v, req, &model, err)) || (rc = check_quota(v, account, err)))
        return rc;
    fill_info(&info, model);

    rc = read_source(v, req->audio, &file, err);
    times->fetch_us = tb_mono_us() - began;
    if (rc)
        goto done;
    rc = make_print(v, model, req, &lang, tb_bytes_str(&file), &print, report, times, err);
    if (rc)
        goto done;
    snprintf(info.language, sizeof info.language, "%s", tb_lang_code(lang != TB_LANG_AUTO ? lang : TB_LANG_ZH));
    keep_report(report, &info);
    began = tb_mono_us();
    const struct tb_recording recording = { tb_bytes_str(&file), req->text };
    rc = store_voice(v, account, req->preferred_name, &info, tb_bytes_str(&print),
                     v->config.keep_recordings ? &recording : NULL, err);
    times->store_us = tb_mono_us() - began;
    if (rc)
        goto done;
    *out = info;
    tb_preparer_add(v->preparer, model->engine, tb_bytes_str(&print));
    log_created(account, &info, report, times);
done:
    log_refused(account, rc, report, err);
    tb_bytes_free(&print);
    tb_bytes_free(&file);
    return rc;
}
