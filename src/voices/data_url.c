/* data_url.c - see data_url.h. */
#include "voices/data_url.h"

#include <string.h>

#include "base/base64.h"
#include "base/limits.h"

static const char scheme[] = "data:", marker[] = ";base64";
enum { SCHEME = sizeof scheme - 1, MARKER = sizeof marker - 1 };

bool tb_data_url_is(struct tb_str url)
{
    return url.n >= SCHEME && tb_str_eq_nocase((struct tb_str){ url.p, SCHEME }, scheme);
}

enum tb_code tb_data_url_decode(struct tb_str url, struct tb_bytes *out, struct tb_error *err)
{
    size_t head_cap = url.n < TB_MAX_DATA_URL_HEAD ? url.n : TB_MAX_DATA_URL_HEAD, head;
    const char *comma;
    struct tb_error why;
    enum tb_code rc;

    if (!tb_data_url_is(url))
        return tb_fail(err, TB_EINVAL, "audio.data: not a data URL");
    comma = memchr(url.p, ',', head_cap);
    if (!comma)
        return tb_fail(err, TB_EINVAL, "audio.data: no comma within the first %zu characters of the data URL",
                       head_cap);
    head = (size_t)(comma - url.p);
    if (head < SCHEME + MARKER ||
        !tb_str_eq_nocase((struct tb_str){ url.p + head - MARKER, MARKER }, marker))
        return tb_fail(err, TB_EINVAL, "audio.data: no \";base64\" before the comma of the data URL");

    struct tb_str text = { comma + 1, url.n - head - 1 };
    if (text.n > TB_MAX_AUDIO_BASE64)
        return tb_fail(err, TB_ETOOBIG, "audio.data: %zu characters of base64, at most %d", text.n,
                       TB_MAX_AUDIO_BASE64);
    rc = tb_base64_decode(text, out, &why);
    if (rc)
        return tb_fail(err, rc, "audio.data: %s", rc == TB_EINVAL ? why.text : "the data does not fit in memory");
    return TB_OK;
}
