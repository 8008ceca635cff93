/* errors.h - the one table from what went wrong to what the wire says: HTTP status, DashScope code, message.
 *
 * A problem is a row of the table, the subject that the documented text has a place for (a field, a method, a voice
 * id), and a detail of our own: the offending value and the limit. The documented text comes first and unchanged, so
 * that a client that compares prefixes finds what the vendor's page says; rows marked exact never carry a detail. */
#ifndef TB_API_ERRORS_H
#define TB_API_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum tb_problem_kind {
    TB_P_NONE, /* all is well */
    TB_P_KEY,
    TB_P_ASYNC,
    TB_P_PATH,
    TB_P_METHOD,
    TB_P_BODY,
    TB_P_TOO_LARGE,
    TB_P_MODEL_MISSING,
    TB_P_MODEL_UNKNOWN,
    TB_P_ENDPOINT, /* a model that lives at another path */
    TB_P_INPUT_MISSING,
    TB_P_INPUT_TYPE,
    TB_P_FIELD_MISSING,
    TB_P_FIELD, /* missing, of a wrong type or with a wrong value */
    TB_P_RANGE,
    TB_P_TEXT_LENGTH,
    TB_P_URL,
    TB_P_FETCH,
    TB_P_AUDIO_FORMAT,
    TB_P_AUDIO_DECODE,
    TB_P_AUDIO_RATE,
    TB_P_AUDIO_LONG,
    TB_P_AUDIO_SPEECH,
    TB_P_AUDIO_QUALITY,
    TB_P_AUDIO_TEXT,
    TB_P_QUOTA,
    TB_P_NO_VOICE,      /* surface A: nothing to delete */
    TB_P_INVALID_VOICE, /* surface C: nothing to speak with */
    TB_P_VOICE_PRINT,   /* the same for a voice that is there, and whose engine has changed: says what to do */
    TB_P_FILE_EXPIRED,
    TB_P_RATE,
    TB_P_BUSY,
    TB_P_INFERENCE,
    TB_P_TIMEOUT,
    TB_P_INTERNAL,
    TB_P_COUNT
};

enum { TB_PROBLEM_SUBJECT = 128, TB_PROBLEM_MESSAGE = 700 };

/* A zeroed struct is no problem. Both texts are valid UTF-8. */
struct tb_problem {
    enum tb_problem_kind kind;
    char subject[TB_PROBLEM_SUBJECT];
    char detail[TB_ERROR_TEXT];
};

/* subject and format may be NULL; texts go through tb_text_copy. Returns false, so that a check can say: return
 * tb_problem_set(...). */
bool tb_problem_set(struct tb_problem *p, enum tb_problem_kind kind, const char *subject, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The row for a failure of a layer below, with its text as the detail. err may be NULL. */
bool tb_problem_from(struct tb_problem *p, enum tb_code code, const struct tb_error *err);

/* Copy as much of z as fits, cut between characters; bytes that are no UTF-8 become '?'. */
void tb_text_copy(char *out, size_t room, const char *z);

int tb_problem_status(const struct tb_problem *p);
const char *tb_problem_code(const struct tb_problem *p);
void tb_problem_message(const struct tb_problem *p, char out[TB_PROBLEM_MESSAGE]);
/* {"request_id":..., "code":..., "message":...}: malloc'd, NULL when out of memory. */
char *tb_problem_json(const struct tb_problem *p, const char *request_id);

#endif
