/* mel.c - see mel.h. */
#include "audio/mel.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "audio/fft.h"

enum { BINS = TB_MEL_FFT / 2 + 1 };

double tb_mel_to_hz(double mel)
{
    return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * log(6.4) / 27);
}

double tb_mel_of_hz(double hz)
{
    return hz < 1000 ? hz * 3 / 200 : 15 + 27 * log(hz / 1000) / log(6.4);
}

double tb_mel_centre_hz(int band)
{
    return tb_mel_to_hz(tb_mel_of_hz(TB_MEL_RATE_HZ / 2) * (band + 1) / (TB_MEL_BANDS + 1));
}

/* One triangle: weights of bins first .. first + count. */
struct triangle {
    int first, count;
    float weight[BINS];
};

struct mel {
    struct tb_fft *fft;
    float hann[TB_MEL_FFT], frame[TB_MEL_FFT], work[TB_MEL_FFT], bins[BINS * 2], power[BINS];
    struct triangle triangles[TB_MEL_BANDS];
};

static void make_triangle(struct triangle *t, int band)
{
    double low = tb_mel_centre_hz(band - 1), mid = tb_mel_centre_hz(band), high = tb_mel_centre_hz(band + 1);

    for (int k = 0; k < BINS; k++) {
        double f = (double)k * TB_MEL_RATE_HZ / TB_MEL_FFT;
        double w = fmin((f - low) / (mid - low), (high - f) / (high - mid)) * 2 / (high - low);
        if (w <= 0)
            continue;
        if (!t->count)
            t->first = k;
        t->weight[t->count++] = (float)w;
    }
}

static enum tb_code mel_open(struct mel **out, struct tb_error *err)
{
    struct mel *m = calloc(1, sizeof *m);

    *out = NULL;
    if (!m)
        return tb_fail(err, TB_ENOMEM, "mel bands");
    enum tb_code rc = tb_fft_open(TB_MEL_FFT, &m->fft, err);
    if (rc) {
        free(m);
        return rc;
    }
    for (int i = 0; i < TB_MEL_FFT; i++)
        m->hann[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * i / TB_MEL_FFT));
    for (int b = 0; b < TB_MEL_BANDS; b++)
        make_triangle(&m->triangles[b], b);
    *out = m;
    return TB_OK;
}

static void mel_close(struct mel *m)
{
    tb_fft_close(m->fft);
    free(m);
}

/* Frame t of wave into out [TB_MEL_BANDS]. */
static void mel_frame(struct mel *m, const float *wave, size_t len, size_t t, float *out)
{
    for (size_t i = 0; i < TB_MEL_FFT; i++) {
        size_t at = t * TB_MEL_HOP + i; /* half a frame ahead of the sample's index */
        bool inside = at >= TB_MEL_FFT / 2 && at - TB_MEL_FFT / 2 < len;
        m->frame[i] = inside ? wave[at - TB_MEL_FFT / 2] * m->hann[i] : 0;
    }
    tb_fft_real(m->fft, m->frame, m->bins, m->work);
    for (int k = 0; k < BINS; k++)
        m->power[k] = m->bins[2 * k] * m->bins[2 * k] + m->bins[2 * k + 1] * m->bins[2 * k + 1];
    for (int b = 0; b < TB_MEL_BANDS; b++) {
        const struct triangle *tri = &m->triangles[b];
        float sum = 0;
        for (int k = 0; k < tri->count; k++)
            sum += tri->weight[k] * m->power[tri->first + k];
        out[b] = sum;
    }
}

enum tb_code tb_mel(const float *wave, size_t len, float *out, struct tb_error *err)
{
    struct mel *m;
    enum tb_code rc = mel_open(&m, err);

    if (rc)
        return rc;
    for (size_t t = 0; t < tb_mel_frames(len); t++)
        mel_frame(m, wave, len, t, out + t * TB_MEL_BANDS);
    mel_close(m);
    return TB_OK;
}

enum tb_code tb_mel_spectrum(const float *speech, size_t len, float *out, struct tb_error *err)
{
    size_t frames = tb_mel_frames(len), louder = 0;
    float *mel = malloc(frames * TB_MEL_BANDS * sizeof *mel);
    double energy = 0, mean = 0, sum[TB_MEL_BANDS] = { 0 };

    memset(out, 0, TB_MEL_BANDS * sizeof *out);
    if (!mel)
        return tb_fail(err, TB_ENOMEM, "mel bands of %zu samples", len);
    enum tb_code rc = tb_mel(speech, len, mel, err);
    if (rc) {
        free(mel);
        return rc;
    }
    for (size_t i = 0; i < len; i++)
        energy += (double)speech[i] * speech[i];
    double rms = sqrt(energy / (double)(len ? len : 1)) + 1e-9;
    double gain = pow(10, TB_SPECTRUM_DB / 10.0) / (rms * rms); /* of power */
    for (size_t i = 0; i < frames * TB_MEL_BANDS; i++) {
        mel[i] = (float)log(mel[i] * gain + 1e-9);
        mean += mel[i] / (double)(frames * TB_MEL_BANDS);
    }
    for (size_t t = 0; t < frames; t++) {
        const float *row = mel + t * TB_MEL_BANDS;
        double level = 0;
        for (int b = 0; b < TB_MEL_BANDS; b++)
            level += row[b] / (double)TB_MEL_BANDS;
        if (level < mean)
            continue;
        louder++;
        for (int b = 0; b < TB_MEL_BANDS; b++)
            sum[b] += row[b];
    }
    for (int b = 0; b < TB_MEL_BANDS; b++)
        out[b] = (float)(sum[b] / (double)(louder ? louder : 1));
    free(mel);
    return TB_OK;
}
