/* local.c - see local.h. */
#include "main/local.h"

#include <stdlib.h>
#include <string.h>

#include "engine/kokoro/kokoro.h"
#include "engine/qwen3/qwen3.h"

static const struct tb_engine_ops *const engines[] = { &tb_kokoro_ops, &tb_qwen3_ops };

static const struct {
    const char *name;
    bool realtime;
} names[TB_MODEL_NAMES] = {
    { "qwen3-tts-vc-realtime-2026-01-15", true },
    { "qwen3-tts-vc-realtime-2025-11-27", true },
    { TB_DEFAULT_TARGET, false },
};

enum tb_code tb_local_open_store(const struct tb_config *c, struct tb_local *l, struct tb_error *err)
{
    return tb_store_open(c->data, &l->store, err);
}

enum tb_code tb_local_open_engine(const struct tb_config *c, struct tb_local *l, struct tb_error *err)
{
    const struct tb_engine_ops *ops = NULL;
    enum tb_code rc;

    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
        if (!strcmp(c->engine, engines[i]->name))
            ops = engines[i];
    if (!ops)
        return tb_fail(err, TB_EUNSUPPORTED, "engine '%s' is not in this build; there are: kokoro, qwen3", c->engine);
    if ((rc = tb_pool_open((int)c->threads, &l->pool, err)))
        return rc;
    const struct tb_engine_config config = { .model_dir = c->model, .helper_dir = c->helper_dir, .pool = l->pool,
                                             .windows = c->windows };
    return tb_engine_open(ops, &config, &l->engine, err);
}

enum tb_code tb_local_open(const struct tb_config *c, struct tb_local *l, struct tb_error *err)
{
    enum tb_code rc;

    *l = (struct tb_local){ 0 };
    if ((rc = tb_local_open_store(c, l, err)) || (rc = tb_local_open_engine(c, l, err)))
        goto failed;
    if ((rc = tb_speech_open(&(struct tb_speech_config){ 0 }, &l->speech, err)))
        goto failed;
    for (int i = 0; i < TB_MODEL_NAMES; i++)
        l->models[i] = (struct tb_model){ names[i].name, names[i].realtime, l->engine };
    const struct tb_voices_config voices = {
        .store = l->store,
        .models = l->models,
        .model_count = TB_MODEL_NAMES,
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
    if (l->engine)
        tb_engine_close(l->engine);
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
