#include "server/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tb_ws_reader reader = { .message.cap = 4096 };
    size_t used;

    for (size_t at = 0; at < size; at += used)
        if (tb_ws_read(&reader, data + at, size - at, &used) == TB_WS_BROKEN || used == 0)
            break;
    tb_ws_reader_free(&reader);
    return 0;
}
