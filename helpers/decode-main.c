/* decode-main.c - main() of timbre-decode and timbre-decode-aac: see decode-main.h.
 *
 *     timbre-decode <recording >reply     what timbre does
 *     timbre-decode --self-test           say which walls of the sandbox stand on this machine; 1 when one does not
 *
 * The sandbox is entered before the first byte is read. */
#include "decode-main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "decode-sandbox.h"

enum decode_exit { EXIT_USAGE = 2 };

/* Standard input to its end, one byte over the cap at most. NULL: out of memory or a read error. */
static uint8_t *read_input(size_t *size)
{
    uint8_t *bytes = malloc(TB_MAX_AUDIO_FILE + 1);

    *size = 0;
    while (bytes && *size <= TB_MAX_AUDIO_FILE) {
        ssize_t got = read(STDIN_FILENO, bytes + *size, TB_MAX_AUDIO_FILE + 1 - *size);

        if (got == 0)
            break;
        if (got > 0) {
            *size += (size_t)got;
        } else if (errno != EINTR) {
            free(bytes);
            bytes = NULL;
        }
    }
    return bytes;
}

static bool write_all(const void *data, size_t size)
{
    const char *p = data;

    while (size > 0) {
        ssize_t sent = write(STDOUT_FILENO, p, size);

        if (sent < 0 && errno != EINTR)
            return false;
        if (sent > 0) {
            p += sent;
            size -= (size_t)sent;
        }
    }
    return true;
}

static bool write_reply(const struct decoding *d, enum tb_decode_status status)
{
    bool good = status == TB_DECODE_OK;
    struct tb_decode_reply reply = { .status = status, .rate = d->rate, .channels = d->channels, .cut = d->cut };
    uint8_t header[TB_DECODE_HEADER];

    reply.container = d->container ? d->container : "";
    reply.count = good ? d->len : strlen(d->text);
    tb_decode_reply_header(header, &reply);
    return write_all(header, sizeof header) &&
           (good ? write_all(d->samples, d->len * sizeof *d->samples) : write_all(d->text, strlen(d->text)));
}

static enum tb_decode_status decode(struct decoding *d)
{
    enum tb_decode_status status;

    d->bytes = read_input(&d->size);
    if (!d->bytes)
        return decode_fail(d, TB_DECODE_TROUBLE, "the decoder could not read the file");
    if (d->size > TB_MAX_AUDIO_FILE)
        return decode_fail(d, TB_DECODE_TOOBIG, "more than %d bytes", TB_MAX_AUDIO_FILE);
    status = decode_file(d);
    return status ? status : decode_end(d);
}

/* The answer of the process that tried the sandbox. */
struct trial {
    struct sandbox walls;
    char leak[16]; /* a forbidden thing that worked; empty: none */
};

/* In a process of its own, since what it gives up is gone for good: even printing into a file. */
static bool try_sandbox(struct trial *t)
{
    int ends[2];
    pid_t pid;
    bool ok;

    if (pipe(ends) < 0 || (pid = fork()) < 0)
        return false;
    if (pid == 0) {
        struct trial mine = { .walls = sandbox_enter() };
        const char *leak = sandbox_leak();

        snprintf(mine.leak, sizeof mine.leak, "%s", leak ? leak : "");
        _exit(write(ends[1], &mine, sizeof mine) == (ssize_t)sizeof mine ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(ends[1]);
    ok = read(ends[0], t, sizeof *t) == (ssize_t)sizeof *t;
    close(ends[0]);
    waitpid(pid, NULL, 0);
    return ok;
}

static int self_test(void)
{
    static const char missing[] = "off (this kernel or container does not offer it)";
    struct trial t = { 0 };

    if (!try_sandbox(&t)) {
        fprintf(stderr, "the sandbox could not be tried\n");
        return EXIT_FAILURE;
    }
    printf("formats  %s\n", decode_formats);
    printf("limits   %s\n", t.walls.limits ? "on" : "off");
    printf("landlock %s\n", t.walls.landlock ? "on" : missing);
    printf("seccomp  %s\n", t.walls.seccomp ? "on" : missing);
    printf("escape   %s\n", t.leak[0] ? t.leak : "none (open, socket, fork and exec are refused)");
    return t.walls.limits && t.walls.landlock && t.walls.seccomp && !t.leak[0] ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct decoding d = { 0 };
    enum tb_decode_status status;

    if (argc == 2 && strcmp(argv[1], "--self-test") == 0)
        return self_test();
    if (argc != 1) {
        fprintf(stderr, "usage: %s <recording >reply\n       %s --self-test\n", argv[0], argv[0]);
        return EXIT_USAGE;
    }
    sandbox_enter();
    status = decode(&d);
    /* No clean-up: libraries' exit handlers need not run on what they parsed. */
    _exit(write_reply(&d, status) ? EXIT_SUCCESS : EXIT_FAILURE);
}
