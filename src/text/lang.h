/* lang.h - the ten languages of the API, their codes and their names. */
#ifndef TB_TEXT_LANG_H
#define TB_TEXT_LANG_H

#include <stdbool.h>

#include "base/str.h"

enum tb_lang {
    TB_LANG_AUTO, /* to be detected */
    TB_LANG_ZH,
    TB_LANG_EN,
    TB_LANG_DE,
    TB_LANG_IT,
    TB_LANG_PT,
    TB_LANG_ES,
    TB_LANG_JA,
    TB_LANG_KO,
    TB_LANG_FR,
    TB_LANG_RU,
    TB_LANG_COUNT
};

/* "en" for TB_LANG_EN, "auto" for TB_LANG_AUTO. */
const char *tb_lang_code(enum tb_lang lang);
/* "English" for TB_LANG_EN, "Auto" for TB_LANG_AUTO: the names of language_type. */
const char *tb_lang_name(enum tb_lang lang);
/* From a two-letter code, exactly as enrolment's `language` has it. False: not one of the ten. */
bool tb_lang_from_code(struct tb_str code, enum tb_lang *out);
/* From language_type: an English name or "Auto" in any case, or one of the ten codes. */
bool tb_lang_from_name(struct tb_str name, enum tb_lang *out);
/* The language that the text is most likely in, by script and frequent words; `otherwise` when nothing speaks. */
enum tb_lang tb_lang_detect(struct tb_str text, enum tb_lang otherwise);

#endif
