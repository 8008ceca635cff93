/* json_reader.h - members of a JSON object with ranges and a sticky error, for the model's configuration files. */
#ifndef TB_ENGINE_QWEN3_JSON_READER_H
#define TB_ENGINE_QWEN3_JSON_READER_H

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"
#include "base/str.h"

/* After a failure nothing more is read, and rc and err say what the first one was. */
struct tb_q3_json {
    const char *path; /* for errors */
    enum tb_code rc;
    struct tb_error *err;
};

/* The root object. NULL on failure; release with json_decref, which accepts NULL. */
json_t *tb_q3_json_parse(struct tb_q3_json *r, struct tb_str text);
/* The object `key` of o, which must be there. */
json_t *tb_q3_json_object(struct tb_q3_json *r, json_t *o, const char *key);
/* A whole number from least to most. TB_Q3_REQUIRED: it must be there. */
enum { TB_Q3_REQUIRED = -0x7fffffff };
int tb_q3_json_int(struct tb_q3_json *r, json_t *o, const char *key, int least, int most, int otherwise);
/* A number; `otherwise` NAN: it must be there. */
double tb_q3_json_real(struct tb_q3_json *r, json_t *o, const char *key, double least, double most, double otherwise);
bool tb_q3_json_bool(struct tb_q3_json *r, json_t *o, const char *key, bool otherwise);
/* A list of 1 .. most whole numbers from least to largest; returns how many. A missing one is an error when n is 0;
 * else out holds n already and keeps them. */
int tb_q3_json_ints(struct tb_q3_json *r, json_t *o, const char *key, int least, int largest, int most, int n,
                    int *out);
/* The member must be this string. `what` says in words what another value would mean; may be NULL. */
void tb_q3_json_is(struct tb_q3_json *r, json_t *o, const char *key, const char *wanted, const char *what);

#endif
