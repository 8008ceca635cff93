/* transcript.h - does the transcript fit the recording, and which language is it in?
 *
 * The engine says how well a text fits what it hears (tb_engine_listen). A text that does not fit in the language it is
 * declared to be in, but does in the one it is written in, shows the wrong `language`; one that fits in neither is not
 * the transcript. Where the engine cannot tell, the recording is accepted, and the log says why. */
#ifndef TB_VOICES_TRANSCRIPT_H
#define TB_VOICES_TRANSCRIPT_H

#include "voices/judge.h"

struct tb_transcript_request {
    struct tb_engine *engine;
    const struct tb_pcm *audio;
    struct tb_str text;     /* not empty */
    enum tb_lang declared;  /* TB_LANG_AUTO: not declared */
    float speech_s;         /* seconds of speech in the recording */
    struct tb_turn *turn;
};

struct tb_transcript {
    float match;         /* 0..1; -1: could not be told */
    enum tb_lang lang;   /* of the recording, as declared or as found */
    const char *reason;  /* one word for the log: how the language was decided, or why it could not be */
};

/* TB_EAUDIO_TEXT: the text is certainly not what is said, or not in the declared language; the message has the match
 * and the limit. A doubtful one is accepted with advice. */
enum tb_code tb_transcript_check(const struct tb_transcript_request *req, struct tb_transcript *out,
                                 struct tb_advice *advice, struct tb_error *err);

#endif
