/* pages.h - memory for packed weights, which are read from end to end: where it is long, in huge pages if the system
 * has them. With small ones a core waits at the beginning of each, since the hardware does not foresee beyond a page. */
#ifndef TB_TENSOR_PAGES_H
#define TB_TENSOR_PAGES_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* `size` bytes, not cleared, at a cache line's beginning, or NULL. Release with free. */
static inline void *tb_pages_alloc(size_t size)
{
    enum { LINE = 64, HUGE = 2 << 20 };
    void *p;

    if (size > SIZE_MAX - LINE ||
        posix_memalign(&p, size >= HUGE ? HUGE : LINE, (size + LINE - 1) / LINE * LINE))
        return NULL;
    if (size >= HUGE)
        madvise(p, size, MADV_HUGEPAGE); /* only faster */
    return p;
}

#endif
