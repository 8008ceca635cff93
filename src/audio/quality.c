/* quality.c - see quality.h. Level and pauses from the flags of tb_activity; the rest from a spectrogram of 40 ms
 * frames in bands of 250 Hz. The background of a band is what it falls back to again and again: a low quantile over
 * time (minimum statistics, Martin 2001), which needs no pauses, since no band sounds all the time. */
#include "audio/quality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/activity.h"
#include "audio/fft.h"
#include "audio/resample.h"
#include "base/order.h"

enum {
    FFT = 960,
    HOP = 480,       /* 50 frames a second */
    BINS = FFT / 2 + 1,
    LOWEST = 4,      /* bin at 100 Hz: hum and rumble below are no part of this */
    WIDE = 10,       /* bins of a band, 250 Hz */
    BANDS = 47,      /* up to 11850 Hz */
    SNR_BANDS = 31,  /* up to 7850 Hz: what most speech has */
    AVERAGED = 5,    /* frames over which the background is smoothed */
    LEAST_FRAMES = 25
};

static const double CEILING = 0.98;     /* of the peak: a clipped sample stands above */
static const double SNR_MOST = 80;      /* digital silence between the words */
static const double BAND_DB = -50;      /* under the strongest band: fricatives reach -30, an empty band has -80 */
static const float NOTHING_DB = -120;

static float clipped_part(const struct tb_pcm *audio, double speech_s)
{
    float peak = 0;
    size_t count = 0;

    for (size_t i = 0; i < audio->len; i++)
        peak = fmaxf(peak, fabsf(audio->data[i]));
    for (size_t i = 0; i < audio->len; i++)
        count += fabsf(audio->data[i]) >= (float)CEILING * peak;
    double all = speech_s * audio->rate;
    return peak > 0 && all > 0 ? (float)fmin(1, (double)count / all) : 0;
}

/* Speech, pauses and level from the flags of n frames of wave, which is `gain` times the recording. */
static void sum_up(const float *wave, const bool *active, size_t n, double gain, struct tb_quality *out)
{
    size_t speech = 0, gap = 0, longest = 0;
    double energy = 0;

    for (size_t t = 0; t < n; t++) {
        if (!active[t]) {
            gap += speech > 0;
            continue;
        }
        longest = gap > longest ? gap : longest;
        gap = 0;
        speech++;
        for (size_t i = 0; i < TB_ACTIVITY_FRAME; i++)
            energy += (double)wave[t * TB_ACTIVITY_FRAME + i] * wave[t * TB_ACTIVITY_FRAME + i];
    }
    double frame_s = (double)TB_ACTIVITY_FRAME / TB_ACTIVITY_RATE_HZ;
    double mean = speech ? energy / ((double)speech * TB_ACTIVITY_FRAME * gain * gain) : 0;
    out->speech_s = (float)((double)speech * frame_s);
    out->pause_s = (float)((double)longest * frame_s);
    out->level_db = mean > 1e-12 ? (float)(10 * log10(mean)) : NOTHING_DB;
}

static enum tb_code find_speech(const struct tb_pcm *audio, struct tb_quality *out, struct tb_error *err)
{
    struct tb_pcm low = { 0 };
    enum tb_code rc = tb_resample(audio, TB_ACTIVITY_RATE_HZ, &low, err);

    if (rc)
        return rc;
    size_t n = low.len / TB_ACTIVITY_FRAME;
    bool *active = calloc(n + 1, sizeof *active);
    double gain = tb_activity_raise(low.data, low.len);
    rc = active ? tb_activity(low.data, low.len, active, err) : tb_fail(err, TB_ENOMEM, "quality of a recording");
    if (!rc)
        sum_up(low.data, active, n, gain, out);
    free(active);
    tb_pcm_free(&low);
    return rc;
}

/* power [BANDS][frames] of wave, frame t beginning at HOP * t. */
static enum tb_code spectrogram(const struct tb_pcm *wave, size_t frames, float *power, struct tb_error *err)
{
    struct tb_fft *fft;
    enum tb_code rc = tb_fft_open(FFT, &fft, err);

    if (rc)
        return rc;
    float *work = malloc((tb_fft_work(fft) + 2 * FFT + 2 * BINS) * sizeof *work);
    if (!work) {
        tb_fft_close(fft);
        return tb_fail(err, TB_ENOMEM, "quality of a recording");
    }
    float *frame = work + tb_fft_work(fft), *hann = frame + FFT, *bins = hann + FFT;
    for (int i = 0; i < FFT; i++)
        hann[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * i / FFT));
    for (size_t t = 0; t < frames; t++) {
        for (int i = 0; i < FFT; i++)
            frame[i] = wave->data[t * HOP + (size_t)i] * hann[i];
        tb_fft_real(fft, frame, bins, work);
        for (int b = 0; b < BANDS; b++) {
            float sum = 0;
            for (int k = LOWEST + b * WIDE; k < LOWEST + (b + 1) * WIDE; k++)
                sum += bins[2 * k] * bins[2 * k] + bins[2 * k + 1] * bins[2 * k + 1];
            power[(size_t)b * frames + t] = sum;
        }
    }
    free(work);
    tb_fft_close(fft);
    return TB_OK;
}

/* The highest band that the loudest fiftieth of its frames (eight at least) reaches. row: [frames], scratch. */
static float band_end(const float *power, size_t frames, float *row)
{
    size_t rank = frames / 50 > 8 ? frames / 50 : 8;
    float loud[BANDS], most = 0;

    for (int b = 0; b < BANDS; b++) {
        memcpy(row, power + (size_t)b * frames, frames * sizeof *row);
        qsort(row, frames, sizeof *row, tb_ascending);
        loud[b] = row[frames - rank];
        most = fmaxf(most, loud[b]);
    }
    for (int b = BANDS; b-- > 0;)
        if (loud[b] > most * (float)pow(10, BAND_DB / 10))
            return (float)((LOWEST + (b + 1) * WIDE) * TB_QUALITY_RATE_HZ / FFT);
    return 0;
}

/* Power that the band falls back to: the lowest tenth of the smoothed row. kept: [frames], scratch. */
static double background(const float *row, size_t frames, float *kept)
{
    size_t n = frames - AVERAGED + 1;

    for (size_t t = 0; t < n; t++) {
        kept[t] = 0;
        for (size_t i = 0; i < AVERAGED; i++)
            kept[t] += row[t + i] / AVERAGED;
    }
    qsort(kept, n, sizeof *kept, tb_ascending);
    return kept[n / 10];
}

/* total, kept: [frames], scratch. */
static float signal_to_noise(const float *power, size_t frames, float *total, float *kept)
{
    double noise = 0, speech = 0;
    size_t count = 0;

    memset(total, 0, frames * sizeof *total);
    for (int b = 0; b < SNR_BANDS; b++) {
        const float *row = power + (size_t)b * frames;
        noise += background(row, frames, kept);
        for (size_t t = 0; t < frames; t++)
            total[t] += row[t];
    }
    memcpy(kept, total, frames * sizeof *kept);
    qsort(kept, frames, sizeof *kept, tb_ascending);
    float loud = kept[frames - 1 - frames / 20] / 100; /* within 20 dB of the loudest */
    for (size_t t = 0; t < frames; t++)
        if (total[t] > loud) {
            speech += total[t];
            count++;
        }
    speech = count ? speech / (double)count - noise : 0;
    if (speech <= 0)
        return 0;
    return noise > 0 ? (float)fmin(SNR_MOST, 10 * log10(speech / noise)) : (float)SNR_MOST;
}

static enum tb_code look_at_spectrum(const struct tb_pcm *wave, struct tb_quality *out, struct tb_error *err)
{
    size_t frames = wave->len < FFT ? 0 : (wave->len - FFT) / HOP + 1;

    if (frames < LEAST_FRAMES)
        return TB_OK;
    float *power = malloc((BANDS + 2) * frames * sizeof *power);
    if (!power)
        return tb_fail(err, TB_ENOMEM, "quality of a recording");
    float *one = power + BANDS * frames, *other = one + frames;
    enum tb_code rc = spectrogram(wave, frames, power, err);
    if (!rc) {
        out->band_hz = band_end(power, frames, one);
        out->snr_db = signal_to_noise(power, frames, one, other);
    }
    free(power);
    return rc;
}

enum tb_code tb_quality_measure(const struct tb_pcm *audio, struct tb_quality *out, struct tb_error *err)
{
    struct tb_pcm wave = { 0 };
    enum tb_code rc;

    *out = (struct tb_quality){ .level_db = NOTHING_DB };
    if ((rc = find_speech(audio, out, err)))
        return rc;
    out->clipped = clipped_part(audio, out->speech_s);
    if ((rc = tb_resample(audio, TB_QUALITY_RATE_HZ, &wave, err)))
        return rc;
    rc = look_at_spectrum(&wave, out, err);
    tb_pcm_free(&wave);
    return rc;
}
