/* divergence.h - how far quantised weights move what the language models say: the Kullback-Leibler divergence, in
 * nats, of the distributions over codes, from those of the exact weights, along one utterance.
 *
 * Both runs go on from the same codes (those that the exact model draws), so that each step is compared with the same
 * past. No penalty, temperature 1, all codes. */
#ifndef TB_TEST_DIVERGENCE_H
#define TB_TEST_DIVERGENCE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/qwen3/generator.h"

enum { DIVERGENCE_STAGES = 2 }; /* the talker's scores, the code predictor's */

struct divergence {
    double mean[DIVERGENCE_STAGES], most[DIVERGENCE_STAGES]; /* nats */
    int steps[DIVERGENCE_STAGES];
};

struct divergence_run {
    float *scores;   /* of all steps, one after another */
    size_t at, room;
    const float *exact; /* NULL: this is the exact run */
    struct divergence *out;
};

static inline double divergence_total(const float *scores, int n, float *most)
{
    double total = 0;

    *most = scores[0];
    for (int i = 1; i < n; i++)
        *most = scores[i] > *most ? scores[i] : *most;
    for (int i = 0; i < n; i++)
        total += exp((double)(scores[i] - *most));
    return log(total);
}

static inline void divergence_add(struct divergence *d, int stage, const float *p, const float *q, int n)
{
    float top_p, top_q;
    double log_p = divergence_total(p, n, &top_p), log_q = divergence_total(q, n, &top_q), sum = 0;

    for (int i = 0; i < n; i++) {
        double a = (double)(p[i] - top_p) - log_p, b = (double)(q[i] - top_q) - log_q;

        sum += exp(a) * (a - b);
    }
    d->mean[stage] += sum;
    d->most[stage] = sum > d->most[stage] ? sum : d->most[stage];
    d->steps[stage]++;
}

static inline void divergence_look(void *ctx, const char *name, int i, struct tb_mat m)
{
    struct divergence_run *r = ctx;
    int stage = !strcmp(name, "logits") ? 0 : !strcmp(name, "sub_logits") ? 1 : -1;

    (void)i;
    if (stage < 0 || r->at + (size_t)m.cols > r->room)
        return;
    if (r->exact)
        divergence_add(r->out, stage, r->exact + r->at, m.p, m.cols);
    else
        memcpy(r->scores + r->at, m.p, (size_t)m.cols * sizeof *m.p);
    r->at += (size_t)m.cols;
}

/* One run of `frames` frames: codes [frames][groups] are drawn with forced == false, else gone on from. */
static inline enum tb_code divergence_speak(struct tb_q3_generator *g, const struct tb_q3_request *request, int eos,
                                            struct tb_q3_sampling sampling, int *codes, int frames, bool forced,
                                            int groups, struct tb_error *err)
{
    struct tb_q3_options o = { .seed = 3, .eos = eos, .forced = codes, .forced_frames = forced ? frames : 0 };
    enum tb_q3_end end = TB_Q3_GOING;
    int drawn[TB_Q3_MAX_GROUPS];
    enum tb_code rc;

    o.generation = (struct tb_q3_generation){ sampling, sampling, frames };
    rc = tb_q3_generator_start(g, request, &o, err);
    for (int f = 0; rc == TB_OK && end == TB_Q3_GOING && f < frames; f++)
        rc = tb_q3_generator_next(g, forced ? drawn : codes + f * groups, &end, err);
    return rc;
}

/* exact, quantised: talkers of the same weights. request: what both speak, `frames` long. */
static inline enum tb_code divergence_measure(const struct tb_q3_talker *exact, const struct tb_q3_talker *quantised,
                                              struct tb_pool *pool, const struct tb_q3_request *request, int frames,
                                              struct divergence *out, struct tb_error *err)
{
    const struct tb_q3_config *c = &exact->config;
    const struct tb_q3_sampling draw = { .sample = true, .temperature = 1, .top_p = 1, .penalty = 1 };
    size_t room = ((size_t)frames + 1) * ((size_t)c->vocab + (size_t)(c->groups - 1) * (size_t)c->codebook);
    struct divergence_run first = { .scores = malloc(room * sizeof(float)), .room = room };
    int *codes = calloc((size_t)frames * (size_t)c->groups, sizeof *codes);
    const struct tb_q3_talker *talkers[] = { exact, quantised };
    enum tb_code rc = first.scores && codes ? TB_OK : tb_fail(err, TB_ENOMEM, "no memory");

    *out = (struct divergence){ 0 };
    for (int i = 0; rc == TB_OK && i < 2; i++) {
        struct divergence_run run = first;
        struct tb_q3_generator *g = NULL;

        run.exact = i ? first.scores : NULL;
        run.out = out;
        if ((rc = tb_q3_generator_open(talkers[i], pool, 256 + frames, &g, err)) == TB_OK) {
            tb_q3_generator_look(g, divergence_look, &run);
            rc = divergence_speak(g, request, c->vocab - 1, draw, codes, frames, i > 0, c->groups, err);
        }
        tb_q3_generator_close(g);
    }
    for (int s = 0; s < DIVERGENCE_STAGES; s++)
        out->mean[s] /= out->steps[s] ? out->steps[s] : 1;
    free(first.scores);
    free(codes);
    return rc;
}

#endif
