/* post.c - see post.h.
 *
 * Equaliser: the gains are joined by straight lines over frequency, never boosting above the bands, and turned into a
 * symmetric impulse response by a cosine sum under a Hann window. */
#include "engine/kokoro/post.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/limiter.h"
#include "audio/mel.h"
#include "engine/kokoro/model.h"

enum {
    TAPS = TB_KOKORO_POST_TAPS,
    HALF = (TAPS - 1) / 2,
    CHUNK = 256,              /* samples filtered at once */
    TREBLE_HZ = 9000,         /* from here on nothing is boosted */
    GRID = 1024               /* points of the frequency response */
};

_Static_assert((int)TB_KOKORO_EQ_BANDS == (int)TB_MEL_BANDS, "the equaliser works on mel bands");
_Static_assert((int)TB_KOKORO_POST_LOOKAHEAD == (int)TB_KOKORO_RATE_HZ / (int)TB_LIMITER_PART,
               "the limiter's delay");

static const float CEILING = 0.97f;

struct tb_kokoro_post {
    float tap[TAPS];
    float line[TAPS - 1 + CHUNK]; /* input; the first TAPS - 1 are of earlier chunks */
    struct tb_limiter limiter;
    size_t skip;                  /* samples of delay still to drop */
};

/* Gain in dB at a frequency. Enrolment knows nothing above the last band (its spectra end at 8 kHz), and a boost that
 * goes on up there makes sibilants harsh: up to TREBLE_HZ the gain falls to none. A cut goes on. */
static double gain_at(const float *eq_db, double hz)
{
    const double last_hz = tb_mel_centre_hz(TB_MEL_BANDS - 1), last = eq_db[TB_MEL_BANDS - 1];
    int b = 0;

    if (hz <= tb_mel_centre_hz(0))
        return eq_db[0];
    while (b < TB_MEL_BANDS && tb_mel_centre_hz(b) < hz)
        b++;
    if (b == TB_MEL_BANDS)
        return last <= 0 ? last : hz < TREBLE_HZ ? last * (TREBLE_HZ - hz) / (TREBLE_HZ - last_hz) : 0;
    double low = tb_mel_centre_hz(b - 1), high = tb_mel_centre_hz(b);
    return eq_db[b - 1] + (eq_db[b] - eq_db[b - 1]) * (hz - low) / (high - low);
}

/* Runs whenever a session opens, on the thread that serves all clients: hence one table of cosines, and not 98000 calls
 * of cos, which are milliseconds. */
static void make_taps(const float *eq_db, float *tap)
{
    double response[GRID / 2 + 1], wave[GRID];

    for (int k = 0; k < GRID; k++)
        wave[k] = cos(2 * M_PI * k / GRID);
    for (int k = 0; k <= GRID / 2; k++)
        response[k] = pow(10, gain_at(eq_db, (double)k * TB_KOKORO_RATE_HZ / GRID) / 20);
    for (int i = 0; i <= HALF; i++) {
        double sum = response[0] + response[GRID / 2] * (i % 2 ? -1 : 1);
        for (int k = 1; k < GRID / 2; k++)
            sum += 2 * response[k] * wave[k * i % GRID];
        sum *= (0.5 + 0.5 * cos(M_PI * i / (HALF + 1))) / GRID;
        tap[HALF + i] = tap[HALF - i] = (float)sum;
    }
}

static void begin(struct tb_kokoro_post *p)
{
    memset(p->line, 0, sizeof p->line);
    tb_limiter_begin(&p->limiter, TB_KOKORO_RATE_HZ, CEILING);
    p->skip = TB_KOKORO_POST_DELAY;
}

enum tb_code tb_kokoro_post_open(const float *eq_db, struct tb_kokoro_post **out, struct tb_error *err)
{
    struct tb_kokoro_post *p = malloc(sizeof *p);

    *out = p;
    if (!p)
        return tb_fail(err, TB_ENOMEM, "post-processing");
    make_taps(eq_db, p->tap);
    begin(p);
    return TB_OK;
}

void tb_kokoro_post_close(struct tb_kokoro_post *post)
{
    free(post);
}

/* At most CHUNK samples; returns how many were written. */
static size_t run_chunk(struct tb_kokoro_post *p, const float *in, size_t len, float *out)
{
    float sum[CHUNK] = { 0 };
    size_t written = 0;

    memcpy(p->line + TAPS - 1, in, len * sizeof *in);
    for (int k = 0; k < TAPS; k++)
        for (size_t i = 0; i < len; i++)
            sum[i] += p->tap[k] * p->line[i + (size_t)k];
    memmove(p->line, p->line + len, (TAPS - 1) * sizeof *p->line);
    for (size_t i = 0; i < len; i++) {
        float v = tb_limiter_run(&p->limiter, sum[i]);
        if (p->skip)
            p->skip--;
        else
            out[written++] = v;
    }
    return written;
}

size_t tb_kokoro_post_run(struct tb_kokoro_post *post, const float *in, size_t len, float *out)
{
    size_t written = 0;

    while (len) {
        size_t n = len < CHUNK ? len : CHUNK;
        written += run_chunk(post, in, n, out + written);
        in += n;
        len -= n;
    }
    return written;
}

size_t tb_kokoro_post_flush(struct tb_kokoro_post *post, float *out)
{
    static const float silence[TB_KOKORO_POST_DELAY];
    size_t written = tb_kokoro_post_run(post, silence, TB_KOKORO_POST_DELAY, out);

    begin(post);
    return written;
}
