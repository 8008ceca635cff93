/* data_url.h - RFC 2397 data URLs as audio.data carries them: data:<type>;base64,<data>.
 *
 * The scheme and ";base64" are read in any case; the media type and other parameters are not believed and so not
 * looked at (the container is told from the bytes). Base64 of the standard alphabet, with or without padding; ASCII
 * white space in it is skipped. */
#ifndef TB_VOICES_DATA_URL_H
#define TB_VOICES_DATA_URL_H

#include <stdbool.h>

#include "base/str.h"

/* Does it start with "data:"? */
bool tb_data_url_is(struct tb_str url);
/* Append the bytes. TB_EINVAL says what is wrong and where; TB_ETOOBIG: more than TB_MAX_AUDIO_BASE64 characters of
 * base64. On failure *out is unchanged. */
enum tb_code tb_data_url_decode(struct tb_str url, struct tb_bytes *out, struct tb_error *err);

#endif
