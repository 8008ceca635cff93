/* quant.c - see quant.h. */
#include "engine/qwen3/quant.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

enum {
    HEADER = 4096,
    LAYOUT = 4,
    LINE = 64,
    HEAD_BITS = 8,
    PREDICTOR_BITS = 4,
    LAYER_MATRICES = 7,
    PANELS = 64,     /* of one part of the pool's job */
    HUGE = 2 << 20,  /* bytes of a huge page */
    PATH = 4096
};

struct header {
    char magic[8];
    uint32_t layout, zero;
    uint64_t key, size, sum, stamp;
};

struct tb_q3_quant {
    struct tb_qmat *mats;
    struct tb_linear **layers; /* of each matrix */
    size_t *at;                /* offset of each in the file */
    int count;
    uint64_t key, stamp;
    uint8_t *base; /* what was mapped: HUGE more bytes than needed */
    uint8_t *data; /* in it, from a huge page on: the file's bytes */
    size_t size;
};

static uint64_t mixed(uint64_t key, uint64_t value)
{
    return ((key ^ value) * 0x9E3779B97F4A7C15ULL) ^ key >> 29;
}

/* Which matrices --------------------------------------------------------------------------------------------------*/

static void add(struct tb_q3_quant *q, struct tb_linear *l, int bits)
{
    if (l->out == 0)
        return;
    q->layers[q->count] = l;
    q->mats[q->count++] = (struct tb_qmat){ .bits = bits, .out = l->out, .in = l->in, .bias = l->bias };
}

static void add_stack(struct tb_q3_quant *q, struct tb_q3_stack *s, int bits)
{
    for (int i = 0; i < s->spec.layers; i++) {
        struct tb_q3_layer *y = &s->layers[i];
        struct tb_linear *all[LAYER_MATRICES] = { &y->q, &y->k, &y->v, &y->o, &y->gate, &y->up, &y->down };

        for (int k = 0; k < LAYER_MATRICES; k++)
            add(q, all[k], bits);
    }
}

/* List all matrices, and where each stands. */
static enum tb_code plan(struct tb_q3_quant *q, struct tb_q3_talker *t, const struct tb_q3_quant_config *c,
                         struct tb_error *err)
{
    int heads = t->config.groups - 1;
    size_t most = (size_t)(LAYER_MATRICES * (t->stack.spec.layers + t->predictor.spec.layers) + heads + 2);

    q->mats = calloc(most, sizeof *q->mats);
    q->layers = calloc(most, sizeof *q->layers);
    q->at = calloc(most, sizeof *q->at);
    if (!q->mats || !q->layers || !q->at)
        return tb_fail(err, TB_ENOMEM, "qwen3: %zu quantised matrices", most);
    add_stack(q, &t->stack, c->talker_bits);
    add(q, &t->head, HEAD_BITS);
    add(q, &t->narrow, HEAD_BITS);
    add_stack(q, &t->predictor, PREDICTOR_BITS);
    for (int i = 0; i < heads; i++)
        add(q, &t->heads[i], HEAD_BITS);
    q->stamp = c->stamp;
    q->key = mixed(c->stamp, LAYOUT);
    q->size = HEADER;
    for (int i = 0; i < q->count; i++) {
        const struct tb_qmat *m = &q->mats[i];
        size_t size;

        if (m->in > TB_QMAT_MOST)
            return tb_fail(err, TB_EUNSUPPORTED, "qwen3: a layer of %d inputs, at most %d", m->in, TB_QMAT_MOST);
        size = (tb_qmat_size(m->bits, m->out, m->in) + LINE - 1) / LINE * LINE;
        q->at[i] = q->size;
        if (tb_add_overflow(q->size, size, &q->size))
            return tb_fail(err, TB_ETOOBIG, "qwen3: quantised matrices of more bytes than can be counted");
        q->key = mixed(mixed(mixed(q->key, (uint64_t)m->bits), (uint64_t)m->out), (uint64_t)m->in);
    }
    return TB_OK;
}

/* Making them -----------------------------------------------------------------------------------------------------*/

struct job {
    const struct tb_linear *from;
    int bits;
    uint8_t *data;
};

static void pack_part(void *ctx, int part)
{
    const struct job *job = ctx;
    int panels = tb_qmat_panels(job->from->out), first = part * PANELS;

    tb_qmat_pack(job->from, job->bits, first, panels - first < PANELS ? panels - first : PANELS, job->data);
}

static uint64_t sum_of(const uint8_t *p, size_t size)
{
    uint64_t part[4] = { 1, 2, 3, 4 };

    for (size_t i = 0; i + sizeof part <= size; i += sizeof part)
        for (int k = 0; k < 4; k++) {
            uint64_t word;

            memcpy(&word, p + i + (size_t)k * sizeof word, sizeof word);
            part[k] = (part[k] ^ word) * 0x100000001B3ULL;
            part[k] ^= part[k] >> 31;
        }
    return mixed(mixed(mixed(part[0], part[1]), part[2]), part[3]);
}

static struct header header_of(const struct tb_q3_quant *q)
{
    struct header h = { .layout = LAYOUT, .key = q->key, .size = q->size, .stamp = q->stamp };

    memcpy(h.magic, "timbreq3", sizeof h.magic);
    h.sum = sum_of(q->data + HEADER, q->size - HEADER);
    return h;
}

static void make(struct tb_q3_quant *q, const struct tb_q3_quant_config *c)
{
    struct header h;

    for (int i = 0; i < q->count; i++) {
        struct job job = { q->layers[i], q->mats[i].bits, q->data + q->at[i] };

        if (c->progress)
            c->progress(c->ctx, (double)q->at[i] / (double)q->size);
        tb_pool_run(c->pool, pack_part, &job, (tb_qmat_panels(q->mats[i].out) + PANELS - 1) / PANELS);
    }
    h = header_of(q);
    memcpy(q->data, &h, sizeof h);
}

/* The file --------------------------------------------------------------------------------------------------------*/

static bool is_ours(const struct header *h, uint64_t stamp)
{
    return !memcmp(h->magic, "timbreq3", sizeof h->magic) && h->layout == LAYOUT && h->stamp == stamp;
}

bool tb_q3_quant_vouches(const char *path, uint64_t stamp)
{
    FILE *f = fopen(path, "rbe");
    struct header h;
    bool ok = f && fread(&h, sizeof h, 1, f) == 1 && is_ours(&h, stamp);

    if (f)
        fclose(f);
    return ok;
}

/* Is it what we would make? */
static bool fits(const struct tb_q3_quant *q)
{
    struct header h;

    memcpy(&h, q->data, sizeof h);
    return is_ours(&h, q->stamp) && h.key == q->key && h.size == q->size &&
           h.sum == sum_of(q->data + HEADER, q->size - HEADER);
}

/* All of the file into memory. */
static bool read_all(struct tb_q3_quant *q, int fd)
{
    for (size_t at = 0; at < q->size;) {
        ssize_t n = read(fd, q->data + at, q->size - at);

        if (n <= 0 && !(n < 0 && errno == EINTR))
            return false;
        at += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool write_all(const struct tb_q3_quant *q, int fd)
{
    for (size_t at = 0; at < q->size;) {
        ssize_t n = write(fd, q->data + at, q->size - at);

        if (n < 0 && errno != EINTR)
            return false;
        at += n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0;
}

/* Read the file if it is there and ours. */
static bool load(struct tb_q3_quant *q, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    bool ok;

    if (fd < 0)
        return false;
    ok = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (uint64_t)info.st_size == q->size && read_all(q, fd) &&
         fits(q);
    close(fd);
    if (!ok)
        tb_log(TB_LOG_WARN, "qwen3-quantised", "why=stale-or-damaged file=%s", path);
    return ok;
}

static void make_folder(const char *path)
{
    char folder[PATH];
    const char *slash = strrchr(path, '/');

    if (!slash || slash == path || slash - path >= PATH)
        return;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = 0;
    mkdir(folder, 0755); /* if it fails, so will the file */
}

/* From the file, or made and put there. Two processes that start at once: the second waits and then finds it. */
static void load_or_make(struct tb_q3_quant *q, const struct tb_q3_quant_config *c)
{
    char part[PATH];
    int fd;

    if (load(q, c->path))
        return;
    if (snprintf(part, sizeof part, "%s.part", c->path) >= (int)sizeof part) {
        make(q, c);
        return;
    }
    make_folder(c->path);
    fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    bool locked = fd >= 0 && flock(fd, LOCK_EX) == 0, named = false;
    if (!locked || !load(q, c->path)) {
        make(q, c);
        named = locked && ftruncate(fd, 0) == 0 && write_all(q, fd) && rename(part, c->path) == 0;
        if (!named)
            tb_log(TB_LOG_WARN, "qwen3-quantised", "why=cannot-write file=%s error=\"%s\"", part, strerror(errno));
    }
    if (fd >= 0 && !named)
        unlink(part);
    if (fd >= 0)
        close(fd);
}

/* Room for all, in huge pages where the system has them: with small ones reading it takes a quarter longer. */
static enum tb_code reserve(struct tb_q3_quant *q, struct tb_error *err)
{
    void *base = mmap(NULL, q->size + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (base == MAP_FAILED)
        return tb_fail(err, TB_ENOMEM, "qwen3: %zu bytes of quantised weights", q->size);
    q->base = base;
    q->data = q->base + (HUGE - (uintptr_t)base % HUGE) % HUGE;
    madvise(q->data, q->size, MADV_HUGEPAGE);
    return TB_OK;
}

enum tb_code tb_q3_quant_open(struct tb_q3_talker *talker, const struct tb_q3_quant_config *config,
                              struct tb_q3_quant **out, struct tb_error *err)
{
    struct tb_q3_quant *q = calloc(1, sizeof *q);
    enum tb_code rc = q ? TB_OK : tb_fail(err, TB_ENOMEM, "qwen3: no memory");

    *out = NULL;
    if (rc || (rc = plan(q, talker, config, err)) || (rc = reserve(q, err))) {
        tb_q3_quant_close(q);
        return rc;
    }
    if (config->path)
        load_or_make(q, config);
    else
        make(q, config);
    for (int i = 0; i < q->count; i++) {
        q->mats[i].data = q->data + q->at[i];
        q->layers[i]->few = &q->mats[i];
    }
    *out = q;
    return TB_OK;
}

void tb_q3_quant_close(struct tb_q3_quant *q)
{
    if (!q)
        return;
    if (q->base)
        munmap(q->base, q->size + HUGE);
    free(q->mats);
    free(q->layers);
    free(q->at);
    free(q);
}

size_t tb_q3_quant_size(const struct tb_q3_quant *q)
{
    return q->size;
}
