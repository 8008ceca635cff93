/* speech_priv.h - what the scheduler (speech.c) and an utterance (utterance.c) share.
 *
 * Locks, in the order in which they may be taken: event_lock of an utterance, then the lock of speech.
 *  - speech.lock guards the list of utterances and every field below marked [speech].
 *  - event_lock is held while a callback runs, so that closing can wait for one callback, never for a whole step.
 *  - fields marked [runner] belong to the thread of `runner` while there is one, and to nobody else. */
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
    struct tb_runner *runner;        /* [speech] on which a step of it is under way, or stands still; else NULL */
    int64_t since_us, done_us;       /* [speech] when its step last went on; what it had computed by then */
    bool closed;                     /* [speech] the owner is gone */

    struct tb_session *session;      /* [runner] */
    struct tb_encoder *encoder;      /* [runner] */
    struct tb_bytes encoded;         /* [runner] */
    bool more;                       /* [runner] the session has audio left of the current piece */
    enum tb_code sink_code;          /* [runner] why the sink said stop */

    pthread_mutex_t event_lock;
    _Atomic bool muted;              /* set under event_lock: no callback from now on */
};

/* A thread that runs one step at a time; between two slices of it, the step may stand still while others go on. */
struct tb_runner {
    struct tb_speech *speech;
    pthread_t thread;
    pthread_cond_t go;      /* the cores are its */
    struct tb_utterance *u; /* whose step it has; NULL: none */
};

/* A step that stands still keeps its activations, in the kokoro engine some 12 MB for each second of its sound, and
 * hears of nothing else: four are enough that the most urgent finds one free (docs/SPEED.md, Many sessions). */
enum { TB_RUNNERS = 4 };

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
    int64_t first_us, step_us; /* audio of the longest of its last steps, about: of first ones, and of all */
    int64_t slice_us;         /* computing time of the longest of its last slices, about */
};
enum { TB_COSTS = 4 }; /* engines of one server: there are two; one too many would share with the last */

struct tb_speech {
    pthread_mutex_t lock;
    pthread_cond_t work; /* for the worker */
    pthread_cond_t turn; /* for guests */
    pthread_t worker;
    struct tb_runner runners[TB_RUNNERS];
    int threads;                /* of runners, that were started */
    struct tb_runner *running;  /* who has the cores; NULL: the worker, to give them to somebody */
    int64_t (*now_us)(void);
    struct tb_utterance *utterances;
    struct tb_utterance *buried; /* closed; to be freed by the worker, as an engine may wait when a session closes */
    struct tb_guest *guests;    /* that wait */
    struct tb_guest *guest;     /* to whom the worker lends the cores */
    int64_t lent_us;            /* when its slice began; by the clock of waiting, tb_mono_us */
    size_t open, most;
    double max_load;          /* part of the time that may be promised */
    bool stop;
    bool over;                /* the runners end */
    bool halted;              /* no step begins or goes on any more */
    struct tb_cost costs[TB_COSTS];     /* of each engine; those in use come first */
    double lately_us;                   /* of computing, that fades with time, as of */
    int64_t lately_at_us;
    double said_us, said_letters;       /* audio and letters of the pieces of about the last minute */
    struct tb_speech_stats stats;
};

/* Is there something that a step could do? With speech.lock held. */
bool tb_utterance_ready(const struct tb_utterance *u);
/* Is its listener in the middle of something that must not break off? */
bool tb_utterance_hears(const struct tb_utterance *u);
/* When its listener runs out of audio, or should hear the first: the smaller, the more urgent. Lock held. */
int64_t tb_utterance_deadline(const struct tb_utterance *u);
/* Audio that is still to be made of it, and of its step that is under way or comes next; at a guess. Lock held. */
int64_t tb_utterance_left_us(const struct tb_utterance *u);
int64_t tb_utterance_next_us(const struct tb_utterance *u);
/* One step, on its runner, without speech.lock. */
void tb_utterance_step(struct tb_utterance *u);
/* Free all that it owns. It is in no list, and has no runner. */
void tb_utterance_destroy(struct tb_utterance *u);

/* u is closed and has no runner: it is in the list no more, and the worker frees it. Lock held. */
void tb_speech_bury(struct tb_speech *s, struct tb_utterance *u);
/* Free those that are buried. Called and returns with the lock held. */
void tb_speech_free_buried(struct tb_speech *s);

/* runner.c */
enum tb_code tb_speech_start_runners(struct tb_speech *s, struct tb_error *err);
/* All steps have ended. Without the lock. */
void tb_speech_end_runners(struct tb_speech *s);
/* Let u go on, or begin a step, and wait until it pauses for somebody else or has ended. On the worker, lock held;
 * where u has no runner, one is free. */
void tb_speech_go_on(struct tb_speech *s, struct tb_utterance *u);
/* Between slices of a step of u, on its runner, without the lock: it stands still while somebody else is more urgent.
 * False: stop the step. */
bool tb_speech_pause(struct tb_utterance *u);

/* order.c. All with the lock held. */
/* Whose step should begin or go on; NULL: nobody's. */
struct tb_utterance *tb_speech_next(const struct tb_speech *s);
/* One who has left while a step of his was under way: all that this still does is end. NULL: nobody. */
struct tb_utterance *tb_speech_left_alone(const struct tb_speech *s);
/* May g go on before all utterances? */
bool tb_speech_guest_may(const struct tb_speech *s, const struct tb_guest *g);

/* admit.c. All with the lock held. */
/* A step of this engine, the first of an utterance or not, has taken busy_us and made audio_us. */
void tb_speech_note_cost(struct tb_speech *s, const struct tb_engine *engine, int64_t busy_us, int64_t audio_us,
                         bool first);
/* Computing time for a second of its speech; NULL: of everybody's. */
double tb_speech_rtf(const struct tb_speech *s, const struct tb_engine *engine);
/* Audio of the longest of its last steps, or last first steps, about; 0: it has made none. */
int64_t tb_speech_step_us(const struct tb_speech *s, const struct tb_engine *engine, bool first);
/* A slice of a step, up to where it could stand still, has taken so long; the longest of late, about; 0: not known */
void tb_speech_note_slice(struct tb_speech *s, const struct tb_engine *engine, int64_t busy_us);
int64_t tb_speech_slice_us(const struct tb_speech *s, const struct tb_engine *engine);
/* Part of the time that steps took lately. */
void tb_speech_note_busy(struct tb_speech *s, int64_t busy_us);
double tb_speech_busy(const struct tb_speech *s);
/* How many letters a code point of its language is worth, as long as they last. */
size_t tb_speech_letters(const struct tb_utterance_config *config);
/* A piece of so many letters has become so much audio. */
void tb_speech_note_length(struct tb_speech *s, size_t letters, int64_t audio_us);
/* Length of the speech of so many letters, as everybody spoke lately: at first a guess that errs on the long side. */
int64_t tb_speech_lately_us(const struct tb_speech *s, size_t letters);
/* Of so many code points as u speaks and, where it has not said much, as everybody did lately. */
int64_t tb_speech_length_of_us(const struct tb_utterance *u, size_t code_points);
/* May an utterance of this engine be opened that will say so many letters (0: not known)? */
enum tb_code tb_speech_admit(const struct tb_speech *s, const struct tb_engine *engine, bool whole, size_t letters,
                             struct tb_error *err);

/* demand.c. All with the lock held. */
/* What has to be made for a listener, and when. */
struct tb_demand {
    int64_t from_us;  /* when the audio made so far ends */
    int64_t first_us; /* so much more has to be there by then: of the step under way or next */
    int64_t step_us;  /* and when that ends, always so much more than is heard: of the steps after it */
    int64_t left_us;  /* of audio, all that is still to be made, as far as anybody looks */
    double rtf;       /* computing time for a second of it */
    int64_t done_us;  /* computing time that is spent already */
};

/* Does somebody listen to it? */
bool tb_utterance_counts(const struct tb_utterance *u);
/* Of one who asks now for speech of so many letters; 0: not known. */
struct tb_demand tb_demand_of_newcomer(const struct tb_speech *s, const struct tb_engine *engine, size_t letters);
/* Of u, which is not heard yet, once its next step is made: that takes cost_us from now on. */
struct tb_demand tb_demand_after_first(const struct tb_utterance *u, int64_t cost_us);
/* Is there time, or this part of it, for `more` and for all who listen but one (NULL: for all)? */
bool tb_demand_fits(const struct tb_speech *s, const struct tb_demand *more, const struct tb_utterance *but,
                    double load);

/* turn.c. All with the lock held. */
/* The guest with the earliest due time; NULL: none waits. */
struct tb_guest *tb_speech_next_guest(const struct tb_speech *s);
/* Let g run until it pauses or ends, for TB_TURN_MS at most. */
void tb_speech_lend(struct tb_speech *s, struct tb_guest *g);

#endif
