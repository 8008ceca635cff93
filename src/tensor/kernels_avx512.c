/* kernels_avx512.c - what is quicker with vectors of 512 bits. Sums have the order that they have with AVX2. */
#include "tensor/fastconv_points.h"
#include "tensor/linear_rows.h"
#include "tensor/qmat_avx512.h"
#include "tensor/tile16_avx512.h"

/* As in tile16_avx512.h: the last eight columns of two rows in one vector. */
static void tile(const float *x, int ldx, const float *w, int depth, int taps, int dilation, int vecs, float *acc)
{
    if (vecs < 3) {
        tb_kernels_avx2.tile(x, ldx, w, depth, taps, dilation, vecs, acc);
        return;
    }
    const __m512i first = pair_of_rows(0), second = pair_of_rows(1);
    __m512 a[TB_PANEL], b[2];

#pragma GCC unroll 4
    for (int i = 0; i < TB_PANEL; i++)
        a[i] = _mm512_setzero_ps();
    b[0] = b[1] = _mm512_setzero_ps();
    for (int c = 0; c < depth; c++, x += ldx) {
        const float *at = x;

        for (int tap = 0; tap < taps; tap++, w += TB_PANEL, at += dilation) {
            __m512 left = _mm512_loadu_ps(at), right = _mm512_castsi512_ps(twice(at + 16));
            __m512 rows = _mm512_broadcast_f32x4(_mm_loadu_ps(w));

#pragma GCC unroll 4
            for (int i = 0; i < TB_PANEL; i++)
                a[i] = _mm512_fmadd_ps(_mm512_set1_ps(w[i]), left, a[i]);
            b[0] = _mm512_fmadd_ps(_mm512_permutexvar_ps(first, rows), right, b[0]);
            b[1] = _mm512_fmadd_ps(_mm512_permutexvar_ps(second, rows), right, b[1]);
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < TB_PANEL; i++) {
        _mm512_storeu_ps(acc + i * TB_TILE, a[i]);
        _mm256_storeu_ps(acc + i * TB_TILE + 16,
                         i % 2 ? _mm512_extractf32x8_ps(b[i / 2], 1) : _mm512_castps512_ps256(b[i / 2]));
    }
}

/* For kernels_lanes.h ----------------------------------------------------------------------------------------------*/

typedef __m512 V;
#define LANES 16
#define v_add(a, b) _mm512_add_ps(a, b)
#define v_sub(a, b) _mm512_sub_ps(a, b)
#define v_mul(a, b) _mm512_mul_ps(a, b)
#define v_div(a, b) _mm512_div_ps(a, b)
#define v_min(a, b) _mm512_min_ps(a, b)
#define v_max(a, b) _mm512_max_ps(a, b)
#define v_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#define v_fms(a, b, c) _mm512_fmsub_ps(a, b, c)
#define v_fnma(a, b, c) _mm512_fnmadd_ps(a, b, c)
#define load_all(p) _mm512_loadu_ps(p)
#define store_all(p, v) _mm512_storeu_ps(p, v)

INLINE __mmask16 mask_of(int left)
{
    return (__mmask16)((1u << left) - 1);
}

INLINE V load(const float *p, int left)
{
    return left >= LANES ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(mask_of(left), p);
}

INLINE void store(float *p, int left, V v)
{
    if (left >= LANES)
        _mm512_storeu_ps(p, v);
    else
        _mm512_mask_storeu_ps(p, mask_of(left), v);
}

INLINE V set1(float x)
{
    return _mm512_set1_ps(x);
}

INLINE V whole(V x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

INLINE V flip(V x)
{
    return _mm512_xor_ps(x, set1(-0.0f));
}

INLINE V alternate(V x, V n)
{
    return _mm512_xor_ps(x, _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtps_epi32(n), 31)));
}

/* 2^n, n in the exponent's range. */
INLINE V power(__m512i n)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(n, _mm512_set1_epi32(127)), 23));
}

INLINE V times_power(V x, V n)
{
    __m512i i = _mm512_cvtps_epi32(n), half = _mm512_srai_epi32(i, 1);

    return v_mul(v_mul(x, power(half)), power(_mm512_sub_epi32(i, half)));
}

INLINE V where_negative(V x, V a, V b)
{
    return _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(x)), b, a);
}

INLINE bool all_within(V x, float most)
{
    return _mm512_cmp_ps_mask(_mm512_abs_ps(x), set1(most), _CMP_LE_OQ) == 0xffff;
}

#include "tensor/kernels_lanes.h"

void tb_kernels_add_avx512(struct tb_kernels *table)
{
    table->tile = tile;
    table->tile16 = tile16;
    table->fast_input = tb_fast_input_avx512;
    table->fast_output = tb_fast_output_avx512;
    table->pre = pre;
    table->post = post;
    table->map = map;
    table->add = add;
    table->pair16 = pair16;
    table->lstm_cell = lstm_cell;
    table->linear = tb_linear_rows_avx512;
    table->qmat8 = qmat8;
    table->qmat4 = qmat4;
}
