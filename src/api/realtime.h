/* realtime.h - one realtime dialogue, as its three parts see it: realtime.c (life, client events), realtime_response.c
 * (text to responses), realtime_events.c (server events).
 *
 * Everything runs on the loop's thread but the look-up of a voice, which may touch the disk; while one is under way,
 * client events wait in the inbox, so that they take effect strictly in order. */
#ifndef TB_API_REALTIME_H
#define TB_API_REALTIME_H

#include "api/api_priv.h"
#include "api/ids.h"
#include "api/realtime_config.h"
#include "api/stream.h"

enum { TB_MODEL_NAME = 256 }; /* bytes of ?model= */

/* One response: queued, then (at the head of the queue) spoken. */
struct tb_response {
    struct tb_response *next;
    char id[TB_EVENT_ID], item_id[TB_EVENT_ID];
    struct tb_bytes text;      /* not yet given to the stream */
    size_t waiting;            /* code points of text */
    size_t characters;         /* as usage counts, of all its text */
    bool closed;               /* gets no more text */
    bool announced;            /* response.created and what follows it are out */
    struct tb_stream *stream;  /* of the head alone */
};

struct tb_frame {
    struct tb_frame *next;
    size_t n;
    char text[];
};

struct tb_dialogue {
    struct tb_api *api;
    struct tb_dialogue *prev, *next;
    int refs;     /* the server's and the worker's */
    bool gone;    /* the server has let go: no call to out any more */
    bool closing; /* out.close was called */
    struct tb_dialogue_out out;
    int64_t account;
    char model_name[TB_MODEL_NAME];
    const struct tb_model *model;
    char id[TB_EVENT_ID];

    struct tb_session_config config;
    struct tb_voice_info voice;
    struct tb_bytes print;

    bool started;      /* text has come: the configuration stands */
    bool appended;     /* text came since the last commit */
    bool finishing;    /* session.finish came */
    bool finished;     /* session.finished is out */
    bool restarting;   /* the server stops */
    struct tb_bytes buffer; /* commit mode: text not committed */
    size_t buffered;        /* code points of it */
    struct tb_response *first, **last;
    size_t responses;
    int64_t append_us, event_us; /* last text, last sign of life of the client or of us */
    size_t outstanding;          /* bytes written, not yet taken by the socket */
    size_t foreign;              /* of these, what was written before the present stream began */

    struct tb_timer idle, quiet, end;
    int end_code; /* what `end` closes with */
    const char *end_reason;

    /* The look-up under way. */
    bool looking;
    struct tb_job job;
    struct tb_session_config next_config;
    char *wanted; /* voice */
    char event_id[128]; /* of the session.update */
    struct tb_voice_info found;
    struct tb_bytes found_print;
    enum tb_code found_code;
    struct tb_error found_err;
    struct tb_frame *inbox, **inbox_last;
    size_t inbox_size;
};

/* realtime_events.c: each sends one event or group. */
void tb_send_session(struct tb_dialogue *d, const char *type, bool full);
void tb_send_plain(struct tb_dialogue *d, const char *type);
void tb_send_committed(struct tb_dialogue *d);
/* type: invalid_request_error or server_error; param and event_id may be "". */
void tb_send_error(struct tb_dialogue *d, const char *type, const char *code, const char *message, const char *param,
                   const char *event_id);
/* response.created, output_item.added, content_part.added. */
void tb_send_response_begin(struct tb_dialogue *d, const struct tb_response *r);
void tb_send_delta(struct tb_dialogue *d, const struct tb_response *r, const uint8_t *bytes, size_t n);
/* audio.done, content_part.done, output_item.done, response.done. status: completed, incomplete, failed. */
void tb_send_response_end(struct tb_dialogue *d, const struct tb_response *r, const char *status);

/* realtime_response.c */
/* Add text to the open response, opening one when there is none. False: *err says which limit. */
bool tb_responses_add(struct tb_dialogue *d, struct tb_str text, struct tb_error *err);
/* The last response gets no more text. */
void tb_responses_close_last(struct tb_dialogue *d);
/* Is there a response that takes text? */
bool tb_responses_open(const struct tb_dialogue *d);
size_t tb_responses_waiting(const struct tb_dialogue *d); /* code points not yet given to speech */
/* Stop the response that is being spoken and end it as incomplete. False: none is. */
bool tb_responses_cancel(struct tb_dialogue *d);
void tb_responses_quiet(struct tb_dialogue *d); /* the client has paused: speak the tail */
void tb_responses_drop(struct tb_dialogue *d);  /* stop and forget all, silently */

/* realtime.c: the last response has ended. */
void tb_dialogue_rested(struct tb_dialogue *d);

enum { TB_QUIET_MS = 800, TB_GRACE_MS = 1000 };

#endif
