/* lexicon.c - see lexicon.h. */
#include "text/g2p/lexicon.h"

#include <string.h>

#include "base/limits.h"
#include "base/str.h"

enum { HEAD = 16, VERSION = 1 };

/* What is left of the pool behind some place; every read moves it forward or fails. */
struct reader {
    const uint8_t *p;
    size_t n;
};

static bool read_byte(struct reader *r, unsigned *v)
{
    if (r->n == 0)
        return false;
    *v = *r->p++;
    r->n--;
    return true;
}

/* A length byte and that many bytes. */
static bool read_span(struct reader *r, struct tb_str *out)
{
    unsigned n;

    if (!read_byte(r, &n) || n > r->n)
        return false;
    *out = (struct tb_str){ (const char *)r->p, n };
    r->p += n;
    r->n -= n;
    return true;
}

/* Begin reading word i; false when its offset lies outside. */
static bool read_word(const struct tb_lexicon *l, uint32_t i, struct reader *r, struct tb_str *word)
{
    size_t pool = HEAD + 4 * (size_t)l->count, offset = tb_le32(l->data + HEAD + 4 * (size_t)i);

    if (offset >= l->size - pool)
        return false;
    *r = (struct reader){ l->data + pool + offset, l->size - pool - offset };
    return read_span(r, word);
}

/* Find the word; *r then stands before its variants. */
static bool search(const struct tb_lexicon *l, struct tb_str word, struct reader *r)
{
    uint32_t low = 0, high = l->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct tb_str found;
        int order;

        if (!read_word(l, middle, r, &found))
            return false;
        order = tb_str_compare(found, word);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* The variant of this tag, or the default one; *exact tells which. */
static bool pick(struct reader r, enum tb_word_tag tag, struct tb_str *phones, bool *exact)
{
    unsigned variants;
    bool found = false;

    *exact = false;
    if (!read_byte(&r, &variants))
        return false;
    for (; variants > 0; variants--) {
        unsigned its_tag;
        struct tb_str its_phones;

        if (!read_byte(&r, &its_tag) || !read_span(&r, &its_phones))
            return false;
        if (its_tag == TB_WORD_DEFAULT || its_tag == (unsigned)tag) {
            *phones = its_phones;
            found = true;
        }
        if (its_tag == (unsigned)tag) {
            *exact = true;
            break;
        }
    }
    return found;
}

enum tb_code tb_lexicon_use(const void *data, size_t size, struct tb_lexicon *out, struct tb_error *err)
{
    const uint8_t *p = data;
    uint64_t count, pool;

    *out = (struct tb_lexicon){ 0 };
    if (size < HEAD || memcmp(p, "TBLX", 4))
        return tb_fail(err, TB_EINVAL, "not a lexicon");
    if (tb_le32(p + 4) != VERSION)
        return tb_fail(err, TB_EINVAL, "lexicon of version %u, wanted %d", tb_le32(p + 4), VERSION);
    count = tb_le32(p + 8);
    pool = tb_le32(p + 12);
    if (HEAD + 4 * count + pool != size)
        return tb_fail(err, TB_EINVAL, "lexicon of %zu bytes, its head says %llu", size,
                       (unsigned long long)(HEAD + 4 * count + pool));
    *out = (struct tb_lexicon){ .data = p, .size = size, .count = (uint32_t)count };
    return TB_OK;
}

enum tb_code tb_lexicon_open(const char *path, struct tb_lexicon *out, struct tb_error *err)
{
    struct tb_mapped file;
    enum tb_code rc;

    *out = (struct tb_lexicon){ 0 };
    if ((rc = tb_mapped_open(path, TB_MAX_LEXICON, &file, err)))
        return rc;
    rc = tb_lexicon_use(file.data, file.size, out, err);
    if (rc)
        tb_mapped_close(&file);
    else
        out->file = file;
    return rc;
}

void tb_lexicon_close(struct tb_lexicon *l)
{
    tb_mapped_close(&l->file);
    *l = (struct tb_lexicon){ 0 };
}

bool tb_lexicon_find(const struct tb_lexicon *l, struct tb_str word, enum tb_word_tag tag, struct tb_str *phones)
{
    struct reader r;
    bool exact;

    return search(l, word, &r) && pick(r, tag, phones, &exact);
}

bool tb_lexicon_has(const struct tb_lexicon *l, struct tb_str word, enum tb_word_tag tag)
{
    struct reader r;
    struct tb_str phones;
    bool exact;

    return search(l, word, &r) && pick(r, tag, &phones, &exact) && exact;
}
