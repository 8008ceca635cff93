/* http_double.h - a small HTTP server on loopback that answers well or badly, by path. Counts its connections. */
#ifndef TB_TESTS_HTTP_DOUBLE_H
#define TB_TESTS_HTTP_DOUBLE_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"

struct http_double {
    int fd, port;
    pthread_t thread;
    _Atomic int connections;
    char request[4096]; /* the last one's head; read it after tb_fetch has returned */
    const char *body;   /* of /file */
    size_t body_size;
};

static inline bool http_send(int fd, const void *p, size_t n)
{
    for (const char *at = p; n;) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

static inline void http_text(int fd, const char *text)
{
    http_send(fd, text, strlen(text));
}

/* n bytes of body in pieces; stops when the client hangs up. */
static inline void http_bulk(int fd, size_t n)
{
    static const char piece[65536];

    while (n && http_send(fd, piece, n < sizeof piece ? n : sizeof piece))
        n -= n < sizeof piece ? n : sizeof piece;
}

static inline void http_headers_for_ever(int fd)
{
    char line[1024];

    memset(line, 'h', sizeof line);
    memcpy(line, "X-Filler: ", 10);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    http_text(fd, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100000 && http_send(fd, line, sizeof line); i++)
        ;
}

static inline void http_answer(struct http_double *h, int fd, const char *path)
{
    char head[2048];
    int n = 0;

    if (sscanf(path, "/redirect/%d", &n) == 1 && n > 0) { /* n more of them, then /ok */
        snprintf(head, sizeof head, "HTTP/1.1 302 Found\r\nLocation: /redirect/%d\r\nContent-Length: 4\r\n\r\nbody",
                 n - 1);
        http_text(fd, head);
    } else if (strncmp(path, "/to/", 4) == 0) { /* redirect to what follows */
        snprintf(head, sizeof head, "HTTP/1.1 307 Temporary Redirect\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                 path + 4);
        http_text(fd, head);
    } else if (sscanf(path, "/status/%d", &n) == 1) {
        snprintf(head, sizeof head, "HTTP/1.1 %d Word\r\nContent-Length: 6\r\n\r\nsecret", n);
        http_text(fd, head);
    } else if (strcmp(path, "/file") == 0) {
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", h->body_size);
        http_text(fd, head);
        http_send(fd, h->body, h->body_size);
    } else if (sscanf(path, "/sized/%d", &n) == 1) { /* says how long it is */
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", n);
        http_text(fd, head);
        http_bulk(fd, (size_t)n);
    } else if (sscanf(path, "/stream/%d", &n) == 1) { /* does not say; ends with the connection */
        http_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        http_bulk(fd, (size_t)n);
    } else if (sscanf(path, "/hog/%d", &n) == 1) { /* an error page of any length */
        http_text(fd, "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
        http_bulk(fd, (size_t)n);
    } else if (strcmp(path, "/slow") == 0) {
        http_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
        for (int i = 0; i < 100 && http_send(fd, ".", 1); i++)
            usleep(100000);
    } else if (strcmp(path, "/short") == 0) {
        http_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
    } else if (strcmp(path, "/junk") == 0) {
        http_text(fd, "SSH-2.0-OpenSSH_9.2\r\n");
    } else if (strcmp(path, "/headers") == 0) {
        http_headers_for_ever(fd);
    } else if (strcmp(path, "/ok") == 0 || strcmp(path, "/redirect/0") == 0) {
        http_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    } /* else: hangs up without a word */
}

static inline void *http_serve(void *arg)
{
    struct http_double *h = arg;
    int fd;

    while ((fd = accept(h->fd, NULL, NULL)) >= 0) {
        char path[1024];
        ssize_t n, got = 0;

        atomic_fetch_add(&h->connections, 1);
        memset(h->request, 0, sizeof h->request);
        while (!strstr(h->request, "\r\n\r\n") && h->request[0] != 0x16 /* a TLS hello: hang up */ &&
               (n = recv(fd, h->request + got, sizeof h->request - 1 - (size_t)got, 0)) > 0)
            got += n;
        if (sscanf(h->request, "GET %1023s", path) == 1)
            http_answer(h, fd, path);
        shutdown(fd, SHUT_WR);
        close(fd);
    }
    return NULL;
}

/* address: "127.0.0.1" or another loopback one; port 0: any. False when it cannot be had. */
static inline bool http_start_at(struct http_double *h, const char *address, int port)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    socklen_t n = sizeof in;

    memset(h, 0, sizeof *h);
    inet_pton(AF_INET, address, &in.sin_addr);
    h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(h->fd, (struct sockaddr *)&in, n) || listen(h->fd, 16) ||
        getsockname(h->fd, (struct sockaddr *)&in, &n)) {
        close(h->fd);
        return false;
    }
    h->port = ntohs(in.sin_port);
    return pthread_create(&h->thread, NULL, http_serve, h) == 0;
}

static inline bool http_start(struct http_double *h, const char *address)
{
    return http_start_at(h, address, 0);
}

static inline void http_stop(struct http_double *h)
{
    shutdown(h->fd, SHUT_RDWR); /* wakes accept */
    pthread_join(h->thread, NULL);
    close(h->fd);
}

#endif
