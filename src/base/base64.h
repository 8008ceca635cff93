/* base64.h - RFC 4648 base64, the standard alphabet; signatures use the URL alphabet without padding. */
#ifndef TB_BASE_BASE64_H
#define TB_BASE_BASE64_H

#include "base/str.h"

/* Append the padded encoding of n bytes. */
enum tb_code tb_base64_encode(const void *p, size_t n, struct tb_bytes *out);
/* Append the decoded bytes of text, with or without its padding; ASCII white space between characters is skipped.
 * TB_EINVAL names the first offending character and where it stands; out is then unchanged. */
enum tb_code tb_base64_decode(struct tb_str text, struct tb_bytes *out, struct tb_error *err);
/* URL alphabet, no padding; out needs 4 * ceil(n / 3) + 1 bytes. */
void tb_base64url(const void *p, size_t n, char *out);

#endif
