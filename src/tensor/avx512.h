/* avx512.h - what the kernels with vectors of 512 bits share. For files whose names end in _avx512, _vnni, _bf16. */
#ifndef TB_TENSOR_AVX512_H
#define TB_TENSOR_AVX512_H

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

/* sum += products of 16-bit numbers, two by two. TB_DOT8: the same of bytes without a sign and bytes with one, whose
 * TB_SUMS8, four by four, fit if those of two by two fit into 16 bits. Define TB_VNNI where one instruction does
 * that. */
#if defined(TB_VNNI)
#define TB_DOT16(sum, a, b) _mm512_dpwssd_epi32(sum, a, b)
#define TB_DOT8(sum, a, b) _mm512_dpbusd_epi32(sum, a, b)
#define TB_SUMS8(sum) (sum)
#else
#define TB_DOT16(sum, a, b) _mm512_add_epi32(sum, _mm512_madd_epi16(a, b))
#define TB_DOT8(sum, a, b) _mm512_add_epi16(sum, _mm512_maddubs_epi16(a, b))
#define TB_SUMS8(sum) _mm512_madd_epi16(sum, _mm512_set1_epi16(1))
#endif

/* 256 bits, twice. */
INLINE __m512i twice(const void *p)
{
    return _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)p));
}

/* For permutexvar: the first and second, or third and fourth, of four words, eight times each. */
INLINE __m512i pair_of_rows(int pair)
{
    return pair ? _mm512_setr_epi32(2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3)
                : _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
}

/* Eight parts of a sum in the order of linear_rows.h and qmat_rows.h. */
INLINE float sum8(__m256 v)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)); /* k and k + 4 */
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* The sums of two rows: y[0] of the lower half, y[1] of the upper. */
INLINE void sum_both(__m512 v, float *y)
{
    y[0] = sum8(_mm512_castps512_ps256(v));
    y[1] = sum8(_mm512_extractf32x8_ps(v, 1));
}

#endif
