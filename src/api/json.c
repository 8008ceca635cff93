/* json.c - see json.h. jansson does the reading. Depth and values are counted before it: its own cap of depth is 2048,
 * and of values it has none, though three bytes of text ("{},") become 250 of memory. */
#include "api/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* How deep arrays and objects are nested, and about how many values there are: each begins a list or follows a comma.
 * Strings are skipped. */
static size_t depth_of(struct tb_str text, size_t *values)
{
    size_t depth = 0, most = 0;
    bool quoted = false;

    *values = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{' || c == ','))
            ++*values;
        if (!quoted && (c == '[' || c == '{'))
            most = ++depth > most ? depth : most;
        else if (!quoted && (c == ']' || c == '}') && depth)
            depth--;
    }
    return most;
}

json_t *tb_json_object(struct tb_str text, struct tb_error *err)
{
    json_error_t where;
    json_t *value;
    size_t values, depth = depth_of(text, &values);

    if (depth > TB_MAX_JSON_DEPTH) {
        tb_fail(err, TB_EINVAL, "JSON nested %zu deep, at most %d is taken.", depth, TB_MAX_JSON_DEPTH);
        return NULL;
    }
    if (values > TB_MAX_JSON_VALUES) {
        tb_fail(err, TB_EINVAL, "JSON of %zu values, at most %d are taken.", values, TB_MAX_JSON_VALUES);
        return NULL;
    }
    value = json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &where);
    if (!value)
        tb_fail(err, TB_EINVAL, "Line %d, column %d: %.120s.", where.line, where.column, where.text);
    else if (!json_is_object(value)) {
        json_decref(value);
        value = NULL;
        tb_fail(err, TB_EINVAL, "A JSON object is needed.");
    }
    return value;
}

json_t *tb_json_member(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return json_is_null(value) ? NULL : value;
}

struct tb_str tb_json_str(const json_t *string)
{
    return string ? (struct tb_str){ json_string_value(string), json_string_length(string) } : TB_STR("");
}

void tb_json_show(const json_t *value, char out[64])
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_OBJECT: snprintf(out, 64, "an object"); break;
    case JSON_ARRAY: snprintf(out, 64, "an array"); break;
    case JSON_INTEGER: snprintf(out, 64, "%lld", (long long)json_integer_value(value)); break;
    case JSON_REAL: snprintf(out, 64, "%.6g", json_real_value(value)); break;
    case JSON_TRUE: snprintf(out, 64, "true"); break;
    case JSON_FALSE: snprintf(out, 64, "false"); break;
    case JSON_NULL: snprintf(out, 64, "nothing"); break;
    case JSON_STRING: {
        size_t n = json_string_length(value);

        while (n > 40 || (n && n < json_string_length(value) && (json_string_value(value)[n] & 0xC0) == 0x80))
            n--; /* never through the middle of a character */
        snprintf(out, 64, "\"%.*s\"%s", (int)n, json_string_value(value), n < json_string_length(value) ? "..." : "");
        break;
    }
    }
}

char *tb_json_text(json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

    json_decref(value);
    return text;
}
