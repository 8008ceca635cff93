/* config.h - the settings of the program: defaults, then the file of --config, then command-line options.
 *
 * docs/CONFIG.md lists every key with unit and default. The file holds `key = value` lines; '#' begins a comment. */
#ifndef TB_MAIN_CONFIG_H
#define TB_MAIN_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"

enum { TB_CONFIG_TEXT = 1024 };

struct tb_config {
    char listen[TB_CONFIG_TEXT];
    char data[TB_CONFIG_TEXT];
    char engine[TB_CONFIG_TEXT];     /* of every model name that `bind` does not name */
    char bind[TB_CONFIG_TEXT];       /* "MODEL:ENGINE, ..." */
    char model[TB_CONFIG_TEXT];      /* folder of the weights of `engine`; "": that engine's own, below */
    char kokoro_model[TB_CONFIG_TEXT], qwen3_model[TB_CONFIG_TEXT];
    char weights[TB_CONFIG_TEXT];    /* "int8" */
    char cache[TB_CONFIG_TEXT];      /* "": beside data */
    char public_url[TB_CONFIG_TEXT]; /* "": from the request */
    char default_model[TB_CONFIG_TEXT];
    char allow_urls[TB_CONFIG_TEXT]; /* places inside that recordings may be fetched from */
    char helper_dir[TB_CONFIG_TEXT]; /* the folder of this program; not a key of the file */
    int64_t max_text, max_voices, max_sessions, max_syntheses, max_load, synthesis_ms, idle_ms;
    int64_t ws_accept_delay_ms, threads, workers;
    int64_t test_clock_shift_s;
    bool allow_private_urls, keep_recordings, any_key, windows;
    enum tb_log_level log_level;
};

/* The defaults: <root>/var/data, and <root>/var/models/kokoro for kokoro_model; <root> is the folder above the
 * program's. */
enum tb_code tb_config_init(struct tb_config *c, struct tb_error *err);
/* Set one key. TB_EINVAL names key and value. */
enum tb_code tb_config_set(struct tb_config *c, const char *key, const char *value, struct tb_error *err);
/* Read a file over *c. Errors name file, line and key. */
enum tb_code tb_config_read(struct tb_config *c, const char *path, struct tb_error *err);

#endif
