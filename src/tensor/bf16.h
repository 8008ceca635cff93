/* bf16.h - bfloat16, the upper half of a float: 8 bits of exponent, 7 of fraction. */
#ifndef TB_TENSOR_BF16_H
#define TB_TENSOR_BF16_H

#include <stdint.h>

static inline float tb_from_bf16(uint16_t bits)
{
    union { uint32_t u; float f; } v = { .u = (uint32_t)bits << 16 };

    return v.f;
}

/* The nearest one, halves to even. v is finite. */
static inline uint16_t tb_to_bf16(float v)
{
    union { float f; uint32_t u; } bits = { .f = v };

    return (uint16_t)((bits.u + 0x7fff + (bits.u >> 16 & 1)) >> 16);
}

#endif
