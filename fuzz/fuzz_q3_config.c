/* The first byte chooses which of the model's JSON files the rest is. */
#include "engine/qwen3/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct { struct tb_q3_config model; struct tb_q3_codec_config codec; struct tb_q3_generation gen; } c;
    struct tb_str json = { (const char *)data + 1, size - 1 };
    struct tb_q3_index index = { 0 };

    if (size > 0 && data[0] % 4 == 0) tb_q3_config_parse(json, "fuzz", &c.model, NULL);
    if (size > 0 && data[0] % 4 == 1) tb_q3_codec_config_parse(json, "fuzz", &c.codec, NULL);
    if (size > 0 && data[0] % 4 == 2) tb_q3_generation_parse(json, "fuzz", &c.gen, NULL);
    if (size > 0 && data[0] % 4 == 3) tb_q3_index_parse(json, "fuzz", &index, NULL);
    tb_q3_index_free(&index);
    return 0;
}
