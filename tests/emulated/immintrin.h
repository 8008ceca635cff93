/* immintrin.h - found in place of the compiler's when the kernels of a level are built to be emulated: instructions of
 * AVX-512 become those of AVX2 or loops (simde), so that the sources of all levels run, and are tested, on any CPU with
 * AVX2. What simde lacks, or names wrongly, stands here as the instruction's manual has it. Tests only. */
#ifndef TB_EMULATED_IMMINTRIN_H
#define TB_EMULATED_IMMINTRIN_H

#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#undef _mm512_madd_epi16 /* simde 0.7.4 has the arguments of its masked form here */
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)

#endif
