/* The WebSocket reader: RFC 6455's own examples, fragments, caps, and every cut of the input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/websocket.h"

/* A masked client frame with mask 1 2 3 4; returns its size. */
static size_t frame(uint8_t *out, unsigned first, const void *payload, size_t n)
{
    size_t at = tb_ws_head(out, TB_WS_TEXT, n);
    const uint8_t *p = payload;

    out[0] = (uint8_t)first;
    out[1] |= 0x80;
    for (uint8_t i = 0; i < 4; i++)
        out[at + i] = (uint8_t)(i + 1);
    for (size_t i = 0; i < n; i++)
        out[at + 4 + i] = p[i] ^ (uint8_t)((i & 3) + 1);
    return at + 4 + n;
}

/* The first event of the bytes, fed in steps. */
static enum tb_ws_event first_event(struct tb_ws_reader *r, const uint8_t *p, size_t n, size_t step)
{
    enum tb_ws_event event = TB_WS_MORE;
    size_t used;

    for (size_t at = 0; at < n && event == TB_WS_MORE; at += used) {
        size_t take = step < n - at ? step : n - at;
        uint8_t *copy = malloc(take);
        memcpy(copy, p + at, take);
        event = tb_ws_read(r, copy, take, &used);
        free(copy);
    }
    return event;
}

static void gives_the_accept_key_of_the_rfc(void **state)
{
    char out[32];
    (void)state;
    tb_ws_accept(TB_STR("dGhlIHNhbXBsZSBub25jZQ=="), out);
    assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void assembles_fragments_around_a_ping(void **state)
{
    uint8_t bytes[200];
    size_t n = frame(bytes, 0x01, "Hel", 3), ping_at = n;
    (void)state;

    n += frame(bytes + n, 0x89, "yo", 2);
    n += frame(bytes + n, 0x80, "lo", 2);
    for (size_t step = 1; step <= n; step++) {
        struct tb_ws_reader r = { .message.cap = 100 };
        size_t used = 0, at = 0;
        enum tb_ws_event event = TB_WS_MORE;

        while (event != TB_WS_GOT_PING) {
            size_t take = step < n - at ? step : n - at;
            event = tb_ws_read(&r, bytes + at, take, &used);
            at += used;
        }
        assert_true(at > ping_at);
        assert_int_equal(r.control_size, 2);
        assert_memory_equal(r.control, "yo", 2);
        assert_int_equal(first_event(&r, bytes + at, n - at, step), TB_WS_MESSAGE);
        assert_string_equal((char *)r.message.data, "Hello");
        tb_ws_reader_free(&r);
    }
}

static void takes_long_and_empty_messages(void **state)
{
    static uint8_t payload[70000], bytes[70100];
    (void)state;

    memset(payload, 'x', sizeof payload);
    for (size_t n = 0; n <= sizeof payload; n += n < 70 ? 63 : 34937) {
        struct tb_ws_reader r = { .message.cap = sizeof payload };
        size_t size = frame(bytes, 0x81, payload, n);
        assert_int_equal(first_event(&r, bytes, size, 1000), TB_WS_MESSAGE);
        assert_int_equal(r.message.size, n);
        tb_ws_reader_free(&r);
    }
}

static void breaks_with(unsigned first, const void *payload, size_t n, int code)
{
    uint8_t bytes[300];
    struct tb_ws_reader r = { .message.cap = 100 };
    size_t size = frame(bytes, first, payload, n);

    assert_int_equal(first_event(&r, bytes, size, 7), TB_WS_BROKEN);
    assert_int_equal(r.close_code, code);
    tb_ws_reader_free(&r);
}

static void says_why_a_client_is_refused(void **state)
{
    static const uint8_t unmasked[] = { 0x81, 0x01, 'a' };
    uint8_t long_payload[150] = { 0 };
    struct tb_ws_reader r = { .message.cap = 100 };
    (void)state;

    breaks_with(0x81, "\xc0\x80", 2, 1007);
    breaks_with(0x81, "\xed\xa0\x80", 3, 1007);
    breaks_with(0x81, long_payload, 101, 1009);
    breaks_with(0x80, "a", 1, 1002);  /* continuation of nothing */
    breaks_with(0xc1, "a", 1, 1002);  /* reserved bit */
    breaks_with(0x83, "a", 1, 1002);  /* reserved opcode */
    breaks_with(0x09, "a", 1, 1002);  /* fragmented ping */
    breaks_with(0x89, long_payload, 126, 1002);
    breaks_with(0x88, "a", 1, 1002);      /* half a close code */
    breaks_with(0x88, "\x03\xed", 2, 1002); /* 1005 may not be sent */
    assert_int_equal(first_event(&r, unmasked, 3, 1), TB_WS_BROKEN);
    assert_int_equal(r.close_code, 1002);
}

static void a_sum_of_fragments_over_the_cap_is_1009(void **state)
{
    uint8_t bytes[300], payload[60] = { 0 };
    struct tb_ws_reader r = { .message.cap = 100 };
    size_t n = frame(bytes, 0x01, payload, 60);
    (void)state;

    n += frame(bytes + n, 0x80, payload, 60);
    assert_int_equal(first_event(&r, bytes, n, 300), TB_WS_BROKEN);
    assert_int_equal(r.close_code, 1009);
    tb_ws_reader_free(&r);
}

static void hands_out_closes_and_binary(void **state)
{
    uint8_t bytes[100];
    struct tb_ws_reader r = { .message.cap = 100 };
    (void)state;

    assert_int_equal(first_event(&r, bytes, frame(bytes, 0x88, "\x03\xe8""bye", 5), 1), TB_WS_GOT_CLOSE);
    assert_int_equal(r.close_code, 1000);
    r = (struct tb_ws_reader){ .message.cap = 100 };
    assert_int_equal(first_event(&r, bytes, frame(bytes, 0x88, "", 0), 1), TB_WS_GOT_CLOSE);
    assert_int_equal(r.close_code, 1005);
    r = (struct tb_ws_reader){ .message.cap = 100 };
    assert_int_equal(first_event(&r, bytes, frame(bytes, 0x82, "a", 1), 1), TB_WS_GOT_BINARY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_accept_key_of_the_rfc),
        cmocka_unit_test(assembles_fragments_around_a_ping),
        cmocka_unit_test(takes_long_and_empty_messages),
        cmocka_unit_test(says_why_a_client_is_refused),
        cmocka_unit_test(a_sum_of_fragments_over_the_cap_is_1009),
        cmocka_unit_test(hands_out_closes_and_binary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
