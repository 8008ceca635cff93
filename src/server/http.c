/* http.c - see http.h. RFC 9112. */
#include "server/http.h"

#include <string.h>

static bool is_token_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct tb_str trim(struct tb_str s)
{
    while (s.n && is_space(s.p[0]))
        s.p++, s.n--;
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* Does the comma-separated list hold this word? */
static bool list_has(struct tb_str list, const char *word)
{
    while (list.n) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma ? (size_t)(comma - list.p) : list.n;

        if (tb_str_eq_nocase(trim((struct tb_str){ list.p, n }), word))
            return true;
        n += comma ? 1 : 0;
        list.p += n;
        list.n -= n;
    }
    return false;
}

size_t tb_http_head_size(const char *p, size_t n)
{
    size_t at = 0;

    while (at < n && (p[at] == '\r' || p[at] == '\n'))
        at++;
    while (at < n) {
        const char *end = memchr(p + at, '\n', n - at);
        if (!end)
            return 0;
        size_t len = (size_t)(end - p) - at;
        at += len + 1;
        if (len == 0 || (len == 1 && end[-1] == '\r'))
            return at;
    }
    return 0;
}

/* The next line without its end; false when there is none. */
static bool next_line(char **p, size_t *n, struct tb_str *line)
{
    char *end = memchr(*p, '\n', *n);

    if (!end)
        return false;
    size_t len = (size_t)(end - *p);
    *line = (struct tb_str){ *p, len && end[-1] == '\r' ? len - 1 : len };
    *p += len + 1;
    *n -= len + 1;
    return true;
}

/* Decode %XX in place. False: a bad escape, or an escaped NUL. */
static bool decode_path(char *p, size_t *n)
{
    size_t to = 0;

    for (size_t i = 0; i < *n; i++, to++) {
        if (p[i] != '%') {
            p[to] = p[i];
            continue;
        }
        int high = i + 2 < *n ? tb_hex_value(p[i + 1]) : -1, low = i + 2 < *n ? tb_hex_value(p[i + 2]) : -1;
        if (high < 0 || low < 0 || (high == 0 && low == 0))
            return false;
        p[to] = (char)(high << 4 | low);
        i += 2;
    }
    *n = to;
    return true;
}

/* "http://host/path" is as good as "/path". */
static struct tb_str origin_form(struct tb_str target)
{
    if (target.n < 7 || !tb_str_eq_nocase((struct tb_str){ target.p, 7 }, "http://"))
        return target;
    const char *slash = memchr(target.p + 7, '/', target.n - 7);
    return slash ? (struct tb_str){ slash, target.n - (size_t)(slash - target.p) } : TB_STR("/");
}

static enum tb_code parse_target(struct tb_str target, struct tb_http_head *out, struct tb_error *err)
{
    for (size_t i = 0; i < target.n; i++)
        if ((unsigned char)target.p[i] <= ' ' || target.p[i] == 0x7f)
            return tb_fail(err, TB_EINVAL, "request target with a control character");
    target = origin_form(target);
    if (target.n == 0 || (target.p[0] != '/' && !tb_str_eq(target, "*")))
        return tb_fail(err, TB_EINVAL, "request target does not begin with '/'");
    out->target = out->path = target;
    const char *mark = memchr(target.p, '?', target.n);
    if (mark) {
        out->path.n = (size_t)(mark - target.p);
        out->query = (struct tb_str){ mark + 1, target.n - out->path.n - 1 };
    }
    const char *hash = memchr(out->path.p, '#', out->path.n);
    if (hash)
        out->path.n = (size_t)(hash - out->path.p);
    if (memchr(out->path.p, '%', out->path.n) && !decode_path((char *)(uintptr_t)out->path.p, &out->path.n))
        return tb_fail(err, TB_EINVAL, "bad %%-escape in the request path");
    return TB_OK;
}

static enum tb_code parse_request_line(struct tb_str line, struct tb_http_head *out, struct tb_error *err)
{
    const char *first = memchr(line.p, ' ', line.n);
    const char *last = memrchr(line.p, ' ', line.n);

    if (!first || first == last)
        return tb_fail(err, TB_EINVAL, "not an HTTP/1.1 request line");
    out->method = (struct tb_str){ line.p, (size_t)(first - line.p) };
    for (size_t i = 0; i < out->method.n; i++)
        if (!is_token_char(out->method.p[i]))
            return tb_fail(err, TB_EINVAL, "bad character in the request method");
    if (out->method.n == 0 || out->method.n > 20)
        return tb_fail(err, TB_EINVAL, "request method of %zu characters", out->method.n);

    struct tb_str version = { last + 1, line.n - (size_t)(last + 1 - line.p) };
    out->http10 = tb_str_eq(version, "HTTP/1.0");
    if (!out->http10 && !tb_str_eq(version, "HTTP/1.1"))
        return tb_fail(err, TB_EINVAL, "HTTP version '%.*s' is not 1.0 or 1.1", (int)(version.n < 16 ? version.n : 16),
                       version.p);
    return parse_target((struct tb_str){ first + 1, (size_t)(last - first - 1) }, out, err);
}

static enum tb_code parse_length(struct tb_str value, int64_t *out, struct tb_error *err)
{
    int64_t n = 0;

    if (value.n == 0 || value.n > 15)
        return tb_fail(err, TB_EINVAL, "bad Content-Length");
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9')
            return tb_fail(err, TB_EINVAL, "bad Content-Length");
        n = n * 10 + (value.p[i] - '0');
    }
    if (*out >= 0 && *out != n)
        return tb_fail(err, TB_EINVAL, "two different Content-Length headers");
    *out = n;
    return TB_OK;
}

/* What Connection and Upgrade said; they only mean something together. */
struct hop {
    bool close, keep_alive, upgrade, websocket;
};

static enum tb_code take_header(struct tb_str name, struct tb_str value, struct tb_http_head *out, struct hop *hop,
                                struct tb_error *err)
{
    const struct {
        const char *name;
        struct tb_str *to;
    } plain[] = {
        { "host", &out->host },
        { "authorization", &out->authorization },
        { "x-dashscope-sse", &out->sse },
        { "x-dashscope-async", &out->async },
        { "x-dashscope-encryptionkey", &out->encryption },
        { "range", &out->range },
        { "origin", &out->origin },
        { "user-agent", &out->user_agent },
        { "sec-websocket-key", &out->ws_key },
        { "sec-websocket-version", &out->ws_version },
    };

    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (tb_str_eq_nocase(name, plain[i].name)) {
            *plain[i].to = value;
            return TB_OK;
        }
    if (tb_str_eq_nocase(name, "content-length"))
        return parse_length(value, &out->content_length, err);
    if (tb_str_eq_nocase(name, "transfer-encoding")) {
        if (!tb_str_eq_nocase(value, "chunked"))
            return tb_fail(err, TB_EINVAL, "Transfer-Encoding other than chunked");
        out->chunked = true;
    } else if (tb_str_eq_nocase(name, "connection")) {
        hop->close |= list_has(value, "close");
        hop->keep_alive |= list_has(value, "keep-alive");
        hop->upgrade |= list_has(value, "upgrade");
    } else if (tb_str_eq_nocase(name, "upgrade")) {
        hop->websocket |= list_has(value, "websocket");
    } else if (tb_str_eq_nocase(name, "expect")) {
        out->expect_continue = tb_str_eq_nocase(value, "100-continue");
    }
    return TB_OK;
}

static enum tb_code parse_headers(char *p, size_t n, struct tb_http_head *out, struct hop *hop, struct tb_error *err)
{
    struct tb_str line;

    while (next_line(&p, &n, &line) && line.n) {
        const char *colon = memchr(line.p, ':', line.n);
        if (!colon || colon == line.p || is_space(line.p[0]))
            return tb_fail(err, TB_EINVAL, "header line without a name");
        struct tb_str name = { line.p, (size_t)(colon - line.p) };
        for (size_t i = 0; i < name.n; i++)
            if (!is_token_char(name.p[i]))
                return tb_fail(err, TB_EINVAL, "bad character in a header name");
        struct tb_str value = trim((struct tb_str){ colon + 1, line.n - name.n - 1 });
        if (memchr(value.p, 0, value.n) || memchr(value.p, '\r', value.n))
            return tb_fail(err, TB_EINVAL, "control character in a header");
        enum tb_code rc = take_header(name, value, out, hop, err);
        if (rc)
            return rc;
    }
    return TB_OK;
}

enum tb_code tb_http_parse(char *p, size_t n, struct tb_http_head *out, struct tb_error *err)
{
    struct hop hop = { 0 };
    struct tb_str line;
    enum tb_code rc;

    *out = (struct tb_http_head){ .content_length = -1 };
    while (n && (*p == '\r' || *p == '\n'))
        p++, n--;
    if (!next_line(&p, &n, &line))
        return tb_fail(err, TB_EINVAL, "no request line");
    if ((rc = parse_request_line(line, out, err)) || (rc = parse_headers(p, n, out, &hop, err)))
        return rc;
    if (out->chunked && out->content_length >= 0)
        return tb_fail(err, TB_EINVAL, "both Content-Length and Transfer-Encoding");
    out->keep_alive = !hop.close && (!out->http10 || hop.keep_alive);
    out->upgrade_websocket = hop.upgrade && hop.websocket;
    return TB_OK;
}

/* Chunked bodies ----------------------------------------------------------------------------------------------------*/

enum { SIZE, EXTENSION, DATA, DATA_END, TRAILER };
enum { MAX_LINE = 4096, MAX_DIGITS = 8 }; /* 8 hex digits: 4 GiB, far over every cap */

/* The size line is over: its data follow, or the trailer. */
static void end_size_line(struct tb_http_chunks *c)
{
    c->state = c->left ? DATA : TRAILER;
    c->line = 0;
}

static enum tb_code size_char(struct tb_http_chunks *c, char ch, struct tb_error *err)
{
    int digit = tb_hex_value(ch);

    if (digit >= 0 && c->digits < MAX_DIGITS) {
        c->left = c->left << 4 | (unsigned)digit;
        c->digits++;
    } else if (c->digits && (ch == ';' || ch == '\r' || is_space(ch))) {
        c->state = EXTENSION;
    } else if (c->digits && ch == '\n') {
        end_size_line(c);
    } else {
        return tb_fail(err, TB_EINVAL, "bad chunk size");
    }
    return TB_OK;
}

/* One byte that is not chunk data. */
static enum tb_code line_char(struct tb_http_chunks *c, char ch, bool *done, struct tb_error *err)
{
    switch (c->state) {
    case SIZE:
        return size_char(c, ch, err);
    case EXTENSION:
        if (ch == '\n')
            end_size_line(c);
        else if (++c->line > MAX_LINE)
            return tb_fail(err, TB_EINVAL, "chunk extension too long");
        return TB_OK;
    case DATA_END:
        if (ch == '\n')
            *c = (struct tb_http_chunks){ .state = SIZE };
        else if (ch != '\r')
            return tb_fail(err, TB_EINVAL, "chunk longer than its size");
        return TB_OK;
    default:
        if (ch == '\n') {
            *done = c->line == 0;
            c->line = 0;
        } else if (ch != '\r' && ++c->line > MAX_LINE) {
            return tb_fail(err, TB_EINVAL, "trailer line too long");
        }
        return TB_OK;
    }
}

enum tb_code tb_http_chunks_take(struct tb_http_chunks *c, const char *p, size_t n, struct tb_bytes *out, size_t *used,
                                 bool *done, struct tb_error *err)
{
    enum tb_code rc = TB_OK;
    size_t at = 0;

    *done = false;
    while (at < n && !*done && !rc) {
        if (c->state != DATA) {
            rc = line_char(c, p[at++], done, err);
            continue;
        }
        size_t take = n - at < c->left ? n - at : (size_t)c->left;
        if (out && (rc = tb_bytes_add(out, p + at, take)))
            rc = tb_fail(err, rc, "request body over %zu bytes", out->cap);
        at += take;
        c->left -= take;
        if (c->left == 0)
            c->state = DATA_END;
    }
    *used = at;
    return rc;
}

const char *tb_http_reason(int status)
{
    switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 416: return "Range Not Satisfiable";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    default: return "Unknown";
    }
}
