/* speak_prints.c - many sentences in the voices of many prints, for tools/transcript: the weights are read once.
 *
 *     speak_prints MODEL HELPERS < list    lines "PRINT<tab>LANGUAGE<tab>TEXT", PRINT being a file
 *
 * Gives for each line a u32 and as many f32 samples at 24 kHz to standard output. None: it could not be spoken, and
 * standard error says why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "engine/kokoro/kokoro.h"
#include "tensor/cpu.h"

static bool take(void *ctx, const float *samples, size_t len)
{
    return tb_bytes_add(ctx, samples, len * sizeof *samples) == TB_OK;
}

static enum tb_code read_file(const char *path, struct tb_bytes *out, struct tb_error *err)
{
    FILE *f = fopen(path, "rb");
    char block[4096];
    size_t n = 0;
    enum tb_code rc = TB_OK;

    if (!f)
        return tb_fail(err, TB_EIO, "%s cannot be read", path);
    while (!rc && (n = fread(block, 1, sizeof block, f)) > 0)
        rc = tb_bytes_add(out, block, n);
    fclose(f);
    return rc ? tb_fail(err, rc, "%s", path) : TB_OK;
}

static enum tb_code speak(struct tb_engine *engine, const struct tb_bytes *print, const char *text, enum tb_lang lang,
                          struct tb_bytes *samples, struct tb_error *err)
{
    const struct tb_speak speak = { .rate = 1, .pitch = 1, .whole = true };
    const struct tb_sink sink = { .pcm = take, .ctx = samples };
    struct tb_session *session;
    bool more = true;
    enum tb_code rc = tb_session_open(engine, tb_bytes_str(print), &speak, &session, err);

    if (rc)
        return rc;
    rc = tb_session_text(session, tb_str_of(text), lang, err);
    while (!rc && more)
        rc = tb_session_step(session, &sink, &more, err);
    tb_session_close(session);
    return rc;
}

/* False: standard output is gone. */
static bool one(struct tb_engine *engine, char *line)
{
    struct tb_bytes print = { .cap = TB_MAX_PRINT }, samples = { 0 };
    char *file = strtok(line, "\t\n"), *code = strtok(NULL, "\t\n"), *text = strtok(NULL, "\t\n");
    struct tb_error err = { 0 };
    enum tb_lang lang;
    enum tb_code rc;

    if (!text || !tb_lang_from_code(tb_str_of(code), &lang))
        rc = tb_fail(&err, TB_EINVAL, "no such line");
    else if (!(rc = read_file(file, &print, &err)))
        rc = speak(engine, &print, text, lang, &samples, &err);
    if (rc) {
        fprintf(stderr, "speak_prints: %s\n", err.text);
        samples.size = 0;
    }
    uint32_t n = (uint32_t)(samples.size / sizeof(float));
    bool written = fwrite(&n, sizeof n, 1, stdout) == 1 &&
                   (!n || fwrite(samples.data, sizeof(float), n, stdout) == n) && !fflush(stdout);
    tb_bytes_free(&print);
    tb_bytes_free(&samples);
    return written;
}

int main(int argc, char **argv)
{
    struct tb_engine_config config = { 0 };
    struct tb_engine *engine;
    struct tb_error err = { 0 };
    char line[65536];

    if (argc != 3) {
        fprintf(stderr, "usage: speak_prints MODEL HELPERS < list\n");
        return 2;
    }
    config.model_dir = argv[1];
    config.helper_dir = argv[2];
    if (tb_tensor_init(NULL, &err) || tb_pool_open(0, &config.pool, &err) ||
        tb_engine_open(&tb_kokoro_ops, &config, &engine, &err)) {
        fprintf(stderr, "speak_prints: %s\n", err.text);
        return 1;
    }
    while (fgets(line, sizeof line, stdin) && one(engine, line))
        ;
    tb_engine_close(engine);
    tb_pool_close(config.pool);
    return 0;
}
