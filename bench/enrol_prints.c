/* enrol_prints.c - voice prints of many recordings, for tools/adapter/targets.py: the weights are read once.
 *
 *     enrol_prints MODEL_DIR
 *
 * Takes from standard input, again and again, a u32 and as many f32 samples at 24 kHz; gives a u32 and as many bytes of
 * a print to standard output. Zero bytes: no print could be made, and standard error says why. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "engine/kokoro/enrol.h"
#include "tensor/cpu.h"

enum { RATE_HZ = 24000, MOST_SAMPLES = 600 * RATE_HZ };

static void fail(const struct tb_error *err)
{
    fprintf(stderr, "enrol_prints: %s\n", err->text);
}

/* False at the end of the input. */
static bool one(struct tb_kokoro_enroller *enroller, struct tb_error *err)
{
    struct tb_pcm pcm;
    struct tb_bytes print = { 0 };
    uint32_t n;

    if (fread(&n, sizeof n, 1, stdin) != 1 || n > MOST_SAMPLES || tb_pcm_alloc(&pcm, n, RATE_HZ, err))
        return false;
    bool whole = fread(pcm.data, sizeof *pcm.data, n, stdin) == n;
    const struct tb_enrol_request request = { .audio = &pcm, .lang = TB_LANG_EN };
    if (whole && tb_kokoro_enrol(enroller, &request, &print, NULL, err)) {
        fail(err);
        print.size = 0;
    }
    uint32_t size = (uint32_t)print.size;
    whole = whole && fwrite(&size, sizeof size, 1, stdout) == 1 &&
            (!size || fwrite(print.data, 1, size, stdout) == size) && !fflush(stdout);
    tb_bytes_free(&print);
    tb_pcm_free(&pcm);
    return whole;
}

int main(int argc, char **argv)
{
    struct tb_kokoro_enroller *enroller;
    struct tb_error err = { 0 };

    if (argc != 2) {
        fprintf(stderr, "usage: enrol_prints MODEL_DIR\n");
        return 2;
    }
    if (tb_tensor_init(NULL, &err) || tb_kokoro_enroller_open(argv[1], NULL, NULL, &enroller, &err)) {
        fail(&err);
        return 1;
    }
    while (one(enroller, &err))
        ;
    tb_kokoro_enroller_close(enroller);
    return 0;
}
