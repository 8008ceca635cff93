/* cmd_doctor.c - `timbre doctor`: looks at everything the server needs and says in words what is wrong. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "main/command.h"
#include "main/local.h"
#include "main/options.h"
#include "tensor/cpu.h"

extern char **environ;

/* How a check ended. */
enum verdict { GOOD, NOTE, BAD };

struct report {
    bool as_json;
    json_t *rows;
    int bad;
};

/* One line: what was looked at, how it is, and what to do (NULL: nothing). */
static void row(struct report *r, const char *what, enum verdict verdict, const char *remedy, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
static void row(struct report *r, const char *what, enum verdict verdict, const char *remedy, const char *fmt, ...)
{
    static const char *const marks[] = { "ok   ", "note ", "WRONG" };
    static const char *const words[] = { "ok", "note", "wrong" };
    char text[600];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    r->bad += verdict == BAD;
    if (r->as_json) {
        json_array_append_new(r->rows, json_pack("{s:s, s:s, s:s, s:s*}", "check", what, "state", words[verdict],
                                                 "text", text, "remedy", verdict == GOOD ? NULL : remedy));
        return;
    }
    printf("%s  %-10s %s\n", marks[verdict], what, text);
    if (remedy && verdict != GOOD)
        printf("                  -> %s\n", remedy);
}

/* Append a line without its end and with single spaces; what has no room is left out. */
static void add_line(char *all, size_t room, const char *line)
{
    size_t n = strlen(all);

    for (const char *separator = n ? "; " : ""; *separator && n + 1 < room; separator++)
        all[n++] = *separator;
    for (; *line && *line != '\n' && n + 1 < room; line++)
        if (*line != ' ' || line[1] != ' ')
            all[n++] = *line;
    all[n] = 0;
}

/* Run a program and keep what it says, as one line. Returns its exit status, or -1 when it cannot be run. */
static int run_program(const char *file, const char *argument, char *line, size_t room)
{
    char *argv[] = { (char *)(uintptr_t)file, (char *)(uintptr_t)argument, NULL };
    posix_spawn_file_actions_t actions;
    int ends[2], status = -1;
    pid_t child;

    line[0] = 0;
    if (pipe2(ends, O_CLOEXEC))
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    int rc = posix_spawnp(&child, file, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *f = fdopen(ends[0], "r");
    if (rc == 0 && f) {
        char one[512];
        while (fgets(one, sizeof one, f))
            add_line(line, room, one);
        waitpid(child, &status, 0);
        status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    }
    if (f)
        fclose(f);
    else
        close(ends[0]);
    return rc ? -1 : status;
}

static void check_program(struct report *r, const char *what, const char *file, const char *argument,
                          const char *remedy)
{
    char line[200];
    int status = run_program(file, argument, line, sizeof line);

    if (status < 0)
        row(r, what, BAD, remedy, "%s cannot be run: %s", file, strerror(errno));
    else if (status != 0)
        row(r, what, BAD, remedy, "%s %s failed with exit code %d: %s", file, argument, status, line);
    else
        row(r, what, GOOD, NULL, "%s", line[0] ? line : "runs");
}

static void check_cpu(struct report *r)
{
    char others[100] = "";

    for (int i = 0; i < TB_CPU_COUNT; i++)
        if (tb_cpu_supported((enum tb_cpu)i))
            snprintf(others + strlen(others), sizeof others - strlen(others), " %s", tb_cpu_name((enum tb_cpu)i));
    bool slow = tb_tensor_level() == TB_CPU_C;
    row(r, "cpu", slow ? NOTE : GOOD,
        "plain C kernels are many times slower than real time; unset TB_CPU, or use a CPU with AVX2",
        "%s kernels in use, %ld cores (this CPU can run:%s)", tb_cpu_name(tb_tensor_level()),
        sysconf(_SC_NPROCESSORS_ONLN), others);
}

/* Japanese alone needs a dictionary of the system's. */
static void check_japanese(struct report *r, const char *folder)
{
    char path[TB_CONFIG_TEXT + 40];

    snprintf(path, sizeof path, "%s/naist-jdic/sys.dic", folder);
    if (access(path, R_OK))
        row(r, "japanese", NOTE, "install the Debian package open-jtalk-mecab-naist-jdic, then run `make setup`",
            "%s is missing: Japanese is refused, the other languages are spoken", path);
    else
        row(r, "japanese", GOOD, NULL, "its dictionary is in place");
}

/* The files that `make setup` makes; other models come as their makers publish them. False: some are missing. */
static bool check_kokoro_files(struct report *r, const char *folder, bool *extra)
{
    static const struct {
        const char *file;
        bool needed;
    } files[] = { { "kokoro.safetensors", true },  { "ge2e.safetensors", true },   { "adapter.safetensors", true },
                  { "ear.safetensors", true },
                  { "lexicon-en.bin", true },      { "lexicon-zh.bin", true },   { "voices.safetensors", false } };
    char path[TB_CONFIG_TEXT + 40], missing[300] = "";
    struct stat info;

    *extra = true;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i].file);
        if (stat(path, &info) == 0 && info.st_size > 0)
            continue;
        if (files[i].needed)
            snprintf(missing + strlen(missing), sizeof missing - strlen(missing), " %s", files[i].file);
        else
            *extra = false;
    }
    if (missing[0])
        row(r, "model", BAD, "run `make setup`: it fetches and converts them", "%s lacks%s", folder, missing);
    return !missing[0];
}

/* Load each engine that a model name is bound to, one after the other. */
static void check_models(struct report *r, const struct tb_config *config)
{
    struct tb_local local = { 0 };
    struct tb_error err = { 0 };

    if (tb_bindings_read(config, &local.bindings, &err)) {
        row(r, "model", BAD, "docs/CONFIG.md describes engine, model and bind", "%s", err.text);
        return;
    }
    for (int i = 0; i < TB_ENGINES; i++) {
        const char *name = local.bindings.engines[i].ops->name, *folder = local.bindings.engines[i].folder;
        bool kokoro = strcmp(name, "kokoro") == 0, extra = true;
        int64_t from = tb_mono_us();

        if (!local.bindings.engines[i].bound || (kokoro && !check_kokoro_files(r, folder, &extra)))
            continue;
        if (tb_local_open_engine(config, NULL, &local, i, &err))
            row(r, "model", BAD, kokoro ? "run `make setup` again; if it stays, remove that file first"
                                        : "download the model folder again; docs/MODEL-qwen3.md lists its files",
                "%s", err.text);
        else
            row(r, "model", GOOD, NULL, "%s loads in %.2f s with %d threads%s", name,
                (double)(tb_mono_us() - from) / 1e6, tb_pool_threads(local.pool),
                extra ? "" : " (no stock voices: fine)");
        if (kokoro)
            check_japanese(r, folder);
    }
    tb_local_close(&local);
}

static void check_store(struct report *r, const struct tb_config *config)
{
    struct tb_local local = { 0 };
    struct tb_error err = { 0 };
    struct tb_key_info *keys = NULL;
    size_t count = 0, valid = 0;

    if (tb_local_open_store(config, &local, &err) || tb_store_key_list(local.store, &keys, &count, &err)) {
        row(r, "store", BAD, "check that the folder can be written by this user and that its disk is not full", "%s",
            err.text);
    } else {
        for (size_t i = 0; i < count; i++)
            valid += !keys[i].revoked;
        row(r, "store", GOOD, NULL, "%s, %zu keys in force", config->data, valid);
        if (valid == 0)
            row(r, "keys", NOTE, "`timbre keys add` makes one; `timbre serve` makes the first by itself", "no key yet");
    }
    free(keys);
    tb_local_close(&local);
}

static void check_port(struct report *r, const struct tb_config *config)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *list = NULL;
    char host[TB_CONFIG_TEXT];
    int one = 1;

    snprintf(host, sizeof host, "%s", config->listen);
    char *colon = strrchr(host, ':');
    if (colon)
        *colon = 0;
    if (!colon || getaddrinfo(host[0] ? host : NULL, colon + 1, &hints, &list)) {
        row(r, "port", BAD, "set listen to host:port", "'%s' is no address to listen on", config->listen);
        return;
    }
    int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, list->ai_addr, list->ai_addrlen) == 0)
        row(r, "port", GOOD, NULL, "%s is free", config->listen);
    else
        row(r, "port", errno == EADDRINUSE ? NOTE : BAD,
            "fine if that is a running Timbre; else choose another with --listen", "%s: %s", config->listen,
            strerror(errno));
    close(fd);
    freeaddrinfo(list);
}

static int run(const struct tb_command *self, int argc, char **argv)
{
    struct report r = { 0 };
    const char *listen_at = NULL;
    const struct tb_option own[] = { { "json", 0, NULL, &r.as_json }, { "listen", 0, &listen_at, NULL } };
    struct tb_config config;
    char decode[TB_CONFIG_TEXT + 40], aac[TB_CONFIG_TEXT + 40], phonemes[TB_CONFIG_TEXT + 40];
    int first, code = tb_options_parse(self, argc, argv, own, 2, &config, &first);

    if (code >= 0)
        return code;
    if (first < argc)
        return tb_command_usage_error(self, "unexpected '%s'", argv[first]);
    if (listen_at)
        snprintf(config.listen, sizeof config.listen, "%s", listen_at);
    r.rows = json_array();
    snprintf(decode, sizeof decode, "%s/timbre-decode", config.helper_dir);
    snprintf(aac, sizeof aac, "%s/timbre-decode-aac", config.helper_dir);
    snprintf(phonemes, sizeof phonemes, "%s/timbre-phonemes", config.helper_dir);
    check_cpu(&r);
    check_program(&r, "decoder", decode, "--self-test",
                  "run `make build`; in a container the sandbox needs seccomp and Landlock to be allowed");
    check_program(&r, "phonemes", phonemes, "--version", "run `make build`; it needs libespeak-ng and espeak-ng-data");
    check_program(&r, "m4a", aac, "--self-test", "as for the decoder; without it M4A recordings are refused");
    check_models(&r, &config);
    check_store(&r, &config);
    check_port(&r, &config);
    if (r.as_json)
        tb_command_print_json(json_incref(r.rows));
    else if (r.bad)
        printf("\n%d thing%s wrong.\n", r.bad, r.bad == 1 ? " is" : "s are");
    else
        puts("\nAll that is needed works.");
    json_decref(r.rows);
    return r.bad ? TB_EXIT_FAILED : TB_EXIT_OK;
}

const struct tb_command tb_command_doctor = {
    "doctor", "look at everything the server needs and say what is wrong",
    "usage: timbre doctor [OPTIONS]\n\n"
    "Checks the CPU's kernels, the helper programs, the model files (and loads them), the data folder and the\n"
    "port. Exit code 1 when something needed is broken.\n\n"
    "  --data DIR, --engine E, --model DIR, --bind ..., --listen HOST:PORT, --config FILE   as for `timbre serve`\n"
    "  --json   for programs\n\n"
    "example:\n"
    "  timbre doctor\n",
    run,
};
