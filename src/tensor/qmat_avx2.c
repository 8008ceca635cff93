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

/* `rows` of a panel, from `first` on. rows and tokens are constants where it is called, so that the loops over them
 * unroll: at most four of one and two of the other, whose sums fill the registers. */
INLINE void rows8(const uint8_t *w, const int16_t *x, size_t ldx, int first, int rows, int tokens, int n, float *y)
{
    __m256i sum[TB_QMAT_ROWS][TB_QMAT_TOKENS];

    w += first * 16;
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int t = 0; t < tokens; t++)
            sum[r][t] = _mm256_setzero_si256();
    for (int k = 0; k < n; k += 16, w += TB_QMAT_ROWS * 16) {
        __m256i in[TB_QMAT_TOKENS];

        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 4
        for (int t = 0; t < tokens; t++)
            in[t] = input_at(x + (size_t)t * ldx + k);
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            __m256i weight = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(w + r * 16)));

#pragma GCC unroll 4
            for (int t = 0; t < tokens; t++)
                add_held(&sum[r][t], weight, in[t]);
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int t = 0; t < tokens; t++)
            y[t * TB_QMAT_ROWS + first + r] = sum8(_mm256_cvtepi32_ps(sum[r][t]));
}

/* *sum += the sums of two neighbours' products, of 32 weights without a sign and as many inputs: at most 2 * 15 * 127,
 * and of the eight such of a block at most 30480. As above, gcc is not to arrange it. */
INLINE void add_pairs(__m256i *sum, __m256i w, const int8_t *x)
{
    __m256i products;

    __asm__("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0"
            : "+x"(*sum), "=&x"(products)
            : "x"(w), "m"(*(const __m256i_u *)(const void *)x));
}

/* One row. The halves of bytes are taken apart once for all tokens. */
INLINE void row4(const uint8_t *w, const struct tb_qblock *x, size_t ldx, int tokens, int blocks, float *y)
{
    const __m256i low = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
    __m256 sum[TB_QMAT_TOKENS];

#pragma GCC unroll 4
    for (int t = 0; t < tokens; t++)
        sum[t] = _mm256_setzero_ps();
    for (int b = 0; b < blocks; b++, w += TB_QMAT_BLOCK4) {
        __m128i halves = _mm_loadu_si128((const __m128i *)(const void *)w);
        __m256 scale = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
        __m256i part[TB_QMAT_TOKENS];

        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
        _mm_prefetch((const char *)w + AHEAD + 64, _MM_HINT_T0);
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) {
            __m256i both = _mm256_loadu_si256((const __m256i *)(const void *)(w + TB_QMAT_SCALES + 32 * v));
            __m256i lower = _mm256_and_si256(both, low), upper = _mm256_and_si256(_mm256_srli_epi16(both, 4), low);

#pragma GCC unroll 4
            for (int t = 0; t < tokens; t++) {
                const int8_t *in = x[(size_t)t * ldx + (size_t)b].q + 64 * v;

                part[t] = v ? part[t] : _mm256_setzero_si256();
                add_pairs(&part[t], lower, in);
                add_pairs(&part[t], upper, in + 32);
            }
        }
#pragma GCC unroll 4
        for (int t = 0; t < tokens; t++) {
            const struct tb_qblock *in = &x[(size_t)t * ldx + (size_t)b];
            __m256i eights = _mm256_loadu_si256((const __m256i *)(const void *)in->eights);
            __m256 exact = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_madd_epi16(part[t], ones), eights));

            sum[t] = _mm256_fmadd_ps(_mm256_mul_ps(scale, _mm256_loadu_ps(in->scale)), exact, sum[t]);
        }
    }
#pragma GCC unroll 4
    for (int t = 0; t < tokens; t++)
        y[t * TB_QMAT_ROWS] = sum8(sum[t]);
}

void tb_qmat_rows8_avx2(const uint8_t *w, const int16_t *x, size_t ldx, int tokens, int n, float *y)
{
    switch (tokens) {
    case 1: rows8(w, x, ldx, 0, 4, 1, n, y); break;
    case 2: rows8(w, x, ldx, 0, 4, 2, n, y); break;
    case 3: rows8(w, x, ldx, 0, 2, 3, n, y); rows8(w, x, ldx, 2, 2, 3, n, y); break;
    default: rows8(w, x, ldx, 0, 2, 4, n, y); rows8(w, x, ldx, 2, 2, 4, n, y); break;
    }
}

void tb_qmat_rows4_avx2(const uint8_t *w, const struct tb_qblock *x, size_t ldx, int tokens, int n, float *y)
{
    int blocks = n / TB_QMAT_WIDE;

    for (int r = 0; r < TB_QMAT_ROWS; r++, w += (size_t)blocks * TB_QMAT_BLOCK4, y++)
        switch (tokens) {
        case 1: row4(w, x, ldx, 1, blocks, y); break;
        case 2: row4(w, x, ldx, 2, blocks, y); break;
        case 3: row4(w, x, ldx, 3, blocks, y); break;
        default: row4(w, x, ldx, 4, blocks, y); break;
        }
}
