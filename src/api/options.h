/* options.h - how text is to be spoken, as surfaces B (session) and C (input, parameters) say it: one table of names,
 * types and ranges for both. */
#ifndef TB_API_OPTIONS_H
#define TB_API_OPTIONS_H

#include "api/json.h"
#include "speech/speech.h"
#include "voices/voices.h"

struct tb_options {
    enum tb_lang language;
    enum tb_format format;
    int sample_rate;
    double speech_rate, pitch_rate;
    int volume, bit_rate;
};

enum { TB_OPTION_WHY = 200 };

enum tb_option_result { TB_OPTION_TAKEN, TB_OPTION_UNKNOWN, TB_OPTION_BAD };

void tb_options_init(struct tb_options *options, enum tb_format format);
/* Take one member. BAD leaves options as they were and says why: `Got 2.1: 0.5 to 2 is needed.` value is not NULL. */
enum tb_option_result tb_options_take(struct tb_options *options, const char *name, const json_t *value,
                                      char why[TB_OPTION_WHY]);
size_t tb_options_count(void);
const char *tb_options_name(size_t i);
/* The first option that this engine cannot follow, and why: a language that it does not speak (AUTO is fine), a rate or
 * a pitch that it cannot change. NULL: it can do all that is asked. */
const char *tb_options_refused(const struct tb_options *options, const struct tb_engine *engine,
                               char why[TB_OPTION_WHY]);
/* Into what speech wants. config->engine is set already; print is the caller's to add. */
void tb_options_apply(const struct tb_options *options, const struct tb_voice_info *voice,
                      struct tb_utterance_config *config);

#endif
