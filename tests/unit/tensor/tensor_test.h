/* tensor_test.h - what the tests of the ops share: repeatable noise, guarded matrices, each level and thread count. */
#ifndef TB_TENSOR_TEST_H
#define TB_TENSOR_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/pool.h"
#include "tensor/cpu.h"
#include "tensor/ops.h"

static uint64_t noise_state = 1;

/* Uniform in [-1, 1). */
static inline float noise(void)
{
    noise_state = noise_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (float)((double)(noise_state >> 40) / (1 << 23) - 1.0);
}

/* n floats of noise times `gain`, of exactly that size, so that AddressSanitizer sees a step past the end. */
static inline float *noises(size_t n, float gain)
{
    float *p = malloc((n ? n : 1) * sizeof *p);

    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = gain * noise();
    return p;
}

/* A matrix of noise with 3 columns between the rows that no op may touch; free its p. */
enum { GAP = 3 };
#define GUARD 12345.0f

static inline struct tb_mat noise_mat(int rows, int cols)
{
    struct tb_mat m = { NULL, rows, cols, cols + GAP };

    m.p = noises((size_t)rows * (size_t)m.ld, 1.0f);
    for (int r = 0; r < rows; r++)
        for (int i = cols; i < m.ld; i++)
            tb_mat_row(m, r)[i] = GUARD;
    return m;
}

static inline struct tb_mat copy_mat(struct tb_mat m)
{
    struct tb_mat c = noise_mat(m.rows, m.cols);

    memcpy(c.p, m.p, (size_t)m.rows * (size_t)m.ld * sizeof *m.p);
    return c;
}

static inline void check_gaps(struct tb_mat m)
{
    for (int r = 0; r < m.rows; r++)
        for (int i = m.cols; i < m.ld; i++)
            assert_true(tb_mat_row(m, r)[i] == GUARD);
}

/* Largest difference from `want` [rows][cols]; NaN counts as infinite. */
static inline double worst(struct tb_mat got, const double *want)
{
    double most = 0.0;

    for (int r = 0; r < got.rows; r++)
        for (int i = 0; i < got.cols; i++) {
            double d = fabs((double)tb_mat_row(got, r)[i] - *want++);

            if (!(d <= most))
                most = isnan(d) ? INFINITY : d;
        }
    return most;
}

static inline void check_near(struct tb_mat got, const double *want, double most, const char *what)
{
    double d = worst(got, want);

    check_gaps(got);
    if (!(d <= most))
        fail_msg("%s, level %s: off by %g, at most %g", what, tb_cpu_name(tb_tensor_level()), d, most);
}

static inline void check_same(struct tb_mat a, struct tb_mat b, const char *what)
{
    for (int r = 0; r < a.rows; r++)
        if (memcmp(tb_mat_row(a, r), tb_mat_row(b, r), (size_t)a.cols * sizeof(float)))
            fail_msg("%s, level %s: depends on the number of threads", what, tb_cpu_name(tb_tensor_level()));
}

/* The levels that each_level chooses: with emulated ones in place, just those. */
#if defined(EMULATED)
enum { FIRST_LEVEL = TB_CPU_AVX512 };
#else
enum { FIRST_LEVEL = TB_CPU_C };
#endif

/* Call `body` with each level of this CPU chosen. */
static inline void each_level(void (*body)(void))
{
    int ran = 0;

    for (int i = FIRST_LEVEL; i < TB_CPU_COUNT; i++) {
        if (!tb_cpu_supported((enum tb_cpu)i))
            continue;
        assert_int_equal(tb_tensor_init(tb_cpu_name((enum tb_cpu)i), NULL), TB_OK);
        assert_int_equal(tb_tensor_level(), i);
        noise_state = 1;
        body();
        ran++;
    }
    if (FIRST_LEVEL > 0 && ran == 0)
        print_message("skipped: this machine has no AVX2 to emulate other levels with\n");
    else
        assert_true(ran >= 1);
}

/* Pools of 2 and 3 threads, opened once for a program; results with them must equal those without. */
enum { POOLS = 2 };
static struct tb_pool *pools[POOLS];

static inline int open_pools(void **state)
{
    (void)state;
    for (int i = 0; i < POOLS; i++)
        if (tb_pool_open(i + 2, &pools[i], NULL))
            return -1;
    return 0;
}

static inline int close_pools(void **state)
{
    (void)state;
    for (int i = 0; i < POOLS; i++)
        tb_pool_close(pools[i]);
    return 0;
}

#endif
