/* fetch.h - an audio file from a URL that a stranger gave us.
 *
 * The danger is not the file but the request: it is made from inside our network. So: http and https only, no user and
 * password, no proxy, nothing of the environment; each address is checked when the socket is made, that is after DNS
 * and again for each redirect and each further address of a name (address.h); redirects, bytes and time are capped
 * while they run. What a client is told never says what is behind a name: one that does not resolve and one that
 * resolves to a private address give the same words. A resolver that does not answer can hold a fetch for some seconds
 * past its time.
 */
#ifndef TB_VOICES_FETCH_H
#define TB_VOICES_FETCH_H

#include <stdbool.h>

#include "base/str.h"

/* A zeroed struct is what outside requests get. */
struct tb_fetch_options {
    bool allow_private;         /* any address and port */
    const char *const *allowed; /* "10.0.0.7:9000", "[fd00::7]:9000": fine though private; NULL-ended; may be NULL */
    int connect_ms;             /* 0: TB_FETCH_CONNECT_MS */
    int total_ms;               /* 0: TB_FETCH_TOTAL_MS */
    const char *const *pins;    /* "name:port:address" in place of DNS, ended by NULL; may be NULL */
};

/* Append the body of a 200 answer, at most TB_MAX_AUDIO_FILE bytes. Blocks; thread-safe.
 * TB_EINVAL: not an http(s) URL, or one with user and password. TB_EFETCH: everything else; the text ("HTTP 404",
 * "timed out") may be shown to the client. On failure *out may hold a part of the body. */
enum tb_code tb_fetch(struct tb_str url, const struct tb_fetch_options *options, struct tb_bytes *out,
                      struct tb_error *err);

#endif
