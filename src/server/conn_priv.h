/* conn_priv.h - the inside of a connection, shared by conn.c (HTTP) and conn_ws.c (WebSocket). */
#ifndef TB_SERVER_CONN_PRIV_H
#define TB_SERVER_CONN_PRIV_H

#include "server/conn.h"
#include "server/http.h"
#include "server/websocket.h"

enum tb_conn_state {
    CONN_READ_HEAD,
    CONN_READ_BODY,
    CONN_ANSWERING,
    CONN_WS_WAIT, /* accepted, the 101 is held back for ws_accept_delay_ms */
    CONN_WS_OPEN,
    CONN_LINGER,
    CONN_DEAD
};

/* One piece of output. */
struct tb_out {
    struct tb_out *next;
    size_t size, at;
    size_t payload; /* bytes as the api counted them: without framing and heads */
    uint8_t data[];
};

struct tb_conn {
    struct tb_hub *hub;
    struct tb_conn_io io;
    enum tb_conn_state state;
    int64_t input_ms, output_ms, head_ms, linger_until_ms; /* monotonic: last input, last progress, ... */
    struct tb_bytes in; /* not yet understood */

    struct tb_out *out, **out_tail;
    size_t out_size;

    /* The request in work. */
    struct tb_bytes head_bytes, body;
    struct tb_http_head head;
    struct tb_http_request request;
    struct tb_http_chunks chunks;
    struct tb_exchange *exchange;
    size_t body_counted;  /* its share of hub->body_bytes */
    bool is_head;         /* HEAD: answered as GET, the body is dropped */
    bool headed, ended;   /* reply.head, reply.end have run */
    bool chunked_reply, close_after, paused;
    bool unread;          /* answered before the body came: it is dropped */
    size_t swallowed;     /* payload dropped for HEAD, not yet reported as taken */
    int file;             /* being sent; -1: none */
    int64_t file_at, file_left;

    /* For the log. */
    int64_t started_us;
    int status;
    uint64_t sent_bytes;
    char request_id[40];

    /* WebSocket. */
    struct tb_dialogue *dialogue;
    struct tb_ws_reader reader;
    int64_t account;
    int64_t ping_ms;
    int close_code;
    bool close_sent, close_received;
};

/* Queue bytes made of three parts (any may be empty). False: over TB_MAX_UNSENT or no memory; conn is then dead. */
bool tb_conn_queue(struct tb_conn *conn, const void *head, size_t head_n, const void *p, size_t n, const char *tail,
                   size_t payload);
/* Answer with the api's JSON for a refusal and close. */
void tb_conn_refuse(struct tb_conn *conn, enum tb_code code, const char *text);
/* Send a whole JSON answer (malloc'd, taken over) and close. */
void tb_conn_refuse_with(struct tb_conn *conn, int status, char *body);
void tb_conn_linger(struct tb_conn *conn, int64_t for_ms);
void tb_conn_release_request(struct tb_conn *conn);
/* Write one line about a request or a dialogue to the log. */
void tb_conn_log(const struct tb_conn *conn, const char *event);
int64_t tb_conn_now(void);

/* conn_ws.c */
void tb_conn_ws_begin(struct tb_conn *conn);
void tb_conn_ws_open(struct tb_conn *conn);
void tb_conn_ws_input(struct tb_conn *conn);
void tb_conn_ws_close(struct tb_conn *conn, int code, const char *reason);
bool tb_conn_ws_tick(struct tb_conn *conn, int64_t now_ms);

#endif
