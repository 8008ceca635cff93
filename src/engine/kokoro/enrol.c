/* enrol.c - see enrol.h. */
#include "engine/kokoro/enrol.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/activity.h"
#include "audio/mel.h"
#include "audio/pitch.h"
#include "audio/resample.h"
#include "base/limits.h"
#include "engine/kokoro/calibrate.h"
#include "engine/kokoro/ge2e.h"
#include "engine/kokoro/nearby.h"
#include "engine/kokoro/print.h"
#include "engine/kokoro/residual.h"
#include "engine/kokoro/surrogate.h"

enum {
    MOST_SPEECH_MS = 19000, /* that is looked at, 24 windows of the encoder, which runs 24 at once; 10 s already give
                               the same likeness (docs/CLONING.md) */
    SMOOTH = 1              /* bands on each side over which the equaliser is averaged */
};

static const double LEAST_VOICED = 0.12;  /* part of speech with a pitch: voices have 0.3 to 0.9, hiss under 0.05 */
static const double LEAST_RATE = 0.7;     /* syllables a second: a hum or a tone has none */
static const double TRIAL_STRENGTH = 0.5; /* of the error that a trial finds (docs/CLONING.md) */
static const double EQ_STRENGTH = 0.95, EQ_MOST_DB = 12; /* of the spectral difference (docs/CLONING.md) */
/* From the cosine that the map, corrected by the trial, expects to that of a clone's speech with other speech of the
 * person. The slope is of 32 people, before there was a trial; the other of nine, off by .022 (root mean square;
 * docs/ENROLMENT.md). */
static const double LIKENESS_AT = 0.222, LIKENESS_BY = 0.754;
/* Syllables a second from counted nuclei, fitted to the words of 72 people, and at what rate the network speaks in any
 * style (docs/CLONING.md). */
static const double RATE_AT = 1.17, RATE_POWER = 0.954, STYLE_RATE = 5.7;
static const double SLOWEST = 0.6, FASTEST = 1.3;

struct tb_kokoro_enroller {
    struct tb_ge2e *ge2e;
    struct tb_surrogate *surrogate;
    struct tb_residual *residual; /* NULL where the adapter has none */
    struct tb_nearby *nearby;     /* NULL where the adapter has none */
    const struct tb_kokoro_model *model; /* NULL: pitch as the surrogate expects it */
    struct tb_pool *pool;
};

/* What is measured of a recording. */
struct voice {
    struct tb_sound sound; /* rate included */
    double f0_median_hz, speech_seconds, rate;
    float one_voice; /* tb_groups_likeness */
};

enum tb_code tb_kokoro_enroller_open(const char *model_dir, const struct tb_kokoro_model *model, struct tb_pool *pool,
                                     struct tb_kokoro_enroller **out, struct tb_error *err)
{
    struct tb_kokoro_enroller *e = calloc(1, sizeof *e);
    char path[4096];
    enum tb_code rc = TB_OK;

    *out = NULL;
    if (!e)
        return tb_fail(err, TB_ENOMEM, "enroller");
    e->model = model;
    e->pool = pool;
    if (snprintf(path, sizeof path, "%s/adapter.safetensors", model_dir) >= (int)sizeof path)
        rc = tb_fail(err, TB_EINVAL, "model folder: the path is too long");
    if (!rc)
        rc = tb_surrogate_open(path, &e->surrogate, err);
    if (!rc)
        rc = tb_residual_open(path, &e->residual, err);
    if (!rc)
        rc = tb_nearby_open(path, &e->nearby, err);
    if (!rc) {
        snprintf(path, sizeof path, "%s/ge2e.safetensors", model_dir);
        rc = tb_ge2e_open(path, &e->ge2e, err);
    }
    if (rc) {
        tb_kokoro_enroller_close(e);
        return rc;
    }
    *out = e;
    return TB_OK;
}

void tb_kokoro_enroller_close(struct tb_kokoro_enroller *e)
{
    if (!e)
        return;
    tb_ge2e_close(e->ge2e);
    tb_surrogate_close(e->surrogate);
    tb_residual_close(e->residual);
    tb_nearby_close(e->nearby);
    free(e);
}

/* f0_hz: room for the frames of wave. Fails when what is heard is not a voice. */
static enum tb_code measure_voicing(const struct tb_pcm *wave, float *f0_hz, struct voice *v, struct tb_error *err)
{
    size_t frames = tb_pitch_frames(wave->len), syllables;
    enum tb_code rc;

    if ((rc = tb_pitch(wave->data, wave->len, f0_hz, err)) ||
        (rc = tb_syllables(wave->data, wave->len, &syllables, err)))
        return rc;
    struct tb_pitch_summary pitch = tb_pitch_summarise(f0_hz, frames);
    v->rate = (double)syllables * TB_PITCH_RATE_HZ / (double)wave->len;
    v->f0_median_hz = pitch.median_hz;
    if ((double)pitch.voiced < LEAST_VOICED * (double)frames)
        return tb_fail(err, TB_EAUDIO_SPEECH,
                       "no clear speech: %.0f %% of the sound has a voice's pitch, %.0f %% needed",
                       100.0 * (double)pitch.voiced / (double)frames, 100 * LEAST_VOICED);
    if (v->rate < LEAST_RATE)
        return tb_fail(err, TB_EAUDIO_SPEECH, "no clear speech: %.1f syllables a second", v->rate);
    v->sound.log_pitch = (float)log(v->f0_median_hz);
    v->rate = RATE_AT * pow(v->rate, RATE_POWER);
    v->sound.log_rate = (float)log(v->rate);
    return TB_OK;
}

static enum tb_code measure_pitch(const struct tb_pcm *speech, struct voice *v, struct tb_error *err)
{
    struct tb_pcm low = { 0 };
    enum tb_code rc = tb_resample(speech, TB_PITCH_RATE_HZ, &low, err);

    if (rc)
        return rc;
    float *f0_hz = calloc(tb_pitch_frames(low.len) + 1, sizeof *f0_hz);
    rc = f0_hz ? measure_voicing(&low, f0_hz, v, err) : tb_fail(err, TB_ENOMEM, "enrolment");
    free(f0_hz);
    tb_pcm_free(&low);
    return rc;
}

/* Embedding and spectrum of *sound; one_voice may be NULL. */
static enum tb_code measure_timbre(const struct tb_kokoro_enroller *e, const struct tb_pcm *speech,
                                   struct tb_turn *turn, struct tb_sound *sound, float *one_voice,
                                   struct tb_error *err)
{
    size_t frames = tb_mel_frames(speech->len);
    float *mel = malloc(frames * TB_MEL_BANDS * sizeof *mel);
    enum tb_code rc;

    if (!mel)
        return tb_fail(err, TB_ENOMEM, "enrolment");
    if (!(rc = tb_mel(speech->data, speech->len, mel, err)) &&
        !(rc = tb_ge2e_embed(e->ge2e, e->pool, turn, mel, frames, sound->embedding, one_voice, err)))
        rc = tb_mel_spectrum(speech->data, speech->len, sound->spectrum, err);
    free(mel);
    return rc;
}

static enum tb_code measure(const struct tb_kokoro_enroller *e, const struct tb_enrol_request *req, struct voice *v,
                            struct tb_error *err)
{
    struct tb_pcm speech = { 0 };
    enum tb_code rc = tb_activity_speech(req->audio, TB_MIN_SPEECH_MS, &speech, err);

    *v = (struct voice){ .speech_seconds = (double)speech.len / TB_MEL_RATE_HZ };
    if (speech.len > (size_t)MOST_SPEECH_MS * TB_MEL_RATE_HZ / 1000)
        speech.len = (size_t)MOST_SPEECH_MS * TB_MEL_RATE_HZ / 1000;
    tb_turn_pause(req->turn);
    if (!rc)
        rc = measure_pitch(&speech, v, err);
    tb_turn_pause(req->turn);
    if (!rc)
        rc = measure_timbre(e, &speech, req->turn, &v->sound, &v->one_voice, err);
    tb_turn_pause(req->turn);
    tb_pcm_free(&speech);
    return rc;
}

static double clamp(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

/* Gains that bring the style's spectrum to the voice's: shape only, smoothed over neighbouring bands. */
static void make_eq(const float *wanted, const float *given, float *eq_db)
{
    double off[TB_MEL_BANDS], mean = 0;

    for (int b = 0; b < TB_MEL_BANDS; b++) {
        off[b] = (double)wanted[b] - (double)given[b];
        mean += off[b] / TB_MEL_BANDS;
    }
    for (int b = 0; b < TB_MEL_BANDS; b++) {
        double sum = 0;
        for (int k = b - SMOOTH; k <= b + SMOOTH; k++)
            sum += off[k < 0 ? 0 : k >= TB_MEL_BANDS ? TB_MEL_BANDS - 1 : k] - mean;
        double db = 10 / M_LN10 * sum / (2 * SMOOTH + 1); /* of the natural log of power */
        eq_db[b] = (float)clamp(EQ_STRENGTH * db, -EQ_MOST_DB, EQ_MOST_DB);
    }
}

static double product(const float *a, const float *b)
{
    double sum = 0;

    for (int i = 0; i < TB_KOKORO_EMBEDDING; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static void to_unit(float *v)
{
    double length = sqrt(product(v, v)) + 1e-9;

    for (int i = 0; i < TB_KOKORO_EMBEDDING; i++)
        v[i] = (float)(v[i] / length);
}

/* What the map says about a style, and what is known better. */
struct fitted {
    float z[TB_SURROGATE_Z];
    float q[TB_NEARBY_Q];               /* where the second map has the styles, if there is one */
    struct tb_sound own;                /* what the last map expects; the embedding of length 1 */
    float spectrum[TB_MEL_BANDS];       /* that the styles of all blocks give before the equaliser */
    float error[TB_KOKORO_EMBEDDING];   /* of own.embedding, as far as a trial has shown it */
};

static void predict(const struct tb_kokoro_enroller *e, const float *z, struct tb_sound *own)
{
    tb_surrogate_predict(e->surrogate, z, own);
    to_unit(own->embedding);
}

/* Speak with the print and hear by how much the map is wrong about it. */
static enum tb_code try_voice(const struct tb_kokoro_enroller *e, struct tb_turn *turn,
                              const struct tb_kokoro_print *print, struct fitted *f, struct tb_error *err)
{
    const float *of_text = tb_surrogate_trial(e->surrogate);
    struct tb_pcm said = { 0 }, speech = { 0 };
    struct tb_sound heard;
    enum tb_code rc = tb_kokoro_trial(e->model, e->pool, turn, print, NULL, &said, err);

    if (!rc && !(rc = tb_activity_speech(&said, 0, &speech, err)))
        rc = measure_timbre(e, &speech, turn, &heard, NULL, err);
    for (int i = 0; !rc && i < TB_KOKORO_EMBEDDING; i++)
        f->error[i] = heard.embedding[i] - of_text[i] - f->own.embedding[i];
    tb_pcm_free(&said);
    tb_pcm_free(&speech);
    return rc;
}

/* Move the styles to where the second map meets the target. */
static enum tb_code come_near(const struct tb_kokoro_enroller *e, const struct tb_sound *target,
                              struct tb_kokoro_print *print, struct fitted *f, struct tb_error *err)
{
    float before[TB_NEARBY_Q];
    enum tb_code rc;

    memcpy(before, f->q, sizeof before);
    if ((rc = tb_nearby_find(e->nearby, target, f->z, f->q, &f->own, err)))
        return rc;
    tb_nearby_move(e->nearby, before, f->q, print->style);
    memcpy(f->spectrum, f->own.spectrum, sizeof f->spectrum);
    make_eq(target->spectrum, f->spectrum, print->eq_db);
    return TB_OK;
}

/* The same by the first map alone. */
static enum tb_code refine(const struct tb_kokoro_enroller *e, const struct tb_sound *target,
                           struct tb_kokoro_print *print, struct fitted *f, struct tb_error *err)
{
    float before[TB_KOKORO_HALF], after[TB_KOKORO_HALF], prosody[TB_KOKORO_HALF];
    struct tb_sound own = f->own;
    enum tb_code rc;

    tb_surrogate_style(e->surrogate, f->z, before, prosody);
    if ((rc = tb_surrogate_refine(e->surrogate, target, f->z, err)))
        return rc;
    tb_surrogate_style(e->surrogate, f->z, after, prosody);
    predict(e, f->z, &f->own);
    for (int b = 0; b < TB_KOKORO_BLOCKS; b++)
        for (int i = 0; i < TB_KOKORO_HALF; i++)
            print->style[b][i] += after[i] - before[i];
    for (int b = 0; b < TB_MEL_BANDS; b++)
        f->spectrum[b] += f->own.spectrum[b] - own.spectrum[b];
    make_eq(target->spectrum, f->spectrum, print->eq_db);
    return TB_OK;
}

/* Move the styles to where the map, with its error there, meets the voice. */
static enum tb_code correct(const struct tb_kokoro_enroller *e, const struct voice *v, struct tb_kokoro_print *print,
                            struct fitted *f, struct tb_error *err)
{
    struct tb_sound target = v->sound;

    for (int i = 0; i < TB_KOKORO_EMBEDDING; i++)
        target.embedding[i] -= (float)(TRIAL_STRENGTH * f->error[i]);
    to_unit(target.embedding);
    return e->nearby ? come_near(e, &target, print, f, err) : refine(e, &target, print, f, err);
}

/* Find the style by the map, and what is left to do about the difference. */
static enum tb_code find_style(const struct tb_kokoro_enroller *e, struct tb_turn *turn, const struct voice *v,
                               struct tb_kokoro_print *print, struct fitted *f, struct tb_error *err)
{
    enum tb_code rc = tb_surrogate_invert(e->surrogate, &v->sound, f->z, err);

    if (rc)
        return rc;
    predict(e, f->z, &f->own);
    tb_surrogate_style(e->surrogate, f->z, print->style[0], print->prosody);
    for (int b = 1; b < TB_KOKORO_BLOCKS; b++)
        memcpy(print->style[b], print->style[0], sizeof print->style[0]);
    memcpy(f->spectrum, f->own.spectrum, sizeof f->spectrum);
    tb_residual_add(e->residual, &v->sound, f->z, &f->own, print->style, f->spectrum);
    memcpy(print->embedding, v->sound.embedding, sizeof print->embedding);
    print->f0_median_hz = (float)v->f0_median_hz;
    float style_hz = expf(f->own.log_pitch);
    tb_turn_pause(turn);
    if (e->model && (rc = tb_kokoro_style_pitch(e->model, e->pool, turn, print->prosody, &style_hz, err)))
        return rc;
    print->f0_style_hz = (float)clamp(style_hz, TB_PITCH_LOW_HZ, TB_PITCH_HIGH_HZ);
    print->speed = (float)clamp(v->rate / STYLE_RATE, SLOWEST, FASTEST);
    make_eq(v->sound.spectrum, f->spectrum, print->eq_db);
    if (!e->nearby)
        return TB_OK;
    tb_turn_pause(turn);
    tb_nearby_locate(e->nearby, print->style, f->q);
    return come_near(e, &v->sound, print, f, err);
}

/* *similarity: between the voice and what is expected. */
static enum tb_code fit(const struct tb_kokoro_enroller *e, struct tb_turn *turn, const struct voice *v,
                        struct tb_kokoro_print *print, float *similarity, struct tb_error *err)
{
    struct fitted f = { .z = { 0 } };
    enum tb_code rc = find_style(e, turn, v, print, &f, err);

    if (!rc && e->model && tb_surrogate_trial(e->surrogate) && !(rc = try_voice(e, turn, print, &f, err)))
        rc = correct(e, v, print, &f, err);
    for (int i = 0; i < TB_KOKORO_EMBEDDING; i++)
        f.own.embedding[i] += f.error[i];
    to_unit(f.own.embedding);
    *similarity = (float)product(v->sound.embedding, f.own.embedding);
    return rc;
}

enum tb_code tb_kokoro_enrol(struct tb_kokoro_enroller *e, const struct tb_enrol_request *req, struct tb_bytes *print,
                             struct tb_enrol_report *report, struct tb_error *err)
{
    struct tb_kokoro_print made;
    struct voice v;
    float similarity;
    enum tb_code rc;

    if ((rc = measure(e, req, &v, err)) || (rc = fit(e, req->turn, &v, &made, &similarity, err)) ||
        (rc = tb_print_write(&made, print, err)))
        return rc;
    if (report)
        *report = (struct tb_enrol_report){ .f0_median_hz = (float)v.f0_median_hz,
                                            .speech_seconds = (float)v.speech_seconds,
                                            .rate = (float)v.rate,
                                            .similarity = (float)(LIKENESS_AT + LIKENESS_BY * similarity),
                                            .one_voice = v.one_voice };
    return TB_OK;
}
