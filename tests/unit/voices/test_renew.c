/* test_renew.c - two engines. A voice whose model is served by another engine than the one that it was made with: its
 * print is made anew of the kept recording, once, or it is said what to do. And an engine that listens for another. */
#include "voices_test.h"

#include <pthread.h>

/* Another engine: its print says what it was given, and those that begin with `fits` fit. */
static struct {
    int enrolments;
    enum tb_code fails_with;
    const char *fits;
} other_seen;

static enum tb_code other_enrol(struct tb_engine *engine, const struct tb_enrol_request *req, struct tb_bytes *print,
                                struct tb_enrol_report *report, struct tb_error *err)
{
    (void)engine;
    (void)report;
    __atomic_add_fetch(&other_seen.enrolments, 1, __ATOMIC_SEQ_CST);
    if (other_seen.fails_with)
        return tb_fail(err, other_seen.fails_with, "only 1.2 s of speech");
    return tb_bytes_addf(print, "%s of %zu samples saying %.*s in %s", other_seen.fits, req->audio->len,
                         (int)req->text.n, req->text.n ? req->text.p : "", tb_lang_code(req->lang));
}

static enum tb_code other_fits(struct tb_engine *engine, struct tb_str print, struct tb_error *err)
{
    size_t n = strlen(other_seen.fits);

    (void)engine;
    return print.n >= n && !memcmp(print.p, other_seen.fits, n) ? TB_OK : tb_fail(err, TB_EVOICE, "of another size");
}

static const struct tb_engine_ops other_ops = { .name = "other", .rate_hz = 24000, .enrol = other_enrol,
                                                .fits = other_fits };
static struct tb_engine other_engine = { &other_ops };
/* The same names as in `models`, the first now served by the other engine. */
static const struct tb_model models_then[] = { { "qwen3-tts-vc-2026-01-22", false, &other_engine },
                                               { "qwen3-tts-vc-realtime-2026-01-15", true, &test_engine } };

static int set_up_other(void **state)
{
    memset(&other_seen, 0, sizeof other_seen);
    other_seen.fits = "new";
    return set_up(state);
}

static void create(struct fixture *f, bool keep, struct tb_voice_info *made)
{
    struct tb_bytes url = data_url(wav(24000, 3));
    struct tb_create_request req = request_of(tb_bytes_str(&url));

    reopen(f, &(struct tb_voices_config){ .keep_recordings = keep });
    req.text = TB_STR("Good evening to all of you.");
    req.language = TB_LANG_EN;
    assert_int_equal(tb_voices_create(f->voices, f->account, &req, made, NULL, NULL, NULL), TB_OK);
    reopen(f, NULL); /* nothing is left in memory */
    tb_bytes_free(&url);
}

static enum tb_code ask(struct fixture *f, bool renew, const char *id, const char *want, struct tb_error *err)
{
    struct tb_voice_info info;
    struct tb_bytes print = { 0 };
    enum tb_code rc;

    tb_bytes_addz(&print, "+");
    rc = (renew ? tb_voices_renew : tb_voices_find)(f->voices, f->account, tb_str_of(id), &models_then[0], &info,
                                                    &print, err);
    assert_string_equal((char *)print.data + 1, rc ? "" : want);
    assert_string_equal(info.id, rc ? "" : id);
    tb_bytes_free(&print);
    return rc;
}

static const char made_anew[] = "new of 72000 samples saying Good evening to all of you. in en";

static void a_print_is_made_of_the_kept_recording_once(void **state)
{
    struct fixture *f = *state;
    struct tb_voice_info made, info;

    create(f, true, &made);
    assert_int_equal(ask(f, false, made.id, "", NULL), TB_ERENEW);
    assert_int_equal(other_seen.enrolments, 0); /* finding never takes long */
    assert_int_equal(ask(f, true, made.id, made_anew, NULL), TB_OK);
    assert_int_equal(ask(f, false, made.id, made_anew, NULL), TB_OK);
    reopen(f, NULL);
    assert_int_equal(ask(f, false, made.id, made_anew, NULL), TB_OK); /* it was stored */
    assert_int_equal(ask(f, true, made.id, made_anew, NULL), TB_OK);
    assert_int_equal(other_seen.enrolments, 1);

    struct tb_bytes print = { 0 }; /* and the first engine still has its own */
    reopen(f, NULL);
    assert_int_equal(tb_voices_find(f->voices, f->account, tb_str_of(made.id), &models[0], &info, &print, NULL), TB_OK);
    assert_string_equal((char *)print.data, "print of 72000 samples at 24000");
    tb_bytes_free(&print);
    assert_int_equal(tb_voices_delete(f->voices, f->account, tb_str_of(made.id), NULL), TB_OK);
    assert_int_equal(ask(f, true, made.id, "", NULL), TB_EVOICE);
}

static void without_a_recording_it_says_what_to_do(void **state)
{
    struct fixture *f = *state;
    struct tb_voice_info made;
    struct tb_error err = { 0 };

    create(f, false, &made);
    for (int renew = 0; renew < 2; renew++) {
        assert_int_equal(ask(f, renew, made.id, "", &err), TB_EPRINT);
        assert_non_null(strstr(err.text, "made with engine 'test'"));
        assert_non_null(strstr(err.text, "spoken by 'other'"));
        assert_non_null(strstr(err.text, "not kept: create it again"));
    }
    assert_int_equal(other_seen.enrolments, 0);
}

static void only_the_owner_and_the_model_renew(void **state)
{
    struct fixture *f = *state;
    struct tb_voice_info made, info;
    struct tb_bytes print = { 0 };

    create(f, true, &made);
    assert_int_equal(tb_voices_renew(f->voices, f->other, tb_str_of(made.id), &models_then[0], &info, &print, NULL),
                     TB_EVOICE);
    assert_int_equal(tb_voices_renew(f->voices, f->account, tb_str_of(made.id), &models_then[1], &info, &print, NULL),
                     TB_EVOICE);
    assert_int_equal(tb_voices_renew(f->voices, f->account, TB_STR("none"), &models_then[0], &info, &print, NULL),
                     TB_EVOICE);
    assert_int_equal(other_seen.enrolments, 0);
    assert_int_equal(print.size, 0);
}

static void a_recording_that_the_engine_refuses(void **state)
{
    struct fixture *f = *state;
    struct tb_voice_info made;
    struct tb_error err = { 0 };

    create(f, true, &made);
    other_seen.fails_with = TB_EAUDIO_SPEECH;
    assert_int_equal(ask(f, true, made.id, "", &err), TB_EPRINT);
    assert_non_null(strstr(err.text, "'other' cannot make this voice of its recording: only 1.2 s of speech"));
    other_seen.fails_with = TB_ENOMEM; /* our trouble is not the recording's */
    assert_int_equal(ask(f, true, made.id, "", &err), TB_ENOMEM);
    other_seen.fails_with = TB_OK;
    assert_int_equal(ask(f, true, made.id, made_anew, &err), TB_OK);
}

/* The same engine with weights of another size. */
static void a_print_that_does_not_fit_its_own_engine(void **state)
{
    struct fixture *f = *state;
    struct tb_voice_info made;
    struct tb_error err = { 0 };

    create(f, true, &made);
    assert_int_equal(ask(f, true, made.id, made_anew, NULL), TB_OK);
    other_seen.fits = "large";
    reopen(f, NULL);
    assert_int_equal(ask(f, false, made.id, "", NULL), TB_ERENEW);
    assert_int_equal(ask(f, true, made.id, "large of 72000 samples saying Good evening to all of you. in en", NULL),
                     TB_OK);
    assert_int_equal(other_seen.enrolments, 2);
    create(f, false, &made);
    assert_int_equal(tb_store_print_put(f->store, f->account, tb_str_of(made.id), "other", TB_STR("small"), NULL),
                     TB_OK);
    assert_int_equal(ask(f, true, made.id, "", &err), TB_EPRINT);
    assert_non_null(strstr(err.text, "of another size. Its recording was not kept"));
}

struct crowd {
    struct fixture *f;
    const char *id;
};

static void *renew_one(void *arg)
{
    struct crowd *c = arg;

    assert_int_equal(ask(c->f, true, c->id, made_anew, NULL), TB_OK);
    return NULL;
}

static void a_crowd_renews_once(void **state)
{
    struct fixture *f = *state;
    struct tb_voice_info made;
    pthread_t threads[4];

    create(f, true, &made);
    struct crowd c = { f, made.id };
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, renew_one, &c), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(other_seen.enrolments, 1);
}

static enum tb_code other_listen(struct tb_engine *engine, const struct tb_listen_request *req,
                                 struct tb_listen_report *report, struct tb_error *err)
{
    (void)engine;
    (void)err;
    *report = (struct tb_listen_report){ .match = memmem(req->text.p, req->text.n, "wrong", 5) ? 0.01f : 0.9f,
                                         .words = 6 };
    return TB_OK;
}

/* The engine that makes the voice cannot tell what is said; the one that serves the other model can. */
static void a_text_is_checked_by_the_engine_that_can(void **state)
{
    struct fixture *f = *state;
    const struct tb_engine_ops ear_ops = { .name = "ear", .rate_hz = 24000, .languages = ~0u, .listen = other_listen };
    struct tb_engine ear = { &ear_ops };
    const struct tb_model two[] = { models[0], { models[1].name, true, &ear } };
    const struct tb_voices_config config = { .store = f->store, .models = two, .model_count = 2,
                                             .helper_dir = HELPER_DIR };
    struct tb_bytes url = data_url(wav(24000, 3));
    struct tb_create_request req = request_of(tb_bytes_str(&url));
    struct tb_voice_info made;
    struct tb_create_report report;
    struct tb_error err = { 0 };

    tb_voices_close(f->voices);
    assert_int_equal(tb_voices_open(&config, &f->voices, NULL), TB_OK);
    req.language = TB_LANG_EN;
    req.text = TB_STR("Good evening to all of you.");
    assert_int_equal(tb_voices_create(f->voices, f->account, &req, &made, &report, NULL, &err), TB_OK);
    assert_string_equal(made.engine, "test");
    assert_true(report.transcript.match > 0.8f);
    req.text = TB_STR("This is the wrong text.");
    assert_int_equal(tb_voices_create(f->voices, f->account, &req, &made, NULL, NULL, &err), TB_EAUDIO_TEXT);
    reopen(f, NULL); /* alone, it takes what it is told */
    assert_int_equal(tb_voices_create(f->voices, f->account, &req, &made, NULL, NULL, &err), TB_OK);
    tb_bytes_free(&url);
}

#undef T
#define T(f) cmocka_unit_test_setup_teardown(f, set_up_other, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_print_is_made_of_the_kept_recording_once), T(without_a_recording_it_says_what_to_do),
        T(only_the_owner_and_the_model_renew),         T(a_recording_that_the_engine_refuses),
        T(a_print_that_does_not_fit_its_own_engine),    T(a_crowd_renews_once),
        T(a_text_is_checked_by_the_engine_that_can),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
