/* foreign.c - see foreign.h. */
#include "text/g2p/foreign.h"

#include <string.h>

#include "text/g2p/symbols.h"
#include "text/utf8.h"

bool tb_foreign_ends_with(const struct tb_bytes *out, const char *end)
{
    size_t n = strlen(end);

    return out->size >= n && memcmp(out->data + out->size - n, end, n) == 0;
}

enum tb_code tb_foreign_space(struct tb_bytes *out)
{
    if (out->size == 0 || tb_foreign_ends_with(out, " ") || tb_foreign_ends_with(out, "(") ||
        tb_foreign_ends_with(out, "“"))
        return TB_OK;
    return tb_bytes_addz(out, " ");
}

enum tb_code tb_foreign_say(const struct tb_foreign *f, struct tb_str text, struct tb_bytes *out, struct tb_error *err)
{
    size_t at = 0;
    enum tb_code rc = TB_OK;

    while (at < text.n && !rc) {
        size_t before = at;
        uint32_t c = tb_utf8_next(text, &at);

        if (c == ' ') {
            rc = tb_foreign_space(out);
        } else if (tb_symbol_token(c) && (c < 0x80 ? strchr(".,;:!?()", (int)c) != NULL : c >= 0x2000)) {
            bool opens = c == '(' || c == 0x201C || c == 0x2014;

            if (opens)
                rc = tb_foreign_space(out);
            else if (tb_foreign_ends_with(out, " "))
                out->size--;
            if (!rc && (out->size || opens))
                rc = tb_bytes_add(out, text.p + before, at - before);
        } else {
            while (text.n > at && text.p[text.n - 1] == ' ')
                text.n--;
            rc = tb_foreign_space(out);
            return rc ? rc : f->say(f->ctx, (struct tb_str){ text.p + before, text.n - before }, out, err);
        }
    }
    return rc;
}
