/* language.h - is a recording in the language that it is declared to be in? */
#ifndef TB_VOICES_LANGUAGE_H
#define TB_VOICES_LANGUAGE_H

#include "base/error.h"
#include "base/str.h"
#include "text/lang.h"

struct tb_language_evidence {
    enum tb_lang declared;      /* TB_LANG_AUTO: not declared */
    enum tb_lang written;       /* of the transcript by script and words; TB_LANG_AUTO: nothing speaks */
    struct tb_str text;         /* the transcript */
    float fits_declared;        /* match of the text read in that language, 0..1; -1: not known */
    float fits_written;         /* the same, where it is another language */
};

/* *lang: the declared language, else the written one. *reason: one word, for the log.
 * TB_EAUDIO_TEXT: another language is spoken for certain; the message names both. */
enum tb_code tb_language_decide(const struct tb_language_evidence *e, enum tb_lang *lang, const char **reason,
                                struct tb_error *err);

#endif
