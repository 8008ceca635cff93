/* server.c - see server.h. The socket side: libwebsockets carries raw sockets, timers and the wake-up; what the bytes
 * mean is conn.c's matter.
 *
 * Threads: everything runs on the thread of tb_server_run, except post (any thread: a mutexed list and
 * lws_cancel_service) and tb_server_stop (a flag and lws_cancel_service, from a signal handler). */
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "server/conn.h"

enum { BACKLOG = 1024, TICK_US = 500 * 1000, DRAIN_MS = 10 * 1000, WRITE_PIECE = 64 * 1024 };

/* One accepted socket: the user space of its wsi. */
struct sock {
    struct lws *wsi;
    struct tb_server *server;
    struct tb_conn *conn;
    struct sock *next, *prev;
    lws_sorted_usec_list_t timer;
    bool half_closed;
};

struct posted {
    struct posted *next;
    void (*fn)(void *arg);
    void *arg;
};

struct timer {
    lws_sorted_usec_list_t sul;
    struct tb_server *server;
    struct timer *next, *prev;
    void (*fn)(void *arg);
    void *arg;
};

struct tb_server {
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws *listener;
    struct tb_hub hub;
    int port, spare_fd;
    struct sock *socks;
    size_t sock_count;
    struct timer *timers;
    lws_sorted_usec_list_t tick;
    int64_t drain_until_ms;
    atomic_bool stop;
    pthread_mutex_t lock;
    struct posted *posted, **posted_tail; /* under lock */
};

/* The loop that the api sees -------------------------------------------------------------------------------------- */

static void loop_post(void *ctx, void (*fn)(void *arg), void *arg)
{
    struct tb_server *s = ctx;
    struct posted *p = malloc(sizeof *p);

    if (!p) { /* an event lost here would hang its client for ever: better to go down and be restarted */
        tb_log(TB_LOG_ERROR, "out-of-memory", "where=post");
        abort();
    }
    *p = (struct posted){ .fn = fn, .arg = arg };
    pthread_mutex_lock(&s->lock);
    bool first = s->posted == NULL;
    *s->posted_tail = p;
    s->posted_tail = &p->next;
    pthread_mutex_unlock(&s->lock);
    if (first)
        lws_cancel_service(s->context);
}

static void run_posted(struct tb_server *s, bool call)
{
    pthread_mutex_lock(&s->lock);
    struct posted *p = s->posted;
    s->posted = NULL;
    s->posted_tail = &s->posted;
    pthread_mutex_unlock(&s->lock);
    while (p) {
        struct posted *next = p->next;
        if (call)
            p->fn(p->arg);
        free(p);
        p = next;
    }
}

static void timer_free(struct timer *t)
{
    lws_sul_cancel(&t->sul);
    if (t->next)
        t->next->prev = t->prev;
    if (t->prev)
        t->prev->next = t->next;
    else
        t->server->timers = t->next;
    free(t);
}

static void timer_fired(lws_sorted_usec_list_t *sul)
{
    struct timer *t = lws_container_of(sul, struct timer, sul);
    void (*fn)(void *arg) = t->fn;
    void *arg = t->arg;

    timer_free(t);
    fn(arg);
}

static void loop_after(void *ctx, int64_t delay_ms, void (*fn)(void *arg), void *arg)
{
    struct tb_server *s = ctx;
    struct timer *t = calloc(1, sizeof *t);

    if (!t) {
        tb_log(TB_LOG_ERROR, "out-of-memory", "where=after");
        abort();
    }
    t->server = s;
    t->fn = fn;
    t->arg = arg;
    t->next = s->timers;
    if (t->next)
        t->next->prev = t;
    s->timers = t;
    lws_sul_schedule(s->context, 0, &t->sul, timer_fired, (delay_ms > 0 ? delay_ms : 1) * 1000);
}

/* What a connection asks of its socket ----------------------------------------------------------------------------- */

static void kill_soon(struct sock *k)
{
    lws_set_timeout(k->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
}

static void io_want_write(void *ctx)
{
    struct sock *k = ctx;
    lws_callback_on_writable(k->wsi);
}

static void io_pause(void *ctx, bool paused)
{
    struct sock *k = ctx;
    lws_rx_flow_control(k->wsi, !paused);
}

static void io_timer_fired(lws_sorted_usec_list_t *sul)
{
    struct sock *k = lws_container_of(sul, struct sock, timer);
    tb_conn_timer(k->conn);
}

static void io_timer(void *ctx, int64_t delay_ms)
{
    struct sock *k = ctx;
    lws_sul_schedule(k->server->context, 0, &k->timer, io_timer_fired, delay_ms * 1000);
}

static void io_half_close(void *ctx)
{
    struct sock *k = ctx;

    if (!k->half_closed)
        shutdown(lws_get_socket_fd(k->wsi), SHUT_WR);
    k->half_closed = true;
}

/* Sockets ---------------------------------------------------------------------------------------------------------- */

static int adopted(struct tb_server *s, struct lws *wsi, struct sock *k)
{
    const struct tb_conn_io io = { io_want_write, io_pause, io_timer, io_half_close, k };

    *k = (struct sock){ .wsi = wsi, .server = s };
    k->conn = tb_conn_open(&s->hub, &io);
    if (!k->conn)
        return -1;
    k->next = s->socks;
    if (k->next)
        k->next->prev = k;
    s->socks = k;
    s->sock_count++;
    return 0;
}

static void gone(struct tb_server *s, struct sock *k)
{
    if (!k->conn)
        return;
    lws_sul_cancel(&k->timer);
    tb_conn_close(k->conn);
    k->conn = NULL;
    if (k->next)
        k->next->prev = k->prev;
    if (k->prev)
        k->prev->next = k->next;
    else
        s->socks = k->next;
    s->sock_count--;
}

static int write_some(struct sock *k)
{
    const uint8_t *p;
    size_t n;

    for (size_t written = 0;; written += n) {
        /* What the kernel did not take, the library holds and sends before it asks again: until then the connection
         * must not believe that all is out, or it would close over it. */
        if (written >= WRITE_PIECE || (written && lws_send_pipe_choked(k->wsi))) {
            lws_callback_on_writable(k->wsi);
            return 0;
        }
        tb_conn_output(k->conn, &p, &n);
        if (!tb_conn_alive(k->conn))
            return -1;
        if (n == 0)
            return 0;
        n = n < WRITE_PIECE ? n : WRITE_PIECE;
        if (lws_write(k->wsi, (unsigned char *)(uintptr_t)p, n, LWS_WRITE_RAW) < 0)
            return -1;
        tb_conn_sent(k->conn, n);
    }
}

/* Out of descriptors: a waiting connection would wake the loop for ever. The spare one lets us take and close it. */
static void refuse_one(struct tb_server *s, int listen_fd)
{
    tb_log(TB_LOG_WARN, "accept-failed", "connections=%zu error=\"%s\"", s->sock_count, strerror(errno));
    close(s->spare_fd);
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Take all connections that wait on the listening socket. */
static void accept_all(struct tb_server *s, int listen_fd)
{
    for (;;) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno != EAGAIN)
                refuse_one(s, listen_fd);
            return;
        }
        if (s->sock_count >= TB_MAX_CONNECTIONS || s->hub.stopping) {
            close(fd);
            continue;
        }
        lws_sock_file_fd_type desc = { .sockfd = fd };
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)); /* events are small and must not wait */
        /* On failure the library has closed the socket. */
        lws_adopt_descriptor_vhost(s->vhost, LWS_ADOPT_SOCKET, desc, "timbre", NULL);
    }
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct lws_context *context = lws_get_context(wsi);
    struct tb_server *s = context ? lws_context_user(context) : NULL;
    struct sock *k = user;

    switch (reason) {
    case LWS_CALLBACK_RAW_RX_FILE:
        accept_all(s, lws_get_socket_fd(wsi));
        return 0;
    case LWS_CALLBACK_RAW_ADOPT:
        return adopted(s, wsi, k);
    case LWS_CALLBACK_RAW_RX:
        return tb_conn_input(k->conn, in, len) ? 0 : -1;
    case LWS_CALLBACK_RAW_WRITEABLE:
        return write_some(k);
    case LWS_CALLBACK_RAW_CLOSE:
        gone(s, k);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    { "timbre", callback, sizeof(struct sock), 64 * 1024, 0, NULL, 0 },
    { NULL, NULL, 0, 0, 0, NULL, 0 },
};

/* Time ------------------------------------------------------------------------------------------------------------- */

static void begin_stop(struct tb_server *s)
{
    s->hub.stopping = true;
    s->drain_until_ms = tb_mono_us() / 1000 + DRAIN_MS;
    tb_log(TB_LOG_INFO, "stopping", "connections=%zu", s->sock_count);
    lws_set_timeout(s->listener, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    for (struct sock *k = s->socks; k; k = k->next)
        if (!tb_conn_stop(k->conn))
            kill_soon(k);
}

static void tick(lws_sorted_usec_list_t *sul)
{
    struct tb_server *s = lws_container_of(sul, struct tb_server, tick);
    int64_t now = tb_mono_us() / 1000;
    bool over = s->hub.stopping && now > s->drain_until_ms;

    for (struct sock *k = s->socks; k; k = k->next)
        if (over || !tb_conn_tick(k->conn, now))
            kill_soon(k);
    lws_sul_schedule(s->context, 0, &s->tick, tick, TICK_US);
}

/* Opening ---------------------------------------------------------------------------------------------------------- */

/* "host:port", "[v6]:port" or ":port" (all addresses). */
static enum tb_code split_listen(const char *listen, char host[128], char port[8], struct tb_error *err)
{
    const char *colon = strrchr(listen, ':');
    char *end;

    if (!colon || strlen(colon + 1) < 1 || strlen(colon + 1) > 5 || strtol(colon + 1, &end, 10) > 65535 || *end)
        return tb_fail(err, TB_EINVAL, "listen address '%s' is not host:port", listen);
    size_t n = (size_t)(colon - listen);
    if (n >= 2 && listen[0] == '[' && listen[n - 1] == ']') {
        listen++;
        n -= 2;
    }
    if (n >= 128)
        return tb_fail(err, TB_EINVAL, "listen address too long");
    memcpy(host, listen, n);
    host[n] = 0;
    strcpy(port, colon + 1);
    return TB_OK;
}

static enum tb_code bind_socket(const char *listen_at, int *out, int *port_out, struct tb_error *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *list;
    struct sockaddr_storage bound;
    socklen_t bound_n = sizeof bound;
    char host[128], port[8];
    enum tb_code code = split_listen(listen_at, host, port, err);
    int one = 1, rc;

    if (code)
        return code;
    if ((rc = getaddrinfo(host[0] ? host : NULL, port, &hints, &list)))
        return tb_fail(err, TB_EIO, "listen address '%s': %s", listen_at, gai_strerror(rc));
    int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, list->ai_addr, list->ai_addrlen) || listen(fd, BACKLOG) ||
        getsockname(fd, (struct sockaddr *)&bound, &bound_n)) {
        rc = errno;
        freeaddrinfo(list);
        if (fd >= 0)
            close(fd);
        return tb_fail(err, TB_EIO, "cannot listen on %s: %s", listen_at, strerror(rc));
    }
    freeaddrinfo(list);
    *port_out = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                  : ((struct sockaddr_in *)&bound)->sin_port);
    *out = fd;
    return TB_OK;
}

static void library_log(int level, const char *line)
{
    tb_log(level == LLL_ERR ? TB_LOG_WARN : TB_LOG_DEBUG, "lws", "text=\"%.*s\"", (int)strcspn(line, "\n"), line);
}

static enum tb_code open_loop(struct tb_server *s, int fd, struct tb_error *err)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .gid = -1,
        .uid = -1,
        .user = s,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .pt_serv_buf_size = 64 * 1024,
    };
    lws_sock_file_fd_type desc = { .filefd = fd };

    lws_set_log_level(LLL_ERR | LLL_WARN, library_log);
    s->context = lws_create_context(&info);
    if (s->context)
        s->vhost = lws_create_vhost(s->context, &info);
    if (s->vhost)
        s->listener = lws_adopt_descriptor_vhost(s->vhost, LWS_ADOPT_RAW_FILE_DESC, desc, "timbre", NULL);
    if (!s->listener)
        return tb_fail(err, TB_EIO, "the event loop cannot start (open files: %s)", strerror(errno));
    lws_sul_schedule(s->context, 0, &s->tick, tick, TICK_US);
    return TB_OK;
}

enum tb_code tb_server_open(const struct tb_server_config *config, struct tb_server **out, struct tb_error *err)
{
    struct tb_server *s = calloc(1, sizeof *s);
    struct tb_api_config api = config->api;
    int fd = -1;
    enum tb_code rc;

    *out = NULL;
    if (!s)
        return tb_fail(err, TB_ENOMEM, "out of memory");
    pthread_mutex_init(&s->lock, NULL);
    s->posted_tail = &s->posted;
    s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    s->hub.ws_accept_delay_ms = config->ws_accept_delay_ms;
    if ((rc = bind_socket(config->listen, &fd, &s->port, err)) || (rc = open_loop(s, fd, err)))
        goto failed;
    api.loop = (struct tb_loop){ loop_post, loop_after, s };
    if ((rc = tb_api_open(&api, &s->hub.api, err)))
        goto failed;
    *out = s;
    return TB_OK;
failed:
    if (fd >= 0 && !s->listener)
        close(fd);
    tb_server_close(s);
    return rc;
}

int tb_server_port(const struct tb_server *server)
{
    return server->port;
}

enum tb_code tb_server_run(struct tb_server *s, struct tb_error *err)
{
    while (!s->hub.stopping || s->socks) {
        if (lws_service(s->context, 0) < 0)
            return tb_fail(err, TB_EIO, "the event loop failed: %s", strerror(errno));
        run_posted(s, true);
        if (atomic_load(&s->stop) && !s->hub.stopping)
            begin_stop(s);
    }
    return TB_OK;
}

void tb_server_stop(struct tb_server *server)
{
    atomic_store(&server->stop, true);
    lws_cancel_service(server->context);
}

/* Exchanges and dialogues first, then the api, whose workers may post until they are joined, then the loop. */
void tb_server_close(struct tb_server *s)
{
    if (!s)
        return;
    for (struct sock *k = s->socks, *next; k; k = next) {
        next = k->next;
        gone(s, k);
    }
    if (s->hub.api)
        tb_api_close(s->hub.api);
    run_posted(s, false);
    while (s->timers)
        timer_free(s->timers);
    if (s->context)
        lws_sul_cancel(&s->tick);
    if (s->context)
        lws_context_destroy(s->context);
    if (s->spare_fd >= 0)
        close(s->spare_fd);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
