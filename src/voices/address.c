/* address.c - see address.h. */
#include "voices/address.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Addresses whose first `bits` are those of base are refused. */
struct block {
    uint32_t base;
    int bits;
};

static const struct block closed4[] = {
    { 0x00000000, 8 },  /* 0.0.0.0/8: this network; Linux connects 0.0.0.0 to itself */
    { 0x0a000000, 8 },  /* 10/8: private */
    { 0x64400000, 10 }, /* 100.64/10: carrier-grade NAT; Alibaba's metadata at 100.100.100.200 */
    { 0x7f000000, 8 },  /* 127/8: loopback */
    { 0xa83f8110, 32 }, /* 168.63.129.16: Azure's metadata, a public address */
    { 0xa9fe0000, 16 }, /* 169.254/16: link-local; most clouds' metadata at 169.254.169.254 */
    { 0xac100000, 12 }, /* 172.16/12: private */
    { 0xc0000000, 24 }, /* 192.0.0/24: protocol assignments; Oracle's metadata at 192.0.0.192 */
    { 0xc0000200, 24 }, /* 192.0.2/24: documentation */
    { 0xc0586300, 24 }, /* 192.88.99/24: 6to4 relays */
    { 0xc0a80000, 16 }, /* 192.168/16: private */
    { 0xc6120000, 15 }, /* 198.18/15: benchmarking */
    { 0xc6336400, 24 }, /* 198.51.100/24: documentation */
    { 0xcb007100, 24 }, /* 203.0.113/24: documentation */
    { 0xe0000000, 4 },  /* 224/4: multicast */
    { 0xf0000000, 4 },  /* 240/4: reserved, broadcast */
};

/* By the first 32 bits. */
static const struct block closed6[] = {
    { 0x20010000, 23 }, /* 2001::/23: protocol assignments; Teredo, ORCHID, benchmarking */
    { 0x20010db8, 32 }, /* 2001:db8::/32: documentation */
    { 0x20020000, 16 }, /* 2002::/16: 6to4, an IPv4 address inside */
    { 0x3fff0000, 20 }, /* 3fff::/20: documentation */
};

static bool any(uint32_t a, const struct block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((a ^ blocks[i].base) >> (32 - blocks[i].bits) == 0)
            return true;
    return false;
}

/* Only 2000::/3 is global unicast. That alone refuses ::, ::1, v4-mapped and v4-compatible, NAT64 (64:ff9b::/96 and
 * 64:ff9b:1::/48), discard-only, unique-local, link-local, site-local and multicast. */
static bool public6(const uint8_t a[16])
{
    uint32_t head = (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];

    if (head >> 29 != 1)
        return false;
    if (any(head, closed6, sizeof closed6 / sizeof *closed6))
        return false;
    /* ISATAP, <any prefix>:0:5efe:a.b.c.d, is one more way to carry an IPv4 address. */
    return !((a[8] & 0xfd) == 0 && a[9] == 0 && a[10] == 0x5e && a[11] == 0xfe);
}

bool tb_address_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, address, sizeof in);
        return !any(ntohl(in.sin_addr.s_addr), closed4, sizeof closed4 / sizeof *closed4);
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;

        memcpy(&in, address, sizeof in);
        return public6(in.sin6_addr.s6_addr);
    }
    return false;
}

bool tb_place_parse(const char *text, char out[TB_PLACE])
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN], shown[INET6_ADDRSTRLEN], *end = NULL;
    bool six = text[0] == '[';
    size_t n = colon ? (size_t)(colon - text) : 0;
    uint8_t address[16];

    out[0] = 0;
    if (six && (n < 3 || colon[-1] != ']'))
        return false;
    text += six ? 1 : 0;
    n -= six ? 2 : 0;
    if (n == 0 || n >= sizeof host)
        return false;
    memcpy(host, text, n);
    host[n] = 0;
    long port = colon[1] >= '0' && colon[1] <= '9' ? strtol(colon + 1, &end, 10) : 0;
    if (port < 1 || port > 65535 || *end || inet_pton(six ? AF_INET6 : AF_INET, host, address) != 1)
        return false;
    inet_ntop(six ? AF_INET6 : AF_INET, address, shown, sizeof shown);
    return snprintf(out, TB_PLACE, six ? "[%s]:%ld" : "%s:%ld", shown, port) < TB_PLACE;
}
