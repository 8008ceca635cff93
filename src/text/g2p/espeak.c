/* espeak.c - see espeak.h.
 *
 * The process has one end of a socket pair as stdin and stdout; a socket and not
 * pipes, so that writing to a dead process is an error and no signal. What comes
 * back is not trusted: length, time and encoding are checked. */
#include "text/g2p/espeak.h"

#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "text/utf8.h"

struct tb_espeak {
    pthread_mutex_t lock;
    char *program;
    pid_t pid; /* 0: not running */
    int fd;
};

static void stop(struct tb_espeak *e)
{
    if (e->pid == 0)
        return;
    close(e->fd);
    kill(e->pid, SIGKILL);
    while (waitpid(e->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    e->pid = 0;
}

/* Default signals and an empty mask: the server blocks and ignores some that the child must obey. No descriptor but
 * its three: libraries open some that would be inherited. A process group of its own: Ctrl-C on the server is not meant
 * for it, which has answers to finish. */
static int spawn(const char *program, int fd, pid_t *pid)
{
    char *const argv[] = { (char *)program, NULL };
    char *const env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int rc;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&files, fd, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, fd, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    rc = posix_spawn(pid, program, &files, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

static enum tb_code start(struct tb_espeak *e, struct tb_error *err)
{
    int pair[2], rc;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return tb_fail(err, TB_EIO, "%s: no socket: %s", e->program, strerror(errno));
    rc = spawn(e->program, pair[1], &e->pid);
    close(pair[1]);
    if (rc) {
        close(pair[0]);
        e->pid = 0;
        return tb_fail(err, TB_EIO, "%s: cannot start: %s", e->program, strerror(rc));
    }
    e->fd = pair[0];
    return TB_OK;
}

/* Wait for `events` until `deadline_us`. */
static bool ready(int fd, short events, int64_t deadline_us)
{
    struct pollfd p = { .fd = fd, .events = events };

    for (;;) {
        int64_t left_ms = (deadline_us - tb_mono_us() + 999) / 1000;
        int rc = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);

        if (rc > 0)
            return true;
        if (rc == 0 || errno != EINTR)
            return false;
    }
}

static bool send_all(int fd, const uint8_t *p, size_t n, int64_t deadline_us)
{
    while (n > 0) {
        ssize_t sent = ready(fd, POLLOUT, deadline_us) ? send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

        if (sent < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* One line without its newline. More than one line is a process out of step: that fails. */
static bool receive_line(int fd, struct tb_bytes *line, int64_t deadline_us)
{
    for (;;) {
        uint8_t chunk[4096];
        ssize_t got = ready(fd, POLLIN, deadline_us) ? recv(fd, chunk, sizeof chunk, MSG_DONTWAIT) : 0;
        const uint8_t *end;

        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0 || tb_bytes_add(line, chunk, (size_t)got))
            return false;
        end = memchr(line->data, '\n', line->size);
        if (end) {
            bool alone = end == line->data + line->size - 1;

            line->size--;
            return alone;
        }
    }
}

static enum tb_code ask(struct tb_espeak *e, const struct tb_bytes *request, struct tb_bytes *ipa, struct tb_error *err)
{
    int64_t deadline_us = tb_mono_us() + (int64_t)TB_PHONEME_TIMEOUT_MS * 1000;
    struct tb_bytes line = { .cap = TB_MAX_PHONEME_REPLY };
    enum tb_code rc;

    if (e->pid == 0 && (rc = start(e, err)))
        return rc;
    if (send_all(e->fd, request->data, request->size, deadline_us) && receive_line(e->fd, &line, deadline_us))
        rc = tb_espeak_reply(tb_bytes_str(&line), ipa, err);
    else
        rc = tb_fail(err, TB_EIO, "%s does not answer", e->program);
    tb_bytes_free(&line);
    if (rc)
        stop(e);
    return rc;
}

static enum tb_code make_request(const char *voice, struct tb_str text, struct tb_bytes *out)
{
    enum tb_code rc = tb_bytes_addf(out, "%s\t", voice);

    for (size_t i = 0; i < text.n && !rc; i++) {
        unsigned char c = (unsigned char)text.p[i];

        rc = tb_bytes_add(out, c < ' ' || c == 0x7F ? " " : (const char *)&c, 1);
    }
    return rc ? rc : tb_bytes_add(out, "\n", 1);
}

enum tb_code tb_espeak_open(const char *program, struct tb_espeak **out, struct tb_error *err)
{
    struct tb_espeak *e;

    *out = NULL;
    if (access(program, X_OK))
        return tb_fail(err, TB_EIO, "%s: %s", program, strerror(errno));
    e = calloc(1, sizeof *e);
    if (!e || !(e->program = strdup(program))) {
        free(e);
        return tb_fail(err, TB_ENOMEM, "phoneme process");
    }
    pthread_mutex_init(&e->lock, NULL);
    *out = e;
    return TB_OK;
}

void tb_espeak_close(struct tb_espeak *e)
{
    if (!e)
        return;
    stop(e);
    pthread_mutex_destroy(&e->lock);
    free(e->program);
    free(e);
}

enum tb_code tb_espeak_ipa(struct tb_espeak *e, const char *voice, struct tb_str text, struct tb_bytes *ipa,
                           struct tb_error *err)
{
    struct tb_bytes request = { .cap = TB_MAX_PHONEME_REQUEST };
    enum tb_code rc = make_request(voice, text, &request);

    if (rc) {
        tb_bytes_free(&request);
        return tb_fail(err, rc, "%zu bytes of text for phonemes", text.n);
    }
    pthread_mutex_lock(&e->lock);
    bool fresh = e->pid == 0;
    rc = ask(e, &request, ipa, err);
    if (rc && !fresh) /* a process that died while idle is no fault of this request */
        rc = ask(e, &request, ipa, err);
    pthread_mutex_unlock(&e->lock);
    tb_bytes_free(&request);
    return rc;
}

enum tb_code tb_espeak_reply(struct tb_str line, struct tb_bytes *ipa, struct tb_error *err)
{
    bool inside_mark = false;

    if (line.n == 0 || line.p[0] != '=' || !tb_utf8_valid(line)) {
        int n = line.n > 1 && line.p[0] == '!' && tb_utf8_valid(line) ? (int)(line.n < 100 ? line.n - 1 : 99) : 0;
        return tb_fail(err, TB_EIO, "timbre-phonemes: %.*s", n ? n : 8, n ? line.p + 1 : "nonsense");
    }
    for (size_t i = 1; i < line.n; i++) {
        enum tb_code rc;

        if (line.p[i] == '(' || line.p[i] == ')')
            inside_mark = line.p[i] == '(';
        else if (!inside_mark && (rc = tb_bytes_add(ipa, line.p + i, 1)))
            return tb_fail(err, rc, "phonemes of %zu bytes", line.n);
    }
    return TB_OK;
}
