/* report.c - see report.h. */
#include "api/report.h"

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
