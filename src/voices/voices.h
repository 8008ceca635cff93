/* voices.h - enrolment and the life of a voice: create, list, delete, find for synthesis, retention.
 *
 * A voice belongs to one account and one target model; each model name is bound to one engine, of several or the same.
 * A voice has a print for the engine that it was made with and, where the binding has changed since, others. All calls
 * are thread-safe and may block (disk, decoder process, network, seconds of computing): they run on worker threads. */
#ifndef TB_VOICES_VOICES_H
#define TB_VOICES_VOICES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/turn.h"
#include "engine/engine.h"
#include "store/store.h"
#include "voices/judge.h"
#include "voices/transcript.h"

struct tb_voices;

/* A model name of the wire and the engine that serves it. */
struct tb_model {
    const char *name;
    bool realtime; /* named ...-realtime-...: surface B only; else surface C only */
    struct tb_engine *engine;
};

struct tb_voices_config {
    struct tb_store *store;
    const struct tb_model *models; /* outlives the voices */
    size_t model_count;
    const char *helper_dir;     /* folder with timbre-decode */
    size_t max_voices;          /* per account; 0: TB_MAX_VOICES */
    bool keep_recordings;       /* store recordings, so that tb_voices_renew can enrol for another engine */
    struct tb_turns turns;      /* who shares out the cores; outlives the voices */
    bool allow_private_urls;    /* fetch audio from private addresses too */
    /* Places inside that may be fetched from all the same: "10.0.0.7:9000, [fd00::7]:9000", or NULL; copied */
    const char *allowed_places;
};

enum tb_code tb_voices_open(const struct tb_voices_config *config, struct tb_voices **out, struct tb_error *err);
void tb_voices_close(struct tb_voices *voices);
/* Voices are prepared from now on, by a thread (tb_engine_prepare): at once those that were used last, and then
 * each that is created or found. This is work for idle cores: it waits while anybody else computes. Called once, by
 * servers; a voice that is not prepared speaks all the same. */
enum tb_code tb_voices_prepare(struct tb_voices *voices, struct tb_error *err);

/* NULL when no such model is served. */
const struct tb_model *tb_voices_model(const struct tb_voices *voices, struct tb_str name);
size_t tb_voices_model_count(const struct tb_voices *voices);
const struct tb_model *tb_voices_model_at(const struct tb_voices *voices, size_t i);

struct tb_create_request {
    struct tb_str target_model;
    struct tb_str preferred_name;
    struct tb_str audio;       /* data: URL with base64, or http(s) URL */
    struct tb_str text;        /* transcript; may be empty */
    enum tb_lang language;     /* TB_LANG_AUTO when not given */
};

/* Times of the stages of one enrolment, for the log and the benchmark. */
struct tb_create_times {
    int64_t fetch_us, decode_us, check_us, enrol_us, listen_us, store_us;
};

/* What an enrolment found out about the recording. */
struct tb_create_report {
    struct tb_enrol_report enrol;
    struct tb_quality sound;
    struct tb_advice advice; /* what could be better */
    struct tb_transcript transcript;
};

/* Enrol. On TB_OK the voice is on disk and usable. report and times may be NULL.
 * Errors: TB_EINVAL (the data URL), TB_EFETCH, TB_EAUDIO_*, TB_EQUOTA, TB_ETOOBIG. A failure leaves nothing behind. */
enum tb_code tb_voices_create(struct tb_voices *voices, int64_t account, const struct tb_create_request *req,
                              struct tb_voice_info *out, struct tb_create_report *report, struct tb_create_times *times,
                              struct tb_error *err);
enum tb_code tb_voices_list(struct tb_voices *voices, int64_t account, int64_t page_index, int64_t page_size,
                            struct tb_voice_info **out, size_t *count, int64_t *total, struct tb_error *err);
/* TB_EVOICE when the account has no such voice. */
enum tb_code tb_voices_delete(struct tb_voices *voices, int64_t account, struct tb_str id, struct tb_error *err);

/* The print of a voice for synthesis by `model`. *print is appended to; release with tb_bytes_free.
 * TB_EVOICE: unknown, deleted, someone else's, or enrolled for another model; the caller cannot tell which.
 * A voice of this model may have been made while another engine served it:
 * TB_ERENEW: no print for the model's engine yet; tb_voices_renew makes one of the kept recording.
 * TB_EPRINT: none, and no recording; the message says what to do and may be shown to the client. */
enum tb_code tb_voices_find(struct tb_voices *voices, int64_t account, struct tb_str id, const struct tb_model *model,
                            struct tb_voice_info *out, struct tb_bytes *print, struct tb_error *err);
/* As find, but makes the print of the kept recording where that is needed, and stores it: seconds of work, once for
 * each voice and engine. TB_EPRINT also when the engine refuses the recording. */
enum tb_code tb_voices_renew(struct tb_voices *voices, int64_t account, struct tb_str id, const struct tb_model *model,
                             struct tb_voice_info *out, struct tb_bytes *print, struct tb_error *err);
/* Note a finished synthesis: retention and the usage ledger. */
enum tb_code tb_voices_used(struct tb_voices *voices, int64_t account, struct tb_str id, int64_t characters,
                            int64_t audio_ms, struct tb_error *err);
/* Delete voices unused for a year and expired audio files. Called once an hour by the server. */
enum tb_code tb_voices_sweep(struct tb_voices *voices, struct tb_error *err);

/* Is `name` 1..16 of A-Z a-z 0-9 _ ? */
bool tb_voices_name_ok(struct tb_str name);

#endif
