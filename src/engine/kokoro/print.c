/* print.c - see print.h for the layout. */
#include "engine/kokoro/print.h"

#include <stdbool.h>
#include <string.h>

#include "engine/seal.h"

static const char engine_name[] = "kokoro";

enum { VERSION = 1, ALL_STYLES = TB_KOKORO_BLOCKS * TB_KOKORO_HALF };

/* One tensor of the blob, and where it lies in the struct. */
struct field {
    const char *name;
    size_t offset, count;
    float low, high;
};

#define FIELD(name, member, count, low, high) { name, offsetof(struct tb_kokoro_print, member), count, low, high }
static const struct field fields[] = {
    FIELD("style", style, ALL_STYLES, -50, 50), /* stock styles stay within +-3 */
    FIELD("prosody", prosody, TB_KOKORO_HALF, -50, 50),
    FIELD("f0_median_hz", f0_median_hz, 1, 40, 800),
    FIELD("f0_style_hz", f0_style_hz, 1, 40, 800),
    FIELD("speed", speed, 1, 0.5f, 2),
    FIELD("eq_db", eq_db, TB_KOKORO_EQ_BANDS, -24, 24),
    FIELD("embedding", embedding, TB_KOKORO_EMBEDDING, -1.0001f, 1.0001f),
};
enum { FIELDS = sizeof fields / sizeof *fields, STYLE = 0 };

static bool in_range(const struct field *f, const float *v, size_t *bad)
{
    for (size_t i = 0; i < f->count; i++)
        if (!(v[i] >= f->low && v[i] <= f->high)) { /* NaN too */
            *bad = i;
            return false;
        }
    return true;
}

static bool one_style(const struct tb_kokoro_print *print)
{
    for (int b = 1; b < TB_KOKORO_BLOCKS; b++)
        if (memcmp(print->style[b], print->style[0], sizeof print->style[0]))
            return false;
    return true;
}

static enum tb_code add_short_text(struct tb_bytes *b, const char *z)
{
    uint8_t n = (uint8_t)strlen(z);
    enum tb_code rc = tb_bytes_add(b, &n, 1);

    return rc ? rc : tb_bytes_add(b, z, n);
}

static enum tb_code add_tensor(struct tb_bytes *b, const char *name, const float *v, size_t count)
{
    enum tb_code rc = add_short_text(b, name);
    uint8_t raw[4];

    tb_put_le32(raw, (uint32_t)count);
    if (!rc)
        rc = tb_bytes_add(b, raw, 4);
    for (size_t i = 0; i < count && !rc; i++) {
        uint32_t bits;
        memcpy(&bits, &v[i], 4);
        tb_put_le32(raw, bits);
        rc = tb_bytes_add(b, raw, 4);
    }
    return rc;
}

enum tb_code tb_print_write(const struct tb_kokoro_print *print, struct tb_bytes *bytes, struct tb_error *err)
{
    size_t start = bytes->size, bad = 0;
    enum tb_code rc;

    if ((rc = tb_seal_begin(bytes, VERSION, engine_name)) ||
        (rc = tb_bytes_add(bytes, (const uint8_t[]){ FIELDS, 0 }, 2)))
        return tb_fail(err, rc, "voice print: cannot be written");
    for (int i = 0; i < FIELDS; i++) {
        const struct field *f = &fields[i];
        const float *v = (const float *)(const void *)((const char *)print + f->offset);

        if (!in_range(f, v, &bad))
            return tb_fail(err, TB_EINVAL, "voice print: %s[%zu] is %g", f->name, bad, (double)v[bad]);
        if ((rc = add_tensor(bytes, f->name, v, i == STYLE && one_style(print) ? TB_KOKORO_HALF : f->count)))
            return tb_fail(err, rc, "voice print: cannot be written");
    }
    tb_seal_end(bytes, start);
    return TB_OK;
}

/* What is left to read. take returns NULL, and nothing more can be read, when n bytes are not there. */
struct reader {
    const uint8_t *p;
    size_t left;
};

static const uint8_t *take(struct reader *r, size_t n)
{
    const uint8_t *p = r->p;

    if (n > r->left) {
        r->left = 0;
        return NULL;
    }
    r->p += n;
    r->left -= n;
    return p;
}

static bool take_name(struct reader *r, struct tb_str *name)
{
    const uint8_t *n = take(r, 1), *p = n ? take(r, *n) : NULL;

    if (p)
        *name = (struct tb_str){ (const char *)p, *n };
    return p != NULL;
}

static int field_of(struct tb_str name)
{
    for (int i = 0; i < FIELDS; i++)
        if (tb_str_eq(name, fields[i].name))
            return i;
    return -1;
}

static enum tb_code read_tensor(struct reader *r, struct tb_kokoro_print *print, unsigned *seen, struct tb_error *err)
{
    struct tb_str name;
    const uint8_t *raw;
    size_t count, bad = 0;

    if (!take_name(r, &name) || !(raw = take(r, 4)))
        return tb_fail(err, TB_EVOICE, "voice print: cut short");
    count = tb_le32(raw);
    if (count > r->left / 4)
        return tb_fail(err, TB_EVOICE, "voice print: tensor of %zu numbers, %zu bytes left", count, r->left);
    raw = take(r, count * 4);

    int i = field_of(name);
    if (i < 0)
        return TB_OK;
    if (*seen & 1u << i)
        return tb_fail(err, TB_EVOICE, "voice print: %s twice", fields[i].name);
    *seen |= 1u << i;

    bool once = i == STYLE && count == TB_KOKORO_HALF;
    if (count != fields[i].count && !once)
        return tb_fail(err, TB_EVOICE, "voice print: %s holds %zu numbers, not %zu", fields[i].name, count,
                       fields[i].count);
    float *v = (float *)(void *)((char *)print + fields[i].offset);
    for (size_t k = 0; k < fields[i].count; k++) {
        uint32_t bits = tb_le32(raw + 4 * (k % count));
        memcpy(&v[k], &bits, 4);
    }
    if (!in_range(&fields[i], v, &bad))
        return tb_fail(err, TB_EVOICE, "voice print: %s[%zu] is %g", fields[i].name, bad, (double)v[bad]);
    return TB_OK;
}

static enum tb_code read_all(struct reader *r, struct tb_kokoro_print *print, struct tb_error *err)
{
    const uint8_t *count = take(r, 2);
    unsigned seen = 0;

    if (!count)
        return tb_fail(err, TB_EVOICE, "voice print: cut short");
    for (unsigned n = count[0] | (unsigned)count[1] << 8; n > 0; n--) {
        enum tb_code rc = read_tensor(r, print, &seen, err);
        if (rc)
            return rc;
    }
    if (r->left)
        return tb_fail(err, TB_EVOICE, "voice print: %zu bytes too many", r->left);
    for (int i = 0; i < FIELDS; i++)
        if (!(seen & 1u << i))
            return tb_fail(err, TB_EVOICE, "voice print: no %s", fields[i].name);
    return TB_OK;
}

enum tb_code tb_print_read(struct tb_str bytes, struct tb_kokoro_print *print, struct tb_error *err)
{
    struct tb_str body;
    enum tb_code rc = tb_seal_open(bytes, VERSION, engine_name, &body, err);

    *print = (struct tb_kokoro_print){ 0 };
    if (rc)
        return rc;
    rc = read_all(&(struct reader){ (const uint8_t *)body.p, body.n }, print, err);
    if (rc)
        *print = (struct tb_kokoro_print){ 0 };
    return rc;
}
