/* realtime_config.h - the session object of surface B: defaults, the checks of session.update, the object as sent. */
#ifndef TB_API_REALTIME_CONFIG_H
#define TB_API_REALTIME_CONFIG_H

#include "api/options.h"

struct tb_session_config {
    char voice[TB_MAX_VOICE_ID]; /* "" until one was accepted */
    bool commit_mode;            /* mode `commit`; else `server_commit` */
    struct tb_options options;
    bool enable_tn;
    json_t *instructions; /* string, or NULL; owned */
};

/* What is wrong with an event, for the error event. */
struct tb_wrong {
    char message[400];
    char param[80];
};

void tb_session_config_init(struct tb_session_config *config);
/* The configuration that `session` makes of `now`, all members checked before any counts. *voice is the voice asked
 * for, to be looked up by the caller (p is NULL when there is none): next->voice is not changed here.
 * False: *wrong says why and next is empty. On true release next with tb_session_config_free. */
bool tb_session_config_update(const struct tb_session_config *now, const json_t *session,
                              const struct tb_engine *engine, struct tb_session_config *next, struct tb_str *voice,
                              struct tb_wrong *wrong);
/* The session object; full: with all that session.updated carries beyond session.created. */
json_t *tb_session_config_json(const struct tb_session_config *config, const char *id, const char *model, bool full);
void tb_session_config_free(struct tb_session_config *config);

#endif
