/* test_encode.c - what the encoder wrote, read again by libsndfile: length, level and pitch of a sine for each format
 * and rate; independence of how the samples were cut; the limiter; odd use. */
#include "audio/encode.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <sndfile.h>

static const uint32_t rates[] = { 8000, 16000, 22050, 24000, 44100, 48000 };
enum { RATES = sizeof rates / sizeof *rates, IN_RATE = 24000, IN_LEN = 36001 };
static const double HZ = 440, LEVEL = 0.5;

static float *sine(float level)
{
    float *x = malloc(IN_LEN * sizeof *x);

    assert_non_null(x);
    for (int i = 0; i < IN_LEN; i++)
        x[i] = level * (float)sin(2 * M_PI * HZ * i / IN_RATE);
    return x;
}

/* Feed in pieces of step, 2*step, 3*step... samples up to 7*step; 0: all at once. */
static struct tb_bytes encoded(enum tb_format format, uint32_t rate, unsigned kbps, const float *x, size_t len,
                               size_t step)
{
    struct tb_encode_config config = { format, IN_RATE, rate, kbps };
    struct tb_bytes out = { 0 };
    struct tb_encoder *e;
    struct tb_error err;
    size_t at = 0;

    assert_int_equal(tb_encoder_open(&config, &e, &err), TB_OK);
    for (size_t i = 0; at < len; i++) {
        size_t n = step ? step * (i % 7 + 1) : len;

        n = n < len - at ? n : len - at;
        assert_int_equal(tb_encoder_feed(e, x + at, n, &out, &err), TB_OK);
        at += n;
    }
    assert_int_equal(tb_encoder_finish(e, &out, &err), TB_OK);
    tb_encoder_close(e);
    return out;
}

/* Read the bytes as a file of any kind that libsndfile knows. Release with free(). */
static float *read_back(const struct tb_bytes *bytes, SF_INFO *info, size_t *len)
{
    int fd = memfd_create("encoded", MFD_CLOEXEC);
    SNDFILE *file;
    float *x;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes->data, bytes->size), bytes->size);
    lseek(fd, 0, SEEK_SET);
    memset(info, 0, sizeof *info);
    file = sf_open_fd(fd, SFM_READ, info, 1);
    assert_non_null(file);
    assert_int_equal(info->channels, 1);
    x = calloc(400000, sizeof *x);
    *len = (size_t)sf_readf_float(file, x, 400000);
    sf_close(file);
    return x;
}

/* Level of the sine in the middle half by least squares, and *noise: what is left without it, relative to it. */
static double level_of(const float *x, size_t len, uint32_t rate, double *noise)
{
    double xc = 0, xs = 0, cc = 0, ss = 0, cs = 0, all = 0, a, b, d;

    for (size_t i = len / 4; i < len / 4 * 3; i++) {
        double c = cos(2 * M_PI * HZ * (double)i / rate), s = sin(2 * M_PI * HZ * (double)i / rate);

        xc += x[i] * c;
        xs += x[i] * s;
        cc += c * c;
        ss += s * s;
        cs += c * s;
        all += (double)x[i] * x[i];
    }
    d = cc * ss - cs * cs;
    a = (xc * ss - xs * cs) / d;
    b = (xs * cc - xc * cs) / d;
    *noise = sqrt(fmax(0, all - a * xc - b * xs) / all);
    return hypot(a, b);
}

static void wav_keeps_length_level_and_pitch(void **state)
{
    float *x = sine((float)LEVEL);

    (void)state;
    for (int i = 0; i < RATES; i++) {
        struct tb_bytes out = encoded(TB_FORMAT_WAV, rates[i], 0, x, IN_LEN, 0);
        double want = (double)IN_LEN * rates[i] / IN_RATE, noise;
        SF_INFO info;
        size_t len;
        float *y = read_back(&out, &info, &len);

        assert_int_equal(info.samplerate, rates[i]);
        assert_true(fabs((double)len - want) <= 1);
        assert_true(fabs(level_of(y, len, rates[i], &noise) - LEVEL) < 0.001);
        assert_true(noise < 0.01);
        free(y);
        tb_bytes_free(&out);
    }
    free(x);
}

static void codecs_keep_length_level_and_pitch(void **state)
{
    float *x = sine((float)LEVEL);

    (void)state;
    for (int i = 0; i < RATES * 2; i++) {
        enum tb_format format = i < RATES ? TB_FORMAT_MP3 : TB_FORMAT_OPUS;
        uint32_t rate = rates[i % RATES];
        struct tb_bytes out = encoded(format, rate, 64, x, IN_LEN, 0);
        SF_INFO info;
        size_t len;
        float *y = read_back(&out, &info, &len);
        double seconds = (double)len / info.samplerate, want = (double)IN_LEN / IN_RATE, noise, level;

        /* MP3 has no place for its true length without tags: encoder delay in front, and a filled last frame. */
        if (format == TB_FORMAT_MP3) {
            double frame = rate >= 32000 ? 1152.0 / rate : 576.0 / rate;

            assert_int_equal(info.samplerate, rate);
            assert_true(seconds >= want && seconds <= want + 1105.0 / rate + 2 * frame);
        } else {
            assert_true(fabs(seconds - want) < 0.001);
        }
        level = level_of(y, len, (uint32_t)info.samplerate, &noise);
        assert_true(level > LEVEL * 0.93 && level < LEVEL * 1.03); /* LAME keeps 5 % of headroom */
        assert_true(noise < 0.1);
        free(y);
        tb_bytes_free(&out);
    }
    free(x);
}

static void cutting_changes_no_byte(void **state)
{
    static const enum tb_format formats[] = { TB_FORMAT_PCM, TB_FORMAT_WAV, TB_FORMAT_MP3 };
    static const size_t steps[] = { 1, 37, 960, 5000 };
    float *x = sine(0.8f);

    (void)state;
    for (int f = 0; f < 3; f++)
        for (int r = 0; r < RATES; r++) {
            struct tb_bytes whole = encoded(formats[f], rates[r], 64, x, IN_LEN, 0);

            for (int s = r == 0 ? 0 : 1; s < 4; s++) {
                struct tb_bytes cut = encoded(formats[f], rates[r], 64, x, IN_LEN, steps[s]);

                assert_int_equal(cut.size, whole.size);
                assert_memory_equal(cut.data, whole.data, whole.size);
                tb_bytes_free(&cut);
            }
            tb_bytes_free(&whole);
        }
    free(x);
}

static void pcm_is_exact_and_limited_without_wrapping(void **state)
{
    static const float quiet[] = { 0, 0.5f, -0.5f, 0.8f, -0.97f, NAN, 0.1f };
    static const float loud[] = { 0.9f, 1.5f, 100.0f, -1.0f, -100.0f, INFINITY, -INFINITY };
    enum { N = sizeof quiet / sizeof *quiet };
    struct tb_bytes out = encoded(TB_FORMAT_PCM, IN_RATE, 0, quiet, N, 0);
    int16_t y[N];

    (void)state;
    assert_int_equal(out.size, sizeof y);
    memcpy(y, out.data, sizeof y);
    for (int i = 0; i < N; i++)
        assert_int_equal(y[i], isnan(quiet[i]) ? 0 : lrintf(quiet[i] * 32767));
    tb_bytes_free(&out);
    out = encoded(TB_FORMAT_PCM, IN_RATE, 0, loud, N, 0);
    assert_int_equal(out.size, sizeof y);
    memcpy(y, out.data, sizeof y);
    for (int i = 0; i < N; i++)
        assert_true(abs(y[i]) <= 32200 && y[i] != 0 && (y[i] > 0) == (loud[i] > 0));
    tb_bytes_free(&out);
}

static void a_tone_over_full_scale_stays_a_tone(void **state)
{
    float *x = sine(1.9f);

    (void)state;
    for (int i = 0; i < RATES; i++) {
        struct tb_bytes out = encoded(TB_FORMAT_WAV, rates[i], 0, x, IN_LEN, 0);
        double noise, level;
        SF_INFO info;
        size_t len;
        float *y = read_back(&out, &info, &len);

        level = level_of(y, len, rates[i], &noise);
        print_message("  at %d Hz: %.3f of full scale, distorted by %.4f\n", (int)rates[i], level, noise);
        assert_true(level > 0.96 && level < 0.985);
        assert_true(noise < 0.01);
        free(y);
        tb_bytes_free(&out);
    }
    free(x);
}

static void a_wav_stream_begins_with_a_header_of_unknown_length(void **state)
{
    struct tb_encode_config config = { TB_FORMAT_WAV, IN_RATE, 16000, 0 };
    struct tb_bytes out = { 0 };
    struct tb_encoder *e;
    uint32_t n;

    (void)state;
    assert_int_equal(tb_encoder_open(&config, &e, NULL), TB_OK);
    assert_int_equal(tb_encoder_feed(e, NULL, 0, &out, NULL), TB_OK);
    assert_int_equal(out.size, 44);
    assert_memory_equal(out.data, "RIFF", 4);
    assert_memory_equal(out.data + 8, "WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data", 32);
    memcpy(&n, out.data + 40, 4);
    assert_true(n > 0x7fffff00 && n <= 0x7fffffff && n % 2 == 0);
    assert_int_equal(tb_encoder_finish(e, &out, NULL), TB_OK);
    assert_int_equal(out.size, 44);
    tb_encoder_close(e);
    tb_bytes_free(&out);
}

static void a_finished_wav_header_is_read_as_it_is(void **state)
{
    struct tb_bytes file = { 0 };
    uint8_t header[44];
    int16_t samples[100] = { 0 };
    SF_INFO info;
    size_t len;
    float *y;

    (void)state;
    tb_wav_header(header, 22050, sizeof samples);
    assert_int_equal(tb_bytes_add(&file, header, sizeof header), TB_OK);
    assert_int_equal(tb_bytes_add(&file, samples, sizeof samples), TB_OK);
    assert_int_equal(tb_bytes_add(&file, "trailing", 8), TB_OK);
    y = read_back(&file, &info, &len);
    assert_int_equal(info.samplerate, 22050);
    assert_int_equal(len, 100);
    free(y);
    tb_bytes_free(&file);
}

/* A listener must not wait for a second of sound before the first byte. */
static void codecs_give_their_first_bytes_early(void **state)
{
    float *x = sine(0.5f);

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct tb_encode_config config = { i ? TB_FORMAT_OPUS : TB_FORMAT_MP3, IN_RATE, 24000, 48 };
        struct tb_bytes out = { 0 };
        struct tb_encoder *e;

        assert_int_equal(tb_encoder_open(&config, &e, NULL), TB_OK);
        assert_int_equal(tb_encoder_feed(e, x, IN_RATE / 5, &out, NULL), TB_OK);
        assert_true(out.size > 600); /* 100 ms at 48 kbit/s */
        tb_encoder_close(e);         /* before its end: nothing may leak */
        tb_bytes_free(&out);
    }
    free(x);
}

static void bit_rates_go_to_the_nearest(void **state)
{
    static const unsigned wanted[] = { 6, 33, 128, 510 };
    float *x = sine(0.5f);

    (void)state;
    for (int i = 0; i < RATES; i++) {
        size_t sizes[2][4];

        for (int k = 0; k < 4; k++)
            for (int f = 0; f < 2; f++) {
                struct tb_bytes out = encoded(f ? TB_FORMAT_OPUS : TB_FORMAT_MP3, rates[i], wanted[k], x, IN_LEN, 0);

                sizes[f][k] = out.size;
                tb_bytes_free(&out);
            }
        for (int k = 1; k < 4; k++)
            for (int f = 0; f < 2; f++)
                assert_true(sizes[f][k] >= sizes[f][k - 1]);
        assert_true(sizes[0][3] > 2 * sizes[0][0]);
    }
    free(x);
}

static void almost_nothing_fed_is_still_a_stream(void **state)
{
    (void)state;
    for (int f = TB_FORMAT_PCM; f <= TB_FORMAT_OPUS; f++)
        for (size_t len = 0; len < 4; len++) {
            static const float silence[4];
            struct tb_bytes out = encoded((enum tb_format)f, 44100, 64, silence, len, 0);

            if (f == TB_FORMAT_PCM)
                assert_true(out.size % 2 == 0 && out.size <= 16);
            else
                assert_true(f == TB_FORMAT_MP3 || out.size >= 44);
            if (f == TB_FORMAT_OPUS) {
                SF_INFO info;
                size_t got;

                free(read_back(&out, &info, &got));
                assert_true(got <= 10);
            }
            tb_bytes_free(&out);
        }
}

static void what_cannot_be_is_refused(void **state)
{
    struct tb_encode_config config = { TB_FORMAT_PCM, IN_RATE, 11025, 64 };
    struct tb_encoder *e;
    struct tb_error err;

    (void)state;
    assert_int_equal(tb_encoder_open(&config, &e, &err), TB_EINVAL);
    assert_null(e);
    config = (struct tb_encode_config){ TB_FORMAT_MP3, IN_RATE, 24000, 5 };
    assert_int_equal(tb_encoder_open(&config, &e, &err), TB_EINVAL);
    config.bit_rate_kbps = 511;
    assert_int_equal(tb_encoder_open(&config, &e, &err), TB_EINVAL);
    config = (struct tb_encode_config){ TB_FORMAT_PCM, 0, 24000, 0 };
    assert_int_equal(tb_encoder_open(&config, &e, &err), TB_EINVAL);
    tb_encoder_close(NULL);
}

static void a_full_output_is_an_error(void **state)
{
    float *x = sine(0.5f);

    (void)state;
    for (int f = TB_FORMAT_PCM; f <= TB_FORMAT_OPUS; f++) {
        struct tb_encode_config config = { (enum tb_format)f, IN_RATE, 24000, 64 };
        struct tb_bytes out = { .cap = 10 };
        struct tb_encoder *e;

        assert_int_equal(tb_encoder_open(&config, &e, NULL), TB_OK);
        assert_int_equal(tb_encoder_feed(e, x, IN_LEN, &out, NULL), TB_ETOOBIG);
        tb_encoder_close(e);
        tb_bytes_free(&out);
    }
    free(x);
}

static void names_of_formats(void **state)
{
    enum tb_format f;

    (void)state;
    for (int i = TB_FORMAT_PCM; i <= TB_FORMAT_OPUS; i++) {
        assert_true(tb_format_from_name(tb_str_of(tb_format_name((enum tb_format)i)), &f));
        assert_int_equal(f, i);
    }
    assert_false(tb_format_from_name(TB_STR("flac"), &f));
    assert_false(tb_format_from_name(TB_STR(""), &f));
    assert_true(tb_encode_rate_ok(44100));
    assert_false(tb_encode_rate_ok(12345));
    assert_false(tb_encode_rate_ok(-8000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wav_keeps_length_level_and_pitch),
        cmocka_unit_test(codecs_keep_length_level_and_pitch),
        cmocka_unit_test(cutting_changes_no_byte),
        cmocka_unit_test(pcm_is_exact_and_limited_without_wrapping),
        cmocka_unit_test(a_tone_over_full_scale_stays_a_tone),
        cmocka_unit_test(a_wav_stream_begins_with_a_header_of_unknown_length),
        cmocka_unit_test(a_finished_wav_header_is_read_as_it_is),
        cmocka_unit_test(codecs_give_their_first_bytes_early),
        cmocka_unit_test(bit_rates_go_to_the_nearest),
        cmocka_unit_test(almost_nothing_fed_is_still_a_stream),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_full_output_is_an_error),
        cmocka_unit_test(names_of_formats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
