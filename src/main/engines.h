/* engines.h - which engine speaks for which model name of the wire, and where its weights lie.
 *
 * All names are served by the engine of `engine`, but those that `bind` gives to another one. An engine that no name is
 * bound to is not loaded. */
#ifndef TB_MAIN_ENGINES_H
#define TB_MAIN_ENGINES_H

#include "engine/engine.h"
#include "main/config.h"

enum { TB_MODEL_NAMES = 3, TB_ENGINES = 2 };
/* The model that clone binds a voice to when none is named: the one of HTTP synthesis. */
#define TB_DEFAULT_TARGET "qwen3-tts-vc-2026-01-22"

struct tb_binding {
    const char *name; /* of the model */
    bool realtime;
    int engine;       /* index of struct tb_bindings.engines */
};

struct tb_bindings {
    struct tb_binding models[TB_MODEL_NAMES];
    struct {
        const struct tb_engine_ops *ops;
        const char *folder; /* in the configuration, which outlives this */
        bool bound;
    } engines[TB_ENGINES];
};

/* TB_EUNSUPPORTED: an engine that is not in this build; TB_EINVAL: `bind` is malformed, names an unknown model or one
 * twice, or a bound engine has no folder. Messages name key and value. */
enum tb_code tb_bindings_read(const struct tb_config *config, struct tb_bindings *out, struct tb_error *err);

#endif
