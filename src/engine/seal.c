/* seal.c - see seal.h. */
#include "engine/seal.h"

#include <string.h>

#include "base/limits.h"

enum { VERSION_AT = 8, CRC_AT = 12 };

static const char magic[VERSION_AT] = { 't', 'i', 'm', 'b', 'r', 'e', 'v', 'p' };

static uint32_t crc32_of(const uint8_t *p, size_t n)
{
    uint32_t crc = ~0u;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xEDB88320u & -(crc & 1));
    }
    return ~crc;
}

enum tb_code tb_seal_begin(struct tb_bytes *bytes, uint32_t version, const char *engine)
{
    uint8_t head[TB_SEAL_HEAD + 1] = { 0 };
    enum tb_code rc;

    bytes->cap = TB_MAX_PRINT;
    memcpy(head, magic, sizeof magic);
    tb_put_le32(head + VERSION_AT, version);
    head[TB_SEAL_HEAD] = (uint8_t)strlen(engine);
    if ((rc = tb_bytes_add(bytes, head, sizeof head)))
        return rc;
    return tb_bytes_addz(bytes, engine);
}

void tb_seal_end(struct tb_bytes *bytes, size_t start)
{
    uint8_t *from = bytes->data + start;

    tb_put_le32(from + CRC_AT, crc32_of(from + TB_SEAL_HEAD, bytes->size - start - TB_SEAL_HEAD));
}

enum tb_code tb_seal_open(struct tb_str bytes, uint32_t version, const char *engine, struct tb_str *body,
                          struct tb_error *err)
{
    const uint8_t *head = (const uint8_t *)bytes.p;
    struct tb_str name = { 0 };

    *body = (struct tb_str){ 0 };
    if (bytes.n > TB_MAX_PRINT)
        return tb_fail(err, TB_EVOICE, "voice print: %zu bytes, %d at most", bytes.n, TB_MAX_PRINT);
    if (bytes.n < TB_SEAL_HEAD || memcmp(head, magic, sizeof magic))
        return tb_fail(err, TB_EVOICE, "not a voice print");
    if (tb_le32(head + VERSION_AT) != version)
        return tb_fail(err, TB_EVOICE, "voice print: version %u, not %u", tb_le32(head + VERSION_AT), version);
    if (tb_le32(head + CRC_AT) != crc32_of(head + TB_SEAL_HEAD, bytes.n - TB_SEAL_HEAD))
        return tb_fail(err, TB_EVOICE, "voice print: damaged or cut short");
    if (bytes.n > TB_SEAL_HEAD && head[TB_SEAL_HEAD] < bytes.n - TB_SEAL_HEAD)
        name = (struct tb_str){ bytes.p + TB_SEAL_HEAD + 1, head[TB_SEAL_HEAD] };
    if (!tb_str_eq(name, engine))
        return tb_fail(err, TB_EVOICE, "voice print: of another engine than %s", engine);
    *body = (struct tb_str){ name.p + name.n, bytes.n - TB_SEAL_HEAD - 1 - name.n };
    return TB_OK;
}
