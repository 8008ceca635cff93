/* quant.h - quantised copies of the language models' matrices: made once, kept in a file, and used in place of the
 * exact ones.
 *
 * The code predictor is held in 4 bits, which reads 15 times for each frame; the talker in 8 or in 4; the heads that
 * make scores in 8. Embeddings, norms, the text projection, the speaker encoder and the codec stay as they are.
 *
 * The file is 4096 bytes of header and then the matrices one after another, each from a multiple of 64 bytes on:
 *     8 bytes  "timbreq3"
 *     u32      version of the layout, which is that of tensor/qmat.h, too; u32 0
 *     u64      key: the weights' stamp, and bits and shape of each matrix
 *     u64      size of the file
 *     u64      sum of all that follows the header
 *     u64      the weights' stamp: their files hold nothing but numbers
 * in the machine's byte order. It is read into memory, for the sake of large pages. One that is cut, damaged, or of
 * other weights is made again. */
#ifndef TB_ENGINE_QWEN3_QUANT_H
#define TB_ENGINE_QWEN3_QUANT_H

#include "engine/qwen3/talker.h"
#include "tensor/qmat.h"

struct tb_q3_quant; /* owns the matrices */

struct tb_q3_quant_config {
    int talker_bits;      /* 8 or 4 */
    uint64_t stamp;       /* tb_q3_model_stamp of what the talker was loaded from, which has been tested for NaN */
    const char *path;     /* of the file; its folder is made if need be. NULL: in memory only */
    struct tb_pool *pool; /* may be NULL */
    void (*progress)(void *ctx, double part); /* while they are made: 0 .. 1; may be NULL */
    void *ctx;
};

/* Read the file or make it, and point the talker's layers to it: tb_linear.few. A file that cannot be written is
 * logged, and the copies are then made in memory at each start. TB_EUNSUPPORTED: a layer too wide. Release with
 * tb_q3_quant_close, after the last use of the talker. */
enum tb_code tb_q3_quant_open(struct tb_q3_talker *talker, const struct tb_q3_quant_config *config,
                              struct tb_q3_quant **out, struct tb_error *err);
/* Was a file of this name made when the weights with this stamp had been tested? */
bool tb_q3_quant_vouches(const char *path, uint64_t stamp);
void tb_q3_quant_close(struct tb_q3_quant *q); /* NULL is fine */
size_t tb_q3_quant_size(const struct tb_q3_quant *q); /* bytes */

#endif
