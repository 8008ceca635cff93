#include "audio/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return tb_sniff((struct tb_str){ (const char *)data, size }).name == NULL;
}
