/* bench_qwen3 DIR [threads] [int8|int4|float] [cache folder] [served] - what the qwen3 engine costs on a model folder,
 * as it is served and, unless a fifth argument is there, stage by stage: milliseconds of processor time of all threads,
 * so that other work on the machine matters less, and on the clock. Weights may be random. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "engine/qwen3/generator.h"
#include "engine/qwen3/model.h"
#include "engine/qwen3/print.h"
#include "engine/qwen3/quant.h"
#include "engine/qwen3/qwen3.h"
#include "tensor/cpu.h"

enum { FRAMES = 16, ROOM = 512, SECONDS = 10, MOST_SESSIONS = 4, ROUNDS = 2 };

#define SENTENCE "The quick brown fox jumps over the lazy dog, and the voice is natural."

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

/* Megabytes of this process: `what` is RssAnon, its own, or RssFile, mapped files. */
static double resident_mb(const char *what)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[128];
    double kb = 0;

    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, what, strlen(what)))
            kb = atof(line + strlen(what) + 1);
    if (f)
        fclose(f);
    return kb / 1024;
}

static bool count(void *ctx, const float *samples, size_t len)
{
    (void)samples;
    *(size_t *)ctx += len;
    return true;
}

static struct tb_session *begin(struct tb_engine *engine, const struct tb_bytes *print)
{
    struct tb_speak speak = { .rate = 1, .pitch = 1 };
    struct tb_session *s;

    must(tb_session_open(engine, tb_bytes_str(print), &speak, &s, &err));
    must(tb_session_text(s, TB_STR(SENTENCE), TB_LANG_EN, &err));
    return s;
}

/* `sessions` at once, a step each in turn, each until FRAMES frames are made behind its first step. Adds what a frame
 * took to *cost. */
static void speak(struct tb_engine *engine, const struct tb_bytes *print, int sessions, struct timer *cost)
{
    struct tb_session *s[MOST_SESSIONS];
    size_t samples = 0, frame = TB_Q3_RATE_HZ / 1000 * 80;
    struct tb_sink sink = { .pcm = count, .ctx = &samples };
    struct timer from = now();
    char what[64];
    bool more;

    for (int i = 0; i < sessions; i++) {
        s[i] = begin(engine, print);
        must(tb_session_step(s[i], &sink, &more, &err));
        if (i == 0)
            tell(sessions > 1 ? "  the first's first audio" : "  first audio", from, 1);
    }
    samples = 0;
    from = now();
    while (samples < (size_t)(FRAMES * sessions) * frame)
        for (int i = 0; i < sessions; i++)
            must(tb_session_step(s[i], &sink, &more, &err));
    snprintf(what, sizeof what, "  a frame, %d at once", sessions);
    tell(what, from, (double)samples / (double)frame);
    struct timer to = now();
    int64_t frames = (int64_t)(samples / frame);
    cost->clock_us += (to.clock_us - from.clock_us) / frames;
    cost->cpu_us += (to.cpu_us - from.cpu_us) / frames;
    for (int i = 0; i < sessions; i++)
        tb_session_close(s[i]);
}

/* The engine as a server runs it. */
static void serve(const char *folder, struct tb_pool *pool, const char *weights, const char *cache)
{
    struct tb_engine_config config = { .model_dir = folder, .pool = pool, .weights = weights, .cache = cache };
    struct tb_q3_print voice = { 0 };
    struct tb_bytes print = { 0 };
    struct tb_q3_config shape;
    struct tb_q3_codec_config codec;
    struct tb_q3_generation generation;
    struct tb_engine *engine;
    struct timer from = now();
    struct timer one = { 0 }, all = { 0 };

    must(tb_q3_config_load(folder, &shape, &codec, &generation, &err));
    voice.width = shape.talker.hidden;
    for (int i = 0; i < voice.width; i++)
        voice.speaker[i] = 0.02f * sinf((float)i);
    must(tb_q3_print_write(&voice, &print, &err));
    must(tb_engine_open(&tb_qwen3_ops, &config, &engine, &err));
    tell("served: start", from, 1);
    speak(engine, &print, 1, &(struct timer){ 0 });
    printf("  memory of its own %.0f MB, of files %.0f MB\n", resident_mb("RssAnon"), resident_mb("RssFile"));
    for (int i = 0; i < ROUNDS; i++) {
        speak(engine, &print, 1, &one);
        speak(engine, &print, MOST_SESSIONS, &all);
    }
    printf("  %d at once make %.2f times the frames of one (%.2f times for the processor time)\n", MOST_SESSIONS,
           (double)one.clock_us / (double)all.clock_us, (double)one.cpu_us / (double)all.cpu_us);
    tb_engine_close(engine);
    tb_bytes_free(&print);
}

/* Stages of the language models, with a prompt in which the whole text comes first. */
static void talk(const struct tb_q3_model *m, struct tb_pool *pool)
{
    static float speaker[TB_Q3_MAX_VECTOR];
    const struct tb_q3_config *c = &m->config;
    struct tb_q3_ids ids = { 0 };
    struct tb_q3_generator *g;
    struct tb_q3_options options = { .generation = m->generation, .seed = 1, .eos = c->eos, .whole_text = true };
    struct tb_q3_request request = { .speaker = speaker, .language = -1, .streaming = false };
    enum tb_q3_end end = TB_Q3_GOING;
    int codes[TB_Q3_MAX_GROUPS];

    for (int i = 0; i < TB_Q3_MAX_VECTOR; i++)
        speaker[i] = 0.02f * sinf((float)i);
    must(tb_q3_text_ids(m->bpe, c, TB_STR(SENTENCE), true, &ids, &err));
    request.text = ids.id;
    request.text_len = ids.n;
    options.generation.max_frames = FRAMES;
    must(tb_q3_generator_open(&m->talker, pool, ROOM, &g, &err));
    must(tb_q3_generator_start(g, &request, &options, &err)); /* once to touch all memory */
    options.seed = 2;
    request.speaker = speaker + 1; /* no row from the speaker on is known */
    struct timer from = now();
    must(tb_q3_generator_start(g, &request, &options, &err));
    tell("prompt of 34 rows", from, 1);
    from = now();
    while (end == TB_Q3_GOING)
        must(tb_q3_generator_next(g, codes, &end, &err));
    tell("talker and code predictor, a frame", from, tb_q3_generator_frames(g) ? tb_q3_generator_frames(g) : 1);
    tb_q3_generator_close(g);
    tb_q3_ids_free(&ids);
}

/* The two apart. */
static void step(const struct tb_q3_model *m, const struct tb_q3_run *run)
{
    const struct tb_q3_config *c = &m->config;
    struct tb_q3_cache talker, predictor;
    struct tb_q3_caches talkers = { { &talker }, 1 }, predictors = { { &predictor }, 1 };
    struct tb_mat x, hidden, logits, sub;
    struct timer from;

    must(tb_scratch_mat(run->scratch, 2, c->talker.hidden, &x, &err));
    must(tb_scratch_mat(run->scratch, 1, c->talker.hidden, &hidden, &err));
    must(tb_scratch_mat(run->scratch, 1, c->vocab, &logits, &err));
    must(tb_scratch_mat(run->scratch, 1, c->codebook, &sub, &err));
    must(tb_q3_cache_open(&m->talker.stack, ROOM, &talker, &err));
    must(tb_q3_cache_open(&m->talker.predictor, c->groups, &predictor, &err));
    for (int i = 0; i < 2 * x.ld; i++)
        x.p[i] = 0.05f * sinf((float)i);
    from = now();
    for (int i = 0; i < FRAMES; i++)
        must(tb_q3_talker_run(run, &m->talker, &talkers, tb_mat_rows(x, 0, 1), hidden, logits, &err));
    tell("talker, a frame", from, FRAMES);
    from = now();
    for (int i = 0; i < FRAMES; i++) {
        tb_q3_cache_rewind(&predictor, 0);
        for (int g = 1; g < c->groups; g++)
            must(tb_q3_predictor_run(run, &m->talker, &predictors, tb_mat_rows(x, 0, g == 1 ? 2 : 1), g, sub, &err));
    }
    tell("code predictor, a frame", from, FRAMES);
    tb_q3_cache_close(&talker);
    tb_q3_cache_close(&predictor);
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

static void must_quantise(struct tb_q3_model *m, struct tb_pool *pool, const char *weights, struct tb_q3_quant **q)
{
    struct tb_q3_quant_config c = { .talker_bits = strcmp(weights, "int4") ? 8 : 4, .pool = pool };

    *q = NULL;
    if (strcmp(weights, "float"))
        must(tb_q3_quant_open(&m->talker, &c, q, &err));
}

int main(int argc, char **argv)
{
    const char *weights = argc > 3 ? argv[3] : "int8";
    struct tb_q3_model m;
    struct tb_q3_quant *q;
    struct tb_pool *pool;
    struct tb_scratch scratch;

    if (argc < 2) {
        fprintf(stderr, "usage: bench_qwen3 DIR [threads] [int8|int4|float] [cache folder] [served]\n");
        return 2;
    }
    must(tb_tensor_init(NULL, &err));
    must(tb_pool_open(argc > 2 ? atoi(argv[2]) : 0, &pool, &err));
    must(tb_scratch_open((size_t)1 << 30, &scratch, &err));
    printf("kernels %s, threads %d, weights %s\n", tb_cpu_name(tb_tensor_level()), tb_pool_threads(pool), weights);
    serve(argv[1], pool, weights, argc > 4 ? argv[4] : NULL);
    if (argc > 5)
        return 0;
    struct timer from = now();
    must(tb_q3_model_open(argv[1], &(struct tb_q3_model_options){ .exact = !strcmp(weights, "float") }, &m, &err));
    tell("loading", from, 1);
    from = now();
    must_quantise(&m, pool, weights, &q);
    tell("making the weights smaller", from, 1);
    struct tb_q3_run run = { .pool = pool, .scratch = &scratch };
    talk(&m, pool);
    step(&m, &run);
    sound(&m, &run);
    hear(&m, &run);
    tb_q3_model_close(&m);
    tb_q3_quant_close(q);
    tb_scratch_close(&scratch);
    tb_pool_close(pool);
    return 0;
}
