/* Several sessions of one engine, whose steps advance each other: each says what it says alone, to the bit, whoever
 * steps when and on which thread; and one that leaves or fails leaves the others alone.
 *
 * The tiny model is greedy here, so that what a session says does not depend on its seed. */
#include "golden.h"

#include <pthread.h>

#include "base/log.h"
#include "engine/qwen3/print.h"
#include "engine/qwen3/qwen3.h"

enum { SESSIONS = 4, MOST = 24000 * 10 };

static const char *const texts[SESSIONS] = { "Hello.", "Guten Tag.", "1, 2.", "Where?" };
static const enum tb_lang langs[SESSIONS] = { TB_LANG_EN, TB_LANG_DE, TB_LANG_EN, TB_LANG_EN };

static char folder[] = "/tmp/timbre-together-XXXXXX";
static struct tb_engine *engine;
static struct tb_pool *pool;
static struct tb_bytes print;

struct heard {
    float *samples; /* [MOST] */
    size_t len, most;
};

static struct heard alone[SESSIONS];

static bool listen(void *ctx, const float *samples, size_t len)
{
    struct heard *h = ctx;

    assert_true(h->len + len <= MOST);
    memcpy(h->samples + h->len, samples, len * sizeof *samples);
    h->len += len;
    return h->most == 0 || h->len < h->most;
}

static struct heard ear(void)
{
    struct heard h = { .samples = malloc(MOST * sizeof *h.samples) };

    assert_non_null(h.samples);
    return h;
}

static struct tb_session *begin(int i, bool whole)
{
    struct tb_speak speak = { .rate = 1, .pitch = 1, .whole = whole };
    struct tb_session *s;
    struct tb_error err;

    if (tb_session_open(engine, tb_bytes_str(&print), &speak, &s, &err) ||
        tb_session_text(s, tb_str_of(texts[i]), langs[i], &err) || tb_session_text(s, TB_STR("A."), TB_LANG_EN, &err))
        fail_msg("%s", err.text);
    return s;
}

static bool step(struct tb_session *s, struct heard *h)
{
    struct tb_sink sink = { .pcm = listen, .ctx = h };
    struct tb_error err;
    bool more = true;

    if (tb_session_step(s, &sink, &more, &err))
        fail_msg("%s", err.text);
    return more;
}

static void check(struct heard *h, int i)
{
    assert_int_equal(h->len, alone[i].len);
    assert_memory_equal(h->samples, alone[i].samples, h->len * sizeof *h->samples);
    free(h->samples);
}

/* The tiny model's files, and other ways to draw. */
static void greedy_folder(const char *tiny)
{
    static const char *const names[] = { "config.json", "model.safetensors", "speech_tokenizer", "vocab.json",
                                         "merges.txt", "tokenizer_config.json" };
    char from[4096 + 128], to[128], real[4096];
    FILE *f;

    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(from, sizeof from, "%s/%s", tiny, names[i]);
        snprintf(to, sizeof to, "%s/%s", folder, names[i]);
        if (realpath(from, real))
            assert_int_equal(symlink(real, to), 0);
    }
    snprintf(to, sizeof to, "%s/generation_config.json", folder);
    assert_non_null(f = fopen(to, "w"));
    fprintf(f, "{\"do_sample\": false, \"subtalker_dosample\": false, \"max_new_tokens\": 9}");
    assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
    char tiny[4096 + 64];
    struct tb_q3_print p = { .width = 64 };
    struct tb_engine_config config = { .model_dir = folder, .weights = "int8" };
    struct tb_error err;

    (void)state;
    tb_log_set_level(TB_LOG_NONE);
    snprintf(tiny, sizeof tiny, "%s/models/tiny-0b6", golden_folder());
    greedy_folder(tiny);
    assert_int_equal(tb_tensor_init(NULL, NULL), TB_OK);
    assert_int_equal(tb_pool_open(2, &pool, NULL), TB_OK);
    config.pool = pool;
    if (tb_engine_open(&tb_qwen3_ops, &config, &engine, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < p.width; i++)
        p.speaker[i] = 0.5f * sinf((float)i);
    assert_int_equal(tb_q3_print_write(&p, &print, NULL), TB_OK);
    for (int i = 0; i < SESSIONS; i++) {
        struct tb_session *s = begin(i, false);

        alone[i] = ear();
        while (step(s, &alone[i]))
            ;
        assert_true(alone[i].len > 16 * 1920); /* some steps */
        tb_session_close(s);
    }
    return 0;
}

static int teardown(void **state)
{
    char command[64];

    (void)state;
    for (int i = 0; i < SESSIONS; i++)
        free(alone[i].samples);
    tb_bytes_free(&print);
    tb_engine_close(engine);
    tb_pool_close(pool);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void in_turn(void **state)
{
    struct tb_session *s[SESSIONS];
    struct heard h[SESSIONS];
    bool more[SESSIONS], any = true;

    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        s[i] = begin(i, i == 2); /* one of them patient */
        h[i] = ear();
        more[i] = true;
    }
    while (any) {
        any = false;
        for (int i = 0; i < SESSIONS; i++)
            any |= more[i] = more[i] && step(s[i], &h[i]);
    }
    for (int i = 0; i < SESSIONS; i++) {
        tb_session_close(s[i]);
        check(&h[i], i);
    }
}

static void one_much_more_often_than_others(void **state)
{
    struct tb_session *s[SESSIONS];
    struct heard h[SESSIONS];

    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        s[i] = begin(i, false);
        h[i] = ear();
        step(s[i], &h[i]);
    }
    for (int i = 0; i < SESSIONS; i++) { /* the first to its end, which takes others one step along, and so on */
        while (step(s[i], &h[i]))
            ;
        check(&h[i], i);
        tb_session_close(s[i]);
    }
}

static void who_leaves_does_not_take_others_along(void **state)
{
    struct tb_session *s[SESSIONS];
    struct heard h[SESSIONS];
    struct tb_error err;
    bool more;

    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        s[i] = begin(i, false);
        h[i] = ear();
        step(s[i], &h[i]);
    }
    step(s[0], &h[0]); /* has made something for all */
    tb_session_close(s[1]);
    h[2].most = 1; /* this listener stops */
    assert_int_equal(tb_session_step(s[2], &(struct tb_sink){ .pcm = listen, .ctx = &h[2] }, &more, &err),
                     TB_ECANCELLED);
    free(h[1].samples), free(h[2].samples);
    for (int i = 0; i < SESSIONS; i += 3) {
        while (step(s[i], &h[i]))
            ;
        check(&h[i], i);
        tb_session_close(s[i]);
    }
    tb_session_close(s[2]);
}

/* Steps of the others inside of one's pauses, one level deep: what a scheduler does that runs the more urgent first. */
struct nested {
    struct heard heard;
    struct tb_session **s;
    struct heard *h;
    bool *more;
    int self, turn;
};

static bool listen_nested(void *ctx, const float *samples, size_t len)
{
    return listen(&((struct nested *)ctx)->heard, samples, len);
}

static bool step_others(void *ctx)
{
    struct nested *n = ctx;

    for (int i = 0; i < SESSIONS; i++)
        if (i != n->self && n->more[i] && ++n->turn % 3 == 0)
            n->more[i] = step(n->s[i], &n->h[i]);
    return true;
}

static void inside_of_pauses(void **state)
{
    struct tb_session *s[SESSIONS];
    struct heard h[SESSIONS];
    bool more[SESSIONS], going = true;
    struct nested n = { .heard = ear(), .s = s, .h = h, .more = more };
    struct tb_sink sink = { .pcm = listen_nested, .pause = step_others, .ctx = &n };
    struct tb_error err;

    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        s[i] = begin(i, false);
        h[i] = i ? ear() : (struct heard){ 0 };
        more[i] = i > 0;
    }
    while (going)
        if (tb_session_step(s[0], &sink, &going, &err))
            fail_msg("%s", err.text);
    check(&n.heard, 0);
    tb_session_close(s[0]);
    for (int i = 1; i < SESSIONS; i++) {
        while (more[i])
            more[i] = step(s[i], &h[i]);
        check(&h[i], i);
        tb_session_close(s[i]);
    }
}

static bool go_on(void *ctx)
{
    (void)ctx;
    return true;
}

static void *speak(void *arg)
{
    int i = *(int *)arg;
    struct tb_session *s = begin(i, false);
    struct heard h = ear();
    struct tb_sink sink = { .pcm = listen, .pause = go_on, .ctx = &h };
    bool more = true;

    while (more)
        assert_int_equal(tb_session_step(s, &sink, &more, NULL), TB_OK);
    tb_session_close(s);
    check(&h, i);
    return NULL;
}

static void on_threads_of_their_own(void **state)
{
    pthread_t threads[SESSIONS];
    int which[SESSIONS];

    (void)state;
    for (int i = 0; i < SESSIONS; i++) {
        which[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, speak, &which[i]), 0);
    }
    for (int i = 0; i < SESSIONS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_turn),
        cmocka_unit_test(one_much_more_often_than_others),
        cmocka_unit_test(who_leaves_does_not_take_others_along),
        cmocka_unit_test(inside_of_pauses),
        cmocka_unit_test(on_threads_of_their_own),
    };

    return cmocka_run_group_tests_name("together", tests, setup, teardown);
}
