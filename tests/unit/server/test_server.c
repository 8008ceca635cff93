/* The server on real sockets, in front of a double of the api: framing, limits, closing, stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api_double.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "server/server.h"

static struct tb_server *server;
static pthread_t thread;

static void *serve(void *arg)
{
    struct tb_error err;
    (void)arg;
    return (void *)(intptr_t)tb_server_run(server, &err);
}

static int start(void **state)
{
    struct tb_server_config config = { .listen = "127.0.0.1:0", .ws_accept_delay_ms = 20 };
    struct tb_error err;
    (void)state;

    tb_log_set_level(TB_LOG_NONE);
    if (tb_server_open(&config, &server, &err))
        return -1;
    return pthread_create(&thread, NULL, serve, NULL);
}

/* Ends the server; everything must be released by then. */
static int stop(void **state)
{
    void *rc;
    (void)state;

    tb_server_stop(server);
    pthread_join(thread, &rc);
    tb_server_close(server);
    return rc == NULL && atomic_load(&double_open) == 0 ? 0 : -1;
}

static int dial(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)tb_server_port(server)) };
    struct timeval limit = { .tv_sec = 20 };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

static void put(int fd, const void *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t sent = send(fd, (const char *)p + at, n - at, MSG_NOSIGNAL);
        assert_true(sent > 0);
        at += (size_t)sent;
    }
}

static void putz(int fd, const char *z)
{
    put(fd, z, strlen(z));
}

/* Read until `text` has come (into a static buffer that keeps what was read in this call), the end, or the limit. */
static char got[400000];
static size_t got_n;
static bool until(int fd, const char *text)
{
    got_n = 0;
    got[0] = 0;
    for (;;) {
        ssize_t n = recv(fd, got + got_n, sizeof got - 1 - got_n, 0);
        if (n <= 0)
            return text == NULL && n == 0;
        got_n += (size_t)n;
        got[got_n] = 0;
        if (text && memmem(got, got_n, text, strlen(text)))
            return true;
    }
}

static void wait_for_open(int want)
{
    for (int i = 0; i < 500 && atomic_load(&double_open) != want; i++)
        usleep(10000);
    assert_int_equal(atomic_load(&double_open), want);
}

static void keeps_the_connection_and_pipelines(void **state)
{
    int fd = dial();
    (void)state;

    putz(fd, "POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nfirst"
             "POST /echo HTTP/1.1\r\nContent-Length: 6\r\n\r\nsecond");
    assert_true(until(fd, "second"));
    assert_non_null(strstr(got, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(got, "x-request-id: rid-1\r\n"));
    assert_non_null(strstr(got, "Content-Length: 5\r\n"));
    assert_non_null(strstr(got, "first"));
    putz(fd, "HEAD /echo HTTP/1.1\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody");
    assert_true(until(fd, NULL));
    assert_non_null(strstr(got, "Content-Length: 4\r\nx-request-id"));
    assert_null(strstr(got, "body"));
    close(fd);
}

static void answers_expect_and_reads_chunked_bodies(void **state)
{
    int fd = dial();
    (void)state;

    putz(fd, "POST /echo HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_true(until(fd, "HTTP/1.1 100 Continue\r\n\r\n"));
    putz(fd, "hello");
    assert_true(until(fd, "hello"));
    putz(fd, "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    assert_true(until(fd, "abcde"));
    close(fd);
}

static void chunks_an_answer_of_unknown_length(void **state)
{
    int fd = dial();
    (void)state;

    putz(fd, "GET /chunks HTTP/1.1\r\n\r\n");
    assert_true(until(fd, "\r\n0\r\n\r\n"));
    assert_non_null(strstr(got, "Transfer-Encoding: chunked\r\n"));
    assert_non_null(strstr(got, "\r\n5\r\n01234\r\n5\r\n12345\r\n5\r\n23456\r\n0\r\n\r\n"));
    putz(fd, "GET /chunks HTTP/1.0\r\n\r\n");
    assert_true(until(fd, NULL));
    assert_null(strstr(got, "chunked"));
    assert_non_null(strstr(got, "\r\n\r\n012341234523456"));
    close(fd);
}

static void streams_a_file_range(void **state)
{
    int fd = dial(), file;
    char piece[1000];
    (void)state;

    strcpy(double_file, "/tmp/timbre-test-XXXXXX");
    file = mkstemp(double_file);
    for (int i = 0; i < 250; i++) {
        memset(piece, 'a' + i % 26, sizeof piece);
        assert_int_equal(write(file, piece, sizeof piece), sizeof piece);
    }
    putz(fd, "GET /file HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_true(until(fd, NULL));
    unlink(double_file);
    char *body = strstr(got, "\r\n\r\n") + 4;
    assert_int_equal(got + got_n - body, 150000);
    assert_int_equal(body[0], 'a' + 50 % 26);
    assert_int_equal(body[149999], 'a' + 199 % 26);
    close(fd);
    close(file);
}

static void refuses_a_large_body_and_lets_the_client_finish(void **state)
{
    static char piece[100000];
    int fd = dial();
    (void)state;

    putz(fd, "POST /echo HTTP/1.1\r\nContent-Length: 20000000\r\n\r\n");
    for (int i = 0; i < 200; i++)
        put(fd, piece, sizeof piece); /* a client that reads only when all is sent must not be cut off */
    assert_true(until(fd, NULL));
    assert_non_null(strstr(got, "HTTP/1.1 400 Bad Request\r\n"));
    assert_non_null(strstr(got, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(got, "Connection: close\r\n"));
    close(fd);
    fd = dial();
    putz(fd, "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nD00000\r\n");
    for (int i = 0; i < 130; i++)
        put(fd, piece, sizeof piece);
    shutdown(fd, SHUT_WR);
    assert_true(until(fd, NULL));
    assert_non_null(strstr(got, "400 Bad Request"));
    close(fd);
}

static void refuses_what_is_not_http(void **state)
{
    char *large = malloc(TB_MAX_HEADERS + 1);
    int fd = dial();
    (void)state;

    putz(fd, "\x16\x03\x01\r\n\r\n");
    assert_true(until(fd, NULL));
    assert_non_null(strstr(got, "HTTP/1.1 400"));
    close(fd);
    fd = dial();
    memset(large, 'a', TB_MAX_HEADERS + 1);
    put(fd, large, TB_MAX_HEADERS + 1);
    assert_true(until(fd, NULL));
    assert_non_null(strstr(got, "16384"));
    close(fd);
    free(large);
}

static void a_vanished_client_releases_its_exchange(void **state)
{
    int fd = dial();
    (void)state;

    putz(fd, "GET /hold HTTP/1.1\r\n\r\n");
    wait_for_open(1);
    close(fd);
    wait_for_open(0);
}

static void a_slow_client_bounds_what_waits_for_it(void **state)
{
    int fd = dial();
    (void)state;

    putz(fd, "GET /flood HTTP/1.1\r\n\r\n");
    wait_for_open(1);
    usleep(300000);
    assert_true(atomic_load(&double_most_waiting) < 1024 * 1024 + 65537);
    close(fd);
    wait_for_open(0);
}

static const char handshake[] = "GET /api-ws/v1/realtime/?model=m HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
                                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                "Sec-WebSocket-Extensions: permessage-deflate\r\nAuthorization: Bearer good\r\n\r\n";

static int upgraded(void)
{
    int fd = dial();
    int64_t from = tb_mono_us();

    putz(fd, handshake);
    assert_true(until(fd, "created 7 model=m"));
    assert_true(tb_mono_us() - from >= 20000); /* the delay before the 101 */
    assert_non_null(strstr(got, "HTTP/1.1 101"));
    assert_non_null(strstr(got, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert_null(strstr(got, "deflate"));
    return fd;
}

static void speaks_websocket(void **state)
{
    int fd = upgraded();
    (void)state;

    put(fd, "\x01\x82\0\0\0\0he\x89\x81\0\0\0\0p\x80\x83\0\0\0\0llo", 6 + 2 + 6 + 1 + 6 + 3);
    assert_true(until(fd, "hello"));
    assert_non_null(memmem(got, got_n, "\x8a\x01p", 3));
    put(fd, "\x81\x85\0\0\0\0close", 11);
    assert_true(until(fd, "\x88\x06\x03\xe8""done"));
    put(fd, "\x88\x82\0\0\0\0\x03\xe8", 8);
    assert_true(until(fd, NULL));
    close(fd);
    wait_for_open(0);
}

static void closes_with_the_code_that_fits(void **state)
{
    static const struct {
        const char *frame;
        size_t n;
        const char *close;
    } cases[] = {
        { "\x81\x81\0\0\0\0\xff", 7, "\x88\x02\x03\xef" },                          /* 1007 */
        { "\x81\xff\0\0\0\0\0\x20\0\0\0\0\0\0", 14, "\x88\x02\x03\xf1" },           /* 1009 */
        { "\x82\x81\0\0\0\0x", 7, "\x88\x12\x03\xeb" },                             /* 1003 */
        { "\x88\x82\0\0\0\0\x03\xe9", 8, "\x88\x02\x03\xe9" },                      /* echo of 1001 */
        { "\x81\x01x", 3, "\x88\x02\x03\xea" },                                     /* 1002: not masked */
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = upgraded();
        put(fd, cases[i].frame, cases[i].n);
        assert_true(until(fd, cases[i].close));
        close(fd);
    }
    wait_for_open(0);
}

static void refuses_a_handshake_with_json(void **state)
{
    int fd = dial();
    (void)state;

    putz(fd, "GET /api-ws/v1/realtime HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    assert_true(until(fd, NULL));
    assert_non_null(strstr(got, "HTTP/1.1 401 Unauthorized\r\n"));
    assert_non_null(strstr(got, "InvalidApiKey"));
    close(fd);
}

static void stopping_closes_dialogues_with_1012(void **state)
{
    int fd = upgraded(), idle = dial();
    int64_t from = tb_mono_us();
    (void)state;

    tb_server_stop(server);
    assert_true(until(fd, "\x88\x09\x03\xf4restart"));
    put(fd, "\x88\x82\0\0\0\0\x03\xf4", 8);
    pthread_join(thread, NULL);
    assert_true(tb_mono_us() - from < 3000000);
    close(fd);
    close(idle);
    tb_server_close(server);
    assert_int_equal(start(NULL), 0);
}

static void names_an_address_that_is_taken(void **state)
{
    char taken[32];
    struct tb_server *second;
    struct tb_error err;
    (void)state;

    snprintf(taken, sizeof taken, "127.0.0.1:%d", tb_server_port(server));
    struct tb_server_config config = { .listen = taken };
    assert_int_equal(tb_server_open(&config, &second, &err), TB_EIO);
    assert_non_null(strstr(err.text, taken));
    config.listen = "nonsense";
    assert_int_equal(tb_server_open(&config, &second, &err), TB_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_connection_and_pipelines),
        cmocka_unit_test(answers_expect_and_reads_chunked_bodies),
        cmocka_unit_test(chunks_an_answer_of_unknown_length),
        cmocka_unit_test(streams_a_file_range),
        cmocka_unit_test(refuses_a_large_body_and_lets_the_client_finish),
        cmocka_unit_test(refuses_what_is_not_http),
        cmocka_unit_test(a_vanished_client_releases_its_exchange),
        cmocka_unit_test(a_slow_client_bounds_what_waits_for_it),
        cmocka_unit_test(speaks_websocket),
        cmocka_unit_test(closes_with_the_code_that_fits),
        cmocka_unit_test(refuses_a_handshake_with_json),
        cmocka_unit_test(stopping_closes_dialogues_with_1012),
        cmocka_unit_test(names_an_address_that_is_taken),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
