/* activity.c - see activity.h. */
#include "audio/activity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/resample.h"
#include "base/order.h"

enum { BEFORE = 4, AFTER = 4, ENOUGH = 4, WIDEN = 3 };

static const double QUIET_DB = -30; /* as the encoder of voices was trained */

/* dBFS over which a frame is loud. sorted: [n] levels in ascending order, n > 0. */
static float threshold_db(const float *sorted, size_t n)
{
    float peak = sorted[n - 1], background = sorted[n / 10];

    return fmaxf(fmaxf(peak - 38, -60), fminf(background + 5, peak - 25));
}

static void frame_levels(const float *wave, size_t n, float *level)
{
    for (size_t t = 0; t < n; t++) {
        double sum = 0;
        for (size_t i = 0; i < TB_ACTIVITY_FRAME; i++) {
            double v = wave[t * TB_ACTIVITY_FRAME + i];
            sum += v * v;
        }
        level[t] = (float)(10 * log10(sum / TB_ACTIVITY_FRAME + 1e-10));
    }
}

/* How many of flags [n] are set from `from` up to, not including, `to`. */
static int count_in(const bool *flags, ptrdiff_t n, ptrdiff_t from, ptrdiff_t to)
{
    int count = 0;

    for (ptrdiff_t i = from < 0 ? 0 : from; i < to && i < n; i++)
        count += flags[i];
    return count;
}

enum tb_code tb_activity(const float *wave, size_t len, bool *active, struct tb_error *err)
{
    size_t n = len / TB_ACTIVITY_FRAME;
    enum tb_code rc = TB_OK;

    if (n == 0)
        return TB_OK;
    float *level = malloc(n * sizeof *level), *sorted = malloc(n * sizeof *sorted);
    bool *loud = calloc(n, sizeof *loud), *many = calloc(n, sizeof *many);
    if (!level || !sorted || !loud || !many) {
        rc = tb_fail(err, TB_ENOMEM, "activity of %zu samples", len);
        goto done;
    }
    frame_levels(wave, n, level);
    memcpy(sorted, level, n * sizeof *level);
    qsort(sorted, n, sizeof *sorted, tb_ascending);
    float threshold = threshold_db(sorted, n);
    for (size_t t = 0; t < n; t++)
        loud[t] = level[t] > threshold;
    for (ptrdiff_t t = 0; t < (ptrdiff_t)n; t++)
        many[t] = count_in(loud, (ptrdiff_t)n, t - BEFORE, t + AFTER) >= ENOUGH;
    for (ptrdiff_t t = 0; t < (ptrdiff_t)n; t++)
        active[t] = count_in(many, (ptrdiff_t)n, t - WIDEN, t + WIDEN + 1) > 0;
done:
    free(level);
    free(sorted);
    free(loud);
    free(many);
    return rc;
}

size_t tb_activity_keep(float *wave, size_t len, const bool *active)
{
    size_t kept = 0;

    for (size_t t = 0; t < len / TB_ACTIVITY_FRAME; t++) {
        if (!active[t])
            continue;
        memmove(wave + kept, wave + t * TB_ACTIVITY_FRAME, TB_ACTIVITY_FRAME * sizeof *wave);
        kept += TB_ACTIVITY_FRAME;
    }
    return kept;
}

double tb_activity_raise(float *wave, size_t len)
{
    double energy = 0;

    for (size_t i = 0; i < len; i++) {
        if (!isfinite(wave[i]))
            wave[i] = 0;
        energy += (double)wave[i] * wave[i];
    }
    double rms = sqrt(energy / (double)(len ? len : 1)) + 1e-9;
    double gain = fmax(1, pow(10, QUIET_DB / 20) / rms);
    for (size_t i = 0; gain > 1 && i < len; i++)
        wave[i] = (float)(wave[i] * gain);
    return gain;
}

static enum tb_code too_little(size_t samples, int least_ms, struct tb_error *err)
{
    double tenths = floor(10.0 * (double)samples / TB_ACTIVITY_RATE_HZ); /* never rounded up to what would do */

    return tb_fail(err, TB_EAUDIO_SPEECH, "%.1f s of clear speech, at least %.1f s are needed", tenths / 10,
                   least_ms / 1000.0);
}

enum tb_code tb_activity_speech(const struct tb_pcm *audio, int least_ms, struct tb_pcm *speech, struct tb_error *err)
{
    enum tb_code rc = tb_resample(audio, TB_ACTIVITY_RATE_HZ, speech, err);

    if (rc)
        return rc;
    tb_activity_raise(speech->data, speech->len);
    bool *active = calloc(speech->len / TB_ACTIVITY_FRAME + 1, sizeof *active);
    if (!active)
        return tb_fail(err, TB_ENOMEM, "activity of %zu samples", speech->len);
    rc = tb_activity(speech->data, speech->len, active, err);
    if (!rc)
        speech->len = tb_activity_keep(speech->data, speech->len, active);
    free(active);
    if (!rc && speech->len < (size_t)least_ms * TB_ACTIVITY_RATE_HZ / 1000)
        rc = too_little(speech->len, least_ms, err);
    return rc;
}
