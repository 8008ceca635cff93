/* options.c - see options.h. Ranges: docs/API.md. */
#include "api/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum kind { LANGUAGE, FORMAT, RATE, FACTOR, WHOLE };

static const struct option {
    const char *name;
    enum kind kind;
    size_t offset; /* in struct tb_options */
    double least, most;
    const char *needed;
} table[] = {
    { "language_type", LANGUAGE, offsetof(struct tb_options, language), 0, 0,
      "Auto, Chinese, English, German, Italian, Portuguese, Spanish, Japanese, Korean, French or Russian is needed." },
    { "response_format", FORMAT, offsetof(struct tb_options, format), 0, 0, "pcm, wav, mp3 or opus is needed." },
    { "sample_rate", RATE, offsetof(struct tb_options, sample_rate), 0, 0,
      "8000, 16000, 22050, 24000, 44100 or 48000 is needed." },
    { "speech_rate", FACTOR, offsetof(struct tb_options, speech_rate), 0.5, 2.0, "a number from 0.5 to 2 is needed." },
    { "pitch_rate", FACTOR, offsetof(struct tb_options, pitch_rate), 0.5, 2.0, "a number from 0.5 to 2 is needed." },
    { "volume", WHOLE, offsetof(struct tb_options, volume), 0, 100, "a whole number from 0 to 100 is needed." },
    { "bit_rate", WHOLE, offsetof(struct tb_options, bit_rate), 6, 510, "a whole number from 6 to 510 is needed." },
};

enum { OPTIONS = sizeof table / sizeof table[0] };

void tb_options_init(struct tb_options *o, enum tb_format format)
{
    *o = (struct tb_options){ .language = TB_LANG_AUTO,
                              .format = format,
                              .sample_rate = 24000,
                              .speech_rate = 1.0,
                              .pitch_rate = 1.0,
                              .volume = 50,
                              .bit_rate = 128 };
}

static bool take(const struct option *option, void *at, const json_t *value)
{
    double number = json_number_value(value);

    switch (option->kind) {
    case LANGUAGE: return json_is_string(value) && tb_lang_from_name(tb_json_str(value), at);
    case FORMAT: return json_is_string(value) && tb_format_from_name(tb_json_str(value), at);
    case RATE:
        if (!json_is_integer(value) || !tb_encode_rate_ok(json_integer_value(value)))
            return false;
        *(int *)at = (int)json_integer_value(value);
        return true;
    case FACTOR:
        if (!json_is_number(value) || !(number >= option->least && number <= option->most))
            return false;
        *(double *)at = number;
        return true;
    case WHOLE:
        if (!json_is_integer(value) || !(number >= option->least && number <= option->most))
            return false;
        *(int *)at = (int)number;
        return true;
    }
    return false;
}

enum tb_option_result tb_options_take(struct tb_options *o, const char *name, const json_t *value,
                                      char why[TB_OPTION_WHY])
{
    for (size_t i = 0; i < OPTIONS; i++) {
        char got[64];

        if (strcmp(table[i].name, name) != 0)
            continue;
        if (take(&table[i], (char *)o + table[i].offset, value))
            return TB_OPTION_TAKEN;
        tb_json_show(value, got);
        snprintf(why, TB_OPTION_WHY, "Got %s: %s", got, table[i].needed);
        return TB_OPTION_BAD;
    }
    return TB_OPTION_UNKNOWN;
}

size_t tb_options_count(void)
{
    return OPTIONS;
}

const char *tb_options_name(size_t i)
{
    return table[i].name;
}

const char *tb_options_refused(const struct tb_options *o, const struct tb_engine *engine, char why[TB_OPTION_WHY])
{
    if (o->speech_rate != 1 && engine->ops->lacks & TB_LACKS_RATE) {
        snprintf(why, TB_OPTION_WHY, "Got %g: the engine of this model speaks at its own rate, 1", o->speech_rate);
        return "speech_rate";
    }
    if (o->pitch_rate != 1 && engine->ops->lacks & TB_LACKS_PITCH) {
        snprintf(why, TB_OPTION_WHY, "Got %g: the engine of this model speaks at its own pitch, 1", o->pitch_rate);
        return "pitch_rate";
    }
    if (o->language == TB_LANG_AUTO || tb_engine_speaks(engine, o->language))
        return NULL;
    size_t n = (size_t)snprintf(why, TB_OPTION_WHY, "Got \"%s\": this server's voices speak",
                                tb_lang_name(o->language));
    for (enum tb_lang lang = TB_LANG_ZH; lang < TB_LANG_COUNT && n < TB_OPTION_WHY; lang++)
        if (tb_engine_speaks(engine, lang))
            n += (size_t)snprintf(why + n, TB_OPTION_WHY - n, " %s", tb_lang_name(lang));
    return "language_type";
}

/* The language of text that shows none (digits, a dash): the voice's own where the engine speaks it. A voice made
 * without saying its language is listed as Chinese, as documented, which says nothing about what is spoken here. */
static enum tb_lang fallback_language(const struct tb_voice_info *voice, const struct tb_engine *engine)
{
    enum tb_lang lang;

    if (tb_lang_from_code(tb_str_of(voice->language), &lang) && tb_engine_speaks(engine, lang))
        return lang;
    for (lang = TB_LANG_EN; lang != TB_LANG_COUNT && !tb_engine_speaks(engine, lang);)
        lang++;
    return lang == TB_LANG_COUNT ? TB_LANG_ZH : lang;
}

void tb_options_apply(const struct tb_options *o, const struct tb_voice_info *voice, struct tb_utterance_config *config)
{
    config->language = o->language;
    config->fallback = fallback_language(voice, config->engine);
    config->rate = (float)o->speech_rate;
    config->pitch = (float)o->pitch_rate;
    config->volume = o->volume;
    config->format = o->format;
    config->sample_rate = (uint32_t)o->sample_rate;
    config->bit_rate_kbps = (unsigned)o->bit_rate;
}
