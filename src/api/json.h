/* json.h - reading JSON that strangers send, and writing ours.
 *
 * Strict: one value, no duplicate keys, no bad UTF-8, no NUL in strings, no numbers that do not fit, nesting up to
 * TB_MAX_JSON_DEPTH, values up to TB_MAX_JSON_VALUES. A member that is null counts as absent: clients that send every
 * field they know mean that. */
#ifndef TB_API_JSON_H
#define TB_API_JSON_H

#include <stdbool.h>

#include <jansson.h>

#include "base/str.h"

/* The object in text; release with json_decref. NULL: err says what is wrong and where. Slow for megabytes (10 MB:
 * 0.1 s): such text belongs on a worker. */
json_t *tb_json_object(struct tb_str text, struct tb_error *err);
/* A member, or NULL when it is absent or null, or object is NULL. Borrowed. */
json_t *tb_json_member(const json_t *object, const char *name);
/* The text of a JSON string; the empty span for NULL. */
struct tb_str tb_json_str(const json_t *string);
/* How a value is named to a person: `"a-b"`, `3.5`, `an object`. Strings are cut after 40 bytes. */
void tb_json_show(const json_t *value, char out[64]);
/* Compact text, malloc'd; takes the reference. NULL when out of memory. */
char *tb_json_text(json_t *value);

#endif
