/* trials.c - what voice prints sound like on trial (calibrate.h), for tools/adapter/trial.py.
 *
 *     trials MODEL_DIR
 *
 * Takes from standard input, again and again, a print and phonemes, each a u32 and as many bytes, no bytes of phonemes
 * for the trial's own text; gives a u32 and as many f32 samples at 24 kHz to standard output. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "engine/kokoro/calibrate.h"
#include "tensor/cpu.h"

enum { MOST = TB_MAX_PRINT };

static bool take(char *to, uint32_t *n)
{
    if (fread(n, sizeof *n, 1, stdin) != 1 || *n >= MOST || fread(to, 1, *n, stdin) != *n)
        return false;
    to[*n] = 0;
    return true;
}

/* False at the end of the input. */
static bool one(const struct tb_kokoro_model *model, struct tb_pool *pool, struct tb_error *err)
{
    static char bytes[MOST], phonemes[MOST];
    struct tb_kokoro_print print;
    struct tb_pcm said;
    uint32_t size, text;

    if (!take(bytes, &size) || !take(phonemes, &text))
        return false;
    bool whole = !tb_print_read((struct tb_str){ bytes, size }, &print, err) &&
                 !tb_kokoro_trial(model, pool, NULL, &print, text ? phonemes : NULL, &said, err);
    if (!whole) {
        fprintf(stderr, "trials: %s\n", err->text);
        return false;
    }
    uint32_t n = (uint32_t)said.len;
    whole = fwrite(&n, sizeof n, 1, stdout) == 1 && fwrite(said.data, sizeof *said.data, n, stdout) == n &&
            !fflush(stdout);
    tb_pcm_free(&said);
    return whole;
}

int main(int argc, char **argv)
{
    struct tb_kokoro_model *model;
    struct tb_pool *pool;
    struct tb_error err = { 0 };
    char path[4096];

    if (argc != 2) {
        fprintf(stderr, "usage: trials MODEL_DIR\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/kokoro.safetensors", argv[1]);
    if (tb_tensor_init(NULL, &err) || tb_pool_open(0, &pool, &err) || tb_kokoro_model_open(path, &model, &err)) {
        fprintf(stderr, "trials: %s\n", err.text);
        return 1;
    }
    while (one(model, pool, &err))
        ;
    tb_kokoro_model_close(model);
    tb_pool_close(pool);
    return 0;
}
