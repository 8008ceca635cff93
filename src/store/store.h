/* store.h - accounts, keys, voices, usage and audio files: all that outlives the process.
 *
 * One store per data folder: DIR/timbre.db (SQLite, WAL, synchronous=FULL: what a call has acknowledged survives
 * kill -9 and power loss) and DIR/files/ for audio that URLs point to. All calls are thread-safe and may block on the
 * disk: not for the event loop, but for key_find, file_sign and file_find. Times are Unix milliseconds. Trouble with
 * the disk is TB_EIO with path and reason; another process that holds the store for ten seconds is TB_EBUSY.
 *
 * An account owns voices and usage; a key opens one account. Keys are stored as SHA-256 only. */
#ifndef TB_STORE_STORE_H
#define TB_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/str.h"

struct tb_store;

/* Open or create. Creates DIR (mode 0700). Two processes may have the same store open. */
enum tb_code tb_store_open(const char *dir, struct tb_store **out, struct tb_error *err);
void tb_store_close(struct tb_store *store);

/* Keys ------------------------------------------------------------------------------------------------------------*/

struct tb_key_info {
    int64_t account;
    char hint[24];  /* "sk-1a2b...9f": enough to recognise, useless to an attacker */
    char label[64];
    int64_t created_ms;
    bool revoked;
};

/* Make a key, with an account of its own or (account > 0) for an existing one (else TB_ENOTFOUND). key_out holds "sk-"
 * and 48 hex digits; it is shown once and cannot be read again. */
enum tb_code tb_store_key_add(struct tb_store *store, const char *label, int64_t account, char key_out[64],
                              struct tb_error *err);
/* Take a key that the operator chose (DASHSCOPE_API_KEY): 8..256 printable ASCII characters. Adding one that is there
 * already gives its account. TB_EINVAL: another form, or a key that was revoked. */
enum tb_code tb_store_key_import(struct tb_store *store, const char *key, const char *label, int64_t *account,
                                 struct tb_error *err);
/* TB_ENOTFOUND: unknown or revoked. Answers from memory; a key added by another process counts at once, one revoked by
 * it within a second. */
enum tb_code tb_store_key_find(struct tb_store *store, struct tb_str key, int64_t *account, struct tb_error *err);
/* All keys, oldest first. *out is malloc'd: release with free(). */
enum tb_code tb_store_key_list(struct tb_store *store, struct tb_key_info **out, size_t *count, struct tb_error *err);
/* which: a whole key, or a hint as listed; of keys in force. TB_ENOTFOUND when none fits, TB_EINVAL when several do. */
enum tb_code tb_store_key_revoke(struct tb_store *store, const char *which, struct tb_error *err);

/* Voices ----------------------------------------------------------------------------------------------------------*/

enum { TB_VOICE_ADVICE = 128 };

struct tb_voice_info {
    char id[TB_MAX_VOICE_ID];      /* qwen-tts-vc-<name>-voice-<17 digits>-<4 hex> */
    char target_model[64];
    char language[8];              /* two-letter code */
    char engine[16];               /* that it was made with: there is a print of it */
    int64_t created_ms, modified_ms, used_ms;
    int64_t likeness_permille;     /* to expect of it, as its enrolment found; 0: not known */
    char advice[TB_VOICE_ADVICE];  /* kinds of what could be better about its recording: "noise,short"; "": nothing */
};

/* What a voice was made of, kept so that another engine can make a print of it. */
struct tb_recording {
    struct tb_str file; /* as it was sent: WAV, MP3, M4A */
    struct tb_str text; /* its transcript; may be empty */
};

/* Store a voice and its print and count its creation in the ledger, all or nothing; durable on return. recording: NULL
 * when it is not to be kept. TB_EQUOTA: the account already holds max_voices, exact under any number of threads and
 * processes. TB_EINVAL: the id exists (the caller draws another). */
enum tb_code tb_store_voice_add(struct tb_store *store, int64_t account, const struct tb_voice_info *voice,
                                struct tb_str print, const struct tb_recording *recording, size_t max_voices,
                                struct tb_error *err);
/* TB_EVOICE when the account has no such voice. */
enum tb_code tb_store_voice_get(struct tb_store *store, int64_t account, struct tb_str id, struct tb_voice_info *out,
                                struct tb_error *err);
/* One page, newest first, ties by id; page_index and page_size 0..TB_MAX_PAGE, else TB_EINVAL.
 * *out is malloc'd (release with free()); *total counts all of the account. */
enum tb_code tb_store_voice_list(struct tb_store *store, int64_t account, int64_t page_index, int64_t page_size,
                                 struct tb_voice_info **out, size_t *count, int64_t *total, struct tb_error *err);
/* The voices of all accounts that were used last, or made, at most `most`, the latest first. *out as above. */
struct tb_owned_voice {
    int64_t account;
    struct tb_voice_info voice;
};
enum tb_code tb_store_voice_recent(struct tb_store *store, size_t most, struct tb_owned_voice **out, size_t *count,
                                   struct tb_error *err);
enum tb_code tb_store_voice_delete(struct tb_store *store, int64_t account, struct tb_str id, struct tb_error *err);
/* Note that a voice was used in synthesis (retention); an earlier time than the one noted changes nothing. */
enum tb_code tb_store_voice_used(struct tb_store *store, int64_t account, struct tb_str id, int64_t now_ms,
                                 struct tb_error *err);
/* Delete voices not used since before_ms, of all accounts; *deleted counts them. */
enum tb_code tb_store_voice_sweep(struct tb_store *store, int64_t before_ms, int64_t *deleted, struct tb_error *err);
enum tb_code tb_store_voice_count(struct tb_store *store, int64_t account, int64_t *count, struct tb_error *err);

/* Prints and recordings. A voice has one print for each engine that has spoken with it, and at most one recording; both
 * go with the voice. TB_EVOICE when the account has no such voice. */

/* The print for an engine, appended (release with tb_bytes_free). TB_ENOTFOUND: it has none for this engine. */
enum tb_code tb_store_print_get(struct tb_store *store, int64_t account, struct tb_str id, const char *engine,
                                struct tb_bytes *print, struct tb_error *err);
/* A further print, or a new one in place of what there is for the engine; durable on return. */
enum tb_code tb_store_print_put(struct tb_store *store, int64_t account, struct tb_str id, const char *engine,
                                struct tb_str print, struct tb_error *err);
/* The recording and its transcript, appended (release both with tb_bytes_free). TB_ENOTFOUND: it was not kept. */
enum tb_code tb_store_recording_get(struct tb_store *store, int64_t account, struct tb_str id, struct tb_bytes *file,
                                    struct tb_bytes *text, struct tb_error *err);
/* Is it kept? False, too, when the store cannot tell. */
bool tb_store_recording_kept(struct tb_store *store, int64_t account, struct tb_str id);

/* Usage -----------------------------------------------------------------------------------------------------------*/

struct tb_usage {
    int64_t account;
    int64_t voices_created; /* as usage.count of create says */
    int64_t requests;       /* syntheses */
    int64_t characters;     /* as usage.characters counts */
    int64_t audio_ms;       /* audio made */
};

/* Add to the account's ledger of the present UTC day. */
enum tb_code tb_store_usage_add(struct tb_store *store, const struct tb_usage *more, struct tb_error *err);
/* Sums per account over the UTC days that [from_ms, to_ms) touches, by account.
 * *out is malloc'd: release with free(). */
enum tb_code tb_store_usage_list(struct tb_store *store, int64_t from_ms, int64_t to_ms, struct tb_usage **out,
                                 size_t *count, struct tb_error *err);

/* Audio files -----------------------------------------------------------------------------------------------------*/

/* A file under a fresh name, reachable by a signed URL until it expires.
 * name_out: "<32 hex>.<extension>"; extension: 1..8 of a-z 0-9. The file is there, whole, when the call returns. */
enum tb_code tb_store_file_put(struct tb_store *store, struct tb_str bytes, const char *extension, int64_t expires_ms,
                               char name_out[64], struct tb_error *err);
/* The signature of (name, expires_s) with the store's secret: 43 base64url characters and a NUL. Empty when name is not
 * of the form that file_put gives. */
void tb_store_file_sign(struct tb_store *store, const char *name, int64_t expires_s, char out[48]);
/* Check a URL's parts against signature and clock; *path (malloc'd) can then be opened. TB_ENOTFOUND otherwise. */
enum tb_code tb_store_file_find(struct tb_store *store, struct tb_str name, int64_t expires_s, struct tb_str signature,
                                char **path, struct tb_error *err);
/* Remove expired files. One that cannot be removed does not keep the others; its error is the result. */
enum tb_code tb_store_file_sweep(struct tb_store *store, int64_t now_ms, int64_t *deleted, struct tb_error *err);

#endif
