/* config.c - see config.h. */
#include "main/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"

enum kind { TEXT, NUMBER, YES_NO, LEVEL, WEIGHTS };

static const struct key {
    const char *name;
    enum kind kind;
    size_t at; /* offset in struct tb_config */
    int64_t least, most;
} keys[] = {
    { "listen", TEXT, offsetof(struct tb_config, listen), 0, 0 },
    { "data", TEXT, offsetof(struct tb_config, data), 0, 0 },
    { "engine", TEXT, offsetof(struct tb_config, engine), 0, 0 },
    { "model", TEXT, offsetof(struct tb_config, model), 0, 0 },
    { "bind", TEXT, offsetof(struct tb_config, bind), 0, 0 },
    { "kokoro_model", TEXT, offsetof(struct tb_config, kokoro_model), 0, 0 },
    { "qwen3_model", TEXT, offsetof(struct tb_config, qwen3_model), 0, 0 },
    { "weights", WEIGHTS, offsetof(struct tb_config, weights), 0, 0 },
    { "cache", TEXT, offsetof(struct tb_config, cache), 0, 0 },
    { "public_url", TEXT, offsetof(struct tb_config, public_url), 0, 0 },
    { "default_model", TEXT, offsetof(struct tb_config, default_model), 0, 0 },
    { "max_text", NUMBER, offsetof(struct tb_config, max_text), 1, 100000 },
    { "max_voices", NUMBER, offsetof(struct tb_config, max_voices), 1, 1000000 },
    { "max_sessions", NUMBER, offsetof(struct tb_config, max_sessions), 1, TB_MAX_CONNECTIONS },
    { "max_syntheses", NUMBER, offsetof(struct tb_config, max_syntheses), 1, TB_MAX_SESSIONS },
    { "max_load", NUMBER, offsetof(struct tb_config, max_load), 1, 100000 },
    { "synthesis_ms", NUMBER, offsetof(struct tb_config, synthesis_ms), 100, TB_MAX_SYNTHESIS_MS },
    { "idle_ms", NUMBER, offsetof(struct tb_config, idle_ms), 100, 86400000 },
    { "ws_accept_delay_ms", NUMBER, offsetof(struct tb_config, ws_accept_delay_ms), 0, 1000 },
    { "threads", NUMBER, offsetof(struct tb_config, threads), 0, 256 },
    { "windows", YES_NO, offsetof(struct tb_config, windows), 0, 0 },
    { "workers", NUMBER, offsetof(struct tb_config, workers), 1, 64 },
    { "allow_private_urls", YES_NO, offsetof(struct tb_config, allow_private_urls), 0, 0 },
    { "allow_urls", TEXT, offsetof(struct tb_config, allow_urls), 0, 0 },
    { "keep_recordings", YES_NO, offsetof(struct tb_config, keep_recordings), 0, 0 },
    { "any_key", YES_NO, offsetof(struct tb_config, any_key), 0, 0 },
    { "test_clock_shift_s", NUMBER, offsetof(struct tb_config, test_clock_shift_s), 0, 3153600000 },
    { "log_level", LEVEL, offsetof(struct tb_config, log_level), 0, 0 },
};

enum tb_code tb_config_init(struct tb_config *c, struct tb_error *err)
{
    char exe[TB_CONFIG_TEXT];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

    *c = (struct tb_config){ .max_text = TB_MAX_HTTP_TEXT, .max_voices = TB_MAX_VOICES,
                             .max_sessions = TB_MAX_CONNECTIONS, .synthesis_ms = TB_MAX_SYNTHESIS_MS,
                             .max_syntheses = TB_MAX_SESSIONS, .max_load = TB_LOAD_PERCENT, .idle_ms = 60000,
                             .ws_accept_delay_ms = 5, .windows = true, .workers = 2, .log_level = TB_LOG_INFO };
    strcpy(c->listen, "127.0.0.1:8080");
    strcpy(c->engine, "kokoro");
    strcpy(c->weights, "int8");
    if (n <= 0 || n > TB_CONFIG_TEXT - 40)
        return tb_fail(err, TB_EIO, "the program cannot find its own folder (/proc/self/exe): %s", strerror(errno));
    exe[n] = 0;
    *strrchr(exe, '/') = 0;
    strcpy(c->helper_dir, exe[0] ? exe : "/");
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = 0;
    snprintf(c->data, sizeof c->data, "%.900s/var/data", exe);
    snprintf(c->kokoro_model, sizeof c->kokoro_model, "%.900s/var/models/kokoro", exe);
    return TB_OK;
}

static enum tb_code set_number(const struct key *k, const char *value, void *to, struct tb_error *err)
{
    char *end;

    errno = 0;
    long long n = strtoll(value, &end, 10);
    if (errno || end == value || *end || n < k->least || n > k->most)
        return tb_fail(err, TB_EINVAL, "%s = '%s' is not a whole number from %lld to %lld", k->name, value,
                       (long long)k->least, (long long)k->most);
    *(int64_t *)to = n;
    return TB_OK;
}

static enum tb_code set_yes_no(const struct key *k, const char *value, void *to, struct tb_error *err)
{
    bool yes = !strcmp(value, "yes") || !strcmp(value, "true");

    if (!yes && strcmp(value, "no") && strcmp(value, "false"))
        return tb_fail(err, TB_EINVAL, "%s = '%s' is neither yes nor no", k->name, value);
    *(bool *)to = yes;
    return TB_OK;
}

static enum tb_code set_level(const struct key *k, const char *value, void *to, struct tb_error *err)
{
    static const char *const names[] = { "debug", "info", "warn", "error", "none" };

    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++)
        if (!strcmp(value, names[i])) {
            *(enum tb_log_level *)to = (enum tb_log_level)i;
            return TB_OK;
        }
    return tb_fail(err, TB_EINVAL, "%s = '%s' is none of debug, info, warn, error, none", k->name, value);
}

enum tb_code tb_config_set(struct tb_config *c, const char *name, const char *value, struct tb_error *err)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct key *k = &keys[i];
        void *to = (char *)c + k->at;

        if (strcmp(name, k->name))
            continue;
        if (k->kind == NUMBER)
            return set_number(k, value, to, err);
        if (k->kind == YES_NO)
            return set_yes_no(k, value, to, err);
        if (k->kind == LEVEL)
            return set_level(k, value, to, err);
        if (k->kind == WEIGHTS && strcmp(value, "float") && strcmp(value, "int8") && strcmp(value, "int4"))
            return tb_fail(err, TB_EINVAL, "%s = '%.60s' is none of int8, int4, float", name, value);
        if (strlen(value) >= TB_CONFIG_TEXT)
            return tb_fail(err, TB_EINVAL, "%s is longer than %d bytes", name, TB_CONFIG_TEXT - 1);
        strcpy(to, value);
        return TB_OK;
    }
    return tb_fail(err, TB_EINVAL, "no such key '%s'", name);
}

static char *trimmed(char *s)
{
    s += strspn(s, " \t");
    size_t n = strlen(s);
    while (n && strchr(" \t\r\n", s[n - 1]))
        s[--n] = 0;
    return s;
}

static enum tb_code read_line(struct tb_config *c, char *line, struct tb_error *err)
{
    line[strcspn(line, "#")] = 0;
    line = trimmed(line);
    if (!*line)
        return TB_OK;
    char *equals = strchr(line, '=');
    if (!equals)
        return tb_fail(err, TB_EINVAL, "'%.60s' is not `key = value`", line);
    *equals = 0;
    return tb_config_set(c, trimmed(line), trimmed(equals + 1), err);
}

enum tb_code tb_config_read(struct tb_config *c, const char *path, struct tb_error *err)
{
    FILE *f = fopen(path, "r");
    char line[TB_CONFIG_TEXT + 100];
    enum tb_code rc = TB_OK;

    if (!f)
        return tb_fail(err, TB_EIO, "%s: %s", path, strerror(errno));
    for (int number = 1; !rc && fgets(line, sizeof line, f); number++) {
        struct tb_error inner;
        if ((rc = read_line(c, line, &inner)))
            tb_fail(err, rc, "%s, line %d: %s", path, number, inner.text);
    }
    fclose(f);
    return rc;
}
