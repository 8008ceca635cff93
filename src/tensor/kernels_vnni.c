/* kernels_vnni.c - what is quicker where one instruction multiplies and adds (AVX-512 VNNI). */
#define TB_VNNI
#include "tensor/qmat_avx512.h"
#include "tensor/tile16_avx512.h"

void tb_kernels_add_vnni(struct tb_kernels *table)
{
    table->tile16 = tile16;
    table->qmat8 = qmat8;
    table->qmat4 = qmat4;
}
