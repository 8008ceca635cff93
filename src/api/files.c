/* files.c - GET of the audio that surface C made: /files/NAME?Expires=...&Signature=..., no key, single ranges. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api/http.h"
#include "base/clock.h"

enum { PREFIX = sizeof "/files/" - 1 };

static const char *type_of(struct tb_str path)
{
    static const char *const types[][2] = { { ".wav", "audio/wav" },
                                            { ".mp3", "audio/mpeg" },
                                            { ".opus", "audio/ogg" },
                                            { ".pcm", "audio/pcm" } };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t n = strlen(types[i][0]);

        if (path.n > n && memcmp(path.p + path.n - n, types[i][0], n) == 0)
            return types[i][1];
    }
    return "application/octet-stream";
}

/* Digits at *at; -1 when there are none or too many. */
static int64_t digits(struct tb_str s, size_t *at)
{
    int64_t value = 0;
    size_t from = *at;

    while (*at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9' && *at - from < 18)
        value = value * 10 + (s.p[(*at)++] - '0');
    return *at > from ? value : -1;
}

/* RFC 9110, 14.2: 200, 206 or 416 with the part meant. What is not one byte range means the whole file. */
static int choose_range(struct tb_str range, int64_t size, int64_t *offset, int64_t *length)
{
    int64_t first, last;
    size_t at = 6;

    *offset = 0;
    *length = size;
    if (range.n < 8 || memcmp(range.p, "bytes=", 6) != 0)
        return 200;
    first = digits(range, &at);
    if (at >= range.n || range.p[at++] != '-')
        return 200;
    last = digits(range, &at);
    if (at != range.n || (first < 0 && last < 0) || (first >= 0 && last >= 0 && last < first))
        return 200;
    if (first < 0) { /* the last so many bytes */
        first = last < size ? size - last : 0;
        if (last == 0)
            return 416;
        last = size - 1;
    }
    if (first >= size)
        return 416;
    if (last < 0 || last >= size)
        last = size - 1;
    *offset = first;
    *length = last - first + 1;
    return 206;
}

static void send_file(struct tb_exchange *x)
{
    char extra[128] = "Accept-Ranges: bytes\r\n";
    int status = choose_range(x->range, x->file_size, &x->file_offset, &x->file_length);
    size_t n = strlen(extra);

    if (status == 206)
        snprintf(extra + n, sizeof extra - n, "Content-Range: bytes %lld-%lld/%lld\r\n", (long long)x->file_offset,
                 (long long)(x->file_offset + x->file_length - 1), (long long)x->file_size);
    if (status == 416) {
        snprintf(extra + n, sizeof extra - n, "Content-Range: bytes */%lld\r\n", (long long)x->file_size);
        x->file_length = 0;
    }
    tb_exchange_head(x, status, type_of(x->path), x->file_length, extra);
    if (x->file_length && !tb_str_eq(x->method, "HEAD"))
        x->reply.file(x->reply.ctx, x->file_path, x->file_offset, x->file_length);
    tb_exchange_end(x);
}

void tb_files_run(struct tb_exchange *x)
{
    struct tb_str name = { x->path.p + PREFIX, x->path.n - PREFIX };
    char expires[24], signature[64];
    struct tb_error err = { 0 };
    struct stat st;
    int64_t expires_s;
    enum tb_code rc;

    tb_query_get(x->query, "Expires", expires, sizeof expires);
    tb_query_get(x->query, "Signature", signature, sizeof signature);
    expires_s = strtoll(expires, NULL, 10);
    rc = tb_store_file_find(x->api->config.store, name, expires_s, tb_str_of(signature), &x->file_path, &err);
    if (rc == TB_ENOTFOUND && expires_s > 0 && expires_s <= tb_now_ms() / 1000)
        tb_problem_set(&x->problem, TB_P_FILE_EXPIRED, NULL, NULL);
    else if (rc)
        tb_problem_from(&x->problem, rc, &err);
    else if (stat(x->file_path, &st)) /* swept between the two */
        tb_problem_set(&x->problem, TB_P_PATH, NULL, NULL);
    if (x->problem.kind)
        return;
    x->file_size = st.st_size;
    x->then = send_file;
}
