/* test_preparer.c - which voices are prepared, in which order, and how that ends. The engine prepares a voice when the
 * test lets it. */
#define HELPER_DIR "build"
#include "voices_test.h"

#include <semaphore.h>

#include "base/limits.h"
#include "voices/preparer.h"

static struct {
    sem_t begun, go; /* a preparation has begun; it may end */
    char order[64];  /* first letters of the prints, as they were begun; the test reads it behind `begun` */
    bool known[256]; /* by the first letter */
    _Atomic int cancelled, turns;
} seen;

static bool is_prepared(struct tb_engine *engine, struct tb_str print)
{
    (void)engine;
    return __atomic_load_n(&seen.known[(unsigned char)print.p[0]], __ATOMIC_SEQ_CST);
}

static enum tb_code prepare(struct tb_engine *engine, struct tb_str print, const struct tb_sink *sink,
                            struct tb_error *err)
{
    (void)engine;
    strncat(seen.order, print.p, 1);
    sem_post(&seen.begun);
    sem_wait(&seen.go);
    if (!sink->pause(sink->ctx)) {
        seen.cancelled++;
        return tb_fail(err, TB_ECANCELLED, "stopped");
    }
    __atomic_store_n(&seen.known[(unsigned char)print.p[0]], true, __ATOMIC_SEQ_CST);
    return TB_OK;
}

static const struct tb_engine_ops ops = { .name = "test", .rate_hz = 24000, .enrol = test_enrol,
                                          .prepared = is_prepared, .prepare = prepare };
static struct tb_engine engine = { &ops };
static const struct tb_model served[] = { { "qwen3-tts-vc-2026-01-22", false, &engine },
                                          { "qwen3-tts-vc-realtime-2026-01-15", true, &test_engine } };

static void turn_pause(struct tb_turn *turn)
{
    (void)turn;
    seen.turns++;
}

static void turn_end(struct tb_turn *turn)
{
    (void)turn;
}

static struct tb_turn *turn_begin(void *ctx, int64_t within_us)
{
    static struct tb_turn turn = { turn_pause, turn_end };

    (void)ctx;
    assert_true(within_us >= 0);
    return &turn;
}

static const struct tb_turns turns = { turn_begin, NULL };

static int set_up_engine(void **state)
{
    memset(&seen, 0, sizeof seen);
    sem_init(&seen.begun, 0, 0);
    sem_init(&seen.go, 0, 0);
    return set_up(state);
}

static void add(struct tb_preparer *p, char letter)
{
    tb_preparer_add(p, &engine, (struct tb_str){ &letter, 1 });
}

/* Let so many preparations end, each after the next one has begun. */
static void let(int count)
{
    for (int i = 0; i < count; i++) {
        sem_post(&seen.go);
        sem_wait(&seen.begun);
    }
}

static void the_latest_comes_first_and_each_once(void **state)
{
    struct tb_preparer *p;

    (void)state;
    assert_int_equal(tb_preparer_open(&turns, &p, NULL), TB_OK);
    add(p, 'a');
    sem_wait(&seen.begun);
    for (const char *c = "bcdbb"; *c; c++)
        add(p, *c);
    let(3);
    assert_string_equal(seen.order, "abdc");
    add(p, 'a'); /* it is prepared */
    add(p, 'e');
    let(1);
    assert_string_equal(seen.order, "abdce");
    assert_in_range(seen.turns, 4, 5);
    sem_post(&seen.go);
    tb_preparer_close(p);
}

static void the_first_of_too_many_is_given_up(void **state)
{
    struct tb_preparer *p;
    char want[TB_MAX_PREPARING + 2] = "0";

    (void)state;
    assert_int_equal(tb_preparer_open(&turns, &p, NULL), TB_OK);
    add(p, '0');
    sem_wait(&seen.begun);
    for (int i = 0; i <= TB_MAX_PREPARING; i++)
        add(p, (char)('A' + i));
    for (int i = 0; i < TB_MAX_PREPARING; i++)
        want[1 + i] = (char)('A' + TB_MAX_PREPARING - i);
    let(TB_MAX_PREPARING);
    assert_string_equal(seen.order, want);
    sem_post(&seen.go);
    tb_preparer_close(p);
}

static void closing_ends_what_is_under_way(void **state)
{
    struct tb_preparer *p;

    (void)state;
    assert_int_equal(tb_preparer_open(&turns, &p, NULL), TB_OK);
    add(p, 'a');
    sem_wait(&seen.begun);
    add(p, 'b');
    tb_preparer_halt(p);
    sem_post(&seen.go);
    tb_preparer_close(p);
    assert_string_equal(seen.order, "a");
    assert_int_equal(seen.cancelled, 1);
}

static void servers_prepare_the_voices_used_last_and_those_created_or_found(void **state)
{
    struct fixture *f = *state;
    struct tb_voices_config config = { .store = f->store, .models = served, .model_count = 2, .turns = turns,
                                       .helper_dir = HELPER_DIR };
    struct tb_voice_info info = { 0 };
    struct tb_bytes print = { 0 };
    struct tb_error err;

    for (const char *c = "xyz"; *c; c++) {
        info = (struct tb_voice_info){ .engine = "test", .created_ms = *c, .used_ms = *c };
        snprintf(info.id, sizeof info.id, "%c", *c);
        snprintf(info.target_model, sizeof info.target_model, "%s", served[0].name);
        assert_int_equal(tb_store_voice_add(f->store, f->account, &info, (struct tb_str){ c, 1 }, NULL, 9, NULL), TB_OK);
    }
    assert_int_equal(tb_store_voice_used(f->store, f->other, TB_STR("x"), 200, NULL), TB_EVOICE);
    assert_int_equal(tb_store_voice_used(f->store, f->account, TB_STR("x"), 200, NULL), TB_OK);
    tb_voices_close(f->voices);
    assert_int_equal(tb_voices_open(&config, &f->voices, NULL), TB_OK);
    assert_int_equal(tb_voices_find(f->voices, f->account, TB_STR("y"), &served[0], &info, &print, NULL), TB_OK);
    assert_int_equal(tb_voices_prepare(f->voices, NULL), TB_OK);
    sem_wait(&seen.begun); /* whichever was there when the thread first looked */
    let(2);
    assert_int_equal(strlen(seen.order), 3);
    assert_true(strchr(seen.order, 'x') && strchr(seen.order, 'y') && strchr(seen.order, 'z'));
    sem_post(&seen.go);
    assert_int_equal(create_from(f, wav(24000, 3), &info, &err), TB_OK); /* "print of ..." */
    sem_wait(&seen.begun);
    assert_int_equal(seen.order[3], 'p');
    sem_post(&seen.go);
    print.size = 0;
    __atomic_store_n(&seen.known['z'], false, __ATOMIC_SEQ_CST); /* forgotten */
    assert_int_equal(tb_voices_find(f->voices, f->account, TB_STR("z"), &served[0], &info, &print, NULL), TB_OK);
    sem_wait(&seen.begun);
    assert_string_equal(seen.order + 4, "z");
    sem_post(&seen.go);
    tb_bytes_free(&print);
}

#undef T
#define T(f) cmocka_unit_test_setup_teardown(f, set_up_engine, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_latest_comes_first_and_each_once),
        T(the_first_of_too_many_is_given_up),
        T(closing_ends_what_is_under_way),
        T(servers_prepare_the_voices_used_last_and_those_created_or_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
