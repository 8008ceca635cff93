/* listen.c - see listen.h. */
#include "engine/kokoro/listen.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/resample.h"
#include "base/order.h"
#include "engine/kokoro/align.h"
#include "text/segment.h"

enum { SMOOTH = 10, SECOND = TB_EAR_RATE_HZ /* frames */ };

static const float PRIOR = 0.5f;  /* how much of the sounds' frequency in training is taken out */
static const float CHANGE = 3;    /* cost of a change of sound where there is no text */
static const float MOST = 8;      /* cost of a frame: one that nothing fits says no more than that */
static const float LOUDEST = 16;  /* sample: more would overflow as power */
static const float STRANGE = 0.6f; /* mean cost of a word that is not heard, as part of what wrong texts cost */
static const float CLEAR = 0.3f;   /* least that wrong texts are taken to cost: what is less says nothing */

enum tb_code tb_listener_open(const char *model_dir, struct tb_listener *out, struct tb_error *err)
{
    struct tb_weights *w;
    const float *weight, *bias;
    char path[4096];
    enum tb_code rc;

    *out = (struct tb_listener){ 0 };
    if (snprintf(path, sizeof path, "%s/ear.safetensors", model_dir) >= (int)sizeof path)
        return tb_fail(err, TB_EINVAL, "model folder: the path is too long");
    if ((rc = tb_weights_open(path, &w, err)))
        return rc;
    if (!(rc = tb_weights_get(w, "match.weight", &weight, err, TB_FIT_COUNT)) &&
        !(rc = tb_weights_get(w, "match.bias", &bias, err, 1))) {
        memcpy(out->weight, weight, sizeof out->weight);
        out->bias = bias[0];
        rc = tb_ear_open(w, &out->ear, err);
    }
    tb_weights_close(w);
    return rc;
}

void tb_listener_close(struct tb_listener *l)
{
    tb_ear_close(l->ear);
    *l = (struct tb_listener){ 0 };
}

/* The value that `part` of v [n] does not exceed, between neighbours. Sorts v. 0 for none. */
static float quantile(float *v, size_t n, double part)
{
    if (n == 0)
        return 0;
    qsort(v, n, sizeof *v, tb_ascending);
    double at = part * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? (float)(v[i] + (at - (double)i) * (double)(v[i + 1] - v[i])) : v[n - 1];
}

/* Means over `span` neighbours (or all, if there are fewer) of v [n] to out; returns how many. */
static size_t smooth(const float *v, size_t n, size_t span, float *out)
{
    double sum = 0;

    span = span < n ? span : n;
    for (size_t i = 0; i < n; i++) {
        sum += v[i] - (i >= span ? v[i - span] : 0);
        if (i + 1 >= span)
            out[i + 1 - span] = (float)(sum / (double)span);
    }
    return n ? n - span + 1 : 0;
}

/* Rooms for one comparison. */
struct work {
    float *scores; /* [frames][TB_SOUNDS] */
    uint16_t *path;
    uint8_t *open;
    float *cost, *other, *words; /* [frames], [frames], [words]: costs of the frames of speech; of the words */
    uint32_t *frames_of_word, *frames_of_state;
};

static void work_free(struct work *w)
{
    free(w->scores);
    free(w->path);
    free(w->open);
    free(w->cost);
    free(w->other);
    free(w->words);
    free(w->frames_of_word);
    free(w->frames_of_state);
}

static enum tb_code work_alloc(struct work *w, size_t frames, const struct tb_chain *chain, struct tb_error *err)
{
    *w = (struct work){ .scores = malloc(frames * TB_SOUNDS * sizeof *w->scores),
                        .path = malloc(frames * sizeof *w->path),
                        .open = malloc(frames),
                        .cost = malloc(frames * sizeof *w->cost),
                        .other = malloc(frames * sizeof *w->other),
                        .words = calloc(chain->words + 1, sizeof *w->words),
                        .frames_of_word = calloc(chain->words + 1, sizeof *w->frames_of_word),
                        .frames_of_state = calloc(chain->count, sizeof *w->frames_of_state) };
    if (w->scores && w->path && w->open && w->cost && w->other && w->words && w->frames_of_word && w->frames_of_state)
        return TB_OK;
    work_free(w);
    return tb_fail(err, TB_ENOMEM, "comparing %zu frames", frames);
}

static float cost_at(const struct work *w, size_t t, int said)
{
    const float *score = w->scores + t * TB_SOUNDS;

    return fminf(score[w->open[t]] - score[said], MOST);
}

/* Mean cost per frame of speech of the chain along w->path. */
static double mean_cost(const struct work *w, size_t frames, const struct tb_chain *chain)
{
    size_t speech = 0;
    double sum = 0;

    for (size_t t = 0; t < frames; t++) {
        int said = chain->sound[w->path[t]];

        if (said == TB_SILENCE && w->open[t] == TB_SILENCE)
            continue;
        sum += cost_at(w, t, said);
        speech++;
    }
    return speech ? sum / (double)speech : 0;
}

/* What a wrong text costs in this recording: the same sounds backwards, and the second half before the first. In noise,
 * or in an accent that the ear does not know, right and wrong texts alike cost more or less than usual. */
static enum tb_code wrong_cost(struct work *w, size_t frames, const struct tb_chain *chain, float *mean,
                               struct tb_error *err)
{
    size_t n = chain->count;
    uint8_t *sound = malloc(n);
    const struct tb_chain other = { .sound = sound, .word = chain->word, .count = n, .words = chain->words,
                                    .sounds = chain->sounds };
    double sum = 0;
    enum tb_code rc = sound ? TB_OK : tb_fail(err, TB_ENOMEM, "comparing %zu frames", frames);

    for (int k = 0; k < 2 && !rc; k++) {
        for (size_t i = 0; i < n; i++)
            sound[i] = chain->sound[k == 0 ? n - 1 - i : (i + n / 2) % n];
        if (!(rc = tb_align(w->scores, frames, &other, w->path, err)))
            sum += mean_cost(w, frames, &other) / 2;
    }
    free(sound);
    *mean = (float)sum;
    return rc;
}

/* From the two paths to the numbers. usual: what a wrong text costs. */
static void measure(struct work *w, size_t frames, const struct tb_chain *chain, float usual, float *fit)
{
    float scale = 1 / fmaxf(usual, CLEAR);
    size_t speech = 0, unsaid = 0, hasty = 0, bad = 0, heard = 0;
    double sum = 0;

    for (size_t t = 0; t < frames; t++) {
        size_t state = w->path[t];
        int said = chain->sound[state], open = w->open[t];
        float cost = cost_at(w, t, said) * scale;

        w->frames_of_state[state]++;
        unsaid += open != TB_SILENCE && said == TB_SILENCE;
        if (said == TB_SILENCE && open == TB_SILENCE)
            continue;
        w->cost[speech++] = cost;
        sum += cost;
        if (said != TB_SILENCE) {
            w->words[chain->word[state]] += cost;
            w->frames_of_word[chain->word[state]]++;
        }
    }
    for (size_t i = 0; i < chain->count; i++)
        hasty += chain->sound[i] != TB_SILENCE && w->frames_of_state[i] == 1;
    for (size_t i = 0; i < chain->words; i++)
        if (w->frames_of_word[i]) {
            w->words[heard] = w->words[i] / (float)w->frames_of_word[i];
            bad += w->words[heard++] > STRANGE;
        }
    fit[TB_FIT_MEAN] = speech ? (float)(sum / (double)speech) : 0;
    fit[TB_FIT_HIGH] = quantile(w->other, smooth(w->cost, speech, SMOOTH, w->other), 0.9);
    fit[TB_FIT_WORST] = quantile(w->other, smooth(w->cost, speech, SECOND, w->other), 1);
    fit[TB_FIT_WORDS] = (float)bad / (float)(heard ? heard : 1);
    fit[TB_FIT_POOR] = quantile(w->words, heard, 0.75);
    fit[TB_FIT_HASTY] = (float)hasty / (float)(chain->sounds ? chain->sounds : 1);
    fit[TB_FIT_UNSAID] = (float)unsaid / (float)(speech ? speech : 1);
    fit[TB_FIT_USUAL] = usual;
}

enum tb_code tb_listener_fit(const struct tb_listener *l, const float *logs, size_t frames,
                             const struct tb_chain *chain, float *fit, struct tb_error *err)
{
    const float *prior = tb_ear_prior(l->ear);
    float usual;
    struct work w;
    enum tb_code rc = work_alloc(&w, frames, chain, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < frames * TB_SOUNDS; i++)
        w.scores[i] = logs[i] - PRIOR * prior[i % TB_SOUNDS];
    if (!(rc = tb_align_free(w.scores, frames, CHANGE, w.open, err)) &&
        !(rc = wrong_cost(&w, frames, chain, &usual, err)) && !(rc = tb_align(w.scores, frames, chain, w.path, err)))
        measure(&w, frames, chain, usual, fit);
    work_free(&w);
    return rc;
}

float tb_listener_match(const struct tb_listener *l, const float *fit)
{
    double sum = l->bias;

    for (int i = 0; i < TB_FIT_COUNT; i++)
        sum += (double)l->weight[i] * fit[i];
    return (float)(1 / (1 + exp(-sum)));
}

enum tb_code tb_listener_phonemes(struct tb_g2p *g2p, struct tb_str text, enum tb_lang lang, struct tb_bytes *out,
                                  struct tb_error *err)
{
    struct tb_segmenter s;
    struct tb_str segment;
    enum tb_code rc;

    tb_segmenter_init(&s, false);
    if ((rc = tb_segmenter_add(&s, text)))
        tb_fail(err, rc, "the transcript is too long");
    tb_segmenter_flush(&s);
    while (!rc && tb_segmenter_next(&s, &segment))
        if (!(rc = tb_g2p_phonemes(g2p, segment, lang, out, err)) && (rc = tb_bytes_addz(out, " ")))
            tb_fail(err, rc, "the phonemes of the transcript");
    tb_segmenter_free(&s);
    return rc;
}

/* At 16 kHz, without what is not a number or no sound. */
static enum tb_code speech_of(const struct tb_pcm *audio, struct tb_pcm *out, struct tb_error *err)
{
    enum tb_code rc = tb_resample(audio, TB_MEL_RATE_HZ, out, err);

    for (size_t i = 0; !rc && i < out->len; i++)
        out->data[i] = isfinite(out->data[i]) ? fmaxf(-LOUDEST, fminf(out->data[i], LOUDEST)) : 0;
    return rc;
}

static enum tb_code compare(const struct tb_listener *l, struct tb_pool *pool, const struct tb_listen_request *req,
                            const struct tb_chain *chain, struct tb_listen_report *report, struct tb_error *err)
{
    float fit[TB_FIT_COUNT], *logs = NULL;
    struct tb_pcm speech;
    enum tb_code rc = speech_of(req->audio, &speech, err);
    size_t frames = tb_ear_frames(speech.len);

    if (rc)
        return rc;
    if (frames < chain->sounds)
        goto done; /* nobody speaks so fast: no match */
    tb_turn_pause(req->turn);
    logs = malloc(frames * TB_SOUNDS * sizeof *logs);
    rc = logs ? tb_ear_hear(l->ear, pool, speech.data, speech.len, logs, err) : tb_fail(err, TB_ENOMEM, "ear");
    tb_turn_pause(req->turn);
    if (!rc && !(rc = tb_listener_fit(l, logs, frames, chain, fit, err))) {
        report->match = tb_listener_match(l, fit);
        report->strange = fit[TB_FIT_WORDS];
    }
    free(logs);
done:
    tb_pcm_free(&speech);
    return rc;
}

enum tb_code tb_listener_compare(const struct tb_listener *l, struct tb_g2p *g2p, struct tb_pool *pool,
                                 const struct tb_listen_request *req, struct tb_listen_report *report,
                                 struct tb_error *err)
{
    struct tb_bytes phonemes = { 0 };
    struct tb_chain chain = { 0 };
    enum tb_code rc = tb_listener_phonemes(g2p, req->text, req->lang, &phonemes, err);

    if (!rc)
        rc = tb_chain_make(tb_bytes_str(&phonemes), &chain, err);
    *report = (struct tb_listen_report){ .words = chain.words, .strange = 1 };
    if (!rc && chain.words)
        rc = compare(l, pool, req, &chain, report, err);
    tb_chain_free(&chain);
    tb_bytes_free(&phonemes);
    return rc;
}
