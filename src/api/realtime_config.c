/* realtime_config.c - see realtime_config.h. docs/API.md, Realtime. */
#include "api/realtime_config.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

void tb_session_config_init(struct tb_session_config *c)
{
    *c = (struct tb_session_config){ .enable_tn = true };
    tb_options_init(&c->options, TB_FORMAT_PCM);
}

static bool refuse(struct tb_wrong *wrong, const char *name, const char *why)
{
    snprintf(wrong->param, sizeof wrong->param, "session.%.60s", name);
    snprintf(wrong->message, sizeof wrong->message, "Invalid value for session.%.60s. %s", name, why);
    return false;
}

static bool take_mode(struct tb_session_config *c, const json_t *value)
{
    struct tb_str mode = tb_json_str(json_is_string(value) ? value : NULL);

    c->commit_mode = tb_str_eq(mode, "commit");
    return c->commit_mode || tb_str_eq(mode, "server_commit");
}

static bool take_instructions(struct tb_session_config *c, json_t *value)
{
    if (!json_is_string(value) || json_string_length(value) > TB_MAX_INSTRUCTIONS)
        return false;
    json_decref(c->instructions);
    c->instructions = json_incref(value);
    return true;
}

/* One member that is not among the options. Unknown ones are fine. */
static bool take_member(struct tb_session_config *c, const char *name, json_t *value, struct tb_str *voice,
                        struct tb_wrong *wrong)
{
    char got[64], why[TB_OPTION_WHY];
    const char *needed = NULL;

    tb_json_show(value, got);
    if (strcmp(name, "mode") == 0 && !take_mode(c, value)) {
        needed = "server_commit or commit is needed.";
    } else if (strcmp(name, "voice") == 0) {
        *voice = tb_json_str(json_is_string(value) ? value : NULL);
        needed = json_is_string(value) ? NULL : "a string is needed.";
    } else if (strcmp(name, "instructions") == 0 && !take_instructions(c, value)) {
        needed = "a string of at most 16384 bytes is needed.";
    } else if (strcmp(name, "enable_tn") == 0 || strcmp(name, "optimize_instructions") == 0) {
        needed = json_is_boolean(value) ? NULL : "true or false is needed.";
        if (strcmp(name, "enable_tn") == 0)
            c->enable_tn = json_is_true(value);
    }
    if (!needed)
        return true;
    snprintf(why, sizeof why, "Got %s: %s", got, needed);
    return refuse(wrong, name, why);
}

bool tb_session_config_update(const struct tb_session_config *now, const json_t *session,
                              const struct tb_engine *engine, struct tb_session_config *next, struct tb_str *voice,
                              struct tb_wrong *wrong)
{
    char why[TB_OPTION_WHY];
    const char *name;
    json_t *value;
    bool ok = true;

    *voice = (struct tb_str){ NULL, 0 };
    *next = *now;
    json_incref(next->instructions);
    json_object_foreach((json_t *)(uintptr_t)session, name, value) /* the macro reads only, but takes no const */
    {
        enum tb_option_result result = json_is_null(value) ? TB_OPTION_TAKEN
                                                           : tb_options_take(&next->options, name, value, why);

        if (result == TB_OPTION_BAD)
            ok = refuse(wrong, name, why);
        else if (result == TB_OPTION_UNKNOWN)
            ok = take_member(next, name, value, voice, wrong);
        if (!ok)
            break;
    }
    if (ok && (name = tb_options_refused(&next->options, engine, why)))
        ok = refuse(wrong, name, why);
    if (!ok)
        tb_session_config_free(next);
    return ok;
}

json_t *tb_session_config_json(const struct tb_session_config *c, const char *id, const char *model, bool full)
{
    const struct tb_options *o = &c->options;
    json_t *session = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s}", "object", "realtime.session", "mode",
                                c->commit_mode ? "commit" : "server_commit", "model", model, "voice", c->voice,
                                "response_format", tb_format_name(o->format), "sample_rate", o->sample_rate, "id", id);
    json_t *more = full ? json_pack("{s:s, s:f, s:i, s:f, s:i, s:b}", "language_type", tb_lang_name(o->language),
                                    "speech_rate", o->speech_rate, "volume", o->volume, "pitch_rate", o->pitch_rate,
                                    "bit_rate", o->bit_rate, "enable_tn", (int)c->enable_tn)
                        : NULL;

    if (full && session)
        json_object_update(session, more);
    if (full && session && c->instructions)
        json_object_set(session, "instructions", c->instructions);
    json_decref(more);
    return session;
}

void tb_session_config_free(struct tb_session_config *c)
{
    json_decref(c->instructions);
    *c = (struct tb_session_config){ 0 };
}
