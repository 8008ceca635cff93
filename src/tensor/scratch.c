/* scratch.c - see scratch.h. */
#include "tensor/scratch.h"

#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/str.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum { LINE = 64, LINE_FLOATS = LINE / sizeof(float), PAGE = 4096 };

enum tb_code tb_scratch_open(size_t size, struct tb_scratch *out, struct tb_error *err)
{
    *out = (struct tb_scratch){ 0 };
    if (size > SIZE_MAX - PAGE)
        return tb_fail(err, TB_ENOMEM, "scratch memory: %zu bytes", size);
    size = (size + PAGE - 1) / PAGE * PAGE;

    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return tb_fail(err, TB_ENOMEM, "scratch memory: cannot reserve %zu bytes", size);
    madvise(p, size, MADV_HUGEPAGE); /* only faster */
    ASAN_POISON_MEMORY_REGION(p, size);
    out->base = p;
    out->size = size;
    return TB_OK;
}

void tb_scratch_close(struct tb_scratch *s)
{
    if (s->base) {
        ASAN_UNPOISON_MEMORY_REGION(s->base, s->size);
        munmap(s->base, s->size);
    }
    *s = (struct tb_scratch){ 0 };
}

enum tb_code tb_scratch_floats(struct tb_scratch *s, size_t n, float **out, struct tb_error *err)
{
    size_t size;

    *out = NULL;
    /* One line more than asked, left poisoned: a run past the end is seen by AddressSanitizer. */
    if (tb_mul_overflow(n, sizeof **out, &size) || tb_add_overflow(size, 2 * LINE - 1, &size) ||
        (size = size / LINE * LINE) > s->size - s->used)
        return tb_fail(err, TB_ENOMEM, "scratch memory: %zu floats wanted, %zu bytes left of %zu", n,
                       s->size - s->used, s->size);
    *out = (float *)(void *)(s->base + s->used);
    ASAN_UNPOISON_MEMORY_REGION(*out, n * sizeof **out);
    s->used += size;
    if (s->used > s->peak)
        s->peak = s->used;
    return TB_OK;
}

enum tb_code tb_scratch_mat(struct tb_scratch *s, int rows, int cols, struct tb_mat *out, struct tb_error *err)
{
    float *p;

    *out = (struct tb_mat){ 0 };
    assert(rows >= 0 && cols >= 0 && cols < (1 << 30));

    int ld = ((cols + LINE_FLOATS - 1) / LINE_FLOATS | 1) * LINE_FLOATS;
    enum tb_code rc = tb_scratch_floats(s, (size_t)rows * (size_t)ld, &p, err);
    if (rc)
        return rc;
    *out = (struct tb_mat){ p, rows, cols, ld };
    return TB_OK;
}

size_t tb_scratch_mark(const struct tb_scratch *s)
{
    return s->used;
}

void tb_scratch_reset(struct tb_scratch *s, size_t mark)
{
    assert(mark <= s->used);
    ASAN_POISON_MEMORY_REGION(s->base + mark, s->used - mark);
    s->used = mark;
}

void tb_scratch_trim(struct tb_scratch *s)
{
    size_t from = (s->used + PAGE - 1) / PAGE * PAGE;

    if (from < s->size)
        madvise(s->base + from, s->size - from, MADV_DONTNEED);
}
