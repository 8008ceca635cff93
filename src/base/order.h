/* order.h - for qsort. */
#ifndef TB_BASE_ORDER_H
#define TB_BASE_ORDER_H

/* Floats in ascending order. */
static inline int tb_ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

#endif
