/* test_decode.c - recordings of every kind through the real decoder processes: values, limits, garbage, cut files;
 * and decoders that misbehave. M4A and AAC files are made by the ffmpeg program; without it those tests say so. */
#include "audio/decode.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sndfile.h>

#include "audio/encode.h"
#include "base/clock.h"
#include "base/limits.h"

static const double HZ = 440;

/* A file that libsndfile writes: the left channel is a sine of 0.5, the others are silent. */
static struct tb_bytes sound_file(int format, int rate, int channels, size_t len)
{
    SF_INFO info = { .samplerate = rate, .channels = channels, .format = format };
    float *x = calloc(len * (size_t)channels, sizeof *x);
    struct tb_bytes out = { 0 };
    struct stat st;
    char path[] = "/tmp/timbre-test-XXXXXX";
    int fd = mkstemp(path);
    SNDFILE *file;

    unlink(path);
    file = sf_open_fd(fd, SFM_WRITE, &info, 0);
    assert_non_null(file);
    for (size_t i = 0; i < len; i++)
        x[i * (size_t)channels] = 0.5f * (float)sin(2 * M_PI * HZ * (double)i / rate);
    assert_int_equal(sf_writef_float(file, x, (sf_count_t)len), len);
    sf_close(file);
    free(x);
    fstat(fd, &st);
    assert_int_equal(tb_bytes_reserve(&out, (size_t)st.st_size), TB_OK);
    out.size = (size_t)pread(fd, out.data, (size_t)st.st_size, 0);
    close(fd);
    return out;
}

static struct tb_bytes encoded(enum tb_format format, uint32_t rate, size_t len)
{
    struct tb_encode_config config = { format, rate, rate, 64 };
    struct tb_bytes out = { 0 };
    struct tb_encoder *e;
    float *x = calloc(len, sizeof *x);

    for (size_t i = 0; i < len; i++)
        x[i] = 0.5f * (float)sin(2 * M_PI * HZ * (double)i / rate);
    assert_int_equal(tb_encoder_open(&config, &e, NULL), TB_OK);
    assert_int_equal(tb_encoder_feed(e, x, len, &out, NULL), TB_OK);
    assert_int_equal(tb_encoder_finish(e, &out, NULL), TB_OK);
    tb_encoder_close(e);
    free(x);
    return out;
}

/* What ffmpeg makes of a 2 s sine of level 0.5 at 48 kHz; empty when there is no ffmpeg. */
static struct tb_bytes made_by_ffmpeg(const char *options, const char *extension)
{
    char command[512], path[64];
    struct tb_bytes out = { 0 };
    FILE *f;

    snprintf(path, sizeof path, "/tmp/timbre-test-%d.%s", (int)getpid(), extension);
    snprintf(command, sizeof command,
             "ffmpeg -nostdin -v quiet -y -f lavfi -i 'aevalsrc=0.5*sin(2*PI*440*t):s=48000:d=2' %s %s 2>/dev/null",
             options, path);
    if (system(command) != 0)
        return out;
    f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(tb_bytes_reserve(&out, 1 << 20), TB_OK);
    out.size = fread(out.data, 1, 1 << 20, f);
    fclose(f);
    unlink(path);
    return out;
}

/* Level of the sine in the middle half. */
static double level_of(const struct tb_pcm *p)
{
    double c = 0, s = 0;

    for (size_t i = p->len / 4; i < p->len / 4 * 3; i++) {
        c += p->data[i] * cos(2 * M_PI * HZ * (double)i / p->rate);
        s += p->data[i] * sin(2 * M_PI * HZ * (double)i / p->rate);
    }
    return 2 * hypot(c, s) / (double)(p->len / 4 * 3 - p->len / 4);
}

static enum tb_code decode(const struct tb_bytes *b, struct tb_pcm *out, struct tb_decode_info *info)
{
    struct tb_error err = { 0 };
    enum tb_code rc = tb_decode(HELPER_DIR, tb_bytes_str(b), out, info, &err);

    if (rc) {
        assert_null(out->data);
        assert_true(err.text[0]);
    }
    return rc;
}

static void wav_of_every_depth_and_width(void **state)
{
    static const int depths[] = { SF_FORMAT_PCM_U8, SF_FORMAT_PCM_16, SF_FORMAT_PCM_24, SF_FORMAT_PCM_32,
                                  SF_FORMAT_FLOAT,  SF_FORMAT_DOUBLE, SF_FORMAT_ULAW,   SF_FORMAT_ALAW };
    static const int widths[] = { 1, 2, 8 }, rates[] = { 8000, 24000, 44100, 192000 };
    int n = 0;

    (void)state;
    for (size_t d = 0; d < 8; d++)
        for (size_t w = 0; w < 3; w++, n++) {
            int rate = rates[n % 4], family = n % 5 == 4 ? SF_FORMAT_RF64 : n % 2 ? SF_FORMAT_WAVEX : SF_FORMAT_WAV;
            struct tb_bytes file = sound_file(family | depths[d], rate, widths[w], 20000);
            struct tb_decode_info info;
            struct tb_pcm out;

            assert_int_equal(decode(&file, &out, &info), TB_OK);
            assert_int_equal(out.len, 20000);
            assert_int_equal(out.rate, rate);
            assert_int_equal(info.rate, rate);
            assert_int_equal(info.channels, widths[w]);
            assert_string_equal(info.container, "WAV");
            assert_false(info.cut);
            assert_true(fabs(info.seconds - 20000.0 / rate) < 1e-6);
            assert_true(fabs(level_of(&out) * widths[w] - 0.5) < 0.01);
            tb_pcm_free(&out);
            tb_bytes_free(&file);
        }
}

static void our_own_streams_are_read(void **state)
{
    struct tb_bytes file = encoded(TB_FORMAT_WAV, 24000, 24000);
    struct tb_decode_info info;
    struct tb_pcm out;

    (void)state;
    assert_int_equal(decode(&file, &out, &info), TB_OK); /* a header of unknown length */
    assert_int_equal(out.len, 24000);
    tb_pcm_free(&out);
    tb_bytes_free(&file);
    for (int i = 0; i < 2; i++) {
        struct tb_bytes tagged = { 0 };

        file = encoded(TB_FORMAT_MP3, i ? 48000 : 24000, 96000);
        assert_int_equal(tb_bytes_add(&tagged, "ID3\4\0\0\0\0\1\0", 10), TB_OK);
        for (int k = 0; k < 128; k++)
            assert_int_equal(tb_bytes_add(&tagged, "\0", 1), TB_OK);
        assert_int_equal(tb_bytes_add(&tagged, file.data, file.size), TB_OK);
        assert_int_equal(decode(i ? &tagged : &file, &out, &info), TB_OK);
        assert_string_equal(info.container, "MP3");
        assert_int_equal(info.rate, i ? 48000 : 24000);
        assert_true(out.len >= 96000 && out.len < 96000 + 4 * 1152);
        assert_true(fabs(level_of(&out) - 0.5) < 0.04);
        tb_pcm_free(&out);
        tb_bytes_free(&tagged);
        tb_bytes_free(&file);
    }
}

static const struct {
    const char *options, *extension, *container;
    double slack; /* s */
    unsigned channels;
} by_ffmpeg[] = {
    { "-c:a aac -b:a 96k", "m4a", "M4A", 0.03, 1 },
    { "-c:a aac -b:a 96k -movflags +faststart", "m4a", "M4A", 0.03, 1 },
    { "-c:a aac -b:a 96k -ac 2 -af volume=2", "mp4", "M4A", 0.03, 2 },
    { "-c:a aac -b:a 96k -movflags frag_keyframe+empty_moov", "mp4", "M4A", 0.06, 1 },
    { "-c:a alac", "m4a", "M4A", 0.001, 1 },
    { "-c:a aac -b:a 96k -f adts", "aac", "AAC", 0.06, 1 },
};

static void m4a_and_aac_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof by_ffmpeg / sizeof *by_ffmpeg; i++) {
        struct tb_bytes file = made_by_ffmpeg(by_ffmpeg[i].options, by_ffmpeg[i].extension);
        struct tb_decode_info info;
        struct tb_pcm out;

        if (!file.size) {
            printf("skipped: M4A and AAC, since the ffmpeg program is not there\n");
            return;
        }
        assert_int_equal(decode(&file, &out, &info), TB_OK);
        assert_string_equal(info.container, by_ffmpeg[i].container);
        assert_int_equal(info.rate, 48000);
        assert_int_equal(info.channels, by_ffmpeg[i].channels);
        assert_true(fabs(info.seconds - 2) <= by_ffmpeg[i].slack);
        assert_true(level_of(&out) > 0.45);
        tb_pcm_free(&out);
        tb_bytes_free(&file);
    }
}

static void what_is_not_taken_is_named(void **state)
{
    struct tb_bytes files[5] = { encoded(TB_FORMAT_OPUS, 24000, 24000),
                                 sound_file(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 24000, 1, 24000),
                                 sound_file(SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 24000, 1, 24000),
                                 sound_file(SF_FORMAT_WAV | SF_FORMAT_MS_ADPCM, 24000, 1, 24000),
                                 made_by_ffmpeg("-c:a ac3", "mp4") };

    (void)state;
    for (int i = 0; i < 5; i++) {
        struct tb_pcm out;

        if (files[i].size)
            assert_int_equal(decode(&files[i], &out, NULL), TB_EAUDIO_FORMAT);
        else
            printf("skipped: AC-3 in MP4, since the ffmpeg program is not there\n");
        tb_bytes_free(&files[i]);
    }
}

static void garbage_is_answered(void **state)
{
    static const struct tb_str fronts[] = { { "", 0 },
                                            { "RIFF\xff\xff\0\0WAVE", 12 },
                                            { "RIFF\xff\xff\0\0WAVEfmt \x10\0\0\0\1\0\1\0", 24 },
                                            { "ID3\4\0\0\0\0\0\0", 10 },
                                            { "\xff\xfb\x90\x64", 4 },
                                            { "\xff\xf1\x50\x80", 4 },
                                            { "\0\0\0\x20" "ftypM4A \0\0\0\0", 16 },
                                            { "\0\0\x20\0" "moov\0\0\0\x6cmvhd", 16 } };
    uint32_t seed = 7;

    (void)state;
    for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++) {
        struct tb_bytes file = { 0 };
        struct tb_pcm out;

        assert_int_equal(tb_bytes_add(&file, fronts[i].p, fronts[i].n), TB_OK);
        for (int k = 0; k < 30000; k++) {
            uint8_t byte = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 25); /* below 0x80: no frame begins */

            assert_int_equal(tb_bytes_add(&file, &byte, 1), TB_OK);
        }
        assert_int_equal(decode(&file, &out, NULL), TB_EAUDIO_DECODE);
        file.size = fronts[i].n;
        assert_int_equal(decode(&file, &out, NULL), TB_EAUDIO_DECODE);
        tb_bytes_free(&file);
    }
}

/* A file cut off at every hundredth: less sound or an error, but always an answer. */
static void cut_files_are_answered(void **state)
{
    enum { INDEX_LAST = 2 };
    struct tb_bytes files[5] = { sound_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 24000, 1, 12000),
                                 encoded(TB_FORMAT_MP3, 24000, 24000),
                                 made_by_ffmpeg("-c:a aac -b:a 96k", "m4a"),
                                 made_by_ffmpeg("-c:a aac -b:a 96k -movflags +faststart", "m4a"),
                                 made_by_ffmpeg("-c:a aac -b:a 96k -f adts", "aac") };

    (void)state;
    for (int f = 0; f < 5; f++) {
        size_t whole = files[f].size;
        int good = 0;

        if (!whole) {
            printf("skipped: cut M4A and AAC, since the ffmpeg program is not there\n");
            continue;
        }
        for (int percent = 0; percent < 100; percent++) {
            struct tb_pcm out;
            enum tb_code rc;

            files[f].size = whole * (size_t)percent / 100;
            rc = decode(&files[f], &out, NULL);
            assert_true(rc == TB_OK || rc == TB_EAUDIO_DECODE);
            good += rc == TB_OK;
            tb_pcm_free(&out);
        }
        if (f == INDEX_LAST)
            assert_int_equal(good, 0); /* nothing can be told without the index at the end */
        else
            assert_true(good > 80);
        tb_bytes_free(&files[f]);
    }
}

static void decoding_stops_past_a_minute(void **state)
{
    static const int seconds[] = { 60, 62, 200 };

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct tb_bytes file = sound_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 24000, 1, 24000 * (size_t)seconds[i]);
        struct tb_decode_info info;
        struct tb_pcm out;

        assert_int_equal(decode(&file, &out, &info), TB_OK);
        assert_int_equal(out.len, 24000 * (seconds[i] == 60 ? 60 : 61));
        assert_int_equal(info.cut, seconds[i] > 61);
        tb_pcm_free(&out);
        tb_bytes_free(&file);
    }
}

static void limits_are_kept(void **state)
{
    struct tb_bytes file = sound_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 24000, 9, 1000);
    uint32_t lie = 1000000;
    struct tb_pcm out;

    (void)state;
    assert_int_equal(decode(&file, &out, NULL), TB_EAUDIO_DECODE); /* nine channels */
    tb_bytes_free(&file);
    file = sound_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 24000, 1, 1000);
    memcpy(file.data + 24, &lie, 4);
    assert_int_equal(decode(&file, &out, NULL), TB_EAUDIO_DECODE); /* a megahertz */
    tb_bytes_free(&file);
    file = sound_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 24000, 1, TB_MAX_AUDIO_FILE / 2);
    assert_true(file.size > TB_MAX_AUDIO_FILE);
    assert_int_equal(decode(&file, &out, NULL), TB_ETOOBIG);
    file.size = TB_MAX_AUDIO_FILE;
    assert_int_equal(decode(&file, &out, NULL), TB_OK);
    tb_pcm_free(&out);
    tb_bytes_free(&file);
}

/* The answer to a file that lies must be an error of the file or sound within the limits, and come soon. */
static enum tb_code survives(const struct tb_bytes *file)
{
    int64_t began = tb_mono_us();
    struct tb_decode_info info;
    struct tb_pcm out;
    enum tb_code rc = decode(file, &out, &info);

    assert_true(rc == TB_OK || rc == TB_EAUDIO_DECODE || rc == TB_EAUDIO_FORMAT);
    assert_true(tb_mono_us() - began < (int64_t)TB_DECODE_WALL_MS * 2000); /* it is killed, if not sooner */
    for (size_t i = 0; i < out.len; i++)
        assert_true(out.data[i] >= -1 && out.data[i] <= 1); /* and no NaN */
    assert_true(rc || (info.seconds <= TB_MAX_AUDIO_SECONDS + 1.01 && out.len <= TB_MAX_DECODED_SAMPLES));
    tb_pcm_free(&out);
    return rc;
}

static void headers_that_lie(void **state)
{
    static const uint32_t lies[] = { 0, 1, 3, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
    static const size_t places[] = { 4, 16, 20, 24, 28, 32, 34, 40 }; /* RIFF, fmt and data sizes, and all between */
    struct tb_bytes file = sound_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 24000, 1, 6000);
    struct tb_bytes id3 = { 0 };

    (void)state;
    for (size_t p = 0; p < sizeof places / sizeof *places; p++)
        for (size_t l = 0; l < sizeof lies / sizeof *lies; l++) {
            uint8_t kept[4];

            memcpy(kept, file.data + places[p], 4);
            memcpy(file.data + places[p], &lies[l], 4);
            survives(&file);
            memcpy(file.data + places[p], kept, 4);
        }
    tb_bytes_free(&file);
    file = encoded(TB_FORMAT_MP3, 24000, 24000);
    for (int k = 0; k < 4; k++) { /* a tag that is longer than it says, and one that never ends */
        static const char *const tags[] = { "ID3\4\0\0\0\0\0\1", "ID3\4\0\0\x7f\x7f\x7f\x7f",
                                            "ID3\4\0\0\xff\xff\xff\xff", "ID3\4\0\x10\0\0\1\0" };

        id3.size = 0;
        assert_int_equal(tb_bytes_add(&id3, tags[k], 10), TB_OK);
        assert_int_equal(tb_bytes_add(&id3, file.data, file.size), TB_OK);
        survives(&id3);
    }
    tb_bytes_free(&id3);
    tb_bytes_free(&file);
}

static void odd_rates_and_channels(void **state)
{
    static const uint16_t widths[] = { 0, 9, 64, 65535 };
    static const int rates[] = { 1, 768000 };
    struct tb_decode_info info;
    struct tb_bytes file;
    struct tb_pcm out;

    (void)state;
    for (int r = 0; r < 2; r++) {
        file = sound_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, rates[r], 1, 2000);
        assert_int_equal(decode(&file, &out, &info), TB_OK);
        assert_int_equal(info.rate, rates[r]);
        assert_int_equal(out.len, rates[r] == 1 ? 61 : 2000); /* 1 Hz: decoding stops past a minute */
        tb_pcm_free(&out);
        tb_bytes_free(&file);
    }
    for (int w = 0; w < 4; w++) {
        file = sound_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 24000, 1, 2000);
        memcpy(file.data + 22, &widths[w], 2);
        assert_int_equal(survives(&file), TB_EAUDIO_DECODE);
        tb_bytes_free(&file);
    }
    file = sound_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 24000, 64, 200); /* and 64 that are really there */
    assert_int_equal(survives(&file), TB_EAUDIO_DECODE);
    tb_bytes_free(&file);
}

static void floats_that_are_no_samples(void **state)
{
    const float odd[] = { NAN, -NAN, INFINITY, -INFINITY, 1e38F, -1e38F, 1e-45F, 2, -0.0F };
    struct tb_bytes file = sound_file(SF_FORMAT_WAV | SF_FORMAT_FLOAT, 24000, 1, 6000);
    size_t head = file.size - 6000 * sizeof(float);

    (void)state;
    for (size_t i = 0; i < 6000; i++)
        if (i % 3)
            memcpy(file.data + head + i * 4, &odd[i % 9], 4);
    assert_int_equal(survives(&file), TB_OK);
    tb_bytes_free(&file);
}

/* Where the box of this type keeps its contents; 0: there is none. */
static size_t box(const struct tb_bytes *file, const char *type)
{
    for (size_t i = 4; i + 20 < file->size; i++)
        if (memcmp(file->data + i, type, 4) == 0)
            return i + 4;
    return 0;
}

/* MP4 files that promise far more than they hold: tables of four thousand million entries, sizes and times at the end
 * of their ranges, and minutes of silence in some kilobytes. */
static void bombs_in_mp4(void **state)
{
    static const char *const boxes[] = { "stsz", "stts", "stsc", "stco", "mvhd", "mdhd", "stsd", "mp4a", "moov" };
    static const uint8_t fills[][4] = { { 0xff, 0xff, 0xff, 0xff }, { 0x7f, 0xff, 0xff, 0xff },
                                        { 0, 0xff, 0xff, 0xff } };
    struct tb_bytes file = made_by_ffmpeg("-c:a aac -b:a 32k", "m4a");
    struct tb_bytes silence = made_by_ffmpeg("-c:a aac -b:a 16k -ar 24000 -af volume=0,apad=whole_dur=200", "m4a");
    struct tb_decode_info info;
    struct tb_pcm out;

    (void)state;
    if (!file.size || !silence.size) {
        printf("skipped: MP4 bombs, since the ffmpeg program is not there\n");
        return;
    }
    for (size_t b = 0; b < sizeof boxes / sizeof *boxes; b++)
        for (size_t f = 0; f < sizeof fills / sizeof *fills; f++) {
            size_t at = box(&file, boxes[b]), word = 4 * (f % 3); /* entries, sizes, times: whatever stands there */
            uint8_t kept[16];

            assert_true(at > 0);
            memcpy(kept, file.data + at, sizeof kept);
            for (size_t w = word; w <= 12; w += 4)
                memcpy(file.data + at + w, fills[f], 4);
            survives(&file);
            memcpy(file.data + at, kept, sizeof kept);
            memcpy(kept, file.data + at - 8, 4); /* and the box's own length */
            memcpy(file.data + at - 8, fills[f], 4);
            survives(&file);
            memcpy(file.data + at - 8, kept, 4);
        }
    assert_int_equal(decode(&silence, &out, &info), TB_OK);
    assert_true(info.cut && silence.size < 100000);
    tb_pcm_free(&out);
    tb_bytes_free(&silence);
    tb_bytes_free(&file);
}

static int open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* Decoders that are shell scripts, and what must come of each. */
static void decoders_that_misbehave(void **state)
{
    static const struct {
        const char *script;
        enum tb_code want;
        const char *text;
    } fakes[] = {
        { "exit 3", TB_EIO, "exit code 3" },
        { "exec 0<&- ; exit 0", TB_EIO, "no reply" }, /* reads nothing of a long file */
        { "cat >/dev/null; echo hello", TB_EAUDIO_DECODE, "broken" },
        { "cat >/dev/null; kill -SEGV $$", TB_EAUDIO_DECODE, "signal 11" },
        { "cat >/dev/null; kill -XCPU $$", TB_EAUDIO_DECODE, "processor time" },
        { "cat", TB_EAUDIO_DECODE, "broken" },
        { "exec cat /dev/zero", TB_EAUDIO_DECODE, "more than" },
        { "exec <&- >&-; exec sleep 600", TB_EAUDIO_DECODE, "processor time" }, /* closes its end and lives on */
    };
    struct tb_bytes file = sound_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 24000, 1, 2000000);
    char dir[] = "/tmp/timbre-test-XXXXXX", path[64];
    int before = open_files();
    struct tb_error err;
    struct tb_pcm out;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/timbre-decode", dir);
    assert_int_equal(tb_decode(dir, tb_bytes_str(&file), &out, NULL, &err), TB_EIO);
    assert_non_null(strstr(err.text, "cannot run"));
    for (size_t i = 0; i < sizeof fakes / sizeof *fakes; i++) {
        FILE *f = fopen(path, "we");

        fprintf(f, "#!/bin/sh\nPATH=/usr/bin:/bin\n%s\n", fakes[i].script);
        fclose(f);
        chmod(path, 0700);
        assert_int_equal(tb_decode(dir, tb_bytes_str(&file), &out, NULL, &err), fakes[i].want);
        if (!strstr(err.text, fakes[i].text))
            fail_msg("%s: %s", fakes[i].script, err.text);
        assert_null(out.data);
    }
    unlink(path);
    rmdir(dir);
    tb_bytes_free(&file);
    assert_int_equal(open_files(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    assert_int_equal(errno, ECHILD);
}

static void *decode_ten_times(void *arg)
{
    for (int i = 0; i < 10; i++) {
        struct tb_pcm out;

        if (tb_decode(HELPER_DIR, tb_bytes_str(arg), &out, NULL, NULL) || out.len != 240000)
            return arg;
        tb_pcm_free(&out);
    }
    return NULL;
}

static void many_threads_decode_at_once(void **state)
{
    struct tb_bytes file = sound_file(SF_FORMAT_WAV | SF_FORMAT_PCM_24, 24000, 1, 240000);
    int before = open_files();
    pthread_t threads[8];
    void *failed;

    (void)state;
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, decode_ten_times, &file), 0);
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(open_files(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    tb_bytes_free(&file);
}

/* The walls differ from machine to machine, but what stands is said, and nothing gets through where seccomp stands. */
static void the_sandbox_reports_itself(void **state)
{
    static const char *const programs[] = { "timbre-decode", "timbre-decode-aac" };

    (void)state;
    for (int i = 0; i < 2; i++) {
        char command[512], said[1024];
        FILE *f;

        snprintf(command, sizeof command, "%s/%s --self-test", HELPER_DIR, programs[i]);
        f = popen(command, "r");
        said[fread(said, 1, sizeof said - 1, f)] = '\0';
        pclose(f);
        assert_non_null(strstr(said, "formats "));
        assert_non_null(strstr(said, "limits   on"));
        if (strstr(said, "seccomp  on"))
            assert_non_null(strstr(said, "escape   none"));
        else
            printf("skipped: seccomp is not there, so nothing is said about escapes\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wav_of_every_depth_and_width), cmocka_unit_test(our_own_streams_are_read),
        cmocka_unit_test(m4a_and_aac_are_read),         cmocka_unit_test(what_is_not_taken_is_named),
        cmocka_unit_test(garbage_is_answered),          cmocka_unit_test(cut_files_are_answered),
        cmocka_unit_test(decoding_stops_past_a_minute), cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(headers_that_lie),             cmocka_unit_test(odd_rates_and_channels),
        cmocka_unit_test(floats_that_are_no_samples),   cmocka_unit_test(bombs_in_mp4),
        cmocka_unit_test(decoders_that_misbehave),      cmocka_unit_test(many_threads_decode_at_once),
        cmocka_unit_test(the_sandbox_reports_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
