/* fuzz_chain.c - phonemes to a chain of sounds, and the chain along as many frames as the input's end says. */
#include "engine/kokoro/align.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static float scores[256 * TB_SOUNDS];
    static uint16_t path[256];
    struct tb_chain c;

    for (size_t i = 0; i < size * 4 && i < 256 * TB_SOUNDS; i++)
        scores[i] = -(float)data[i / 4];
    if (tb_chain_make((struct tb_str){ (const char *)data, size }, &c, NULL) == TB_OK)
        tb_align(scores, size ? data[size - 1] : 0, &c, path, NULL);
    tb_chain_free(&c);
    return 0;
}
