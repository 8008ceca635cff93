/* qwen3.c - see qwen3.h: the engine's table, and how a session turns queued text into sound.
 *
 * A step makes some frames of 80 ms. On two or three cores one of them draws the codes of the next frames, which
 * waits for memory most of the time, while another turns those drawn before into sound; on more, each part has all of
 * them in turn. Each segment is an utterance of its own in the same voice; the codec's state runs on through the
 * session, so that segments join without a click. */
#include "engine/qwen3/qwen3.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/limits.h"
#include "base/log.h"
#include "engine/qwen3/enrol.h"
#include "engine/qwen3/model.h"
#include "engine/qwen3/quant.h"
#include "engine/qwen3/segment.h"
#include "text/utf8.h"

enum {
    FIRST_FRAMES = 2,      /* of a session's first step: 160 ms, for an early first sound */
    STEP_FRAMES = 4,       /* of the others: 320 ms, so that sessions take turns often enough */
    FEW_CORES = 3,         /* up to so many, talking and decoding each have one */
    MAX_QUEUED = 64,       /* segments waiting in a session */
    SCRATCH = 64 << 20,    /* bytes reserved for one frame of the codec: some 4 MB are touched */
    WARM_FRAMES = 12       /* of the reference's end that the codec hears before it speaks in context */
};

struct qwen3 {
    struct tb_engine base;
    struct tb_pool *pool;
    struct tb_q3_model model;
    struct tb_q3_quant *quant; /* NULL: exact */
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
    struct qwen3 *engine;
    struct tb_q3_print print;
    struct tb_q3_generator *generator;
    struct tb_q3_segment segment;
    struct tb_q3_decoding *decoding;
    struct tb_scratch scratch;        /* of the codec */
    struct frames ready, next;        /* drawn and not decoded: of the last step, of this one */
    struct waiting *first, **last;
    int queued;
    uint64_t seed;
    bool speaking;                    /* the segment is under way */
    bool sounded;                     /* the session's first step is over */
    float *samples;                   /* [STEP_FRAMES][frame] */
};

static void close_engine(struct tb_engine *engine)
{
    struct qwen3 *q = (struct qwen3 *)engine;

    tb_q3_model_close(&q->model);
    tb_q3_quant_close(q->quant);
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

static enum tb_code quantise(struct qwen3 *q, const struct tb_engine_config *config, struct tb_error *err)
{
    struct tb_q3_quant_config c = { .stamp = tb_q3_weights_stamp(q->model.weights), .pool = config->pool,
                                    .progress = show_progress, .ctx = (void *)(uintptr_t)config };
    char path[PATH_MAX];
    enum tb_code rc;

    if (!config->weights || !strcmp(config->weights, "float"))
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
    enum tb_code rc = tb_q3_model_open(config->model_dir, &q->model, err);
    if (rc == TB_OK)
        rc = quantise(q, config, err);
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
    tb_q3_print_free(&s->print);
    free(s);
}

/* In context, the codec's state is that of a recording that has just ended. */
static enum tb_code warm_up(struct speech *s, struct tb_error *err)
{
    struct tb_q3_run run = { .pool = s->engine->pool, .scratch = &s->scratch };
    int from = s->print.frames > WARM_FRAMES ? s->print.frames - WARM_FRAMES : 0;
    enum tb_code rc = TB_OK;

    for (int f = from, n; rc == TB_OK && f < s->print.frames; f += n) {
        n = s->print.frames - f < STEP_FRAMES ? s->print.frames - f : STEP_FRAMES;
        rc = tb_q3_decoding_run(&run, s->decoding, s->print.codes + f * s->print.groups, n, s->samples, err);
    }
    return rc;
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
    s->last = &s->first;
    s->samples = malloc(STEP_FRAMES * (size_t)m->codec.frame * sizeof *s->samples);
    if (!s->samples)
        rc = tb_fail(err, TB_ENOMEM, "qwen3: no memory");
    else if (getrandom(&s->seed, sizeof s->seed, 0) != sizeof s->seed)
        rc = tb_fail(err, TB_EIO, "no random bytes");
    else if ((rc = tb_q3_print_read(print, &s->print, err)) == TB_OK &&
             (rc = tb_q3_print_fits(&s->print, &m->config, err)) == TB_OK &&
             (rc = tb_scratch_open(SCRATCH, &s->scratch, err)) == TB_OK &&
             (rc = tb_q3_generator_open(&m->talker, q->pool, tb_q3_segment_room(&s->print, &m->config), &s->generator,
                                        err)) == TB_OK &&
             (rc = tb_q3_decoding_open(&m->decoder, STEP_FRAMES, &s->decoding, err)) == TB_OK)
        rc = warm_up(s, err);
    if (rc) {
        session_close(&s->base);
        return rc;
    }
    s->segment = (struct tb_q3_segment){ .talker = &m->talker, .bpe = m->bpe, .print = &s->print,
                                         .generator = s->generator, .generation = m->generation };
    tb_log(TB_LOG_DEBUG, "qwen3-session", "seed=%llu reference=%d", (unsigned long long)s->seed, s->print.frames);
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
    s->speaking = rc == TB_OK;
    return rc;
}

/* Up to n more frames of the segment under way, into s->next. */
static enum tb_code draw(struct speech *s, int n, struct tb_pool *pool, struct tb_error *err)
{
    enum tb_q3_end end = TB_Q3_GOING;
    enum tb_code rc = TB_OK;

    tb_q3_generator_share(s->generator, pool);
    s->next.n = 0;
    while (rc == TB_OK && s->speaking && s->next.n < n) {
        rc = tb_q3_segment_next(&s->segment, s->next.codes + s->next.n * s->engine->model.codec.groups, &end, err);
        if (rc || end != TB_Q3_GOING)
            s->speaking = false;
        else
            s->next.n++;
    }
    return rc;
}

/* s->ready to s->samples. */
static enum tb_code decode(struct speech *s, struct tb_pool *pool, struct tb_error *err)
{
    struct tb_q3_run run = { .pool = pool, .scratch = &s->scratch };

    return tb_q3_decoding_run(&run, s->decoding, s->ready.codes, s->ready.n, s->samples, err);
}

/* Both at once: part 0 draws, part 1 decodes. */
struct both {
    struct speech *s;
    int n;
    struct tb_pool *pool; /* for each part */
    enum tb_code rc[2];
    struct tb_error err[2];
};

static void run_both(void *ctx, int part)
{
    struct both *b = ctx;

    if (part == 0)
        b->rc[0] = draw(b->s, b->n, b->pool, &b->err[0]);
    else
        b->rc[1] = decode(b->s, b->pool, &b->err[1]);
}

static enum tb_code draw_and_decode(struct speech *s, int n, struct tb_error *err)
{
    bool few = tb_pool_threads(s->engine->pool) <= FEW_CORES;
    struct both b = { .s = s, .n = n, .pool = few ? NULL : s->engine->pool };

    if (few)
        tb_pool_run(s->engine->pool, run_both, &b, 2);
    for (int part = 0; part < 2; part++) {
        if (!few)
            run_both(&b, part);
        if (b.rc[part])
            return tb_fail(err, b.rc[part], "%s", b.err[part].text);
    }
    return TB_OK;
}

/* What was decoded, to the watch and to the listener. *lost: the segment has begun anew or ended, so that what was
 * drawn beyond it is void. */
static enum tb_code deliver(struct speech *s, const struct tb_sink *sink, bool *lost, struct tb_error *err)
{
    size_t len = (size_t)s->engine->model.codec.frame;
    bool again = false, over = false;

    *lost = false;
    for (int i = 0; i < s->ready.n && !*lost; i++) {
        const float *samples = s->samples + (size_t)i * len;
        int code = s->ready.codes[i * s->engine->model.codec.groups];
        enum tb_code rc = tb_q3_segment_heard(&s->segment, code, samples, len, &again, &over, err);

        if (rc)
            return rc;
        *lost = again || over;
        if (again)
            s->speaking = true;
        else if (over)
            s->speaking = false;
        if (!sink->pcm(sink->ctx, samples, len))
            return tb_fail(err, TB_ECANCELLED, "qwen3: the listener has stopped");
    }
    return TB_OK;
}

static enum tb_code session_step(struct tb_session *session, const struct tb_sink *sink, bool *more,
                                 struct tb_error *err)
{
    struct speech *s = (struct speech *)session;
    enum tb_code rc = TB_OK;
    bool lost;

    while (rc == TB_OK && s->ready.n == 0 && (s->speaking || s->first)) {
        tb_q3_generator_share(s->generator, s->engine->pool);
        if (!s->speaking)
            rc = start_next(s, err);
        if (rc == TB_OK)
            rc = draw(s, FIRST_FRAMES, s->engine->pool, err);
        s->ready = s->next;
    }
    if (rc == TB_OK && s->ready.n > 0) {
        if ((rc = draw_and_decode(s, s->sounded ? STEP_FRAMES : FIRST_FRAMES, err)) == TB_OK)
            rc = deliver(s, sink, &lost, err);
        s->sounded = true;
        s->ready = s->next;
        if (rc || lost)
            s->ready.n = 0;
        s->next.n = 0;
    }
    *more = s->speaking || s->first || s->ready.n > 0;
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
