/* The checksum is put right first: nothing behind it would ever be reached otherwise. */
#include "engine/qwen3/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tb_q3_print print;
    struct tb_bytes copy = { 0 };
    uint32_t crc = ~0u;

    for (size_t i = 16; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xEDB88320u & -(crc & 1));
    }
    if (tb_bytes_add(&copy, data, size) == TB_OK) {
        for (int i = 0; i < 4 && size >= 16; i++)
            copy.data[12 + i] = (uint8_t)(~crc >> 8 * i);
        tb_q3_print_read(tb_bytes_str(&copy), &print, NULL);
        tb_q3_print_free(&print);
    }
    tb_bytes_free(&copy);
    return 0;
}
