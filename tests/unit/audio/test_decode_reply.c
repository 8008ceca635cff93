/* test_decode_reply.c - the reply of a decoder process that may lie: every length, every field. */
#include "audio/decode_reply.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

enum { N = 5 };

/* A reply with N samples or, when it is not OK, the text "so it is". Release with free(). */
static uint8_t *reply_of(struct tb_decode_reply r, const float samples[N], size_t *size)
{
    bool good = r.status == TB_DECODE_OK;
    uint8_t *bytes = calloc(1, 256);

    if (r.count == 0)
        r.count = good ? N : 8;
    tb_decode_reply_header(bytes, &r);
    memcpy(bytes + TB_DECODE_HEADER, good ? (const void *)samples : "so it is", good ? N * sizeof *samples : 8);
    *size = TB_DECODE_HEADER + (good ? N * sizeof *samples : 8);
    return bytes;
}

static const float plain[N] = { 0, 0.25f, -0.25f, 1, -1 };
static const struct tb_decode_reply good = { TB_DECODE_OK, 24000, 2, true, 0, "WAV" };

static enum tb_code parse(struct tb_decode_reply r, const float samples[N], struct tb_pcm *out,
                          struct tb_decode_info *info, struct tb_error *err)
{
    size_t size;
    uint8_t *bytes = reply_of(r, samples, &size);
    enum tb_code rc = tb_decode_reply_parse(bytes, size, out, info, err);

    free(bytes);
    return rc;
}

static void a_good_reply_is_read(void **state)
{
    struct tb_decode_info info;
    struct tb_pcm out;

    (void)state;
    assert_int_equal(parse(good, plain, &out, &info, NULL), TB_OK);
    assert_int_equal(out.len, N);
    assert_int_equal(out.rate, 24000);
    assert_memory_equal(out.data, plain, sizeof plain);
    assert_string_equal(info.container, "WAV");
    assert_int_equal(info.channels, 2);
    assert_int_equal(info.rate, 24000);
    assert_true(info.cut);
    assert_true(fabs(info.seconds - N / 24000.0) < 1e-9);
    tb_pcm_free(&out);
}

static void samples_are_made_harmless(void **state)
{
    static const float wild[N] = { NAN, INFINITY, -INFINITY, 7, -1e30f };
    static const float tame[N] = { 0, 0, 0, 1, -1 };
    struct tb_decode_info info;
    struct tb_pcm out;

    (void)state;
    assert_int_equal(parse(good, wild, &out, &info, NULL), TB_OK);
    assert_memory_equal(out.data, tame, sizeof tame);
    tb_pcm_free(&out);
}

static void failures_carry_their_text(void **state)
{
    static const enum tb_code want[] = { TB_OK, TB_EAUDIO_FORMAT, TB_EAUDIO_DECODE, TB_ETOOBIG, TB_EIO };

    (void)state;
    for (int i = TB_DECODE_FORMAT; i < TB_DECODE_STATUS_COUNT; i++) {
        struct tb_decode_reply r = { .status = (enum tb_decode_status)i, .container = "" };
        struct tb_decode_info info;
        struct tb_error err;
        struct tb_pcm out;

        assert_int_equal(parse(r, NULL, &out, &info, &err), want[i]);
        assert_string_equal(err.text, "so it is");
        assert_null(out.data);
    }
}

static void text_is_cleaned_and_cut(void **state)
{
    struct tb_decode_reply r = { .status = TB_DECODE_BROKEN, .container = "", .count = 1000 };
    uint8_t bytes[TB_DECODE_HEADER + 1000];
    struct tb_decode_info info;
    struct tb_error err;
    struct tb_pcm out;

    (void)state;
    tb_decode_reply_header(bytes, &r);
    memset(bytes + TB_DECODE_HEADER, '\n', 1000);
    bytes[TB_DECODE_HEADER] = 0;
    assert_int_equal(tb_decode_reply_parse(bytes, sizeof bytes, &out, &info, &err), TB_EAUDIO_DECODE);
    assert_int_equal(strlen(err.text), 199);
    assert_int_equal(strspn(err.text, "?"), 199);
}

static void every_other_length_is_refused(void **state)
{
    size_t size;
    uint8_t *bytes = reply_of(good, plain, &size);

    (void)state;
    for (size_t n = 0; n < size + 40; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        struct tb_decode_info info;
        struct tb_pcm out;

        memcpy(cut, bytes, n);
        assert_int_equal(tb_decode_reply_parse(cut, n, &out, &info, NULL), n == size ? TB_OK : TB_EAUDIO_DECODE);
        if (n == size)
            tb_pcm_free(&out);
        assert_null(out.data);
        free(cut);
    }
    free(bytes);
}

static void impossible_fields_are_refused(void **state)
{
    struct tb_decode_reply bad[8];
    struct tb_decode_info info;
    struct tb_pcm out;

    (void)state;
    for (int i = 0; i < 8; i++)
        bad[i] = good;
    bad[0].rate = 0;
    bad[1].rate = TB_MAX_AUDIO_RATE + 1;
    bad[2].channels = 0;
    bad[3].channels = TB_MAX_AUDIO_CHANNELS + 1;
    bad[4].count = UINT64_MAX;
    bad[5].count = (UINT64_MAX >> 2) + 1 + N; /* times four it wraps to the right size */
    bad[6].count = TB_MAX_DECODED_SAMPLES + 1;
    bad[7].status = TB_DECODE_STATUS_COUNT;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(parse(bad[i], plain, &out, &info, NULL), TB_EAUDIO_DECODE);
        assert_null(out.data);
    }
}

static void no_samples_is_refused(void **state)
{
    struct tb_decode_reply r = good;
    uint8_t bytes[TB_DECODE_HEADER];
    struct tb_decode_info info;
    struct tb_pcm out;

    (void)state;
    tb_decode_reply_header(bytes, &r);
    assert_int_equal(tb_decode_reply_parse(bytes, sizeof bytes, &out, &info, NULL), TB_EAUDIO_DECODE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_reply_is_read),        cmocka_unit_test(samples_are_made_harmless),
        cmocka_unit_test(failures_carry_their_text),   cmocka_unit_test(text_is_cleaned_and_cut),
        cmocka_unit_test(every_other_length_is_refused), cmocka_unit_test(impossible_fields_are_refused),
        cmocka_unit_test(no_samples_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
