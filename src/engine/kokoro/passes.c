/* passes.c - see passes.h. */
#include "engine/kokoro/passes.h"

#include "text/g2p/symbols.h"
#include "text/utf8.h"

enum kind { SOUND, SPACE, COMMA, END };

static enum kind kind_of(uint8_t token)
{
    switch (tb_symbol_of(token)) {
    case ' ':
        return SPACE;
    case ',': case ';': case ':': case '(': case ')': case '"': case 0x2014: case 0x201C: case 0x201D:
        return COMMA;
    case '.': case '!': case '?': case 0x2026:
        return END;
    default:
        return SOUND;
    }
}

enum tb_code tb_passes_tokens(struct tb_str phonemes, struct tb_bytes *out)
{
    size_t at = 0;

    while (at < phonemes.n) {
        uint8_t token = (uint8_t)tb_symbol_token(tb_utf8_next(phonemes, &at));
        enum tb_code rc = token ? tb_bytes_add(out, &token, 1) : TB_OK;

        if (rc)
            return rc;
    }
    return TB_OK;
}

/* Tokens up to the last mark among the first `most`, if that leaves more than a third of them; else 0. The strongest
 * kind that is there, and none weaker than `weakest`. */
static size_t last_mark(const uint8_t *tokens, size_t most, enum kind weakest)
{
    for (enum kind kind = END; kind >= weakest; kind--)
        for (size_t i = most; i > most / 3; i--)
            if (kind_of(tokens[i - 1]) == kind)
                return i;
    return 0;
}

static size_t full_pass(const uint8_t *tokens, size_t n)
{
    if (n <= TB_PASS_TOKENS)
        return n;
    size_t found = last_mark(tokens, TB_PASS_TOKENS, SPACE);
    return found ? found : TB_PASS_TOKENS;
}

size_t tb_passes_next(const uint8_t *tokens, size_t n, size_t wish)
{
    size_t full = full_pass(tokens, n);

    if (full <= wish)
        return full;
    size_t found = last_mark(tokens, wish, COMMA);
    if (found)
        return found;
    for (size_t i = wish; i < full; i++)
        if (kind_of(tokens[i]) > SPACE)
            return i + 1;
    return full;
}

size_t tb_passes_opening(const uint8_t *tokens, size_t n)
{
    enum { LEAST = 30, MORE = 16 };

    for (size_t i = LEAST; i + MORE < n; i++)
        if (kind_of(tokens[i]) == SPACE)
            return i;
    return n;
}

enum tb_pause tb_passes_pause(const uint8_t *tokens, size_t n)
{
    while (n > 0 && kind_of(tokens[n - 1]) == SPACE)
        n--;
    if (n == 0)
        return TB_PAUSE_NONE;
    switch (kind_of(tokens[n - 1])) {
    case END:
        return TB_PAUSE_SENTENCE;
    case COMMA:
        return TB_PAUSE_COMMA;
    default:
        return TB_PAUSE_NONE;
    }
}

bool tb_passes_sounds(const uint8_t *tokens, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (kind_of(tokens[i]) == SOUND)
            return true;
    return false;
}
