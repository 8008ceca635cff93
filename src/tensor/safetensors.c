/* safetensors.c - see safetensors.h.
 *
 * The header is parsed in one pass into an array of tensors, which is then sorted for look-up. Strings are decoded in
 * place into an arena of the header's size, which can hold them all: an escape is never shorter than what it means. */
#include "tensor/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/str.h"

struct meta {
    const char *key, *value;
};

struct tb_safetensors {
    char *path;
    void *map; /* NULL when the bytes are the caller's */
    size_t map_size;
    char *text;      /* names and metadata, NUL-terminated */
    size_t text_used, text_room;
    struct tb_tensor *tensors;
    size_t count, room;
    struct meta *meta;
    size_t meta_count, meta_room;
};

/* The header's text while it is read. */
struct reader {
    struct tb_safetensors *st;
    const unsigned char *at, *start, *end;
    const unsigned char *data; /* behind the header */
    size_t data_size;
    struct tb_error *err;
};

static const struct {
    const char *name;
    size_t size;
} dtypes[TB_DTYPE_COUNT] = {
    [TB_F32] = { "F32", 4 }, [TB_F16] = { "F16", 2 }, [TB_BF16] = { "BF16", 2 }, [TB_I64] = { "I64", 8 },
    [TB_I32] = { "I32", 4 }, [TB_I8] = { "I8", 1 },   [TB_U8] = { "U8", 1 },
};

const char *tb_dtype_name(enum tb_dtype dtype)
{
    return (unsigned)dtype < TB_DTYPE_COUNT ? dtypes[dtype].name : "unknown";
}

size_t tb_dtype_size(enum tb_dtype dtype)
{
    return (unsigned)dtype < TB_DTYPE_COUNT ? dtypes[dtype].size : 0;
}

static enum tb_code bad(const struct reader *r, const char *wanted)
{
    return tb_fail(r->err, TB_EINVAL, "%s: header, byte %zu: %s wanted", r->st->path, (size_t)(r->at - r->start) + 8,
                   wanted);
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
}

/* Take `c` if it comes next. */
static bool take(struct reader *r, char c)
{
    skip_space(r);
    if (r->at == r->end || *r->at != (unsigned char)c)
        return false;
    r->at++;
    return true;
}

static bool hex4(struct reader *r, uint32_t *out)
{
    *out = 0;
    if (r->end - r->at < 4)
        return false;
    for (int i = 0; i < 4; i++, r->at++) {
        unsigned c = *r->at, digit = c - '0';

        if (digit > 9) {
            digit = (c | 32) - 'a' + 10;
            if (digit < 10 || digit > 15)
                return false;
        }
        *out = *out << 4 | digit;
    }
    return true;
}

/* \uXXXX, or two of them for a code point above 0xffff; at stands behind the u. Appends UTF-8. */
static bool unicode_escape(struct reader *r, char **out)
{
    uint32_t c, low;
    char *p = *out;

    if (!hex4(r, &c) || c == 0 || (c >= 0xdc00 && c < 0xe000))
        return false;
    if (c >= 0xd800 && c < 0xdc00) {
        if (r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u')
            return false;
        r->at += 2;
        if (!hex4(r, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    if (c < 0x80) {
        *p++ = (char)c;
    } else {
        int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

        *p++ = (char)((0xf0 << (3 - more) & 0xff) | c >> 6 * more);
        while (more-- > 0)
            *p++ = (char)(0x80 | (c >> 6 * more & 63));
    }
    *out = p;
    return true;
}

static enum tb_code string(struct reader *r, const char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char *text = r->st->text + r->st->text_used, *p = text;

    if (!take(r, '"'))
        return bad(r, "a string");
    while (r->at < r->end && *r->at != '"') {
        unsigned char c = *r->at++;

        if (c < 0x20)
            return bad(r, "no control character");
        if (c != '\\') {
            *p++ = (char)c;
            continue;
        }
        if (r->at == r->end)
            break;
        c = *r->at++;
        const char *escape = c ? strchr(from, c) : NULL;
        if (escape)
            *p++ = to[escape - from];
        else if (c != 'u' || !unicode_escape(r, &p))
            return bad(r, "a known escape");
    }
    if (r->at == r->end)
        return bad(r, "the end of a string");
    r->at++;
    *p++ = '\0';
    r->st->text_used += (size_t)(p - text);
    *out = text;
    return TB_OK;
}

static enum tb_code number(struct reader *r, size_t *out)
{
    size_t v = 0;

    skip_space(r);
    const unsigned char *first = r->at;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
        if (tb_mul_overflow(v, 10, &v) || tb_add_overflow(v, (size_t)(*r->at - '0'), &v))
            return bad(r, "a smaller number");
    if (r->at == first || (*first == '0' && r->at - first > 1))
        return bad(r, "a number");
    *out = v;
    return TB_OK;
}

/* [n, n, ...] of at most `most`. */
static enum tb_code numbers(struct reader *r, size_t *out, int most, int *count)
{
    enum tb_code rc;

    *count = 0;
    if (!take(r, '['))
        return bad(r, "a list of numbers");
    if (take(r, ']'))
        return TB_OK;
    do {
        if (*count == most)
            return bad(r, "a shorter list");
        if ((rc = number(r, &out[*count])))
            return rc;
        ++*count;
    } while (take(r, ','));
    return take(r, ']') ? TB_OK : bad(r, "the end of a list");
}

/* Room for one more element at *list; false when out of memory. */
static bool grow(void **list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;

    size_t want = *room ? 2 * *room : 64;
    void *p = realloc(*list, want * size);
    if (!p)
        return false;
    *list = p;
    *room = want;
    return true;
}

static enum tb_code read_meta(struct reader *r)
{
    struct tb_safetensors *st = r->st;
    enum tb_code rc;

    if (st->meta_count)
        return bad(r, "one __metadata__");
    if (!take(r, '{'))
        return bad(r, "an object");
    if (take(r, '}'))
        return TB_OK;
    do {
        struct meta m;

        if ((rc = string(r, &m.key)))
            return rc;
        if (!take(r, ':'))
            return bad(r, "a colon");
        if ((rc = string(r, &m.value)))
            return rc;
        if (st->meta_count >= TB_MAX_TENSORS || !grow((void **)&st->meta, st->meta_count, &st->meta_room, sizeof m))
            return tb_fail(r->err, TB_ETOOBIG, "%s: over %zu metadata entries", st->path, st->meta_count);
        st->meta[st->meta_count++] = m;
    } while (take(r, ','));
    return take(r, '}') ? TB_OK : bad(r, "the end of an object");
}

/* Check what the header says about a tensor against the bytes that are there. */
static enum tb_code check_tensor(struct reader *r, struct tb_tensor *t, const char *dtype, const size_t *span)
{
    const char *path = r->st->path;
    size_t size;
    int d = 0;

    while (d < TB_DTYPE_COUNT && strcmp(dtype, dtypes[d].name))
        d++;
    if (d == TB_DTYPE_COUNT)
        return tb_fail(r->err, TB_EUNSUPPORTED, "%s: tensor %.100s has dtype %.20s", path, t->name, dtype);
    t->dtype = (enum tb_dtype)d;
    t->len = 1;
    for (int i = 0; i < t->rank; i++)
        if (tb_mul_overflow(t->len, t->shape[i], &t->len))
            return tb_fail(r->err, TB_EINVAL, "%s: tensor %.100s has too large a shape", path, t->name);
    if (tb_mul_overflow(t->len, dtypes[d].size, &size) || span[0] > span[1] || span[1] > r->data_size ||
        span[1] - span[0] != size)
        return tb_fail(r->err, TB_EINVAL, "%s: tensor %.100s of %zu %s lies at %zu..%zu of %zu bytes", path, t->name,
                       t->len, dtype, span[0], span[1], r->data_size);
    t->data = r->data + span[0];
    if ((uintptr_t)t->data % dtypes[d].size)
        return tb_fail(r->err, TB_EINVAL, "%s: tensor %.100s is not aligned", path, t->name);
    return TB_OK;
}

static enum tb_code read_tensor(struct reader *r, const char *name)
{
    struct tb_safetensors *st = r->st;
    struct tb_tensor t = { .name = name };
    const char *key, *dtype = NULL;
    size_t span[2];
    int spans = 0;
    bool shaped = false;
    enum tb_code rc;

    if (!take(r, '{'))
        return bad(r, "an object");
    do {
        if ((rc = string(r, &key)))
            return rc;
        if (!take(r, ':'))
            return bad(r, "a colon");
        if (!strcmp(key, "dtype") && !dtype)
            rc = string(r, &dtype);
        else if (!strcmp(key, "shape") && !shaped)
            rc = numbers(r, t.shape, TB_MAX_RANK, &t.rank), shaped = true;
        else if (!strcmp(key, "data_offsets") && !spans)
            rc = numbers(r, span, 2, &spans);
        else
            rc = bad(r, "dtype, shape and data_offsets, each once");
        if (rc)
            return rc;
    } while (take(r, ','));
    if (!take(r, '}'))
        return bad(r, "the end of an object");
    if (!dtype || !shaped || spans != 2)
        return bad(r, "dtype, shape and data_offsets");
    if ((rc = check_tensor(r, &t, dtype, span)))
        return rc;
    if (st->count >= TB_MAX_TENSORS)
        return tb_fail(r->err, TB_ETOOBIG, "%s: over %d tensors", st->path, TB_MAX_TENSORS);
    if (!grow((void **)&st->tensors, st->count, &st->room, sizeof t))
        return tb_fail(r->err, TB_ENOMEM, "%s: %zu tensors", st->path, st->count);
    st->tensors[st->count++] = t;
    return TB_OK;
}

static enum tb_code read_header(struct reader *r)
{
    const char *name;
    enum tb_code rc;

    if (!take(r, '{'))
        return bad(r, "an object");
    if (!take(r, '}')) {
        do {
            if ((rc = string(r, &name)))
                return rc;
            if (!take(r, ':'))
                return bad(r, "a colon");
            rc = strcmp(name, "__metadata__") ? read_tensor(r, name) : read_meta(r);
            if (rc)
                return rc;
        } while (take(r, ','));
        if (!take(r, '}'))
            return bad(r, "the end of an object");
    }
    skip_space(r);
    return r->at == r->end ? TB_OK : bad(r, "nothing more");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tb_tensor *)a)->name, ((const struct tb_tensor *)b)->name);
}

static enum tb_code read_all(struct tb_safetensors *st, const unsigned char *bytes, size_t size, struct tb_error *err)
{
    uint64_t header = 0;

    if (size < 8)
        return tb_fail(err, TB_EINVAL, "%s: %zu bytes, not a safetensors file", st->path, size);
    for (int i = 7; i >= 0; i--)
        header = header << 8 | bytes[i];
    if (header > TB_MAX_TENSOR_HEADER)
        return tb_fail(err, TB_ETOOBIG, "%s: header of %llu bytes, at most %d are read", st->path,
                       (unsigned long long)header, TB_MAX_TENSOR_HEADER);
    if (header > size - 8)
        return tb_fail(err, TB_EINVAL, "%s: header of %llu bytes in a file of %zu", st->path,
                       (unsigned long long)header, size);

    struct reader r = { .st = st, .start = bytes + 8, .at = bytes + 8, .end = bytes + 8 + header, .err = err };
    r.data = r.end;
    r.data_size = size - 8 - (size_t)header;
    st->text = malloc((size_t)header + 1);
    if (!st->text)
        return tb_fail(err, TB_ENOMEM, "%s: header of %llu bytes", st->path, (unsigned long long)header);
    enum tb_code rc = read_header(&r);
    if (rc)
        return rc;
    if (st->count)
        qsort(st->tensors, st->count, sizeof *st->tensors, by_name);
    for (size_t i = 1; i < st->count; i++)
        if (!strcmp(st->tensors[i - 1].name, st->tensors[i].name))
            return tb_fail(err, TB_EINVAL, "%s: two tensors %.100s", st->path, st->tensors[i].name);
    return TB_OK;
}

enum tb_code tb_safetensors_read(const void *bytes, size_t size, const char *path, struct tb_safetensors **out,
                                 struct tb_error *err)
{
    struct tb_safetensors *st = calloc(1, sizeof *st);

    *out = NULL;
    if (!st || !(st->path = strdup(path))) {
        free(st);
        return tb_fail(err, TB_ENOMEM, "%s", path);
    }
    enum tb_code rc = read_all(st, bytes, size, err);
    if (rc) {
        tb_safetensors_close(st);
        return rc;
    }
    *out = st;
    return TB_OK;
}

enum tb_code tb_safetensors_open(const char *path, struct tb_safetensors **out, struct tb_error *err)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    *out = NULL;
    if (fd < 0)
        return tb_fail(err, errno == ENOENT ? TB_ENOTFOUND : TB_EIO, "%s: %s", path, strerror(errno));
    if (fstat(fd, &info) || !S_ISREG(info.st_mode) || info.st_size < 8) {
        close(fd);
        return tb_fail(err, TB_EINVAL, "%s: not a safetensors file", path);
    }
    size_t size = (size_t)info.st_size;
    void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    int why = errno;
    close(fd);
    if (map == MAP_FAILED)
        return tb_fail(err, TB_EIO, "%s: cannot map %zu bytes: %s", path, size, strerror(why));
    madvise(map, size, MADV_WILLNEED); /* only faster: the disk begins to read now */
    enum tb_code rc = tb_safetensors_read(map, size, path, out, err);
    if (rc) {
        munmap(map, size);
        return rc;
    }
    (*out)->map = map;
    (*out)->map_size = size;
    return TB_OK;
}

void tb_safetensors_close(struct tb_safetensors *st)
{
    if (!st)
        return;
    if (st->map)
        munmap(st->map, st->map_size);
    free(st->tensors);
    free(st->meta);
    free(st->text);
    free(st->path);
    free(st);
}

void tb_safetensors_forget(struct tb_safetensors *st)
{
    if (st->map)
        madvise(st->map, st->map_size, MADV_DONTNEED); /* advice: failing changes nothing */
}

const char *tb_safetensors_path(const struct tb_safetensors *st)
{
    return st->path;
}

size_t tb_safetensors_count(const struct tb_safetensors *st)
{
    return st->count;
}

const struct tb_tensor *tb_safetensors_at(const struct tb_safetensors *st, size_t i)
{
    return &st->tensors[i];
}

const struct tb_tensor *tb_safetensors_find(const struct tb_safetensors *st, const char *name)
{
    struct tb_tensor key = { .name = name };

    return st->count ? bsearch(&key, st->tensors, st->count, sizeof key, by_name) : NULL;
}

/* "F32 [512, 3]" */
static void describe(char *text, size_t room, enum tb_dtype dtype, int rank, const size_t *shape)
{
    struct tb_bytes b = { .cap = room - 1 };

    tb_bytes_addf(&b, "%s [", tb_dtype_name(dtype));
    for (int i = 0; i < rank; i++)
        tb_bytes_addf(&b, "%s%zu", i ? ", " : "", shape[i]);
    tb_bytes_addz(&b, "]");
    if (b.size)
        memcpy(text, b.data, b.size);
    text[b.size] = '\0';
    tb_bytes_free(&b);
}

enum tb_code tb_safetensors_want(const struct tb_safetensors *st, const char *name, enum tb_dtype dtype, int rank,
                                 const size_t *shape, const struct tb_tensor **out, struct tb_error *err)
{
    const struct tb_tensor *t = tb_safetensors_find(st, name);
    char found[96], wanted[96];

    *out = NULL;
    if (!t)
        return tb_fail(err, TB_ENOTFOUND, "%s: no tensor %s", st->path, name);
    if (t->dtype == dtype && t->rank == rank && !memcmp(t->shape, shape, (size_t)rank * sizeof *shape)) {
        *out = t;
        return TB_OK;
    }
    describe(found, sizeof found, t->dtype, t->rank, t->shape);
    describe(wanted, sizeof wanted, dtype, rank, shape);
    return tb_fail(err, TB_EINVAL, "%s: tensor %s is %s, wanted %s", st->path, name, found, wanted);
}

const char *tb_safetensors_meta(const struct tb_safetensors *st, const char *key)
{
    for (size_t i = 0; i < st->meta_count; i++)
        if (!strcmp(st->meta[i].key, key))
            return st->meta[i].value;
    return NULL;
}
