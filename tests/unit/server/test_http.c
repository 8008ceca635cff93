/* The HTTP parser: what is taken, what is refused, and every truncation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/http.h"

static const char request[] = "POST /api/v1/a%2Fb/?x=1&y=%20 HTTP/1.1\r\nHost: h:1\r\nauthorization:Bearer sk-1\r\n"
                              "X-DashScope-SSE:  enable \r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n";

/* Parse a copy of exactly the text's size, so that a read past its end is seen. */
static enum tb_code parse(const char *text, size_t n, struct tb_http_head *out, char **copy, struct tb_error *err)
{
    *copy = malloc(n ? n : 1);
    memcpy(*copy, text, n);
    return tb_http_parse(*copy, n, out, err);
}

static void takes_a_request_apart(void **state)
{
    struct tb_http_head h;
    struct tb_error err;
    char *copy;
    (void)state;

    assert_int_equal(tb_http_head_size(request, sizeof request - 1), sizeof request - 1);
    assert_int_equal(parse(request, sizeof request - 1, &h, &copy, &err), TB_OK);
    assert_true(tb_str_eq(h.method, "POST"));
    assert_true(tb_str_eq(h.path, "/api/v1/a/b/"));
    assert_true(tb_str_eq(h.query, "x=1&y=%20"));
    assert_true(tb_str_eq(h.host, "h:1"));
    assert_true(tb_str_eq(h.authorization, "Bearer sk-1"));
    assert_true(tb_str_eq(h.sse, "enable"));
    assert_int_equal(h.content_length, 3);
    assert_true(h.expect_continue && h.keep_alive && !h.chunked && !h.upgrade_websocket && !h.http10);
    free(copy);
}

static void every_truncation_is_incomplete_or_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof request - 1; n++) {
        struct tb_http_head h;
        struct tb_error err;
        char *copy;

        assert_int_equal(tb_http_head_size(request, n), 0);
        enum tb_code rc = parse(request, n, &h, &copy, &err);
        if (rc)
            assert_true(err.text[0]);
        free(copy);
    }
}

static void refuses(const char *text)
{
    struct tb_http_head h;
    struct tb_error err;
    char *copy;

    if (parse(text, strlen(text), &h, &copy, &err) != TB_EINVAL)
        fail_msg("taken: %s", text);
    free(copy);
}

static void refuses_what_can_be_read_two_ways(void **state)
{
    (void)state;
    refuses("GET / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n");
    refuses("GET / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n");
    refuses("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n");
    refuses("GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n");
    refuses("GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n");
    refuses("GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n");
    refuses("GET / HTTP/1.1\r\nA : b\r\n\r\n");
    refuses("GET / HTTP/1.1\r\nno colon\r\n\r\n");
    refuses("GET / HTTP/2.0\r\n\r\n");
    refuses("GET /\r\n\r\n");
    refuses("GET /%4 HTTP/1.1\r\n\r\n");
    refuses("GET /%00 HTTP/1.1\r\n\r\n");
    refuses("GET evil HTTP/1.1\r\n\r\n");
    refuses("G@T / HTTP/1.1\r\n\r\n");
    refuses("\x16\x03\x01 hello\r\n\r\n");
}

static void knows_connection_options(void **state)
{
    const char *upgrade = "GET / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n";
    struct tb_http_head h;
    char *copy;
    (void)state;

    assert_int_equal(parse(upgrade, strlen(upgrade), &h, &copy, NULL), TB_OK);
    assert_true(h.upgrade_websocket && h.keep_alive);
    free(copy);
    const char *old = "\r\nGET http://host/x HTTP/1.0\n\n";
    assert_int_equal(tb_http_head_size(old, strlen(old)), strlen(old));
    assert_int_equal(parse(old, strlen(old), &h, &copy, NULL), TB_OK);
    assert_true(h.http10 && !h.keep_alive && tb_str_eq(h.path, "/x"));
    free(copy);
}

static void reads_chunks(const char *text)
{
    for (size_t n = strlen(text), step = 1; step <= n; step++) {
        struct tb_http_chunks c = { 0 };
        struct tb_bytes out = { .cap = 100 };
        size_t at = 0, used;
        bool done = false;

        while (!done && at < n) {
            size_t take = step < n - at ? step : n - at;
            assert_int_equal(tb_http_chunks_take(&c, text + at, take, &out, &used, &done, NULL), TB_OK);
            at += used;
        }
        assert_true(done);
        assert_string_equal(text + at, "NEXT");
        assert_true(tb_str_eq(tb_bytes_str(&out), "Wikipedia"));
        tb_bytes_free(&out);
    }
}

static void reads_chunks_however_they_are_cut(void **state)
{
    (void)state;
    reads_chunks("4;ext=1\r\nWiki\r\n5\r\npedia\r\n0\r\nTrailer: x\r\n\r\nNEXT");
    reads_chunks("4\r\nWiki\r\n05 \r\npedia\r\n0\r\n\r\nNEXT");
    reads_chunks("4\nWiki\n5\npedia\n0\n\nNEXT");
}

static void refuses_bad_chunks(void **state)
{
    static const char *const bad[] = { "x\r\n", "\r\n", "123456789\r\n", "2\r\nabc\r\n", "-1\r\n" };
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tb_http_chunks c = { 0 };
        size_t used;
        bool done;
        assert_int_equal(tb_http_chunks_take(&c, bad[i], strlen(bad[i]), NULL, &used, &done, NULL), TB_EINVAL);
    }
    struct tb_http_chunks c = { 0 };
    struct tb_bytes out = { .cap = 3 };
    size_t used;
    bool done;
    assert_int_equal(tb_http_chunks_take(&c, "4\r\nabcd", 7, &out, &used, &done, NULL), TB_ETOOBIG);
    tb_bytes_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_request_apart),
        cmocka_unit_test(every_truncation_is_incomplete_or_refused),
        cmocka_unit_test(refuses_what_can_be_read_two_ways),
        cmocka_unit_test(knows_connection_options),
        cmocka_unit_test(reads_chunks_however_they_are_cut),
        cmocka_unit_test(refuses_bad_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
