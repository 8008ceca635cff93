/* test_rebinding.c - names whose address changes between one look-up and the next, on purpose. An allowed place stands
 * for a public address, so that nothing leaves this machine. */
#include "voices/fetch.h"

#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "dns_double.h"
#include "http_double.h"

static struct http_double outer, inner; /* 127.0.0.2, allowed, and 127.0.0.1, at the same port */
static char place[32];

static int set_up(void **state)
{
    (void)state;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (!dns_start())
        return -1;
    for (int i = 0; i < 20; i++) {
        if (!http_start(&outer, "127.0.0.2"))
            return -1;
        if (http_start_at(&inner, "127.0.0.1", outer.port)) {
            snprintf(place, sizeof place, "127.0.0.2:%d", outer.port);
            return 0;
        }
        http_stop(&outer); /* somebody has that port */
    }
    return -1;
}

static int tear_down(void **state)
{
    (void)state;
    http_stop(&outer);
    http_stop(&inner);
    dns_stop();
    curl_global_cleanup();
    return 0;
}

/* Fetch path from the name whose addresses are `answers`, in their order. */
static enum tb_code get(const char *const answers[][DNS_ADDRESSES], int count, const char *path, struct tb_error *err)
{
    const char *const allowed[] = { place, NULL };
    const struct tb_fetch_options options = { .allowed = allowed, .connect_ms = 2000, .total_ms = 10000 };
    struct tb_bytes out = { 0 };
    char url[512];

    dns_set(answers, count);
    outer.connections = inner.connections = 0;
    snprintf(url, sizeof url, "http://rebind.test:%d%s", outer.port, path);
    *err = (struct tb_error){ 0 };
    enum tb_code rc = tb_fetch(tb_str_of(url), &options, &out, err);
    if (!rc)
        assert_string_equal((char *)out.data, "hello");
    tb_bytes_free(&out);
    return rc;
}

static void a_name_is_looked_up_once_and_what_was_found_is_checked(void **state)
{
    static const char *const flips[][DNS_ADDRESSES] = { { "127.0.0.2" }, { "127.0.0.1" } };
    static const char *const flipped[][DNS_ADDRESSES] = { { "127.0.0.1" }, { "127.0.0.2" } };
    struct tb_error err;

    (void)state;
    assert_int_equal(get(flips, 2, "/ok", &err), TB_OK);
    assert_int_equal(dns.asked, 1); /* a check that asks for itself would have been told something else */
    assert_int_equal(outer.connections, 1);
    assert_int_equal(get(flipped, 2, "/ok", &err), TB_EFETCH);
    assert_string_equal(err.text, "host not found, or its address is not allowed");
    assert_int_equal(inner.connections + outer.connections, 0);
}

/* The same URL again: what was right a moment ago is not believed. */
static void each_fetch_checks_anew(void **state)
{
    static const char *const good[][DNS_ADDRESSES] = { { "127.0.0.2" } };
    static const char *const bad[][DNS_ADDRESSES] = { { "127.0.0.1" } };
    struct tb_error err;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(get(good, 1, "/ok", &err), TB_OK);
        assert_int_equal(get(bad, 1, "/ok", &err), TB_EFETCH);
        assert_int_equal(inner.connections, 0);
    }
}

/* A redirect to the very name that the redirect came from, which has moved inside meanwhile. */
static void a_redirect_to_the_same_name_does_not_get_inside(void **state)
{
    static const char *const flips[][DNS_ADDRESSES] = { { "127.0.0.2" }, { "127.0.0.1" } };
    char path[128];
    struct tb_error err;

    (void)state;
    snprintf(path, sizeof path, "/to/http://rebind.test:%d/ok", outer.port);
    enum tb_code rc = get(flips, 2, path, &err); /* refused, or still the first address: never the inner one */
    assert_int_equal(inner.connections, 0);
    assert_true(rc == TB_EFETCH || outer.connections == 2);
    snprintf(path, sizeof path, "/to/http://other.test:%d/ok", outer.port); /* a name that is asked for now */
    assert_int_equal(get(flips, 2, path, &err), TB_EFETCH);
    assert_int_equal(dns.asked, 2);
    assert_int_equal(inner.connections, 0);
}

/* Of several addresses those that are not allowed are left out, wherever they stand. */
static void every_address_of_an_answer_is_checked(void **state)
{
    static const char *const all_inside[][DNS_ADDRESSES] = { { "127.0.0.1", "10.0.0.1", "169.254.169.254" } };
    static const char *const mixed[][DNS_ADDRESSES] = { { "127.0.0.1", "127.0.0.2", "192.168.0.1" } };
    struct tb_error err;

    (void)state;
    assert_int_equal(get(all_inside, 1, "/ok", &err), TB_EFETCH);
    get(mixed, 1, "/ok", &err);
    assert_int_equal(inner.connections, 0);
}

/* The test can fail: with the check switched off, the name does lead inside. */
static void the_stub_has_teeth(void **state)
{
    const struct tb_fetch_options options = { .allow_private = true, .total_ms = 10000 };
    struct tb_bytes out = { 0 };
    char url[64];

    (void)state;
    dns_set((const char *const[][DNS_ADDRESSES]){ { "127.0.0.1" } }, 1);
    inner.connections = 0;
    snprintf(url, sizeof url, "http://rebind.test:%d/ok", inner.port);
    assert_int_equal(tb_fetch(tb_str_of(url), &options, &out, NULL), TB_OK);
    assert_int_equal(inner.connections, 1);
    tb_bytes_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_looked_up_once_and_what_was_found_is_checked),
        cmocka_unit_test(each_fetch_checks_anew),
        cmocka_unit_test(a_redirect_to_the_same_name_does_not_get_inside),
        cmocka_unit_test(every_address_of_an_answer_is_checked),
        cmocka_unit_test(the_stub_has_teeth),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
