/* mapped.c - see mapped.h. */
#include "text/g2p/mapped.h"

#include <errno.h>
#include <string.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum tb_code map(int fd, const char *path, size_t most, struct tb_mapped *out, struct tb_error *err)
{
    struct stat st;
    void *data;

    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        return tb_fail(err, TB_EIO, "%s: not a file", path);
    if (st.st_size <= 0 || (uint64_t)st.st_size > most)
        return tb_fail(err, TB_EINVAL, "%s: %lld bytes", path, (long long)st.st_size);
    data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED)
        return tb_fail(err, TB_EIO, "%s: %s", path, strerror(errno));
    *out = (struct tb_mapped){ data, (size_t)st.st_size };
    return TB_OK;
}

enum tb_code tb_mapped_open(const char *path, size_t most, struct tb_mapped *out, struct tb_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum tb_code rc;

    *out = (struct tb_mapped){ 0 };
    if (fd < 0)
        return tb_fail(err, TB_EIO, "%s: %s", path, strerror(errno));
    rc = map(fd, path, most, out, err);
    close(fd);
    return rc;
}

void tb_mapped_close(struct tb_mapped *m)
{
    if (m->data)
        munmap((void *)m->data, m->size);
    *m = (struct tb_mapped){ 0 };
}
