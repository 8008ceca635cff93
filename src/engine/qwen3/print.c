/* print.c - see print.h for the layout. */
#include "engine/qwen3/print.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "engine/seal.h"
#include "text/utf8.h"

static const char engine_name[] = "qwen3";

enum { VERSION = 1 };

static const float MOST = 1e4f; /* of an x-vector's numbers; real ones stay within tens */

static enum tb_code put(struct tb_bytes *b, uint32_t v, int bytes)
{
    uint8_t raw[4];

    tb_put_le32(raw, v);
    return tb_bytes_add(b, raw, (size_t)bytes);
}

static enum tb_code check(const struct tb_q3_print *p, enum tb_code code, struct tb_error *err)
{
    if (p->width < 1 || p->width > TB_Q3_MAX_VECTOR)
        return tb_fail(err, code, "voice print: an x-vector of %d numbers", p->width);
    for (int i = 0; i < p->width; i++)
        if (!(p->speaker[i] >= -MOST && p->speaker[i] <= MOST)) /* NaN too */
            return tb_fail(err, code, "voice print: x-vector[%d] is %g", i, (double)p->speaker[i]);
    if ((p->groups == 0) != (p->frames == 0) || p->groups < 0 || p->groups > TB_Q3_MAX_GROUPS || p->frames < 0 ||
        p->frames > TB_MAX_REFERENCE_FRAMES)
        return tb_fail(err, code, "voice print: %d frames of %d codes", p->frames, p->groups);
    if ((p->frames == 0) != (p->text.size == 0))
        return tb_fail(err, code, "voice print: %d frames with a text of %zu bytes", p->frames, p->text.size);
    for (int i = 0; i < p->groups * p->frames; i++)
        if (p->codes[i] < 0 || p->codes[i] > UINT16_MAX)
            return tb_fail(err, code, "voice print: code %d", p->codes[i]);
    if (p->text.size && !tb_utf8_valid(tb_bytes_str(&p->text)))
        return tb_fail(err, code, "voice print: a text that is not UTF-8");
    return TB_OK;
}

static enum tb_code put_body(const struct tb_q3_print *p, struct tb_bytes *b)
{
    uint32_t bits;
    enum tb_code rc;

    if ((rc = put(b, (uint32_t)p->width, 2)))
        return rc;
    for (int i = 0; rc == TB_OK && i < p->width; i++) {
        memcpy(&bits, &p->speaker[i], sizeof bits);
        rc = put(b, bits, 4);
    }
    if (rc || (rc = put(b, (uint32_t)p->groups, 2)) || (rc = put(b, (uint32_t)p->frames, 2)))
        return rc;
    for (int i = 0; rc == TB_OK && i < p->groups * p->frames; i++)
        rc = put(b, (uint32_t)p->codes[i], 2);
    if (rc || (rc = put(b, (uint32_t)p->text.size, 4)))
        return rc;
    return tb_bytes_add(b, p->text.data, p->text.size);
}

enum tb_code tb_q3_print_write(const struct tb_q3_print *print, struct tb_bytes *bytes, struct tb_error *err)
{
    size_t start = bytes->size;
    enum tb_code rc = check(print, TB_EINVAL, err);

    if (rc)
        return rc;
    if ((rc = tb_seal_begin(bytes, VERSION, engine_name)) || (rc = put_body(print, bytes)))
        return tb_fail(err, rc, "voice print: cannot be written");
    tb_seal_end(bytes, start);
    return TB_OK;
}

/* What is left to read; after a failure nothing is, and zeros come. */
struct reader {
    const uint8_t *p;
    size_t left;
    bool failed;
};

static const uint8_t *take(struct reader *r, size_t n)
{
    const uint8_t *p = r->p;

    if (r->failed || n > r->left) {
        r->failed = true;
        return NULL;
    }
    r->p += n;
    r->left -= n;
    return p;
}

static uint32_t number(struct reader *r, int bytes)
{
    const uint8_t *p = take(r, (size_t)bytes);
    uint32_t v = 0;

    for (int i = 0; p && i < bytes; i++)
        v |= (uint32_t)p[i] << 8 * i;
    return v;
}

static enum tb_code read_codes(struct reader *r, struct tb_q3_print *p, struct tb_error *err)
{
    p->groups = (int)number(r, 2);
    p->frames = (int)number(r, 2);
    size_t n = (size_t)p->groups * (size_t)p->frames;
    if (r->failed || n > r->left / 2)
        return tb_fail(err, TB_EVOICE, "voice print: cut short");
    if (n == 0)
        return TB_OK;
    p->codes = malloc(n * sizeof *p->codes);
    if (!p->codes)
        return tb_fail(err, TB_ENOMEM, "voice print: %zu codes", n);
    for (size_t i = 0; i < n; i++)
        p->codes[i] = (int)number(r, 2);
    return TB_OK;
}

static enum tb_code read_all(struct reader *r, struct tb_q3_print *p, struct tb_error *err)
{
    enum tb_code rc;

    p->width = (int)number(r, 2);
    if (p->width > TB_Q3_MAX_VECTOR)
        return tb_fail(err, TB_EVOICE, "voice print: an x-vector of %d numbers", p->width);
    for (int i = 0; i < p->width; i++) {
        uint32_t bits = number(r, 4);

        memcpy(&p->speaker[i], &bits, sizeof bits);
    }
    if ((rc = read_codes(r, p, err)))
        return rc;
    size_t n = number(r, 4);
    const uint8_t *text = take(r, n);
    if (!text || r->left)
        return tb_fail(err, TB_EVOICE, "voice print: %s", text ? "too long" : "cut short");
    if (n > 0 && (rc = tb_bytes_add(&p->text, text, n)))
        return tb_fail(err, rc, "voice print: a text of %zu bytes", n);
    return check(p, TB_EVOICE, err);
}

enum tb_code tb_q3_print_read(struct tb_str bytes, struct tb_q3_print *print, struct tb_error *err)
{
    struct tb_str body;
    enum tb_code rc = tb_seal_open(bytes, VERSION, engine_name, &body, err);

    *print = (struct tb_q3_print){ 0 };
    if (rc)
        return rc;
    rc = read_all(&(struct reader){ (const uint8_t *)body.p, body.n, false }, print, err);
    if (rc)
        tb_q3_print_free(print);
    return rc;
}

void tb_q3_print_free(struct tb_q3_print *print)
{
    free(print->codes);
    tb_bytes_free(&print->text);
    *print = (struct tb_q3_print){ 0 };
}

enum tb_code tb_q3_print_fits(const struct tb_q3_print *print, const struct tb_q3_config *config, struct tb_error *err)
{
    if (print->width != config->talker.hidden)
        return tb_fail(err, TB_EVOICE, "voice print: an x-vector of %d numbers, and this model (%s) takes %d",
                       print->width, config->size, config->talker.hidden);
    if (print->frames && print->groups != config->groups)
        return tb_fail(err, TB_EVOICE, "voice print: %d codes in a frame, and this model has %d", print->groups,
                       config->groups);
    for (int i = 0; i < print->groups * print->frames; i++)
        if (print->codes[i] >= config->codebook)
            return tb_fail(err, TB_EVOICE, "voice print: code %d, and this model has %d", print->codes[i],
                           config->codebook);
    return TB_OK;
}
