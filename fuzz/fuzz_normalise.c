/* Any bytes to words, in a language that the size chooses; the words are valid UTF-8. */
#include "text/normalise.h"
#include "text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tb_normaliser *languages[TB_LANG_COUNT];
    enum tb_lang lang = (enum tb_lang)(1 + size % (TB_LANG_COUNT - 1));
    struct tb_bytes out = { 0 };

    if (!languages[lang] && tb_normaliser_open(lang, &languages[lang], NULL))
        __builtin_trap();
    tb_normalise(languages[lang], (struct tb_str){ (const char *)data, size }, &out, NULL);
    if (!tb_utf8_valid(tb_bytes_str(&out)))
        __builtin_trap();
    tb_bytes_free(&out);
    return 0;
}
