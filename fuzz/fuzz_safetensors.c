#include "tensor/safetensors.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tb_safetensors *st;

    tb_safetensors_read(data, size, "fuzz", &st, NULL);
    tb_safetensors_close(st);
    return 0;
}
