/* kernels_lanes.h - what is done to each element by itself, for vectors of any width: a level's file defines the vector
 * type V, LANES and the functions below in its instructions, and includes this. Each element goes through the same
 * operations, each rounded alike, so all levels that do so give the same bits.
 *
 *     load, store(p, left[, v])     the first `left` floats (all if there are as many), zeros behind them
 *     load_all, store_all(p[, v])   LANES floats
 *     set1(x); v_add, v_sub, v_mul, v_div, v_min, v_max(a, b)
 *     v_fma, v_fms, v_fnma(a, b, c) a * b + c, a * b - c, c - a * b, rounded once
 *     whole(x)                      the nearest whole number, halves to even
 *     flip(x); alternate(x, n)      -x; x times (-1)^n, n whole
 *     times_power(x, n)             x times 2^n, as two factors, since n may be outside the exponent's range
 *     where_negative(x, a, b)       a where x has the sign, else b
 *     all_within(x, most)           no magnitude is larger or no number
 *
 * Polynomials were fitted for least absolute error over the reduced range (Lawson's weights on 4000 Chebyshev nodes):
 * sine over +-pi/2 to 4.6e-9, 2^x over half an octave to 3.2e-9; what remains is rounding. */
#ifndef TB_TENSOR_KERNELS_LANES_H
#define TB_TENSOR_KERNELS_LANES_H

#include <math.h>

#include "tensor/fastconv_points.h"

/* sin(r) for |r| <= pi/2. */
INLINE V sine(V r)
{
    V q = v_mul(r, r), p = set1(2.6000548e-06f);

    p = v_fma(p, q, set1(-0.00019806615f));
    p = v_fma(p, q, set1(0.008333017f));
    p = v_fma(p, q, set1(-0.16666657f));
    return v_fma(v_mul(p, q), r, r);
}

/* x - n pi; pi in three parts, so that the first product and difference are exact. */
INLINE V minus_pi(V x, V n)
{
    x = v_fnma(n, set1(0x1.921fb6p+1f), x);
    x = v_fnma(n, set1(-0x1.777a5cp-24f), x);
    return v_fnma(n, set1(-0x1.ee59dap-49f), x);
}

/* Beyond 1e5 the count of half turns is no longer certain: those lanes go to libm. */
static V far_sine(V x, V v, int is_cos)
{
    float in[LANES], out[LANES];

    store_all(in, x);
    store_all(out, v);
    for (int i = 0; i < LANES; i++)
        if (!(fabsf(in[i]) <= 1e5f))
            out[i] = is_cos ? cosf(in[i]) : sinf(in[i]);
    return load_all(out);
}

/* sin(x) = (-1)^n sin(x - n pi); cos(x) = -(-1)^n sin(x - (n + 1/2) pi). */
INLINE V sine_or_cosine(V x, int is_cos)
{
    V turns = v_fma(x, set1(0x1.45f306p-2f), set1(is_cos ? -0.5f : 0.0f)), n = whole(turns);
    V v = alternate(sine(minus_pi(x, is_cos ? v_add(n, set1(0.5f)) : n)), n);

    if (is_cos)
        v = flip(v);
    return all_within(x, 1e5f) ? v : far_sine(x, v, is_cos);
}

/* 2^n exp(r) with x = n ln 2 + r. */
INLINE V exponential(V x)
{
    x = v_min(set1(89.0f), v_max(set1(-104.0f), x)); /* in this order a NaN stays */
    V n = whole(v_mul(x, set1(0x1.715476p+0f)));
    V r = v_fnma(n, set1(0x1.62e43p-1f), x), p = set1(0.0013950479f);

    r = v_fnma(n, set1(-0x1.05c61p-29f), r);
    p = v_fma(p, r, set1(0.008368884f));
    p = v_fma(p, r, set1(0.041666206f));
    p = v_fma(p, r, set1(0.16666518f));
    p = v_fma(p, r, set1(0.5f));
    p = v_fma(v_mul(p, r), r, v_add(r, set1(1.0f)));
    return times_power(p, n);
}

INLINE V sigmoid(V x)
{
    V one = set1(1.0f);

    return v_div(one, v_add(one, exponential(v_sub(set1(0.0f), x))));
}

/* 2 sigmoid(2x) - 1 */
INLINE V hyperbolic(V x)
{
    return v_fms(set1(2.0f), sigmoid(v_add(x, x)), set1(1.0f));
}

/* x sigmoid(2u) is x/2 (1 + tanh u). */
INLINE V gelu(V x)
{
    V cube = v_mul(v_mul(x, x), x), u = v_fma(cube, set1(0.044715f), x);

    return v_mul(x, sigmoid(v_mul(u, set1(2.0f * 0.797884561f))));
}

INLINE V leaky(V x, V slope)
{
    return where_negative(x, v_mul(x, slope), x);
}

/* sin^2 repeats every pi, so no quadrant is needed. alpha x stays far below the 1e5 up to which this is exact. */
INLINE V snake(V x, V alpha, V inv_alpha)
{
    V z = v_mul(x, alpha), s = sine(minus_pi(z, whole(v_mul(z, set1(0x1.45f306p-2f)))));

    return v_fma(v_mul(s, s), inv_alpha, x);
}

static void pre(const struct tb_pre *p, int c, const float *x, float *y, int n)
{
    V scale = set1(p->scale ? p->scale[c] : 1.0f), shift = set1(p->scale ? p->shift[c] : 0.0f);

    if (p->kind == TB_PRE_SNAKE) {
        V alpha = set1(p->alpha[c]), inv_alpha = set1(p->inv_alpha[c]);

        for (int i = 0; i < n; i += LANES)
            store(y + i, n - i, snake(v_fma(load(x + i, n - i), scale, shift), alpha, inv_alpha));
    } else if (p->kind == TB_PRE_LEAKY) {
        V slope = set1(p->slope);

        for (int i = 0; i < n; i += LANES)
            store(y + i, n - i, leaky(v_fma(load(x + i, n - i), scale, shift), slope));
    } else {
        for (int i = 0; i < n; i += LANES)
            store(y + i, n - i, v_fma(load(x + i, n - i), scale, shift));
    }
}

INLINE V activate(enum tb_act act, V slope, V v)
{
    if (act == TB_ACT_RELU)
        return v_max(set1(0.0f), v);
    if (act == TB_ACT_LEAKY)
        return leaky(v, slope);
    return act == TB_ACT_GELU ? gelu(v) : v;
}

static void post(const struct tb_post *p, const float *acc, float bias, const float *residual, float *y, int n)
{
    V gain = set1(p->gain == 0.0f ? 1.0f : p->gain), slope = set1(p->slope), add = set1(bias);

    for (int i = 0; i < n; i += LANES) {
        V v = v_add(load(acc + i, n - i), add);

        if (residual)
            v = v_add(v, load(residual + i, n - i));
        v = activate(p->act, slope, v_mul(v, gain));
        if (p->accumulate)
            v = v_add(v, load(y + i, n - i));
        store(y + i, n - i, v);
    }
}

INLINE V map_one(enum tb_map f, V arg, V x)
{
    switch (f) {
    case TB_MAP_SCALE: return v_mul(arg, x);
    case TB_MAP_LEAKY: return leaky(x, arg);
    case TB_MAP_GELU: return gelu(x);
    case TB_MAP_TANH: return hyperbolic(x);
    case TB_MAP_SIGMOID: return sigmoid(x);
    case TB_MAP_EXP: return exponential(x);
    case TB_MAP_SIN: return sine_or_cosine(x, 0);
    case TB_MAP_COS: return sine_or_cosine(x, 1);
    }
    return x;
}

INLINE void map_all(enum tb_map f, float arg, const float *x, float *y, int n)
{
    V a = set1(arg);

    for (int i = 0; i < n; i += LANES)
        store(y + i, n - i, map_one(f, a, load(x + i, n - i)));
}

static void map(enum tb_map f, float arg, const float *x, float *y, int n)
{
    switch (f) { /* so that the choice is made outside the loop */
    case TB_MAP_SCALE: map_all(TB_MAP_SCALE, arg, x, y, n); break;
    case TB_MAP_LEAKY: map_all(TB_MAP_LEAKY, arg, x, y, n); break;
    case TB_MAP_GELU: map_all(TB_MAP_GELU, arg, x, y, n); break;
    case TB_MAP_TANH: map_all(TB_MAP_TANH, arg, x, y, n); break;
    case TB_MAP_SIGMOID: map_all(TB_MAP_SIGMOID, arg, x, y, n); break;
    case TB_MAP_EXP: map_all(TB_MAP_EXP, arg, x, y, n); break;
    case TB_MAP_SIN: map_all(TB_MAP_SIN, arg, x, y, n); break;
    case TB_MAP_COS: map_all(TB_MAP_COS, arg, x, y, n); break;
    }
}

static void add(const float *a, const float *b, float gain, float *y, int n)
{
    V g = set1(gain);

    for (int i = 0; i < n; i += LANES)
        store(y + i, n - i, v_mul(g, v_add(load(a + i, n - i), load(b + i, n - i))));
}

static void pair16(const float *a, const float *b, float gain, uint32_t *out, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = tb_fast_pair(a[i] * gain, b[i] * gain);
}

static void lstm_cell(const float *const gate[4], float *c, float *h, int n)
{
    for (int i = 0; i < n; i += LANES) {
        int left = n - i;
        V in = sigmoid(load(gate[0] + i, left)), out = sigmoid(load(gate[1] + i, left));
        V forget = sigmoid(load(gate[2] + i, left)), new = hyperbolic(load(gate[3] + i, left));
        V cell = v_fma(forget, load(c + i, left), v_mul(in, new));

        store(c + i, left, cell);
        store(h + i, left, v_mul(out, hyperbolic(cell)));
    }
}

#endif
