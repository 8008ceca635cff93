/* cpu.h - which instruction set the kernels use. One binary runs on all CPUs; the choice is made once, at start.
 *
 * Before tb_tensor_init the plain C kernels are in use. Results of plain C differ from the others' in the last
 * bits; the levels from AVX2 up give the same bits, but for tb_linear_run_rough. Within one level results are the same
 * for any number of threads. */
#ifndef TB_TENSOR_CPU_H
#define TB_TENSOR_CPU_H

#include <stdbool.h>

#include "base/error.h"

enum tb_cpu {
    TB_CPU_C,
    TB_CPU_AVX2,   /* with FMA */
    TB_CPU_AVX512, /* and vectors of 512 bits: F, BW, DQ, VL */
    TB_CPU_VNNI,   /* and whole numbers multiplied and added in one instruction */
    TB_CPU_BF16,   /* and bfloat16 numbers, where inputs may be rounded to those: tb_linear_run_rough */
    TB_CPU_COUNT
};

/* "c", "avx2", "avx512", "vnni", "bf16". */
const char *tb_cpu_name(enum tb_cpu level);
/* This machine can run it and this build holds it. */
bool tb_cpu_supported(enum tb_cpu level);

/* Choose the kernels: force is the name of a level, or NULL or "" for the best that this CPU supports.
 * TB_EUNSUPPORTED names what this CPU has. Not while another thread computes. */
enum tb_code tb_tensor_init(const char *force, struct tb_error *err);
/* The level in use. */
enum tb_cpu tb_tensor_level(void);

#endif
