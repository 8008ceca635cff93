/* json_reader.c - see json_reader.h. */
#include "engine/qwen3/json_reader.h"

#include <math.h>
#include <string.h>

json_t *tb_q3_json_parse(struct tb_q3_json *r, struct tb_str text)
{
    json_error_t why;
    json_t *root = json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &why);

    if (root && json_is_object(root))
        return root;
    if (root)
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: not a JSON object", r->path);
    else
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: not JSON: line %d: %s", r->path, why.line, why.text);
    json_decref(root);
    return NULL;
}

json_t *tb_q3_json_object(struct tb_q3_json *r, json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);

    if (r->rc == TB_OK && !json_is_object(v))
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: no object %s", r->path, key);
    return r->rc ? NULL : v;
}

int tb_q3_json_int(struct tb_q3_json *r, json_t *o, const char *key, int least, int most, int otherwise)
{
    json_t *v = json_object_get(o, key);

    if (r->rc)
        return least;
    if ((!v || json_is_null(v)) && otherwise != TB_Q3_REQUIRED)
        return otherwise;
    if (!json_is_integer(v))
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: %s: %s, wanted a whole number", r->path, key,
                        v ? "of another type" : "missing");
    else if (json_integer_value(v) < least || json_integer_value(v) > most)
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: %s is %lld, wanted %d to %d", r->path, key,
                        (long long)json_integer_value(v), least, most);
    return r->rc ? least : (int)json_integer_value(v);
}

double tb_q3_json_real(struct tb_q3_json *r, json_t *o, const char *key, double least, double most, double otherwise)
{
    json_t *v = json_object_get(o, key);

    if (r->rc)
        return least;
    if ((!v || json_is_null(v)) && !isnan(otherwise))
        return otherwise;
    if (!json_is_number(v))
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: %s: %s, wanted a number", r->path, key,
                        v ? "of another type" : "missing");
    else if (!(json_number_value(v) >= least && json_number_value(v) <= most))
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: %s is %g, wanted %g to %g", r->path, key, json_number_value(v), least,
                        most);
    return r->rc ? least : json_number_value(v);
}

bool tb_q3_json_bool(struct tb_q3_json *r, json_t *o, const char *key, bool otherwise)
{
    json_t *v = json_object_get(o, key);

    if (r->rc || !v || json_is_null(v))
        return otherwise;
    if (!json_is_boolean(v))
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: %s: wanted true or false", r->path, key);
    return json_is_true(v);
}

int tb_q3_json_ints(struct tb_q3_json *r, json_t *o, const char *key, int least, int largest, int most, int n,
                    int *out)
{
    json_t *list = json_object_get(o, key);
    size_t count = json_array_size(list);

    if (r->rc || (!list && n > 0))
        return n;
    if (!json_is_array(list) || count < 1 || count > (size_t)most || (n > 0 && count != (size_t)n)) {
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: %s: wanted a list of %s%d numbers, found %zu", r->path, key,
                        n > 0 ? "" : "1 to ", n > 0 ? n : most, count);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        json_t *v = json_array_get(list, i);

        if (!json_is_integer(v) || json_integer_value(v) < least || json_integer_value(v) > largest) {
            r->rc = tb_fail(r->err, TB_EINVAL, "%s: %s: number %zu: wanted %d to %d", r->path, key, i, least, largest);
            return 0;
        }
        out[i] = (int)json_integer_value(v);
    }
    return (int)count;
}

void tb_q3_json_is(struct tb_q3_json *r, json_t *o, const char *key, const char *wanted, const char *what)
{
    const char *found = json_string_value(json_object_get(o, key));

    if (r->rc == TB_OK && (!found || strcmp(found, wanted)))
        r->rc = tb_fail(r->err, TB_EINVAL, "%s: %s is %s%.60s%s, wanted '%s'%s%s", r->path, key, found ? "'" : "",
                        found ? found : "missing", found ? "'" : "", wanted, what ? ": " : "", what ? what : "");
}
