/* error.c - see error.h. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

enum tb_code tb_fail(struct tb_error *err, enum tb_code code, const char *fmt, ...)
{
    if (err) {
        va_list ap;

        err->code = code;
        va_start(ap, fmt);
        vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
    }
    return code;
}

bool tb_code_is_audio(enum tb_code code)
{
    switch (code) {
    case TB_EAUDIO_FORMAT:
    case TB_EAUDIO_DECODE:
    case TB_EAUDIO_RATE:
    case TB_EAUDIO_LONG:
    case TB_EAUDIO_SPEECH:
    case TB_EAUDIO_QUALITY:
    case TB_EAUDIO_TEXT:
        return true;
    default:
        return false;
    }
}

const char *tb_code_name(enum tb_code code)
{
    static const char *const names[TB_CODE_COUNT] = {
        [TB_OK] = "ok",
        [TB_EINVAL] = "invalid",
        [TB_ENOTFOUND] = "not-found",
        [TB_ETOOBIG] = "too-big",
        [TB_EBUSY] = "busy",
        [TB_ELOAD] = "load",
        [TB_ENOMEM] = "out-of-memory",
        [TB_EIO] = "io",
        [TB_EINTERNAL] = "internal",
        [TB_ECANCELLED] = "cancelled",
        [TB_EUNSUPPORTED] = "unsupported",
        [TB_EAUDIO_FORMAT] = "audio-format",
        [TB_EAUDIO_DECODE] = "audio-decode",
        [TB_EAUDIO_RATE] = "audio-rate",
        [TB_EAUDIO_LONG] = "audio-long",
        [TB_EAUDIO_SPEECH] = "audio-speech",
        [TB_EAUDIO_QUALITY] = "audio-quality",
        [TB_EAUDIO_TEXT] = "audio-text",
        [TB_EFETCH] = "fetch",
        [TB_EQUOTA] = "quota",
        [TB_EVOICE] = "voice",
        [TB_ELANGUAGE] = "language",
        [TB_EPRINT] = "print",
        [TB_ERENEW] = "renew",
    };

    return (unsigned)code < TB_CODE_COUNT ? names[code] : "unknown";
}
