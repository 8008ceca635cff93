/* pieces.c - see pieces.h: the expression's branches in their order, each as a loop. */
#include "engine/qwen3/pieces.h"

#include <stdbool.h>

#include <unicode/uchar.h>

static bool letter(int32_t c)
{
    return (U_GET_GC_MASK(c) & U_GC_L_MASK) != 0;
}

static bool digit(int32_t c)
{
    return (U_GET_GC_MASK(c) & U_GC_N_MASK) != 0;
}

static bool newline(int32_t c)
{
    return c == '\r' || c == '\n';
}

static bool space(int32_t c)
{
    return u_isUWhiteSpace(c);
}

static bool other(int32_t c)
{
    return !space(c) && !letter(c) && !digit(c);
}

/* c in lower case; the long s folds to s, and no other letter outside ASCII to one of the contractions'. */
static int32_t folded(int32_t c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c == 0x17f ? 's' : c;
}

/* Length of an English contraction with its apostrophe, or 0. */
static size_t contraction(const int32_t *c, size_t n)
{
    int32_t first = n > 1 && c[0] == '\'' ? folded(c[1]) : 0, second = n > 2 ? folded(c[2]) : 0;

    if (first == 's' || first == 't' || first == 'm' || first == 'd')
        return 2;
    if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l'))
        return 3;
    return 0;
}

static size_t white(const int32_t *c, size_t n, size_t at)
{
    size_t end = at, after_newline = at;

    for (; end < n && space(c[end]); end++)
        if (newline(c[end]))
            after_newline = end + 1;
    if (after_newline > at)
        return after_newline;
    return end == n || end - at == 1 ? end : end - 1; /* the last space belongs to the word behind it */
}

size_t tb_q3_piece_end(const int32_t *c, size_t n, size_t at)
{
    size_t short_form = contraction(c + at, n - at), i = at;

    if (short_form)
        return at + short_form;
    if (!letter(c[i]) && !digit(c[i]) && !newline(c[i]) && i + 1 < n && letter(c[i + 1]))
        i++;
    if (letter(c[i])) {
        while (i < n && letter(c[i]))
            i++;
        return i;
    }
    if (digit(c[at]))
        return at + 1;
    i = c[at] == ' ' && at + 1 < n && other(c[at + 1]) ? at + 1 : at;
    if (other(c[i])) {
        while (i < n && other(c[i]))
            i++;
        while (i < n && newline(c[i]))
            i++;
        return i;
    }
    return white(c, n, at);
}
