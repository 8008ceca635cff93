/* engines.c - see engines.h. */
#include "main/engines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/kokoro/kokoro.h"
#include "engine/qwen3/qwen3.h"

enum { NOT_BOUND = -1, WORD = 64 };

static const struct {
    const struct tb_engine_ops *ops;
    const char *key; /* of its folder */
    size_t at;       /* of that key in struct tb_config */
} engines[TB_ENGINES] = {
    { &tb_kokoro_ops, "kokoro_model", offsetof(struct tb_config, kokoro_model) },
    { &tb_qwen3_ops, "qwen3_model", offsetof(struct tb_config, qwen3_model) },
};

static const struct tb_binding names[TB_MODEL_NAMES] = {
    { "qwen3-tts-vc-realtime-2026-01-15", true, NOT_BOUND },
    { "qwen3-tts-vc-realtime-2025-11-27", true, NOT_BOUND },
    { TB_DEFAULT_TARGET, false, NOT_BOUND },
};

/* before: what the message begins with. */
static enum tb_code find_engine(const char *before, const char *name, int *out, struct tb_error *err)
{
    for (int i = 0; i < TB_ENGINES; i++)
        if (!strcmp(name, engines[i].ops->name)) {
            *out = i;
            return TB_OK;
        }
    return tb_fail(err, TB_EUNSUPPORTED, "%sengine '%.60s' is not in this build; there are: %s, %s", before, name,
                   engines[0].ops->name, engines[1].ops->name);
}

/* One "MODEL:ENGINE". */
static enum tb_code bind_one(const char *entry, struct tb_bindings *out, struct tb_error *err)
{
    const char *colon = strchr(entry, ':');
    struct tb_binding *model = NULL;
    char name[WORD];
    int engine;
    enum tb_code rc;

    snprintf(name, sizeof name, "%.*s", colon ? (int)(colon - entry) : 0, entry);
    if (!name[0] || !colon[1])
        return tb_fail(err, TB_EINVAL, "bind: '%.60s' is not MODEL:ENGINE", entry);
    if ((rc = find_engine("bind: ", colon + 1, &engine, err)))
        return rc;
    for (int i = 0; i < TB_MODEL_NAMES; i++)
        if (!strcmp(name, out->models[i].name))
            model = &out->models[i];
    if (!model)
        return tb_fail(err, TB_EINVAL, "bind: no model '%s'; there are: %s, %s, %s", name, names[0].name, names[1].name,
                       names[2].name);
    if (model->engine != NOT_BOUND)
        return tb_fail(err, TB_EINVAL, "bind: '%s' is bound twice, to %s and to %s", name,
                       engines[model->engine].ops->name, engines[engine].ops->name);
    model->engine = engine;
    return TB_OK;
}

static enum tb_code bind_list(const char *list, struct tb_bindings *out, struct tb_error *err)
{
    enum tb_code rc = TB_OK;

    while (!rc && *list) {
        size_t n = strcspn(list, ",");
        const char *from = list + strspn(list, " \t,"), *end = list + n;
        char entry[2 * WORD];

        list = end + (*end == ',');
        while (end > from && strchr(" \t", end[-1]))
            end--;
        if (end <= from)
            continue;
        snprintf(entry, sizeof entry, "%.*s", (int)(end - from), from);
        rc = bind_one(entry, out, err);
    }
    return rc;
}

/* The folder of a bound engine: `model` when it is `engine`, else its own key. */
static enum tb_code find_folder(const struct tb_config *c, int i, bool first, struct tb_bindings *out,
                                struct tb_error *err)
{
    bool by_model = first && c->model[0];
    const char *folder = by_model ? c->model : (const char *)c + engines[i].at;
    const char *key = by_model ? "model" : engines[i].key;
    struct stat info;

    out->engines[i].folder = folder;
    if (!out->engines[i].bound)
        return TB_OK;
    if (!folder[0])
        return tb_fail(err, TB_EINVAL, "engine %s needs the folder of its weights: set %s%s", engines[i].ops->name,
                       first ? "model or " : "", engines[i].key);
    if (stat(folder, &info))
        return tb_fail(err, TB_EINVAL, "%s = '%.200s': %s", key, folder, strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return tb_fail(err, TB_EINVAL, "%s = '%.200s' is not a folder", key, folder);
    return TB_OK;
}

enum tb_code tb_bindings_read(const struct tb_config *c, struct tb_bindings *out, struct tb_error *err)
{
    enum tb_code rc;
    int first;

    *out = (struct tb_bindings){ 0 };
    memcpy(out->models, names, sizeof names);
    if ((rc = find_engine("", c->engine, &first, err)) || (rc = bind_list(c->bind, out, err)))
        return rc;
    for (int i = 0; i < TB_MODEL_NAMES; i++) {
        if (out->models[i].engine == NOT_BOUND)
            out->models[i].engine = first;
        out->engines[out->models[i].engine].bound = true;
    }
    for (int i = 0; !rc && i < TB_ENGINES; i++) {
        out->engines[i].ops = engines[i].ops;
        rc = find_folder(c, i, i == first, out, err);
    }
    return rc;
}
