/* bench_qwen3 DIR [threads] - what each stage of the qwen3 engine costs on a model folder: seconds of processor time of
 * all threads, so that other work on the machine matters less, and milliseconds on the clock. Weights may be random. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "engine/qwen3/generator.h"
#include "engine/qwen3/model.h"
#include "tensor/cpu.h"

enum { FRAMES = 12, ROOM = 512, SECONDS = 10 };

static struct tb_error err;

static void must(enum tb_code rc)
{
    if (rc == TB_OK)
        return;
    fprintf(stderr, "bench_qwen3: %s\n", err.text);
    exit(1);
}

struct timer {
    int64_t clock_us, cpu_us;
};

static struct timer now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (struct timer){ tb_mono_us(), t.tv_sec * 1000000LL + t.tv_nsec / 1000 };
}

static void tell(const char *what, struct timer from, double times)
{
    struct timer to = now();

    printf("%-34s %9.1f ms cpu %9.1f ms clock\n", what, (double)(to.cpu_us - from.cpu_us) / times / 1e3,
           (double)(to.clock_us - from.clock_us) / times / 1e3);
}

static void talk(const struct tb_q3_model *m, struct tb_pool *pool)
{
    static float speaker[TB_Q3_MAX_VECTOR];
    struct tb_q3_ids ids = { 0 };
    struct tb_q3_generator *g;
    struct tb_q3_options options = { .generation = m->generation, .seed = 1, .eos = m->config.eos, .whole_text = true };
    struct tb_q3_request request = { .speaker = speaker, .language = -1, .streaming = false };
    int codes[TB_Q3_MAX_GROUPS];
    enum tb_q3_end end = TB_Q3_GOING;

    must(tb_q3_text_ids(m->bpe, &m->config, TB_STR("The quick brown fox jumps over the lazy dog, and the voice is "
                                                   "natural."), true, &ids, &err));
    request.text = ids.id;
    request.text_len = ids.n;
    options.generation.max_frames = FRAMES;
    must(tb_q3_generator_open(&m->talker, pool, ROOM, &g, &err));
    must(tb_q3_generator_start(g, &request, &options, &err)); /* once to touch all memory */
    struct timer from = now();
    must(tb_q3_generator_start(g, &request, &options, &err));
    printf("prompt of %d tokens of text:\n", ids.n);
    tell("  talker and code predictor: prompt", from, 1);
    from = now();
    while (end == TB_Q3_GOING)
        must(tb_q3_generator_next(g, codes, &end, &err));
    tell("  one frame", from, tb_q3_generator_frames(g) ? tb_q3_generator_frames(g) : 1);
    tb_q3_generator_close(g);
    tb_q3_ids_free(&ids);
}

static void sound(const struct tb_q3_model *m, const struct tb_q3_run *run)
{
    float *samples = malloc((size_t)FRAMES * (size_t)m->codec.frame * sizeof *samples);
    int codes[FRAMES * TB_Q3_MAX_GROUPS];
    struct tb_q3_decoding *d;

    for (int i = 0; i < FRAMES * TB_Q3_MAX_GROUPS; i++)
        codes[i] = i * 13 % m->config.codebook;
    for (int at_once = 1; samples && at_once <= 4; at_once *= 2) {
        char what[48];

        must(tb_q3_decoding_open(&m->decoder, at_once, &d, &err));
        must(tb_q3_decoding_run(run, d, codes, at_once, samples, &err));
        struct timer from = now();
        must(tb_q3_decoding_run(run, d, codes, FRAMES, samples, &err));
        snprintf(what, sizeof what, "codec, a frame of %d at once", at_once);
        tell(what, from, FRAMES);
        tb_q3_decoding_close(d);
    }
    free(samples);
}

static void hear(const struct tb_q3_model *m, const struct tb_q3_run *run)
{
    size_t len = (size_t)SECONDS * TB_Q3_RATE_HZ;
    float *samples = malloc(len * sizeof *samples), *xvector = malloc(TB_Q3_MAX_VECTOR * sizeof *xvector);
    int *codes = malloc((size_t)tb_q3_encoder_frames(&m->encoder, len) * TB_Q3_MAX_GROUPS * sizeof *codes);

    for (size_t i = 0; samples && i < len; i++)
        samples[i] = (float)(i * 7919 % 1000) / 1000.0f - 0.5f;
    if (samples && xvector && codes) {
        struct timer from = now();

        must(tb_q3_speaker_run(run, &m->speaker, samples, len, xvector, &err));
        tell("x-vector of 10 s", from, 1);
        from = now();
        must(tb_q3_encoder_run(run, &m->encoder, samples, len, NULL, codes, &err));
        tell("codes of 10 s", from, 1);
    }
    free(samples);
    free(xvector);
    free(codes);
}

int main(int argc, char **argv)
{
    struct tb_q3_model m;
    struct tb_pool *pool;
    struct tb_scratch scratch;

    if (argc < 2) {
        fprintf(stderr, "usage: bench_qwen3 DIR [threads]\n");
        return 2;
    }
    must(tb_tensor_init(NULL, &err));
    must(tb_pool_open(argc > 2 ? atoi(argv[2]) : 0, &pool, &err));
    must(tb_scratch_open((size_t)1 << 30, &scratch, &err));
    printf("kernels %s, threads %d\n", tb_cpu_name(tb_tensor_level()), tb_pool_threads(pool));
    struct timer from = now();
    must(tb_q3_model_open(argv[1], &m, &err));
    tell("loading", from, 1);
    struct tb_q3_run run = { .pool = pool, .scratch = &scratch };
    talk(&m, pool);
    sound(&m, &run);
    hear(&m, &run);
    tb_q3_model_close(&m);
    tb_scratch_close(&scratch);
    tb_pool_close(pool);
    return 0;
}
