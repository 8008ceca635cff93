/* A line from timbre-phonemes, and a lexicon file, as an attacker would write them. */
#include "text/lang.h"

#include "text/g2p/english.h"
#include "text/g2p/espeak.h"
#include "text/g2p/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tb_bytes ipa = { 0 }, symbols = { 0 };
    struct tb_lexicon lexicon;

    if (tb_espeak_reply((struct tb_str){ (const char *)data, size }, &ipa, NULL) == TB_OK)
        tb_symbols_from_ipa(tb_bytes_str(&ipa), size & 1 ? TB_LANG_EN : TB_LANG_ES, &symbols);
    if (tb_lexicon_use(data, size, &lexicon, NULL) == TB_OK)
        tb_english_phonemes(&lexicon, NULL, TB_STR("The words, walking FBI's well-known."), &symbols, NULL);
    tb_lexicon_close(&lexicon);
    tb_bytes_free(&ipa);
    tb_bytes_free(&symbols);
    return 0;
}
