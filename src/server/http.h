/* http.h - HTTP/1.1 without sockets: the head of a request, the framing of its body, the head of an answer.
 *
 * Our own parser and not the library's, because the wire needs what libwebsockets 4.1.6 does not give: an answer to
 * Expect: 100-continue, chunked request bodies, a delay before the 101 without stopping the loop, and our JSON for
 * every refusal (docs/ARCHITECTURE.md). Input is untrusted: strict where two readings are possible (two lengths, a
 * length and chunks, folded lines are refused), lenient where only one is (bare LF, case of names). */
#ifndef TB_SERVER_HTTP_H
#define TB_SERVER_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* All spans point into the bytes given to tb_http_parse. */
struct tb_http_head {
    struct tb_str method, target; /* target: as sent, without scheme and host */
    struct tb_str path, query;    /* path is percent-decoded in place */
    struct tb_str host, authorization, sse, async, encryption, range, origin, user_agent;
    struct tb_str ws_key, ws_version;
    int64_t content_length; /* -1: not given */
    bool chunked;
    bool keep_alive;
    bool http10;
    bool expect_continue;
    bool upgrade_websocket; /* Upgrade: websocket with Connection: upgrade */
};

/* Length of the head at the start of p, its empty line included; 0 when it is not complete yet.
 * Empty lines before a request are part of it (old clients send one after a body). */
size_t tb_http_head_size(const char *p, size_t n);
/* Parse a complete head. p is changed: names stay, the path is decoded in place. TB_EINVAL says what is wrong. */
enum tb_code tb_http_parse(char *p, size_t n, struct tb_http_head *out, struct tb_error *err);

/* Reading a chunked body. A zeroed struct is the start. */
struct tb_http_chunks {
    int state;
    uint64_t left;     /* bytes of the present chunk still to come */
    unsigned digits;   /* of the size line */
    size_t line;       /* bytes of the present size or trailer line */
};

/* Take body bytes from p into out (NULL: dropped). *used says how much of p was consumed; *done that the body has
 * ended. TB_ETOOBIG: out is full. TB_EINVAL: not chunked framing. */
enum tb_code tb_http_chunks_take(struct tb_http_chunks *c, const char *p, size_t n, struct tb_bytes *out, size_t *used,
                                 bool *done, struct tb_error *err);

/* "Not Found" for 404; "Unknown" for what has no name here. */
const char *tb_http_reason(int status);

#endif
