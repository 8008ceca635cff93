/* websocket.c - see websocket.h. RFC 6455, section 5. */
#include "server/websocket.h"

#include <string.h>

#include <openssl/sha.h>

#include "base/base64.h"
#include "text/utf8.h"

enum { HEAD, PAYLOAD, STOPPED };
enum { CONTINUATION = 0, MAX_CONTROL = 125 };

void tb_ws_accept(struct tb_str key, char out[32])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    struct tb_bytes text = { .cap = 256 }, encoded = { .cap = 64 };
    uint8_t digest[SHA_DIGEST_LENGTH];

    out[0] = 0;
    if (tb_bytes_add(&text, key.p, key.n) == TB_OK && tb_bytes_addz(&text, guid) == TB_OK) {
        SHA1(text.data, text.size, digest);
        if (tb_base64_encode(digest, sizeof digest, &encoded) == TB_OK && encoded.size < 32)
            memcpy(out, encoded.data, encoded.size + 1);
    }
    tb_bytes_free(&text);
    tb_bytes_free(&encoded);
}

size_t tb_ws_head(uint8_t out[TB_WS_MAX_HEAD], enum tb_ws_opcode opcode, size_t payload)
{
    out[0] = (uint8_t)(0x80 | opcode);
    if (payload < 126) {
        out[1] = (uint8_t)payload;
        return 2;
    }
    if (payload < 65536) {
        out[1] = 126;
        out[2] = (uint8_t)(payload >> 8);
        out[3] = (uint8_t)payload;
        return 4;
    }
    out[1] = 127;
    for (int i = 0; i < 8; i++)
        out[2 + i] = (uint8_t)((uint64_t)payload >> (56 - 8 * i));
    return 10;
}

static enum tb_ws_event broken(struct tb_ws_reader *r, int code)
{
    r->close_code = code;
    r->state = STOPPED;
    return TB_WS_BROKEN;
}

/* Bytes that the head needs, as far as it is known; 0: a frame that no client may send. */
static size_t head_wanted(const struct tb_ws_reader *r)
{
    if (r->head_size < 2)
        return 2;
    if (!(r->head[1] & 0x80) || (r->head[0] & 0x70))
        return 0; /* unmasked, or an extension that was not agreed on */
    unsigned length = r->head[1] & 0x7f;
    return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + 4;
}

/* The head is complete: check it and make ready for the payload. MORE: go on. */
static enum tb_ws_event begin_frame(struct tb_ws_reader *r)
{
    unsigned length = r->head[1] & 0x7f, extra = length == 126 ? 2 : length == 127 ? 8 : 0;

    r->final = r->head[0] >> 7;
    r->opcode = r->head[0] & 0x0f;
    r->left = extra ? 0 : length;
    for (unsigned i = 0; i < extra; i++)
        r->left = r->left << 8 | r->head[2 + i];
    memcpy(r->mask, r->head + 2 + extra, 4);
    r->taken = 0;
    r->head_size = 0;
    r->state = PAYLOAD;

    if (r->opcode >= TB_WS_CLOSE) {
        r->control_size = 0;
        if (r->opcode > TB_WS_PONG || !r->final || r->left > MAX_CONTROL)
            return broken(r, 1002);
        return TB_WS_MORE;
    }
    if (r->opcode > TB_WS_BINARY || (r->opcode == CONTINUATION) != (r->message_opcode != 0))
        return broken(r, 1002);
    if (r->opcode != CONTINUATION) {
        r->message_opcode = r->opcode;
        r->message.size = 0;
    }
    if (r->message_opcode == TB_WS_BINARY) {
        r->state = STOPPED; /* the caller answers and closes with 1003: nothing of it is kept */
        return TB_WS_GOT_BINARY;
    }
    if (r->left > r->message.cap - r->message.size)
        return broken(r, 1009);
    return TB_WS_MORE;
}

static enum tb_ws_event end_control(struct tb_ws_reader *r)
{
    if (r->opcode == TB_WS_PING)
        return TB_WS_GOT_PING;
    if (r->opcode == TB_WS_PONG)
        return TB_WS_GOT_PONG;
    if (r->control_size == 1)
        return broken(r, 1002);
    r->state = STOPPED;
    r->close_code = r->control_size ? r->control[0] << 8 | r->control[1] : 1005;
    if (r->control_size > 2 &&
        !tb_utf8_valid((struct tb_str){ (const char *)r->control + 2, r->control_size - 2 }))
        return broken(r, 1007);
    if (r->control_size && (r->close_code < 1000 || r->close_code > 4999 || r->close_code == 1005 ||
                            r->close_code == 1006 || r->close_code == 1004))
        return broken(r, 1002);
    return TB_WS_GOT_CLOSE;
}

static enum tb_ws_event end_frame(struct tb_ws_reader *r)
{
    r->state = HEAD;
    if (r->opcode >= TB_WS_CLOSE)
        return end_control(r);
    if (!r->final)
        return TB_WS_MORE;
    r->message_opcode = 0;
    if (r->message.size == 0 && tb_bytes_reserve(&r->message, 1) != TB_OK)
        return broken(r, 1011);
    if (!tb_utf8_valid(tb_bytes_str(&r->message)))
        return broken(r, 1007);
    return TB_WS_MESSAGE;
}

static bool take_payload(struct tb_ws_reader *r, const uint8_t *p, size_t n)
{
    uint8_t *to;

    if (r->opcode >= TB_WS_CLOSE) {
        to = r->control + r->control_size;
        r->control_size += n;
    } else {
        if (tb_bytes_add(&r->message, p, n) != TB_OK)
            return false;
        to = r->message.data + r->message.size - n;
    }
    for (size_t i = 0; i < n; i++)
        to[i] = p[i] ^ r->mask[(r->taken + i) & 3];
    r->taken += n;
    r->left -= n;
    return true;
}

enum tb_ws_event tb_ws_read(struct tb_ws_reader *r, const uint8_t *p, size_t n, size_t *used)
{
    size_t at = 0;

    *used = n;
    while (r->state != STOPPED) {
        enum tb_ws_event event = TB_WS_MORE;

        if (r->state == HEAD) {
            size_t wanted = head_wanted(r);
            if (wanted == 0)
                return broken(r, 1002);
            if (r->head_size < wanted) {
                if (at == n)
                    return TB_WS_MORE;
                r->head[r->head_size++] = p[at++];
                continue;
            }
            event = begin_frame(r);
        }
        if (event == TB_WS_MORE && r->state == PAYLOAD) {
            size_t take = n - at < r->left ? n - at : (size_t)r->left;
            if (take && !take_payload(r, p + at, take))
                return broken(r, 1011);
            at += take;
            if (r->left)
                return TB_WS_MORE;
            event = end_frame(r);
        }
        if (event != TB_WS_MORE) {
            *used = at;
            return event;
        }
    }
    return TB_WS_MORE;
}

void tb_ws_reader_free(struct tb_ws_reader *r)
{
    tb_bytes_free(&r->message);
}
