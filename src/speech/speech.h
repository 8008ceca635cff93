/* speech.h - text in, encoded audio out: segmentation, the scheduler that shares the cores, and the output format.
 *
 * An utterance is one response: text is added in pieces (whole, or as it arrives), cut at sentence borders, spoken by
 * the voice's engine and encoded. One step of one utterance computes at a time (a step is whatever the engine does in
 * one call), on all cores of the pool: always that of the client who will run out of audio first. A step stands still
 * where another becomes more urgent. Other long work (enrolment) takes its turns by the same rule.
 *
 * An utterance that would make those under way stutter is refused: what speech costs here is measured all the time.
 *
 *     struct tb_utterance_config c = { .engine = engine, .print = print, .language = TB_LANG_AUTO, ... };
 *     tb_utterance_open(speech, &c, &u, err);
 *     tb_utterance_text(u, TB_STR("Good evening. "), err);
 *     tb_utterance_finish(u);             // no more text: on_done comes after the last on_audio
 *     ...
 *     tb_utterance_close(u);              // at any time; waits for nothing, no callback comes after it returns
 *
 * All calls are thread-safe, and text and finish of one utterance must not race each other. Callbacks come from threads
 * of speech, one at a time, must be quick, and must not call back into speech. */
#ifndef TB_SPEECH_SPEECH_H
#define TB_SPEECH_SPEECH_H

#include "audio/encode.h"
#include "base/turn.h"
#include "engine/engine.h"

struct tb_speech;
struct tb_utterance;

enum { TB_TURN_MS = 200 };

struct tb_speech_config {
    size_t max_utterances;   /* open at once; 0: TB_MAX_SESSIONS. More: TB_EBUSY */
    int max_load_percent;    /* of the machine's time that may be promised to listeners; 0: TB_LOAD_PERCENT */
    int64_t (*now_us)(void); /* monotonic; NULL: tb_mono_us. For tests */
};

enum tb_code tb_speech_open(const struct tb_speech_config *config, struct tb_speech **out, struct tb_error *err);
/* No step begins or goes on any more, and turns are given at once: so that other work ends soon. */
void tb_speech_halt(struct tb_speech *speech);
/* Cancels what runs and joins the threads. All utterances must be closed. */
void tb_speech_close(struct tb_speech *speech);

struct tb_utterance_events {
    /* Encoded bytes, in order. samples: how many output samples they add (0 for headers). */
    void (*audio)(void *ctx, const void *bytes, size_t n, uint64_t samples);
    /* All text so far is spoken and encoded, and no more is pending (the utterance stays open unless finished). */
    void (*drained)(void *ctx);
    /* The end, once: TB_OK after tb_utterance_finish, or what went wrong. */
    void (*done)(void *ctx, enum tb_code code, const struct tb_error *err);
    void *ctx;
};

struct tb_utterance_config {
    struct tb_engine *engine;
    struct tb_str print;         /* read, not kept */
    enum tb_lang language;       /* TB_LANG_AUTO: detected per sentence */
    enum tb_lang fallback;       /* language when detection has nothing to go by: the voice's own */
    float rate, pitch;           /* 0.5 .. 2 */
    int volume;                  /* 0 .. 100, 50 is as made */
    enum tb_format format;
    uint32_t sample_rate;
    unsigned bit_rate_kbps;
    bool whole;                  /* all text comes at once and nobody listens live: no early cut at the first comma,
                                    and who listens goes first */
    size_t expected;             /* code points that will come; 0: not known */
    struct tb_utterance_events events;
};

/* TB_EBUSY: as many are open as may be. TB_ELOAD: so much is being spoken that one more would make it stutter.
 * TB_EVOICE: not a print of this engine. */
enum tb_code tb_utterance_open(struct tb_speech *speech, const struct tb_utterance_config *config,
                               struct tb_utterance **out, struct tb_error *err);
/* Add text (UTF-8, whole code points). Speaking begins at the first sensible border. TB_ETOOBIG: too much pending. */
enum tb_code tb_utterance_text(struct tb_utterance *u, struct tb_str text, struct tb_error *err);
/* Speak what is pending now, though its last sentence has no end mark. */
void tb_utterance_flush(struct tb_utterance *u);
/* Flush, and no more text will come. */
void tb_utterance_finish(struct tb_utterance *u);
/* The client has taken n bytes of the audio; when more than TB_MAX_OUTBOX wait, the utterance pauses. */
void tb_utterance_taken(struct tb_utterance *u, size_t n);
/* Stop and release. No event comes after this returns. */
void tb_utterance_close(struct tb_utterance *u);

/* Would a short utterance of this engine be refused now? For those who ask before they have text. */
bool tb_speech_full(struct tb_speech *speech, const struct tb_engine *engine);
/* Turns for long work beside speech. A slice that takes over TB_TURN_MS is no longer waited for: speech goes on beside
 * it. All turns must have ended before tb_speech_close. */
struct tb_turns tb_speech_turns(struct tb_speech *speech);

/* Live figures for the log and metrics. */
struct tb_speech_stats {
    uint64_t utterances, segments;
    uint64_t audio_us, busy_us; /* audio made, computing time */
    uint64_t refused;           /* utterances, for want of computing time */
    uint64_t underruns;         /* times that a listener had heard all while text was waiting */
    double rtf;                 /* of the last minute of audio: computing time for a second of speech */
    size_t open_now;
};
void tb_speech_stats(struct tb_speech *speech, struct tb_speech_stats *out);

#endif
