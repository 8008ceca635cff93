/* kokoro.c - see kokoro.h: the engine's table, and how a session turns queued text into sound.
 *
 * A pass of the network is a segment or, of a long one, a part of it. A step speaks a pass, or a window of it where
 * somebody waits for its first sound. Between passes the session carries the median of the pitch, the pause that the
 * last pass ended with, and the state of the equaliser. */
#include "engine/kokoro/kokoro.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/tempo.h"
#include "base/clock.h"
#include "base/limits.h"
#include "engine/kokoro/calibrate.h"
#include "engine/kokoro/enrol.h"
#include "engine/kokoro/intonation.h"
#include "engine/kokoro/listen.h"
#include "engine/kokoro/passes.h"
#include "engine/kokoro/pasts.h"
#include "engine/kokoro/post.h"
#include "engine/kokoro/stream.h"
#include "engine/kokoro/trim.h"
#include "text/g2p/g2p.h"
#include "text/utf8.h"

enum {
    CHUNK = 4800,    /* samples handed to the sink at once: 200 ms */
    MAX_QUEUED = 4096, /* bytes of tokens waiting in a session: 20 segments of the largest size */
    CROWD_US = 10 * 1000 * 1000 /* who spoke at the same time so lately will do so again */
};

static const double GROWTH = 2.5; /* of passes, see wish() */

/* Seconds that a second of sound may cost where passes are spoken in windows, which cost 1.5 times as much: the last
 * one, all of the pass, is computed while a 2.6th of it plays. */
static const double WINDOWS_COST = 0.3;

/* Samples of silence after a pass at the rate 1, of which the network's own ending is a part. */
static const size_t pauses[] = {
    [TB_PAUSE_NONE] = TB_TRIM_TAIL, [TB_PAUSE_COMMA] = 3600, [TB_PAUSE_SENTENCE] = 7680 };

_Static_assert((int)TB_TEMPO_RATE_HZ == (int)TB_KOKORO_RATE_HZ, "samples are shortened at the engine's rate");

/* Memory for the activations of one pass. They are lent to whoever steps, so there are as many as threads that do. */
struct room {
    struct room *next;
    struct tb_scratch scratch;
};

struct kokoro {
    struct tb_engine base;
    struct tb_pool *pool;
    struct tb_pasts *pasts; /* the first pass after a silence may be spoken in windows (stream.h); NULL: it is not */
    int talking;  /* sessions with something to say; under lock */
    int64_t crowded_us; /* when there were several of them the last time; under lock */
    double cost;  /* of a second of sound, in seconds, lately; 0: not known yet; under lock */
    struct tb_kokoro_model *model;
    struct tb_kokoro_enroller *enroller;
    struct tb_listener listener;
    struct tb_g2p *g2p;
    pthread_mutex_t lock;
    struct room *rooms; /* those not in use; under lock */
};

struct speech {
    struct tb_session base;
    struct kokoro *engine;
    struct tb_kokoro_print print;
    float rate;                      /* as asked for: divides the samples of a pass. The network is always asked for the
                                        voice's own speed: its frames of 25 ms are too coarse for words at twice the
                                        pace, and at half of it they blur (docs/MODEL-kokoro.md) */
    float hz;                        /* median of the pitch, as it shall be planned */
    struct tb_intonation intonation;
    struct tb_kokoro_post *post;
    struct tb_kokoro_stream *pass;   /* that is being spoken; NULL between passes */
    uint8_t tokens[TB_PASS_TOKENS + 2]; /* of the pass, padded */
    int count;                       /* of them; 0 where the plan of all is made */
    int lasting[TB_PASS_TOKENS + 2]; /* frames of those that are planned */
    struct tb_kokoro_past *past;     /* of the voice, for the pass; NULL: it is spoken whole */
    bool whole;                      /* nobody waits for the first sound */
    bool talking;                    /* there is something to say */
    float loudest;                   /* 10 ms of the pass, power */
    enum tb_pause pause;             /* after it */
    struct tb_bytes queue;           /* tokens; a zero ends each segment */
    size_t silence;                  /* samples owed before the next sound */
    size_t said;                     /* tokens since the last silence */
    bool sounding;                   /* the equaliser holds samples */
};

static void close_engine(struct tb_engine *engine)
{
    struct kokoro *k = (struct kokoro *)engine;

    while (k->rooms) {
        struct room *room = k->rooms;

        k->rooms = room->next;
        tb_scratch_close(&room->scratch);
        free(room);
    }
    tb_pasts_close(k->pasts);
    tb_g2p_close(k->g2p);
    tb_listener_close(&k->listener);
    tb_kokoro_enroller_close(k->enroller);
    tb_kokoro_model_close(k->model);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

static enum tb_code open_engine(const struct tb_engine_config *config, struct tb_engine **out, struct tb_error *err)
{
    struct kokoro *k = calloc(1, sizeof *k);
    char path[4096];
    enum tb_code rc;

    if (!k)
        return tb_fail(err, TB_ENOMEM, "kokoro: no memory");
    k->base.ops = &tb_kokoro_ops;
    k->pool = config->pool;
    pthread_mutex_init(&k->lock, NULL);
    if (snprintf(path, sizeof path, "%s/kokoro.safetensors", config->model_dir) >= (int)sizeof path)
        rc = tb_fail(err, TB_EINVAL, "kokoro: the name of the model folder is too long");
    else if ((rc = tb_kokoro_model_open(path, &k->model, err)) == TB_OK &&
             (rc = tb_kokoro_enroller_open(config->model_dir, k->model, config->pool, &k->enroller, err)) == TB_OK &&
             (rc = tb_listener_open(config->model_dir, &k->listener, err)) == TB_OK)
        rc = tb_g2p_open(config->model_dir, config->helper_dir, &k->g2p, err);
    if (rc == TB_OK && config->windows)
        rc = tb_pasts_open(&k->pasts, err);
    if (rc) {
        close_engine(&k->base);
        return rc;
    }
    *out = &k->base;
    return TB_OK;
}

static enum tb_code enrol(struct tb_engine *engine, const struct tb_enrol_request *req, struct tb_bytes *print,
                          struct tb_enrol_report *report, struct tb_error *err)
{
    return tb_kokoro_enrol(((struct kokoro *)engine)->enroller, req, print, report, err);
}

static enum tb_code listen(struct tb_engine *engine, const struct tb_listen_request *req,
                           struct tb_listen_report *report, struct tb_error *err)
{
    struct kokoro *k = (struct kokoro *)engine;

    return tb_listener_compare(&k->listener, k->g2p, k->pool, req, report, err);
}

static bool prepared(struct tb_engine *engine, struct tb_str bytes)
{
    struct kokoro *k = (struct kokoro *)engine;
    struct tb_kokoro_print print;

    return !k->pasts || tb_print_read(bytes, &print, NULL) ||
           tb_pasts_known(k->pasts, (const float(*)[TB_KOKORO_HALF])print.style);
}

static enum tb_code prepare(struct tb_engine *engine, struct tb_str bytes, const struct tb_sink *sink,
                            struct tb_error *err)
{
    struct kokoro *k = (struct kokoro *)engine;
    struct tb_kokoro_past *past;
    struct tb_kokoro_print print;
    enum tb_code rc;

    if (prepared(engine, bytes))
        return TB_OK;
    if ((rc = tb_print_read(bytes, &print, err)) ||
        (rc = tb_kokoro_recite(k->model, k->pool, sink, &print, &past, err)))
        return rc;
    tb_pasts_put(k->pasts, (const float(*)[TB_KOKORO_HALF])print.style, past);
    return TB_OK;
}

static struct room *take_room(struct kokoro *k, struct tb_error *err)
{
    struct room *room;

    pthread_mutex_lock(&k->lock);
    room = k->rooms;
    if (room)
        k->rooms = room->next;
    pthread_mutex_unlock(&k->lock);
    if (room)
        return room;
    room = calloc(1, sizeof *room);
    if (!room) {
        tb_fail(err, TB_ENOMEM, "kokoro: no memory");
    } else if (tb_scratch_open(TB_KOKORO_SCRATCH, &room->scratch, err)) {
        free(room);
        room = NULL;
    }
    return room;
}

static void give_room(struct kokoro *k, struct room *room)
{
    tb_scratch_reset(&room->scratch, 0);
    tb_scratch_trim(&room->scratch);
    pthread_mutex_lock(&k->lock);
    room->next = k->rooms;
    k->rooms = room;
    pthread_mutex_unlock(&k->lock);
}

static void set_talking(struct speech *s, bool talking)
{
    pthread_mutex_lock(&s->engine->lock);
    if (s->engine->talking > 1)
        s->engine->crowded_us = tb_mono_us();
    s->engine->talking += talking - s->talking;
    pthread_mutex_unlock(&s->engine->lock);
    s->talking = talking;
}

/* Windows are spoken only where nobody else speaks, nor did lately at the same time as another, and the machine is fast
 * enough: they take more time in all, and begin with so little sound ahead that a newcomer would find no time. */
static bool has_time_for_windows(struct kokoro *k)
{
    pthread_mutex_lock(&k->lock);
    bool alone = k->talking <= 1 && (!k->crowded_us || tb_mono_us() - k->crowded_us > CROWD_US);
    bool has = alone && k->cost < WINDOWS_COST;
    pthread_mutex_unlock(&k->lock);
    return has;
}

/* How long a step stood still. */
struct wait {
    const struct tb_sink *sink;
    int64_t us;
};

static bool pause_clocked(void *ctx)
{
    struct wait *w = ctx;
    int64_t since = tb_mono_us();
    bool go_on = !w->sink->pause || w->sink->pause(w->sink->ctx);

    w->us += tb_mono_us() - since;
    return go_on;
}

/* A whole pass took from `since` until now, other programs included, but for the time that it stood still. What others
 * said meanwhile would count, too, so nothing is learnt then; nor from passes under a second, whose edges cost more
 * than they do. */
static void learn_cost(struct kokoro *k, int64_t since, int64_t still_us, int frames)
{
    if (frames < TB_KOKORO_RATE_HZ / TB_KOKORO_FRAME)
        return;
    double took = (double)(tb_mono_us() - since - still_us) * 1e-6;
    double cost = took * TB_KOKORO_RATE_HZ / ((double)frames * TB_KOKORO_FRAME);
    pthread_mutex_lock(&k->lock);
    if (k->talking <= 1)
        k->cost = k->cost > 0 ? 0.5 * (k->cost + cost) : cost;
    pthread_mutex_unlock(&k->lock);
}

static void end_pass(struct speech *s)
{
    tb_kokoro_stream_close(s->pass);
    free(s->past);
    s->pass = NULL;
    s->past = NULL;
}

static void session_close(struct tb_session *session)
{
    struct speech *s = (struct speech *)session;

    set_talking(s, false);
    end_pass(s);
    tb_kokoro_post_close(s->post);
    tb_bytes_free(&s->queue);
    free(s);
}

static enum tb_code session_open(struct tb_engine *engine, struct tb_str print, const struct tb_speak *speak,
                                 struct tb_session **out, struct tb_error *err)
{
    struct speech *s = calloc(1, sizeof *s);
    enum tb_code rc;

    if (!s)
        return tb_fail(err, TB_ENOMEM, "kokoro: no memory");
    s->base.ops = &tb_kokoro_ops;
    s->engine = (struct kokoro *)engine;
    s->queue.cap = MAX_QUEUED;
    if ((rc = tb_print_read(print, &s->print, err)) || (rc = tb_kokoro_post_open(s->print.eq_db, &s->post, err))) {
        session_close(&s->base);
        return rc;
    }
    s->rate = speak->rate;
    s->whole = speak->whole;
    s->hz = s->print.f0_median_hz * speak->pitch / TB_INTONATION_HEARD;
    tb_intonation_init(&s->intonation, s->print.f0_style_hz, s->hz);
    *out = &s->base;
    return TB_OK;
}

static enum tb_code session_text(struct tb_session *session, struct tb_str text, enum tb_lang lang,
                                 struct tb_error *err)
{
    struct speech *s = (struct speech *)session;
    struct tb_bytes phonemes = { 0 };
    size_t before = s->queue.size;
    enum tb_code rc;

    if (!tb_engine_speaks(&s->engine->base, lang))
        return tb_fail(err, TB_ELANGUAGE, "kokoro: does not speak %s", tb_lang_name(lang));
    if (tb_utf8_count(text) > TB_MAX_SEGMENT)
        return tb_fail(err, TB_ETOOBIG, "kokoro: a segment of %zu characters, at most %d", tb_utf8_count(text),
                       TB_MAX_SEGMENT);
    rc = tb_g2p_phonemes(s->engine->g2p, text, lang, &phonemes, err);
    if (rc == TB_OK && (rc = tb_passes_tokens(tb_bytes_str(&phonemes), &s->queue)) == TB_OK)
        rc = tb_bytes_add(&s->queue, "", 1);
    if (rc) {
        s->queue.size = before;
        if (rc == TB_ETOOBIG)
            tb_fail(err, rc, "kokoro: more than %d tokens of text are waiting", MAX_QUEUED);
    } else {
        set_talking(s, true);
    }
    tb_bytes_free(&phonemes);
    return rc;
}

/* Run samples, or silence where pcm is NULL, through the equaliser and hand them over. */
static enum tb_code push(struct speech *s, const struct tb_sink *sink, const float *pcm, size_t len)
{
    float out[CHUNK];

    s->sounding |= len > 0;
    while (len > 0) {
        size_t n = len < CHUNK ? len : CHUNK;

        if (pcm)
            memcpy(out, pcm, n * sizeof *out);
        else
            memset(out, 0, n * sizeof *out);
        size_t ready = tb_kokoro_post_run(s->post, out, n, out);
        if (ready && !sink->pcm(sink->ctx, out, ready))
            return TB_ECANCELLED;
        pcm = pcm ? pcm + n : NULL;
        len -= n;
    }
    return TB_OK;
}

static enum tb_code flush(struct speech *s, const struct tb_sink *sink)
{
    float rest[TB_KOKORO_POST_DELAY];
    size_t n = s->sounding ? tb_kokoro_post_flush(s->post, rest) : 0;

    s->sounding = false;
    return n == 0 || sink->pcm(sink->ctx, rest, n) ? TB_OK : TB_ECANCELLED;
}

/* Frames of the first n tokens. */
static int lasts(const int *frames, int n)
{
    int sum = 0;

    for (int i = 0; i < n; i++)
        sum += frames[i];
    return sum;
}

/* Plan the pass that says the tokens [n], at most TB_PASS_TOKENS, or its first words. Only the first sound after a
 * silence is waited for: what comes later is made while that plays, and whole. */
static enum tb_code begin_pass(struct speech *s, const struct tb_kokoro_run *run, const uint8_t *tokens, size_t n,
                               struct tb_error *err)
{
    struct kokoro *k = s->engine;
    const float (*styles)[TB_KOKORO_HALF] = (const float(*)[TB_KOKORO_HALF])s->print.style;
    bool whole = !k->pasts || s->whole || s->sounding || s->rate != 1 || !has_time_for_windows(k);
    struct tb_intonation intonation = s->intonation;
    struct tb_kokoro_plan plan;
    enum tb_code rc;

    if (!whole && (rc = tb_pasts_get(k->pasts, styles, &s->past, err)))
        return rc;
    size_t opening = s->past ? tb_passes_opening(tokens, n) : n;

    memset(s->tokens, 0, sizeof s->tokens);
    memcpy(s->tokens + 1, tokens, opening);
    if ((rc = tb_kokoro_plan(run, k->model, s->tokens, (int)opening + 2, s->print.prosody, s->print.speed, &plan,
                             err))) {
        end_pass(s);
        return rc;
    }
    tb_intonation_apply(&intonation, plan.f0);
    s->count = opening < n ? (int)n + 2 : 0;
    if (s->count == 0)
        s->intonation = intonation;
    memcpy(s->tokens + 1, tokens, n);
    memcpy(s->lasting, plan.counts, (opening + 2) * sizeof *plan.counts);
    s->pause = tb_passes_pause(tokens, n);
    s->loudest = 0;
    rc = tb_kokoro_stream_open(k->model, &plan, s->count ? lasts(plan.counts, (int)opening + 1 - TB_PASS_UNSURE)
                                                         : plan.frames,
                               styles, s->past, NULL, &s->pass, err);
    if (rc)
        end_pass(s);
    return rc;
}

/* Plan all of the pass, of which the first words are spoken. */
static enum tb_code go_on(struct speech *s, const struct tb_kokoro_run *run, struct tb_error *err)
{
    struct tb_kokoro_plan plan;
    int said = 0, spoken = tb_kokoro_stream_spoken(s->pass);
    enum tb_code rc;

    while (lasts(s->lasting, said) < spoken)
        said++;
    if ((rc = tb_kokoro_plan_after(run, s->engine->model, s->tokens, s->count, s->print.prosody, s->print.speed,
                                   s->lasting, said, &plan, err)))
        return rc;
    struct tb_intonation intonation = s->intonation;
    tb_intonation_apply(&intonation, plan.f0);
    if ((rc = tb_kokoro_stream_go_on(s->pass, &plan, err)))
        return rc;
    s->intonation = intonation;
    s->count = 0;
    return TB_OK;
}

/* Cut the silence at the ends of a pass, of which pcm [len] is a window: what is left is from .. from + n. */
static void cut(struct speech *s, float *pcm, size_t len, bool first, bool last, size_t *from, size_t *n)
{
    *from = 0;
    *n = len;
    if (first && last) {
        tb_trim(pcm, len, from, n);
        return;
    }
    s->loudest = fmaxf(s->loudest, tb_trim_loudest(pcm, len));
    if (first) {
        *from = tb_trim_head(pcm, len, s->loudest);
        *n = len - *from;
    } else if (last) {
        *n = tb_trim_tail(pcm, len, s->loudest);
    }
}

/* Speak the next window of the pass. */
static enum tb_code speak(struct speech *s, struct tb_scratch *scratch, const struct tb_sink *sink,
                          struct tb_error *err)
{
    bool first = tb_kokoro_stream_spoken(s->pass) == 0, more;
    struct wait wait = { .sink = sink };
    const struct tb_sink clocked = { .pause = pause_clocked, .ctx = &wait };
    const struct tb_kokoro_run run = { .pool = s->engine->pool, .scratch = scratch, .sink = &clocked };
    int64_t since = tb_mono_us();
    struct tb_mat pcm, said;
    size_t from, len;
    enum tb_code rc;

    if ((s->count && !first && (rc = go_on(s, &run, err))) ||
        (rc = tb_kokoro_stream_next(&run, s->pass, &pcm, &more, err)))
        return rc;
    if (s->count && first && pcm.cols == 0 && /* too few words for a window */
        ((rc = go_on(s, &run, err)) || (rc = tb_kokoro_stream_next(&run, s->pass, &pcm, &more, err))))
        return rc;
    cut(s, pcm.p, (size_t)pcm.cols, first, !more, &from, &len);
    if (!more) {
        learn_cost(s->engine, since, wait.us, tb_kokoro_stream_frames(s->pass));
        end_pass(s);
    }
    if (len == 0)
        return TB_OK;
    size_t spoken = tb_tempo_len(len, (double)s->rate);
    if ((rc = tb_scratch_mat(scratch, 1, (int)spoken, &said, err)))
        return rc;
    tb_tempo(pcm.p + from, len, (double)s->rate, said.p);
    if ((first && (rc = push(s, sink, NULL, s->silence))) || (rc = push(s, sink, said.p, spoken)))
        return rc;
    s->silence = (size_t)((float)(pauses[s->pause] - TB_TRIM_TAIL) / s->rate);
    return TB_OK;
}

/* Tokens that the next pass had better not exceed: few where somebody waits for its first sound. The ones after it are
 * made while those before them play: at a real-time factor of 0.3 each may be as long as GROWTH times all of them. */
static size_t wish(const struct speech *s)
{
    double most = GROWTH * (double)s->said / (double)s->rate;

    return s->whole || most > TB_PASS_TOKENS ? TB_PASS_TOKENS : most < TB_PASS_FIRST ? TB_PASS_FIRST : (size_t)most;
}

/* Plan the next pass of what is queued, if it sounds. */
static enum tb_code take_tokens(struct speech *s, const struct tb_kokoro_run *run, struct tb_error *err)
{
    size_t segment = s->queue.size ? strlen((const char *)s->queue.data) : 0;
    enum tb_code rc = TB_OK;

    if (!s->sounding)
        s->said = 0;
    size_t n = tb_passes_next(s->queue.data, segment, wish(s));
    s->said += n;

    if (tb_passes_sounds(s->queue.data, n))
        rc = begin_pass(s, run, s->queue.data, n, err);
    if (s->queue.size)
        tb_bytes_drop(&s->queue, n == segment ? n + 1 : n);
    return rc;
}

static enum tb_code session_step(struct tb_session *session, const struct tb_sink *sink, bool *more,
                                 struct tb_error *err)
{
    struct speech *s = (struct speech *)session;
    struct room *room = take_room(s->engine, err);
    enum tb_code rc = TB_OK;

    if (!room)
        return TB_ENOMEM;
    struct tb_kokoro_run run = { .pool = s->engine->pool, .scratch = &room->scratch, .sink = sink };
    if (!s->pass)
        rc = take_tokens(s, &run, err);
    if (rc == TB_OK && s->pass)
        rc = speak(s, &room->scratch, sink, err);
    give_room(s->engine, room);
    *more = s->pass || s->queue.size > 0;
    set_talking(s, *more);
    if (rc == TB_OK && !*more)
        rc = flush(s, sink);
    return rc == TB_ECANCELLED ? tb_fail(err, rc, "kokoro: the listener has stopped") : rc;
}

const struct tb_engine_ops tb_kokoro_ops = {
    .name = "kokoro",
    .rate_hz = TB_KOKORO_RATE_HZ,
    .languages = 1u << TB_LANG_EN | 1u << TB_LANG_ES | 1u << TB_LANG_ZH | 1u << TB_LANG_JA |
                 1u << TB_LANG_FR | 1u << TB_LANG_IT | 1u << TB_LANG_PT | 1u << TB_LANG_DE | 1u << TB_LANG_RU |
                 1u << TB_LANG_KO,
    .open = open_engine,
    .close = close_engine,
    .enrol = enrol,
    .listen = listen,
    .prepared = prepared,
    .prepare = prepare,
    .session_open = session_open,
    .session_text = session_text,
    .session_step = session_step,
    .session_close = session_close,
};
