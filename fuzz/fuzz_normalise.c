/* Any bytes to words, in English and Spanish; the words are valid UTF-8. */
#include "text/normalise.h"
#include "text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tb_normaliser *languages[2];
    struct tb_bytes out = { 0 };

    if (!languages[0] && (tb_normaliser_open(TB_LANG_EN, &languages[0], NULL) || tb_normaliser_open(TB_LANG_ES, &languages[1], NULL)))
        __builtin_trap();
    tb_normalise(languages[size & 1], (struct tb_str){ (const char *)data, size }, &out, NULL);
    if (!tb_utf8_valid(tb_bytes_str(&out)))
        __builtin_trap();
    tb_bytes_free(&out);
    return 0;
}
