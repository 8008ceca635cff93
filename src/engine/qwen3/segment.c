/* segment.c - see segment.h. */
#include "engine/qwen3/segment.h"

#include <unicode/uchar.h>

#include "base/limits.h"
#include "base/log.h"
#include "text/utf8.h"

enum { TOKENS_PER_CHARACTER = 4, TEMPLATE = 32 }; /* a token is a byte at least; rows around the text */

static int most_frames(int tokens)
{
    return TB_Q3_FRAMES_SPARE + TB_Q3_FRAMES_PER_TOKEN * tokens;
}

int tb_q3_segment_room(const struct tb_q3_print *print, const struct tb_q3_config *config)
{
    int text = TB_MAX_SEGMENT * TOKENS_PER_CHARACTER, reference = (int)print->text.size + print->frames;
    int room = 2 * TEMPLATE + reference + text + most_frames(text);

    return room < config->max_positions ? room : config->max_positions;
}

bool tb_q3_speakable(struct tb_str text)
{
    for (size_t at = 0; at < text.n;)
        if (u_isalnum((UChar32)tb_utf8_next(text, &at)))
            return true;
    return false;
}

/* Begin with the seed. */
static enum tb_code begin(struct tb_q3_segment *s, struct tb_error *err)
{
    const struct tb_q3_config *c = &s->talker->config;
    int tokens = s->text.n - TB_Q3_HEAD - TB_Q3_TEXT_TAIL;
    struct tb_q3_options options = { .generation = s->generation, .seed = s->seed, .eos = c->eos, .whole_text = true };
    struct tb_q3_request request = {
        .text = s->text.id, .text_len = s->text.n, .speaker = s->print->speaker, .language = s->language,
        .streaming = true,
    };

    if (s->print->frames) {
        request.reference = s->reference.id;
        request.reference_len = s->reference.n;
        request.codes = s->print->codes;
        request.frames = s->print->frames;
    }
    if (options.generation.max_frames > most_frames(tokens))
        options.generation.max_frames = most_frames(tokens);
    s->watch = (struct tb_q3_watch){ 0 };
    return tb_q3_generator_start(s->generator, &request, &options, err);
}

enum tb_code tb_q3_segment_start(struct tb_q3_segment *s, struct tb_str text, enum tb_lang lang, uint64_t seed,
                                 struct tb_error *err)
{
    const struct tb_q3_config *c = &s->talker->config;
    enum tb_code rc;

    s->text.n = 0;
    s->tries = 0;
    s->seed = seed;
    s->language = c->language[lang];
    if ((rc = tb_q3_text_ids(s->bpe, c, text, true, &s->text, err)))
        return rc;
    if (s->print->frames && s->reference.n == 0 &&
        (rc = tb_q3_text_ids(s->bpe, c, tb_bytes_str(&s->print->text), false, &s->reference, err)))
        return rc;
    return begin(s, err);
}

void tb_q3_segment_next(const struct tb_q3_segment *const *segments, struct tb_q3_turn *turns, int count)
{
    for (int i = 0; i < count; i++)
        turns[i].generator = segments[i]->generator;
    tb_q3_generator_next_all(turns, count);
    for (int i = 0; i < count; i++)
        if (turns[i].rc == TB_OK && turns[i].end == TB_Q3_CAP)
            tb_log(TB_LOG_WARN, "qwen3-cap", "frames=%d seed=%llu", tb_q3_generator_frames(turns[i].generator),
                   (unsigned long long)segments[i]->seed);
}

enum tb_code tb_q3_segment_heard(struct tb_q3_segment *s, int code, const float *samples, size_t len, bool *again,
                                 bool *over, struct tb_error *err)
{
    enum tb_q3_lost lost = tb_q3_watch_frame(&s->watch, code, samples, len);

    *again = *over = false;
    if (lost == TB_Q3_ON_ITS_WAY)
        return TB_OK;
    tb_log(TB_LOG_WARN, "qwen3-astray", "why=%s frames=%d heard=%d seed=%llu", lost == TB_Q3_LOOPS ? "loop" : "silence",
           tb_q3_generator_frames(s->generator), s->watch.sounded, (unsigned long long)s->seed);
    if (s->watch.sounded || s->tries == TB_Q3_RETRIES) {
        *over = true;
        return TB_OK;
    }
    s->tries++;
    s->seed++;
    *again = true;
    return begin(s, err);
}

void tb_q3_segment_free(struct tb_q3_segment *s)
{
    tb_q3_ids_free(&s->text);
    tb_q3_ids_free(&s->reference);
}
