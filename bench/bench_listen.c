/* bench_listen.c - the transcript check, stage by stage, over many recordings: what tools/transcript evaluates and
 * fits.
 *
 *     bench_listen MODEL HELPERS < list    lines "FILE<tab>LANGUAGE<tab>TEXT", FILE being raw floats, mono, 16 kHz
 *     bench_listen MODEL HELPERS --phonemes < list    lines "LANGUAGE<tab>TEXT"
 *
 * Prints for each line, tab-separated: match, the TB_FIT_COUNT measures, microseconds for phonemes, ear and alignment;
 * or the phonemes. A line that cannot be done gives "error" and why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/kokoro/listen.h"
#include "tensor/cpu.h"

struct bench {
    struct tb_g2p *g2p;
    struct tb_listener listener;
    struct tb_pool *pool;
    char file[65536]; /* whose logs these are */
    float *logs;     /* [frames][TB_SOUNDS] */
    size_t frames;
    int64_t ear_us;
};

static void fail(const struct tb_error *err)
{
    printf("error\t%s\n", err->text);
}

static enum tb_code hear(struct bench *b, const char *file, struct tb_error *err)
{
    if (!strcmp(file, b->file))
        return TB_OK;
    FILE *f = fopen(file, "rb");
    if (!f)
        return tb_fail(err, TB_EIO, "%s cannot be read", file);
    fseek(f, 0, SEEK_END);
    size_t len = (size_t)ftell(f) / sizeof(float);
    rewind(f);
    float *wave = malloc(len * sizeof *wave + 1);
    len = wave ? fread(wave, sizeof *wave, len, f) : 0;
    fclose(f);
    b->frames = tb_ear_frames(len);
    free(b->logs);
    b->logs = malloc(b->frames * TB_SOUNDS * sizeof *b->logs);
    int64_t began = tb_mono_us();
    enum tb_code rc = wave && b->logs ? tb_ear_hear(b->listener.ear, b->pool, wave, len, b->logs, err) :
                                        tb_fail(err, TB_ENOMEM, "%s", file);
    b->ear_us = tb_mono_us() - began;
    free(wave);
    snprintf(b->file, sizeof b->file, "%s", rc ? "" : file);
    return rc;
}

static void compare(struct bench *b, const char *file, enum tb_lang lang, const char *text)
{
    struct tb_bytes phonemes = { 0 };
    struct tb_chain chain = { 0 };
    struct tb_error err = { 0 };
    float fit[TB_FIT_COUNT];
    int64_t began = tb_mono_us(), read_us, align_us;
    enum tb_code rc = tb_listener_phonemes(b->g2p, tb_str_of(text), lang, &phonemes, &err);

    read_us = tb_mono_us() - began;
    if (!rc && !(rc = tb_chain_make(tb_bytes_str(&phonemes), &chain, &err)))
        rc = hear(b, file, &err);
    began = tb_mono_us();
    if (!rc)
        rc = tb_listener_fit(&b->listener, b->logs, b->frames, &chain, fit, &err);
    align_us = tb_mono_us() - began;
    if (rc) {
        fail(&err);
    } else {
        printf("%.6f", (double)tb_listener_match(&b->listener, fit));
        for (int i = 0; i < TB_FIT_COUNT; i++)
            printf("\t%.5f", (double)fit[i]);
        printf("\t%lld\t%lld\t%lld\n", (long long)read_us, (long long)b->ear_us, (long long)align_us);
    }
    tb_chain_free(&chain);
    tb_bytes_free(&phonemes);
}

static void say_phonemes(struct bench *b, enum tb_lang lang, const char *text)
{
    struct tb_bytes phonemes = { 0 };
    struct tb_error err = { 0 };

    if (tb_listener_phonemes(b->g2p, tb_str_of(text), lang, &phonemes, &err))
        fail(&err);
    else
        printf("%.*s\n", (int)phonemes.size, phonemes.size ? (const char *)phonemes.data : "");
    tb_bytes_free(&phonemes);
}

int main(int argc, char **argv)
{
    struct bench b = { 0 };
    struct tb_error err = { 0 };
    char line[65536];
    enum tb_lang lang;

    if (argc < 3 || tb_tensor_init(NULL, &err) || tb_pool_open(0, &b.pool, &err) ||
        tb_g2p_open(argv[1], argv[2], &b.g2p, &err) || tb_listener_open(argv[1], &b.listener, &err)) {
        fprintf(stderr, "bench_listen MODEL HELPERS [--phonemes]: %s\n", err.text);
        return 2;
    }
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        char *code = argc > 3 ? line : strchr(line, '\t'), *text = NULL;
        if (code && argc <= 3)
            *code++ = 0;
        if (code && (text = strchr(code, '\t')))
            *text++ = 0;
        if (!text || !tb_lang_from_code(tb_str_of(code), &lang))
            printf("error\tno such line\n");
        else if (argc > 3)
            say_phonemes(&b, lang, text);
        else
            compare(&b, line, lang, text);
    }
    free(b.logs);
    tb_listener_close(&b.listener);
    tb_g2p_close(b.g2p);
    tb_pool_close(b.pool);
    return 0;
}
