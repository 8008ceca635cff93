/* cmd_clone.c - `timbre clone`: a recording becomes a voice, on a server or in the local data folder. The voice's name
 * goes to stdout; what is known about the recording, and what could be better, to stderr. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api/report.h"
#include "main/client.h"
#include "main/command.h"
#include "main/local.h"
#include "main/options.h"
#include "main/progress.h"

struct clone {
    const char *name, *text, *language, *target;
    struct tb_progress *progress;
};

/* {"voice":..., "target_model":..., "likeness":..., "speech_s":..., "warnings":[{"kind":..., "text":...}]} */
static json_t *describe(const char *voice, const char *target, const json_t *report)
{
    json_t *out = json_pack("{s:s, s:s}", "voice", voice, "target_model", target);

    json_object_update_missing(out, (json_t *)(uintptr_t)report);
    return out;
}

static void watch_upload(void *ctx, double part)
{
    tb_progress_set(ctx, part < 1 ? "sending the recording" : "the server works", part < 1 ? part : -1);
}

static enum tb_code clone_on_server(struct tb_client client, const struct clone *c, const char *audio, json_t **out,
                                    struct tb_error *err)
{
    json_t *answer, *body,
        *input = json_pack("{s:s, s:s, s:s, s:{s:s}}", "action", "create", "target_model", c->target,
                           "preferred_name", c->name, "audio", "data", audio);
    enum tb_code rc;

    if (!input || (c->text && json_object_set_new(input, "text", json_string(c->text))) ||
        (c->language && json_object_set_new(input, "language", json_string(c->language)))) {
        json_decref(input);
        return tb_fail(err, TB_EINVAL, "name, text, language, model or file name is not UTF-8");
    }
    /* Another server ignores this parameter, as the protocol's own clients leave it out. */
    body = json_pack("{s:s, s:o, s:{s:b}}", "model", "qwen-voice-enrollment", "input", input, "parameters",
                     "timbre_report", 1);
    client.uploaded = watch_upload;
    client.ctx = c->progress;
    if ((rc = tb_client_post(&client, TB_PATH_VOICES, body, &answer, err)))
        return rc;
    const char *voice = tb_client_text(answer, "output", "voice", NULL);
    if (voice[0])
        *out = describe(voice, c->target, json_object_get(json_object_get(answer, "output"), "timbre_report"));
    else
        rc = tb_fail(err, TB_EIO, "%.120s answered without a voice: is it a Timbre server?", client.url);
    json_decref(answer);
    return rc;
}

static enum tb_code clone_here(const struct tb_config *config, const char *key, const struct clone *c,
                               struct tb_str audio, json_t **out, struct tb_error *err)
{
    struct tb_create_request req = { tb_str_of(c->target), tb_str_of(c->name), audio, tb_str_of(c->text),
                                     TB_LANG_AUTO };
    struct tb_create_report report;
    struct tb_voice_info info;
    struct tb_local local = { 0 };
    int64_t account;
    enum tb_code rc;

    if (c->language && !tb_lang_from_code(tb_str_of(c->language), &req.language))
        return tb_fail(err, TB_EINVAL, "language '%s' is none of zh en de it pt es ja ko fr ru", c->language);
    if (!tb_voices_name_ok(req.preferred_name))
        return tb_fail(err, TB_EINVAL, "name '%s' is not 1 to 16 letters, digits or underscores", c->name);
    tb_progress_set(c->progress, "loading the model", -1);
    /* A text may have to be checked by another engine than that of the model. */
    if ((rc = tb_local_open(config, c->progress, c->text ? NULL : c->target, &local, err)))
        return rc;
    tb_progress_set(c->progress, "making the voice", -1);
    if (!tb_voices_model(local.voices, req.target_model))
        rc = tb_fail(err, TB_EINVAL, "no model '%s'", c->target);
    if (!rc && !(rc = tb_local_account(&local, key, &account, err)))
        rc = tb_voices_create(local.voices, account, &req, &info, &report, NULL, err);
    tb_local_close(&local);
    if (rc)
        return rc;
    json_t *found = tb_report_json(&report);
    *out = describe(info.id, c->target, found);
    json_decref(found);
    return TB_OK;
}

/* For people, on stderr. A server that is not Timbre reports nothing. */
static void tell(const json_t *made)
{
    const json_t *likeness = json_object_get(made, "likeness"), *warning;
    size_t i;

    if (json_is_null(likeness))
        fprintf(stderr, "%.1f s of speech\n", json_number_value(json_object_get(made, "speech_s")));
    else if (likeness)
        fprintf(stderr, "%.1f s of speech; expected likeness %.2f (another person's voice: 0.55, the same person's in "
                        "two recordings: 0.93)\n",
                json_number_value(json_object_get(made, "speech_s")), json_number_value(likeness));
    json_array_foreach(json_object_get(made, "warnings"), i, warning)
        fprintf(stderr, "warning: %s\n", tb_client_text((json_t *)(uintptr_t)warning, "text", NULL));
}

static int run_clone(const struct tb_command *self, int argc, char **argv)
{
    struct clone c = { .target = TB_DEFAULT_TARGET };
    bool as_json = false;
    const struct tb_option own[] = { { "name", 'n', &c.name, NULL },        { "text", 't', &c.text, NULL },
                                     { "language", 'l', &c.language, NULL }, { "target-model", 'm', &c.target, NULL },
                                     { "json", 0, NULL, &as_json } };
    const struct tb_client client = tb_client_from_env();
    struct tb_config config;
    struct tb_bytes audio = { 0 };
    struct tb_error err = { 0 };
    json_t *made = NULL;
    int first, code = tb_options_parse(self, argc, argv, own, 5, &config, &first);

    if (code >= 0)
        return code;
    if (argc - first != 1)
        return tb_command_usage_error(self, "one FILE or URL is needed");
    if (!c.name)
        return tb_command_usage_error(self, "--name is needed");
    c.progress = tb_progress_open("reading the recording");
    enum tb_code rc = tb_audio_reference(argv[first], &audio, &err);
    if (!rc && client.url)
        rc = clone_on_server(client, &c, (const char *)audio.data, &made, &err);
    else if (!rc)
        rc = clone_here(&config, client.key, &c, tb_bytes_str(&audio), &made, &err);
    tb_progress_close(c.progress);
    tb_bytes_free(&audio);
    if (rc)
        return tb_command_failed(self, &err);
    tell(made);
    if (as_json)
        return tb_command_print_json(made);
    puts(tb_client_text(made, "voice", NULL));
    json_decref(made);
    return TB_EXIT_OK;
}

const struct tb_command tb_command_clone = {
    "clone", "make a voice from a recording; prints its name",
    "usage: timbre clone FILE|URL --name NAME [OPTIONS]\n\n"
    "FILE is WAV, MP3 or M4A at 24 kHz or more, at most 10 MB and 60 s; 10 to 20 s of clear speech are best.\n"
    "It is checked: a bad one (noise, clipping, two speakers, ...) is refused with what was measured and the limit;\n"
    "what could be better about a good one is said on stderr, with the likeness to expect (docs/ENROLMENT.md).\n\n"
    "  -n, --name NAME           1 to 16 letters, digits or underscores\n"
    "  -t, --text TEXT           what is said in the recording; refused when it is certainly something else\n"
    "  -l, --language CODE       zh en de it pt es ja ko fr ru\n"
    "  -m, --target-model MODEL  the model that will speak with the voice (" TB_DEFAULT_TARGET ")\n"
    "  --data DIR, --engine E, --model DIR, --bind ...  without a server: as for `timbre serve`\n"
    "  --json                    for programs: voice, target_model, likeness, speech_s, snr_db, warnings\n\n"
    "With TIMBRE_URL set, the server there does it, with the key in DASHSCOPE_API_KEY.\n\n"
    "examples:\n"
    "  timbre clone me.wav --name me\n"
    "  TIMBRE_URL=http://127.0.0.1:8080 timbre clone me.m4a --name me --language en\n",
    run_clone,
};
