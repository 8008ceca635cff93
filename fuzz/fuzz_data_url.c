#include "voices/data_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tb_bytes out = { 0 };

    tb_data_url_decode((struct tb_str){ (const char *)data, size }, &out, NULL);
    tb_bytes_free(&out);
    return 0;
}
