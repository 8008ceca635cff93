/* decoder.c - see decoder.h.
 *
 * All four decode blocks see the same 66 rows (64 of text, pitch, energy) under the 1024 that the block before made,
 * so one array holds both and each block writes over the upper part. */
#include "engine/kokoro/decoder.h"

enum { WIDE = 1024, TEXT = 64 };

enum tb_code tb_kokoro_decoder_run(const struct tb_kokoro_run *run, const struct tb_kokoro_decoder *d,
                                   struct tb_mat text, struct tb_mat f0, struct tb_mat energy,
                                   const struct tb_kokoro_voicing *voicing, struct tb_mat y, struct tb_error *err)
{
    size_t mark = tb_scratch_mark(run->scratch);
    struct tb_mat in, x, hidden;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, TB_KOKORO_WIDTH + 2, text.cols, &in, err)) ||
        (rc = tb_scratch_mat(run->scratch, WIDE + TEXT + 2, text.cols, &x, err)))
        goto done;
    hidden = tb_mat_rows(x, 0, WIDE);
    tb_copy(text, tb_mat_rows(in, 0, TB_KOKORO_WIDTH));
    tb_conv_run(run->pool, &d->f0, f0, NULL, tb_mat_rows(in, TB_KOKORO_WIDTH, 1), NULL);
    tb_conv_run(run->pool, &d->energy, energy, NULL, tb_mat_rows(in, TB_KOKORO_WIDTH + 1, 1), NULL);
    tb_copy(tb_mat_rows(in, TB_KOKORO_WIDTH, 2), tb_mat_rows(x, WIDE + TEXT, 2));
    tb_conv_run(run->pool, &d->text, text, NULL, tb_mat_rows(x, WIDE, TEXT), NULL);
    if ((rc = tb_kokoro_block_run(run, &d->encode, in, voicing[0], hidden, err)))
        goto done;
    tb_kokoro_look(run, "encode", hidden);
    for (int i = 0; i < 4; i++)
        if ((rc = tb_kokoro_block_run(run, &d->decode[i], x, voicing[1 + i], i < 3 ? hidden : y, err)))
            goto done;
    tb_kokoro_look(run, "decode3", y);
done:
    tb_scratch_reset(run->scratch, mark);
    return rc;
}
