/* UTF-8 walked both ways, counted and cut into segments. */
#include "text/segment.h"
#include "text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tb_str text = { (const char *)data, size }, segment;
    struct tb_segmenter s;
    size_t total = 0, forth = 0, at = size;

    while (at > 0)
        tb_utf8_previous(text, &at);
    while (forth < size)
        tb_utf8_next(text, &forth);
    tb_segmenter_init(&s, size & 1);
    if (tb_segmenter_add(&s, text) == TB_OK) {
        tb_segmenter_flush(&s);
        while (tb_segmenter_next(&s, &segment))
            total += segment.n;
        if (total != size || tb_text_weight(text) < tb_utf8_count(text))
            __builtin_trap();
    }
    tb_segmenter_free(&s);
    return 0;
}
