/* bench_engine.c - how long the kokoro engine takes for given tokens.
 *
 *     bench_engine MODEL.safetensors CASE.safetensors threads runs [level] [repeat]
 *     bench_engine --levels      CPU levels of this machine, best last
 *     bench_engine --peak        GFLOP/s of one core in a loop of independent float FMAs, by the thread's own clock
 *
 * CASE holds tokens, styles and prosody (tests/golden/kokoro). With repeat, the tokens between the paddings are said
 * that many times in one pass. Prints one line of key=value: the best of `runs`; cpu is processor time,
 * which other load on the machine disturbs less. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "engine/kokoro/synth.h"
#include "tensor/cpu.h"
#include "tensor/safetensors.h"

static void die(const struct tb_error *err)
{
    fprintf(stderr, "bench_engine: %s\n", err->text);
    exit(1);
}

static const float *floats(const struct tb_safetensors *st, const char *name, size_t *n)
{
    const struct tb_tensor *t = tb_safetensors_find(st, name);

    if (!t || t->dtype != TB_F32) {
        fprintf(stderr, "bench_engine: no %s in %s\n", name, tb_safetensors_path(st));
        exit(1);
    }
    *n = t->len;
    return t->data;
}

static size_t peak_mb(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss / 1024;
}

static double cpu_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static size_t resident_mb(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    if (f) {
        if (fscanf(f, "%*u %lu", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return pages * 4 / 1024;
}

#if defined(__x86_64__)
/* Ten independent sums in registers, n times. */
__attribute__((target("avx2,fma"))) static void fmas(long n)
{
    for (; n > 0; n--)
        __asm__ volatile("vfmadd231ps %%ymm0, %%ymm1, %%ymm2\n vfmadd231ps %%ymm0, %%ymm1, %%ymm3\n"
                         "vfmadd231ps %%ymm0, %%ymm1, %%ymm4\n vfmadd231ps %%ymm0, %%ymm1, %%ymm5\n"
                         "vfmadd231ps %%ymm0, %%ymm1, %%ymm6\n vfmadd231ps %%ymm0, %%ymm1, %%ymm7\n"
                         "vfmadd231ps %%ymm0, %%ymm1, %%ymm8\n vfmadd231ps %%ymm0, %%ymm1, %%ymm9\n"
                         "vfmadd231ps %%ymm0, %%ymm1, %%ymm10\n vfmadd231ps %%ymm0, %%ymm1, %%ymm11\n" ::
                             : "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11");
}
#endif

static double peak_gflops(void)
{
    double best = 0;

#if defined(__x86_64__)
    const long n = 1000000;

    for (int i = 0; i < 20 && tb_cpu_supported(TB_CPU_AVX2); i++) {
        struct timespec from, to;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        fmas(n);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
        double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        double gflops = (double)n * 10 * 8 * 2 / seconds / 1e9;
        best = gflops > best ? gflops : best;
    }
#endif
    return best;
}

/* The forms without a model. False: argv asks for something else. */
static bool about_machine(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--peak") == 0) {
        printf("peak=%.1f\n", peak_gflops());
        return true;
    }
    if (argc != 2 || strcmp(argv[1], "--levels"))
        return false;
    for (int i = 0; i < TB_CPU_COUNT; i++)
        if (tb_cpu_supported((enum tb_cpu)i))
            printf("%s\n", tb_cpu_name((enum tb_cpu)i));
    return true;
}

int main(int argc, char **argv)
{
    struct tb_error err = { 0 };
    struct tb_kokoro_model *model;
    struct tb_scratch scratch;
    struct tb_safetensors *st;
    struct tb_kokoro_run run = { .scratch = &scratch };
    struct tb_kokoro_plan plan = { 0 };
    struct tb_mat pcm;
    uint8_t tokens[TB_KOKORO_MAX_TOKENS] = { 0 };
    size_t n, unused, len = 1;
    int64_t best = INT64_MAX, best_plan = INT64_MAX, start;
    double least_cpu = 1e9;

    if (about_machine(argc, argv))
        return 0;
    if (argc < 5) {
        fprintf(stderr, "usage: bench_engine MODEL.safetensors CASE.safetensors threads runs [level] [repeat]\n");
        return 2;
    }
    if (tb_tensor_init(argc > 5 ? argv[5] : NULL, &err) || tb_pool_open(atoi(argv[3]), &run.pool, &err) ||
        tb_scratch_open(TB_KOKORO_SCRATCH, &scratch, &err) || tb_safetensors_open(argv[2], &st, &err))
        die(&err);
    start = tb_mono_us();
    if (tb_kokoro_model_open(argv[1], &model, &err))
        die(&err);
    double load = (double)(tb_mono_us() - start) / 1e6;
    size_t loaded_mb = resident_mb();
    const float *said = floats(st, "tokens", &n), *styles = floats(st, "styles", &unused);
    const float *prosody = floats(st, "prosody", &unused);
    for (int r = argc > 6 ? atoi(argv[6]) : 1; r > 0 && len + n < TB_KOKORO_MAX_TOKENS; r--)
        for (size_t i = 1; i + 1 < n; i++)
            tokens[len++] = (uint8_t)said[i];
    for (int r = atoi(argv[4]); r > 0; r--) {
        tb_scratch_reset(&scratch, 0);
        double cpu = cpu_seconds();
        start = tb_mono_us();
        if (tb_kokoro_plan(&run, model, tokens, (int)len + 1, prosody, 1.0f, &plan, &err))
            die(&err);
        int64_t planned = tb_mono_us() - start;
        if (tb_kokoro_render(&run, model, &plan, (const float(*)[TB_KOKORO_HALF])(const void *)styles, &pcm, &err))
            die(&err);
        int64_t took = tb_mono_us() - start;
        cpu = cpu_seconds() - cpu;
        least_cpu = cpu < least_cpu ? cpu : least_cpu;
        best = took < best ? took : best;
        best_plan = planned < best_plan ? planned : best_plan;
    }
    double audio = (double)plan.frames * TB_KOKORO_FRAME / TB_KOKORO_RATE_HZ;
    printf("level=%s threads=%s audio=%.2f seconds=%.3f cpu=%.3f plan=%.3f rtf=%.3f load=%.2f loaded_mb=%zu "
           "now_mb=%zu peak_mb=%zu\n",
           tb_cpu_name(tb_tensor_level()), argv[3], audio, (double)best / 1e6, least_cpu, (double)best_plan / 1e6,
           (double)best / 1e6 / audio, load, loaded_mb, resident_mb(), peak_mb());
    tb_kokoro_model_close(model);
    tb_safetensors_close(st);
    tb_scratch_close(&scratch);
    tb_pool_close(run.pool);
    return 0;
}
