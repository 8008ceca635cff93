/* customization.c - surface A: create, list and delete voices (docs/API.md, Voices). All of it runs on workers. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/http.h"
#include "api/report.h"
#include "base/limits.h"
#include "base/log.h"
#include "text/utf8.h"

/* A string member. False: the problem names it. optional: absent gives the empty span. */
static bool take_string(struct tb_exchange *x, const json_t *object, const char *name, bool optional,
                        struct tb_str *out)
{
    const json_t *value = tb_json_member(object, name);
    char got[64];

    *out = tb_json_str(NULL);
    if (!value && optional)
        return true;
    if (!value)
        return tb_problem_set(&x->problem, TB_P_FIELD, name, "It is missing.");
    tb_json_show(value, got);
    if (!json_is_string(value))
        return tb_problem_set(&x->problem, TB_P_FIELD, name, "Got %s: a string is needed.", got);
    *out = tb_json_str(value);
    return true;
}

/* A whole number from 0 to TB_MAX_PAGE. */
static bool take_page(struct tb_exchange *x, const json_t *input, const char *name, int64_t otherwise, int64_t *out)
{
    const json_t *value = tb_json_member(input, name);
    char got[64];

    *out = otherwise;
    if (!value)
        return true;
    *out = json_integer_value(value);
    if (json_is_integer(value) && *out >= 0 && *out <= TB_MAX_PAGE)
        return true;
    tb_json_show(value, got);
    return tb_problem_set(&x->problem, TB_P_RANGE, name, "Got %s: a whole number from 0 to %d is needed.", got,
                          TB_MAX_PAGE);
}

static bool take_audio(struct tb_exchange *x, const json_t *input, struct tb_str *out)
{
    const json_t *audio = tb_json_member(input, "audio");
    char got[64];

    tb_json_show(audio, got);
    if (!audio)
        return tb_problem_set(&x->problem, TB_P_FIELD, "audio", "It is missing.");
    if (!json_is_object(audio))
        return tb_problem_set(&x->problem, TB_P_FIELD, "audio", "Got %s: an object with data is needed.", got);
    if (!take_string(x, audio, "data", false, out))
        return tb_problem_set(&x->problem, TB_P_FIELD, "audio.data", "A data: or http(s): URL is needed.");
    return true;
}

static bool check_create(struct tb_exchange *x, const struct tb_create_request *c)
{
    struct tb_voices *voices = x->api->config.voices;
    size_t text = tb_utf8_count(c->text);
    char got[64];
    json_t *input = tb_json_member(x->request, "input");

    if (!tb_voices_model(voices, c->target_model)) {
        struct tb_bytes names = { .cap = 250 };

        for (size_t i = 0; i < tb_voices_model_count(voices); i++)
            tb_bytes_addf(&names, "%s%s", i ? ", " : "", tb_voices_model_at(voices, i)->name);
        tb_json_show(tb_json_member(input, "target_model"), got);
        tb_problem_set(&x->problem, TB_P_FIELD, "target_model", "Got %s: one of %s is needed.", got,
                       names.data ? (char *)names.data : "none");
        tb_bytes_free(&names);
        return false;
    }
    tb_json_show(tb_json_member(input, "preferred_name"), got);
    if (!tb_voices_name_ok(c->preferred_name))
        return tb_problem_set(&x->problem, TB_P_FIELD, "preferred_name",
                              "Got %s: 1 to %d of A-Z a-z 0-9 _ are allowed.", got, TB_MAX_NAME);
    if (text > TB_MAX_TRANSCRIPT)
        return tb_problem_set(&x->problem, TB_P_RANGE, "text", "Got %zu characters: at most %d are taken.", text,
                              TB_MAX_TRANSCRIPT);
    return true;
}

static bool take_language(struct tb_exchange *x, const json_t *input, enum tb_lang *out)
{
    struct tb_str code;
    char got[64];

    *out = TB_LANG_AUTO;
    if (!take_string(x, input, "language", true, &code))
        return false;
    if (!tb_json_member(input, "language"))
        return true;
    tb_json_show(tb_json_member(input, "language"), got);
    return (tb_lang_from_code(code, out) && *out != TB_LANG_AUTO) ||
           tb_problem_set(&x->problem, TB_P_FIELD, "language",
                          "Got %s: one of zh en de it pt es ja ko fr ru is needed.", got);
}

/* The wire's word for a failed enrolment. */
static void create_failed(struct tb_exchange *x, enum tb_code rc, const struct tb_error *err)
{
    if (rc == TB_EINVAL)
        tb_problem_set(&x->problem, TB_P_URL, NULL, "%s", err->text);
    else
        tb_problem_from(&x->problem, rc, err);
}

static void create(struct tb_exchange *x)
{
    json_t *input = tb_json_member(x->request, "input"), *output;
    json_t *asked = tb_json_member(tb_json_member(x->request, "parameters"), "timbre_report");
    struct tb_create_request c = { 0 };
    struct tb_create_report report;
    struct tb_voice_info voice;
    struct tb_error err = { 0 };
    enum tb_code rc;

    if (!take_string(x, input, "target_model", false, &c.target_model) ||
        !take_string(x, input, "preferred_name", false, &c.preferred_name) || !take_audio(x, input, &c.audio) ||
        !take_string(x, input, "text", true, &c.text) || !check_create(x, &c) || !take_language(x, input, &c.language))
        return;
    rc = tb_voices_create(x->api->config.voices, x->account, &c, &voice, &report, NULL, &err);
    if (rc) {
        create_failed(x, rc, &err);
        return;
    }
    tb_log(TB_LOG_INFO, "created", "request=%s voice=%s", x->request_id, voice.id);
    output = json_pack("{s:s, s:s, s:b}", "voice", voice.id, "target_model", voice.target_model, "fallback_mode", 0);
    if (json_is_true(asked))
        json_object_set_new(output, "timbre_report", tb_report_json(&report));
    x->answer = tb_json_text(json_pack("{s:o, s:{s:i}, s:s}", "output", output, "usage", "count", 1, "request_id",
                                       x->request_id));
}

/* UTC, as docs/API.md says. */
static void show_time(int64_t ms, char out[32])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm);
}

static json_t *voice_item(const struct tb_voice_info *v, bool with_report)
{
    char created[32], modified[32];

    show_time(v->created_ms, created);
    show_time(v->modified_ms, modified);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o*}", "voice", v->id, "gmt_create", created, "gmt_modified",
                     modified, "language", v->language, "target_model", v->target_model, "timbre_report",
                     with_report ? tb_voice_report_json(v) : NULL);
}

static void list(struct tb_exchange *x)
{
    json_t *input = tb_json_member(x->request, "input"), *items;
    bool with_report = json_is_true(tb_json_member(tb_json_member(x->request, "parameters"), "timbre_report"));
    struct tb_voice_info *voices = NULL;
    struct tb_error err = { 0 };
    int64_t index, size, total = 0;
    size_t count = 0;
    enum tb_code rc;

    if (!take_page(x, input, "page_index", 0, &index) || !take_page(x, input, "page_size", 10, &size))
        return;
    if ((rc = tb_voices_list(x->api->config.voices, x->account, index, size, &voices, &count, &total, &err))) {
        tb_problem_from(&x->problem, rc, &err);
        return;
    }
    items = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(items, voice_item(&voices[i], with_report));
    free(voices);
    x->answer = tb_json_text(json_pack("{s:{s:I, s:I, s:I, s:o}, s:{s:i}, s:s}", "output", "page_index",
                                       (json_int_t)index, "page_size", (json_int_t)size, "total_count",
                                       (json_int_t)total, "voice_list", items, "usage", "count", 0, "request_id",
                                       x->request_id));
}

static void delete(struct tb_exchange *x)
{
    json_t *input = tb_json_member(x->request, "input");
    struct tb_error err = { 0 };
    struct tb_str voice;
    char id[TB_PROBLEM_SUBJECT];
    enum tb_code rc;

    if (!take_string(x, input, "voice", false, &voice))
        return;
    tb_text_copy(id, sizeof id, voice.p);
    rc = tb_voices_delete(x->api->config.voices, x->account, voice, &err);
    if (rc == TB_EVOICE)
        tb_problem_set(&x->problem, TB_P_NO_VOICE, id, NULL);
    else if (rc)
        tb_problem_from(&x->problem, rc, &err);
    else
        x->answer = tb_json_text(json_pack("{s:{s:s}, s:{s:i}, s:s}", "output", "voice", id, "usage", "count", 0,
                                           "request_id", x->request_id));
}

static const struct {
    const char *name;
    void (*run)(struct tb_exchange *x);
    bool heavy;
} actions[] = { { "create", create, true }, { "list", list, false }, { "delete", delete, false } };

void tb_customization_run(struct tb_exchange *x)
{
    struct tb_str model, action;
    json_t *input;
    char got[64];

    if (!tb_request_model(x, &model))
        return;
    if (!tb_str_eq(model, "qwen-voice-enrollment")) {
        tb_problem_set(&x->problem, TB_P_MODEL_UNKNOWN, NULL, NULL);
        return;
    }
    if (!tb_request_input(x, &input) || !take_string(x, input, "action", false, &action))
        return;
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (!tb_str_eq(action, actions[i].name))
            continue;
        if (actions[i].heavy && !x->on_heavy)
            x->more = actions[i].run;
        else
            actions[i].run(x);
        return;
    }
    tb_json_show(tb_json_member(input, "action"), got);
    tb_problem_set(&x->problem, TB_P_FIELD, "action", "Got %s: create, list or delete is needed.", got);
}
