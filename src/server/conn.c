/* conn.c - see conn.h: the HTTP side of a connection, its output queue and its time limits. */
#include "server/conn_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

enum { FILE_PIECE = 64 * 1024 };

int64_t tb_conn_now(void)
{
    return tb_mono_us() / 1000;
}

/* Output ------------------------------------------------------------------------------------------------------------*/

static void kill_conn(struct tb_conn *conn)
{
    conn->state = CONN_DEAD;
    conn->io.want_write(conn->io.ctx);
}

bool tb_conn_queue(struct tb_conn *conn, const void *head, size_t head_n, const void *p, size_t n, const char *tail,
                   size_t payload)
{
    size_t tail_n = strlen(tail), size = head_n + n + tail_n;

    if (conn->state == CONN_DEAD || size == 0)
        return conn->state != CONN_DEAD;
    struct tb_out *o = conn->out_size + size > TB_MAX_UNSENT ? NULL : malloc(sizeof *o + size);
    if (!o) {
        kill_conn(conn);
        return false;
    }
    *o = (struct tb_out){ .size = size, .payload = payload };
    if (head_n)
        memcpy(o->data, head, head_n);
    if (n)
        memcpy(o->data + head_n, p, n);
    memcpy(o->data + head_n + n, tail, tail_n);
    if (!conn->out)
        conn->output_ms = tb_conn_now(); /* the stall clock starts when something begins to wait */
    *conn->out_tail = o;
    conn->out_tail = &o->next;
    conn->out_size += size;
    conn->io.want_write(conn->io.ctx);
    return true;
}

/* Move the next piece of the file being sent into the empty queue. */
static void read_file_piece(struct tb_conn *conn)
{
    uint8_t piece[FILE_PIECE];
    size_t want = conn->file_left < FILE_PIECE ? (size_t)conn->file_left : FILE_PIECE;
    ssize_t got = pread(conn->file, piece, want, conn->file_at);

    if (got <= 0) { /* shorter than announced: the only honest end is a broken connection */
        kill_conn(conn);
        return;
    }
    conn->file_at += got;
    conn->file_left -= got;
    tb_conn_queue(conn, piece, (size_t)got, NULL, 0, "", 0);
    if (conn->file_left == 0) {
        close(conn->file);
        conn->file = -1;
    }
}

void tb_conn_log(const struct tb_conn *conn, const char *event)
{
    char path[96], method[24];
    const struct tb_str from[] = { conn->head.path, conn->head.method };
    char *const to[] = { path, method };
    const size_t room[] = { sizeof path, sizeof method };

    for (int k = 0; k < 2; k++) { /* what a client sent must not be able to forge a log line */
        size_t n = from[k].n < room[k] - 1 ? from[k].n : room[k] - 1;
        for (size_t i = 0; i < n; i++)
            to[k][i] = from[k].p[i] > ' ' && from[k].p[i] < 0x7f && from[k].p[i] != '=' ? from[k].p[i] : '?';
        to[k][n] = 0;
    }
    tb_log(TB_LOG_INFO, event, "request_id=%s method=%s path=%s status=%d ms=%lld in=%zu out=%llu%s",
           conn->request_id[0] ? conn->request_id : "-", method[0] ? method : "-", path[0] ? path : "-", conn->status,
           (long long)((tb_mono_us() - conn->started_us) / 1000), conn->body_counted,
           (unsigned long long)conn->sent_bytes, conn->ended || event[0] == 'w' ? "" : " client=gone");
}

void tb_conn_linger(struct tb_conn *conn, int64_t for_ms)
{
    if (conn->state == CONN_DEAD)
        return;
    conn->state = CONN_LINGER;
    conn->linger_until_ms = tb_conn_now() + for_ms;
    conn->io.want_write(conn->io.ctx);
}

void tb_conn_release_request(struct tb_conn *conn)
{
    conn->hub->body_bytes -= conn->body_counted;
    conn->body_counted = 0;
    tb_bytes_free(&conn->body);
    tb_bytes_free(&conn->head_bytes);
    conn->head = (struct tb_http_head){ 0 };
    conn->request = (struct tb_http_request){ 0 };
    conn->chunks = (struct tb_http_chunks){ 0 };
    if (conn->file >= 0)
        close(conn->file);
    conn->file = -1;
}

/* Answers -----------------------------------------------------------------------------------------------------------*/

static void reply_head(void *ctx, int status, const char *content_type, int64_t length, const char *request_id,
                       const char *extra_headers)
{
    struct tb_conn *conn = ctx;
    struct tb_bytes head = { .cap = TB_MAX_HEADERS };
    bool bodiless = status == 204 || status == 304;
    char date[40];
    time_t now = time(NULL);
    struct tm tm;
    enum tb_code rc = TB_OK;

    conn->headed = true;
    conn->status = status;
    conn->chunked_reply = length < 0 && !bodiless && !conn->head.http10 && !conn->is_head;
    if (length < 0 && !bodiless && conn->head.http10)
        conn->close_after = true; /* HTTP/1.0: the end of the body is the end of the connection */
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    rc = tb_bytes_addf(&head, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, tb_http_reason(status), date);
    if (!rc && content_type && content_type[0])
        rc = tb_bytes_addf(&head, "Content-Type: %s\r\n", content_type);
    if (!rc && length >= 0 && !bodiless)
        rc = tb_bytes_addf(&head, "Content-Length: %lld\r\n", (long long)length);
    if (!rc && conn->chunked_reply)
        rc = tb_bytes_addz(&head, "Transfer-Encoding: chunked\r\n");
    if (!rc && request_id && request_id[0]) {
        strncpy(conn->request_id, request_id, sizeof conn->request_id - 1);
        rc = tb_bytes_addf(&head, "x-request-id: %s\r\n", request_id);
    }
    if (!rc && extra_headers)
        rc = tb_bytes_addz(&head, extra_headers);
    if (!rc)
        rc = tb_bytes_addf(&head, "Connection: %s\r\n\r\n", conn->close_after ? "close" : "keep-alive");
    if (rc)
        kill_conn(conn);
    else
        tb_conn_queue(conn, head.data, head.size, NULL, 0, "", 0);
    tb_bytes_free(&head);
}

static void reply_write(void *ctx, const void *bytes, size_t n)
{
    struct tb_conn *conn = ctx;
    char size[24];

    if (n == 0)
        return;
    if (conn->is_head) {
        conn->swallowed += n;
        conn->io.want_write(conn->io.ctx);
    } else if (conn->chunked_reply) {
        int head_n = snprintf(size, sizeof size, "%zx\r\n", n);
        tb_conn_queue(conn, size, (size_t)head_n, bytes, n, "\r\n", n);
    } else {
        tb_conn_queue(conn, NULL, 0, bytes, n, "", n);
    }
}

static void reply_file(void *ctx, const char *path, int64_t offset, int64_t length)
{
    struct tb_conn *conn = ctx;

    if (conn->is_head || length <= 0)
        return;
    conn->file = open(path, O_RDONLY | O_CLOEXEC);
    if (conn->file < 0) {
        kill_conn(conn);
        return;
    }
    conn->file_at = offset;
    conn->file_left = length;
    conn->io.want_write(conn->io.ctx);
}

static void reply_end(void *ctx)
{
    struct tb_conn *conn = ctx;

    if (conn->chunked_reply)
        tb_conn_queue(conn, "0\r\n\r\n", 5, NULL, 0, "", 0);
    conn->ended = true;
    conn->io.want_write(conn->io.ctx);
}

/* The request id that a refusal's body begins with, for the header. */
static const char *id_of(const char *body, char id[40])
{
    return body && sscanf(body, "{\"request_id\":\"%36[0-9a-f-]\"", id) == 1 ? id : NULL;
}

void tb_conn_refuse_with(struct tb_conn *conn, int status, char *body)
{
    char id[40];

    conn->close_after = true;
    reply_head(conn, status, "application/json", body ? (int64_t)strlen(body) : 0, id_of(body, id), NULL);
    if (body)
        reply_write(conn, body, strlen(body));
    free(body);
    conn->ended = true;
    tb_conn_log(conn, "access");
    tb_conn_release_request(conn);
    tb_conn_linger(conn, TB_DISCARD_MS);
}

void tb_conn_refuse(struct tb_conn *conn, enum tb_code code, const char *text)
{
    char *body = NULL;
    int status = 500;

    tb_api_refusal(conn->hub->api, code, text, &status, &body);
    tb_conn_refuse_with(conn, status, body);
}

/* Requests ----------------------------------------------------------------------------------------------------------*/

static void answer(struct tb_conn *conn)
{
    const struct tb_http_reply reply = { reply_head, reply_write, reply_file, reply_end, conn };

    conn->state = CONN_ANSWERING;
    conn->request.body = tb_bytes_str(&conn->body);
    conn->request.body_bytes = &conn->body;
    conn->exchange = tb_exchange_open(conn->hub->api, &conn->request, &reply);
    if (!conn->exchange && !conn->ended) {
        if (conn->headed)
            kill_conn(conn);
        else
            tb_conn_refuse(conn, TB_ENOMEM, "out of memory");
    }
}

static void fill_request(struct tb_conn *conn)
{
    const struct tb_http_head *h = &conn->head;

    conn->is_head = tb_str_eq(h->method, "HEAD");
    conn->request = (struct tb_http_request){
        .method = conn->is_head ? TB_STR("GET") : h->method,
        .path = h->path,
        .query = h->query,
        .authorization = h->authorization,
        .host = h->host,
        .sse = h->sse,
        .async = h->async,
        .encryption = h->encryption,
        .range = h->range,
        .origin = h->origin,
    };
}

/* Is it decided already, whatever the body says? A body that comes with no key may not cost memory, but a small one
 * does no harm, and reading it leaves the connection free for the next request. */
static bool answered_without_body(struct tb_conn *conn)
{
    const struct tb_http_head *h = &conn->head;

    if (!h->chunked && !h->expect_continue && h->content_length <= TB_MAX_STRANGERS_BODY)
        return false;
    if (tb_exchange_wants_body(conn->hub->api, &conn->request))
        return false;
    conn->close_after = conn->unread = true;
    answer(conn);
    return true;
}

/* A head is whole: decide what follows. */
static void begin_request(struct tb_conn *conn, size_t head_size)
{
    struct tb_error err;

    conn->started_us = tb_mono_us();
    conn->headed = conn->ended = conn->close_after = conn->is_head = conn->chunked_reply = conn->unread = false;
    conn->status = 0;
    conn->sent_bytes = 0;
    conn->request_id[0] = 0;
    conn->head_bytes = (struct tb_bytes){ 0 };
    if (tb_bytes_add(&conn->head_bytes, conn->in.data, head_size)) {
        kill_conn(conn);
        return;
    }
    tb_bytes_drop(&conn->in, head_size);
    if (tb_http_parse((char *)conn->head_bytes.data, head_size, &conn->head, &err)) {
        conn->head = (struct tb_http_head){ 0 };
        tb_conn_refuse(conn, TB_EINVAL, err.text);
        return;
    }
    fill_request(conn);
    conn->close_after = !conn->head.keep_alive || conn->hub->stopping;
    if (conn->head.content_length > TB_MAX_BODY) {
        tb_conn_refuse(conn, TB_ETOOBIG, "request body over the limit");
        return;
    }
    if (conn->head.upgrade_websocket) {
        tb_conn_ws_begin(conn);
        return;
    }
    if (!conn->head.chunked && conn->head.content_length <= 0) {
        answer(conn);
        return;
    }
    if (answered_without_body(conn))
        return;
    conn->body.cap = TB_MAX_BODY;
    conn->state = CONN_READ_BODY;
    if (conn->head.expect_continue)
        tb_conn_queue(conn, "HTTP/1.1 100 Continue\r\n\r\n", 25, NULL, 0, "", 0);
}

static void read_head(struct tb_conn *conn)
{
    size_t n = conn->in.size < TB_MAX_HEADERS ? conn->in.size : TB_MAX_HEADERS;
    size_t size = tb_http_head_size((const char *)conn->in.data, n);

    if (size) {
        begin_request(conn, size);
    } else if (n == TB_MAX_HEADERS) {
        conn->started_us = conn->head_ms * 1000;
        tb_conn_refuse(conn, TB_EINVAL, "request headers over 16384 bytes");
    }
}

static void read_body(struct tb_conn *conn)
{
    struct tb_error err = { 0 };
    enum tb_code rc;
    bool done = false;
    size_t used, before = conn->body.size;

    if (conn->hub->body_bytes + conn->in.size > TB_MAX_BODIES) {
        tb_conn_refuse(conn, TB_EBUSY, "too many request bodies at once");
        return;
    }
    if (conn->head.chunked) {
        rc = tb_http_chunks_take(&conn->chunks, (const char *)conn->in.data, conn->in.size, &conn->body, &used, &done,
                                 &err);
    } else {
        size_t left = (size_t)conn->head.content_length - conn->body.size;
        used = conn->in.size < left ? conn->in.size : left;
        rc = tb_bytes_add(&conn->body, conn->in.data, used);
        done = used == left;
    }
    conn->hub->body_bytes += conn->body.size - before;
    conn->body_counted += conn->body.size - before;
    tb_bytes_drop(&conn->in, used);
    if (rc)
        tb_conn_refuse(conn, rc, rc == TB_ETOOBIG ? "request body over the limit" : err.text);
    else if (done)
        answer(conn);
}

/* Understand as much of the input as the state allows. */
static void process(struct tb_conn *conn)
{
    enum tb_conn_state before;
    size_t left;

    do {
        before = conn->state;
        left = conn->in.size;
        if (conn->state == CONN_LINGER || conn->state == CONN_DEAD)
            tb_bytes_free(&conn->in);
        else if (conn->state == CONN_READ_HEAD && left)
            read_head(conn);
        else if (conn->state == CONN_READ_BODY && left)
            read_body(conn);
        else if (conn->state == CONN_WS_OPEN && left)
            tb_conn_ws_input(conn);
    } while (conn->in.size && (conn->state != before || conn->in.size != left));

    bool busy = conn->state == CONN_ANSWERING || conn->state == CONN_WS_WAIT;
    bool pause = busy && conn->in.size > TB_MAX_PIPELINED;
    if (pause != conn->paused) {
        conn->paused = pause;
        conn->io.pause(conn->io.ctx, pause);
    }
}

/* The public side ---------------------------------------------------------------------------------------------------*/

struct tb_conn *tb_conn_open(struct tb_hub *hub, const struct tb_conn_io *io)
{
    struct tb_conn *conn = calloc(1, sizeof *conn);

    if (!conn)
        return NULL;
    conn->hub = hub;
    conn->io = *io;
    conn->out_tail = &conn->out;
    conn->file = -1;
    conn->input_ms = conn->output_ms = conn->head_ms = tb_conn_now();
    return conn;
}

bool tb_conn_input(struct tb_conn *conn, const void *p, size_t n)
{
    conn->input_ms = tb_conn_now();
    if (conn->state == CONN_DEAD)
        return false;
    if (conn->state == CONN_LINGER)
        return true;
    if (conn->in.size == 0)
        conn->head_ms = conn->input_ms;
    if (tb_bytes_add(&conn->in, p, n) != TB_OK)
        return false;
    process(conn);
    if (conn->in.size == 0)
        tb_bytes_free(&conn->in); /* an idle connection holds no buffer */
    return conn->state != CONN_DEAD;
}

/* The answer is written whole: the connection is free for the next request, or done. */
static void finish_answer(struct tb_conn *conn)
{
    tb_conn_log(conn, "access");
    tb_conn_release_request(conn);
    if (conn->close_after || conn->hub->stopping) {
        tb_conn_linger(conn, conn->unread ? TB_DISCARD_MS : TB_LINGER_MS);
    } else {
        conn->state = CONN_READ_HEAD;
        conn->input_ms = conn->head_ms = tb_conn_now();
    }
    process(conn);
}

void tb_conn_output(struct tb_conn *conn, const uint8_t **p, size_t *n)
{
    if (conn->exchange && conn->swallowed) {
        size_t taken = conn->swallowed;
        conn->swallowed = 0;
        tb_exchange_taken(conn->exchange, taken);
    }
    if (conn->exchange && conn->ended) {
        tb_exchange_gone(conn->exchange);
        conn->exchange = NULL;
    }
    if (!conn->out && conn->file >= 0)
        read_file_piece(conn);
    if (!conn->out && conn->state == CONN_ANSWERING && conn->ended)
        finish_answer(conn);
    if (!conn->out && conn->state == CONN_LINGER && !conn->dialogue)
        conn->io.half_close(conn->io.ctx);
    *p = conn->out ? conn->out->data + conn->out->at : NULL;
    *n = conn->out ? conn->out->size - conn->out->at : 0;
}

void tb_conn_sent(struct tb_conn *conn, size_t n)
{
    struct tb_out *o = conn->out;

    if (!o)
        return;
    conn->output_ms = tb_conn_now();
    conn->sent_bytes += n;
    conn->out_size -= n;
    o->at += n;
    if (o->at < o->size)
        return;
    size_t payload = o->payload;
    conn->out = o->next;
    if (!conn->out)
        conn->out_tail = &conn->out;
    free(o);
    if (payload && conn->exchange)
        tb_exchange_taken(conn->exchange, payload);
    else if (payload && conn->dialogue)
        tb_dialogue_taken(conn->dialogue, payload);
}

bool tb_conn_alive(const struct tb_conn *conn)
{
    return conn->state != CONN_DEAD && !(conn->close_sent && conn->close_received && !conn->out);
}

void tb_conn_timer(struct tb_conn *conn)
{
    if (conn->state != CONN_WS_WAIT)
        return;
    tb_conn_ws_open(conn);
    process(conn);
}

bool tb_conn_tick(struct tb_conn *conn, int64_t now_ms)
{
    if (conn->out && now_ms - conn->output_ms > TB_STALL_MS)
        return false;
    switch (conn->state) {
    case CONN_READ_HEAD:
        return conn->in.size ? now_ms - conn->head_ms <= TB_HEAD_MS : now_ms - conn->input_ms <= TB_KEEP_ALIVE_MS;
    case CONN_READ_BODY:
        return now_ms - conn->input_ms <= TB_BODY_MS && now_ms - conn->started_us / 1000 <= TB_BODY_TOTAL_MS;
    case CONN_WS_OPEN:
        return tb_conn_ws_tick(conn, now_ms);
    case CONN_LINGER:
        return now_ms <= conn->linger_until_ms;
    case CONN_DEAD:
        return false;
    default:
        return true;
    }
}

bool tb_conn_stop(struct tb_conn *conn)
{
    if (conn->state == CONN_READ_HEAD || conn->state == CONN_WS_WAIT || conn->state == CONN_DEAD ||
        (conn->state == CONN_LINGER && !conn->out))
        return false;
    if (conn->state == CONN_WS_OPEN && conn->dialogue && !conn->close_sent)
        tb_dialogue_restart(conn->dialogue);
    return true;
}

void tb_conn_close(struct tb_conn *conn)
{
    if (conn->exchange) {
        tb_exchange_gone(conn->exchange);
        tb_conn_log(conn, "access");
    }
    if (conn->dialogue)
        tb_dialogue_gone(conn->dialogue);
    if (conn->status == 101)
        tb_log(TB_LOG_INFO, "ws-close", "code=%d ms=%lld out=%llu", conn->close_code,
               (long long)((tb_mono_us() - conn->started_us) / 1000), (unsigned long long)conn->sent_bytes);
    while (conn->out) {
        struct tb_out *next = conn->out->next;
        free(conn->out);
        conn->out = next;
    }
    tb_conn_release_request(conn);
    tb_ws_reader_free(&conn->reader);
    tb_bytes_free(&conn->in);
    free(conn);
}
