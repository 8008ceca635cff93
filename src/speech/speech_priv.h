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
    size_t pending, in_work, spoken; /* [speech] code points of all pieces; of the one given to the engine; of those
                                        that are all made */
    int64_t spoken_us;               /* [speech] length of the audio of these */
    size_t waiting_bytes;            /* [speech] encoded, not yet taken by the client */
    int64_t asked_us;                /* [speech] when its oldest unspoken text came; 0: none waits */
    int64_t heard_us;                /* [speech] when its listener will have heard all audio made; 0: none yet */
    int64_t made_us;                 /* [speech] length of all audio made */
    enum tb_code lost;               /* [speech] why text was lost: the utterance ends with it */
    bool finishing, ended, drained;  /* [speech] no more text; done is delivered; nothing left to speak */
    bool busy;                       /* [speech] a step of it is under way */
    int64_t began_us, done_us;       /* [speech] when its step began, less interruptions; what it had computed when it
                                        paused last */
    struct tb_utterance *below;      /* [speech] whose step it interrupts */
    bool closed;                     /* [speech] the owner is gone: whoever sees it last frees it */

    struct tb_session *session;      /* [worker] */
    struct tb_encoder *encoder;      /* [worker] */
    struct tb_bytes encoded;         /* [worker] */
    bool more;                       /* [worker] the session has audio left of the current piece */
    enum tb_code sink_code;          /* [worker] why the sink said stop */

    pthread_mutex_t event_lock;
    _Atomic bool muted;              /* set under event_lock: no callback from now on */
};

/* A thread with long work, in its turn or waiting for it. */
struct tb_guest {
    struct tb_turn turn; /* first: what the thread holds */
    struct tb_speech *speech;
    struct tb_guest *next; /* of those that wait */
    int64_t due_us;
    bool running;
};

/* What an engine costs here. */
struct tb_cost {
    const struct tb_engine *engine;
    double busy_us, audio_us; /* computing time and audio of about the last minute of its audio */
    int64_t step_us;          /* audio of the longest of its last steps, about */
};
enum { TB_COSTS = 4 }; /* engines of one server: there are two; one too many would share with the last */

struct tb_speech {
    pthread_mutex_t lock;
    pthread_cond_t work; /* for the worker */
    pthread_cond_t turn; /* for guests */
    pthread_t worker;
    int64_t (*now_us)(void);
    struct tb_utterance *utterances;
    struct tb_utterance *top; /* whose step is under way; the others that are wait below it */
    struct tb_guest *guests; /* that wait */
    struct tb_guest *guest;  /* to whom the worker lends the cores */
    int64_t lent_us;         /* when its slice began; by the clock of waiting, tb_mono_us */
    size_t open, most;
    double max_load;          /* part of the time that may be promised */
    bool stop;
    bool halted;              /* no step begins any more */
    struct tb_cost costs[TB_COSTS];     /* of each engine; those in use come first */
    double said_us, said_points;        /* audio and code points of the pieces of about the last minute */
    struct tb_speech_stats stats;
};

/* Is there something that a step could do? With speech.lock held. */
bool tb_utterance_ready(const struct tb_utterance *u);
/* When its listener runs out of audio, or should hear the first: the smaller, the more urgent. Lock held. */
int64_t tb_utterance_deadline(const struct tb_utterance *u);
/* Audio that is still to be made of it, and of its step that is under way or comes next; at a guess. Lock held. */
int64_t tb_utterance_left_us(const struct tb_utterance *u);
int64_t tb_utterance_next_us(const struct tb_utterance *u);
/* One step, on the worker, without speech.lock, u->busy set. */
void tb_utterance_step(struct tb_utterance *u);
/* Free all that it owns. It is in no list, and not busy. */
void tb_utterance_destroy(struct tb_utterance *u);

/* Between slices of a step of u, on the worker, without the lock: what is more urgent is done. False: stop the step. */
bool tb_speech_pause(struct tb_utterance *u);

/* order.c. All with the lock held. */
/* Whose step should begin; NULL: nobody is ready. */
struct tb_utterance *tb_speech_next(const struct tb_speech *s);
/* Whose step should begin before that of s->top goes on; NULL: nobody's. */
struct tb_utterance *tb_speech_intruder(const struct tb_speech *s);
/* May g go on before all utterances? */
bool tb_speech_guest_may(const struct tb_speech *s, const struct tb_guest *g);

/* admit.c. All with the lock held. */
/* A step of this engine has taken busy_us and made audio_us. */
void tb_speech_note_cost(struct tb_speech *s, const struct tb_engine *engine, int64_t busy_us, int64_t audio_us);
/* Computing time for a second of its speech; NULL: of everybody's. */
double tb_speech_rtf(const struct tb_speech *s, const struct tb_engine *engine);
/* Audio of the longest of its last steps, about; 0: it has made none. */
int64_t tb_speech_step_us(const struct tb_speech *s, const struct tb_engine *engine);
/* A piece of so many code points has become so much audio. */
void tb_speech_note_length(struct tb_speech *s, size_t code_points, int64_t audio_us);
/* May an utterance of this engine be opened that will say `expected` code points (0: not known)? */
enum tb_code tb_speech_admit(const struct tb_speech *s, const struct tb_engine *engine, bool whole, size_t expected,
                             struct tb_error *err);
/* Length of the speech of so many code points, at a guess that errs on the long side. */
int64_t tb_speech_length_us(size_t code_points);
/* The same as u speaks and, where it has not said much, as everybody did lately. */
int64_t tb_speech_length_of_us(const struct tb_utterance *u, size_t code_points);

/* turn.c. All with the lock held. */
/* The guest with the earliest due time; NULL: none waits. */
struct tb_guest *tb_speech_next_guest(const struct tb_speech *s);
/* Let g run until it pauses or ends, for TB_TURN_MS at most. */
void tb_speech_lend(struct tb_speech *s, struct tb_guest *g);

#endif
