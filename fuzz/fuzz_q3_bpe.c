/* Four texts with a zero byte between them: vocab.json, merges.txt, tokenizer_config.json, and one to encode. */
#include <string.h>

#include "engine/qwen3/bpe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tb_str part[4] = { { 0 } };
    struct tb_q3_bpe *bpe;
    struct tb_q3_ids ids = { 0 };
    const char *p = (const char *)data, *end = p + size;

    for (int i = 0; i < 4 && p < end; i++) {
        const char *zero = i < 3 ? memchr(p, 0, (size_t)(end - p)) : NULL;
        part[i] = (struct tb_str){ p, (size_t)((zero ? zero : end) - p) };
        p += part[i].n + 1;
    }
    if (tb_q3_bpe_parse(part[0], part[1], part[2], 1001, "fuzz", &bpe, NULL) == TB_OK)
        tb_q3_bpe_encode(bpe, part[3], true, &ids, NULL);
    tb_q3_bpe_close(bpe);
    tb_q3_ids_free(&ids);
    return 0;
}
