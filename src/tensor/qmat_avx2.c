/* qmat_avx2.c - qmat_rows.h for AVX2 with FMA. One pass over the panel's bytes, asked for some way ahead: the panels
 * of a matrix follow each other, so a stream that is read at memory's pace never waits for its beginning. */
#include <immintrin.h>

#include "tensor/qmat_rows.h"

#define INLINE static inline __attribute__((always_inline))

enum { AHEAD = 2048 }; /* bytes; reading past the end of a matrix is only a hint */

INLINE float sum8(__m256 v)
{
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)); /* k and k + 4 */
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

INLINE __m256i input_at(const int16_t *x)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)x);
}

/* *sum += pairs of products of w with 16 inputs. Given intrinsics, gcc 12 moves the sums to and fro between registers
 * and the stack; with them as operands of the instruction they stay. */
INLINE void add_held(__m256i *sum, __m256i w, __m256i x)
{
    __m256i products;

    __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(*sum), "=&x"(products) : "x"(w), "x"(x));
}

INLINE void add_products(__m256i *sum, __m256i w, const int16_t *x)
{
    __m256i products;

    __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"
            : "+x"(*sum), "=&x"(products)
            : "x"(w), "m"(*(const __m256i_u *)(const void *)x));
}

INLINE void multiply_add(__m256 *sum, __m256 a, __m256 b)
{
    __asm__("vfmadd231ps %2, %1, %0" : "+x"(*sum) : "x"(a), "x"(b));
}

/* tokens is a constant where it is called, so that the loops over it unroll. */
INLINE void rows8(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y)
{
    __m256i sum[TB_QMAT_ROWS][TB_QMAT_TOKENS];

#pragma GCC unroll 4
    for (int r = 0; r < TB_QMAT_ROWS; r++)
#pragma GCC unroll 3
        for (int t = 0; t < tokens; t++)
            sum[r][t] = _mm256_setzero_si256();
    for (int k = 0; k < n; k += 16, w += TB_QMAT_ROWS * 16) {
        __m256i first = input_at(x + k), second = tokens > 1 ? input_at(x + ldx + k) : first;

        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 4
        for (int r = 0; r < TB_QMAT_ROWS; r++) {
            __m256i weight = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(w + r * 16)));

            add_held(&sum[r][0], weight, first);
            if (tokens > 1)
                add_held(&sum[r][1], weight, second);
            if (tokens > 2)
                add_products(&sum[r][2], weight, x + 2 * ldx + k); /* no register is left for it */
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < TB_QMAT_ROWS; r++)
#pragma GCC unroll 3
        for (int t = 0; t < tokens; t++)
            y[t * TB_QMAT_ROWS + r] = sum8(_mm256_cvtepi32_ps(sum[r][t]));
}

/* A q is moved to the upper bits of its word, where it has its sign, and so counts 4096 times; what lies below it
 * counts as its fraction. The sum of a group stays below 2^31. A single token's input is loaded once for the four
 * rows. */
INLINE void rows4(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y)
{
    const __m256i high = _mm256_set1_epi32((int)0xffff0000);
    __m256 sum[TB_QMAT_ROWS][TB_QMAT_TOKENS];

#pragma GCC unroll 4
    for (int r = 0; r < TB_QMAT_ROWS; r++)
#pragma GCC unroll 3
        for (int t = 0; t < tokens; t++)
            sum[r][t] = _mm256_setzero_ps();
    for (int k = 0; k < n; k += TB_QMAT_BLOCK, w += TB_QMAT_BLOCK4) {
        __m256i only[4];

        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
        _mm_prefetch((const char *)w + AHEAD + 64, _MM_HINT_T0);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            only[j] = tokens == 1 ? input_at(x + k + 16 * j) : _mm256_setzero_si256();
#pragma GCC unroll 4
        for (int r = 0; r < TB_QMAT_ROWS; r++) {
            const uint8_t *at = w + TB_QMAT_SCALES + r * TB_QMAT_BLOCK / 2;
            __m256i words = _mm256_loadu_si256((const __m256i *)(const void *)at);
            __m256i both = _mm256_castps_si256(_mm256_broadcast_ss((const float *)(const void *)(w + r * 4)));
            __m256 first = _mm256_castsi256_ps(_mm256_slli_epi32(both, 16));
            __m256 second = _mm256_castsi256_ps(_mm256_and_si256(both, high));
            __m256i q0 = _mm256_slli_epi16(words, 12), q1 = _mm256_slli_epi16(words, 8);
            __m256i q2 = _mm256_slli_epi16(words, 4);

#pragma GCC unroll 3
            for (int t = 0; t < tokens; t++) {
                const int16_t *in = x + (size_t)t * ldx + k;
                __m256i a, b;

                if (tokens == 1) {
                    a = _mm256_add_epi32(_mm256_madd_epi16(q0, only[0]), _mm256_madd_epi16(q1, only[1]));
                    b = _mm256_add_epi32(_mm256_madd_epi16(q2, only[2]), _mm256_madd_epi16(words, only[3]));
                } else {
                    a = _mm256_madd_epi16(q0, input_at(in));
                    b = _mm256_madd_epi16(q2, input_at(in + 32));
                    add_products(&a, q1, in + 16);
                    add_products(&b, words, in + 48);
                }
                multiply_add(&sum[r][t], first, _mm256_cvtepi32_ps(a));
                multiply_add(&sum[r][t], second, _mm256_cvtepi32_ps(b));
            }
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < TB_QMAT_ROWS; r++)
#pragma GCC unroll 3
        for (int t = 0; t < tokens; t++)
            y[t * TB_QMAT_ROWS + r] = sum8(sum[r][t]) * 0x1p-12f;
}

void tb_qmat_rows8_avx2(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y)
{
    if (tokens == 1)
        rows8(w, x, ldx, 1, n, y);
    else if (tokens == 2)
        rows8(w, x, ldx, 2, n, y);
    else
        rows8(w, x, ldx, 3, n, y);
}

void tb_qmat_rows4_avx2(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y)
{
    if (tokens == 1)
        rows4(w, x, ldx, 1, n, y);
    else if (tokens == 2)
        rows4(w, x, ldx, 2, n, y);
    else
        rows4(w, x, ldx, 3, n, y);
}
