/* qwen3.c - see qwen3.h: the engine's table, and how a session turns queued text into sound.
 *
 * A step makes some frames of 80 ms: the talker's codes, then the codec's samples. Each segment is an utterance of its
 * own in the same voice; the codec's state runs on through the session, so that segments join without a click. */
#include "engine/qwen3/qwen3.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/limits.h"
#include "base/log.h"
#include "engine/qwen3/enrol.h"
#include "engine/qwen3/model.h"
#include "engine/qwen3/segment.h"
#include "text/utf8.h"

enum {
    FIRST_FRAMES = 2,      /* of a session's first step: 160 ms, for an early first sound */
    STEP_FRAMES = 4,       /* of the others: 320 ms, so that sessions take turns often enough */
    MAX_QUEUED = 64,       /* segments waiting in a session */
    SCRATCH = 64 << 20,    /* bytes reserved for one frame of the codec: some 4 MB are touched */
    WARM_FRAMES = 12       /* of the reference's end that the codec hears before it speaks in context */
};

struct qwen3 {
    struct tb_engine base;
    struct tb_pool *pool;
    struct tb_q3_model model;
};

struct waiting {
    struct waiting *next;
    enum tb_lang lang;
    size_t len;
    char text[];
};

struct speech {
    struct tb_session base;
    struct qwen3 *engine;
    struct tb_q3_print print;
    struct tb_q3_generator *generator;
    struct tb_q3_segment segment;
    struct tb_q3_decoding *decoding;
    struct tb_scratch scratch;        /* of the codec */
    struct waiting *first, **last;
    int queued;
    uint64_t seed;
    bool speaking;                    /* the segment is under way */
    bool sounded;                     /* the session's first step is over */
    float *samples;                   /* [frame] */
};

static void close_engine(struct tb_engine *engine)
{
    struct qwen3 *q = (struct qwen3 *)engine;

    tb_q3_model_close(&q->model);
    free(q);
}

static enum tb_code open_engine(const struct tb_engine_config *config, struct tb_engine **out, struct tb_error *err)
{
    struct qwen3 *q = calloc(1, sizeof *q);

    if (!q)
        return tb_fail(err, TB_ENOMEM, "qwen3: no memory");
    q->base.ops = &tb_qwen3_ops;
    q->pool = config->pool;
    enum tb_code rc = tb_q3_model_open(config->model_dir, &q->model, err);
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

static enum tb_code reads(struct tb_engine *engine, struct tb_str print, struct tb_error *err)
{
    struct qwen3 *q = (struct qwen3 *)engine;
    struct tb_q3_print *p = malloc(sizeof *p);
    enum tb_code rc = p ? tb_q3_print_read(print, p, err) : tb_fail(err, TB_ENOMEM, "qwen3: no memory");

    if (rc == TB_OK) {
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

    for (int f = from; rc == TB_OK && f < s->print.frames; f++)
        rc = tb_q3_decoding_run(&run, s->decoding, s->print.codes + f * s->print.groups, 1, s->samples, err);
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
    s->samples = malloc((size_t)m->codec.frame * sizeof *s->samples);
    if (!s->samples)
        rc = tb_fail(err, TB_ENOMEM, "qwen3: no memory");
    else if (getrandom(&s->seed, sizeof s->seed, 0) != sizeof s->seed)
        rc = tb_fail(err, TB_EIO, "no random bytes");
    else if ((rc = tb_q3_print_read(print, &s->print, err)) == TB_OK &&
             (rc = tb_q3_print_fits(&s->print, &m->config, err)) == TB_OK &&
             (rc = tb_scratch_open(SCRATCH, &s->scratch, err)) == TB_OK &&
             (rc = tb_q3_generator_open(&m->talker, q->pool, tb_q3_segment_room(&s->print, &m->config), &s->generator,
                                        err)) == TB_OK &&
             (rc = tb_q3_decoding_open(&m->decoder, 1, &s->decoding, err)) == TB_OK)
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

/* One frame from its codes to the listener. */
static enum tb_code speak_frame(struct speech *s, const struct tb_sink *sink, struct tb_error *err)
{
    struct tb_q3_run run = { .pool = s->engine->pool, .scratch = &s->scratch };
    size_t len = (size_t)s->engine->model.codec.frame;
    int codes[TB_Q3_MAX_GROUPS];
    enum tb_q3_end end;
    bool again, over;
    enum tb_code rc = tb_q3_segment_next(&s->segment, codes, &end, err);

    if (rc || end != TB_Q3_GOING) {
        s->speaking = false;
        return rc;
    }
    if ((rc = tb_q3_decoding_run(&run, s->decoding, codes, 1, s->samples, err)) ||
        (rc = tb_q3_segment_heard(&s->segment, s->samples, len, &again, &over, err)))
        return rc;
    s->speaking = !over;
    return sink->pcm(sink->ctx, s->samples, len) ? TB_OK : tb_fail(err, TB_ECANCELLED, "qwen3: the listener has stopped");
}

static enum tb_code session_step(struct tb_session *session, const struct tb_sink *sink, bool *more,
                                 struct tb_error *err)
{
    struct speech *s = (struct speech *)session;
    int frames = s->sounded ? STEP_FRAMES : FIRST_FRAMES;
    enum tb_code rc = TB_OK;

    for (int i = 0; rc == TB_OK && i < frames && (s->speaking || s->first); i++) {
        if (!s->speaking)
            rc = start_next(s, err);
        if (rc == TB_OK)
            rc = speak_frame(s, sink, err);
        s->sounded = true;
    }
    *more = s->speaking || s->first;
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
    .reads = reads,
    .session_open = session_open,
    .session_text = session_text,
    .session_step = session_step,
    .session_close = session_close,
};
