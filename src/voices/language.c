/* language.c - see language.h.
 *
 * Words alone do not convict: Spanish and Portuguese share many, names are names everywhere. Another language is
 * certain when the recording says so too: the text fits what is heard when read in the language that it is written in,
 * and either does not fit when read in the declared one, or is in a script that the declared one does not use. (The
 * second case is needed because English words in a Chinese sentence are read as English.) */
#include "voices/language.h"

#include "text/utf8.h"

enum { LEAST_LETTERS = 12 };

static const float fits = 0.5F, misfits = 0.15F;
static const double nearly_all = 0.9;

/* Latin letters of the text, and all letters. */
static void count_letters(struct tb_str text, size_t *latin, size_t *all)
{
    *latin = *all = 0;
    for (size_t at = 0; at < text.n;) {
        uint32_t c = tb_utf8_next(text, &at);
        bool is_latin = (c | 32) - 'a' < 26 || (c >= 0xC0 && c < 0x250 && c != 0xD7 && c != 0xF7);

        *latin += is_latin;
        *all += is_latin || (c >= 0x370 && c < 0x2000) || c >= 0x3040;
    }
}

/* A language of another script, and a text that has hardly a letter of it. */
static bool script_contradicts(enum tb_lang declared, struct tb_str text)
{
    bool own_script = declared == TB_LANG_ZH || declared == TB_LANG_JA || declared == TB_LANG_KO ||
                      declared == TB_LANG_RU;
    size_t latin, all;

    count_letters(text, &latin, &all);
    return own_script && latin >= LEAST_LETTERS && (double)latin >= nearly_all * (double)all;
}

enum tb_code tb_language_decide(const struct tb_language_evidence *e, enum tb_lang *lang, const char **reason,
                                struct tb_error *err)
{
    *lang = e->declared != TB_LANG_AUTO ? e->declared : e->written;
    if (e->declared == TB_LANG_AUTO) {
        *reason = e->written == TB_LANG_AUTO ? "unknown" : "transcript";
        return TB_OK;
    }
    if (e->written == e->declared || e->written == TB_LANG_AUTO) {
        *reason = e->written == TB_LANG_AUTO ? "declared" : "agreed";
        return TB_OK;
    }
    *reason = "undecided";
    if (e->fits_written < fits)
        return TB_OK;
    if ((e->fits_declared >= 0 && e->fits_declared < misfits) || script_contradicts(e->declared, e->text))
        return tb_fail(err, TB_EAUDIO_TEXT, "%s is spoken, not %s: the text fits with a match of %.2f when read in the "
                       "former, %.2f in the latter", tb_lang_name(e->written), tb_lang_name(e->declared),
                       (double)e->fits_written, (double)e->fits_declared);
    return TB_OK;
}
