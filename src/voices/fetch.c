/* fetch.c - see fetch.h. Redirects are followed here and not by libcurl, so that each URL on the way passes the same
 * check as the first, parsed by the very parser that the request is then made with. */
#include "voices/fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "voices/address.h"

/* One fetch, all its requests. */
struct fetch {
    const struct tb_fetch_options *options;
    CURL *curl;
    struct curl_slist *pins;
    int64_t deadline_us;
    struct tb_bytes *out;
    size_t start;       /* of the body in out */
    /* Of the request that runs: */
    size_t head_size;   /* bytes of headers so far */
    size_t skipped;     /* bytes of a body that is not wanted */
    bool is_literal;    /* the host is an address and not a name */
    bool refused;       /* an address was not allowed */
    bool too_big;
};

/* Is it one of the stores inside that the operator named? */
static bool on_list(const char *const *list, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN], place[INET6_ADDRSTRLEN + 10];
    struct sockaddr_in6 in6;
    struct sockaddr_in in;

    if (address->sa_family == AF_INET) {
        memcpy(&in, address, sizeof in);
        inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
        snprintf(place, sizeof place, "%s:%u", text, ntohs(in.sin_port));
    } else if (address->sa_family == AF_INET6) {
        memcpy(&in6, address, sizeof in6);
        inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
        snprintf(place, sizeof place, "[%s]:%u", text, ntohs(in6.sin6_port));
    } else {
        return false;
    }
    for (; list && *list; list++)
        if (strcmp(*list, place) == 0)
            return true;
    return false;
}

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetch *f = ctx;

    if (purpose != CURLSOCKTYPE_IPCXN || (!f->options->allow_private && !tb_address_public(&address->addr) &&
                                          !on_list(f->options->allowed, &address->addr))) {
        f->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
    struct fetch *f = ctx;
    long status = 0;

    n *= size;
    curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        f->skipped += n;
        f->too_big = f->skipped > TB_MAX_AUDIO_FILE;
        return f->too_big ? 0 : n;
    }
    f->too_big = n > TB_MAX_AUDIO_FILE - (f->out->size - f->start);
    return f->too_big || tb_bytes_add(f->out, p, n) ? 0 : n;
}

/* libcurl keeps all headers of an answer in memory. */
static size_t take_header(char *p, size_t size, size_t n, void *ctx)
{
    struct fetch *f = ctx;

    (void)p;
    f->head_size += n * size;
    return f->head_size > TB_MAX_HEADERS ? 0 : n * size;
}

/* Check a URL and parse it. allow_private also allows every port; else only 80, 443 and those from 1024 on, so that
 * nobody talks to a mail server through us. detail is what is wrong with it, NULL when nothing is. */
static CURLU *parse(const struct fetch *f, const char *url, bool *is_literal, const char **detail)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    struct in_addr in;
    long number;
    CURLUcode rc = CURLUE_OUT_OF_MEMORY;

    if (u)
        rc = curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME);
    *detail = rc == CURLUE_USER_NOT_ALLOWED ? "user and password in the URL are not allowed" : rc ? "not a URL" : NULL;
    if (!rc && !(rc = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0)) && strcmp(scheme, "http") != 0 &&
        strcmp(scheme, "https") != 0)
        *detail = "not an http or https URL";
    if (!rc && !*detail && !(rc = curl_url_get(u, CURLUPART_HOST, &host, 0)) &&
        !(rc = curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))) {
        *is_literal = host[0] == '[' || inet_pton(AF_INET, host, &in) == 1;
        number = strtol(port, NULL, 10);
        if (!f->options->allow_private && number < 1024 && number != 80 && number != 443)
            *detail = "port not allowed";
    }
    if (rc && !*detail)
        *detail = "not a URL";
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    if (!*detail)
        return u;
    curl_url_cleanup(u);
    return NULL;
}

/* What holds for all requests of a fetch. */
static bool set_up(struct fetch *f)
{
    bool ok = true;

    ok &= !curl_easy_setopt(f->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    ok &= !curl_easy_setopt(f->curl, CURLOPT_FOLLOWLOCATION, 0L);
    ok &= !curl_easy_setopt(f->curl, CURLOPT_PROXY, ""); /* not the environment's either */
    ok &= !curl_easy_setopt(f->curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    ok &= !curl_easy_setopt(f->curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    ok &= !curl_easy_setopt(f->curl, CURLOPT_OPENSOCKETDATA, f);
    ok &= !curl_easy_setopt(f->curl, CURLOPT_FRESH_CONNECT, 1L); /* no connection that was checked for another URL */
    ok &= !curl_easy_setopt(f->curl, CURLOPT_FORBID_REUSE, 1L);
    ok &= !curl_easy_setopt(f->curl, CURLOPT_WRITEFUNCTION, take_body);
    ok &= !curl_easy_setopt(f->curl, CURLOPT_WRITEDATA, f);
    ok &= !curl_easy_setopt(f->curl, CURLOPT_HEADERFUNCTION, take_header);
    ok &= !curl_easy_setopt(f->curl, CURLOPT_HEADERDATA, f);
    ok &= !curl_easy_setopt(f->curl, CURLOPT_MAXFILESIZE, (long)TB_MAX_AUDIO_FILE);
    ok &= !curl_easy_setopt(f->curl, CURLOPT_NOSIGNAL, 1L);
    ok &= !curl_easy_setopt(f->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    ok &= !curl_easy_setopt(f->curl, CURLOPT_USERAGENT, "timbre");
    for (const char *const *p = f->options->pins; ok && p && *p; p++) {
        struct curl_slist *more = curl_slist_append(f->pins, *p);

        ok = more != NULL;
        f->pins = more ? more : f->pins;
    }
    return ok && !(f->pins && curl_easy_setopt(f->curl, CURLOPT_RESOLVE, f->pins));
}

static enum tb_code explain(const struct fetch *f, CURLcode rc, struct tb_error *err)
{
    if (f->too_big || rc == CURLE_FILESIZE_EXCEEDED)
        return tb_fail(err, TB_EFETCH, "larger than %d bytes", TB_MAX_AUDIO_FILE);
    if (f->refused && f->is_literal)
        return tb_fail(err, TB_EFETCH, "address not allowed");
    if (f->refused || rc == CURLE_COULDNT_RESOLVE_HOST || rc == CURLE_URL_MALFORMAT /* a host that IDNA refuses */)
        return tb_fail(err, TB_EFETCH, "host not found, or its address is not allowed");
    switch (rc) {
    case CURLE_OPERATION_TIMEDOUT:
        return tb_fail(err, TB_EFETCH, "timed out");
    case CURLE_COULDNT_CONNECT:
        return tb_fail(err, TB_EFETCH, "could not connect");
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return tb_fail(err, TB_EFETCH, "TLS handshake failed or certificate not trusted");
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return tb_fail(err, TB_EFETCH, "the connection broke off");
    case CURLE_OUT_OF_MEMORY:
        return tb_fail(err, TB_ENOMEM, "fetch");
    default:
        return tb_fail(err, TB_EFETCH, "not a proper HTTP answer");
    }
}

/* One request. *next is set to where it redirects to (release with free()), or NULL when the body is there. */
static enum tb_code request(struct fetch *f, CURLU *u, char **next, struct tb_error *err)
{
    const struct tb_fetch_options *o = f->options;
    int64_t left_ms = (f->deadline_us - tb_mono_us()) / 1000;
    long connect_ms = o->connect_ms ? o->connect_ms : TB_FETCH_CONNECT_MS, status = 0;
    char *to = NULL;
    CURLcode rc;

    *next = NULL;
    f->head_size = f->skipped = 0;
    f->refused = false;
    if (left_ms <= 0)
        return tb_fail(err, TB_EFETCH, "timed out");
    if (curl_easy_setopt(f->curl, CURLOPT_CURLU, u) ||
        curl_easy_setopt(f->curl, CURLOPT_TIMEOUT_MS, (long)left_ms) ||
        curl_easy_setopt(f->curl, CURLOPT_CONNECTTIMEOUT_MS, connect_ms))
        return tb_fail(err, TB_EINTERNAL, "fetch: libcurl refuses its options");
    rc = curl_easy_perform(f->curl);
    if (rc)
        return explain(f, rc, err);
    curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return TB_OK;
    curl_easy_getinfo(f->curl, CURLINFO_REDIRECT_URL, &to);
    if (status < 300 || status > 399 || !to)
        return tb_fail(err, TB_EFETCH, "HTTP %ld", status);
    *next = tb_str_dup(tb_str_of(to));
    return *next ? TB_OK : tb_fail(err, TB_ENOMEM, "fetch");
}

/* url is malloc'd and taken over. */
static enum tb_code follow(struct fetch *f, char *url, struct tb_error *err)
{
    enum tb_code rc = TB_OK;

    for (int hops = 0; !rc && url; hops++) {
        const char *detail;
        char *next = NULL;
        CURLU *u = parse(f, url, &f->is_literal, &detail);

        if (hops > TB_MAX_REDIRECTS)
            rc = tb_fail(err, TB_EFETCH, "more than %d redirects", TB_MAX_REDIRECTS);
        else if (!u)
            rc = hops ? tb_fail(err, TB_EFETCH, "redirects to a URL that is not allowed")
                      : tb_fail(err, TB_EINVAL, "audio.data: %s", detail);
        else
            rc = request(f, u, &next, err);
        curl_easy_setopt(f->curl, CURLOPT_CURLU, NULL);
        curl_url_cleanup(u);
        free(url);
        url = next;
    }
    return rc;
}

enum tb_code tb_fetch(struct tb_str url, const struct tb_fetch_options *options, struct tb_bytes *out,
                      struct tb_error *err)
{
    struct fetch f = { .options = options, .out = out, .start = out->size };
    char *copy;
    enum tb_code rc;

    if (url.n == 0 || url.n > TB_MAX_URL)
        return tb_fail(err, TB_EINVAL, "audio.data: a URL of %zu bytes; 1 to %d are allowed", url.n, TB_MAX_URL);
    if (memchr(url.p, 0, url.n))
        return tb_fail(err, TB_EINVAL, "audio.data: a NUL character in the URL");
    f.deadline_us = tb_mono_us() + 1000LL * (options->total_ms ? options->total_ms : TB_FETCH_TOTAL_MS);
    f.curl = curl_easy_init();
    copy = tb_str_dup(url);
    if (!f.curl || !copy) {
        free(copy);
        rc = tb_fail(err, TB_ENOMEM, "fetch");
    } else if (!set_up(&f)) {
        free(copy);
        rc = tb_fail(err, TB_EINTERNAL, "fetch: libcurl refuses its options");
    } else {
        rc = follow(&f, copy, err);
    }
    curl_easy_cleanup(f.curl);
    curl_slist_free_all(f.pins);
    return rc;
}
