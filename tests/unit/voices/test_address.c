/* test_address.c - the edges of every closed block, one address on each side. */
#include "voices/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

static bool is_public(const char *text)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return tb_address_public((struct sockaddr *)&in);
    if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
        fail_msg("%s is no address", text);
    return tb_address_public((struct sockaddr *)&in6);
}

static void closed_addresses(void **state)
{
    static const char *const closed[] = {
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "100.100.100.200",
        "127.0.0.1", "127.255.255.255", "168.63.129.16", "169.254.0.0", "169.254.169.254", "169.254.255.255",
        "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.192", "192.0.0.255", "192.0.2.1", "192.88.99.1",
        "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:10.0.0.1",
        "64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::1",
        "2001:1ff:ffff::1", "2001:db8::1", "2002:7f00:1::1", "2002:808:808::1", "3fff::1", "3fff:fff::1", "4000::1",
        "5f00::1", "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "fec0::1", "ff02::1", "ff0e::1",
        "2a00:1450::5efe:a00:1", "2a00:1450::200:5efe:a00:1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        if (is_public(closed[i]))
            fail_msg("%s passes", closed[i]);
}

static void open_addresses(void **state)
{
    static const char *const open[] = {
        "1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255",
        "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0",
        "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0",
        "223.255.255.255",
        "2000::1", "2001:200::1", "2001:db7:ffff::1", "2001:db9::1", "2003::1", "2606:4700:4700::1111",
        "2a00:1450:4001:80b::200e", "3ffe::1", "3fff:1000::1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        if (!is_public(open[i]))
            fail_msg("%s is refused", open[i]);
}

static void other_families_are_closed(void **state)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    (void)state;
    assert_false(tb_address_public((struct sockaddr *)&un));
}

static void places_are_an_address_and_a_port(void **state)
{
    static const char *const good[][2] = { { "10.0.0.7:9000", "10.0.0.7:9000" }, { "[FD00:0::7]:1", "[fd00::7]:1" },
                                           { "127.0.0.1:65535", "127.0.0.1:65535" },
                                           { "[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.1]:80" } };
    static const char *const bad[] = { "", ":", "10.0.0.7", "10.0.0.7:", "10.0.0.7:0", "10.0.0.7:65536", "10.0.0.7:+1",
                                       "10.0.0.7:80x", "store:9000", "[::1]", "::1:80", "[::1:80", "[]:80", "[:80",
                                       "10.7:80", "[10.0.0.7]:80", "10.0.0.7:80:80",
                                       "[1111:1111:1111:1111:1111:1111:1111:1111:1111:1111]:80" };
    char out[TB_PLACE];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(tb_place_parse(good[i][0], out));
        assert_string_equal(out, good[i][1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (tb_place_parse(bad[i], out))
            fail_msg("'%s' was taken as %s", bad[i], out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_addresses),
        cmocka_unit_test(open_addresses),
        cmocka_unit_test(other_families_are_closed),
        cmocka_unit_test(places_are_an_address_and_a_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
