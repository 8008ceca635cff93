/* fastconv_avx2.c - fastconv_points.h with vectors of eight, and the changes between columns side by side and apart. */
#include <immintrin.h>

#include "tensor/fastconv_points.h"

void tb_fast_input_avx2(const float *e, int parts, int d, const float *gain, uint32_t *out, size_t step)
{
    tb_fast_inputs(e, parts, d, gain, out, step);
}

void tb_fast_output_avx2(const int32_t *acc, size_t step, int parts, const float *gain, float *y)
{
    tb_fast_outputs(acc, step, parts, gain, y);
}

uint32_t tb_fast_peak_avx2(const float *x, int n)
{
    return tb_fast_peak(x, n);
}

/* Eight rows of eight floats to their columns. */
static inline __attribute__((always_inline)) void turn8(const float *x, size_t ldx, float *y, size_t ldy)
{
    __m256 r[8], s[8];

#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) { /* rows i and i + 4 side by side, the first halves and then the second */
        r[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x + (size_t)i * ldx)),
                                    _mm_loadu_ps(x + (size_t)(i + 4) * ldx), 1);
        r[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x + (size_t)i * ldx + 4)),
                                        _mm_loadu_ps(x + (size_t)(i + 4) * ldx + 4), 1);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        s[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        s[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
        s[i + 2] = _mm256_unpacklo_ps(r[i + 2], r[i + 3]);
        s[i + 3] = _mm256_unpackhi_ps(r[i + 2], r[i + 3]);
        _mm256_storeu_ps(y + (size_t)i * ldy, _mm256_shuffle_ps(s[i], s[i + 2], 0x44));
        _mm256_storeu_ps(y + (size_t)(i + 1) * ldy, _mm256_shuffle_ps(s[i], s[i + 2], 0xee));
        _mm256_storeu_ps(y + (size_t)(i + 2) * ldy, _mm256_shuffle_ps(s[i + 1], s[i + 3], 0x44));
        _mm256_storeu_ps(y + (size_t)(i + 3) * ldy, _mm256_shuffle_ps(s[i + 1], s[i + 3], 0xee));
    }
}

void tb_fast_turn_avx2(const float *x, size_t ldx, float *y, size_t ldy)
{
    turn8(x, ldx, y, ldy);
}
