/* api_priv.h - what the parts of api share: the api itself, who is asking, and figures for /metrics.
 *
 * Everything here belongs to the loop's thread, except config (read-only), the mailbox and the workers. */
#ifndef TB_API_API_PRIV_H
#define TB_API_API_PRIV_H

#include "api/api.h"
#include "api/mail.h"
#include "api/timers.h"
#include "api/work.h"

struct tb_api_counters {
    uint64_t requests, refused, failed; /* HTTP answers; of them 4xx; of them 5xx or broken off */
    uint64_t sessions, responses;       /* realtime, since the start */
    uint64_t sessions_open, exchanges_open;
    uint64_t characters;                /* spoken on B and C, as usage.characters counts */
};

struct tb_api {
    struct tb_api_config config;
    struct tb_mailbox box;
    struct tb_timers timers;
    struct tb_work *quick; /* small JSON, store look-ups, files: milliseconds */
    struct tb_work *heavy; /* enrolment, megabytes of JSON: seconds. Apart, so that no session waits for them */
    struct tb_exchange *exchanges;
    struct tb_dialogue *dialogues;
    int64_t open_account; /* of everybody, when config.any_key */
    struct tb_api_counters counters;
};

/* The account that an Authorization header opens; token is what ?token= or ?api_key= said, for browsers, which cannot
 * set headers on a WebSocket. TB_ENOTFOUND: none. Any thread; may read the store. */
enum tb_code tb_api_account(struct tb_api *api, struct tb_str authorization, struct tb_str token, int64_t *account,
                            struct tb_error *err);
/* The value of `name` in a query string, percent-decoded into out. False: absent, or longer than room. */
bool tb_query_get(struct tb_str query, const char *name, char *out, size_t room);
/* The path without one trailing slash. */
struct tb_str tb_path_trim(struct tb_str path);
/* Is this a path of the realtime surface? */
bool tb_path_realtime(struct tb_str path);
/* Is it the one whose browser client sends no key, because a proxy of its own adds one? With any_key it needs none. */
bool tb_path_keyless(struct tb_str path);
/* Note a synthesis in the ledger, on a worker, whenever it gets there. */
void tb_api_note_use(struct tb_api *api, int64_t account, const char *voice, int64_t characters, int64_t audio_ms);

/* End what is still open when the api closes. */
void tb_exchange_end_all(struct tb_api *api);
void tb_dialogue_end_all(struct tb_api *api);

#endif
