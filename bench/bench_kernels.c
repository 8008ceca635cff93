/* bench_kernels.c - how near the kernels come to what one core can do.
 *
 *     build/release/bench/bench_kernels [level] [threads]
 *
 * Each case: the best of several runs in GFLOP/s (a multiply and an add are two), and beside it the peak of one core,
 * measured in between by a loop of independent FMAs in registers. One thread is timed in processor time, so that
 * other programs disturb less; several are timed by the clock. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/pool.h"
#include "tensor/cpu.h"
#include "tensor/ops.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { RUNS = 7 };

static int threads;

static double now_us(void)
{
    struct timespec t;

    clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static float *noise(size_t n)
{
    float *p = aligned_alloc(64, (n * sizeof *p + 63) / 64 * 64);
    unsigned long long s = 1;

    for (size_t i = 0; p && i < n; i++) {
        s = s * 6364136223846793005ULL + 1442695040888963407ULL;
        p[i] = (float)((double)(s >> 40) / (1 << 24)) - 0.5f;
    }
    if (!p)
        abort();
    return p;
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static float fma_loop(long rounds)
{
    __m256 a[12], m = _mm256_set1_ps(0.999f), s;
    float out[8];

#pragma GCC unroll 12
    for (int i = 0; i < 12; i++)
        a[i] = _mm256_set1_ps((float)i);
    for (long r = 0; r < rounds; r++)
#pragma GCC unroll 12
        for (int i = 0; i < 12; i++)
            a[i] = _mm256_fmadd_ps(a[i], m, m);
    s = a[0];
    for (int i = 1; i < 12; i++)
        s = _mm256_add_ps(s, a[i]);
    _mm256_storeu_ps(out, s);
    return out[0];
}

/* One short measurement; the caller takes the best of many. */
static double peak_gflops(void)
{
    long rounds = 300000;
    double t = now_us();
    volatile float sink = fma_loop(rounds);

    (void)sink;
    return (double)rounds * 12 * 16 / (now_us() - t) / 1e3;
}
#else
static double peak_gflops(void)
{
    return 0.0;
}
#endif

struct conv_case {
    const char *name;
    struct tb_conv_spec spec;
    int cols;
    int snake, residual;
};

static void run_conv(struct tb_pool *pool, const struct conv_case *c)
{
    const struct tb_conv_spec *s = &c->spec;
    struct tb_conv conv;
    struct tb_error err;
    float *w = noise((size_t)s->out * (size_t)s->in * (size_t)s->taps), *bias = noise((size_t)s->out);
    float *chan = noise((size_t)s->in * 4);

    if (tb_conv_pack(s, w, bias, &conv, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    int cols = tb_conv_cols(&conv, c->cols);
    struct tb_mat x = { noise((size_t)s->in * (size_t)c->cols), s->in, c->cols, c->cols };
    struct tb_mat y = { noise((size_t)s->out * (size_t)cols), s->out, cols, cols };
    struct tb_mat res = { noise((size_t)s->out * (size_t)cols), s->out, cols, cols };
    struct tb_pre pre = { .scale = chan, .shift = chan + s->in, .kind = TB_PRE_SNAKE, .alpha = chan + 2 * s->in,
                          .inv_alpha = chan + 3 * s->in };
    struct tb_post post = { .residual = c->residual ? &res : NULL };
    double macs = (double)s->out * s->in * s->taps * (s->transposed ? c->cols : cols), best = 0.0, peak = 0.0;

    for (int i = 0; i < RUNS; i++) {
        double p = peak_gflops(), t = now_us();

        peak = p > peak ? p : peak;
        tb_conv_run(pool, &conv, x, c->snake ? &pre : NULL, y, &post);
        double g = 2.0 * macs / (now_us() - t) / 1e3;
        best = g > best ? g : best;
    }
    printf("%-36s %7.1f GFLOP/s of %.1f: %5.1f %%\n", c->name, best, peak, peak > 0.0 ? 100.0 * best / peak : 0.0);
    fflush(stdout);
    free(w), free(bias), free(chan), free(x.p), free(y.p), free(res.p);
    tb_conv_free(&conv);
}

static void run_map(struct tb_pool *pool, const char *name, enum tb_map f)
{
    struct tb_mat x = { noise(1 << 20), 128, 8192, 8192 }, y = { noise(1 << 20), 128, 8192, 8192 };
    double best = 0.0;

    for (int i = 0; i < RUNS; i++) {
        double t = now_us();

        tb_map(pool, f, 0.1f, x, y);
        double g = (double)(1 << 20) / (now_us() - t) / 1e3;
        best = g > best ? g : best;
    }
    printf("%-36s %7.2f G elements/s\n", name, best);
    free(x.p), free(y.p);
}

static void run_adain(struct tb_pool *pool)
{
    struct tb_mat x = { noise((size_t)128 * 50000), 128, 50000, 50000 };
    float style[256] = { 0 }, scale[128], shift[128];
    double best = 0.0;

    for (int i = 0; i < RUNS; i++) {
        double t = now_us();

        tb_adain(pool, x, style, 1e-5f, scale, shift);
        double g = 128 * 50000 / (now_us() - t) / 1e3;
        best = g > best ? g : best;
    }
    printf("%-36s %7.2f G elements/s\n", "row statistics 128 x 50000", best);
    free(x.p);
}

static void run_lstm(struct tb_pool *pool)
{
    enum { IN = 640, H = 256, T = 300 };
    float *w = noise((size_t)2 * 4 * H * IN), *r = noise((size_t)2 * 4 * H * H), *b = noise((size_t)2 * 8 * H);
    struct tb_bilstm l;

    if (tb_bilstm_pack(IN, H, w, r, b, &l, NULL))
        exit(1);
    struct tb_mat x = { noise((size_t)IN * T), IN, T, T }, y = { noise((size_t)2 * H * T), 2 * H, T, T };
    float *work = noise(tb_bilstm_work(&l, T));
    double best = 1e9;

    for (int i = 0; i < RUNS; i++) {
        double t = now_us();

        tb_bilstm_run(pool, &l, x, y, work);
        double ms = (now_us() - t) / 1e3;
        best = ms < best ? ms : best;
    }
    printf("%-36s %7.2f ms\n", "bilstm 640 -> 2 x 256, 300 steps", best);
    free(w), free(r), free(b), free(x.p), free(y.p), free(work);
    tb_bilstm_free(&l);
}

int main(int argc, char **argv)
{
    static const struct conv_case cases[] = {
        { "128 -> 128 k11 d1 T50000 snake+res", { .out = 128, .in = 128, .taps = 11, .pad_left = 5, .pad_right = 5 },
          50000, 1, 1 },
        { "128 -> 128 k11 d5 T10000 snake",
          { .out = 128, .in = 128, .taps = 11, .dilation = 5, .pad_left = 25, .pad_right = 25 }, 10000, 1, 0 },
        { "128 -> 128 k7 d3 T10000 snake",
          { .out = 128, .in = 128, .taps = 7, .dilation = 3, .pad_left = 9, .pad_right = 9 }, 10000, 1, 0 },
        { "128 -> 128 k3 d1 T10000 snake", { .out = 128, .in = 128, .taps = 3, .pad_left = 1, .pad_right = 1 }, 10000,
          1, 0 },
        { "256 -> 256 k7 d1 T8000 snake", { .out = 256, .in = 256, .taps = 7, .pad_left = 3, .pad_right = 3 }, 8000, 1,
          0 },
        { "256 -> 256 k11 d5 T8000 snake",
          { .out = 256, .in = 256, .taps = 11, .dilation = 5, .pad_left = 25, .pad_right = 25 }, 8000, 1, 0 },
        { "1090 -> 1024 k3 T300", { .out = 1024, .in = 1090, .taps = 3, .pad_left = 1, .pad_right = 1 }, 300, 0, 0 },
        { "1024 -> 1024 k3 T60", { .out = 1024, .in = 1024, .taps = 3, .pad_left = 1, .pad_right = 1 }, 60, 0, 0 },
        { "768 -> 2048 k1 T100", { .out = 2048, .in = 768, .taps = 1 }, 100, 0, 0 },
        { "2048 -> 768 k1 T100", { .out = 768, .in = 2048, .taps = 1 }, 100, 0, 0 },
        { "512 -> 256 k20 up10 T800",
          { .out = 256, .in = 512, .taps = 20, .stride = 10, .pad_left = 5, .pad_right = 5, .transposed = true }, 800,
          0, 0 },
        { "256 -> 128 k12 up6 T8000",
          { .out = 128, .in = 256, .taps = 12, .stride = 6, .pad_left = 3, .pad_right = 3, .transposed = true }, 8000,
          0, 0 },
    };
    struct tb_pool *pool;
    struct tb_error err;

    if (tb_tensor_init(argc > 1 ? argv[1] : NULL, &err) ||
        tb_pool_open(argc > 2 ? atoi(argv[2]) : 1, &pool, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    threads = tb_pool_threads(pool);
    printf("level %s, threads %d\n", tb_cpu_name(tb_tensor_level()), threads);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_conv(pool, &cases[i]);
    run_map(pool, "sin", TB_MAP_SIN);
    run_map(pool, "exp", TB_MAP_EXP);
    run_map(pool, "gelu", TB_MAP_GELU);
    run_adain(pool);
    run_lstm(pool);
    tb_pool_close(pool);
    return 0;
}
