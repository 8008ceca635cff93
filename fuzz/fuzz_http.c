#include <stdlib.h>
#include <string.h>

#include "server/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tb_http_head head;
    struct tb_http_chunks chunks = { 0 };
    struct tb_bytes body = { .cap = 4096 };
    size_t used, n = tb_http_head_size((const char *)data, size);
    char *copy = malloc(size ? size : 1);
    bool done;

    memcpy(copy, data, size);
    tb_http_parse(copy, n ? n : size, &head, NULL);
    tb_http_chunks_take(&chunks, (const char *)data, size, &body, &used, &done, NULL);
    tb_bytes_free(&body);
    free(copy);
    return 0;
}
