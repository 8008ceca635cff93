/* speech_priv.h - what the scheduler (speech.c) and an utterance (utterance.c) share.
 *
 * Locks, in the order in which they may be taken: event_lock of an utterance, then the lock of speech.
 *  - speech.lock guards the list of utterances and every field below marked [speech].
 *  - event_lock is held while a callback runs, so that closing can wait for one callback, never for a whole step.
 *  - fields marked [worker] belong to the worker thread while `busy`, and to nobody else. */
#ifndef TB_SPEECH_SPEECH_PRIV_H
#define TB_SPEECH_SPEECH_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "speech/speech.h"
#include "text/segment.h"

/* One piece of text on its way to the engine. */
struct tb_piece {
    struct tb_piece *next;
    enum tb_lang lang;
    size_t code_points;
    size_t n;
    char text[];
};

struct tb_utterance {
    struct tb_speech *speech;
    struct tb_utterance *next; /* [speech] */
    struct tb_utterance_config config;

    struct tb_segmenter segmenter;   /* [speech] text that has no border yet */
    struct tb_piece *first, **last;  /* [speech] */
    size_t pending;                  /* [speech] code points of all pieces */
    size_t waiting_bytes;            /* [speech] encoded, not yet taken by the client */
    int64_t asked_us;                /* [speech] when its oldest unspoken text came */
    int64_t first_audio_us;          /* [speech] 0: none yet */
    uint64_t audio_us;               /* [speech] audio made */
    bool finishing, ended, drained;  /* [speech] no more text; done is delivered; nothing left to speak */
    bool busy;                       /* [speech] the worker is on it */
    bool closed;                     /* [speech] the owner is gone: whoever sees it last frees it */

    struct tb_session *session;      /* [worker] */
    struct tb_encoder *encoder;      /* [worker] */
    struct tb_bytes encoded;         /* [worker] */
    bool more;                       /* [worker] the session has audio left of the current piece */
    enum tb_code sink_code;          /* [worker] why the sink said stop */

    pthread_mutex_t event_lock;
    _Atomic bool muted;              /* set under event_lock: no callback from now on */
};

struct tb_speech {
    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_t worker;
    struct tb_utterance *utterances;
    size_t open, most;
    bool stop;
    struct tb_speech_stats stats;
};

/* Is there something that a step could do? With speech.lock held. */
bool tb_utterance_ready(const struct tb_utterance *u);
/* When its client runs out of audio, or when it asked if it has none: the smaller, the more urgent. Lock held. */
int64_t tb_utterance_deadline(const struct tb_utterance *u);
/* One step, on the worker, without speech.lock, u->busy set. */
void tb_utterance_step(struct tb_utterance *u);
/* Free all that it owns. It is in no list, and not busy. */
void tb_utterance_destroy(struct tb_utterance *u);

#endif
