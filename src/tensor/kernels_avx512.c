/* kernels_avx512.c - what is quicker with vectors of 512 bits. */
#include "tensor/tile16_avx512.h"

void tb_kernels_add_avx512(struct tb_kernels *table)
{
    table->tile16 = tile16;
}
