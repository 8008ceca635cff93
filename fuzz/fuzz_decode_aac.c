#include "audio/decode_reply.h"
#include "../helpers/decode-main.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct decoding d = { .bytes = data, .size = size };

    if (!decode_file(&d))
        decode_end(&d);
    free(d.samples);
    return 0;
}
