/* report.c - see report.h. */
#include "api/report.h"

#include <string.h>

json_t *tb_report_json(const struct tb_create_report *report)
{
    json_t *warnings = json_array();

    for (size_t i = 0; i < report->advice.count; i++)
        json_array_append_new(warnings, json_pack("{s:s, s:s}", "kind", report->advice.item[i].kind, "text",
                                                  report->advice.item[i].text));
    json_t *likeness = report->enrol.similarity > 0 ? json_real((double)report->enrol.similarity) : json_null();
    return json_pack("{s:o, s:f, s:f, s:o}", "likeness", likeness, "speech_s", (double)report->enrol.speech_seconds,
                     "snr_db", (double)report->sound.snr_db, "warnings", warnings);
}

json_t *tb_voice_report_json(const struct tb_voice_info *v)
{
    json_t *kinds = json_array();
    double likeness = (double)v->likeness_permille / 1000;

    for (const char *at = v->advice, *end; *at; at = *end ? end + 1 : end) {
        end = strchrnul(at, ',');
        json_array_append_new(kinds, json_stringn(at, (size_t)(end - at)));
    }
    return json_pack("{s:o, s:o}", "likeness", v->likeness_permille ? json_real(likeness) : json_null(), "advice",
                     kinds);
}
