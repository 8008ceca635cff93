/* phones.c - see phones.h. */
#include "text/g2p/phones.h"

#include <string.h>

#include "text/g2p/symbols.h"
#include "text/utf8.h"

bool tb_phone_in(uint16_t c, const char *symbols)
{
    struct tb_str all = tb_str_of(symbols);

    for (size_t at = 0; at < all.n;)
        if (tb_utf8_next(all, &at) == c)
            return true;
    return false;
}

bool tb_phone_is_vowel(uint16_t c)
{
    return tb_phone_in(c, "AIOQWYaiouæɑɒɔəɚɛɜɪʊʌᵻ");
}

bool tb_phone_is_consonant(uint16_t c)
{
    return tb_phone_in(c, "bdfhjklmnpstvwzðŋɡɹɾTʃʒʤʧθ");
}

void tb_phones_add(struct tb_phones *ph, struct tb_str utf8)
{
    for (size_t at = 0; at < utf8.n;) {
        uint32_t c = tb_utf8_next(utf8, &at);

        if (ph->n < TB_PHONES_MOST && tb_symbol_token(c))
            ph->p[ph->n++] = (uint16_t)c;
    }
}

void tb_phones_addz(struct tb_phones *ph, const char *utf8)
{
    tb_phones_add(ph, tb_str_of(utf8));
}

void tb_phones_join(struct tb_phones *ph, const struct tb_phones *more)
{
    size_t n = more->n < TB_PHONES_MOST - ph->n ? more->n : TB_PHONES_MOST - ph->n;

    memcpy(ph->p + ph->n, more->p, n * sizeof *ph->p);
    ph->n += n;
}

uint16_t tb_phones_end(const struct tb_phones *ph, size_t back)
{
    return back < ph->n ? ph->p[ph->n - 1 - back] : 0;
}

bool tb_phones_has(const struct tb_phones *ph, uint16_t c)
{
    for (size_t i = 0; i < ph->n; i++)
        if (ph->p[i] == c)
            return true;
    return false;
}

enum tb_code tb_phones_write(const struct tb_phones *ph, struct tb_bytes *out)
{
    enum tb_code rc = TB_OK;

    for (size_t i = 0; i < ph->n && !rc; i++)
        rc = tb_utf8_add(out, ph->p[i]);
    return rc;
}

void tb_phones_demote(struct tb_phones *ph)
{
    size_t n = 0;
    bool main = tb_phones_has(ph, TB_STRESS);

    for (size_t i = 0; i < ph->n; i++) {
        if (main && ph->p[i] == TB_STRESS_SECOND)
            continue;
        ph->p[n++] = ph->p[i] == TB_STRESS ? TB_STRESS_SECOND : ph->p[i];
    }
    ph->n = n;
}

void tb_phones_promote(struct tb_phones *ph)
{
    if (tb_phones_has(ph, TB_STRESS))
        return;
    for (size_t i = 0; i < ph->n; i++)
        if (ph->p[i] == TB_STRESS_SECOND) {
            ph->p[i] = TB_STRESS;
            return;
        }
}

void tb_phones_stress(struct tb_phones *ph, uint16_t mark)
{
    if (ph->n == TB_PHONES_MOST || tb_phones_has(ph, TB_STRESS) || tb_phones_has(ph, TB_STRESS_SECOND))
        return;
    for (size_t i = 0; i < ph->n; i++)
        if (tb_phone_is_vowel(ph->p[i])) {
            memmove(ph->p + i + 1, ph->p + i, (ph->n - i) * sizeof *ph->p);
            ph->p[i] = mark;
            ph->n++;
            return;
        }
}

unsigned tb_phones_weight(const struct tb_phones *ph)
{
    unsigned weight = 0;

    for (size_t i = 0; i < ph->n; i++)
        weight += tb_phone_in(ph->p[i], "AIOQWYʤʧ") ? 2 : 1;
    return weight;
}
