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
    size_t step = size >= HUGE ? HUGE : LINE;
    void *p = size > SIZE_MAX - LINE ? NULL : aligned_alloc(step, (size + LINE - 1) / LINE * LINE);

    if (p && size >= HUGE)
        madvise(p, size, MADV_HUGEPAGE); /* only faster */
    return p;
}

#endif
