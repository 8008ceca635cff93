/* cmd_keys.c - `timbre keys` and `timbre usage`: who may use this data folder, and how much they did. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/clock.h"
#include "main/command.h"
#include "main/local.h"
#include "main/options.h"

enum { DAY_MS = 24 * 3600 * 1000 };

static void format_time(int64_t ms, const char *format, char *out, size_t room)
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    strftime(out, room, format, gmtime_r(&s, &tm));
}

static int list_keys(struct tb_local *l, bool as_json, struct tb_error *err)
{
    struct tb_key_info *keys = NULL;
    size_t count = 0;
    char when[32];
    json_t *array = json_array();

    if (tb_store_key_list(l->store, &keys, &count, err)) {
        json_decref(array);
        return TB_EXIT_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        const struct tb_key_info *k = &keys[i];
        format_time(k->created_ms, "%Y-%m-%dT%H:%M:%SZ", when, sizeof when);
        if (as_json)
            json_array_append_new(array, json_pack("{s:s, s:I, s:s, s:s, s:b}", "hint", k->hint, "account",
                                                   (json_int_t)k->account, "label", k->label, "created", when,
                                                   "revoked", k->revoked));
        else
            printf("%-20s account %-6" PRId64 " %s  %s%s\n", k->hint, k->account, when, k->label,
                   k->revoked ? "  (revoked)" : "");
    }
    free(keys);
    if (as_json)
        return tb_command_print_json(array);
    if (count == 0)
        fputs("no keys yet; `timbre keys add` makes one\n", stderr);
    json_decref(array);
    return TB_EXIT_OK;
}

static int add_key(const struct tb_command *self, struct tb_local *l, const char *label, const char *account_text,
                   bool as_json, struct tb_error *err)
{
    char key[64], *end = NULL;
    int64_t account = account_text ? strtoll(account_text, &end, 10) : 0;

    if (account_text && (*end || account <= 0))
        return tb_command_usage_error(self, "account '%s' is not a number from 1", account_text);
    if (tb_store_key_add(l->store, label ? label : "", account, key, err))
        return TB_EXIT_FAILED;
    if (as_json)
        return tb_command_print_json(json_pack("{s:s}", "key", key));
    puts(key);
    fputs("The key is shown this once; the data folder holds only its hash.\n", stderr);
    return TB_EXIT_OK;
}

static int run_keys(const struct tb_command *self, int argc, char **argv)
{
    const char *label = NULL, *account = NULL;
    bool as_json = false;
    const struct tb_option own[] = { { "label", 'l', &label, NULL }, { "account", 'a', &account, NULL },
                                     { "json", 0, NULL, &as_json } };
    struct tb_config config;
    struct tb_local local = { 0 };
    struct tb_error err = { 0 };
    int first, code = tb_options_parse(self, argc, argv, own, 3, &config, &first);

    if (code >= 0)
        return code;
    const char *verb = first < argc ? argv[first] : "";
    bool add = !strcmp(verb, "add"), list = !strcmp(verb, "list"), revoke = !strcmp(verb, "revoke");
    if (!add && !list && !revoke)
        return tb_command_usage_error(self, "say add, list or revoke");
    if (argc - first != (revoke ? 2 : 1))
        return tb_command_usage_error(self, revoke ? "revoke needs one key or hint" : "unexpected '%s'",
                                      argc - first > 1 ? argv[first + 1] : "");
    code = TB_EXIT_FAILED;
    if (tb_local_open_store(&config, &local, &err) == TB_OK) {
        if (add)
            code = add_key(self, &local, label, account, as_json, &err);
        else if (list)
            code = list_keys(&local, as_json, &err);
        else if (tb_store_key_revoke(local.store, argv[first + 1], &err) == TB_OK)
            code = TB_EXIT_OK;
    }
    tb_local_close(&local);
    return code == TB_EXIT_FAILED ? tb_command_failed(self, &err) : code;
}

/* "2026-11-23" to Unix ms at 00:00 UTC. */
static bool parse_day(const char *text, int64_t *ms)
{
    struct tm tm = { 0 };
    const char *end = strptime(text, "%Y-%m-%d", &tm);

    if (!end || *end)
        return false;
    *ms = (int64_t)timegm(&tm) * 1000;
    return true;
}

static int print_usage(struct tb_local *l, int64_t from, int64_t to, bool as_json, struct tb_error *err)
{
    struct tb_usage *rows = NULL;
    size_t count = 0;
    json_t *array = json_array();

    if (tb_store_usage_list(l->store, from, to, &rows, &count, err)) {
        json_decref(array);
        return TB_EXIT_FAILED;
    }
    if (!as_json)
        printf("%8s %8s %9s %12s %10s\n", "account", "voices", "requests", "characters", "audio s");
    for (size_t i = 0; i < count; i++) {
        const struct tb_usage *u = &rows[i];
        if (as_json)
            json_array_append_new(array, json_pack("{s:I, s:I, s:I, s:I, s:I}", "account", (json_int_t)u->account,
                                                   "voices_created", (json_int_t)u->voices_created, "requests",
                                                   (json_int_t)u->requests, "characters", (json_int_t)u->characters,
                                                   "audio_ms", (json_int_t)u->audio_ms));
        else
            printf("%8" PRId64 " %8" PRId64 " %9" PRId64 " %12" PRId64 " %10.1f\n", u->account, u->voices_created,
                   u->requests, u->characters, (double)u->audio_ms / 1000);
    }
    free(rows);
    if (as_json)
        return tb_command_print_json(array);
    json_decref(array);
    return TB_EXIT_OK;
}

static int run_usage(const struct tb_command *self, int argc, char **argv)
{
    const char *from_text = NULL, *to_text = NULL;
    bool as_json = false;
    const struct tb_option own[] = { { "from", 0, &from_text, NULL }, { "to", 0, &to_text, NULL },
                                     { "json", 0, NULL, &as_json } };
    int64_t to = (tb_now_ms() / DAY_MS + 1) * DAY_MS, from = to - 30LL * DAY_MS;
    struct tb_config config;
    struct tb_local local = { 0 };
    struct tb_error err = { 0 };
    int first, code = tb_options_parse(self, argc, argv, own, 3, &config, &first);

    if (code >= 0)
        return code;
    if (first < argc)
        return tb_command_usage_error(self, "unexpected '%s'", argv[first]);
    if ((from_text && !parse_day(from_text, &from)) || (to_text && !parse_day(to_text, &to)) || from >= to)
        return tb_command_usage_error(self, "--from and --to are days as 2026-11-23, the first before the second");
    code = TB_EXIT_FAILED;
    if (tb_local_open_store(&config, &local, &err) == TB_OK)
        code = print_usage(&local, from, to, as_json, &err);
    tb_local_close(&local);
    return code == TB_EXIT_FAILED ? tb_command_failed(self, &err) : code;
}

const struct tb_command tb_command_keys = {
    "keys", "add, list and revoke API keys of the data folder",
    "usage: timbre keys add [--label TEXT] [--account N]\n"
    "       timbre keys list\n"
    "       timbre keys revoke KEY|HINT\n\n"
    "A key opens one account; voices belong to the account. `add` makes an account of its own unless --account names\n"
    "one. A running server takes new keys at once.\n\n"
    "  -l, --label TEXT   what the key is for\n"
    "  -a, --account N    another key for this account\n"
    "  --data DIR         the data folder (var/data)\n"
    "  --json             for programs\n\n"
    "examples:\n"
    "  timbre keys add --label radio\n"
    "  timbre keys revoke sk-1a2b...9f\n",
    run_keys,
};

const struct tb_command tb_command_usage = {
    "usage", "what each account has used",
    "usage: timbre usage [--from DAY] [--to DAY] [--json]\n\n"
    "Sums per account over whole UTC days, the last 30 unless said otherwise.\n\n"
    "  --from DAY   first day, as 2026-11-01\n"
    "  --to DAY     the day after the last\n"
    "  --data DIR   the data folder (var/data)\n"
    "  --json       for programs\n\n"
    "example:\n"
    "  timbre usage --from 2026-11-01 --to 2026-12-01\n",
    run_usage,
};
