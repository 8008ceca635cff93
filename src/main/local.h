/* local.h - what a command needs of this machine: the store, the engines, the models bound to them. */
#ifndef TB_MAIN_LOCAL_H
#define TB_MAIN_LOCAL_H

#include "main/config.h"
#include "main/engines.h"
#include "main/progress.h"
#include "speech/speech.h"
#include "voices/voices.h"

struct tb_local {
    struct tb_store *store;
    struct tb_pool *pool;
    struct tb_bindings bindings;
    struct tb_engine *engines[TB_ENGINES]; /* as in bindings; NULL: not loaded */
    struct tb_model models[TB_MODEL_NAMES]; /* those whose engine is loaded */
    size_t model_count;
    struct tb_voices *voices;
    struct tb_speech *speech;
};

/* Only the store, of an empty *l. */
enum tb_code tb_local_open_store(const struct tb_config *c, struct tb_local *l, struct tb_error *err);
/* Load engine i of l->bindings, which tb_bindings_read has filled, and the pool where there is none yet. bar: shows
 * what takes long; NULL: a bar of its own where need be. */
enum tb_code tb_local_open_engine(const struct tb_config *c, struct tb_progress *bar, struct tb_local *l, int i,
                                  struct tb_error *err);
/* Everything, with the engine of one model; NULL: each engine that a model name is bound to. *l is empty, or has the
 * store. A model that there is not has none. */
enum tb_code tb_local_open(const struct tb_config *c, struct tb_progress *bar, const char *model, struct tb_local *l,
                           struct tb_error *err);
/* Whatever is open. */
void tb_local_close(struct tb_local *l);

/* The account that a command without a server works for: that of `key` (may be NULL: DASHSCOPE_API_KEY unset), else of
 * the oldest key in force, else a new one labelled "local". */
enum tb_code tb_local_account(struct tb_local *l, const char *key, int64_t *account, struct tb_error *err);

#endif
