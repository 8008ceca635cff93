/* test_voices.c - the life of a voice after its making: found, cached, used, deleted here and elsewhere, swept. */
#include "voices_test.h"

#include <sqlite3.h>
#include <unistd.h>

static void put_voice(struct fixture *f, const char *id, const char *model, const char *engine)
{
    struct tb_voice_info v = { .created_ms = tb_now_ms() };

    v.modified_ms = v.used_ms = v.created_ms;
    snprintf(v.id, sizeof v.id, "%s", id);
    snprintf(v.target_model, sizeof v.target_model, "%s", model);
    snprintf(v.engine, sizeof v.engine, "%s", engine);
    strcpy(v.language, "en");
    assert_int_equal(tb_store_voice_add(f->store, f->account, &v, tb_str_of(id), NULL, SIZE_MAX, NULL),
                     TB_OK);
}

/* Find a voice whose print is its id. */
static enum tb_code find(struct fixture *f, int64_t account, const char *id, const struct tb_model *model)
{
    struct tb_voice_info info;
    struct tb_bytes print = { 0 };
    enum tb_code rc;

    tb_bytes_addz(&print, "kept+");
    rc = tb_voices_find(f->voices, account, tb_str_of(id), model, &info, &print, NULL);
    assert_int_equal(strncmp((char *)print.data, "kept+", 5), 0);
    assert_string_equal((char *)print.data + 5, rc ? "" : id);
    assert_string_equal(info.id, rc ? "" : id);
    tb_bytes_free(&print);
    return rc;
}

static void only_the_owner_and_the_model_find_a_voice(void **state)
{
    struct fixture *f = *state;
    static const struct tb_engine_ops other_ops = { .name = "other", .rate_hz = 24000, .enrol = test_enrol };
    struct tb_engine other_engine = { &other_ops };
    const struct tb_model otherwise = { models[0].name, false, &other_engine };

    put_voice(f, "v", models[0].name, "test");
    for (int i = 0; i < 2; i++) { /* from the disk, then from the cache */
        assert_int_equal(find(f, f->account, "v", &models[0]), TB_OK);
        assert_int_equal(find(f, f->other, "v", &models[0]), TB_EVOICE);
        assert_int_equal(find(f, f->account, "v", &models[1]), TB_EVOICE);
        assert_int_equal(find(f, f->account, "v", &otherwise), TB_EPRINT); /* an engine that has no print */
        assert_int_equal(find(f, f->account, "w", &models[0]), TB_EVOICE);
        assert_int_equal(find(f, f->account, "", &models[0]), TB_EVOICE);
    }
}

static void a_deleted_voice_is_gone_whoever_deleted_it(void **state)
{
    struct fixture *f = *state;
    struct tb_store *elsewhere; /* as another process has it */

    put_voice(f, "here", models[0].name, "test");
    put_voice(f, "there", models[0].name, "test");
    assert_int_equal(find(f, f->account, "here", &models[0]), TB_OK);
    assert_int_equal(find(f, f->account, "there", &models[0]), TB_OK);
    assert_int_equal(tb_voices_delete(f->voices, f->account, TB_STR("here"), NULL), TB_OK);
    assert_int_equal(find(f, f->account, "here", &models[0]), TB_EVOICE);
    assert_int_equal(tb_store_open(f->dir, &elsewhere, NULL), TB_OK);
    assert_int_equal(tb_store_voice_delete(elsewhere, f->account, TB_STR("there"), NULL), TB_OK);
    tb_store_close(elsewhere);
    assert_int_equal(find(f, f->account, "there", &models[0]), TB_EVOICE);
    assert_int_equal(tb_voices_delete(f->voices, f->other, TB_STR("here"), NULL), TB_EVOICE);
}

/* With its print gone from the disk a voice can come from memory only: and it does, for the voices that found it. */
static void a_print_is_read_once(void **state)
{
    struct fixture *f = *state;
    char path[128];
    sqlite3 *db;

    put_voice(f, "v", models[0].name, "test");
    assert_int_equal(find(f, f->account, "v", &models[0]), TB_OK);
    snprintf(path, sizeof path, "%s/timbre.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM prints", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(find(f, f->account, "v", &models[0]), TB_OK);
    reopen(f, NULL);
    assert_int_not_equal(find(f, f->account, "v", &models[0]), TB_OK);
}

/* The same id with another print, made after the first was deleted elsewhere: the cache must not answer. */
static void a_voice_made_anew_is_not_the_old_one(void **state)
{
    struct fixture *f = *state;
    struct tb_voice_info v = { .created_ms = 1 }, got;
    struct tb_bytes print = { 0 };

    put_voice(f, "v", models[0].name, "test");
    assert_int_equal(find(f, f->account, "v", &models[0]), TB_OK);
    assert_int_equal(tb_store_voice_delete(f->store, f->account, TB_STR("v"), NULL), TB_OK);
    strcpy(v.id, "v");
    strcpy(v.target_model, models[0].name);
    strcpy(v.engine, "test");
    assert_int_equal(tb_store_voice_add(f->store, f->account, &v, TB_STR("new"), NULL, 9, NULL), TB_OK);
    for (int i = 0; i < 2; i++) {
        print.size = 0;
        assert_int_equal(tb_voices_find(f->voices, f->account, TB_STR("v"), &models[0], &got, &print, NULL), TB_OK);
        assert_string_equal((char *)print.data, "new");
    }
    tb_bytes_free(&print);
}

static void more_voices_than_the_cache_holds(void **state)
{
    struct fixture *f = *state;
    char id[32];

    for (int i = 0; i < TB_MAX_CACHED_PRINTS + 10; i++) {
        snprintf(id, sizeof id, "voice-%d", i);
        put_voice(f, id, models[0].name, "test");
    }
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < TB_MAX_CACHED_PRINTS + 10; i++) {
            snprintf(id, sizeof id, "voice-%d", i);
            assert_int_equal(find(f, f->account, id, &models[0]), TB_OK);
        }
}

static void a_synthesis_is_noted(void **state)
{
    struct fixture *f = *state;
    struct tb_voice_info got;
    struct tb_usage *usage;
    size_t count;

    put_voice(f, "v", models[0].name, "test");
    tb_clock_shift(5000000);
    assert_int_equal(tb_voices_used(f->voices, f->account, TB_STR("v"), 120, 4500, NULL), TB_OK);
    assert_int_equal(tb_store_voice_get(f->store, f->account, TB_STR("v"), &got, NULL), TB_OK);
    assert_true(got.used_ms - got.created_ms >= 5000000);
    assert_int_equal(tb_voices_delete(f->voices, f->account, TB_STR("v"), NULL), TB_OK);
    assert_int_equal(tb_voices_used(f->voices, f->account, TB_STR("v"), 1, 1, NULL), TB_OK); /* while it was speaking */
    assert_int_equal(tb_store_usage_list(f->store, 0, tb_now_ms() + 1, &usage, &count, NULL), TB_OK);
    assert_int_equal(count, 1);
    assert_true(usage->requests == 2 && usage->characters == 121 && usage->audio_ms == 4501 &&
                usage->voices_created == 1);
    free(usage);
}

static void the_sweep_takes_old_voices_and_files(void **state)
{
    struct fixture *f = *state;
    const int64_t day = 86400000;
    char name[64], sig[48], *path;
    int64_t expires = tb_now_ms() / 1000 + TB_AUDIO_URL_SECONDS;

    put_voice(f, "idle", models[0].name, "test");
    put_voice(f, "used", models[0].name, "test");
    assert_int_equal(tb_store_file_put(f->store, TB_STR("RIFF"), "wav", expires * 1000, name, NULL), TB_OK);
    tb_store_file_sign(f->store, name, expires, sig);
    assert_int_equal(tb_store_file_find(f->store, tb_str_of(name), expires, tb_str_of(sig), &path, NULL), TB_OK);
    assert_int_equal(tb_voices_sweep(f->voices, NULL), TB_OK);
    assert_int_equal(access(path, R_OK), 0);

    tb_clock_shift(2 * day);
    assert_int_equal(tb_voices_used(f->voices, f->account, TB_STR("used"), 1, 1, NULL), TB_OK);
    assert_int_equal(tb_voices_sweep(f->voices, NULL), TB_OK);
    assert_int_not_equal(access(path, R_OK), 0);
    free(path);

    tb_clock_shift(364 * day);
    assert_int_equal(tb_voices_sweep(f->voices, NULL), TB_OK);
    assert_int_equal(find(f, f->account, "idle", &models[0]), TB_OK); /* looking is not using */
    tb_clock_shift(366 * day);
    assert_int_equal(tb_voices_sweep(f->voices, NULL), TB_OK);
    assert_int_equal(find(f, f->account, "idle", &models[0]), TB_EVOICE);
    assert_int_equal(find(f, f->account, "used", &models[0]), TB_OK);
}

static void models_are_found_by_their_exact_name(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(tb_voices_model_count(f->voices), 2);
    assert_ptr_equal(tb_voices_model(f->voices, tb_str_of(models[1].name)), &models[1]);
    assert_ptr_equal(tb_voices_model_at(f->voices, 1), &models[1]);
    assert_null(tb_voices_model_at(f->voices, 2));
    assert_null(tb_voices_model(f->voices, TB_STR("qwen3-tts-vc-realtime")));
    assert_null(tb_voices_model(f->voices, TB_STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(only_the_owner_and_the_model_find_a_voice),
        T(a_deleted_voice_is_gone_whoever_deleted_it),
        T(a_print_is_read_once),
        T(a_voice_made_anew_is_not_the_old_one),
        T(more_voices_than_the_cache_holds),
        T(a_synthesis_is_noted),
        T(the_sweep_takes_old_voices_and_files),
        T(models_are_found_by_their_exact_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
