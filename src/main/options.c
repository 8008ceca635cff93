/* options.c - see options.h. */
#include "main/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* Settings that every command takes; serve takes the rest as well. */
static const char *const settings[] = {
    "data", "engine", "model", "bind", "kokoro-model", "qwen3-model", "weights", "cache", "threads", "log-level",
    "keep-recordings", "allow-private-urls", "allow-urls",
    "listen", "public-url", "default-model", "max-text", "max-voices", "max-sessions", "max-syntheses", "max-load",
    "synthesis-ms", "idle-ms", "ws-accept-delay-ms", "windows", "workers", "any-key", "test-clock-shift-s",
};
enum { SETTINGS = sizeof settings / sizeof settings[0], COMMON_SETTINGS = 13, MOST_OWN = 12 };
enum { CONFIG = 1000, HELP, FIRST_SETTING, FIRST_OWN = 1100 };

struct tables {
    struct option longs[SETTINGS + MOST_OWN + 3];
    char shorts[3 + 2 * MOST_OWN];
};

static void build(const struct tb_command *self, const struct tb_option *own, int count, struct tables *t)
{
    int n = 0, s = 0, allowed = self == &tb_command_serve ? SETTINGS : COMMON_SETTINGS;

    *t = (struct tables){ 0 };
    t->shorts[s++] = ':';
    t->shorts[s++] = 'h';
    t->longs[n++] = (struct option){ "help", no_argument, NULL, HELP };
    t->longs[n++] = (struct option){ "config", required_argument, NULL, CONFIG };
    for (int i = 0; i < allowed; i++)
        t->longs[n++] = (struct option){ settings[i], required_argument, NULL, FIRST_SETTING + i };
    for (int i = 0; i < count && i < MOST_OWN; i++) {
        t->longs[n++] = (struct option){ own[i].name, own[i].text ? required_argument : no_argument, NULL,
                                         FIRST_OWN + i };
        if (own[i].letter)
            t->shorts[s++] = own[i].letter;
        if (own[i].letter && own[i].text)
            t->shorts[s++] = ':';
    }
}

static int setting_error(const struct tb_command *self, enum tb_code rc, const struct tb_error *err)
{
    if (rc == TB_EINVAL)
        return tb_command_usage_error(self, "%s", err->text);
    tb_command_failed(self, err);
    return TB_EXIT_USAGE;
}

static int take(const struct tb_command *self, int c, char **argv, const struct tb_option *own, int count,
                struct tb_config *config)
{
    struct tb_error err;
    char key[40];

    for (int i = 0; i < count; i++)
        if (c == FIRST_OWN + i || (own[i].letter && c == own[i].letter)) {
            if (own[i].text)
                *own[i].text = optarg;
            else
                *own[i].flag = true;
            return -1;
        }
    if (c >= FIRST_SETTING && c < FIRST_SETTING + SETTINGS) {
        snprintf(key, sizeof key, "%s", settings[c - FIRST_SETTING]);
        for (char *p = key; *p; p++)
            *p = *p == '-' ? '_' : *p;
        enum tb_code rc = tb_config_set(config, key, optarg, &err);
        return rc ? setting_error(self, rc, &err) : -1;
    }
    if (c == HELP || c == 'h')
        return tb_command_print_help(self);
    return tb_command_usage_error(self, c == ':' ? "%s needs a value" : "unknown option %s", argv[optind - 1]);
}

int tb_options_parse(const struct tb_command *self, int argc, char **argv, const struct tb_option *own, int count,
                     struct tb_config *config, int *first)
{
    struct tables t;
    struct tb_error err;
    enum tb_code rc;
    int c, done;

    build(self, own, count, &t);
    if ((rc = tb_config_init(config, &err)))
        return tb_command_failed(self, &err);
    opterr = 0;
    optind = 1;
    while ((c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1)
        if (c == CONFIG && (rc = tb_config_read(config, optarg, &err)))
            return setting_error(self, rc, &err);
    optind = 1;
    while ((c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1)
        if (c != CONFIG && (done = take(self, c, argv, own, count, config)) >= 0)
            return done;
    *first = optind;
    return -1;
}
