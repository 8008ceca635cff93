/* mel.c - see mel.h. */
#include "engine/qwen3/mel.h"

#include <math.h>
#include <stdlib.h>

#include "audio/fft.h"
#include "audio/mel.h"

enum { WINDOW = TB_Q3_MEL_WINDOW, BINS = TB_Q3_MEL_BINS, EDGE = (WINDOW - TB_Q3_MEL_HOP) / 2, RATE_HZ = 24000 };

void tb_q3_mel_filters(struct tb_mat y)
{
    double step = tb_mel_of_hz(RATE_HZ / 2) / (y.rows + 1);

    for (int band = 0; band < y.rows; band++) {
        double low = tb_mel_to_hz(step * band), mid = tb_mel_to_hz(step * (band + 1));
        double high = tb_mel_to_hz(step * (band + 2));

        for (int k = 0; k < BINS; k++) {
            double f = (double)k * RATE_HZ / WINDOW, w = fmin((f - low) / (mid - low), (high - f) / (high - mid));

            tb_mat_row(y, band)[k] = w > 0 ? (float)(w * 2 / (high - low)) : 0.0f;
        }
    }
}

/* Memory of one spectrum. */
struct work {
    struct tb_fft *fft;
    float *filters, *frame, *bins, *fft_work;
    float hann[WINDOW];
};

static enum tb_code work_open(struct work *w, int mels, struct tb_error *err)
{
    enum tb_code rc = tb_fft_open(WINDOW, &w->fft, err);

    if (rc)
        return rc;
    w->filters = malloc((size_t)mels * BINS * sizeof *w->filters);
    w->frame = malloc(WINDOW * sizeof *w->frame);
    w->bins = malloc(2 * BINS * sizeof *w->bins);
    w->fft_work = malloc(tb_fft_work(w->fft) * sizeof *w->fft_work);
    if (!w->filters || !w->frame || !w->bins || !w->fft_work)
        return tb_fail(err, TB_ENOMEM, "qwen3: mel bands");
    for (int i = 0; i < WINDOW; i++)
        w->hann[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * i / WINDOW));
    tb_q3_mel_filters((struct tb_mat){ w->filters, mels, BINS, BINS });
    return TB_OK;
}

static void work_close(struct work *w)
{
    tb_fft_close(w->fft);
    free(w->filters);
    free(w->frame);
    free(w->bins);
    free(w->fft_work);
}

/* Sample i of the recording with its edges mirrored; i may lie EDGE outside. */
static float mirrored(const float *samples, long len, long i)
{
    if (i < 0)
        i = -i;
    return samples[i < len ? i : 2 * (len - 1) - i];
}

static void spectrum(const float *samples, size_t len, int at, struct work *w)
{
    for (int i = 0; i < WINDOW; i++)
        w->frame[i] = mirrored(samples, (long)len, (long)at * TB_Q3_MEL_HOP + i - EDGE) * w->hann[i];
    tb_fft_real(w->fft, w->frame, w->bins, w->fft_work);
    for (int k = 0; k < BINS; k++)
        w->frame[k] = sqrtf(w->bins[2 * k] * w->bins[2 * k] + w->bins[2 * k + 1] * w->bins[2 * k + 1] + 1e-9f);
}

enum tb_code tb_q3_mel(const float *samples, size_t len, struct tb_mat y, struct tb_error *err)
{
    struct work w = { 0 };
    enum tb_code rc = work_open(&w, y.rows, err);

    assert(len >= TB_Q3_MEL_LEAST && y.cols == tb_q3_mel_frames(len));
    for (int t = 0; rc == TB_OK && t < y.cols; t++) {
        spectrum(samples, len, t, &w);
        for (int band = 0; band < y.rows; band++) {
            const float *filter = w.filters + (size_t)band * BINS;
            double sum = 0;

            for (int k = 0; k < BINS; k++)
                sum += (double)filter[k] * (double)w.frame[k];
            tb_mat_row(y, band)[t] = logf(sum > 1e-5 ? (float)sum : 1e-5f);
        }
    }
    work_close(&w);
    return rc;
}
