/* qwen3.c - see qwen3.h: the engine's table, and how a session turns queued text into sound.
 *
 * A step makes some frames of 80 ms in slices, with a pause after each: layers of a long prompt, the codes of a frame,
 * stages of the codec. Each slice has all cores. Each segment is an utterance of its own in the same voice; the codec's
 * state runs on through the session, so that segments join without a click.
 *
 * Sessions share the reading of weights: who draws a frame also draws one for others that have begun to speak and whose
 * last sound has been taken (batch.h). Codes wait in them for their own step, so a session is at most one step ahead of
 * its listener. While a step pauses it holds nobody, not even its own session: others may draw for it then, and no step
 * waits for one that may be resumed much later. */
#include "engine/qwen3/qwen3.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/limits.h"
#include "base/log.h"
#include "engine/qwen3/batch.h"
#include "engine/qwen3/enrol.h"
#include "engine/qwen3/lead.h"
#include "engine/qwen3/model.h"
#include "engine/qwen3/quant.h"
#include "engine/qwen3/segment.h"
#include "text/utf8.h"

enum {
    FIRST_FRAMES = 2,      /* of a session's first step: 160 ms, for an early first sound */
    STEP_FRAMES = 4,       /* of the others: 320 ms, so that sessions take turns often enough */
    FEW_CORES = 3,
    FEW_TOGETHER = 4,      /* sessions in a slice on so few: more make a frame no cheaper, and the slice longer */
    MAX_QUEUED = 64,       /* segments waiting in a session */
    SCRATCH = 64 << 20,    /* bytes reserved for one frame of the codec: some 4 MB are touched */
    WARM_FRAMES = 12       /* of the reference's end that the codec hears before it speaks in context */
};

struct qwen3 {
    struct tb_engine base;
    struct tb_pool *pool;
    struct tb_q3_model model;
    struct tb_q3_quant *quant; /* NULL: exact */
    struct tb_q3_batch batch;  /* its sessions */
    struct tb_q3_prefixes *prefixes;
};

struct waiting {
    struct waiting *next;
    enum tb_lang lang;
    size_t len;
    char text[];
};

struct frames {
    int codes[STEP_FRAMES * TB_Q3_MAX_GROUPS]; /* [n][groups] */
    int n;
};

struct speech {
    struct tb_session base;
    struct tb_q3_member member;       /* who touches what is below holds it; `first` to `queued` are the owner's */
    struct qwen3 *engine;
    struct tb_q3_print print;
    struct tb_q3_generator *generator;
    struct tb_q3_segment segment;
    struct tb_q3_decoding *decoding;
    struct tb_scratch scratch;        /* of the codec */
    struct frames drawn;              /* and not decoded */
    int made;                         /* of them decoded, in samples, and not delivered: all or none */
    struct waiting *first, **last;
    int queued;
    uint64_t seed;
    bool speaking;                    /* the segment is under way */
    bool sounded;                     /* the session's first step is over */
    bool warm;                        /* the codec has heard the end of the reference */
    float *samples;                   /* [STEP_FRAMES][frame] */
    struct tb_q3_lead lead;
    const struct tb_sink *sink;       /* of the step under way */
    struct tb_sink slices;            /* what is asked in between: rest() */
    enum tb_code failed;              /* when a frame was drawn for it; for its own step to tell */
    struct tb_error why;
};

static void close_engine(struct tb_engine *engine)
{
    struct qwen3 *q = (struct qwen3 *)engine;

    tb_q3_model_close(&q->model);
    tb_q3_quant_close(q->quant);
    tb_q3_prefixes_close(q->prefixes);
    tb_q3_batch_free(&q->batch);
    free(q);
}

static void show_progress(void *ctx, double part)
{
    const struct tb_engine_config *config = ctx;

    if (config->progress)
        config->progress(config->progress_ctx, "making the weights smaller", part);
}

/* The name of the file for this model in this folder: two folders have two files, and a folder whose weights are
 * exchanged keeps its own, which is then made anew. */
static enum tb_code cache_path(const struct tb_engine_config *config, const char *size, char path[PATH_MAX],
                               struct tb_error *err)
{
    char real[PATH_MAX];
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */

    if (!realpath(config->model_dir, real))
        return tb_fail(err, TB_EIO, "%s: %s", config->model_dir, strerror(errno));
    for (const char *p = real; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
    if (snprintf(path, PATH_MAX, "%s/qwen3-%s-%s-%08x.weights", config->cache, size, config->weights,
                 (unsigned)(hash ^ hash >> 32)) >= PATH_MAX)
        return tb_fail(err, TB_EINVAL, "%s: the name of the cache folder is too long", config->cache);
    return TB_OK;
}

static bool is_exact(const struct tb_engine_config *config)
{
    return !config->weights || !strcmp(config->weights, "float");
}

/* Was the cached file made of these weights? They have been tested then. */
static bool known(void *ctx, const struct tb_q3_model *m)
{
    const struct tb_engine_config *config = ctx;
    char path[PATH_MAX];

    return !is_exact(config) && config->cache && cache_path(config, m->config.size, path, NULL) == TB_OK &&
           tb_q3_quant_vouches(path, tb_q3_model_stamp(m));
}

static enum tb_code quantise(struct qwen3 *q, const struct tb_engine_config *config, struct tb_error *err)
{
    struct tb_q3_quant_config c = { .stamp = tb_q3_model_stamp(&q->model), .pool = config->pool,
                                    .progress = show_progress, .ctx = (void *)(uintptr_t)config };
    char path[PATH_MAX];
    enum tb_code rc;

    if (is_exact(config))
        return TB_OK;
    if (strcmp(config->weights, "int8") && strcmp(config->weights, "int4"))
        return tb_fail(err, TB_EINVAL, "qwen3: weights '%s' are none of float, int8, int4", config->weights);
    if (config->cache && (rc = cache_path(config, q->model.config.size, path, err)))
        return rc;
    c.talker_bits = strcmp(config->weights, "int4") ? 8 : 4;
    c.path = config->cache ? path : NULL;
    if ((rc = tb_q3_quant_open(&q->model.talker, &c, &q->quant, err)))
        return rc;
    tb_log(TB_LOG_INFO, "qwen3-quantised", "weights=%s bytes=%zu file=%s", config->weights,
           tb_q3_quant_size(q->quant), config->cache ? path : "none");
    tb_q3_weights_forget(q->model.weights);
    return TB_OK;
}

static enum tb_code open_engine(const struct tb_engine_config *config, struct tb_engine **out, struct tb_error *err)
{
    struct qwen3 *q = calloc(1, sizeof *q);

    if (!q)
        return tb_fail(err, TB_ENOMEM, "qwen3: no memory");
    q->base.ops = &tb_qwen3_ops;
    q->pool = config->pool;
    tb_q3_batch_init(&q->batch);
    struct tb_q3_model_options options = { is_exact(config), known, (void *)(uintptr_t)config };
    enum tb_code rc = tb_q3_model_open(config->model_dir, &options, &q->model, err);
    if (rc == TB_OK)
        rc = quantise(q, config, err);
    if (rc == TB_OK)
        rc = tb_q3_prefixes_open(TB_MAX_PREFIXES, &q->prefixes, err);
    if (rc)
        close_engine(&q->base);
    else
        *out = &q->base;
    return rc;
}

static enum tb_code enrol(struct tb_engine *engine, const struct tb_enrol_request *req, struct tb_bytes *print,
                          struct tb_enrol_report *report, struct tb_error *err)
{
    struct qwen3 *q = (struct qwen3 *)engine;

    return tb_q3_enrol(&q->model, q->pool, req, print, report, err);
}

static enum tb_code fits(struct tb_engine *engine, struct tb_str print, struct tb_error *err)
{
    struct qwen3 *q = (struct qwen3 *)engine;
    struct tb_q3_print *p = malloc(sizeof *p);
    enum tb_code rc = p ? TB_OK : tb_fail(err, TB_ENOMEM, "qwen3: no memory");

    if (p && tb_q3_print_read(print, p, NULL) == TB_OK) {
        rc = tb_q3_print_fits(p, &q->model.config, err);
        tb_q3_print_free(p);
    }
    free(p);
    return rc;
}

static void session_close(struct tb_session *session)
{
    struct speech *s = (struct speech *)session;

    tb_q3_batch_leave(&s->engine->batch, &s->member);
    while (s->first) {
        struct waiting *w = s->first;

        s->first = w->next;
        free(w);
    }
    tb_q3_segment_free(&s->segment);
    tb_q3_generator_close(s->generator);
    tb_q3_decoding_close(s->decoding);
    tb_scratch_close(&s->scratch);
    free(s->samples);
    tb_q3_lead_free(&s->lead);
    tb_q3_print_free(&s->print);
    free(s);
}

/* May another one's step draw its next frame? */
static bool may_come_along(const struct speech *s)
{
    return s->sounded && s->speaking && s->made == 0 && s->drawn.n < STEP_FRAMES;
}

/* Between two slices of a step: let in what is more urgent, steps of other sessions too. False: the listener has
 * stopped. */
static bool rest(void *ctx)
{
    struct speech *s = ctx;
    struct tb_q3_batch *batch = &s->engine->batch;

    if (!s->sink->pause)
        return true;
    tb_q3_batch_let_go(batch, &s->member, may_come_along(s));
    bool go_on = s->sink->pause(s->sink->ctx);
    tb_q3_batch_hold(batch, &s->member);
    return go_on;
}

static enum tb_code session_open(struct tb_engine *engine, struct tb_str print, const struct tb_speak *speak,
                                 struct tb_session **out, struct tb_error *err)
{
    struct qwen3 *q = (struct qwen3 *)engine;
    const struct tb_q3_model *m = &q->model;
    enum tb_code rc;

    if (speak->rate != 1 || speak->pitch != 1)
        return tb_fail(err, TB_EINVAL, "qwen3: speaks at its own rate and pitch");
    struct speech *s = calloc(1, sizeof *s);
    if (!s)
        return tb_fail(err, TB_ENOMEM, "qwen3: no memory");
    s->base.ops = &tb_qwen3_ops;
    s->engine = q;
    s->slices = (struct tb_sink){ .pause = rest, .ctx = s };
    s->last = &s->first;
    s->member.patient = speak->whole;
    tb_q3_batch_enter(&q->batch, &s->member);
    s->samples = malloc(STEP_FRAMES * (size_t)m->codec.frame * sizeof *s->samples);
    if (!s->samples)
        rc = tb_fail(err, TB_ENOMEM, "qwen3: no memory");
    else if (getrandom(&s->seed, sizeof s->seed, 0) != sizeof s->seed)
        rc = tb_fail(err, TB_EIO, "no random bytes");
    else if ((rc = tb_q3_lead_init(&s->lead, (size_t)m->codec.frame, err)) == TB_OK &&
             (rc = tb_q3_print_read(print, &s->print, err)) == TB_OK &&
             (rc = tb_q3_print_fits(&s->print, &m->config, err)) == TB_OK &&
             (rc = tb_scratch_open(SCRATCH, &s->scratch, err)) == TB_OK &&
             (rc = tb_q3_generator_open(&m->talker, q->pool, tb_q3_segment_room(&s->print, &m->config), &s->generator,
                                        err)) == TB_OK &&
             (rc = tb_q3_decoding_open(&m->decoder, STEP_FRAMES, &s->decoding, err)) == TB_OK)
        tb_q3_generator_share(s->generator, q->pool, &s->slices);
    if (rc) {
        session_close(&s->base);
        return rc;
    }
    tb_q3_generator_prefixes(s->generator, q->prefixes);
    s->segment = (struct tb_q3_segment){ .talker = &m->talker, .bpe = m->bpe, .print = &s->print,
                                         .generator = s->generator, .generation = m->generation };
    tb_log(TB_LOG_INFO, "qwen3-session", "seed=%llu reference=%d", (unsigned long long)s->seed, s->print.frames);
    *out = &s->base;
    return TB_OK;
}

static enum tb_code session_text(struct tb_session *session, struct tb_str text, enum tb_lang lang,
                                 struct tb_error *err)
{
    struct speech *s = (struct speech *)session;

    if (!tb_engine_speaks(&s->engine->base, lang) ||
        (lang != TB_LANG_AUTO && s->engine->model.config.language[lang] < 0))
        return tb_fail(err, TB_ELANGUAGE, "qwen3: this model does not speak %s", tb_lang_name(lang));
    if (tb_utf8_count(text) > TB_MAX_SEGMENT)
        return tb_fail(err, TB_ETOOBIG, "qwen3: a segment of %zu characters, at most %d", tb_utf8_count(text),
                       TB_MAX_SEGMENT);
    if (s->queued == MAX_QUEUED)
        return tb_fail(err, TB_ETOOBIG, "qwen3: more than %d segments of text are waiting", MAX_QUEUED);
    if (!tb_q3_speakable(text))
        return TB_OK;
    struct waiting *w = malloc(sizeof *w + text.n);
    if (!w)
        return tb_fail(err, TB_ENOMEM, "qwen3: no memory");
    *w = (struct waiting){ .lang = lang, .len = text.n };
    memcpy(w->text, text.p, text.n);
    *s->last = w;
    s->last = &w->next;
    s->queued++;
    return TB_OK;
}

static enum tb_code start_next(struct speech *s, struct tb_error *err)
{
    struct waiting *w = s->first;
    enum tb_code rc = tb_q3_segment_start(&s->segment, (struct tb_str){ w->text, w->len }, w->lang, s->seed++, err);

    s->first = w->next;
    if (!s->first)
        s->last = &s->first;
    s->queued--;
    free(w);
    tb_q3_lead_segment(&s->lead);
    s->speaking = rc == TB_OK;
    return rc;
}

static enum tb_code stopped(struct tb_error *err)
{
    return tb_fail(err, TB_ECANCELLED, "qwen3: the listener has stopped");
}

static void fail(struct speech *s, enum tb_code rc, const struct tb_error *err)
{
    s->speaking = false;
    s->failed = rc;
    s->why = *err;
}

/* One frame more of codes for each of `count` sessions. */
static void draw(struct speech *const *s, int count)
{
    const struct tb_q3_segment *segments[TB_Q3_MOST_TOGETHER] = { NULL };
    struct tb_q3_turn turns[TB_Q3_MOST_TOGETHER];

    for (int i = 0; i < count; i++) {
        segments[i] = &s[i]->segment;
        turns[i].codes = s[i]->drawn.codes + s[i]->drawn.n * s[i]->engine->model.codec.groups;
    }
    tb_q3_segment_next(segments, turns, count);
    for (int i = 0; i < count; i++) {
        if (turns[i].rc)
            fail(s[i], turns[i].rc, &turns[i].err);
        else if (turns[i].end != TB_Q3_GOING)
            s[i]->speaking = false;
        else
            s[i]->drawn.n++;
    }
}

/* A frame for s, which is held, and for those who may come along. Nobody does with the first sound of a session: it
 * shall not take longer than alone. */
static void draw_together(struct speech *s)
{
    int most = tb_pool_threads(s->engine->pool) <= FEW_CORES ? FEW_TOGETHER : TB_Q3_MOST_TOGETHER;
    struct tb_q3_member *others[TB_Q3_MOST_TOGETHER];
    struct speech *all[TB_Q3_MOST_TOGETHER] = { s };
    int n = s->sounded ? tb_q3_batch_gather(&s->engine->batch, &s->member, others, most - 1) : 0;

    for (int i = 0; i < n; i++)
        all[i + 1] = (struct speech *)((char *)others[i] - offsetof(struct speech, member));
    draw(all, n + 1);
    for (int i = 0; i < n; i++)
        tb_q3_batch_let_go(&s->engine->batch, others[i], may_come_along(all[i + 1]));
}

static enum tb_code decode(struct speech *s, const int *codes, int frames, struct tb_error *err)
{
    struct tb_q3_run run = { .pool = s->engine->pool, .scratch = &s->scratch, .sink = &s->slices };
    enum tb_code rc = tb_q3_decoding_run(&run, s->decoding, codes, frames, s->samples, err);

    if (rc) { /* stopped halfway */
        tb_q3_decoding_reset(s->decoding);
        s->warm = false;
    }
    return rc;
}

/* In context, the codec's state is that of a recording that has just ended. */
static enum tb_code warm_up(struct speech *s, struct tb_error *err)
{
    int from = s->print.frames > WARM_FRAMES ? s->print.frames - WARM_FRAMES : 0;
    enum tb_code rc = TB_OK;

    for (int f = from, n; rc == TB_OK && f < s->print.frames; f += n) {
        n = s->print.frames - f < STEP_FRAMES ? s->print.frames - f : STEP_FRAMES;
        rc = decode(s, s->print.codes + f * s->print.groups, n, err);
    }
    s->warm = rc == TB_OK;
    return rc;
}

/* What was decoded, to the watch and to the listener. */
static enum tb_code deliver(struct speech *s, struct tb_error *err)
{
    size_t len = (size_t)s->engine->model.codec.frame;
    bool again = false, over = false;

    for (int i = 0; i < s->made && !again && !over; i++) {
        const float *samples = s->samples + (size_t)i * len;
        int code = s->drawn.codes[i * s->engine->model.codec.groups];
        enum tb_code rc = tb_q3_segment_heard(&s->segment, code, samples, len, &again, &over, err);
        bool heard = s->segment.watch.sounded;

        if (rc)
            return rc;
        if (again || (over && !heard))
            tb_q3_lead_again(&s->lead); /* or never */
        else if (!tb_q3_lead_frame(&s->lead, samples, heard, s->sink))
            return stopped(err);
    }
    s->speaking = again || (s->speaking && !over);
    return TB_OK;
}

/* Work on until there is something to deliver, or nothing left to say. */
static enum tb_code make_sound(struct speech *s, struct tb_error *err)
{
    int wanted = s->sounded ? STEP_FRAMES : FIRST_FRAMES;
    enum tb_code rc = s->warm ? TB_OK : warm_up(s, err);

    while (rc == TB_OK && !s->failed && s->made == 0 && (s->speaking || s->first || s->drawn.n > 0)) {
        if (s->speaking && s->drawn.n < wanted) {
            draw_together(s);
        } else if (s->drawn.n == 0) {
            rc = tb_q3_lead_end(&s->lead, s->sink) ? start_next(s, err) : stopped(err);
        } else {
            if ((rc = decode(s, s->drawn.codes, s->drawn.n, err)) == TB_OK)
                s->made = s->drawn.n;
            continue; /* it has paused itself */
        }
        if (rc == TB_OK && !rest(s))
            rc = stopped(err);
    }
    if (rc == TB_OK && s->failed)
        rc = tb_fail(err, s->failed, "%s", s->why.text);
    return rc;
}

static enum tb_code session_step(struct tb_session *session, const struct tb_sink *sink, bool *more,
                                 struct tb_error *err)
{
    struct speech *s = (struct speech *)session;
    enum tb_code rc;

    tb_q3_batch_hold(&s->engine->batch, &s->member);
    s->sink = sink;
    if ((rc = make_sound(s, err)) == TB_OK && s->made > 0) {
        rc = deliver(s, err);
        s->sounded = true;
    }
    if (rc == TB_OK && !s->speaking && !tb_q3_lead_end(&s->lead, s->sink))
        rc = stopped(err);
    s->drawn.n = s->made = 0;
    *more = s->speaking || s->first;
    tb_q3_batch_let_go(&s->engine->batch, &s->member, rc == TB_OK && may_come_along(s));
    return rc;
}

const struct tb_engine_ops tb_qwen3_ops = {
    .name = "qwen3",
    .lacks = TB_LACKS_RATE | TB_LACKS_PITCH,
    .rate_hz = TB_Q3_RATE_HZ,
    .languages = 1u << TB_LANG_ZH | 1u << TB_LANG_EN | 1u << TB_LANG_DE | 1u << TB_LANG_IT | 1u << TB_LANG_PT |
                 1u << TB_LANG_ES | 1u << TB_LANG_JA | 1u << TB_LANG_KO | 1u << TB_LANG_FR | 1u << TB_LANG_RU,
    .open = open_engine,
    .close = close_engine,
    .enrol = enrol,
    .fits = fits,
    .session_open = session_open,
    .session_text = session_text,
    .session_step = session_step,
    .session_close = session_close,
};
