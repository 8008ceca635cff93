/* voices.c - see voices.h: all but create and renew, which have files of their own. */
#include "voices/voices.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "voices/voices_priv.h"

static const int64_t unused_ms = 365LL * 24 * 3600 * 1000; /* documented: a year */

/* The operator's list, one place after the other. */
static enum tb_code read_places(struct tb_voices *v, const char *list, struct tb_error *err)
{
    for (int count = 0; list && *list;) {
        size_t n = strcspn(list, ",");
        char place[TB_PLACE];
        const char *from = list + strspn(list, " "), *end = list + n;

        while (end > from && end[-1] == ' ')
            end--;
        list += n + (list[n] == ',');
        if (end <= from)
            continue;
        snprintf(place, sizeof place, "%.*s", (int)(end - from), from);
        if (count == TB_MAX_PLACES || !tb_place_parse(place, v->places[count]))
            return tb_fail(err, TB_EINVAL, "allowed places: '%s' is %s", place,
                           count == TB_MAX_PLACES ? "one too many" : "no ADDRESS:PORT");
        v->allowed[count] = v->places[count];
        count++;
    }
    return TB_OK;
}

enum tb_code tb_voices_open(const struct tb_voices_config *config, struct tb_voices **out, struct tb_error *err)
{
    struct tb_voices *v = calloc(1, sizeof *v);
    enum tb_code rc = TB_OK;

    *out = NULL;
    if (!v)
        return tb_fail(err, TB_ENOMEM, "voices");
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
        free(v);
        return tb_fail(err, TB_EINTERNAL, "libcurl does not start");
    }
    pthread_mutex_init(&v->renewing, NULL);
    v->config = *config;
    if (!v->config.max_voices)
        v->config.max_voices = TB_MAX_VOICES;
    v->config.helper_dir = v->helper_dir = tb_str_dup(tb_str_of(config->helper_dir));
    if (!v->helper_dir)
        rc = tb_fail(err, TB_ENOMEM, "voices");
    if (!rc)
        rc = read_places(v, config->allowed_places, err);
    v->config.allowed_places = NULL;
    if (!rc)
        rc = tb_print_cache_open(&v->cache, err);
    if (rc)
        tb_voices_close(v);
    else
        *out = v;
    return rc;
}

void tb_voices_close(struct tb_voices *v)
{
    if (!v)
        return;
    tb_preparer_close(v->preparer);
    tb_print_cache_close(v->cache);
    pthread_mutex_destroy(&v->renewing);
    free(v->helper_dir);
    free(v);
    curl_global_cleanup(); /* counted: the last one that opened */
}

const struct tb_model *tb_voices_model(const struct tb_voices *v, struct tb_str name)
{
    for (size_t i = 0; i < v->config.model_count; i++)
        if (tb_str_eq(name, v->config.models[i].name))
            return &v->config.models[i];
    return NULL;
}

size_t tb_voices_model_count(const struct tb_voices *v)
{
    return v->config.model_count;
}

const struct tb_model *tb_voices_model_at(const struct tb_voices *v, size_t i)
{
    return i < v->config.model_count ? &v->config.models[i] : NULL;
}

bool tb_voices_name_ok(struct tb_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return name.n >= 1 && name.n <= TB_MAX_NAME;
}

enum tb_code tb_voices_list(struct tb_voices *v, int64_t account, int64_t page_index, int64_t page_size,
                            struct tb_voice_info **out, size_t *count, int64_t *total, struct tb_error *err)
{
    return tb_store_voice_list(v->config.store, account, page_index, page_size, out, count, total, err);
}

enum tb_code tb_voices_delete(struct tb_voices *v, int64_t account, struct tb_str id, struct tb_error *err)
{
    enum tb_code rc = tb_store_voice_delete(v->config.store, account, id, err);

    if (rc)
        return rc;
    tb_print_cache_drop(v->cache, id);
    tb_log(TB_LOG_INFO, "voice-deleted", "account=%lld voice=%.*s", (long long)account, (int)id.n, id.p);
    return TB_OK;
}

/* The print for an engine. TB_ENOTFOUND: there is none that fits; why says what there is. */
static enum tb_code read_print(struct tb_voices *v, int64_t account, const struct tb_voice_info *info,
                               struct tb_engine *engine, struct tb_bytes *print, struct tb_error *why)
{
    enum tb_code rc = tb_store_print_get(v->config.store, account, tb_str_of(info->id), engine->ops->name, print, why);

    if (rc == TB_ENOTFOUND)
        return tb_fail(why, rc, "it was made with engine '%s', and its model is now spoken by '%s'", info->engine,
                       engine->ops->name);
    if (rc)
        return rc;
    rc = tb_engine_fits(engine, tb_bytes_str(print), why);
    return rc == TB_EVOICE ? TB_ENOTFOUND : rc;
}

/* Append the print of a voice that is there and of this model. */
static enum tb_code find_print(struct tb_voices *v, int64_t account, const struct tb_voice_info *info,
                               struct tb_engine *engine, struct tb_bytes *print, struct tb_error *err)
{
    struct tb_bytes found = { .cap = TB_MAX_PRINT };
    struct tb_error why = { 0 };
    enum tb_code rc;

    if (tb_print_cache_get(v->cache, info, print))
        return TB_OK;
    rc = read_print(v, account, info, engine, &found, &why);
    if (!rc && (rc = tb_bytes_add(print, found.data, found.size)))
        tb_fail(&why, rc, "a voice print of %zu bytes", found.size);
    if (!rc)
        tb_print_cache_put(v->cache, info, tb_bytes_str(&found));
    else if (rc != TB_ENOTFOUND)
        tb_fail(err, rc, "%s", why.text);
    else if (tb_store_recording_kept(v->config.store, account, tb_str_of(info->id)))
        rc = tb_fail(err, TB_ERENEW, "%s", why.text);
    else
        rc = tb_fail(err, TB_EPRINT, "This voice cannot be spoken with: %s. "
                     "Its recording was not kept: create it again", why.text);
    tb_bytes_free(&found);
    return rc;
}

/* Those that were used last. What cannot be read now is told when somebody wants to speak with it. */
static enum tb_code prepare_recent(struct tb_voices *v, struct tb_error *err)
{
    struct tb_owned_voice *recent;
    size_t count;
    enum tb_code rc = tb_store_voice_recent(v->config.store, TB_MAX_PREPARING, &recent, &count, err);

    while (rc == TB_OK && count-- > 0) { /* the latest last: it is prepared first */
        const struct tb_voice_info *info = &recent[count].voice;
        const struct tb_model *model = tb_voices_model(v, tb_str_of(info->target_model));
        struct tb_bytes print = { .cap = TB_MAX_PRINT };

        if (model && find_print(v, recent[count].account, info, model->engine, &print, NULL) == TB_OK)
            tb_preparer_add(v->preparer, model->engine, tb_bytes_str(&print));
        tb_bytes_free(&print);
    }
    free(recent);
    return rc;
}

enum tb_code tb_voices_prepare(struct tb_voices *v, struct tb_error *err)
{
    enum tb_code rc = tb_preparer_open(&v->config.turns, &v->preparer, err);

    return rc ? rc : prepare_recent(v, err);
}

enum tb_code tb_voices_find(struct tb_voices *v, int64_t account, struct tb_str id, const struct tb_model *model,
                            struct tb_voice_info *out, struct tb_bytes *print, struct tb_error *err)
{
    /* The row decides each time: a voice deleted by another process a moment ago is gone here too. */
    enum tb_code rc = tb_store_voice_get(v->config.store, account, id, out, err);
    size_t before = print->size;

    if (rc == TB_EVOICE)
        tb_print_cache_drop(v->cache, id);
    if (!rc && strcmp(out->target_model, model->name) != 0)
        rc = tb_fail(err, TB_EVOICE, "Voice '%.*s' not found.", (int)id.n, id.p);
    if (!rc)
        rc = find_print(v, account, out, model->engine, print, err);
    if (rc)
        *out = (struct tb_voice_info){ 0 };
    else
        tb_preparer_add(v->preparer, model->engine,
                        (struct tb_str){ (const char *)print->data + before, print->size - before });
    return rc;
}

enum tb_code tb_voices_used(struct tb_voices *v, int64_t account, struct tb_str id, int64_t characters,
                            int64_t audio_ms, struct tb_error *err)
{
    struct tb_usage one = { .account = account, .requests = 1, .characters = characters, .audio_ms = audio_ms };
    enum tb_code rc = tb_store_usage_add(v->config.store, &one, err);

    if (rc)
        return rc;
    rc = tb_store_voice_used(v->config.store, account, id, tb_now_ms(), err);
    return rc == TB_EVOICE ? TB_OK : rc; /* deleted while it was speaking: the work still counts */
}

enum tb_code tb_voices_sweep(struct tb_voices *v, struct tb_error *err)
{
    int64_t voices = 0, files = 0, now = tb_now_ms();
    enum tb_code rc = tb_store_voice_sweep(v->config.store, now - unused_ms, &voices, err), files_rc;

    if (voices)
        tb_print_cache_clear(v->cache); /* prints of deleted voices do not stay in memory */
    files_rc = tb_store_file_sweep(v->config.store, now, &files, rc ? NULL : err);
    if (voices || files)
        tb_log(TB_LOG_INFO, "sweep", "voices=%lld files=%lld", (long long)voices, (long long)files);
    return rc ? rc : files_rc;
}
