/* The checksum is put right first: nothing behind it would ever be reached otherwise. */
#include "engine/qwen3/print.h"
#include "engine/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tb_q3_print print;
    struct tb_bytes copy = { 0 };

    if (tb_bytes_add(&copy, data, size) == TB_OK) {
        if (size >= TB_SEAL_HEAD)
            tb_seal_end(&copy, 0);
        tb_q3_print_read(tb_bytes_str(&copy), &print, NULL);
        tb_q3_print_free(&print);
    }
    tb_bytes_free(&copy);
    return 0;
}
