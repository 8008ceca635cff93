/* test_data_url.c - every accepted spelling, every truncation, and texts that say what is wrong where. */
#include "voices/data_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

static enum tb_code decode(const char *url, struct tb_bytes *out, struct tb_error *err)
{
    return tb_data_url_decode(tb_str_of(url), out, err);
}

static void every_accepted_spelling(void **state)
{
    static const char *const urls[] = {
        "data:audio/wav;base64,Zm9vYg==",
        "DATA:audio/mpeg;BASE64,Zm9vYg==",
        "Data:;base64,Zm9vYg",
        "data:audio/mp4;charset=utf-8;base64,Zm9vYg==",
        "data:audio/wav;codecs=\"1\";rate=24000;Base64,Zm9vYg==",
        "data:application/octet-stream;base64,Zm9v\r\nYg==",
        "data:;base64;base64,Zm9vYg==",
    };

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct tb_bytes out = { 0 };

        assert_true(tb_data_url_is(tb_str_of(urls[i])));
        assert_int_equal(decode(urls[i], &out, NULL), TB_OK);
        assert_string_equal((char *)out.data, "foob");
        tb_bytes_free(&out);
    }
    assert_false(tb_data_url_is(TB_STR("dat")));
    assert_false(tb_data_url_is(TB_STR("http://data:")));
    assert_false(tb_data_url_is((struct tb_str){ NULL, 0 }));
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *url, *says;
    } bad[] = {
        { "", "not a data URL" },
        { "http://example.com/a.wav", "not a data URL" },
        { "data:", "no comma" },
        { "data:audio/wav;base64", "no comma" },
        { "data:audio/wav,Zm9v", "no \";base64\"" },
        { "data:audio/wav;base64;charset=x,Zm9v", "no \";base64\"" },
        { "data:base64,Zm9v", "no \";base64\"" },
        { "data:,Zm9v", "no \";base64\"" },
        { "data:audio/wav;base6,Zm9v", "no \";base64\"" },
        { "data:audio/wav;base64,Zm9_", "0x5f at 3" },
        { "data:audio/wav;base64,Zm-v", "0x2d at 2" },
        { "data:audio/wav;base64,Zm%2Bv", "0x25 at 2" },
        { "data:audio/wav;base64,Zm9vY", "ends badly at 5 of 5" },
        { "data:audio/wav;base64,Zg==Zg==", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tb_bytes out = { 0 };
        struct tb_error err = { 0 };

        tb_bytes_addz(&out, "kept");
        assert_int_equal(decode(bad[i].url, &out, &err), TB_EINVAL);
        if (!strstr(err.text, bad[i].says) || !strstr(err.text, "audio.data"))
            fail_msg("%s: '%s'", bad[i].url, err.text);
        assert_string_equal((char *)out.data, "kept");
        tb_bytes_free(&out);
    }
}

static void each_truncation_is_clean(void **state)
{
    static const char whole[] = "data:audio/wav;charset=utf-8;base64,UklGRiQAAABXQVZF";

    (void)state;
    for (size_t n = 0; n < sizeof whole; n++) {
        char *copy = malloc(n ? n : 1); /* exact size, so that ASan sees a read past the end */
        struct tb_bytes out = { 0 };
        struct tb_error err = { 0 };

        memcpy(copy, whole, n);
        if (tb_data_url_decode((struct tb_str){ copy, n }, &out, &err))
            assert_true(err.text[0] && out.size == 0);
        else
            assert_true(n >= 36);
        tb_bytes_free(&out);
        free(copy);
    }
}

/* The head, then n times 'A'. */
static enum tb_code decode_sized(const char *head, size_t n, size_t *size, struct tb_error *err)
{
    struct tb_bytes url = { 0 }, out = { 0 };
    enum tb_code rc;

    tb_bytes_addz(&url, head);
    assert_int_equal(tb_bytes_reserve(&url, n), TB_OK);
    memset(url.data + url.size, 'A', n);
    url.size += n;
    rc = tb_data_url_decode(tb_bytes_str(&url), &out, err);
    *size = out.size;
    tb_bytes_free(&url);
    tb_bytes_free(&out);
    return rc;
}

static void the_caps_are_exact(void **state)
{
    struct tb_error err;
    size_t size;
    char head[TB_MAX_DATA_URL_HEAD + 16];

    (void)state;
    assert_int_equal(decode_sized("data:audio/wav;base64,", TB_MAX_AUDIO_BASE64, &size, &err), TB_OK);
    assert_int_equal(size, TB_MAX_AUDIO_BASE64 / 4 * 3);
    assert_int_equal(decode_sized("data:audio/wav;base64,", TB_MAX_AUDIO_BASE64 + 1, &size, &err), TB_ETOOBIG);
    assert_non_null(strstr(err.text, "10485761 characters of base64, at most 10485760"));
    assert_int_equal(size, 0);

    memset(head, 'x', sizeof head);
    memcpy(head, "data:", 5);
    strcpy(head + TB_MAX_DATA_URL_HEAD - 8, ";base64,"); /* its comma is the last character looked at */
    assert_int_equal(decode_sized(head, 4, &size, &err), TB_OK);
    strcpy(head + TB_MAX_DATA_URL_HEAD - 8, "x;base64,");
    assert_int_equal(decode_sized(head, 4, &size, &err), TB_EINVAL);
    assert_non_null(strstr(err.text, "no comma"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_accepted_spelling),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(each_truncation_is_clean),
        cmocka_unit_test(the_caps_are_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
