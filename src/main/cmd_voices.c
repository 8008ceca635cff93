/* cmd_voices.c - `timbre voices` and `delete`: against a server, or on the local data folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "api/report.h"
#include "main/client.h"
#include "main/command.h"
#include "main/local.h"
#include "main/options.h"

enum { LIST_PAGE = 1000 };

/* {"model": "qwen-voice-enrollment", "input": input, ...}; takes input over. */
static json_t *request(json_t *input)
{
    return json_pack("{s:s, s:o, s:{s:b}}", "model", "qwen-voice-enrollment", "input", input, "parameters",
                     "timbre_report", 1);
}

/* voices ------------------------------------------------------------------------------------------------------------*/

/* An array of {voice, target_model, language, gmt_create, timbre_report}. NULL on failure. */
static json_t *list_on_server(const struct tb_client *client, struct tb_error *err)
{
    json_t *all = json_array(), *answer;

    for (int page = 0;; page++) {
        json_t *input = json_pack("{s:s, s:i, s:i}", "action", "list", "page_index", page, "page_size", LIST_PAGE);
        if (tb_client_post(client, TB_PATH_VOICES, request(input), &answer, err)) {
            json_decref(all);
            return NULL;
        }
        json_t *list = json_object_get(json_object_get(answer, "output"), "voice_list");
        size_t got = json_array_size(list);
        json_array_extend(all, list);
        json_decref(answer);
        if (got < LIST_PAGE)
            return all;
    }
}

static json_t *list_here(const struct tb_config *config, const char *key, struct tb_error *err)
{
    struct tb_local local = { 0 };
    struct tb_voice_info *voices = NULL;
    size_t count = 0;
    int64_t account, total;
    json_t *all = NULL;
    char when[32];

    if (tb_local_open_store(config, &local, err) == TB_OK && tb_local_account(&local, key, &account, err) == TB_OK &&
        tb_store_voice_list(local.store, account, 0, TB_MAX_PAGE, &voices, &count, &total, err) == TB_OK)
        all = json_array();
    for (size_t i = 0; all && i < count; i++) {
        time_t s = (time_t)(voices[i].created_ms / 1000);
        struct tm tm;
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", gmtime_r(&s, &tm));
        json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s, s:o}", "voice", voices[i].id, "gmt_create", when,
                                             "target_model", voices[i].target_model, "language", voices[i].language,
                                             "timbre_report", tb_voice_report_json(&voices[i])));
    }
    free(voices);
    tb_local_close(&local);
    return all;
}

/* Name, time, language, model; then the likeness to expect and what could be better, where they are known. */
static void print_voice(json_t *voice)
{
    json_t *report = json_object_get(voice, "timbre_report"), *advice = json_object_get(report, "advice"), *kind;
    double likeness = json_number_value(json_object_get(report, "likeness"));
    size_t i;

    printf("%s  %s  %-2s  %s", tb_client_text(voice, "voice", NULL), tb_client_text(voice, "gmt_create", NULL),
           tb_client_text(voice, "language", NULL), tb_client_text(voice, "target_model", NULL));
    if (likeness > 0)
        printf("  likeness %.2f", likeness);
    json_array_foreach(advice, i, kind)
        printf("%s%s", i ? "," : "  advice: ", json_string_value(kind));
    printf("\n");
}

static int run_voices(const struct tb_command *self, int argc, char **argv)
{
    bool as_json = false;
    const struct tb_option own[] = { { "json", 0, NULL, &as_json } };
    const struct tb_client client = tb_client_from_env();
    struct tb_config config;
    struct tb_error err = { 0 };
    json_t *voice;
    size_t i;
    int first, code = tb_options_parse(self, argc, argv, own, 1, &config, &first);

    if (code >= 0)
        return code;
    if (first < argc)
        return tb_command_usage_error(self, "unexpected '%s'", argv[first]);
    json_t *all = client.url ? list_on_server(&client, &err) : list_here(&config, client.key, &err);
    if (!all)
        return tb_command_failed(self, &err);
    if (as_json)
        return tb_command_print_json(all);
    json_array_foreach(all, i, voice)
        print_voice(voice);
    json_decref(all);
    return TB_EXIT_OK;
}

/* delete ------------------------------------------------------------------------------------------------------------*/

static enum tb_code delete_voice(const struct tb_config *config, const struct tb_client *client, const char *voice,
                                 struct tb_error *err)
{
    struct tb_local local = { 0 };
    json_t *answer = NULL;
    int64_t account;
    enum tb_code rc;

    if (client->url) {
        json_t *input = json_pack("{s:s, s:s}", "action", "delete", "voice", voice);
        rc = input ? tb_client_post(client, TB_PATH_VOICES, request(input), &answer, err)
                   : tb_fail(err, TB_EINVAL, "the voice name is not UTF-8");
        json_decref(answer);
        return rc;
    }
    if ((rc = tb_local_open_store(config, &local, err)) == TB_OK &&
        (rc = tb_local_account(&local, client->key, &account, err)) == TB_OK)
        rc = tb_store_voice_delete(local.store, account, tb_str_of(voice), err);
    tb_local_close(&local);
    return rc;
}

static int run_delete(const struct tb_command *self, int argc, char **argv)
{
    const struct tb_client client = tb_client_from_env();
    struct tb_config config;
    struct tb_error err = { 0 };
    int first, code = tb_options_parse(self, argc, argv, NULL, 0, &config, &first);

    if (code >= 0)
        return code;
    if (argc - first != 1)
        return tb_command_usage_error(self, "one VOICE is needed");
    if (delete_voice(&config, &client, argv[first], &err))
        return tb_command_failed(self, &err);
    return TB_EXIT_OK;
}

const struct tb_command tb_command_voices = {
    "voices", "list the voices",
    "usage: timbre voices [--json]\n\n"
    "One line a voice, newest first: name, time (UTC), language, model, likeness to expect, and what could be better\n"
    "about its recording (docs/ENROLMENT.md).\n\n"
    "  --data DIR  without a server: the data folder\n"
    "  --json      for programs\n\n"
    "example:\n"
    "  TIMBRE_URL=http://127.0.0.1:8080 timbre voices\n",
    run_voices,
};

const struct tb_command tb_command_delete = {
    "delete", "delete a voice",
    "usage: timbre delete VOICE\n\n"
    "  --data DIR  without a server: the data folder\n\n"
    "example:\n"
    "  timbre delete qwen-tts-vc-me-voice-20261122231507482-3fa9\n",
    run_delete,
};
