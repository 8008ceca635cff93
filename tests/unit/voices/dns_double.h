/* dns_double.h - a name server on loopback whose answers change from one question to the next, and the way of the
 * program's own look-ups to it: getaddrinfo() of this header stands before the C library's for every library of the
 * test, asks the name server over UDP for names under ".test", and passes everything else on. */
#ifndef TB_TESTS_DNS_DOUBLE_H
#define TB_TESTS_DNS_DOUBLE_H

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DNS_ANSWERS = 8, DNS_ADDRESSES = 3, DNS_HEAD = 12 };

static struct dns_double {
    int fd;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock; /* of the answers */
    atomic_int asked; /* questions for an IPv4 address */
    /* Addresses of the nth answer; the last one that is set holds for all further questions. */
    const char *answers[DNS_ANSWERS][DNS_ADDRESSES];
} dns = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* From now on these are the answers. */
static inline void dns_set(const char *const answers[][DNS_ADDRESSES], int count)
{
    pthread_mutex_lock(&dns.lock);
    memset(dns.answers, 0, sizeof dns.answers);
    memcpy(dns.answers, answers, (size_t)count * sizeof *answers);
    dns.asked = 0;
    pthread_mutex_unlock(&dns.lock);
}

/* Length of the answer to the question of n bytes in packet, put in its place. */
static inline size_t dns_answer(uint8_t *packet, size_t n)
{
    size_t at = DNS_HEAD;
    int turn, count = 0;

    while (at < n && packet[at])
        at += packet[at] + 1u;
    at += 5; /* the root label, type, class */
    if (n < DNS_HEAD || at > n)
        return 0;
    packet[2] = 0x84; /* an answer, with authority */
    packet[3] = 0;
    memset(packet + 6, 0, 6);
    if (packet[at - 3] != ns_t_a)
        return at;
    turn = atomic_fetch_add(&dns.asked, 1);
    turn = turn < DNS_ANSWERS ? turn : DNS_ANSWERS - 1;
    pthread_mutex_lock(&dns.lock);
    while (turn > 0 && !dns.answers[turn][0])
        turn--;
    for (int i = 0; i < DNS_ADDRESSES && dns.answers[turn][i]; i++, count++) {
        static const uint8_t record[] = { 0xc0, DNS_HEAD, 0, ns_t_a, 0, ns_c_in, 0, 0, 0, 0, 0, 4 };

        memcpy(packet + at, record, sizeof record); /* to be kept for no time */
        inet_pton(AF_INET, dns.answers[turn][i], packet + at + sizeof record);
        at += sizeof record + 4;
    }
    pthread_mutex_unlock(&dns.lock);
    packet[7] = (uint8_t)count;
    return at;
}

static inline void *dns_serve(void *arg)
{
    uint8_t packet[1024];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t n;

    while ((n = recvfrom(dns.fd, packet, 512, 0, (struct sockaddr *)&from, &size)) > 1)
        sendto(dns.fd, packet, dns_answer(packet, (size_t)n), 0, (struct sockaddr *)&from, size);
    return arg;
}

static inline bool dns_start(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t n = sizeof in;

    dns.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(dns.fd, (struct sockaddr *)&in, n) || getsockname(dns.fd, (struct sockaddr *)&in, &n))
        return false;
    dns.port = in.sin_port;
    return pthread_create(&dns.thread, NULL, dns_serve, NULL) == 0;
}

static inline void dns_stop(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = dns.port, .sin_addr = { htonl(INADDR_LOOPBACK) } };

    sendto(dns.fd, "", 1, 0, (struct sockaddr *)&in, sizeof in); /* ends the thread */
    pthread_join(dns.thread, NULL);
    close(dns.fd);
}

/* What the name server says, as `count` addresses; -1: nothing. */
static inline int dns_ask(const char *name, struct in_addr *out, int most)
{
    struct __res_state state = { 0 };
    uint8_t reply[1024];
    int n, count = 0;

    if (res_ninit(&state))
        return -1;
    state.nscount = 1;
    state.nsaddr_list[0] = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = dns.port,
                                                 .sin_addr = { htonl(INADDR_LOOPBACK) } };
    n = res_nquery(&state, name, ns_c_in, ns_t_a, reply, sizeof reply);
    res_nclose(&state);
    for (; n > DNS_HEAD && count < reply[7] && count < most; count++) /* the records stand at the end, 16 bytes each */
        memcpy(&out[count], reply + n - 16 * (reply[7] - count) + 12, 4);
    return count ? count : -1;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    struct addrinfo **end = out;
    struct in_addr found[DNS_ADDRESSES];
    char text[INET_ADDRSTRLEN];
    size_t n = name ? strlen(name) : 0;
    int count;

    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (n < 5 || strcmp(name + n - 5, ".test") != 0)
        return real(name, service, hints, out);
    if (hints && hints->ai_family == AF_INET6)
        return EAI_NONAME;
    *out = NULL;
    count = dns_ask(name, found, DNS_ADDRESSES);
    for (int i = 0; i < count; i++) {
        inet_ntop(AF_INET, &found[i], text, sizeof text);
        if (real(text, service, hints, end))
            return EAI_FAIL;
        while (*end)
            end = &(*end)->ai_next;
    }
    return count > 0 ? 0 : EAI_NONAME;
}

#endif
