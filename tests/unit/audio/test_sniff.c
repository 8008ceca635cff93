/* test_sniff.c - magic numbers, tags in front, and beginnings that are too short to tell. */
#include "audio/sniff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    struct tb_str bytes;
    enum tb_container want;
} cases[] = {
    { { "RIFF\x24\0\0\0WAVEfmt ", 16 }, TB_CONTAINER_WAV },
    { { "RF64\xff\xff\xff\xffWAVEds64", 16 }, TB_CONTAINER_WAV },
    { { "RIFF\x24\0\0\0AVI LIST", 16 }, TB_CONTAINER_OTHER },
    { { "RIFF\x24\0\0\0WEBPVP8 ", 16 }, TB_CONTAINER_UNKNOWN },
    { { "OggS\0\2", 6 }, TB_CONTAINER_OTHER },
    { { "fLaC\0\0\0\x22", 8 }, TB_CONTAINER_OTHER },
    { { "#!AMR\n", 6 }, TB_CONTAINER_OTHER },
    { { "#!AMR-WB\n", 9 }, TB_CONTAINER_OTHER },
    { { "\x1a\x45\xdf\xa3\x01", 5 }, TB_CONTAINER_OTHER },
    { { "FORM\0\0\0\x20" "AIFC", 12 }, TB_CONTAINER_OTHER },
    { { "\0\0\0\x20" "ftypM4A ", 12 }, TB_CONTAINER_MP4 },
    { { "\0\0\0\x20" "moov", 8 }, TB_CONTAINER_MP4 },
    { { "\xff\xfb\x90\x64", 4 }, TB_CONTAINER_MP3 },
    { { "\xff\xe3\x18\xc4", 4 }, TB_CONTAINER_MP3 },
    { { "\xff\xf1\x50\x80", 4 }, TB_CONTAINER_ADTS },
    { { "\xff\xf9\x50\x80", 4 }, TB_CONTAINER_ADTS },
    { { "ID3\4\0\0\0\0\0\2xx\xff\xfb", 14 }, TB_CONTAINER_MP3 },
    { { "ID3\4\0\0\0\0\0\2xx\xff\xf1", 14 }, TB_CONTAINER_ADTS },
    { { "ID3\4\0\0\0\0\0\2xx" "fLaC", 16 }, TB_CONTAINER_OTHER },
    { { "ID3\4\0\x10\0\0\0\0" "3DI\4\0\x10\0\0\0\0\xff\xf1", 22 }, TB_CONTAINER_ADTS },
    { { "ID3\4\0\0\x7f\x7f\x7f\x7fxx\xff\xfb", 14 }, TB_CONTAINER_MP3 }, /* a tag longer than the file */
    { { "ID3\4\0\0\xff\0\0\0xx", 12 }, TB_CONTAINER_MP3 },
    { { "hello, world", 12 }, TB_CONTAINER_UNKNOWN },
    { { "\xff\xff\xff\xff", 4 }, TB_CONTAINER_MP3 },
    { { "\0\0\0\0\0\0\0\0\0\0\0\0", 12 }, TB_CONTAINER_UNKNOWN },
    { { "", 0 }, TB_CONTAINER_UNKNOWN },
};

static void kinds_are_told_by_content(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tb_sniff s = tb_sniff(cases[i].bytes);

        if (s.container != cases[i].want)
            fail_msg("case %zu: %s (%d), not %d", i, s.name, (int)s.container, (int)cases[i].want);
        assert_non_null(s.name);
    }
}

/* On the heap and cut to size, so that the sanitizer sees a read past the end. */
static void every_beginning_is_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t n = 0; n <= cases[i].bytes.n; n++) {
            char *cut = malloc(n ? n : 1);

            memcpy(cut, cases[i].bytes.p, n);
            assert_non_null(tb_sniff((struct tb_str){ cut, n }).name);
            free(cut);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_told_by_content),
        cmocka_unit_test(every_beginning_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
