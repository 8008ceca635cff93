/* A dialogue: each line of the input is one client event. */
#include "api/api.h"

#include "api_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tb_dialogue_out out = { .text = world_text, .close = world_close };
    const char *p = (const char *)data, *end = p + size;

    world_open();
    struct tb_dialogue *d = tb_dialogue_open(fuzz_world.api, 1, TB_STR("model=live"), &out);
    while (p < end) {
        const char *line = memchr(p, '\n', (size_t)(end - p));

        tb_dialogue_text(d, p, (size_t)((line ? line : end) - p));
        p = line ? line + 1 : end;
        world_turn();
    }
    tb_dialogue_gone(d);
    return 0;
}
