/* test_fetch.c - what a fetch brings home, and what it never touches. All on loopback: where a hostile URL would reach
 * something if a check failed, it would reach our own server, which counts. */
#include "voices/fetch.h"

#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/clock.h"
#include "http_double.h"

static struct http_double server, inner; /* inner: what redirects must not reach */

static int set_up(void **state)
{
    (void)state;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return http_start(&server, "127.0.0.1") && http_start(&inner, "127.0.0.1") ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    http_stop(&server);
    http_stop(&inner);
    curl_global_cleanup();
    return 0;
}

/* Fetch path from our server. The code, and the text in *err. */
static enum tb_code get(const char *path, struct tb_bytes *out, struct tb_error *err)
{
    const struct tb_fetch_options options = { .allow_private = true, .total_ms = 3000 };
    char url[4096];

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server.port, path);
    *err = (struct tb_error){ 0 };
    *out = (struct tb_bytes){ 0 };
    return tb_fetch(tb_str_of(url), &options, out, err);
}

static void expect_failure(const char *path, const char *text)
{
    struct tb_bytes out;
    struct tb_error err;

    assert_int_equal(get(path, &out, &err), TB_EFETCH);
    if (strcmp(err.text, text) != 0)
        fail_msg("%s: '%s' is not '%s'", path, err.text, text);
    tb_bytes_free(&out);
}

static void a_file_comes_whole(void **state)
{
    struct tb_bytes out;
    struct tb_error err;

    (void)state;
    assert_int_equal(get("/ok?x=1#part", &out, &err), TB_EFETCH); /* the query is part of the path here: no such */
    tb_bytes_free(&out);
    assert_int_equal(get("/ok#part", &out, &err), TB_OK);
    assert_string_equal((char *)out.data, "hello");
    tb_bytes_free(&out);
    assert_int_equal(get("/redirect/5", &out, &err), TB_OK); /* and no body of a redirect with it */
    assert_string_equal((char *)out.data, "hello");
    tb_bytes_free(&out);
    assert_int_equal(get("/sized/10485760", &out, &err), TB_OK);
    assert_int_equal(out.size, TB_MAX_AUDIO_FILE);
    tb_bytes_free(&out);
    assert_int_equal(get("/stream/10485760", &out, &err), TB_OK);
    assert_int_equal(out.size, TB_MAX_AUDIO_FILE);
    tb_bytes_free(&out);
}

static void it_appends(void **state)
{
    const struct tb_fetch_options options = { .allow_private = true };
    struct tb_bytes out = { 0 };
    char url[128];

    (void)state;
    tb_bytes_addz(&out, "before ");
    snprintf(url, sizeof url, "http://127.0.0.1:%d/ok", server.port);
    assert_int_equal(tb_fetch(tb_str_of(url), &options, &out, NULL), TB_OK);
    assert_string_equal((char *)out.data, "before hello");
    tb_bytes_free(&out);
}

static void failures_are_named_and_say_no_more(void **state)
{
    (void)state;
    expect_failure("/status/404", "HTTP 404");
    expect_failure("/status/500", "HTTP 500");
    expect_failure("/status/204", "HTTP 204");
    expect_failure("/status/206", "HTTP 206");
    expect_failure("/status/304", "HTTP 304");
    expect_failure("/status/401", "HTTP 401");
    expect_failure("/redirect/6", "more than 5 redirects");
    expect_failure("/sized/10485761", "larger than 10485760 bytes");
    expect_failure("/stream/10485761", "larger than 10485760 bytes");
    expect_failure("/stream/2000000000", "larger than 10485760 bytes");
    expect_failure("/hog/2000000000", "larger than 10485760 bytes");
    expect_failure("/short", "the connection broke off");
    expect_failure("/hang-up", "the connection broke off");
    expect_failure("/junk", "not a proper HTTP answer");
    expect_failure("/headers", "not a proper HTTP answer");
}

static void time_is_capped(void **state)
{
    const struct tb_fetch_options options = { .allow_private = true, .total_ms = 400 };
    struct tb_bytes out = { 0 };
    struct tb_error err;
    char url[128];
    int64_t began = tb_mono_us();

    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/slow", server.port);
    assert_int_equal(tb_fetch(tb_str_of(url), &options, &out, &err), TB_EFETCH);
    assert_string_equal(err.text, "timed out");
    assert_true(tb_mono_us() - began < 3000000);
    tb_bytes_free(&out);
}

static void nothing_listens_is_said_plainly(void **state)
{
    const struct tb_fetch_options options = { .allow_private = true };
    struct http_double gone;
    struct tb_bytes out = { 0 };
    struct tb_error err;
    char url[128];

    (void)state;
    assert_true(http_start(&gone, "127.0.0.1"));
    http_stop(&gone);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", gone.port);
    assert_int_equal(tb_fetch(tb_str_of(url), &options, &out, &err), TB_EFETCH);
    assert_string_equal(err.text, "could not connect");
    snprintf(url, sizeof url, "https://127.0.0.1:%d/ok", server.port);
    assert_int_equal(tb_fetch(tb_str_of(url), &options, &out, &err), TB_EFETCH);
    assert_string_equal(err.text, "TLS handshake failed or certificate not trusted");
    tb_bytes_free(&out);
}

/* Of the environment, nothing: a proxy there would see every URL and could be inside. Nor cookies, nor credentials. */
static void the_environment_is_not_believed(void **state)
{
    struct tb_bytes out;
    struct tb_error err;
    char proxy[64];

    (void)state;
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", inner.port);
    setenv("http_proxy", proxy, 1);
    setenv("all_proxy", proxy, 1);
    int before = inner.connections;
    assert_int_equal(get("/ok", &out, &err), TB_OK);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    tb_bytes_free(&out);
    assert_int_equal(inner.connections, before);
    assert_null(strcasestr(server.request, "\r\nCookie:"));
    assert_null(strcasestr(server.request, "\r\nAuthorization:"));
    assert_null(strcasestr(server.request, "\r\nReferer:"));
    assert_null(strcasestr(server.request, "\r\nAccept-Encoding:"));
}

/* Hostile URLs ----------------------------------------------------------------------------------------------------*/

/* %d is the port of our server. Each would reach it, or something else that is not public, or is no URL to fetch. */
static const char *const hostile[] = {
    /* loopback, in every notation of IPv4 */
    "http://127.0.0.1:%d/ok",
    "http://127.0.0.2:%d/ok",
    "http://127.1:%d/ok",
    "http://127.0.1:%d/ok",
    "http://2130706433:%d/ok",
    "http://0x7f000001:%d/ok",
    "http://0x7f.0.0.1:%d/ok",
    "http://0x7f.1:%d/ok",
    "http://017700000001:%d/ok",
    "http://0177.0.0.1:%d/ok",
    "http://0177.0x0.0.1:%d/ok",
    "http://127.0.0.1.:%d/ok",
    "http://127.000.000.001:%d/ok",
    "http://%%31%%32%%37.0.0.1:%d/ok",
    "http://%%6cocalhost:%d/ok",
    "HTTP://127.0.0.1:%d/ok",
    "http:127.0.0.1:%d/ok",
    "http:/127.0.0.1:%d/ok",
    "http:///127.0.0.1:%d/ok",
    "http:\\\\127.0.0.1:%d/ok",
    "http://127.0.0.1:%d\\@example.com/ok",
    "http://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1:%d/ok",              /* circled digits */
    "http://127\xe3\x80\x82""0\xe3\x80\x82""0\xe3\x80\x82""1:%d/ok",             /* ideographic full stops */
    "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1:%d/ok",              /* full-width digits */
    "http://localho\xc5\xbft:%d/ok",                                       /* long s */
    /* unspecified: Linux connects it to itself */
    "http://0.0.0.0:%d/ok",
    "http://0:%d/ok",
    "http://00.00.00.00:%d/ok",
    "http://[::]:%d/ok",
    /* names of ourselves */
    "http://localhost:%d/ok",
    "http://LOCALHOST:%d/ok",
    "http://localhost.:%d/ok",
    "http://ip6-localhost:%d/ok",
    "http://a.b.localhost:%d/ok",
    /* IPv6 forms */
    "http://[::1]:%d/ok",
    "http://[0:0:0:0:0:0:0:1]:%d/ok",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]:%d/ok",
    "http://[::ffff:127.0.0.1]:%d/ok",
    "http://[::ffff:7f00:1]:%d/ok",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:%d/ok",
    "http://[::127.0.0.1]:%d/ok",
    "http://[64:ff9b::127.0.0.1]:%d/ok",
    "http://[64:ff9b:1::7f00:1]:%d/ok",
    "http://[2002:7f00:1::]:%d/ok",
    "http://[2001:0:7f00:1::]:%d/ok",
    "http://[fe80::1]:%d/ok",
    "http://[fe80::1%%25lo]:%d/ok",
    "http://[::1%%25lo]:%d/ok",
    "http://[fc00::1]:%d/ok",
    "http://[fd00:ec2::254]:%d/latest/meta-data",
    "http://[ff02::1]:%d/ok",
    "http://[2a00:1450::5efe:7f00:1]:%d/ok",
    /* other nets that are not public */
    "http://10.0.0.1:%d/ok",
    "http://172.16.0.1:%d/ok",
    "http://192.168.0.1:%d/ok",
    "http://100.64.0.1:%d/ok",
    "http://100.100.100.200:%d/latest/meta-data",
    "http://169.254.169.254:%d/latest/meta-data",
    "http://0xa9fea9fe:%d/latest/meta-data",
    "http://2852039166:%d/latest/meta-data",
    "http://168.63.129.16:%d/machine",
    "http://192.0.0.192:%d/opc",
    "http://198.18.0.1:%d/ok",
    "http://224.0.0.1:%d/ok",
    "http://255.255.255.255:%d/ok",
    "http://240.0.0.1:%d/ok",
    /* names that resolve inside; given by pins below */
    "http://inside.example:%d/ok",
    "http://metadata.example:%d/ok",
    "http://mapped.example:%d/ok",
    "http://six.example:%d/ok",
    "http://nat64.example:%d/ok",
    "http://both.example:%d/ok",
    "http://zero.example:%d/ok",
    /* user and password */
    "http://user:secret@127.0.0.1:%d/ok",
    "http://example.com@127.0.0.1:%d/ok",
    "http://@127.0.0.1:%d/ok",
    "http://:@127.0.0.1:%d/ok",
    "http://example.com%%40127.0.0.1:%d/ok",
    "http://a@b@127.0.0.1:%d/ok",
    /* ports of other services, whatever the host */
    "http://example.com:22/?%d",
    "http://example.com:25/?%d",
    "http://example.com:0/?%d",
    "http://example.com:65536/?%d",
    "http://example.com:99999999999/?%d",
    /* other schemes, and what is no URL */
    "file:///etc/passwd?%d",
    "file://127.0.0.1/etc/passwd?%d",
    "ftp://127.0.0.1:%d/ok",
    "gopher://127.0.0.1:%d/_GET%%20/ok",
    "dict://127.0.0.1:%d/info",
    "ldap://127.0.0.1:%d/",
    "tftp://127.0.0.1:%d/ok",
    "scp://127.0.0.1:%d/ok",
    "smb://127.0.0.1:%d/ok",
    "telnet://127.0.0.1:%d/",
    "ws://127.0.0.1:%d/ok",
    "oss://bucket/key?%d",
    "jar:http://127.0.0.1:%d/ok!/",
    "javascript:alert(%d)",
    "127.0.0.1:%d/ok",
    "//127.0.0.1:%d/ok",
    "/etc/passwd?%d",
    "http://?%d",
    "http://:%d/ok",
    "http://127.0.0.1:%d /ok",
    "http://127.0.0.1\r\nHost: x:%d/ok",
    "http://127.0.0.1:%d/ok\r\nX-Injected: 1",
    "http://127.0.0.1:%d/ok\x01",
    " http://127.0.0.1:%d/ok",
    "http://[::1:%d/ok",
    "http://::1:%d/ok",
    "http://[127.0.0.1]:%d/ok",
};
enum { HOSTILE = sizeof hostile / sizeof *hostile, HOSTILE_HERE = 34 /* loopback by IPv4 and by name */ };

/* Names for the table, at our server's port. */
static const char *const *pinned(void)
{
    static const char *const forms[] = {
        "inside.example:%d:127.0.0.1",  "metadata.example:%d:169.254.169.254", "mapped.example:%d:[::ffff:127.0.0.1]",
        "six.example:%d:[::1]",         "nat64.example:%d:[64:ff9b::7f00:1]",  "both.example:%d:10.0.0.1,127.0.0.1",
        "zero.example:%d:0.0.0.0",
    };
    enum { N = sizeof forms / sizeof *forms };
    static char texts[N][64];
    static const char *list[N + 1];

    for (int i = 0; i < N; i++) {
        snprintf(texts[i], sizeof texts[i], forms[i], server.port);
        list[i] = texts[i];
    }
    return list;
}

static void no_hostile_url_reaches_anything(void **state)
{
    const struct tb_fetch_options options = { .pins = pinned(), .connect_ms = 300, .total_ms = 1000 };
    int before = server.connections;

    (void)state;
    for (size_t i = 0; i < HOSTILE; i++) {
        struct tb_bytes out = { 0 };
        struct tb_error err = { 0 };
        char url[512];

        snprintf(url, sizeof url, hostile[i], server.port);
        enum tb_code rc = tb_fetch(tb_str_of(url), &options, &out, &err);
        if ((rc != TB_EFETCH && rc != TB_EINVAL) || out.size || server.connections != before)
            fail_msg("%s: code %d, %zu bytes, '%s'", url, rc, out.size, err.text);
        /* A refusal, and not by chance: nothing that a connection could have told. */
        if (!strstr(err.text, "not allowed") && !strstr(err.text, "not a URL") && !strstr(err.text, "not an http"))
            fail_msg("%s: '%s'", url, err.text);
        tb_bytes_free(&out);
    }
    print_message("%d hostile URLs refused\n", HOSTILE);
}

/* The same table with the check switched off: a good part of it does reach our server. */
static void the_hostile_table_has_teeth(void **state)
{
    const struct tb_fetch_options options = { .allow_private = true, .connect_ms = 300, .total_ms = 1000 };
    int before = server.connections, reached;

    (void)state;
    for (size_t i = 0; i < HOSTILE_HERE; i++) {
        struct tb_bytes out = { 0 };
        char url[512];

        snprintf(url, sizeof url, hostile[i], server.port);
        tb_fetch(tb_str_of(url), &options, &out, NULL);
        tb_bytes_free(&out);
    }
    reached = server.connections - before;
    print_message("%d of the first %d reach a server on loopback when allowed\n", reached, HOSTILE_HERE);
    assert_true(reached >= 15);
}

/* A name that is not there and one that is inside give the same words. */
static void the_inside_cannot_be_mapped(void **state)
{
    const struct tb_fetch_options options = { .pins = pinned() };
    struct tb_bytes out = { 0 };
    struct tb_error inside, nowhere;
    char url[128];

    (void)state;
    snprintf(url, sizeof url, "http://inside.example:%d/ok", server.port);
    assert_int_equal(tb_fetch(tb_str_of(url), &options, &out, &inside), TB_EFETCH);
    assert_int_equal(tb_fetch(TB_STR("http://no-such-name.invalid/ok"), &options, &out, &nowhere), TB_EFETCH);
    assert_string_equal(inside.text, nowhere.text);
    assert_null(strstr(inside.text, "127"));
    tb_bytes_free(&out);
}

/* The first server is on the list, so its redirects are followed; each URL they name is checked as the first was. */
static void redirects_are_checked_like_first_urls(void **state)
{
    char place[32], url[512], target[256];
    const char *const allowed[] = { place, NULL };
    const struct tb_fetch_options options = { .allowed = allowed, .pins = pinned(), .total_ms = 2000 };
    static const char *const targets[] = {
        "http://127.0.0.1:%d/ok",     "http://localhost:%d/ok",       "//127.0.0.1:%d/ok",
        "http://0x7f000001:%d/ok",    "http://[::1]:%d/ok",           "http://[::ffff:127.0.0.1]:%d/ok",
        "https://127.0.0.1:%d/ok",    "http://u:p@127.0.0.1:%d/ok",   "file:///etc/passwd?%d",
        "gopher://127.0.0.1:%d/_x",   "ftp://127.0.0.1:%d/ok",        "http://169.254.169.254/?%d",
        "http://10.0.0.1:%d/ok",      "http://0.0.0.0:%d/ok",         "dict://127.0.0.1:%d/x",
    };

    (void)state;
    snprintf(place, sizeof place, "127.0.0.1:%d", server.port);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct tb_bytes out = { 0 };
        struct tb_error err = { 0 };
        int before = inner.connections;

        snprintf(target, sizeof target, targets[i], inner.port);
        snprintf(url, sizeof url, "http://127.0.0.1:%d/to/%s", server.port, target);
        enum tb_code rc = tb_fetch(tb_str_of(url), &options, &out, &err);
        if (rc != TB_EFETCH || out.size || inner.connections != before || !strstr(err.text, "not allowed"))
            fail_msg("%s: code %d, %zu bytes, '%s'", url, rc, out.size, err.text);
        tb_bytes_free(&out);
    }
    /* The list itself works, by name too: what counts is the address that is connected to. */
    struct tb_bytes out = { 0 };
    snprintf(url, sizeof url, "http://inside.example:%d/to//redirect/1", server.port);
    assert_int_equal(tb_fetch(tb_str_of(url), &options, &out, NULL), TB_OK);
    assert_string_equal((char *)out.data, "hello");
    tb_bytes_free(&out);
}

/* Where every address is fine, user and password and other schemes still are not: first URL or redirect. */
static void some_urls_are_refused_whatever_the_address(void **state)
{
    static const char *const urls[] = { "http://user:pw@127.0.0.1:%d/ok", "http://user@127.0.0.1:%d/ok",
                                        "http://:pw@127.0.0.1:%d/ok",     "ftp://127.0.0.1:%d/ok",
                                        "gopher://127.0.0.1:%d/_GET",     "file:///etc/passwd?%d",
                                        "dict://127.0.0.1:%d/x",          "127.0.0.1:%d/ok" };
    const struct tb_fetch_options options = { .allow_private = true, .total_ms = 2000 };

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct tb_bytes out = { 0 };
        struct tb_error err = { 0 };
        char url[256], path[300];
        int before = inner.connections;

        snprintf(url, sizeof url, urls[i], inner.port);
        if (tb_fetch(tb_str_of(url), &options, &out, &err) != TB_EINVAL)
            fail_msg("%s: '%s'", url, err.text);
        assert_null(strstr(err.text, "pw")); /* what somebody typed as a password is not repeated */
        if (strstr(url, "://")) {
            snprintf(path, sizeof path, "/to/%s", url);
            expect_failure(path, "redirects to a URL that is not allowed");
        }
        assert_int_equal(inner.connections, before);
        assert_int_equal(out.size, 0);
        tb_bytes_free(&out);
    }
}

static void lengths_and_odd_bytes(void **state)
{
    const struct tb_fetch_options options = { .allow_private = true };
    char url[TB_MAX_URL + 2];
    struct tb_bytes out = { 0 };
    struct tb_error err;

    (void)state;
    memset(url, 'a', sizeof url);
    memcpy(url, "http://127.0.0.1:1/", 19);
    assert_int_equal(tb_fetch((struct tb_str){ url, TB_MAX_URL + 1 }, &options, &out, &err), TB_EINVAL);
    assert_int_equal(tb_fetch((struct tb_str){ url, TB_MAX_URL }, &options, &out, &err), TB_EFETCH);
    assert_int_equal(tb_fetch((struct tb_str){ NULL, 0 }, &options, &out, &err), TB_EINVAL);
    assert_int_equal(tb_fetch((struct tb_str){ "http://127.0.0.1\0.example.com/", 30 }, &options, &out, &err),
                     TB_EINVAL);
    assert_int_equal(out.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_comes_whole),
        cmocka_unit_test(it_appends),
        cmocka_unit_test(failures_are_named_and_say_no_more),
        cmocka_unit_test(time_is_capped),
        cmocka_unit_test(nothing_listens_is_said_plainly),
        cmocka_unit_test(the_environment_is_not_believed),
        cmocka_unit_test(no_hostile_url_reaches_anything),
        cmocka_unit_test(the_hostile_table_has_teeth),
        cmocka_unit_test(the_inside_cannot_be_mapped),
        cmocka_unit_test(redirects_are_checked_like_first_urls),
        cmocka_unit_test(some_urls_are_refused_whatever_the_address),
        cmocka_unit_test(lengths_and_odd_bytes),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
