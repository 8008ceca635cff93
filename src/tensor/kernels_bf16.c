/* kernels_bf16.c - what is quicker where bfloat16 is multiplied as it is (AVX512_BF16). */
#include "tensor/kernels_priv.h"
#include "tensor/linear_rows.h"

void tb_kernels_add_bf16(struct tb_kernels *table)
{
    table->linear_rough = tb_linear_rough_bf16;
}
