/* immintrin.h - found in place of the compiler's when the kernels of a level are built to be emulated: instructions of
 * AVX-512 become those of AVX2 or loops (simde), so that the sources of all levels run, and are tested, on any CPU with
 * AVX2. What simde lacks, or names wrongly, stands here as the instruction's manual has it. Tests only. */
#ifndef TB_EMULATED_IMMINTRIN_H
#define TB_EMULATED_IMMINTRIN_H

#include <math.h>
#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#undef _mm512_madd_epi16 /* simde 0.7.4 has the arguments of its masked form here */
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)

#undef _mm512_cvtne2ps_pbh /* b becomes the lower half; rounded to even. The numbers are finite */
#define _mm512_cvtne2ps_pbh(a, b) emulated_cvtne2ps_pbh(a, b)
static inline __m512bh emulated_cvtne2ps_pbh(__m512 a, __m512 b)
{
    simde__m512_private high = simde__m512_to_private(a), low = simde__m512_to_private(b);
    simde__m512bh_private to;

    for (int i = 0; i < 32; i++) {
        uint32_t bits = i < 16 ? low.u32[i] : high.u32[i - 16];

        to.u16[i] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
    return simde__m512bh_from_private(to);
}

#undef _mm512_cvtepi32_ps
#define _mm512_cvtepi32_ps(a) emulated_cvtepi32_ps(a)
static inline __m512 emulated_cvtepi32_ps(__m512i a)
{
    simde__m512i_private from = simde__m512i_to_private(a);
    simde__m512_private to;

    for (int i = 0; i < 16; i++)
        to.f32[i] = (float)from.i32[i];
    return simde__m512_from_private(to);
}

#undef _mm512_cvtps_epi32 /* rounded to even; the numbers are in range */
#define _mm512_cvtps_epi32(a) emulated_cvtps_epi32(a)
static inline __m512i emulated_cvtps_epi32(__m512 a)
{
    simde__m512_private from = simde__m512_to_private(a);
    simde__m512i_private to;

    for (int i = 0; i < 16; i++)
        to.i32[i] = (int32_t)lrintf(from.f32[i]);
    return simde__m512i_from_private(to);
}

#undef _mm512_srai_epi32
#define _mm512_srai_epi32(a, n) emulated_srai_epi32(a, n)
static inline __m512i emulated_srai_epi32(__m512i a, int n)
{
    simde__m512i_private p = simde__m512i_to_private(a);

    for (int i = 0; i < 16; i++)
        p.i32[i] >>= n;
    return simde__m512i_from_private(p);
}

#undef _mm512_maskz_loadu_ps
#define _mm512_maskz_loadu_ps(mask, p) emulated_maskz_loadu_ps(mask, p)
static inline __m512 emulated_maskz_loadu_ps(__mmask16 mask, const float *p)
{
    simde__m512_private to;

    for (int i = 0; i < 16; i++)
        to.f32[i] = mask >> i & 1 ? p[i] : 0.0f;
    return simde__m512_from_private(to);
}

#undef _mm512_mask_storeu_ps
#define _mm512_mask_storeu_ps(p, mask, a) emulated_mask_storeu_ps(p, mask, a)
static inline void emulated_mask_storeu_ps(float *p, __mmask16 mask, __m512 a)
{
    simde__m512_private from = simde__m512_to_private(a);

    for (int i = 0; i < 16; i++)
        if (mask >> i & 1)
            p[i] = from.f32[i];
}

#undef _mm512_cvtepu16_epi32
#define _mm512_cvtepu16_epi32(a) emulated_cvtepu16_epi32(a)
static inline __m512i emulated_cvtepu16_epi32(__m256i a)
{
    simde__m256i_private from = simde__m256i_to_private(a);
    simde__m512i_private to;

    for (int i = 0; i < 16; i++)
        to.i32[i] = from.u16[i];
    return simde__m512i_from_private(to);
}

#undef _mm512_extractf32x8_ps
#define _mm512_extractf32x8_ps(a, half) emulated_extractf32x8_ps(a, half)
static inline __m256 emulated_extractf32x8_ps(__m512 a, int half)
{
    return simde__m512_to_private(a).m256[half];
}

#endif
