/* A Chinese dictionary file as an attacker would write it. */
#include "text/lang.h"

#include "text/g2p/zh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tb_zh_dict dict;
    struct tb_bytes out = { 0 };

    if (tb_zh_dict_use(data, size, &dict, NULL) == TB_OK)
        tb_zh_pinyin(&dict, TB_STR("北京人好不好,银行长第一行"), &out, NULL);
    tb_bytes_free(&out);
    return 0;
}
