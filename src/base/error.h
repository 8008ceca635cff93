/* error.h - how a function says what went wrong.
 *
 * Every function that can fail returns an enum tb_code and, when the caller
 * passes one, fills a struct tb_error. The code decides what the program does
 * (api/errors.c turns it into the one HTTP status and DashScope code); the text
 * is for people: it names the thing and the offending value. */
#ifndef TB_BASE_ERROR_H
#define TB_BASE_ERROR_H

#include <stdbool.h>

enum tb_code {
    TB_OK = 0,
    TB_EINVAL,       /* the caller's data is wrong */
    TB_ENOTFOUND,    /* no such thing */
    TB_ETOOBIG,      /* over a cap of base/limits.h */
    TB_EBUSY,        /* full: as many as there may be, or as wait in a queue: try again later */
    TB_ELOAD,        /* the machine has no time for it beside what it does: try again later */
    TB_ENOMEM,
    TB_EIO,          /* disk, process or socket trouble of our own */
    TB_EINTERNAL,    /* our fault */
    TB_ECANCELLED,   /* the caller asked to stop */
    TB_EUNSUPPORTED, /* understood, but not something this build or engine does */
    /* Enrolment: what can be wrong with a recording. */
    TB_EAUDIO_FORMAT, /* a container that is known but not taken (Ogg, FLAC, AMR) */
    TB_EAUDIO_DECODE, /* cannot be decoded */
    TB_EAUDIO_RATE,   /* sample rate too low */
    TB_EAUDIO_LONG,   /* too long */
    TB_EAUDIO_SPEECH, /* silence, or too little speech */
    TB_EAUDIO_QUALITY, /* too noisy, clipped, quiet, or of several speakers */
    TB_EAUDIO_TEXT,   /* the transcript does not fit */
    TB_EFETCH,        /* an audio URL could not be fetched */
    TB_EQUOTA,        /* the account holds as many voices as it may */
    TB_EVOICE,        /* no such voice, or not one for this model */
    TB_ELANGUAGE,     /* the engine does not speak this language */
    TB_EPRINT,        /* the voice has no print that its model's engine can read, and none can be made */
    TB_ERENEW,        /* it has none yet: one has to be made of the kept recording first */
    TB_CODE_COUNT
};

enum { TB_ERROR_TEXT = 320 };

struct tb_error {
    enum tb_code code;
    char text[TB_ERROR_TEXT];
};

/* Record an error and return its code, so that a failure is one line:
 *     return tb_fail(err, TB_EINVAL, "bad sample rate %u", rate);
 * err may be NULL. */
enum tb_code tb_fail(struct tb_error *err, enum tb_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* One of TB_EAUDIO_*: something is wrong with a recording itself. */
bool tb_code_is_audio(enum tb_code code);
/* The code's name in words ("busy"), for logs. */
const char *tb_code_name(enum tb_code code);

#endif
