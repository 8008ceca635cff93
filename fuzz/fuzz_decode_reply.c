#include "audio/decode_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tb_decode_info info;
    struct tb_pcm out;

    tb_decode_reply_parse(data, size, &out, &info, NULL);
    tb_pcm_free(&out);
    return 0;
}
