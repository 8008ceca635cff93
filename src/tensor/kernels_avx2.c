/* kernels_avx2.c - the inner loops for AVX2 with FMA; kernels_c.c says what each does.
 *
 * The tile holds 4 rows x 24 columns in twelve registers: for one input row and tap, three loads of input, four
 * broadcasts of weights and twelve FMAs, so the FMA units and not the load ports set the pace. */
#include <immintrin.h>
#include <string.h>

#include "tensor/fastconv_points.h"
#include "tensor/linear_rows.h"
#include "tensor/qmat_rows.h"

#define INLINE static inline __attribute__((always_inline))

/* Ends of rows: the first `left` floats of a vector, zeros behind them. */
INLINE __m256i mask_of(int left)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(left), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

INLINE __m256 load(const float *p, int left)
{
    return left >= TB_LANES ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, mask_of(left));
}

/* Not a masked store: that is microcode on AMD, some forty cycles. */
INLINE void store(float *p, int left, __m256 v)
{
    if (left >= TB_LANES) {
        _mm256_storeu_ps(p, v);
        return;
    }
    __m128 half = _mm256_castps256_ps128(v);
    if (left & 4) {
        _mm_storeu_ps(p, half);
        half = _mm256_extractf128_ps(v, 1);
        p += 4;
    }
    if (left & 2) {
        _mm_storel_pi((__m64 *)(void *)p, half);
        half = _mm_movehl_ps(half, half);
        p += 2;
    }
    if (left & 1)
        _mm_store_ss(p, half);
}

INLINE __m256 set1(float v)
{
    return _mm256_set1_ps(v);
}

/* *sum += a * b. Given the intrinsic, gcc 12 loads an input again for each of the four rows, or spills sums that it has
 * moved to the register of an operand; the instruction with register operands leaves it no choice. */
INLINE void multiply_add(__m256 *sum, __m256 a, __m256 b)
{
    __asm__("vfmadd231ps %2, %1, %0" : "+x"(*sum) : "x"(a), "x"(b));
}

/* taps and vecs are constants where it is called, so that the loops over them unroll. */
INLINE void tile_of(const float *x, int ldx, const float *w, int depth, int taps, int dilation, int vecs, float *acc)
{
    __m256 a[TB_PANEL][3];

#pragma GCC unroll 4
    for (int i = 0; i < TB_PANEL; i++)
#pragma GCC unroll 3
        for (int v = 0; v < vecs; v++)
            a[i][v] = _mm256_setzero_ps();
    for (int c = 0; c < depth; c++, x += ldx) {
        const float *at = x;

#pragma GCC unroll 11
        for (int tap = 0; tap < taps; tap++, w += TB_PANEL, at += dilation) {
            __m256 in[3];

#pragma GCC unroll 3
            for (int v = 0; v < vecs; v++)
                in[v] = _mm256_loadu_ps(at + v * TB_LANES);
#pragma GCC unroll 4
            for (int i = 0; i < TB_PANEL; i++) {
                __m256 weight = _mm256_broadcast_ss(w + i);

#pragma GCC unroll 3
                for (int v = 0; v < vecs; v++)
                    multiply_add(&a[i][v], weight, in[v]);
            }
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < TB_PANEL; i++)
#pragma GCC unroll 3
        for (int v = 0; v < vecs; v++)
            _mm256_store_ps(acc + i * TB_TILE + v * TB_LANES, a[i][v]);
}

static void tile(const float *x, int ldx, const float *w, int depth, int taps, int dilation, int vecs, float *acc)
{
    if (vecs == 1)
        tile_of(x, ldx, w, depth, taps, dilation, 1, acc);
    else if (vecs == 2)
        tile_of(x, ldx, w, depth, taps, dilation, 2, acc);
    else if (taps == 1)
        tile_of(x, ldx, w, depth, 1, dilation, 3, acc);
    else if (taps == 2)
        tile_of(x, ldx, w, depth, 2, dilation, 3, acc);
    else if (taps == 3)
        tile_of(x, ldx, w, depth, 3, dilation, 3, acc);
    else if (taps == 7)
        tile_of(x, ldx, w, depth, 7, dilation, 3, acc);
    else if (taps == 11)
        tile_of(x, ldx, w, depth, 11, dilation, 3, acc);
    else
        tile_of(x, ldx, w, depth, taps, dilation, 3, acc);
}

/* *sum += the products of both halves of each word. One vector may come from memory: with all three of a tile in
 * registers there is none left for the product. */
INLINE void multiply_add16(__m256i *sum, __m256i a, const __m256i *b)
{
    __m256i product;

    __asm__("vpmaddwd %1, %2, %0" : "=x"(product) : "m"(*b), "x"(a));
    __asm__("vpaddd %1, %0, %0" : "+x"(*sum) : "x"(product));
}

INLINE void multiply_add16_of(__m256i *sum, __m256i a, __m256i b)
{
    __m256i product;

    __asm__("vpmaddwd %1, %2, %0" : "=x"(product) : "x"(b), "x"(a));
    __asm__("vpaddd %1, %0, %0" : "+x"(*sum) : "x"(product));
}

INLINE __m256i words(const uint32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

INLINE void tile16_of(const uint32_t *x, int ldx, const int16_t *w, int pairs, int taps, int dilation, int vecs,
                      int32_t *acc)
{
    __m256i a[TB_PANEL][3];

#pragma GCC unroll 4
    for (int i = 0; i < TB_PANEL; i++)
#pragma GCC unroll 3
        for (int v = 0; v < vecs; v++)
            a[i][v] = _mm256_setzero_si256();
    for (int c = 0; c < pairs; c++, x += ldx) {
        const uint32_t *at = x;

        for (int tap = 0; tap < taps; tap++, w += 2 * TB_PANEL, at += dilation) {
            __m256i in[2];

#pragma GCC unroll 2
            for (int v = 0; v < vecs && v < 2; v++)
                in[v] = words(at + v * TB_LANES);
#pragma GCC unroll 4
            for (int i = 0; i < TB_PANEL; i++) {
                int32_t both;

                memcpy(&both, w + 2 * i, sizeof both);
                __m256i weight = _mm256_set1_epi32(both);
#pragma GCC unroll 2
                for (int v = 0; v < vecs && v < 2; v++)
                    multiply_add16_of(&a[i][v], weight, in[v]);
                if (vecs == 3)
                    multiply_add16(&a[i][2], weight, (const __m256i *)(const void *)(at + 2 * TB_LANES));
            }
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < TB_PANEL; i++)
#pragma GCC unroll 3
        for (int v = 0; v < vecs; v++)
            _mm256_store_si256((__m256i *)(void *)(acc + i * TB_TILE + v * TB_LANES), a[i][v]);
}

static void tile16(const uint32_t *x, int ldx, const int16_t *w, int pairs, int taps, int dilation, int vecs,
                   int32_t *acc)
{
    if (vecs == 1)
        tile16_of(x, ldx, w, pairs, taps, dilation, 1, acc);
    else if (vecs == 2)
        tile16_of(x, ldx, w, pairs, taps, dilation, 2, acc);
    else if (taps == 1)
        tile16_of(x, ldx, w, pairs, 1, dilation, 3, acc);
    else
        tile16_of(x, ldx, w, pairs, taps, dilation, 3, acc);
}

/* For kernels_lanes.h ----------------------------------------------------------------------------------------------*/

typedef __m256 V;
#define LANES TB_LANES
#define v_add _mm256_add_ps
#define v_sub _mm256_sub_ps
#define v_mul _mm256_mul_ps
#define v_div _mm256_div_ps
#define v_min _mm256_min_ps
#define v_max _mm256_max_ps
#define v_fma _mm256_fmadd_ps
#define v_fms _mm256_fmsub_ps
#define v_fnma _mm256_fnmadd_ps
#define load_all _mm256_loadu_ps
#define store_all _mm256_storeu_ps

INLINE V whole(V x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

INLINE V flip(V x)
{
    return _mm256_xor_ps(x, set1(-0.0f));
}

INLINE V alternate(V x, V n)
{
    return _mm256_xor_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtps_epi32(n), 31)));
}

/* 2^n, n in the exponent's range. */
INLINE V power(__m256i n)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}

INLINE V times_power(V x, V n)
{
    __m256i i = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(i, 1);

    return v_mul(v_mul(x, power(half)), power(_mm256_sub_epi32(i, half)));
}

INLINE V where_negative(V x, V a, V b)
{
    return _mm256_blendv_ps(b, a, x);
}

INLINE bool all_within(V x, float most)
{
    return _mm256_movemask_ps(_mm256_cmp_ps(_mm256_andnot_ps(set1(-0.0f), x), set1(most), _CMP_LE_OQ)) == 0xff;
}

#include "tensor/kernels_lanes.h"

INLINE __m256d low(__m256 v)
{
    return _mm256_cvtps_pd(_mm256_castps256_ps128(v));
}

INLINE __m256d high(__m256 v)
{
    return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1));
}

INLINE double across(__m256d v)
{
    double d[4];

    _mm256_storeu_pd(d, v);
    return (d[0] + d[1]) + (d[2] + d[3]);
}

static double sum(const float *x, int n)
{
    __m256d a = _mm256_setzero_pd(), b = a;

    for (int i = 0; i < n; i += TB_LANES) {
        __m256 v = load(x + i, n - i);

        a = _mm256_add_pd(a, low(v));
        b = _mm256_add_pd(b, high(v));
    }
    return across(_mm256_add_pd(a, b));
}

static double spread(const float *x, int n, double mean)
{
    __m256d a = _mm256_setzero_pd(), b = a, m = _mm256_set1_pd(mean);
    int whole_n = n / TB_LANES * TB_LANES;
    double s = 0.0;

    for (int i = 0; i < whole_n; i += TB_LANES) {
        __m256 v = _mm256_loadu_ps(x + i);
        __m256d p = _mm256_sub_pd(low(v), m), q = _mm256_sub_pd(high(v), m);

        a = _mm256_fmadd_pd(p, p, a);
        b = _mm256_fmadd_pd(q, q, b);
    }
    for (int i = whole_n; i < n; i++)
        s += ((double)x[i] - mean) * ((double)x[i] - mean);
    return across(_mm256_add_pd(a, b)) + s;
}

/* `vecs` vectors of y, held in registers while all rows pass. */
INLINE void mix_vecs(const float *weights, const float *x, size_t ldx, int count, float *y, int vecs)
{
    __m256 sum[8];

#pragma GCC unroll 8
    for (int v = 0; v < vecs; v++)
        sum[v] = _mm256_loadu_ps(y + 8 * v);
    for (int k = 0; k < count; k++, x += ldx) {
        __m256 weight = _mm256_broadcast_ss(weights + k);

#pragma GCC unroll 8
        for (int v = 0; v < vecs; v++)
            sum[v] = _mm256_fmadd_ps(weight, _mm256_loadu_ps(x + 8 * v), sum[v]);
    }
#pragma GCC unroll 8
    for (int v = 0; v < vecs; v++)
        _mm256_storeu_ps(y + 8 * v, sum[v]);
}

static void mix(const float *weights, const float *x, size_t ldx, int count, float *y, int n)
{
    int i = 0;

    for (; i + 64 <= n; i += 64)
        mix_vecs(weights, x + i, ldx, count, y + i, 8);
    for (; i + 8 <= n; i += 8)
        mix_vecs(weights, x + i, ldx, count, y + i, 1);
    for (; i < n; i++)
        for (int k = 0; k < count; k++)
            y[i] = fmaf(weights[k], x[(size_t)k * ldx + (size_t)i], y[i]);
}

static float dot(const float *a, const float *b, int n)
{
    __m256 s[4] = { _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps() };
    float v[TB_LANES];
    int i = 0;

    for (; i + 4 * TB_LANES <= n; i += 4 * TB_LANES)
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++)
            s[k] = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + k * TB_LANES), _mm256_loadu_ps(b + i + k * TB_LANES), s[k]);
    for (; i < n; i += TB_LANES)
        s[0] = _mm256_fmadd_ps(load(a + i, n - i), load(b + i, n - i), s[0]);
    _mm256_storeu_ps(v, _mm256_add_ps(_mm256_add_ps(s[0], s[1]), _mm256_add_ps(s[2], s[3])));
    return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}

/* Eight bytes as floats. */
INLINE __m256 bytes(const uint8_t *q, bool is_signed)
{
    __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)q);

    return _mm256_cvtepi32_ps(is_signed ? _mm256_cvtepi8_epi32(eight) : _mm256_cvtepu8_epi32(eight));
}

static void from32(const int32_t *acc, const float *gain, float *y)
{
    for (int i = 0; i < TB_PANEL; i++)
#pragma GCC unroll 3
        for (int t = 0; t < TB_TILE; t += TB_LANES)
            _mm256_store_ps(y + i * TB_TILE + t,
                            _mm256_mul_ps(_mm256_cvtepi32_ps(words((const uint32_t *)acc + i * TB_TILE + t)),
                                          set1(gain[i])));
}

/* The same without vectors, for channels from `c` on. */
static void widen16_rest(const uint8_t *const row[TB_PANEL], const int *zero, uint8_t flip, int c, int in, int taps,
                         int16_t *w)
{
    for (; c < in + in % 2; c++)
        for (int tap = 0; tap < taps; tap++)
            for (int i = 0; i < TB_PANEL; i++)
                w[((c / 2 * taps + tap) * TB_PANEL + i) * 2 + c % 2] =
                    (int16_t)(c < in ? (row[i][c * taps + tap] ^ flip) - zero[i] : 0);
}

/* The bytes of as many pairs of channels as give eight words at most: first tap of both channels, second tap, ... */
INLINE __m128i pairing(int taps, int pairs)
{
    uint8_t order[16];

    for (int k = 0; k < 8; k++) {
        int from = k / taps * 2 * taps + k % taps;

        order[2 * k] = k < pairs * taps ? (uint8_t)from : 0x80;
        order[2 * k + 1] = k < pairs * taps ? (uint8_t)(from + taps) : 0x80;
    }
    return _mm_loadu_si128((const __m128i *)(const void *)order);
}

/* Four rows of eight words to eight columns of four: 0 1, 2 3, 4 5, 6 7. */
INLINE void store_columns(const __m256i r[TB_PANEL], __m256i *w)
{
    __m256i low[2], high[2];

#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        low[i] = _mm256_unpacklo_epi32(r[i], r[i + 2]);
        high[i] = _mm256_unpackhi_epi32(r[i], r[i + 2]);
    }
    __m256i a = _mm256_unpacklo_epi32(low[0], low[1]), b = _mm256_unpackhi_epi32(low[0], low[1]);
    __m256i c = _mm256_unpacklo_epi32(high[0], high[1]), d = _mm256_unpackhi_epi32(high[0], high[1]);
    _mm256_storeu_si256(w, _mm256_permute2x128_si256(a, b, 0x20));
    _mm256_storeu_si256(w + 1, _mm256_permute2x128_si256(c, d, 0x20));
    _mm256_storeu_si256(w + 2, _mm256_permute2x128_si256(a, b, 0x31));
    _mm256_storeu_si256(w + 3, _mm256_permute2x128_si256(c, d, 0x31));
}

static void widen16(const uint8_t *q, size_t step, int rows, uint8_t flip, const float *zero, int in, int taps,
                    int16_t *w)
{
    const uint8_t *row[TB_PANEL];
    int pairs = 8 / taps, bytes_each = 2 * taps * pairs, c = 0, zeros[TB_PANEL];
    __m128i order = pairing(taps, pairs), turn = _mm_set1_epi8((char)flip);
    __m256i z[TB_PANEL];

    for (int i = 0; i < TB_PANEL; i++) {
        row[i] = q + (size_t)(i < rows ? i : 0) * step;
        zeros[i] = (int)zero[i < rows ? i : 0];
        z[i] = _mm256_set1_epi16((short)zeros[i]);
    }
    for (int at = 0; at + 16 <= in * taps; at += bytes_each, c += 2 * pairs, w += pairs * taps * TB_PANEL * 2) {
        __m256i r[TB_PANEL];

#pragma GCC unroll 4
        for (int i = 0; i < TB_PANEL; i++) {
            __m128i sixteen = _mm_loadu_si128((const __m128i *)(const void *)(row[i] + at));

            sixteen = _mm_shuffle_epi8(_mm_xor_si128(sixteen, turn), order);
            r[i] = _mm256_sub_epi16(_mm256_cvtepu8_epi16(sixteen), z[i]);
        }
        store_columns(r, (__m256i *)(void *)w);
    }
    widen16_rest(row, zeros, flip, c, in, taps, w - (ptrdiff_t)c / 2 * taps * TB_PANEL * 2);
}

INLINE float dot8_of(const uint8_t *q, bool is_signed, float zero, const float *x, int n)
{
    float off = is_signed ? zero - 128.0f : zero, s = 0.0f;
    __m256 z = set1(off), a = _mm256_setzero_ps(), b = a;
    _Alignas(32) float part[TB_LANES];
    int i = 0;

    for (; i + 2 * TB_LANES <= n; i += 2 * TB_LANES) {
        a = _mm256_fmadd_ps(_mm256_sub_ps(bytes(q + i, is_signed), z), _mm256_loadu_ps(x + i), a);
        b = _mm256_fmadd_ps(_mm256_sub_ps(bytes(q + i + TB_LANES, is_signed), z), _mm256_loadu_ps(x + i + TB_LANES), b);
    }
    _mm256_store_ps(part, _mm256_add_ps(a, b));
    for (int k = 0; k < TB_LANES; k++)
        s += part[k];
    for (; i < n; i++)
        s += ((float)(is_signed ? (int8_t)q[i] : q[i]) - off) * x[i];
    return s;
}

static float dot8(const uint8_t *q, uint8_t flip, float zero, const float *x, int n)
{
    return flip ? dot8_of(q, true, zero, x, n) : dot8_of(q, false, zero, x, n);
}

static void gemv64(const float *w, const float *x, int n, float *y)
{
    __m256 s[8];

#pragma GCC unroll 8
    for (int k = 0; k < 8; k++)
        s[k] = _mm256_setzero_ps();
    for (int i = 0; i < n; i++, w += 64) {
        __m256 v = _mm256_broadcast_ss(x + i);

#pragma GCC unroll 8
        for (int k = 0; k < 8; k++)
            s[k] = _mm256_fmadd_ps(v, _mm256_load_ps(w + k * TB_LANES), s[k]);
    }
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++)
        _mm256_storeu_ps(y + k * TB_LANES, s[k]);
}

static void gemv64_8(const int8_t *w, float scale, const float *x, int n, float *y)
{
    __m256 s[8];

#pragma GCC unroll 8
    for (int k = 0; k < 8; k++)
        s[k] = _mm256_setzero_ps();
    for (int i = 0; i < n; i++, w += 64) {
        __m256 v = _mm256_broadcast_ss(x + i);

#pragma GCC unroll 8
        for (int k = 0; k < 8; k++)
            s[k] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(
                                       (const __m128i *)(const void *)(w + k * TB_LANES)))), v, s[k]);
    }
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++)
        _mm256_storeu_ps(y + k * TB_LANES, _mm256_mul_ps(s[k], set1(scale)));
}

const struct tb_kernels tb_kernels_avx2 = {
    .tile = tile,
    .tile16 = tile16,
    .fast_input = tb_fast_input_avx2,
    .fast_output = tb_fast_output_avx2,
    .fast_turn = tb_fast_turn_avx2,
    .fast_peak = tb_fast_peak_avx2,
    .pre = pre,
    .post = post,
    .map = map,
    .add = add,
    .sum = sum,
    .spread = spread,
    .dot = dot,
    .mix = mix,
    .from32 = from32,
    .pair16 = pair16,
    .widen16 = widen16,
    .dot8 = dot8,
    .gemv64 = gemv64,
    .gemv64_8 = gemv64_8,
    .lstm_cell = lstm_cell,
    .linear = tb_linear_rows_avx2,
    .qmat8 = tb_qmat_rows8_avx2,
    .qmat4 = tb_qmat_rows4_avx2,
};
