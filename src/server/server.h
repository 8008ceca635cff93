/* server.h - sockets: HTTP/1.1, SSE and WebSocket on one libwebsockets loop, in front of api/.
 *
 * The only file that knows libwebsockets is server.c. */
#ifndef TB_SERVER_SERVER_H
#define TB_SERVER_SERVER_H

#include "api/api.h"

struct tb_server;

struct tb_server_config {
    const char *listen;       /* "127.0.0.1:8080", "[::1]:0"; port 0 picks a free one */
    int ws_accept_delay_ms;   /* before the 101 of a WebSocket handshake; docs/CLIENTS.md, Java: 5 */
    struct tb_api_config api; /* its loop member is filled in here */
};

/* Bind and listen. TB_EIO names the address and the reason. */
enum tb_code tb_server_open(const struct tb_server_config *config, struct tb_server **out, struct tb_error *err);
int tb_server_port(const struct tb_server *server);
/* Serve until tb_server_stop; then drain: no new connections, running answers end (10 s at most), return. */
enum tb_code tb_server_run(struct tb_server *server, struct tb_error *err);
/* Async-signal-safe. */
void tb_server_stop(struct tb_server *server);
void tb_server_close(struct tb_server *server);

#endif
