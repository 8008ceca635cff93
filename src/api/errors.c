/* errors.c - see errors.h. Texts exactly as DashScope documents them, spelling included. */
#include "api/errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/limits.h"
#include "text/utf8.h"

#define INVALID_VOICE                                                                                                  \
    "Invalid voice specified, the requested voice does not exist or is not licensed for use\xe2\x80\x94please select " \
    "a supported voice."

struct row {
    int status;
    const char *code;
    const char *text; /* one %s at most: the subject */
    bool exact;       /* a detail is for the log only */
};

static const struct row rows[TB_P_COUNT] = {
    [TB_P_NONE] = { 200, "", "", true },
    [TB_P_KEY] = { 401, "InvalidApiKey", "Invalid API-key provided.", true },
    [TB_P_ASYNC] = { 403, "AccessDenied", "Current user api does not support asynchronous calls.", true },
    [TB_P_PATH] = { 404, "NotFound", "Not found!", true },
    [TB_P_METHOD] = { 400, "InvalidParameter", "Request method '%s' is not supported.", true },
    [TB_P_BODY] = { 400, "InvalidParameter", "Required body invalid, please check the request body format.", false },
    [TB_P_TOO_LARGE] = { 400, "BadRequest.TooLarge", "Payload Too Large.", false },
    [TB_P_MODEL_MISSING] = { 400, "BadRequest.EmptyModel", "Required parameter \"model\" missing from request.", true },
    [TB_P_MODEL_UNKNOWN] = { 400, "InvalidParameter", "Model not exist.", true },
    [TB_P_ENDPOINT] = { 400, "InvalidParameter", "url error, please check url\xef\xbc\x81", true },
    [TB_P_INPUT_MISSING] = { 400, "BadRequest.EmptyInput", "Required input parameter missing from request.", true },
    [TB_P_INPUT_TYPE] = { 400, "BadRequest.IllegalInput", "The input parameter requires json format.", true },
    [TB_P_FIELD_MISSING] = { 400, "InvalidParameter", "Field required: %s", true },
    [TB_P_FIELD] = { 400, "InvalidParameter",
                     "Required parameter(%s) missing or invalid, please check the request parameters.", false },
    [TB_P_RANGE] = { 400, "InvalidParameter", "the parameters must conform to the specification: %s.", false },
    [TB_P_TEXT_LENGTH] = { 400, "InvalidParameter", "Range of input length should be [1, %s]", false },
    [TB_P_URL] = { 400, "InvalidParameter",
                   "The provided URL does not appear to be valid. Ensure it is correctly formatted.", false },
    [TB_P_FETCH] = { 400, "BadRequest.InputDownloadFailed", "Failed to download the input file", false },
    [TB_P_AUDIO_FORMAT] = { 400, "BadRequest.UnsupportedFileFormat", "Input file format is not supported.", false },
    [TB_P_AUDIO_DECODE] = { 400, "Audio.DecoderError", "Decoder audio file failed.", false },
    [TB_P_AUDIO_RATE] = { 400, "Audio.AudioRateError", "File sample rate unsupported.", false },
    [TB_P_AUDIO_LONG] = { 400, "Audio.DurationLimitError", "Audio duration exceeds maximum allowed limit.", false },
    [TB_P_AUDIO_SPEECH] = { 400, "Audio.PreprocessError", "No segments meet minimum duration requirement", false },
    [TB_P_AUDIO_QUALITY] = { 400, "Audio.PreprocessError", "Audio preprocess error.", false },
    [TB_P_AUDIO_TEXT] = { 400, "Audio.PreprocessError", "Audio preprocess error.", false },
    [TB_P_QUOTA] = { 400, "Throttling.AllocationQuota",
                     "Maximum voice storage limit exceeded, please delete existing voices.", true },
    [TB_P_NO_VOICE] = { 400, "BadRequest.VoiceNotFound", "Voice '%s' not found.", true },
    [TB_P_INVALID_VOICE] = { 400, "InvalidParameter", INVALID_VOICE, true },
    [TB_P_VOICE_PRINT] = { 400, "InvalidParameter", INVALID_VOICE, false },
    [TB_P_FILE_EXPIRED] = { 403, "AccessDenied", "The audio URL has expired.", true },
    [TB_P_RATE] = { 429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later.", true },
    [TB_P_BUSY] = { 503, "ModelServingError",
                    "Too many requests. Your requests are being throttled due to system capacity limits. Please try "
                    "again later.", true },
    [TB_P_INFERENCE] = { 500, "InternalError.Algo", "inference internal error.", true },
    [TB_P_TIMEOUT] = { 500, "RequestTimeOut", "Request timed out, please try again later.", true },
    [TB_P_INTERNAL] = { 500, "InternalError",
                        "An internal error has occured, please try again later or contact service support.", true },
};

/* What a failure of a layer below is on the wire, where no surface knows better. */
static const struct {
    enum tb_problem_kind kind;
    const char *subject;
} from_code[TB_CODE_COUNT] = {
    [TB_OK] = { TB_P_NONE, NULL },
    [TB_EINVAL] = { TB_P_BODY, NULL },
    [TB_ENOTFOUND] = { TB_P_PATH, NULL },
    [TB_ETOOBIG] = { TB_P_TOO_LARGE, NULL },
    [TB_EBUSY] = { TB_P_BUSY, NULL },
    [TB_ELOAD] = { TB_P_RATE, NULL },
    [TB_ENOMEM] = { TB_P_BUSY, NULL },
    [TB_EIO] = { TB_P_INTERNAL, NULL },
    [TB_EINTERNAL] = { TB_P_INFERENCE, NULL },
    [TB_ECANCELLED] = { TB_P_INTERNAL, NULL },
    [TB_EUNSUPPORTED] = { TB_P_AUDIO_FORMAT, NULL },
    [TB_EAUDIO_FORMAT] = { TB_P_AUDIO_FORMAT, NULL },
    [TB_EAUDIO_DECODE] = { TB_P_AUDIO_DECODE, NULL },
    [TB_EAUDIO_RATE] = { TB_P_AUDIO_RATE, NULL },
    [TB_EAUDIO_LONG] = { TB_P_AUDIO_LONG, NULL },
    [TB_EAUDIO_SPEECH] = { TB_P_AUDIO_SPEECH, NULL },
    [TB_EAUDIO_QUALITY] = { TB_P_AUDIO_QUALITY, NULL },
    [TB_EAUDIO_TEXT] = { TB_P_AUDIO_TEXT, NULL },
    [TB_EFETCH] = { TB_P_FETCH, NULL },
    [TB_EQUOTA] = { TB_P_QUOTA, NULL },
    [TB_EVOICE] = { TB_P_INVALID_VOICE, NULL },
    [TB_ELANGUAGE] = { TB_P_FIELD, "language_type" },
    [TB_EPRINT] = { TB_P_VOICE_PRINT, NULL },
    [TB_ERENEW] = { TB_P_INFERENCE, NULL }, /* tb_voices_renew comes first */
};

void tb_text_copy(char *out, size_t room, const char *z)
{
    struct tb_str text = tb_str_of(z);
    size_t to = 0;

    for (size_t at = 0; at < text.n;) {
        size_t from = at;
        uint32_t c = tb_utf8_next(text, &at);
        bool bad = c == TB_UTF8_BAD && at == from + 1;
        size_t n = bad ? 1 : at - from;

        if (to + n >= room)
            break;
        if (bad)
            out[to] = '?';
        else
            memcpy(out + to, text.p + from, n);
        to += n;
    }
    out[to] = 0;
}

bool tb_problem_set(struct tb_problem *p, enum tb_problem_kind kind, const char *subject, const char *format, ...)
{
    char text[TB_ERROR_TEXT] = "";

    if (format) {
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof text, format, ap);
        va_end(ap);
    }
    p->kind = kind;
    tb_text_copy(p->subject, sizeof p->subject, subject);
    tb_text_copy(p->detail, sizeof p->detail, text);
    return false;
}

bool tb_problem_from(struct tb_problem *p, enum tb_code code, const struct tb_error *err)
{
    if ((int)code < 0 || code >= TB_CODE_COUNT)
        code = TB_EINTERNAL;
    return tb_problem_set(p, from_code[code].kind, from_code[code].subject, "%s", err ? err->text : "");
}

int tb_problem_status(const struct tb_problem *p)
{
    return rows[p->kind].status;
}

const char *tb_problem_code(const struct tb_problem *p)
{
    return rows[p->kind].code;
}

void tb_problem_message(const struct tb_problem *p, char out[TB_PROBLEM_MESSAGE])
{
    const struct row *row = &rows[p->kind];
    const char *hole = strstr(row->text, "%s");
    int n = hole ? snprintf(out, TB_PROBLEM_MESSAGE, "%.*s%s%s", (int)(hole - row->text), row->text, p->subject,
                            hole + 2)
                 : snprintf(out, TB_PROBLEM_MESSAGE, "%s", row->text);
    bool detail = !row->exact && p->detail[0];
    size_t end = strlen(p->detail);

    if (detail) {
        const char *join = n && strchr(".!", out[n - 1]) ? " " : ": ";
        const char *stop = strchr(".!?", p->detail[end - 1]) ? "" : ".";

        snprintf(out + n, TB_PROBLEM_MESSAGE - (size_t)n, "%s%s%s", join, p->detail, stop);
    } else if (p->kind == TB_P_FETCH) {
        snprintf(out + n, TB_PROBLEM_MESSAGE - (size_t)n, "."); /* the only text whose stop moves behind the detail */
    }
}

char *tb_problem_json(const struct tb_problem *p, const char *request_id)
{
    char message[TB_PROBLEM_MESSAGE], *text;
    json_t *body;

    tb_problem_message(p, message);
    body = json_pack("{s:s, s:s, s:s}", "request_id", request_id, "code", tb_problem_code(p), "message", message);
    text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    return text;
}
