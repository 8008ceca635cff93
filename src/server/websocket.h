/* websocket.h - RFC 6455 without sockets: the accept key, frames out, frames in.
 *
 * The reader takes bytes as they come, unmasks them, assembles fragmented messages up to a cap and gives one event at
 * a time. A client that breaks the protocol gets a close code: 1002 framing, 1007 bad UTF-8, 1009 too big. */
#ifndef TB_SERVER_WEBSOCKET_H
#define TB_SERVER_WEBSOCKET_H

#include <stdint.h>

#include "base/str.h"

enum tb_ws_opcode { TB_WS_TEXT = 1, TB_WS_BINARY = 2, TB_WS_CLOSE = 8, TB_WS_PING = 9, TB_WS_PONG = 10 };

/* The value of Sec-WebSocket-Accept for a client's key: 28 characters and a NUL. */
void tb_ws_accept(struct tb_str key, char out[32]);

enum { TB_WS_MAX_HEAD = 10 };
/* The head of an unmasked, unfragmented server frame; returns its size. */
size_t tb_ws_head(uint8_t out[TB_WS_MAX_HEAD], enum tb_ws_opcode opcode, size_t payload);

enum tb_ws_event {
    TB_WS_MORE,       /* all input taken, nothing complete */
    TB_WS_MESSAGE,    /* a whole text message: reader.message */
    TB_WS_GOT_BINARY, /* a binary message has begun */
    TB_WS_GOT_PING,   /* reader.control */
    TB_WS_GOT_PONG,
    TB_WS_GOT_CLOSE,  /* reader.close_code; 1005 when the client gave none */
    TB_WS_BROKEN      /* reader.close_code says why; no more input may be given */
};

struct tb_ws_reader {
    struct tb_bytes message; /* set message.cap before use; emptied at the start of the next message */
    uint8_t control[125];
    size_t control_size;
    int close_code;
    /* The frame in work. */
    uint8_t head[14];
    size_t head_size;
    uint64_t left, taken;
    uint8_t mask[4];
    int opcode;      /* of the frame */
    int message_opcode; /* of the fragmented message; 0: none */
    int state;
    int final;
};

/* Take from p until something is complete; *used says how much was consumed. */
enum tb_ws_event tb_ws_read(struct tb_ws_reader *r, const uint8_t *p, size_t n, size_t *used);
void tb_ws_reader_free(struct tb_ws_reader *r);

#endif
