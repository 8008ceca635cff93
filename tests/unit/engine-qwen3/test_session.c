/* The engine as the layers above see it, on the tiny models: opening, enrolment with and without a text, speech, and
 * what it refuses. The tiny model speaks noise; what is tested is that it does so in the right amount and order. */
#include "golden.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "engine/qwen3/print.h"
#include "engine/qwen3/qwen3.h"

enum { RATE_HZ = 24000, FRAME = 1920 };

static struct tb_engine *engine;
static struct tb_pool *pool;
static struct tb_bytes print, context;

struct heard {
    size_t samples, calls, most;
    double energy;
};

static bool listen(void *ctx, const float *samples, size_t len)
{
    struct heard *h = ctx;

    h->samples += len;
    h->calls++;
    for (size_t i = 0; i < len; i++) {
        assert_true(samples[i] >= -1 && samples[i] <= 1);
        h->energy += (double)samples[i] * (double)samples[i];
    }
    return h->most == 0 || h->samples < h->most;
}

/* The golden recording three times over: enrolment wants three seconds. */
static struct tb_pcm recording(uint32_t rate)
{
    char path[4096];
    struct tb_safetensors *audio;
    struct tb_pcm pcm;

    assert_int_equal(tb_safetensors_open(golden_path(path, "vectors/audio.safetensors"), &audio, NULL), TB_OK);
    const struct tb_tensor *t = tb_safetensors_find(audio, "speech");
    assert_non_null(t);
    assert_int_equal(tb_pcm_alloc(&pcm, 3 * t->len, rate, NULL), TB_OK);
    for (int i = 0; i < 3; i++)
        memcpy(pcm.data + (size_t)i * t->len, t->data, t->len * sizeof *pcm.data);
    tb_safetensors_close(audio);
    return pcm;
}

static void enrol(const char *text, struct tb_bytes *out, struct tb_enrol_report *report)
{
    struct tb_pcm pcm = recording(RATE_HZ);
    struct tb_enrol_request req = { .audio = &pcm, .text = tb_str_of(text), .lang = TB_LANG_EN };
    struct tb_error err;

    if (tb_engine_enrol(engine, &req, out, report, &err))
        fail_msg("%s", err.text);
    tb_pcm_free(&pcm);
}

static int setup(void **state)
{
    static char folder[4096 + 64];
    struct tb_engine_config config = { .model_dir = folder };
    struct tb_error err;

    (void)state;
    snprintf(folder, sizeof folder, "%s/models/tiny-0b6", golden_folder());
    assert_int_equal(tb_tensor_init(NULL, NULL), TB_OK);
    assert_int_equal(tb_pool_open(2, &pool, NULL), TB_OK);
    config.pool = pool;
    if (tb_engine_open(&tb_qwen3_ops, &config, &engine, &err))
        fail_msg("%s", err.text);
    enrol("", &print, NULL);
    enrol("One small step for a man.", &context, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tb_bytes_free(&print);
    tb_bytes_free(&context);
    tb_engine_close(engine);
    tb_pool_close(pool);
    return 0;
}

static struct tb_session *open_session(const struct tb_bytes *voice)
{
    struct tb_speak speak = { .rate = 1, .pitch = 1 };
    struct tb_session *session;
    struct tb_error err;

    if (tb_session_open(engine, tb_bytes_str(voice), &speak, &session, &err))
        fail_msg("%s", err.text);
    return session;
}

static enum tb_code speak(struct tb_session *session, struct heard *h)
{
    struct tb_sink sink = { .pcm = listen, .ctx = h };
    enum tb_code rc;
    bool more;

    do
        rc = tb_session_step(session, &sink, &more, NULL);
    while (rc == TB_OK && more);
    return rc;
}

static void enrolment_measures_and_keeps_the_reference(void **state)
{
    struct tb_enrol_report report;
    struct tb_bytes again = { 0 };
    struct tb_q3_print p;

    (void)state;
    enrol("One small step for a man.", &again, &report);
    assert_int_equal(again.size, context.size); /* the same recording gives the same print */
    assert_memory_equal(again.data, context.data, again.size);
    assert_true(report.speech_seconds > 3 && report.speech_seconds <= 6);
    assert_true(report.f0_median_hz > 60 && report.f0_median_hz < 400);
    assert_int_equal(tb_q3_print_read(tb_bytes_str(&again), &p, NULL), TB_OK);
    assert_int_equal(p.frames, (6 * RATE_HZ + RATE_HZ / 2 + FRAME - 1) / FRAME); /* half a second of silence behind */
    tb_q3_print_free(&p);
    assert_int_equal(tb_q3_print_read(tb_bytes_str(&print), &p, NULL), TB_OK);
    assert_int_equal(p.frames, 0);
    assert_int_equal(p.width, 64);
    tb_q3_print_free(&p);
    tb_bytes_free(&again);
}

static void a_quiet_recording_has_as_much_speech(void **state)
{
    struct tb_pcm pcm = recording(RATE_HZ);
    struct tb_enrol_request req = { .audio = &pcm, .lang = TB_LANG_EN };
    struct tb_enrol_report loud, quiet;
    struct tb_bytes made = { 0 };
    struct tb_error err;

    (void)state;
    assert_int_equal(tb_engine_enrol(engine, &req, &made, &loud, NULL), TB_OK);
    for (size_t i = 0; i < pcm.len; i++)
        pcm.data[i] *= 0.002f;
    if (tb_engine_enrol(engine, &req, &made, &quiet, &err))
        fail_msg("%s", err.text);
    assert_true(fabs((double)quiet.speech_seconds - loud.speech_seconds) < 0.1);
    tb_bytes_free(&made);
    tb_pcm_free(&pcm);
}

static void segments_become_sound(void **state)
{
    const struct tb_bytes *voices[] = { &print, &context };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct tb_session *s = open_session(voices[i]);
        struct heard one = { 0 }, two = { 0 };

        assert_int_equal(tb_session_text(s, TB_STR("Hello, world."), TB_LANG_EN, NULL), TB_OK);
        assert_int_equal(speak(s, &one), TB_OK);
        assert_true(one.samples >= 2 * FRAME && one.samples % FRAME == 0 && one.energy > 0);
        assert_int_equal(tb_session_text(s, TB_STR("Guten Tag."), TB_LANG_DE, NULL), TB_OK);
        assert_int_equal(tb_session_text(s, TB_STR("\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82"), TB_LANG_ZH, NULL), TB_OK);
        assert_int_equal(tb_session_text(s, TB_STR(" ... "), TB_LANG_ZH, NULL), TB_OK);
        assert_int_equal(speak(s, &two), TB_OK);
        assert_true(two.samples >= 4 * FRAME);
        tb_session_close(s);
    }
}

static void the_first_step_is_short(void **state)
{
    struct tb_session *s = open_session(&print);
    struct heard h = { 0 };
    struct tb_sink sink = { .pcm = listen, .ctx = &h };
    bool more;

    (void)state;
    assert_int_equal(tb_session_text(s, TB_STR("A sentence that is long enough for this."), TB_LANG_EN, NULL), TB_OK);
    assert_int_equal(tb_session_step(s, &sink, &more, NULL), TB_OK);
    assert_true(more);
    assert_int_equal(h.samples, 2 * FRAME);
    tb_session_close(s);
}

struct asked {
    struct heard heard;
    int pauses, most; /* 0: no end */
};

static bool asked(void *ctx)
{
    struct asked *a = ctx;

    a->pauses++;
    return a->most == 0 || a->pauses < a->most;
}

/* While the codec hears the reference, and between the layers of a prompt with it; and it goes on where it was
 * stopped. */
static void reading_a_long_prompt_is_interrupted(void **state)
{
    static const int stops[] = { 2, 10, 18 };

    (void)state;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        struct tb_session *s = open_session(&context);
        struct asked a = { .most = stops[i] };
        struct tb_sink sink = { .pcm = listen, .pause = asked, .ctx = &a };
        bool more = true;
        struct tb_error err;

        assert_int_equal(tb_session_text(s, TB_STR("Hello."), TB_LANG_EN, NULL), TB_OK);
        assert_int_equal(tb_session_step(s, &sink, &more, &err), TB_ECANCELLED);
        assert_int_equal(a.pauses, stops[i]);
        assert_int_equal(a.heard.samples, 0);
        a.most = 0;
        assert_int_equal(tb_session_text(s, TB_STR("Hello."), TB_LANG_EN, NULL), TB_OK);
        assert_int_equal(tb_session_step(s, &sink, &more, &err), TB_OK);
        assert_true(a.pauses > stops[i] && a.heard.samples > 0);
        tb_session_close(s);
    }
}

/* After each frame's codes and each stage of the codec. */
static void a_step_rests_between_slices(void **state)
{
    enum { STEP = 4, STAGES = 5 };
    struct tb_session *s = open_session(&print);
    struct asked a = { 0 };
    struct tb_sink sink = { .pcm = listen, .pause = asked, .ctx = &a };
    bool more = true;

    (void)state;
    assert_int_equal(tb_session_text(s, TB_STR("A sentence that is long enough for this."), TB_LANG_EN, NULL), TB_OK);
    assert_int_equal(tb_session_step(s, &sink, &more, NULL), TB_OK);
    a = (struct asked){ 0 };
    assert_int_equal(tb_session_step(s, &sink, &more, NULL), TB_OK);
    assert_int_equal(a.heard.samples, STEP * FRAME);
    assert_int_equal(a.pauses, STEP + STAGES);
    a = (struct asked){ .most = STEP + 2 }; /* in the middle of the codec */
    assert_int_equal(tb_session_step(s, &sink, &more, NULL), TB_ECANCELLED);
    assert_int_equal(a.heard.samples, 0);
    tb_session_close(s);
}

static void nothing_to_say_is_fine(void **state)
{
    struct tb_session *s = open_session(&print);
    struct heard h = { 0 };

    (void)state;
    assert_int_equal(speak(s, &h), TB_OK);
    assert_int_equal(tb_session_text(s, TB_STR("?!"), TB_LANG_EN, NULL), TB_OK);
    assert_int_equal(speak(s, &h), TB_OK);
    assert_int_equal(h.calls, 0);
    tb_session_close(s);
}

static void a_listener_may_stop(void **state)
{
    struct tb_session *s = open_session(&print);
    struct heard h = { .most = FRAME };

    (void)state;
    assert_int_equal(tb_session_text(s, TB_STR("This goes on."), TB_LANG_EN, NULL), TB_OK);
    assert_int_equal(speak(s, &h), TB_ECANCELLED);
    assert_int_equal(h.samples, FRAME);
    tb_session_close(s);
}

static void what_it_cannot_do_is_refused(void **state)
{
    struct tb_speak fast = { .rate = 1.5f, .pitch = 1 }, plain = { .rate = 1, .pitch = 1 };
    struct tb_pcm quiet = { 0 };
    struct tb_enrol_request req = { .audio = &quiet, .lang = TB_LANG_EN };
    struct tb_bytes none = { 0 };
    struct tb_session *s;
    struct tb_error err;
    char text[4 * TB_MAX_SEGMENT];

    (void)state;
    assert_int_equal(tb_session_open(engine, tb_bytes_str(&print), &fast, &s, &err), TB_EINVAL);
    assert_int_equal(tb_session_open(engine, TB_STR("timbrevp, or not"), &plain, &s, &err), TB_EVOICE);
    assert_null(s);
    s = open_session(&print);
    memset(text, 'a', sizeof text);
    assert_int_equal(tb_session_text(s, (struct tb_str){ text, TB_MAX_SEGMENT + 1 }, TB_LANG_EN, &err), TB_ETOOBIG);
    tb_session_close(s);
    assert_int_equal(tb_pcm_alloc(&quiet, 5 * RATE_HZ, RATE_HZ, NULL), TB_OK);
    assert_int_equal(tb_engine_enrol(engine, &req, &none, NULL, &err), TB_EAUDIO_SPEECH);
    assert_int_equal(none.size, 0);
    tb_pcm_free(&quiet);
}

static void weights_may_be_held_in_few_bits(void **state)
{
    static const char *const kinds[] = { "int8", "int4", "int8" }; /* made, made, and read */
    char folder[4096 + 64];
    struct tb_engine_config config = { .model_dir = folder, .pool = pool, .weights = "int7" };
    struct tb_engine *exact = engine;
    struct tb_error err;

    (void)state;
    snprintf(folder, sizeof folder, "%s/models/tiny-0b6", golden_folder());
    assert_int_equal(tb_engine_open(&tb_qwen3_ops, &config, &engine, &err), TB_EINVAL);
    assert_non_null(strstr(err.text, "int7"));
    char cache[] = "/tmp/timbre-session-XXXXXX", command[64];
    assert_non_null(mkdtemp(cache));
    config.cache = cache;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct heard h = { 0 };

        config.weights = kinds[i];
        if (tb_engine_open(&tb_qwen3_ops, &config, &engine, &err))
            fail_msg("%s", err.text);
        struct tb_session *s = open_session(&context);
        assert_int_equal(tb_session_text(s, TB_STR("Hello."), TB_LANG_EN, NULL), TB_OK);
        assert_int_equal(speak(s, &h), TB_OK);
        assert_true(h.samples >= 2 * FRAME && h.energy > 0);
        tb_session_close(s);
        tb_engine_close(engine);
    }
    engine = exact;
    snprintf(command, sizeof command, "rm -r %s", cache);
    assert_int_equal(system(command), 0);
}

/* The last number of the main weights. */
static void set_last(const char *folder, unsigned char high, unsigned char low)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/model/model.safetensors", folder);
    assert_non_null(f = fopen(path, "r+b"));
    assert_int_equal(fseek(f, -2, SEEK_END), 0);
    assert_int_equal(fputc(low, f), low);
    assert_int_equal(fputc(high, f), high);
    assert_int_equal(fclose(f), 0);
}

static enum tb_code open_and_close(const struct tb_engine_config *config, struct tb_error *err)
{
    struct tb_engine *other;
    enum tb_code rc = tb_engine_open(&tb_qwen3_ops, config, &other, err);

    if (rc == TB_OK)
        tb_engine_close(other);
    return rc;
}

/* Weights are tested for NaN, but not again where the cached file says that just these files have been. */
static void weights_are_tested_once(void **state)
{
    static const struct timespec old[2] = { { 1000000, 0 }, { 1000000, 0 } };
    char folder[] = "/tmp/timbre-session-XXXXXX", command[4096 + 128], model[64], weights[96];
    struct tb_engine_config config = { .model_dir = model, .pool = pool, .weights = "int8", .cache = folder };
    struct tb_error err;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(model, sizeof model, "%s/model", folder);
    snprintf(weights, sizeof weights, "%s/model.safetensors", model);
    snprintf(command, sizeof command, "cp -rL %s/models/tiny-0b6 %s", golden_folder(), model);
    assert_int_equal(system(command), 0);
    set_last(folder, 0x7f, 0xc0);
    assert_int_equal(utimensat(AT_FDCWD, weights, old, 0), 0);
    assert_int_equal(open_and_close(&config, &err), TB_EINVAL); /* and nothing was cached */
    assert_non_null(strstr(err.text, "is not a number"));
    assert_int_equal(open_and_close(&config, &err), TB_EINVAL);
    set_last(folder, 0, 0);
    assert_int_equal(utimensat(AT_FDCWD, weights, old, 0), 0);
    assert_int_equal(open_and_close(&config, &err), TB_OK);
    set_last(folder, 0x7f, 0xc0);
    assert_int_equal(open_and_close(&config, &err), TB_EINVAL); /* its time has changed */
    assert_int_equal(utimensat(AT_FDCWD, weights, old, 0), 0);
    assert_int_equal(open_and_close(&config, &err), TB_OK);     /* as nobody would: not tested again */
    config.weights = "float";
    assert_int_equal(open_and_close(&config, &err), TB_EINVAL); /* exact ones always are */
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void folders_that_are_no_model_are_refused(void **state)
{
    struct tb_engine_config config = { .model_dir = "/nonexistent", .pool = pool };
    struct tb_engine *other;
    struct tb_error err;

    (void)state;
    assert_int_equal(tb_engine_open(&tb_qwen3_ops, &config, &other, &err), TB_ENOTFOUND);
    assert_non_null(strstr(err.text, "no such folder"));
    assert_null(other);
    config.model_dir = golden_folder();
    assert_int_not_equal(tb_engine_open(&tb_qwen3_ops, &config, &other, &err), TB_OK);
    assert_non_null(strstr(err.text, "config.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enrolment_measures_and_keeps_the_reference),
        cmocka_unit_test(a_quiet_recording_has_as_much_speech),
        cmocka_unit_test(segments_become_sound),
        cmocka_unit_test(the_first_step_is_short),
        cmocka_unit_test(reading_a_long_prompt_is_interrupted),
        cmocka_unit_test(a_step_rests_between_slices),
        cmocka_unit_test(nothing_to_say_is_fine),
        cmocka_unit_test(a_listener_may_stop),
        cmocka_unit_test(what_it_cannot_do_is_refused),
        cmocka_unit_test(weights_may_be_held_in_few_bits),
        cmocka_unit_test(weights_are_tested_once),
        cmocka_unit_test(folders_that_are_no_model_are_refused),
    };

    return cmocka_run_group_tests_name("session", tests, setup, teardown);
}
