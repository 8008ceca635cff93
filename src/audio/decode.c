/* decode.c - see decode.h. Starts the decoder process on one end of a socket pair, writes the file into it, reads the
 * reply, and always ends with the process gone and waited for.
 *
 * A socket pair serves as both standard input and output of the process: shutdown() tells it where the file ends, and
 * MSG_NOSIGNAL spares us the SIGPIPE of a pipe whose reader has died. */
#include "audio/decode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audio/decode_reply.h"
#include "audio/sniff.h"
#include "base/clock.h"
#include "base/limits.h"

enum { READ_PIECE = 65536, PATH_SIZE = 4096 };

/* Everything that the process gets: fd 0 and 1 are the socket, 2 is /dev/null, nothing else is open; default signals,
 * an empty environment, a process group of its own (Ctrl-C on the server is not meant for it). */
static int spawn_helper(const char *path, const char *name, int fd, pid_t *pid)
{
    char *argv[] = { (char *)name, NULL }, *envp[] = { NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int failed;

    failed = posix_spawn_file_actions_init(&files);
    if (failed)
        return failed;
    failed = posix_spawnattr_init(&attr);
    if (failed) {
        posix_spawn_file_actions_destroy(&files);
        return failed;
    }
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setpgroup(&attr, 0);
    failed = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(&files, fd, 0);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(&files, 0, 1);
    if (!failed)
        failed = posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    if (!failed)
        failed = posix_spawn_file_actions_addclosefrom_np(&files, 3);
    if (!failed)
        failed = posix_spawn(pid, path, &files, &attr, argv, envp);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return failed;
}

/* Send what the socket takes now; false when the other end is gone. */
static bool send_some(int fd, struct tb_str *file)
{
    ssize_t sent = send(fd, file->p, file->n, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    file->p += sent;
    file->n -= (size_t)sent;
    if (file->n == 0)
        shutdown(fd, SHUT_WR);
    return true;
}

/* Receive what is there now; *ended at the end of the reply. */
static enum tb_code receive_some(int fd, struct tb_bytes *reply, bool *ended, struct tb_error *err)
{
    enum tb_code rc = tb_bytes_reserve(reply, READ_PIECE);
    ssize_t got;

    if (rc == TB_ETOOBIG)
        return tb_fail(err, TB_EAUDIO_DECODE, "the decoder sent more than %zu bytes", reply->size);
    if (rc)
        return tb_fail(err, rc, "%zu bytes from the decoder", reply->size);
    got = recv(fd, reply->data + reply->size, READ_PIECE, MSG_DONTWAIT);
    if (got > 0)
        reply->size += (size_t)got;
    *ended = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    return TB_OK;
}

/* Write the file and read the reply at the same time, until the process closes its end. */
static enum tb_code exchange(int fd, struct tb_str file, struct tb_bytes *reply, struct tb_error *err)
{
    int64_t deadline = tb_mono_us() + (int64_t)TB_DECODE_WALL_MS * 1000;
    bool writing = true, ended = false;

    while (!ended) {
        int64_t left_ms = (deadline - tb_mono_us()) / 1000;
        struct pollfd p = { fd, (short)(POLLIN | (writing ? POLLOUT : 0)), 0 };
        enum tb_code rc;

        if (left_ms <= 0)
            return tb_fail(err, TB_EAUDIO_DECODE, "decoding took more than %d s", TB_DECODE_WALL_MS / 1000);
        if (poll(&p, 1, (int)left_ms) < 0 && errno != EINTR)
            return tb_fail(err, TB_EIO, "poll: %s", strerror(errno));
        if (p.revents & POLLOUT && writing)
            writing = send_some(fd, &file) && file.n > 0;
        if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
            rc = receive_some(fd, reply, &ended, err);
            if (rc)
                return rc;
        }
    }
    return TB_OK;
}

/* Why a process that sent no reply has ended. */
static enum tb_code explain(const char *name, int status, struct tb_error *err)
{
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
        return tb_fail(err, TB_EAUDIO_DECODE, "decoding took more than %d s of processor time", TB_DECODE_CPU_SECONDS);
    if (WIFSIGNALED(status))
        return tb_fail(err, TB_EAUDIO_DECODE, "the decoder died of this file (signal %d)", WTERMSIG(status));
    return tb_fail(err, TB_EIO, "%s ended with exit code %d and no reply", name, WEXITSTATUS(status));
}

static enum tb_code run_helper(const char *dir, const char *name, struct tb_str file, struct tb_bytes *reply,
                               struct tb_error *err)
{
    char path[PATH_SIZE];
    int ends[2], failed, status = 0;
    pid_t pid = -1;
    enum tb_code rc;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return tb_fail(err, TB_EIO, "the path of %s is too long", name);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return tb_fail(err, TB_EIO, "socketpair: %s", strerror(errno));
    failed = spawn_helper(path, name, ends[1], &pid);
    close(ends[1]);
    if (failed) {
        close(ends[0]);
        return tb_fail(err, TB_EIO, "cannot run %s: %s", path, strerror(failed));
    }
    rc = exchange(ends[0], file, reply, err);
    close(ends[0]);
    /* At the end of its reply the process is exiting, and then this signal changes nothing; one that closed its end
     * and lives on must not. */
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!rc && reply->size == 0)
        rc = explain(name, status, err);
    return rc;
}

enum tb_code tb_decode(const char *helper_dir, struct tb_str file, struct tb_pcm *out, struct tb_decode_info *info,
                       struct tb_error *err)
{
    struct tb_bytes reply = { .cap = TB_DECODE_HEADER + TB_MAX_DECODED_SAMPLES * sizeof(float) + READ_PIECE };
    struct tb_sniff kind = tb_sniff(file);
    bool aac = kind.container == TB_CONTAINER_MP4 || kind.container == TB_CONTAINER_ADTS;
    struct tb_decode_info ignored;
    enum tb_code rc;

    *out = (struct tb_pcm){ 0 };
    if (info)
        *info = (struct tb_decode_info){ 0 };
    if (file.n > TB_MAX_AUDIO_FILE)
        return tb_fail(err, TB_ETOOBIG, "the file has %zu bytes; %d are the most", file.n, TB_MAX_AUDIO_FILE);
    if (kind.container == TB_CONTAINER_OTHER)
        return tb_fail(err, TB_EAUDIO_FORMAT, "%s files are not taken; send WAV, MP3 or M4A", kind.name);
    if (kind.container == TB_CONTAINER_UNKNOWN)
        return tb_fail(err, TB_EAUDIO_DECODE, "%zu bytes that are no WAV, MP3 or M4A file", file.n);
    rc = run_helper(helper_dir, aac ? "timbre-decode-aac" : "timbre-decode", file, &reply, err);
    if (!rc)
        rc = tb_decode_reply_parse(reply.data, reply.size, out, info ? info : &ignored, err);
    tb_bytes_free(&reply);
    return rc;
}
