/* local.h - what a command needs of this machine: the store, the engine, the models bound to it. */
#ifndef TB_MAIN_LOCAL_H
#define TB_MAIN_LOCAL_H

#include "main/config.h"
#include "speech/speech.h"
#include "voices/voices.h"

enum { TB_MODEL_NAMES = 3 };
/* The model that clone binds a voice to when none is named: the one of HTTP synthesis. */
#define TB_DEFAULT_TARGET "qwen3-tts-vc-2026-01-22"

struct tb_local {
    struct tb_store *store;
    struct tb_pool *pool;
    struct tb_engine *engine;
    struct tb_model models[TB_MODEL_NAMES];
    struct tb_voices *voices;
    struct tb_speech *speech;
};

/* Only the store. */
enum tb_code tb_local_open_store(const struct tb_config *c, struct tb_local *l, struct tb_error *err);
/* The engine alone: pool and weights. */
enum tb_code tb_local_open_engine(const struct tb_config *c, struct tb_local *l, struct tb_error *err);
/* Everything. */
enum tb_code tb_local_open(const struct tb_config *c, struct tb_local *l, struct tb_error *err);
/* Whatever is open. */
void tb_local_close(struct tb_local *l);

/* The account that a command without a server works for: that of `key` (may be NULL: DASHSCOPE_API_KEY unset), else of
 * the oldest key in force, else a new one labelled "local". */
enum tb_code tb_local_account(struct tb_local *l, const char *key, int64_t *account, struct tb_error *err);

#endif
