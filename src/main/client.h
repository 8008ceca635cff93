/* client.h - a running server as the commands see it: JSON requests and a download, over libcurl. */
#ifndef TB_MAIN_CLIENT_H
#define TB_MAIN_CLIENT_H

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"
#include "base/str.h"

#define TB_PATH_VOICES "/api/v1/services/audio/tts/customization"
#define TB_PATH_SYNTHESIS "/api/v1/services/aigc/multimodal-generation/generation"

struct tb_client {
    const char *url; /* TIMBRE_URL; NULL: no server, work locally */
    const char *key; /* DASHSCOPE_API_KEY, or "" */
    void (*uploaded)(void *ctx, double part); /* while a body is sent: 0..1; may be NULL */
    void *ctx;
};

/* From the environment. */
struct tb_client tb_client_from_env(void);
/* POST body (its reference is taken over) and parse the answer (release with json_decref). Anything but HTTP 200 is
 * an error that gives the server's code, message and request id. */
enum tb_code tb_client_post(const struct tb_client *client, const char *path, json_t *body, json_t **answer,
                            struct tb_error *err);
/* GET a URL without any header, appending to *out (set its cap; release with tb_bytes_free). */
enum tb_code tb_client_get(const char *url, struct tb_bytes *out, struct tb_error *err);
/* A text member reached by keys, NULL-terminated: tb_client_text(answer, "output", "voice", NULL); "" when absent. */
const char *tb_client_text(json_t *answer, ...);

/* Read a whole file ("-": stdin), appending to *out up to its cap. */
enum tb_code tb_read_file(const char *path, struct tb_bytes *out, struct tb_error *err);
/* "data:audio/wav;base64,..." of the recording in a file; http(s) URLs are passed through.
 * Appended to *out; the file may have TB_MAX_AUDIO_FILE bytes. */
enum tb_code tb_audio_reference(const char *file_or_url, struct tb_bytes *out, struct tb_error *err);

#endif
