/* client.c - see client.h. */
#include "main/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/base64.h"
#include "base/limits.h"

enum { ANSWER_MOST = 64 * 1024 * 1024, TIMEOUT_S = 300 };

struct tb_client tb_client_from_env(void)
{
    const char *url = getenv("TIMBRE_URL"), *key = getenv("DASHSCOPE_API_KEY");
    return (struct tb_client){ .url = url && url[0] ? url : NULL, .key = key ? key : "" };
}

static size_t append(char *p, size_t size, size_t n, void *to)
{
    return tb_bytes_add(to, p, size * n) == TB_OK ? size * n : 0;
}

static int transferred(void *ctx, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
    const struct tb_client *client = ctx;

    (void)down_all;
    (void)down;
    if (up_all > 0)
        client->uploaded(client->ctx, (double)up / (double)up_all);
    return 0;
}

/* Run the transfer; *status is the HTTP status. */
static enum tb_code perform(CURL *curl, const char *url, struct tb_bytes *out, long *status, struct tb_error *err)
{
    char why[CURL_ERROR_SIZE] = "";

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    CURLcode rc = curl_easy_perform(curl);
    if (rc != CURLE_OK)
        return tb_fail(err, TB_EIO, "%.120s: %.150s", url, why[0] ? why : curl_easy_strerror(rc));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    return TB_OK;
}

const char *tb_client_text(json_t *answer, ...)
{
    va_list keys;
    const char *key, *text;

    va_start(keys, answer);
    while (answer && (key = va_arg(keys, const char *)))
        answer = json_object_get(answer, key);
    va_end(keys);
    text = json_string_value(answer);
    return text ? text : "";
}

static enum tb_code read_answer(const struct tb_bytes *bytes, long status, const char *url, json_t **answer,
                                struct tb_error *err)
{
    json_error_t where;

    *answer = json_loadb(bytes->size ? (const char *)bytes->data : "", bytes->size, 0, &where);
    if (!*answer)
        return tb_fail(err, TB_EIO, "%.120s answered HTTP %ld without JSON: is it a Timbre server?", url, status);
    if (status == 200)
        return TB_OK;
    tb_fail(err, TB_EIO, "HTTP %ld %.60s: %.190s (request %.40s)", status, tb_client_text(*answer, "code", NULL),
            tb_client_text(*answer, "message", NULL), tb_client_text(*answer, "request_id", NULL));
    json_decref(*answer);
    *answer = NULL;
    return TB_EIO;
}

enum tb_code tb_client_post(const struct tb_client *client, const char *path, json_t *body, json_t **answer,
                            struct tb_error *err)
{
    char url[1024], key[300];
    char *text = json_dumps(body, JSON_COMPACT);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    struct tb_bytes out = { .cap = ANSWER_MOST };
    CURL *curl = curl_easy_init();
    size_t n = strlen(client->url);
    long status = 0;
    enum tb_code rc = TB_ENOMEM;

    *answer = NULL;
    json_decref(body);
    snprintf(url, sizeof url, "%.*s%s", (int)(n && client->url[n - 1] == '/' ? n - 1 : n), client->url, path);
    snprintf(key, sizeof key, "Authorization: Bearer %.250s", client->key);
    headers = curl_slist_append(headers, key);
    if (!curl || !text || !headers) {
        tb_fail(err, rc, "out of memory");
        goto done;
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
    if (client->uploaded) {
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, transferred);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)(uintptr_t)client);
    }
    if ((rc = perform(curl, url, &out, &status, err)) == TB_OK)
        rc = read_answer(&out, status, url, answer, err);
done:
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    tb_bytes_free(&out);
    free(text);
    return rc;
}

enum tb_code tb_client_get(const char *url, struct tb_bytes *out, struct tb_error *err)
{
    CURL *curl = curl_easy_init();
    long status = 0;

    if (!curl)
        return tb_fail(err, TB_ENOMEM, "out of memory");
    enum tb_code rc = perform(curl, url, out, &status, err);
    curl_easy_cleanup(curl);
    if (rc == TB_OK && status != 200)
        rc = tb_fail(err, TB_EIO, "%.200s answered HTTP %ld", url, status);
    return rc;
}

enum tb_code tb_read_file(const char *path, struct tb_bytes *out, struct tb_error *err)
{
    bool from_stdin = !strcmp(path, "-");
    FILE *f = from_stdin ? stdin : fopen(path, "rb");
    char piece[65536];
    enum tb_code rc = TB_OK;
    size_t n;

    if (!f)
        return tb_fail(err, TB_EIO, "%s: %s", path, strerror(errno));
    while (!rc && (n = fread(piece, 1, sizeof piece, f)) > 0)
        if ((rc = tb_bytes_add(out, piece, n)))
            tb_fail(err, rc, "%s has more than %zu bytes", path, out->cap);
    if (!rc && ferror(f))
        rc = tb_fail(err, TB_EIO, "%s: %s", path, strerror(errno));
    if (!from_stdin)
        fclose(f);
    return rc;
}

enum tb_code tb_audio_reference(const char *file_or_url, struct tb_bytes *out, struct tb_error *err)
{
    struct tb_bytes file = { .cap = TB_MAX_AUDIO_FILE };
    const char *dot = strrchr(file_or_url, '.'), *type = "audio/wav";
    enum tb_code rc;

    if (!strncmp(file_or_url, "http://", 7) || !strncmp(file_or_url, "https://", 8))
        return tb_bytes_addz(out, file_or_url);
    if (dot && !strcasecmp(dot, ".mp3"))
        type = "audio/mpeg";
    else if (dot && (!strcasecmp(dot, ".m4a") || !strcasecmp(dot, ".mp4")))
        type = "audio/mp4";
    if ((rc = tb_read_file(file_or_url, &file, err)) == TB_OK &&
        ((rc = tb_bytes_addf(out, "data:%s;base64,", type)) || (rc = tb_base64_encode(file.data, file.size, out))))
        tb_fail(err, rc, "%s: %s", file_or_url, tb_code_name(rc));
    tb_bytes_free(&file);
    return rc;
}
