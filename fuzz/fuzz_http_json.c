/* Bodies of surfaces A and C: the first byte chooses which. */
#include "api/api.h"

#include "api_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tb_http_reply reply = { .head = world_head, .write = world_bytes, .end = world_end };
    struct tb_http_request req = { .method = TB_STR("POST"),
                                   .path = TB_STR("/api/v1/services/audio/tts/customization") };
    char bearer[80] = "Bearer ";

    world_open();
    req.authorization = tb_str_of(strcat(bearer, fuzz_world.key));
    req.body = (struct tb_str){ (const char *)data + (size > 0), size - (size > 0) };
    if (size && data[0] & 1)
        req.path = TB_STR("/api/v1/services/aigc/multimodal-generation/generation");
    fuzz_world.ended = false;
    struct tb_exchange *x = tb_exchange_open(fuzz_world.api, &req, &reply);
    while (!fuzz_world.ended)
        world_turn();
    tb_exchange_gone(x);
    return 0;
}
