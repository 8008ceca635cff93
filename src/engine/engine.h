/* engine.h - what a speech model can do, whichever it is.
 *
 * An engine is loaded weights: read-only, shared by all threads. A session is one utterance in one voice, owned by one
 * thread at a time: the caller queues text, one sentence or clause at a time, and runs steps; each step makes some
 * audio and hands it to a sink, which may say stop. Between segments the session keeps what has to carry over.
 *
 *     tb_session_open(engine, print, &speak, &session, err);
 *     tb_session_text(session, TB_STR("Good evening."), TB_LANG_EN, err);
 *     do rc = tb_session_step(session, &sink, &more, err); while (!rc && more);
 *     tb_session_close(session);
 *
 * enrol turns a recording into a voice print: a small self-describing blob that only engines of the same name read.
 * No model dimension appears here, and nobody above this header knows which engine speaks. */
#ifndef TB_ENGINE_ENGINE_H
#define TB_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/pcm.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/turn.h"
#include "text/lang.h"

struct tb_engine; /* each engine's own; its first member is a const struct tb_engine_ops * */
struct tb_session;

struct tb_engine_config {
    const char *model_dir;    /* folder with the converted weights */
    const char *helper_dir;   /* folder with timbre-phonemes */
    struct tb_pool *pool;     /* shared; outlives the engine */
    bool windows;             /* sound before a pass is done, by voices that are prepared */
    const char *weights;      /* "float": exact; "int8", "int4": in few bits where it can. NULL: float */
    const char *cache;        /* folder for what is made of the weights, once; NULL: it is made at each start */
    /* While something takes long: what is done (a literal), and how much of it, 0 .. 1. May be NULL. */
    void (*progress)(void *ctx, const char *doing, double part);
    void *progress_ctx;
};

/* Where audio goes, and who may come in between. Both return false to stop: the step then ends with TB_ECANCELLED.
 * samples: mono, [-1, 1], at the engine's rate; valid during the call only.
 * pause is called between slices of a long step's work, some 20 to 100 ms each, on the step's thread: whatever is more
 * urgent is done meanwhile, on other threads. Steps of other sessions of the same engine begin, go on and end while
 * this one stands still, in any order but one at a time; so nothing that sessions share may be locked, or half done.
 * NULL: nothing ever is done meanwhile. */
struct tb_sink {
    bool (*pcm)(void *ctx, const float *samples, size_t len);
    bool (*pause)(void *ctx);
    void *ctx;
};

/* How an utterance is spoken; {1, 1} is as the voice speaks. */
struct tb_speak {
    float rate;  /* 0.5 .. 2: twice as fast at 2 */
    float pitch; /* 0.5 .. 2: an octave higher at 2 */
    bool whole;  /* nobody waits for the first sound: an engine that has to choose prefers quality */
};

struct tb_enrol_request {
    const struct tb_pcm *audio; /* the recording, at any rate from 24 kHz */
    struct tb_str text;         /* its transcript; may be empty */
    enum tb_lang lang;          /* spoken language; may be TB_LANG_AUTO */
    struct tb_turn *turn;       /* paused between slices of work; NULL: the cores are ours alone */
};

/* What enrolment measured. */
struct tb_enrol_report {
    float f0_median_hz;
    float speech_seconds;
    float rate;       /* syllables a second of speech, pauses left out; 0: not measured */
    float similarity; /* expected likeness of the clone, cosine 0..1; 0: not known */
    float one_voice;  /* cosine between the two halves of its stretches that are least alike; 0: not known */
};

/* A recording beside its supposed transcript. */
struct tb_listen_request {
    const struct tb_pcm *audio;
    struct tb_str text;
    enum tb_lang lang;    /* of the text; not TB_LANG_AUTO */
    struct tb_turn *turn; /* as above */
};

struct tb_listen_report {
    float match;    /* 0..1: how likely it is that the text is what is said; calibrated by the engine */
    float strange;  /* 0..1: part of the words that are not heard where they should be */
    size_t words;   /* of the text that can be spoken; 0: none, and then match is 0 */
};

/* What an engine cannot do; struct tb_speak must then say 1. */
enum { TB_LACKS_RATE = 1, TB_LACKS_PITCH = 2 };

struct tb_engine_ops {
    const char *name;      /* "kokoro" */
    uint32_t lacks;        /* TB_LACKS_*; 0: it can do all of it */
    uint32_t rate_hz;      /* of all audio it makes */
    uint32_t languages;    /* bit 1 << enum tb_lang for each language that it speaks */
    enum tb_code (*open)(const struct tb_engine_config *config, struct tb_engine **out, struct tb_error *err);
    void (*close)(struct tb_engine *engine);
    enum tb_code (*enrol)(struct tb_engine *engine, const struct tb_enrol_request *req, struct tb_bytes *print,
                          struct tb_enrol_report *report, struct tb_error *err);
    /* NULL: this engine cannot tell. */
    enum tb_code (*listen)(struct tb_engine *engine, const struct tb_listen_request *req,
                           struct tb_listen_report *report, struct tb_error *err);
    /* NULL: all prints of its name do. */
    enum tb_code (*fits)(struct tb_engine *engine, struct tb_str print, struct tb_error *err);
    /* Both NULL: nothing is gained by preparing a voice. */
    bool (*prepared)(struct tb_engine *engine, struct tb_str print);
    enum tb_code (*prepare)(struct tb_engine *engine, struct tb_str print, const struct tb_sink *sink,
                            struct tb_error *err);
    enum tb_code (*session_open)(struct tb_engine *engine, struct tb_str print, const struct tb_speak *speak,
                                 struct tb_session **out, struct tb_error *err);
    enum tb_code (*session_text)(struct tb_session *session, struct tb_str text, enum tb_lang lang,
                                 struct tb_error *err);
    enum tb_code (*session_step)(struct tb_session *session, const struct tb_sink *sink, bool *more,
                                 struct tb_error *err);
    void (*session_close)(struct tb_session *session);
};

struct tb_engine {
    const struct tb_engine_ops *ops;
};

struct tb_session {
    const struct tb_engine_ops *ops;
};

/* Load. Clear errors: which file, what was found, what was expected. Release with tb_engine_close. */
enum tb_code tb_engine_open(const struct tb_engine_ops *ops, const struct tb_engine_config *config,
                            struct tb_engine **out, struct tb_error *err);
void tb_engine_close(struct tb_engine *engine);
bool tb_engine_speaks(const struct tb_engine *engine, enum tb_lang lang);

/* Make a voice print of a recording. *print is emptied first; release with tb_bytes_free.
 * TB_EAUDIO_SPEECH: no usable speech. report may be NULL. Any thread. */
enum tb_code tb_engine_enrol(struct tb_engine *engine, const struct tb_enrol_request *req, struct tb_bytes *print,
                             struct tb_enrol_report *report, struct tb_error *err);

/* Is the text what is said in the recording? Any thread. TB_EUNSUPPORTED: this engine cannot tell, or not in this
 * language; TB_ETOOBIG: over TB_MAX_TRANSCRIPT code points. */
enum tb_code tb_engine_listen(struct tb_engine *engine, const struct tb_listen_request *req,
                              struct tb_listen_report *report, struct tb_error *err);

/* Is a print of this engine's name for the weights that are loaded? TB_EVOICE says why not: the model has several
 * sizes, say. What is damaged is for tb_session_open to find. Any thread. */
enum tb_code tb_engine_fits(struct tb_engine *engine, struct tb_str print, struct tb_error *err);

/* Is a voice ready to speak as soon as it can? A print that the engine cannot read is. Any thread. */
bool tb_engine_prepared(struct tb_engine *engine, struct tb_str print);
/* Make it so: seconds of work, whose result the engine keeps in memory until many other voices were prepared or spoke.
 * Of sink only pause is called; on false the work ends with TB_ECANCELLED and nothing is kept. Any thread. */
enum tb_code tb_engine_prepare(struct tb_engine *engine, struct tb_str print, const struct tb_sink *sink,
                               struct tb_error *err);

/* Begin an utterance. print is read and not kept. TB_EVOICE: not a print of this engine. */
enum tb_code tb_session_open(struct tb_engine *engine, struct tb_str print, const struct tb_speak *speak,
                             struct tb_session **out, struct tb_error *err);
/* Queue one segment (at most TB_MAX_SEGMENT code points) in a language that is not TB_LANG_AUTO.
 * TB_ELANGUAGE: not spoken here. A segment with nothing speakable in it is fine and gives no audio. */
enum tb_code tb_session_text(struct tb_session *session, struct tb_str text, enum tb_lang lang, struct tb_error *err);
/* Make the next piece of audio of what is queued. *more is false when all queued text is spoken. */
enum tb_code tb_session_step(struct tb_session *session, const struct tb_sink *sink, bool *more, struct tb_error *err);
void tb_session_close(struct tb_session *session);

#endif
