/* A connection without a socket: its time limits, on a clock of our own, and what it does at each end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api_double.h"
#include "base/limits.h"
#include "base/log.h"
#include "server/conn_priv.h"

static struct tb_api api;
static struct tb_hub hub;
static int wanted, half_closed, paused;

static void want_write(void *ctx)
{
    (void)ctx;
    wanted++;
}

static void set_pause(void *ctx, bool on)
{
    (void)ctx;
    paused = on;
}

static void no_timer(void *ctx, int64_t delay_ms)
{
    (void)ctx;
    (void)delay_ms;
}

static void half_close(void *ctx)
{
    (void)ctx;
    half_closed = 1;
}

static struct tb_conn *opened(void)
{
    const struct tb_conn_io io = { want_write, set_pause, no_timer, half_close, NULL };

    hub = (struct tb_hub){ .api = &api };
    wanted = half_closed = paused = 0;
    return tb_conn_open(&hub, &io);
}

static bool feed(struct tb_conn *conn, const char *text)
{
    return tb_conn_input(conn, text, strlen(text));
}

/* Write all that waits; returns the bytes, and in `out` the first of them. */
static size_t drain(struct tb_conn *conn, char out[2000])
{
    size_t total = 0, n;
    const uint8_t *p;

    for (tb_conn_output(conn, &p, &n); n; tb_conn_output(conn, &p, &n)) {
        size_t copy = total < 1999 ? (n < 1999 - total ? n : 1999 - total) : 0;
        memcpy(out + total, p, copy);
        total += n;
        tb_conn_sent(conn, n);
    }
    out[total < 1999 ? total : 1999] = 0;
    return total;
}

/* True just before the limit, false just after it. */
static void ends_after(struct tb_conn *conn, int64_t limit_ms)
{
    int64_t now = tb_conn_now();

    assert_true(tb_conn_tick(conn, now + limit_ms - 1000));
    assert_false(tb_conn_tick(conn, now + limit_ms + 1000));
    tb_conn_close(conn);
    assert_int_equal(hub.body_bytes, 0);
    assert_int_equal(atomic_load(&double_open), 0);
}

static void waits_so_long_for_each_part_of_a_request(void **state)
{
    char out[2000];
    (void)state;

    ends_after(opened(), TB_KEEP_ALIVE_MS);
    struct tb_conn *conn = opened();
    assert_true(feed(conn, "POST /echo HTTP/1.1\r\nContent-"));
    ends_after(conn, TB_HEAD_MS);
    conn = opened();
    assert_true(feed(conn, "POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"));
    ends_after(conn, TB_BODY_MS);
    conn = opened();
    assert_true(feed(conn, "POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"));
    conn->input_ms += TB_BODY_TOTAL_MS; /* as if it had come drop by drop all the time */
    ends_after(conn, TB_BODY_TOTAL_MS);
    conn = opened();
    assert_true(feed(conn, "POST /echo HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"));
    ends_after(conn, TB_STALL_MS); /* the answer is there and nobody takes it */
    conn = opened();
    assert_true(feed(conn, "POST /echo HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"));
    assert_true(drain(conn, out) > 100);
    ends_after(conn, TB_KEEP_ALIVE_MS);
}

static void an_answer_may_take_its_time(void **state)
{
    struct tb_conn *conn = opened();
    (void)state;

    assert_true(feed(conn, "GET /hold HTTP/1.1\r\n\r\n"));
    assert_true(tb_conn_tick(conn, tb_conn_now() + 24 * 3600 * 1000));
    tb_conn_close(conn);
    assert_int_equal(atomic_load(&double_open), 0);
}

static void lingers_after_the_last_answer(void **state)
{
    char out[2000];
    struct tb_conn *conn = opened();
    (void)state;

    assert_true(feed(conn, "GET /echo HTTP/1.1\r\nConnection: close\r\n\r\n"));
    assert_true(drain(conn, out) > 100);
    assert_int_equal(half_closed, 1);
    assert_true(feed(conn, "still talking"));
    ends_after(conn, TB_LINGER_MS);
}

static void pauses_a_client_that_runs_ahead(void **state)
{
    static char more[TB_MAX_PIPELINED + 1];
    struct tb_conn *conn = opened();
    (void)state;

    memset(more, 'x', sizeof more);
    assert_true(feed(conn, "GET /hold HTTP/1.1\r\n\r\n"));
    assert_int_equal(paused, 0);
    assert_true(tb_conn_input(conn, more, sizeof more));
    assert_int_equal(paused, 1);
    tb_conn_close(conn);
}

static void bodies_together_have_a_bound(void **state)
{
    char out[2000];
    struct tb_conn *conn = opened();
    (void)state;

    hub.body_bytes = TB_MAX_BODIES;
    assert_true(feed(conn, "POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"));
    drain(conn, out);
    assert_non_null(strstr(out, "HTTP/1.1 503"));
    tb_conn_close(conn);
    assert_int_equal(hub.body_bytes, TB_MAX_BODIES);
}

/* What is decided without the body is said before the body comes, and the body costs nothing. */
static void a_body_that_nobody_vouches_for_is_not_read(void **state)
{
    static const char *const heads[] = {
        "POST /secret HTTP/1.1\r\nContent-Length: 65537\r\n\r\n",
        "POST /secret HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /secret HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
    };
    static char body[100000];
    char out[2000];
    (void)state;

    for (int i = 0; i < 3; i++) {
        struct tb_conn *conn = opened();

        memset(body, 'b', sizeof body);
        assert_true(feed(conn, heads[i]));
        drain(conn, out);
        assert_int_equal(strncmp(out, "HTTP/1.1 200", 12), 0);
        assert_non_null(strstr(out, "Connection: close"));
        assert_null(strstr(out, "100 Continue"));
        assert_int_equal(half_closed, 1);
        for (int k = 0; k < 20; k++)
            assert_true(tb_conn_input(conn, body, sizeof body));
        assert_int_equal(conn->in.size, 0);
        assert_int_equal(drain(conn, out), 0);
        ends_after(conn, TB_DISCARD_MS);
    }
}

static void a_small_body_and_one_with_a_key_are_read(void **state)
{
    struct tb_conn *conn = opened();
    char out[2000];
    (void)state;

    for (int i = 0; i < 2; i++) { /* the connection lives on */
        assert_true(feed(conn, "POST /secret HTTP/1.1\r\nContent-Length: 5\r\n\r\n"));
        assert_int_equal(drain(conn, out), 0);
        assert_true(feed(conn, "hello"));
        drain(conn, out);
        assert_non_null(strstr(out, "keep-alive\r\n\r\nhello"));
    }
    assert_true(feed(conn, "POST /secret HTTP/1.1\r\nAuthorization: Bearer good\r\nExpect: 100-continue\r\n"
                           "Content-Length: 70000\r\n\r\n"));
    drain(conn, out);
    assert_string_equal(out, "HTTP/1.1 100 Continue\r\n\r\n");
    tb_conn_close(conn);
}

static struct tb_conn *upgraded(void)
{
    char out[2000];
    struct tb_conn *conn = opened();

    assert_true(feed(conn, "GET /api-ws/v1/realtime?model=m HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                           "Authorization: Bearer good\r\n\r\n"));
    drain(conn, out);
    assert_non_null(strstr(out, "created 7 model=m"));
    return conn;
}

static void pings_and_gives_up_without_a_pong(void **state)
{
    struct tb_conn *conn = upgraded();
    int64_t now = tb_conn_now();
    char out[2000];
    (void)state;

    assert_true(tb_conn_tick(conn, now + 19000));
    assert_int_equal(drain(conn, out), 0);
    for (int i = 1; i <= 2; i++) {
        assert_true(tb_conn_tick(conn, now + i * 20500));
        assert_int_equal(drain(conn, out), 2);
        assert_memory_equal(out, "\x89\0", 2);
    }
    ends_after(conn, 60000);
}

static void a_client_that_does_not_close_back_is_left(void **state)
{
    struct tb_conn *conn = upgraded();
    char out[2000];
    (void)state;

    assert_true(tb_conn_input(conn, "\x81\x85\0\0\0\0close", 11));
    assert_true(tb_conn_input(conn, "\x81\x81\0\0\0\0x", 7)); /* not heard any more */
    assert_int_equal(drain(conn, out), 8);
    assert_true(tb_conn_alive(conn));
    ends_after(conn, 2000);
}

static void a_client_that_never_reads_is_dropped(void **state)
{
    static char frame[14 + 60000] = { '\x81', '\xfe', '\xea', '\x60' };
    struct tb_conn *conn = upgraded();
    int count = 0;
    (void)state;

    memset(frame + 8, 'x', 60000); /* masked with zeros, echoed by the double */
    while (count < 1000 && tb_conn_input(conn, frame, 8 + 60000))
        count++;
    assert_in_range(count, 16 * 1024 * 1024 / 60100 - 2, 16 * 1024 * 1024 / 60000 + 2);
    assert_false(tb_conn_alive(conn));
    tb_conn_close(conn);
    assert_int_equal(atomic_load(&double_open), 0);
}

static int quiet(void **state)
{
    (void)state;
    tb_log_set_level(TB_LOG_NONE);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_so_long_for_each_part_of_a_request),
        cmocka_unit_test(an_answer_may_take_its_time),
        cmocka_unit_test(lingers_after_the_last_answer),
        cmocka_unit_test(pauses_a_client_that_runs_ahead),
        cmocka_unit_test(bodies_together_have_a_bound),
        cmocka_unit_test(a_body_that_nobody_vouches_for_is_not_read),
        cmocka_unit_test(a_small_body_and_one_with_a_key_are_read),
        cmocka_unit_test(pings_and_gives_up_without_a_pong),
        cmocka_unit_test(a_client_that_does_not_close_back_is_left),
        cmocka_unit_test(a_client_that_never_reads_is_dropped),
    };
    return cmocka_run_group_tests(tests, quiet, NULL);
}
