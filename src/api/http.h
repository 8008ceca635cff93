/* http.h - one HTTP request and its answer, as the surfaces behind it see it.
 *
 * An exchange goes to and fro between two threads: the loop's, where all replies are written, and a worker, where
 * whatever may block is done. It is at one of them at a time, so its fields need no lock. The surface's `run` works on
 * the worker and leaves a problem, an answer, or a `then` to go on with on the loop's thread. */
#ifndef TB_API_HTTP_H
#define TB_API_HTTP_H

#include "api/api_priv.h"
#include "api/errors.h"
#include "api/ids.h"
#include "api/json.h"

struct tb_synthesis;

struct tb_exchange {
    struct tb_api *api;
    struct tb_exchange *prev, *next;
    int refs;    /* the server's and the worker's */
    bool gone;   /* the server has let go: no call to reply any more */
    bool headed; /* the head is out: too late for a status */
    bool ended;
    bool working; /* at a worker: what run may write is not to be looked at */
    struct tb_http_reply reply;
    const struct tb_route *route;
    int64_t began_us;
    int64_t account;
    int status;
    char request_id[TB_REQUEST_ID];

    /* The request, copied; the body belongs to the exchange until it is parsed. */
    char *text;
    struct tb_str method, path, query, authorization, host, range;
    bool sse, async, encrypted, cross_origin;
    struct tb_bytes body;
    json_t *request;

    struct tb_job job;
    bool on_heavy;
    void (*run)(struct tb_exchange *x);  /* worker */
    void (*then)(struct tb_exchange *x); /* loop, after run; NULL: send problem or answer */
    void (*more)(struct tb_exchange *x); /* set by run: go on with this on a heavy worker */

    struct tb_problem problem;
    char *answer; /* JSON of a 200; malloc'd */
    char *file_path;
    int64_t file_size, file_offset, file_length;
    struct tb_synthesis *synthesis;
};

/* Worker side. Each returns false with x->problem set. */
bool tb_request_model(struct tb_exchange *x, struct tb_str *model);
bool tb_request_input(struct tb_exchange *x, json_t **input);

/* Loop side. */
/* Go to a worker with run, then on with then. first: may be refused when the queue is full, which is answered here. */
void tb_exchange_work(struct tb_exchange *x, struct tb_work *work, bool first, void (*run)(struct tb_exchange *x),
                      void (*then)(struct tb_exchange *x));
/* The whole answer: x->problem if there is one, else x->answer with status 200. */
void tb_exchange_answer(struct tb_exchange *x);
/* Head of an answer. extra: further header lines or "". */
void tb_exchange_head(struct tb_exchange *x, int status, const char *type, int64_t length, const char *extra);
void tb_exchange_end(struct tb_exchange *x);

/* The surfaces (worker side), one file each. */
void tb_customization_run(struct tb_exchange *x);
void tb_synthesis_run(struct tb_exchange *x);
void tb_files_run(struct tb_exchange *x);

/* Of synthesis.c: the socket took n bytes; nobody listens any more; release. */
void tb_synthesis_taken(struct tb_exchange *x, size_t n);
void tb_synthesis_stop(struct tb_exchange *x);
void tb_synthesis_free(struct tb_exchange *x);

#endif
