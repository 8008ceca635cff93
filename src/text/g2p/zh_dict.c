/* zh_dict.c - see zh_dict.h. */
#include "text/g2p/zh_dict.h"

#include <string.h>

#include "base/limits.h"
#include "base/str.h"

enum { HEAD = 16, VERSION = 1 };

/* Entry i; false when any of it lies outside. */
static bool read_entry(const struct tb_zh_dict *d, uint32_t i, struct tb_zh_entry *out)
{
    size_t pool = HEAD + 4 * (size_t)d->count, offset = tb_le32(d->data + HEAD + 4 * (size_t)i), left;
    const uint8_t *p;

    if (offset >= d->size - pool)
        return false;
    p = d->data + pool + offset;
    left = d->size - pool - offset;
    if (left < 5u + p[0])
        return false;
    out->word = (struct tb_str){ (const char *)p + 1, p[0] };
    left -= 5u + p[0];
    p += 1u + p[0];
    out->cost = p[0] | (unsigned)p[1] << 8;
    out->class = (char)p[2];
    out->reading = (struct tb_str){ (const char *)p + 4, p[3] };
    return p[3] <= left;
}

static bool begins_with(struct tb_str word, struct tb_str start)
{
    return word.n >= start.n && memcmp(word.p, start.p, start.n) == 0;
}

bool tb_zh_dict_step(const struct tb_zh_dict *d, struct tb_str word, uint32_t *place, struct tb_zh_entry *out,
                     bool *longer)
{
    uint32_t low = *place, high = d->count;
    struct tb_zh_entry entry;
    bool found = false;

    *longer = false;
    while (low < high) { /* the first entry that is not before the word */
        uint32_t middle = low + (high - low) / 2;

        if (!read_entry(d, middle, &entry))
            return false;
        if (tb_str_compare(entry.word, word) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *place = low;
    if (low < d->count && read_entry(d, low, &entry) && tb_str_compare(entry.word, word) == 0) {
        *out = entry;
        found = true;
        low++;
    }
    *longer = low < d->count && read_entry(d, low, &entry) && begins_with(entry.word, word);
    return found;
}

bool tb_zh_dict_find(const struct tb_zh_dict *d, struct tb_str word, struct tb_zh_entry *out)
{
    uint32_t place = 0;
    bool longer;

    return tb_zh_dict_step(d, word, &place, out, &longer);
}

enum tb_code tb_zh_dict_use(const void *data, size_t size, struct tb_zh_dict *out, struct tb_error *err)
{
    const uint8_t *p = data;
    uint64_t count, pool;

    *out = (struct tb_zh_dict){ 0 };
    if (size < HEAD || memcmp(p, "TBZH", 4))
        return tb_fail(err, TB_EINVAL, "not a Chinese dictionary");
    if (tb_le32(p + 4) != VERSION)
        return tb_fail(err, TB_EINVAL, "Chinese dictionary of version %u, wanted %d", tb_le32(p + 4), VERSION);
    count = tb_le32(p + 8);
    pool = tb_le32(p + 12);
    if (HEAD + 4 * count + pool != size)
        return tb_fail(err, TB_EINVAL, "Chinese dictionary of %zu bytes, its head says %llu", size,
                       (unsigned long long)(HEAD + 4 * count + pool));
    *out = (struct tb_zh_dict){ .data = p, .size = size, .count = (uint32_t)count };
    return TB_OK;
}

enum tb_code tb_zh_dict_open(const char *path, struct tb_zh_dict *out, struct tb_error *err)
{
    struct tb_mapped file;
    enum tb_code rc;

    *out = (struct tb_zh_dict){ 0 };
    if ((rc = tb_mapped_open(path, TB_MAX_LEXICON, &file, err)))
        return rc;
    rc = tb_zh_dict_use(file.data, file.size, out, err);
    if (rc)
        tb_mapped_close(&file);
    else
        out->file = file;
    return rc;
}

void tb_zh_dict_close(struct tb_zh_dict *d)
{
    tb_mapped_close(&d->file);
    *d = (struct tb_zh_dict){ 0 };
}
