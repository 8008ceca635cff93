/* api.h - the wire, without sockets: HTTP requests and realtime dialogues in, answers and events out.
 *
 * server/ owns sockets and one event loop; it calls in here on the loop's thread and gives a way to post work back to
 * that thread. Long work (JSON of 10 MB, enrolment, disk) runs on the workers of this layer; nothing here blocks the
 * loop. The wire itself is in docs/API.md; one table in api/errors.c turns a tb_code into status, code and message. */
#ifndef TB_API_API_H
#define TB_API_API_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "speech/speech.h"
#include "voices/voices.h"

struct tb_api;

/* What the event loop offers. post is safe from any thread; fn runs on the loop's thread, in order of posting.
 * after runs fn once, on the loop's thread, delay_ms later, and is called on that thread only. */
struct tb_loop {
    void (*post)(void *ctx, void (*fn)(void *arg), void *arg);
    void (*after)(void *ctx, int64_t delay_ms, void (*fn)(void *arg), void *arg);
    void *ctx;
};

struct tb_api_config {
    struct tb_store *store;
    struct tb_voices *voices;
    struct tb_speech *speech;
    struct tb_loop loop;
    int workers;                 /* request threads; 0: 2 */
    const char *public_url;      /* base of audio URLs, "http://host:port"; NULL: from the request's Host */
    const char *default_model;   /* of a realtime handshake without ?model=; NULL: such a handshake is refused */
    size_t max_text;             /* code points of HTTP synthesis; 0: TB_MAX_HTTP_TEXT */
    int64_t synthesis_ms;        /* longest work on one HTTP synthesis; 0: TB_MAX_SYNTHESIS_MS */
    int64_t idle_ms;             /* realtime: without a client event; 0: 60000 */
    size_t max_sessions;         /* realtime, open at once; more get 429 at the handshake; 0: TB_MAX_CONNECTIONS */
    bool any_key;                /* accept any non-empty bearer as one account: no keys are configured */
};

enum tb_code tb_api_open(const struct tb_api_config *config, struct tb_api **out, struct tb_error *err);
/* Joins the workers, then ends what exchanges and dialogues there still are: their pointers are dead afterwards.
 * loop.post may be called until this returns and never after it; what was posted need not run. */
void tb_api_close(struct tb_api *api);

/* The answer to what the server refuses before there is an exchange: TB_ETOOBIG (body), TB_EINVAL (malformed HTTP),
 * TB_EBUSY, ... text may be NULL. *body is malloc'd JSON (NULL when out of memory) with a request id of its own. */
void tb_api_refusal(struct tb_api *api, enum tb_code code, const char *text, int *status, char **body);
/* Plain-text counters, as /metrics shows them. malloc'd. */
char *tb_api_metrics(struct tb_api *api);

/* HTTP ------------------------------------------------------------------------------------------------------------*/

struct tb_http_request {
    struct tb_str method, path, query;      /* path without query, percent-decoded */
    struct tb_str authorization, host;
    struct tb_str sse, async, encryption;   /* X-DashScope-SSE, -Async, -EncryptionKey; empty when absent */
    struct tb_str range, origin;
    struct tb_str body;
    struct tb_bytes *body_bytes; /* not NULL: body is all of these bytes, and the exchange takes them over (they are
                                    left empty), which saves a copy of 10 MB */
};

/* How an answer leaves; all calls on the loop's thread. head comes once, then write any number of times, then end.
 * length < 0: unknown, sent chunked. extra_headers: "Name: value\r\n" lines or NULL. request_id goes out as
 * x-request-id. file: instead of write, the file's bytes [offset, offset + length) follow by themselves. */
struct tb_http_reply {
    void (*head)(void *ctx, int status, const char *content_type, int64_t length, const char *request_id,
                 const char *extra_headers);
    void (*write)(void *ctx, const void *bytes, size_t n);
    void (*file)(void *ctx, const char *path, int64_t offset, int64_t length);
    void (*end)(void *ctx);
    void *ctx;
};

struct tb_exchange;

/* Does the answer depend on the body at all? False: path, method or key decide it, and the caller may answer before it
 * reads a body that nobody vouches for. Of the request, body is not read. May read the store, as tb_dialogue_admit. */
bool tb_exchange_wants_body(struct tb_api *api, const struct tb_http_request *req);
/* Begin answering. Of the request, nothing is read after this returns. NULL when out of memory: no reply call came. */
struct tb_exchange *tb_exchange_open(struct tb_api *api, const struct tb_http_request *req,
                                     const struct tb_http_reply *reply);
/* The socket has taken n more bytes. */
void tb_exchange_taken(struct tb_exchange *x, size_t n);
/* The client is gone, or reply.end has run: release. No reply call comes after this returns. */
void tb_exchange_gone(struct tb_exchange *x);

/* Realtime --------------------------------------------------------------------------------------------------------*/

struct tb_dialogue;

/* All calls on the loop's thread. text: one JSON text frame. close: start the closing handshake behind what waits. */
struct tb_dialogue_out {
    void (*text)(void *ctx, const char *json, size_t n);
    void (*close)(void *ctx, int code, const char *reason);
    void *ctx;
};

/* Decide about a handshake before 101. TB_OK: accept. Else *status is the HTTP status and *body (malloc'd JSON) the
 * answer. account is for tb_dialogue_open. May read the store: a key lookup in memory, no disk wait. */
enum tb_code tb_dialogue_admit(struct tb_api *api, const struct tb_http_request *req, int64_t *account, int *status,
                               char **body);
/* After 101: sends session.created. NULL when out of memory: close with 1011. */
struct tb_dialogue *tb_dialogue_open(struct tb_api *api, int64_t account, struct tb_str query,
                                     const struct tb_dialogue_out *out);
/* One whole text message / a binary one came. */
void tb_dialogue_text(struct tb_dialogue *d, const char *p, size_t n);
void tb_dialogue_binary(struct tb_dialogue *d);
void tb_dialogue_taken(struct tb_dialogue *d, size_t n);
/* The server stops: take no more text; when the responses that run are done, close with 1012. */
void tb_dialogue_restart(struct tb_dialogue *d);
/* The socket is gone: release. No call to out comes after this returns. */
void tb_dialogue_gone(struct tb_dialogue *d);

#endif
