/* bench_codec DIR [rounds] - the codec's decoder of a qwen3 model folder in floats and in whole numbers: how far apart
 * they are, stage by stage, and what a frame costs in either, in turns, on one thread. Codes are random. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/qwen3/codec_decoder.h"
#include "engine/qwen3/mel.h"
#include "tensor/cpu.h"

enum { FRAMES = 24, MOST_AT_ONCE = 4, MELS = 128, MOST_STAGES = 64, NAME = 32 };

static struct tb_error err;

static void must(enum tb_code rc)
{
    if (rc == TB_OK)
        return;
    fprintf(stderr, "bench_codec: %s\n", err.text);
    exit(1);
}

static void *room(size_t size)
{
    void *p = calloc(1, size);

    if (!p)
        must(tb_fail(&err, TB_ENOMEM, "%zu bytes", size));
    return p;
}

static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* What the exact decoder's stages were, in order, and how far those of the other are from them. */
struct stages {
    char name[MOST_STAGES][NAME];
    float *exact[MOST_STAGES]; /* [size] */
    size_t size[MOST_STAGES];
    double signal[MOST_STAGES], error[MOST_STAGES];
    double ms[2][MOST_STAGES], since;
    int count, at; /* at: the next one, of this piece */
    int comparing;
};

static void look(void *ctx, const char *stage, int i, struct tb_mat m)
{
    struct stages *s = ctx;
    int k = s->at++;
    size_t n = (size_t)m.rows * (size_t)m.cols;

    if (k >= MOST_STAGES)
        return;
    s->ms[s->comparing][k] += cpu_ms() - s->since;
    if (!s->comparing) {
        snprintf(s->name[k], NAME, "%s %d", stage, i);
        free(s->exact[k]);
        s->exact[k] = room(n * sizeof **s->exact);
        s->size[k] = n;
        s->count = k + 1 > s->count ? k + 1 : s->count;
    }
    for (int r = 0; r < m.rows; r++)
        for (int c = 0; c < m.cols; c++) {
            float *e = s->exact[k] + (size_t)r * (size_t)m.cols + c, v = tb_mat_row(m, r)[c];
            double d = (double)v - (double)*e;

            if (!s->comparing) {
                *e = v;
                continue;
            }
            s->signal[k] += (double)*e * (double)*e;
            s->error[k] += d * d;
        }
    s->since = cpu_ms();
}

static double below(const float *a, const float *b, size_t n)
{
    double signal = 0, error = 1e-30;

    for (size_t i = 0; i < n; i++) {
        double d = (double)b[i] - (double)a[i];

        signal += (double)a[i] * (double)a[i];
        error += d * d;
    }
    return 10 * log10(signal / error);
}

/* Mean difference of the log-mel spectra, in dB. */
static double mel_distance(const float *a, const float *b, size_t len)
{
    struct tb_mat m[2];
    const float *x[2] = { a, b };
    int frames = tb_q3_mel_frames(len);
    double sum = 0;

    for (int i = 0; i < 2; i++) {
        m[i] = (struct tb_mat){ room((size_t)MELS * (size_t)frames * sizeof(float)), MELS, frames, frames };
        must(tb_q3_mel(x[i], len, m[i], &err));
    }
    for (int i = 0; i < MELS * frames; i++)
        sum += fabs((double)m[0].p[i] - (double)m[1].p[i]);
    free(m[0].p), free(m[1].p);
    return sum / (MELS * frames) * 20 / log(10);
}

static void decode(const struct tb_q3_decoder *d, struct tb_scratch *scratch, const int *codes, int at_once,
                   float *samples)
{
    struct tb_q3_run run = { .scratch = scratch };
    struct tb_q3_decoding *s;

    must(tb_q3_decoding_open(d, at_once, &s, &err));
    must(tb_q3_decoding_run(&run, s, codes, FRAMES, samples, &err));
    tb_q3_decoding_close(s);
}

/* Megabytes of this process's own memory. */
static double own_mb(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[128];
    double kb = 0;

    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "RssAnon", 7))
            kb = atof(line + 8);
    if (f)
        fclose(f);
    return kb / 1024;
}

/* The decoders side by side, piece by piece: both are at the same frame. */
static void compare(const struct tb_q3_decoder *d, struct tb_scratch *scratch, const int *codes, float *const *samples)
{
    struct tb_q3_decoding *s[2];
    struct stages *stages = room(sizeof *stages);
    int frame = d->config.frame;

    for (int i = 0; i < 2; i++)
        must(tb_q3_decoding_open(&d[i], MOST_AT_ONCE, &s[i], &err));
    for (int f = 0; f < FRAMES; f += MOST_AT_ONCE)
        for (int i = 0; i < 2; i++) {
            struct tb_q3_run with = { .scratch = scratch, .look = look, .ctx = stages };
            struct tb_mat out = { samples[i] + f * frame, 1, MOST_AT_ONCE * frame, MOST_AT_ONCE * frame };

            stages->at = 0;
            stages->comparing = i;
            stages->since = cpu_ms();
            must(tb_q3_decoding_run(&with, s[i], codes + f * d->config.groups, MOST_AT_ONCE, out.p, &err));
            look(stages, "samples", 0, out);
        }
    for (int i = 0; i < stages->count; i++) {
        printf("%-20s %6.1f dB, a frame %5.2f and %5.2f ms\n", stages->name[i],
               10 * log10(stages->signal[i] / (stages->error[i] + 1e-30)), stages->ms[0][i] / FRAMES,
               stages->ms[1][i] / FRAMES);
        free(stages->exact[i]);
    }
    for (int i = 0; i < 2; i++)
        tb_q3_decoding_close(s[i]);
    free(stages);
}

static void time_both(const struct tb_q3_decoder *d, struct tb_scratch *scratch, const int *codes, int rounds,
                      float *const *samples)
{
    size_t len = (size_t)FRAMES * (size_t)d->config.frame;

    for (int at_once = 1; rounds > 0 && at_once <= MOST_AT_ONCE; at_once *= 2) {
        double best[2] = { 1e9, 1e9 };

        for (int round = 0; round < rounds; round++)
            for (int i = 0; i < 2; i++) {
                double from = cpu_ms();

                decode(&d[i], scratch, codes, at_once, samples[0]);
                from = cpu_ms() - from;
                best[i] = from < best[i] ? from : best[i];
            }
        printf("a frame of %d at once: %.1f ms in floats, %.1f in whole numbers, which are %.1f dB from those of %d at "
               "once\n", at_once, best[0] / FRAMES, best[1] / FRAMES, below(samples[0], samples[1], len), MOST_AT_ONCE);
    }
}

/* Both decoders and what each takes of memory. */
static void load(struct tb_q3_weights *weights, const struct tb_q3_codec_config *codec, struct tb_q3_decoder *d)
{
    struct tb_q3_loader l = { weights, TB_OK, &err };

    for (int i = 0; i < 2; i++) {
        double before = own_mb();

        tb_q3_decoder_load(&l, codec, i, &d[i]);
        must(l.rc);
        printf("%s: %.0f MB of its own\n", i ? "whole numbers" : "floats", own_mb() - before);
    }
}

int main(int argc, char **argv)
{
    struct tb_q3_config config;
    struct tb_q3_codec_config codec;
    struct tb_q3_generation generation;
    struct tb_q3_weights *weights;
    struct tb_q3_decoder d[2];
    struct tb_scratch scratch;
    char path[4096];

    if (argc < 2) {
        fprintf(stderr, "usage: bench_codec DIR [rounds]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(tb_tensor_init(NULL, &err));
    must(tb_scratch_open((size_t)1 << 28, &scratch, &err));
    must(tb_q3_config_load(argv[1], &config, &codec, &generation, &err));
    snprintf(path, sizeof path, "%s/speech_tokenizer", argv[1]);
    must(tb_q3_weights_open(path, &weights, &err));
    load(weights, &codec, d);
    size_t len = (size_t)FRAMES * (size_t)codec.frame;
    float *samples[2] = { room(len * sizeof(float)), room(len * sizeof(float)) };
    int *codes = room((size_t)(FRAMES * codec.groups) * sizeof *codes);
    unsigned random = 1;
    double level = 0;

    for (int i = 0; i < FRAMES * codec.groups; i++)
        codes[i] = (int)((random = random * 1664525u + 1013904223u) >> 16) % codec.decoder.codebook;
    compare(d, &scratch, codes, samples);
    for (size_t i = 0; i < len; i++)
        level += (double)samples[0][i] * (double)samples[0][i];
    printf("%-20s %6.1f dB, rms %.4f, mel spectra %.4f dB apart\n", "waveform", below(samples[0], samples[1], len),
           sqrt(level / (double)len), mel_distance(samples[0], samples[1], len));
    time_both(d, &scratch, codes, argc > 2 ? atoi(argv[2]) : 2, samples);
    for (int i = 0; i < 2; i++) {
        tb_q3_decoder_free(&d[i]);
        free(samples[i]);
    }
    free(codes);
    tb_q3_weights_close(weights);
    tb_scratch_close(&scratch);
    return 0;
}
