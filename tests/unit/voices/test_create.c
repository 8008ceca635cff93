/* test_create.c - enrolment from URL to stored voice, through the real decoder process, with an engine of our own. */
#include "voices_test.h"

#include <pthread.h>
#include <regex.h>
#include <sqlite3.h>

#include "http_double.h"

static void a_recording_becomes_a_voice(void **state)
{
    struct fixture *f = *state;
    struct tb_bytes url = data_url(wav(24000, 4)), print = { 0 };
    struct tb_create_request req = request_of(tb_bytes_str(&url));
    struct tb_create_report report;
    struct tb_create_times times;
    struct tb_voice_info made, found;
    char want[80], today[16];
    regex_t id;
    time_t now = (time_t)(tb_now_ms() / 1000);

    req.text = TB_STR("Good evening, you are listening to the late programme.");
    assert_int_equal(tb_voices_create(f->voices, f->account, &req, &made, &report, &times, NULL), TB_OK);
    assert_int_equal(regcomp(&id, "^qwen-tts-vc-guanyu-voice-[0-9]{17}-[0-9a-f]{4}$", REG_EXTENDED), 0);
    assert_int_equal(regexec(&id, made.id, 0, NULL, 0), 0);
    regfree(&id);
    strftime(today, sizeof today, "%Y%m%d%H", gmtime(&now));
    snprintf(want, sizeof want, "qwen-tts-vc-guanyu-voice-%s", today);
    assert_int_equal(strncmp(made.id, want, strlen(want)), 0);
    assert_string_equal(made.target_model, models[0].name);
    assert_string_equal(made.language, "en");
    assert_string_equal(made.engine, "test");
    assert_true(made.created_ms == made.modified_ms && made.created_ms == made.used_ms && made.created_ms > 0);
    assert_true(report.enrol.speech_seconds == 4.0f);
    assert_true(report.sound.band_hz > 10000 && report.sound.snr_db > 30 && report.enrol.similarity > 0);
    assert_true(times.decode_us > 0 && times.store_us > 0 && times.fetch_us >= 0);

    assert_int_equal(tb_voices_find(f->voices, f->account, tb_str_of(made.id), &models[0], &found, &print, NULL),
                     TB_OK);
    assert_memory_equal(&found, &made, sizeof made);
    assert_string_equal((char *)print.data, "print of 96000 samples at 24000");
    tb_bytes_free(&print);
    tb_bytes_free(&url);
}

static void the_same_name_twice_is_two_voices(void **state)
{
    struct fixture *f = *state;
    struct tb_voice_info first, second, *list;
    struct tb_error err;
    int64_t total;
    size_t count;

    assert_int_equal(create_from(f, wav(24000, 3), &first, &err), TB_OK);
    assert_int_equal(create_from(f, wav(44100, 3), &second, &err), TB_OK);
    assert_string_not_equal(first.id, second.id);
    assert_int_equal(tb_voices_list(f->voices, f->account, 0, 10, &list, &count, &total, NULL), TB_OK);
    assert_true(count == 2 && total == 2);
    assert_string_equal(list[0].id, second.id); /* newest first */
    free(list);
    assert_int_equal(tb_voices_delete(f->voices, f->account, tb_str_of(first.id), NULL), TB_OK);
    assert_int_equal(tb_voices_delete(f->voices, f->account, tb_str_of(first.id), NULL), TB_EVOICE);
    assert_int_equal(voice_count(f), 1);
}

static void expect_refused(struct fixture *f, struct tb_bytes file, enum tb_code code, const char *says)
{
    struct tb_voice_info made;
    struct tb_error err;
    enum tb_code rc = create_from(f, file, &made, &err);

    if (rc != code || !strstr(err.text, says))
        fail_msg("code %d '%s', wanted %d '%s'", rc, err.text, code, says);
    assert_string_equal(made.id, "");
    assert_int_equal(voice_count(f), 0);
}

static struct tb_bytes bytes_of(struct tb_str text)
{
    struct tb_bytes b = { 0 };

    assert_int_equal(tb_bytes_add(&b, text.p, text.n), TB_OK);
    return b;
}

static void sounds_that_will_not_do(void **state)
{
    struct fixture *f = *state;

    expect_refused(f, wav(16000, 5), TB_EAUDIO_RATE, "16000 Hz, at least 24000 Hz is needed");
    expect_refused(f, wav(23999, 5), TB_EAUDIO_RATE, "23999 Hz");
    expect_refused(f, wav(16000, 70), TB_EAUDIO_RATE, "16000 Hz"); /* the rate comes before the duration */
    expect_refused(f, wav(24000, 60.01), TB_EAUDIO_LONG, "60.01 s, at most 60 s");
    expect_refused(f, wav(24000, 75), TB_EAUDIO_LONG, "at most 60 s");
    expect_refused(f, bytes_of(TB_STR("this is not a recording, whatever its type says")), TB_EAUDIO_DECODE, "");
    expect_refused(f, bytes_of(TB_STR("OggS\0\2\0\0\0\0\0\0\0\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")),
                   TB_EAUDIO_FORMAT, "Ogg");
    expect_refused(f, (struct tb_bytes){ 0 }, TB_EAUDIO_DECODE, "empty");
    assert_int_equal(test_engine_seen.enrolments, 0);
}

static struct tb_bytes mp3(double seconds)
{
    const struct tb_encode_config config = { TB_FORMAT_MP3, 24000, 24000, 32 };
    struct tb_encoder *encoder;
    struct tb_bytes out = { 0 };
    size_t len = (size_t)(24000 * seconds);
    float *samples = calloc(len, sizeof *samples);

    assert_non_null(samples);
    assert_int_equal(tb_encoder_open(&config, &encoder, NULL), TB_OK);
    assert_int_equal(tb_encoder_feed(encoder, samples, len, &out, NULL), TB_OK);
    assert_int_equal(tb_encoder_finish(encoder, &out, NULL), TB_OK);
    tb_encoder_close(encoder);
    free(samples);
    return out;
}

static void exactly_a_minute_passes(void **state)
{
    struct fixture *f = *state;
    struct tb_voice_info made;
    struct tb_error err;

    assert_int_equal(create_from(f, wav(24000, 60), &made, &err), TB_OK);
    if (create_from(f, mp3(60), &made, &err)) /* with what its codec pads */
        fail_msg("%s", err.text);
    assert_int_equal(create_from(f, mp3(60.3), &made, &err), TB_EAUDIO_LONG);
    assert_int_equal(voice_count(f), 2);
}

static void what_the_engine_refuses_is_refused(void **state)
{
    struct fixture *f = *state;

    test_engine_seen.fails_with = TB_EAUDIO_SPEECH;
    expect_refused(f, wav(24000, 5), TB_EAUDIO_SPEECH, "only 1.2 s of speech");
    assert_int_equal(test_engine_seen.enrolments, 1);
}

static enum tb_code create_with(struct fixture *f, struct tb_str text, enum tb_lang lang, struct tb_voice_info *made)
{
    struct tb_bytes url = data_url(wav(24000, 4));
    struct tb_create_request req = request_of(tb_bytes_str(&url));
    enum tb_code rc;

    req.text = text;
    req.language = lang;
    rc = tb_voices_create(f->voices, f->account, &req, made, NULL, NULL, NULL);
    tb_bytes_free(&url);
    return rc;
}

static void poor_sound_is_refused_and_fair_sound_advised(void **state)
{
    struct fixture *f = *state;
    struct tb_bytes url = data_url(noisy_wav(24000, 8, 0.1));
    struct tb_create_request req = request_of(tb_bytes_str(&url));
    struct tb_create_report report;
    struct tb_voice_info made;
    struct tb_error err;

    expect_refused(f, noisy_wav(24000, 5, 2), TB_EAUDIO_QUALITY, "louder than the background; 4 dB is the least");
    assert_int_equal(test_engine_seen.enrolments, 0); /* refused before the dear part */
    assert_int_equal(tb_voices_create(f->voices, f->account, &req, &made, &report, NULL, NULL), TB_OK);
    assert_int_equal(report.advice.count, 1);
    assert_string_equal(report.advice.item[0].kind, "noise");
    assert_string_equal(made.advice, "noise");
    test_engine_seen.one_voice = 0.79F;
    assert_int_equal(tb_voices_create(f->voices, f->account, &req, &made, &report, NULL, NULL), TB_OK);
    assert_int_equal(report.advice.count, 2);
    assert_string_equal(report.advice.item[1].kind, "speakers");
    tb_bytes_free(&url);
    test_engine_seen.one_voice = 0.59F;
    assert_int_equal(create_from(f, wav(24000, 5), &made, &err), TB_EAUDIO_QUALITY);
    assert_non_null(strstr(err.text, "likeness of 0.59"));
    assert_int_equal(voice_count(f), 2);
}

static void transcripts_of_impossible_length_are_refused(void **state)
{
    struct fixture *f = *state;
    char text[TB_MAX_TRANSCRIPT + 2];
    struct tb_voice_info made;

    memset(text, 'a', sizeof text);
    test_engine_seen.speech_seconds = 10;
    assert_int_equal(create_with(f, (struct tb_str){ text, 401 }, TB_LANG_EN, &made), TB_EAUDIO_TEXT);
    assert_int_equal(create_with(f, (struct tb_str){ text, 400 }, TB_LANG_EN, &made), TB_OK);
    assert_int_equal(create_with(f, (struct tb_str){ text, 5 }, TB_LANG_EN, &made), TB_OK);
    assert_int_equal(create_with(f, (struct tb_str){ text, 4 }, TB_LANG_EN, &made), TB_EAUDIO_TEXT);
    assert_int_equal(create_with(f, (struct tb_str){ text, TB_MAX_TRANSCRIPT + 1 }, TB_LANG_EN, &made), TB_EINVAL);
    assert_int_equal(voice_count(f), 2);
}

static void the_language_is_given_detected_or_zh(void **state)
{
    struct fixture *f = *state;
    struct tb_voice_info made;
    const struct tb_str english = TB_STR("The weather is nice and we are going to the sea.");
    const struct tb_str russian = TB_STR("\xd0\x94\xd0\xbe\xd0\xb1\xd1\x80\xd1\x8b\xd0\xb9 "
                                         "\xd0\xb2\xd0\xb5\xd1\x87\xd0\xb5\xd1\x80");

    assert_int_equal(create_with(f, english, TB_LANG_DE, &made), TB_OK); /* the caller knows better */
    assert_string_equal(made.language, "de");
    assert_int_equal(test_engine_seen.lang, TB_LANG_DE);
    assert_int_equal(create_with(f, english, TB_LANG_AUTO, &made), TB_OK);
    assert_string_equal(made.language, "en");
    assert_int_equal(test_engine_seen.lang, TB_LANG_EN);
    assert_int_equal(create_with(f, russian, TB_LANG_AUTO, &made), TB_OK);
    assert_string_equal(made.language, "ru");
    assert_int_equal(create_with(f, TB_STR(""), TB_LANG_AUTO, &made), TB_OK);
    assert_string_equal(made.language, "zh");
    assert_int_equal(test_engine_seen.lang, TB_LANG_AUTO); /* the engine is not told what nobody knows */
}

static void requests_that_are_wrong(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = { "", "seventeen_letters", "a-b", "a b", "\xc3\xa9t\xc3\xa9", "a\n", "../x" };
    struct tb_bytes url = data_url(wav(24000, 3));
    struct tb_create_request req = request_of(tb_bytes_str(&url));
    struct tb_voice_info made;
    struct tb_error err;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        req.preferred_name = tb_str_of(names[i]);
        assert_false(tb_voices_name_ok(req.preferred_name));
        assert_int_equal(tb_voices_create(f->voices, f->account, &req, &made, NULL, NULL, &err), TB_EINVAL);
        assert_non_null(strstr(err.text, "preferred_name"));
    }
    assert_true(tb_voices_name_ok(TB_STR("Az09_")) && tb_voices_name_ok(TB_STR("sixteen_letters_")));
    req = request_of(tb_bytes_str(&url));
    req.target_model = TB_STR("qwen3-tts-vc-realtime");
    assert_int_equal(tb_voices_create(f->voices, f->account, &req, &made, NULL, NULL, &err), TB_EINVAL);
    assert_non_null(strstr(err.text, "qwen3-tts-vc-realtime"));
    req = request_of(TB_STR("data:audio/wav;base64,UklG*"));
    assert_int_equal(tb_voices_create(f->voices, f->account, &req, &made, NULL, NULL, &err), TB_EINVAL);
    assert_non_null(strstr(err.text, "0x2a at 4"));
    req = request_of(TB_STR("oss://bucket/key"));
    assert_int_equal(tb_voices_create(f->voices, f->account, &req, &made, NULL, NULL, &err), TB_EINVAL);
    assert_int_equal(voice_count(f), 0);
    tb_bytes_free(&url);
}

static void audio_is_fetched_where_that_is_allowed(void **state)
{
    struct fixture *f = *state;
    struct http_double server;
    struct tb_bytes file = wav(24000, 4);
    struct tb_create_request req;
    struct tb_voice_info made;
    struct tb_error err;
    char url[64], place[32];

    assert_true(http_start(&server, "127.0.0.1"));
    server.body = (const char *)file.data;
    server.body_size = file.size;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/file", server.port);
    snprintf(place, sizeof place, "127.0.0.1:%d", server.port);
    req = request_of(tb_str_of(url));
    assert_int_equal(tb_voices_create(f->voices, f->account, &req, &made, NULL, NULL, &err), TB_EFETCH);
    assert_string_equal(err.text, "address not allowed");
    assert_int_equal(server.connections, 0);
    reopen(f, &(struct tb_voices_config){ .allow_private_urls = true });
    assert_int_equal(tb_voices_create(f->voices, f->account, &req, &made, NULL, NULL, &err), TB_OK);
    reopen(f, &(struct tb_voices_config){ .allowed_places = place });
    assert_int_equal(tb_voices_create(f->voices, f->account, &req, &made, NULL, NULL, &err), TB_OK);
    assert_int_equal(server.connections, 2);

    /* A full account learns so before anything is fetched. */
    reopen(f, &(struct tb_voices_config){ .allow_private_urls = true, .max_voices = 2 });
    assert_int_equal(tb_voices_create(f->voices, f->account, &req, &made, NULL, NULL, &err), TB_EQUOTA);
    assert_int_equal(server.connections, 2);
    assert_int_equal(tb_voices_create(f->voices, f->other, &req, &made, NULL, NULL, &err), TB_OK);
    http_stop(&server);
    tb_bytes_free(&file);
}

struct crowd {
    struct fixture *f;
    struct tb_str url;
    _Atomic int made, refused;
};

static void *create_three(void *arg)
{
    struct crowd *c = arg;

    for (int i = 0; i < 3; i++) {
        struct tb_create_request req = request_of(c->url);
        struct tb_voice_info made;
        enum tb_code rc = tb_voices_create(c->f->voices, c->f->account, &req, &made, NULL, NULL, NULL);

        if (rc == TB_OK)
            c->made++;
        else if (rc == TB_EQUOTA)
            c->refused++;
    }
    return NULL;
}

static void the_quota_holds_in_a_crowd(void **state)
{
    struct fixture *f = *state;
    struct tb_bytes url = data_url(wav(24000, 3));
    struct crowd c = { .f = f, .url = tb_bytes_str(&url) };
    pthread_t threads[4];

    reopen(f, &(struct tb_voices_config){ .max_voices = 5 });
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, create_three, &c), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(c.made, 5);
    assert_int_equal(c.refused, 7);
    assert_int_equal(voice_count(f), 5);
    tb_bytes_free(&url);
}

/* Rows of a table of the database, by a connection of the test's own. */
static int rows_of(struct fixture *f, const char *sql)
{
    char path[128];
    sqlite3 *db;
    sqlite3_stmt *stmt;
    int n;

    snprintf(path, sizeof path, "%s/timbre.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    n = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return n;
}

static void recordings_are_kept_only_when_asked(void **state)
{
    struct fixture *f = *state;
    struct tb_voice_info made;
    struct tb_error err;

    assert_int_equal(create_from(f, wav(24000, 3), &made, &err), TB_OK);
    assert_int_equal(rows_of(f, "SELECT count(*) FROM recordings"), 0);
    reopen(f, &(struct tb_voices_config){ .keep_recordings = true });
    assert_int_equal(create_from(f, wav(24000, 3), &made, &err), TB_OK);
    assert_int_equal(rows_of(f, "SELECT sum(length(bytes)) FROM recordings"), 44 + 2 * 72000);
    assert_int_equal(tb_voices_delete(f->voices, f->account, tb_str_of(made.id), NULL), TB_OK);
    assert_int_equal(rows_of(f, "SELECT count(*) FROM recordings"), 0); /* goes with its voice */
    assert_int_equal(rows_of(f, "SELECT count(*) FROM prints"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_recording_becomes_a_voice),
        T(the_same_name_twice_is_two_voices),
        T(sounds_that_will_not_do),
        T(exactly_a_minute_passes),
        T(what_the_engine_refuses_is_refused),
        T(poor_sound_is_refused_and_fair_sound_advised),
        T(transcripts_of_impossible_length_are_refused),
        T(the_language_is_given_detected_or_zh),
        T(requests_that_are_wrong),
        T(audio_is_fetched_where_that_is_allowed),
        T(the_quota_holds_in_a_crowd),
        T(recordings_are_kept_only_when_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
