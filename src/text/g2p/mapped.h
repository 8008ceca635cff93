/* mapped.h - a whole file mapped read-only: how the dictionaries are held. */
#ifndef TB_TEXT_G2P_MAPPED_H
#define TB_TEXT_G2P_MAPPED_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct tb_mapped {
    const uint8_t *data;
    size_t size;
};

/* TB_EIO: cannot be read; TB_EINVAL: empty or over `most` bytes. Release with tb_mapped_close. */
enum tb_code tb_mapped_open(const char *path, size_t most, struct tb_mapped *out, struct tb_error *err);
/* An empty *m is fine; leaves it empty. */
void tb_mapped_close(struct tb_mapped *m);

#endif
