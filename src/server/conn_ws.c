/* conn_ws.c - the WebSocket side of a connection: handshake, frames to dialogue and back, pings, closing. */
#include "server/conn_priv.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

enum { PING_EVERY_MS = 20 * 1000, PONG_WITHIN_MS = 60 * 1000, CLOSE_WITHIN_MS = 2 * 1000 };

void tb_conn_ws_close(struct tb_conn *conn, int code, const char *reason)
{
    uint8_t frame[TB_WS_MAX_HEAD + 125];
    size_t n = reason ? strlen(reason) : 0;

    if (conn->close_sent)
        return;
    n = n < 123 ? n : 123;
    bool empty = code == 1005; /* the client closed without a code: nor do we give one */
    size_t at = tb_ws_head(frame, TB_WS_CLOSE, empty ? 0 : n + 2);
    if (!empty) {
        frame[at++] = (uint8_t)(code >> 8);
        frame[at++] = (uint8_t)code;
        memcpy(frame + at, reason ? reason : "", n);
        at += n;
    }
    conn->close_sent = true;
    conn->close_code = code;
    conn->linger_until_ms = tb_conn_now() + CLOSE_WITHIN_MS;
    tb_conn_queue(conn, frame, at, NULL, 0, "", 0);
}

static void out_text(void *ctx, const char *json, size_t n)
{
    struct tb_conn *conn = ctx;
    uint8_t head[TB_WS_MAX_HEAD];

    if (!conn->close_sent)
        tb_conn_queue(conn, head, tb_ws_head(head, TB_WS_TEXT, n), json, n, "", n);
}

static void out_close(void *ctx, int code, const char *reason)
{
    tb_conn_ws_close(ctx, code, reason);
}

void tb_conn_ws_begin(struct tb_conn *conn)
{
    const struct tb_http_head *h = &conn->head;
    char *body = NULL;
    int status = 500;

    if (!tb_str_eq(h->method, "GET") || !tb_str_eq(h->ws_version, "13") || h->ws_key.n != 24 || h->http10) {
        tb_conn_refuse(conn, TB_EINVAL, "not a WebSocket handshake: GET with Sec-WebSocket-Version 13 and a key of 24 "
                                        "characters is needed");
        return;
    }
    if (tb_dialogue_admit(conn->hub->api, &conn->request, &conn->account, &status, &body) != TB_OK) {
        tb_conn_refuse_with(conn, status, body);
        return;
    }
    conn->state = CONN_WS_WAIT;
    if (conn->hub->ws_accept_delay_ms > 0)
        conn->io.timer(conn->io.ctx, conn->hub->ws_accept_delay_ms);
    else
        tb_conn_ws_open(conn);
}

void tb_conn_ws_open(struct tb_conn *conn)
{
    const struct tb_dialogue_out out = { out_text, out_close, conn };
    char accept[32], head[256];

    tb_ws_accept(conn->head.ws_key, accept);
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
    conn->state = CONN_WS_OPEN;
    conn->status = 101;
    conn->ping_ms = conn->input_ms = tb_conn_now();
    conn->reader.message.cap = TB_MAX_FRAME;
    tb_conn_log(conn, "ws-open");
    if (!tb_conn_queue(conn, head, (size_t)n, NULL, 0, "", 0))
        return;
    conn->dialogue = tb_dialogue_open(conn->hub->api, conn->account, conn->request.query, &out);
    tb_conn_release_request(conn);
    if (!conn->dialogue)
        tb_conn_ws_close(conn, 1011, "out of memory");
}

/* The client is done, or cannot be understood: stop its work at once, say goodbye, and wait for the socket's end. */
static void end_dialogue(struct tb_conn *conn, int code)
{
    if (conn->dialogue)
        tb_dialogue_gone(conn->dialogue);
    conn->dialogue = NULL;
    tb_conn_ws_close(conn, code, "");
}

static void send_pong(struct tb_conn *conn)
{
    uint8_t head[TB_WS_MAX_HEAD];

    if (!conn->close_sent)
        tb_conn_queue(conn, head, tb_ws_head(head, TB_WS_PONG, conn->reader.control_size), conn->reader.control,
                      conn->reader.control_size, "", 0);
}

void tb_conn_ws_input(struct tb_conn *conn)
{
    size_t used;
    enum tb_ws_event event = tb_ws_read(&conn->reader, conn->in.data, conn->in.size, &used);
    bool listening = conn->dialogue && !conn->close_sent;

    tb_bytes_drop(&conn->in, used);
    switch (event) {
    case TB_WS_MESSAGE:
        if (listening)
            tb_dialogue_text(conn->dialogue, (const char *)conn->reader.message.data, conn->reader.message.size);
        tb_bytes_free(&conn->reader.message);
        break;
    case TB_WS_GOT_BINARY:
        if (listening)
            tb_dialogue_binary(conn->dialogue);
        tb_conn_ws_close(conn, 1003, "text frames only");
        break;
    case TB_WS_GOT_PING:
        send_pong(conn);
        break;
    case TB_WS_GOT_CLOSE:
        conn->close_received = true;
        end_dialogue(conn, conn->reader.close_code);
        conn->io.want_write(conn->io.ctx);
        break;
    case TB_WS_BROKEN:
        end_dialogue(conn, conn->reader.close_code);
        break;
    case TB_WS_GOT_PONG:
    case TB_WS_MORE:
        break;
    }
}

bool tb_conn_ws_tick(struct tb_conn *conn, int64_t now_ms)
{
    uint8_t head[TB_WS_MAX_HEAD];

    if (conn->close_sent)
        return now_ms <= conn->linger_until_ms || conn->out;
    if (now_ms - conn->input_ms > PONG_WITHIN_MS)
        return false;
    if (now_ms - conn->ping_ms >= PING_EVERY_MS) {
        conn->ping_ms = now_ms;
        tb_conn_queue(conn, head, tb_ws_head(head, TB_WS_PING, 0), NULL, 0, "", 0);
    }
    return true;
}
