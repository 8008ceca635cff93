/* local.c - see local.h. */
#include "main/local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum tb_code tb_local_open_store(const struct tb_config *c, struct tb_local *l, struct tb_error *err)
{
    return tb_store_open(c->data, &l->store, err);
}

struct bars {
    struct tb_progress *given, *own;
};

static void show_progress(void *ctx, const char *doing, double part)
{
    struct bars *b = ctx;

    if (!b->given && !b->own)
        b->own = tb_progress_open(doing);
    tb_progress_set(b->given ? b->given : b->own, doing, part);
}

enum tb_code tb_local_open_engine(const struct tb_config *c, struct tb_progress *bar, struct tb_local *l, int i,
                                  struct tb_error *err)
{
    char cache[TB_CONFIG_TEXT + 8];
    struct bars bars = { .given = bar };
    struct tb_engine_config config = {
        .model_dir = l->bindings.engines[i].folder, .helper_dir = c->helper_dir, .windows = c->windows,
        .weights = c->weights, .cache = cache, .progress = show_progress, .progress_ctx = &bars,
    };
    enum tb_code rc = l->pool ? TB_OK : tb_pool_open((int)c->threads, &l->pool, err);

    snprintf(cache, sizeof cache, "%s%s", c->cache[0] ? c->cache : c->data, c->cache[0] ? "" : ".cache");
    config.pool = l->pool;
    if (rc == TB_OK)
        rc = tb_engine_open(l->bindings.engines[i].ops, &config, &l->engines[i], err);
    tb_progress_close(bars.own);
    return rc;
}

static enum tb_code open_engines(const struct tb_config *c, struct tb_progress *bar, const char *model,
                                 struct tb_local *l, struct tb_error *err)
{
    enum tb_code rc = tb_bindings_read(c, &l->bindings, err);

    for (int i = 0; !rc && i < TB_MODEL_NAMES; i++) {
        const struct tb_binding *b = &l->bindings.models[i];

        if ((!model || !strcmp(model, b->name)) && !l->engines[b->engine])
            rc = tb_local_open_engine(c, bar, l, b->engine, err);
    }
    for (int i = 0; !rc && i < TB_MODEL_NAMES; i++) {
        const struct tb_binding *b = &l->bindings.models[i];

        if (l->engines[b->engine])
            l->models[l->model_count++] = (struct tb_model){ b->name, b->realtime, l->engines[b->engine] };
    }
    return rc;
}

enum tb_code tb_local_open(const struct tb_config *c, struct tb_progress *bar, const char *model, struct tb_local *l,
                           struct tb_error *err)
{
    enum tb_code rc;

    if ((!l->store && (rc = tb_local_open_store(c, l, err))) || (rc = open_engines(c, bar, model, l, err)))
        goto failed;
    const struct tb_speech_config speech = { .max_utterances = (size_t)c->max_syntheses,
                                             .max_load_percent = (int)c->max_load };
    if ((rc = tb_speech_open(&speech, &l->speech, err)))
        goto failed;
    const struct tb_voices_config voices = {
        .store = l->store,
        .models = l->models,
        .model_count = l->model_count,
        .helper_dir = c->helper_dir,
        .max_voices = (size_t)c->max_voices,
        .turns = tb_speech_turns(l->speech),
        .keep_recordings = c->keep_recordings,
        .allow_private_urls = c->allow_private_urls,
        .allowed_places = c->allow_urls,
    };
    if ((rc = tb_voices_open(&voices, &l->voices, err)))
        goto failed;
    return TB_OK;
failed:
    tb_local_close(l);
    return rc;
}

void tb_local_close(struct tb_local *l)
{
    if (l->voices)
        tb_voices_close(l->voices);
    if (l->speech)
        tb_speech_close(l->speech);
    for (int i = 0; i < TB_ENGINES; i++)
        tb_engine_close(l->engines[i]);
    if (l->pool)
        tb_pool_close(l->pool);
    if (l->store)
        tb_store_close(l->store);
    *l = (struct tb_local){ 0 };
}

/* The account of the oldest key in force. TB_ENOTFOUND: there is none. */
static enum tb_code oldest_account(struct tb_local *l, int64_t *account, struct tb_error *err)
{
    struct tb_key_info *keys = NULL;
    size_t count = 0;
    enum tb_code rc = tb_store_key_list(l->store, &keys, &count, err);

    if (rc)
        return rc;
    rc = TB_ENOTFOUND;
    for (size_t i = 0; i < count && rc; i++)
        if (!keys[i].revoked) {
            *account = keys[i].account;
            rc = TB_OK;
        }
    free(keys);
    return rc;
}

enum tb_code tb_local_account(struct tb_local *l, const char *key, int64_t *account, struct tb_error *err)
{
    char made[64];
    enum tb_code rc;

    if (key && key[0])
        return tb_store_key_find(l->store, tb_str_of(key), account, err) == TB_OK
                   ? TB_OK
                   : tb_fail(err, TB_ENOTFOUND, "the key in DASHSCOPE_API_KEY is not one of this data folder; "
                                                "`timbre keys list` shows those that are");
    if ((rc = oldest_account(l, account, err)) != TB_ENOTFOUND)
        return rc;
    if ((rc = tb_store_key_add(l->store, "local", 0, made, err)))
        return rc;
    return oldest_account(l, account, err);
}
