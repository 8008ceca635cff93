/* pitch.c - see pitch.h. */
#include "audio/pitch.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"

enum {
    LOW_LAG = TB_PITCH_RATE_HZ / TB_PITCH_HIGH_HZ,
    HIGH_LAG = TB_PITCH_RATE_HZ / TB_PITCH_LOW_HZ,
    RUMBLE_HZ = 60,   /* what lies below is taken out */
    WINDOW = 240,     /* samples correlated: 30 ms */
    CANDIDATES = 6    /* of a frame; the first one is "no voice" */
};

static const float UNVOICED_COST = 0.45f; /* a correlation under 0.55 is no voice */
static const float LAG_COST = 0.10f;      /* of the longest lag: of two that repeat, the shorter is the period */
static const float JUMP_COST = 0.60f;     /* per octave from one frame to the next */
static const float SWITCH_COST = 0.20f;   /* between voice and none */

struct candidate {
    float hz;   /* 0: no voice */
    float cost; /* of this frame alone; then of the best path to it */
    int from;   /* candidate of the frame before on that path */
};

struct frame {
    struct candidate c[CANDIDATES];
    int n;
};

/* Normalised cross-correlation of two stretches of WINDOW samples at all lags, r [HIGH_LAG + 2]. s must have
 * WINDOW + HIGH_LAG + 1 samples. quiet: energy that counts as none. */
static void correlate(const float *s, float quiet, float *r)
{
    float here = quiet, there = quiet;

    for (int i = 0; i < WINDOW; i++) {
        here += s[i] * s[i];
        there += s[LOW_LAG - 1 + i] * s[LOW_LAG - 1 + i];
    }
    for (int lag = LOW_LAG - 1; lag <= HIGH_LAG + 1; lag++) {
        float part[8] = { 0 };
        for (int i = 0; i < WINDOW; i += 8)
            for (int k = 0; k < 8; k++)
                part[k] += s[i + k] * s[lag + i + k];
        float sum = (part[0] + part[4]) + (part[1] + part[5]) + ((part[2] + part[6]) + (part[3] + part[7]));
        r[lag] = sum / sqrtf(here * there);
        there += s[lag + WINDOW] * s[lag + WINDOW] - s[lag] * s[lag];
        there = there > quiet ? there : quiet;
    }
}

static void add_candidate(struct frame *f, float hz, float cost)
{
    int at = f->n;

    if (f->n == CANDIDATES) { /* replace the dearest voiced one */
        at = 1;
        for (int i = 2; i < CANDIDATES; i++)
            at = f->c[i].cost > f->c[at].cost ? i : at;
        if (f->c[at].cost <= cost)
            return;
    } else {
        f->n++;
    }
    f->c[at] = (struct candidate){ .hz = hz, .cost = cost };
}

static void find_candidates(const float *r, struct frame *f)
{
    f->n = 1;
    f->c[0] = (struct candidate){ .cost = UNVOICED_COST };
    for (int lag = LOW_LAG; lag <= HIGH_LAG; lag++) {
        float a = r[lag - 1], b = r[lag], c = r[lag + 1], bend = a - 2 * b + c;
        if (b < 0.3f || b < a || b <= c || bend >= 0)
            continue;
        float shift = 0.5f * (a - c) / bend, peak = b - 0.25f * (a - c) * shift;
        float cost = 1 - peak * (1 - LAG_COST * (float)lag / HIGH_LAG);
        add_candidate(f, TB_PITCH_RATE_HZ / ((float)lag + shift), cost);
    }
}

static float step_cost(float from_hz, float to_hz)
{
    if (from_hz <= 0 && to_hz <= 0)
        return 0;
    if (from_hz <= 0 || to_hz <= 0)
        return SWITCH_COST;
    return JUMP_COST * fabsf(log2f(to_hz / from_hz));
}

/* Add to each candidate the cheapest way to it. */
static void join(const struct frame *before, struct frame *f)
{
    for (int i = 0; i < f->n; i++) {
        float best = INFINITY;
        for (int k = 0; k < before->n; k++) {
            float cost = before->c[k].cost + step_cost(before->c[k].hz, f->c[i].hz);
            if (cost < best) {
                best = cost;
                f->c[i].from = k;
            }
        }
        f->c[i].cost += best;
    }
}

static void trace_back(const struct frame *frames, size_t n, float *f0_hz)
{
    int at = 0;

    for (int i = 1; i < frames[n - 1].n; i++)
        at = frames[n - 1].c[i].cost < frames[n - 1].c[at].cost ? i : at;
    for (size_t t = n; t-- > 0; at = frames[t].c[at].from)
        f0_hz[t] = frames[t].c[at].hz;
}

/* Without the rumble of a room or a stand, which is alike from one period to any next one and so hides the voice's:
 * a Butterworth high-pass of the fourth order, two sections after the bilinear transform. */
static void without_rumble(const float *wave, size_t len, float *out)
{
    static const double damping[] = { 0.5411961, 1.3065630 }; /* Q of the two sections */
    double k = tan(M_PI * RUMBLE_HZ / TB_PITCH_RATE_HZ);

    for (int section = 0; section < 2; section++) {
        double norm = 1 / (1 + k / damping[section] + k * k), x1 = 0, x2 = 0, y1 = 0, y2 = 0;
        double a1 = 2 * (k * k - 1) * norm, a2 = (1 - k / damping[section] + k * k) * norm;
        const float *in = section ? out : wave;
        for (size_t i = 0; i < len; i++) {
            double x = in[i], y = norm * (x - 2 * x1 + x2) - a1 * y1 - a2 * y2;
            x2 = x1;
            x1 = x;
            y2 = y1;
            y1 = y;
            out[i] = (float)y;
        }
    }
}

/* f0_hz of a wave without rumble; frames [tb_pitch_frames(len)] is room for the paths. */
static void track(const float *wave, size_t len, struct frame *frames, float *f0_hz)
{
    size_t n = tb_pitch_frames(len);
    float s[WINDOW + HIGH_LAG + 2], r[HIGH_LAG + 2] = { 0 };
    double energy = 0;

    for (size_t i = 0; i < len; i++)
        energy += (double)wave[i] * wave[i];
    /* Hiss between the words correlates by chance: what is 30 dB under the mean counts as silence. */
    float quiet = (float)(energy / (double)len * WINDOW * 1e-3) + 1e-9f;
    for (size_t t = 0; t < n; t++) {
        size_t from = t * TB_PITCH_HOP, have = len - from < sizeof s / sizeof *s ? len - from : sizeof s / sizeof *s;
        memset(s, 0, sizeof s);
        memcpy(s, wave + from, have * sizeof *s);
        correlate(s, quiet, r);
        find_candidates(r, &frames[t]);
        if (t > 0)
            join(&frames[t - 1], &frames[t]);
    }
    trace_back(frames, n, f0_hz);
}

enum tb_code tb_pitch(const float *wave, size_t len, float *f0_hz, struct tb_error *err)
{
    size_t n = tb_pitch_frames(len);
    enum tb_code rc = TB_OK;

    if (n == 0)
        return TB_OK;
    struct frame *frames = calloc(n, sizeof *frames);
    float *clean = malloc(len * sizeof *clean);
    if (frames && clean) {
        without_rumble(wave, len, clean);
        track(clean, len, frames, f0_hz);
    } else {
        rc = tb_fail(err, TB_ENOMEM, "pitch of %zu samples", len);
    }
    free(clean);
    free(frames);
    return rc;
}

struct tb_pitch_summary tb_pitch_summarise(float *f0_hz, size_t n)
{
    struct tb_pitch_summary out = { 0 };

    for (size_t i = 0; i < n; i++)
        if (f0_hz[i] > 0)
            f0_hz[out.voiced++] = f0_hz[i];
    if (out.voiced < 10)
        return out;
    qsort(f0_hz, out.voiced, sizeof *f0_hz, tb_ascending);
    out.median_hz = f0_hz[out.voiced / 2];
    out.spread = logf(f0_hz[out.voiced * 3 / 4] / f0_hz[out.voiced / 4]) / 1.35f;
    return out;
}

/* Loudness in dB of 50 ms around each frame, for the band that the voice's first formants are in: the difference of
 * neighbours takes out the rumble, the sum the hiss. */
static void loudness(const float *wave, size_t len, float *db, size_t n)
{
    enum { AROUND = 200 };

    for (size_t t = 0; t < n; t++) {
        size_t mid = t * TB_PITCH_HOP, from = mid > AROUND ? mid - AROUND : 2, to = mid + AROUND;
        double sum = 0;
        for (size_t i = from < 2 ? 2 : from; i < to && i < len; i++) {
            double v = (double)wave[i] - (double)wave[i - 2];
            sum += v * v;
        }
        db[t] = (float)(10 * log10(sum / (2 * AROUND) + 1e-9));
    }
}

/* A triangle of five frames: what fluctuates faster than syllables is no dip. The ends stay as they are. */
static void smooth(float *db, size_t n)
{
    if (n < 5)
        return;
    float before = db[0], last = db[1];
    for (size_t t = 2; t + 2 < n; t++) {
        float here = db[t];

        db[t] = (before + 2 * last + 3 * here + 2 * db[t + 1] + db[t + 2]) / 9;
        before = last;
        last = here;
    }
}

enum tb_code tb_syllables(const float *wave, size_t len, size_t *count, struct tb_error *err)
{
    size_t n = tb_pitch_frames(len);
    float *db = malloc((n + 1) * sizeof *db), loudest = -90;
    const float dip = 2; /* dB by which two nuclei are apart */

    *count = 0;
    if (!db)
        return tb_fail(err, TB_ENOMEM, "syllables of %zu samples", len);
    loudness(wave, len, db, n);
    for (size_t t = 0; t < n; t++)
        loudest = db[t] > loudest ? db[t] : loudest;
    for (size_t t = 0; t < n; t++)
        db[t] = db[t] > loudest - 35 ? db[t] : loudest - 35;
    smooth(db, n);
    /* Walk up to each peak and down to each dip; a peak counts when both its sides fall by `dip`. */
    float top = -INFINITY, bottom = INFINITY;
    bool rising = true;
    for (size_t t = 0; t < n; t++) {
        if (rising) {
            if (db[t] > top) {
                top = db[t];
            } else if (db[t] < top - dip) {
                *count += top > loudest - 25;
                rising = false;
                bottom = db[t];
            }
        } else if (db[t] < bottom) {
            bottom = db[t];
        } else if (db[t] > bottom + dip) {
            rising = true;
            top = db[t];
        }
    }
    free(db);
    return TB_OK;
}
