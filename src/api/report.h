/* report.h - what an enrolment found out about the recording, as JSON. `timbre clone` shows it; on the wire it is only
 * for who asks with "parameters": {"timbre_report": true}, since no documented answer has it. */
#ifndef TB_API_REPORT_H
#define TB_API_REPORT_H

#include <jansson.h>

#include "voices/voices.h"

/* {"likeness":, "speech_s":, "snr_db":, "warnings":[{"kind":, "text":}]}; NULL when out of memory. */
json_t *tb_report_json(const struct tb_create_report *report);
/* What the store keeps of it: {"likeness":, "advice":["noise", ...]}; NULL when out of memory. */
json_t *tb_voice_report_json(const struct tb_voice_info *voice);

#endif
