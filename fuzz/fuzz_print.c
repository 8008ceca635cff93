#include "engine/kokoro/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tb_kokoro_print print;

    tb_print_read((struct tb_str){ (const char *)data, size }, &print, NULL);
    return 0;
}
