/* conn.h - one connection as a state machine without a socket: bytes in, bytes out, a clock.
 *
 * READ_HEAD -> READ_BODY -> ANSWERING -> READ_HEAD ... for HTTP; READ_HEAD -> WS_WAIT -> WS_OPEN for WebSocket;
 * LINGER at the end of either: all is said, what still comes in is dropped until the client closes or time is up.
 * Whoever owns the socket feeds input, takes output, calls tick about once a second, and closes. All calls are on the
 * loop's thread. */
#ifndef TB_SERVER_CONN_H
#define TB_SERVER_CONN_H

#include <stdbool.h>

#include "api/api.h"

/* Shared by all connections. */
struct tb_hub {
    struct tb_api *api;
    int ws_accept_delay_ms;
    size_t body_bytes; /* of all bodies in work, against TB_MAX_BODIES */
    bool stopping;
};

/* What a connection asks of its socket. */
struct tb_conn_io {
    void (*want_write)(void *ctx);             /* output waits: have tb_conn_output called, never from within */
    void (*pause)(void *ctx, bool paused);     /* stop or go on reading */
    void (*timer)(void *ctx, int64_t delay_ms); /* have tb_conn_timer called once */
    void (*half_close)(void *ctx);             /* nothing more will be written */
    void *ctx;
};

struct tb_conn;

/* NULL when out of memory. */
struct tb_conn *tb_conn_open(struct tb_hub *hub, const struct tb_conn_io *io);
/* Bytes came. False: close the socket now. */
bool tb_conn_input(struct tb_conn *conn, const void *p, size_t n);
/* The next bytes to write; *n is 0 when there are none. They stay valid until tb_conn_sent. */
void tb_conn_output(struct tb_conn *conn, const uint8_t **p, size_t *n);
/* n bytes of the last output are written. */
void tb_conn_sent(struct tb_conn *conn, size_t n);
/* False: all is said and written, or the connection broke; close the socket now. */
bool tb_conn_alive(const struct tb_conn *conn);
void tb_conn_timer(struct tb_conn *conn);
/* now_ms is monotonic. False: a time limit is over, close the socket now. */
bool tb_conn_tick(struct tb_conn *conn, int64_t now_ms);
/* The server is stopping: finish what runs, begin nothing new. False: close the socket now. */
bool tb_conn_stop(struct tb_conn *conn);
/* The socket is gone. Ends exchange and dialogue, and frees conn. */
void tb_conn_close(struct tb_conn *conn);

#endif
