/* decode_target.h - the target of both decoders: which of them it is, says what the Makefile links it with. */
#include <stdlib.h>

#include "../helpers/decode-main.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct decoding d = { .bytes = data, .size = size };

    if (!decode_file(&d))
        decode_end(&d);
    free(d.samples);
    return 0;
}
